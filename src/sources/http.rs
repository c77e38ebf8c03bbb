//! One way to ask over HTTP: no redirects, no proxies from the environment, bounded bodies, and errors that say what
//! is wrong.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use reqwest::Response;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::sync::Semaphore;
use tokio::sync::SemaphorePermit;
use url::Url;

use crate::bus;
use crate::engine::Settings;
use crate::engine::settings::Endpoint;
use crate::engine::settings::ProbeSpec;
use crate::engine::settings::SecretId;
use crate::model::signal::Absence;
use crate::model::text::clean;
use crate::model::time::Millis;
use crate::secrets::Secrets;
use crate::sources::cookies::Jar;
use crate::sources::names::Names;

/// The largest answer that is read: the exposition of some hundred thousand series.
pub const BODY_LIMIT: u64 = 16 * 1024 * 1024;

/// The clients, one for each set of trusted certificates: checks share connections.
#[derive(Default)]
pub struct Clients {
    by_ca: BTreeMap<Option<PathBuf>, Result<Client, Absence>>,
    /// Addresses by the name of their secret, read once: a poll is too often for that.
    urls: BTreeMap<SecretId, Url>,
}

impl Clients {
    /// Builds what the settings need. Reads files: not for the thread that draws.
    #[must_use]
    pub fn new(settings: &Settings, secrets: &Secrets) -> Self {
        let checks = settings.checks.iter().chain(&settings.neutral).filter_map(|c| match &c.probe {
            ProbeSpec::Http(e) => Some(e),
            _ => None,
        });
        let figures = settings
            .prometheus
            .iter()
            .map(|p| &p.endpoint)
            .chain(settings.scrapes.iter().map(|s| &s.endpoint))
            .chain(settings.alertmanagers.iter().map(|a| &a.endpoint));
        let endpoints: Vec<&Endpoint> = checks.chain(figures).collect();
        // Without a single https address the machine's certificates need not be read (megabytes of memory).
        let any_tls = endpoints.iter().any(|e| e.shown.starts_with("https"));
        let mut this = Self::default();
        for endpoint in endpoints {
            let client = this.by_ca.entry(endpoint.ca_file.clone());
            client.or_insert_with(|| build(endpoint.ca_file.as_deref(), any_tls));
            if let Ok(url) = Url::parse(secrets.get(&endpoint.url)) {
                this.urls.insert(endpoint.url.clone(), url);
            }
        }
        this
    }

    /// A client for one address outside any configuration (`scrape`, `doctor`, `init`).
    #[must_use]
    pub fn single(id: &str, url: &str) -> Self {
        let by_ca = BTreeMap::from([(None, build(None, url.starts_with("https")))]);
        Self { by_ca, urls: Url::parse(url).map(|url| BTreeMap::from([(id.to_owned(), url)])).unwrap_or_default() }
    }

    /// The client that an endpoint is asked with.
    ///
    /// # Errors
    /// Why it could not be built: its CA file is missing, for instance.
    pub fn of(&self, endpoint: &Endpoint) -> Result<&Client, Absence> {
        match self.by_ca.get(&endpoint.ca_file) {
            Some(Ok(client)) => Ok(client),
            Some(Err(why)) => Err(why.clone()),
            None => Err(Absence::Failed("no HTTP client".to_owned())),
        }
    }
}

fn build(ca: Option<&Path>, tls: bool) -> Result<Client, Absence> {
    let roots = if tls || ca.is_some() { roots(ca)? } else { RootCertStore::empty() };
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| Absence::Tls(clean(&e.to_string())))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(config)
        .http1_only()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .dns_resolver(Names)
        .tcp_nodelay(true)
        // Longer than the longest usual interval, so that a poll finds its connection again.
        .pool_idle_timeout(Duration::from_mins(2))
        .user_agent(concat!("cabina/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|e| Absence::Failed(clean(&chain(&e))))
}

/// The machine's certificates, and those of a file.
///
/// # Errors
/// The file cannot be read or holds no certificate.
pub fn roots(ca: Option<&Path>) -> Result<RootCertStore, Absence> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = ca {
        let shown = path.display();
        let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let certs = read.map_err(|e| Absence::Tls(clean(&format!("{shown}: {e}"))))?;
        if certs.is_empty() {
            return Err(Absence::Tls(clean(&format!("{shown} holds no certificate"))));
        }
        roots.add_parsable_certificates(certs);
    }
    Ok(roots)
}

/// A body above this is read on a thread of its own.
const ASIDE: usize = 256 * 1024;
/// A body above this waits for its turn.
const LARGE: usize = 1024 * 1024;
/// Of large bodies one is held at a time: a server that answers every question with sixteen megabytes costs them once.
static TURNS: Semaphore = Semaphore::const_new(1);

/// A body, until it was made something of.
pub struct Body {
    bytes: Vec<u8>,
    /// Held as long as the body is, where that is large.
    turn: Option<SemaphorePermit<'static>>,
}

impl std::ops::Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Body {
    /// Makes something of it; of a large one on a thread of its own, so that other pollers go on.
    ///
    /// # Errors
    /// Those of `read`.
    pub async fn made<T: Send + 'static>(
        self,
        read: impl FnOnce(&[u8]) -> Result<T, Absence> + Send + 'static,
    ) -> Result<T, Absence> {
        if self.len() < ASIDE {
            return read(&self);
        }
        let done = tokio::task::spawn_blocking(move || read(&self)).await;
        done.unwrap_or_else(|e| Err(Absence::Failed(clean(&e.to_string()))))
    }
}

/// An answer, head first: the body is still to be read.
pub struct Answer {
    response: Response,
}

impl Answer {
    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// A header as text; empty when it is missing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.response.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }

    /// What it wants to be sent back.
    pub fn cookies(&self) -> impl Iterator<Item = &str> {
        self.response.headers().get_all("set-cookie").iter().filter_map(|v| v.to_str().ok())
    }

    /// The server's clock minus ours, in ms, by its `Date` header: good to a second.
    #[must_use]
    pub fn skew(&self) -> Option<Millis> {
        let date = chrono::DateTime::parse_from_rfc2822(self.header("date")).ok()?;
        // The header has no fractions: on average it stands half a second before the truth.
        Some(date.timestamp_millis() + 500 - bus::now().wall)
    }

    /// The body, up to a limit.
    ///
    /// # Errors
    /// `TooLarge` past the limit, `Broken` when it does not come whole.
    pub async fn body(mut self, limit: u64) -> Result<Body, Absence> {
        let length = self.response.content_length();
        if length.is_some_and(|n| n > limit) {
            return Err(Absence::TooLarge(limit));
        }
        let mut body = Body { bytes: Vec::new(), turn: None };
        while let Some(chunk) = self.response.chunk().await.map_err(|e| absence(&e, 0))? {
            let long = body.bytes.len() + chunk.len();
            if long as u64 > limit {
                return Err(Absence::TooLarge(limit));
            }
            if long > LARGE && body.turn.is_none() {
                body.turn = TURNS.acquire().await.ok();
                // Grown piece by piece it would be held twice while it grows.
                let whole = length.and_then(|n| usize::try_from(n).ok()).unwrap_or(8 * LARGE);
                body.bytes.reserve_exact(whole.saturating_sub(body.bytes.len()));
            }
            body.bytes.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// Hands on the body piece by piece as it arrives, up to a limit.
    ///
    /// # Errors
    /// `TooLarge` past the limit, `Broken` when it does not come whole.
    pub async fn each(mut self, limit: u64, mut take: impl FnMut(&[u8])) -> Result<(), Absence> {
        if self.response.content_length().is_some_and(|n| n > limit) {
            return Err(Absence::TooLarge(limit));
        }
        let mut long = 0;
        while let Some(chunk) = self.response.chunk().await.map_err(|e| absence(&e, 0))? {
            long += chunk.len() as u64;
            if long > limit {
                return Err(Absence::TooLarge(limit));
            }
            take(&chunk);
        }
        Ok(())
    }

    /// The beginning of the body: what lies past the limit is not read, and not missed.
    ///
    /// # Errors
    /// `Broken` when it does not come whole up to the limit.
    pub async fn beginning(mut self, limit: usize) -> Result<Vec<u8>, Absence> {
        let mut body = Vec::new();
        while let Some(chunk) = self.response.chunk().await.map_err(|e| absence(&e, 0))? {
            body.extend_from_slice(&chunk);
            if body.len() >= limit {
                body.truncate(limit);
                break;
            }
        }
        Ok(body)
    }
}

/// Asks an endpoint; `add` is appended to its path, `query` to its parameters.
///
/// # Errors
/// Why there is no answer.
pub async fn get(
    clients: &Clients,
    secrets: &Secrets,
    endpoint: &Endpoint,
    add: &str,
    query: &[(&str, &str)],
    accept: &str,
    timeout: Millis,
) -> Result<Answer, Absence> {
    let (client, url) = whither(clients, endpoint, add, query)?;
    let request = client.get(url).header("Accept", accept);
    send(request, secrets, endpoint, timeout).await
}

/// Asks an endpoint as a browser would, with what it wanted to be sent back.
///
/// # Errors
/// Why there is no answer.
pub async fn visit(
    clients: &Clients,
    secrets: &Secrets,
    endpoint: &Endpoint,
    jar: &mut Jar,
    timeout: Millis,
) -> Result<Answer, Absence> {
    let (client, url) = whither(clients, endpoint, "", &[])?;
    let mut request = client.get(url).header("Accept", "*/*");
    if let Some(cookies) = jar.header() {
        request = request.header("Cookie", cookies);
    }
    let answer = send(request, secrets, endpoint, timeout).await?;
    jar.take(answer.cookies());
    Ok(answer)
}

/// Sends a JSON body to an endpoint; `add` is appended to its path.
///
/// # Errors
/// Why there is no answer.
pub async fn post(
    clients: &Clients,
    secrets: &Secrets,
    endpoint: &Endpoint,
    add: &str,
    body: String,
    timeout: Millis,
) -> Result<Answer, Absence> {
    let (client, url) = whither(clients, endpoint, add, &[])?;
    let request = client.post(url).header("Accept", "application/json").header("Content-Type", "application/json");
    send(request.body(body), secrets, endpoint, timeout).await
}

/// Deletes something of an endpoint; `add` is appended to its path.
///
/// # Errors
/// Why there is no answer.
pub async fn delete(
    clients: &Clients,
    secrets: &Secrets,
    endpoint: &Endpoint,
    add: &str,
    timeout: Millis,
) -> Result<Answer, Absence> {
    let (client, url) = whither(clients, endpoint, add, &[])?;
    send(client.delete(url), secrets, endpoint, timeout).await
}

fn whither<'a>(
    clients: &'a Clients,
    endpoint: &Endpoint,
    add: &str,
    query: &[(&str, &str)],
) -> Result<(&'a Client, Url), Absence> {
    let client = clients.of(endpoint)?;
    let mut url = clients
        .urls
        .get(&endpoint.url)
        .cloned()
        .ok_or_else(|| Absence::Failed("the address cannot be read".to_owned()))?;
    if !add.is_empty() {
        let path = format!("{}{add}", url.path().trim_end_matches('/'));
        url.set_path(&path);
    }
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok((client, url))
}

async fn send(
    request: reqwest::RequestBuilder,
    secrets: &Secrets,
    endpoint: &Endpoint,
    timeout: Millis,
) -> Result<Answer, Absence> {
    let mut request = request.timeout(Duration::from_millis(timeout.max(1) as u64));
    if let Some(name) = &endpoint.bearer {
        request = request.bearer_auth(secrets.get(name));
    }
    if let Some(name) = &endpoint.basic {
        let pair = secrets.get(name);
        let (user, password) = pair.split_once(':').unwrap_or((pair, ""));
        request = request.basic_auth(user, Some(password));
    }
    for (header, name) in &endpoint.headers {
        request = request.header(header, secrets.get(name));
    }
    let response = request.send().await.map_err(|e| absence(&e, timeout))?;
    Ok(Answer { response })
}

/// What went wrong, as a reason. `Display` of the error itself says only "error sending request".
#[must_use]
pub fn absence(error: &reqwest::Error, timeout: Millis) -> Absence {
    if error.is_timeout() {
        return Absence::Timeout(timeout);
    }
    let mut source: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(e) = source {
        if let Some(tls) = e.downcast_ref::<rustls::Error>() {
            return Absence::Tls(crate::sources::tls::explain(tls));
        }
        if let Some(io) = e.downcast_ref::<io::Error>() {
            if let Some(tls) = tls_within(io) {
                return Absence::Tls(crate::sources::tls::explain(tls));
            }
            if let Some(why) = of_io(io) {
                return why;
            }
        }
        if e.to_string().starts_with("dns error") {
            return Absence::Dns;
        }
        source = e.source();
    }
    if error.is_body() || error.is_decode() {
        return Absence::Broken;
    }
    let text = chain(error);
    if text.contains("connection closed") || text.contains("reset") || text.contains("incomplete") {
        return Absence::Broken;
    }
    if text.contains("invalid HTTP") || text.contains("invalid header") {
        return Absence::Malformed("not HTTP".to_owned());
    }
    Absence::Failed(clean(&text))
}

/// The TLS error inside an I/O error, however often it was wrapped.
fn tls_within(mut error: &io::Error) -> Option<&rustls::Error> {
    loop {
        let inner = error.get_ref()?;
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        error = inner.downcast_ref::<io::Error>()?;
    }
}

/// The reasons behind an I/O error, where there is a word for them.
#[must_use]
pub fn of_io(error: &io::Error) -> Option<Absence> {
    Some(match error.kind() {
        io::ErrorKind::ConnectionRefused => Absence::Refused,
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Absence::Broken,
        io::ErrorKind::TimedOut => Absence::Timeout(0),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Absence::Failed("no route to the host".to_owned())
        }
        _ => return None,
    })
}

/// The innermost sentence of a chain of errors, without the URL.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(e) = source {
        text = e.to_string();
        source = e.source();
    }
    text
}
