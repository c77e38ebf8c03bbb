//! Health checks: http, tcp, tls, dns, command. A failure is a finding here, not an error.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process_group;
use serde_json_path::JsonPath;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::Instant;

use crate::engine::Kind;
use crate::engine::settings::CheckSpec;
use crate::engine::settings::Endpoint;
use crate::engine::settings::Expect;
use crate::engine::settings::Op;
use crate::engine::settings::ProbeSpec;
use crate::model::health::Outcome;
use crate::model::health::Probe;
use crate::model::signal::Absence;
use crate::model::text::clean;
use crate::model::text::fit;
use crate::model::time::Millis;
use crate::secrets::Secrets;
use crate::sources::cookies::Jar;
use crate::sources::http;
use crate::sources::http::Clients;
use crate::sources::names;
use crate::sources::poll::Round;
use crate::sources::poll::Source;
use crate::sources::tls;

/// The most of a body that expectations look at: a health page is small, and a checker is no download.
const BODY: usize = 1024 * 1024;
/// The most of a command's output that is shown.
const OUTPUT: u64 = 4 * 1024;
/// A certificate that ends sooner is told about, unless the check says otherwise.
const CERTIFICATE_DAYS: i64 = 14;
/// How often a certificate beside an http check is looked at: it changes with deploys, not with polls.
const CERTIFICATE_EVERY: Duration = Duration::from_mins(10);

/// One check.
pub struct Checker {
    spec: CheckSpec,
    clients: Arc<Clients>,
    secrets: Arc<Secrets>,
    certificate: Option<(Instant, tls::Shown)>,
    /// What its server wants to be sent back.
    jar: Jar,
}

/// What a probe learned before expectations are held against it.
#[derive(Default)]
struct Facts {
    status: Option<u16>,
    body: Option<Vec<u8>>,
    latency: Millis,
    detail: String,
    certificate: Option<tls::Shown>,
}

impl Checker {
    /// A check that shares clients with the others.
    #[must_use]
    pub fn new(spec: CheckSpec, clients: &Arc<Clients>, secrets: &Arc<Secrets>) -> Self {
        Self {
            spec,
            clients: Arc::clone(clients),
            secrets: Arc::clone(secrets),
            certificate: None,
            jar: Jar::default(),
        }
    }

    /// Probes once.
    pub async fn probe(&mut self) -> Probe {
        let timeout = Duration::from_millis(self.spec.timeout.max(1) as u64);
        let start = Instant::now();
        let facts = match tokio::time::timeout(timeout, self.facts(start)).await {
            Ok(facts) => facts,
            Err(_) => Err(Absence::Timeout(self.spec.timeout)),
        };
        match facts {
            Ok(facts) => self.without_secrets(judge(&self.spec, &facts)),
            Err(why) => self.failed(why).await,
        }
    }

    /// A failure; one of TLS still says when the certificate ends.
    async fn failed(&mut self, why: Absence) -> Probe {
        let mut certificate = None;
        if let (Absence::Tls(_), ProbeSpec::Http(endpoint)) = (&why, &self.spec.probe) {
            let endpoint = endpoint.clone();
            let look = self.certificate_of(&endpoint);
            certificate = tokio::time::timeout(Duration::from_secs(2), look).await.ok().flatten();
        }
        let days = certificate.map(|c| c.days);
        Probe {
            outcome: Outcome::Absent(self.redacted(why)),
            latency: None,
            detail: String::new(),
            cert_days: days,
            cert_soon: false,
        }
    }

    /// What is told about a probe holds no secret, even where an expectation names one.
    fn without_secrets(&self, mut probe: Probe) -> Probe {
        let clean = |text: &str| self.secrets.redact(text);
        probe.outcome = match probe.outcome {
            Outcome::Slow(seen, wanted) => Outcome::Slow(clean(&seen), clean(&wanted)),
            Outcome::Unexpected(seen, wanted) => Outcome::Unexpected(clean(&seen), clean(&wanted)),
            other => other,
        };
        probe.detail = clean(&probe.detail);
        probe
    }

    fn redacted(&self, why: Absence) -> Absence {
        match why {
            Absence::Failed(text) => Absence::Failed(self.secrets.redact(&text)),
            other => other,
        }
    }

    async fn facts(&mut self, start: Instant) -> Result<Facts, Absence> {
        let mut facts = match self.spec.probe.clone() {
            ProbeSpec::Http(endpoint) => self.http(&endpoint, start).await?,
            ProbeSpec::Tcp { host, port } => tcp(&host, port).await?,
            ProbeSpec::Tls { host, port, ca_file } => {
                let shown = tls::probe(&host, port, tls::roots(ca_file.as_deref()).await?).await?;
                Facts { detail: shown.subject.clone(), certificate: Some(shown), ..Facts::default() }
            }
            ProbeSpec::Dns { name } => dns(&name).await?,
            ProbeSpec::Command { line, .. } => {
                let secrets = Arc::clone(&self.secrets);
                self.command(secrets.get(&line)).await?
            }
        };
        if facts.latency == 0 {
            facts.latency = start.elapsed().as_millis() as Millis;
        }
        Ok(facts)
    }

    async fn http(&mut self, endpoint: &Endpoint, start: Instant) -> Result<Facts, Absence> {
        let (clients, timeout) = (Arc::clone(&self.clients), self.spec.timeout);
        let answer = http::visit(&clients, &self.secrets, endpoint, &mut self.jar, timeout).await?;
        let status = answer.status();
        let wants_body = self.spec.expect.iter().any(|e| matches!(e, Expect::BodyContains(_) | Expect::Json { .. }));
        let limit = if wants_body { BODY } else { 64 * 1024 };
        let body = answer.beginning(limit).await?;
        let latency = (start.elapsed().as_millis() as Millis).max(1);
        let wants_certificate = self.spec.expect.iter().any(|e| matches!(e, Expect::CertDays(..)));
        let certificate = if wants_certificate { self.certificate_of(endpoint).await } else { None };
        Ok(Facts { status: Some(status), body: Some(body), latency, detail: format!("HTTP {status}"), certificate })
    }

    /// The certificate of an https address, looked at now and then.
    async fn certificate_of(&mut self, endpoint: &Endpoint) -> Option<tls::Shown> {
        if let Some((_, shown)) = self.certificate.as_ref().filter(|(at, _)| at.elapsed() < CERTIFICATE_EVERY) {
            return Some(shown.clone());
        }
        let url = url::Url::parse(self.secrets.get(&endpoint.url)).ok().filter(|u| u.scheme() == "https")?;
        let roots = tls::roots(endpoint.ca_file.as_deref()).await.ok()?;
        let shown = tls::probe(url.host_str()?, url.port_or_known_default()?, roots).await.ok()?;
        self.certificate = Some((Instant::now(), shown.clone()));
        Some(shown)
    }

    async fn command(&self, line: &str) -> Result<Facts, Absence> {
        let mut child = Command::new("sh")
            .args(["-c", line])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| Absence::Failed(clean(&format!("sh: {e}"))))?;
        // A command that is given up takes its children with it.
        let mut group = Group(child.id());
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let read = async {
            if let Some(pipe) = stdout {
                keep_beginning(pipe, &mut out).await;
            }
        };
        let read_err = async {
            if let Some(pipe) = stderr {
                keep_beginning(pipe, &mut err).await;
            }
        };
        let (status, (), ()) = tokio::join!(child.wait(), read, read_err);
        group.0 = None;
        let status = status.map_err(|e| Absence::Failed(clean(&e.to_string())))?;
        let text = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            fit(&clean(&self.secrets.redact(text.lines().next().unwrap_or_default())), 80)
        };
        if status.success() {
            return Ok(Facts { detail: text(&out), body: Some(out), ..Facts::default() });
        }
        let said = if err.is_empty() { text(&out) } else { text(&err) };
        let how = status.code().map_or_else(|| status.to_string(), |c| format!("exit {c}"));
        Err(Absence::Failed(if said.is_empty() { how } else { format!("{how}: {said}") }))
    }
}

/// Keeps the beginning of an output and lets the rest go by: a pipe that closes early would end the command itself.
async fn keep_beginning(mut pipe: impl AsyncRead + Unpin, kept: &mut Vec<u8>) {
    let _ = (&mut pipe).take(OUTPUT).read_to_end(kept).await;
    let _ = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
}

/// Kills a process group when it goes out of scope.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0.and_then(|id| Pid::from_raw(id as i32)) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

async fn tcp(host: &str, port: u16) -> Result<Facts, Absence> {
    let stream = names::connect(host, port).await?;
    let peer = stream.peer_addr().map(|a| a.to_string()).unwrap_or_default();
    Ok(Facts { detail: peer, ..Facts::default() })
}

async fn dns(name: &str) -> Result<Facts, Absence> {
    let addresses: Vec<String> = names::resolve(name).await?.iter().map(ToString::to_string).collect();
    Ok(Facts { detail: fit(&addresses.join(" "), 80), ..Facts::default() })
}

/// Holds what was learned against what is expected.
fn judge(spec: &CheckSpec, facts: &Facts) -> Probe {
    let latency = Some(facts.latency);
    let cert_days = facts.certificate.as_ref().map(|c| c.days);
    let mut probe =
        Probe { outcome: Outcome::Good, latency, detail: facts.detail.clone(), cert_days, cert_soon: false };
    // A certificate that a browser would refuse is a failure of a tls check.
    if let (ProbeSpec::Tls { .. }, Some(fault)) =
        (&spec.probe, facts.certificate.as_ref().and_then(|c| c.fault.clone()))
    {
        probe.outcome = Outcome::Absent(Absence::Tls(fault));
    }
    // By default a certificate is told about a fortnight before it ends.
    let names_days = spec.expect.iter().any(|e| matches!(e, Expect::CertDays(..)));
    probe.cert_soon = !names_days && cert_days.is_some_and(|d| d < CERTIFICATE_DAYS);
    let names_status = spec.expect.iter().any(|e| matches!(e, Expect::Status(..)));
    if let Some(status) = facts.status.filter(|s| !names_status && !(200..300).contains(s)) {
        probe.outcome = Outcome::Absent(Absence::Status(status));
    }
    for expect in &spec.expect {
        match broken(expect, facts) {
            Some(Broken::Slow(wanted)) if probe.outcome == Outcome::Good => {
                probe.outcome = Outcome::Slow(format!("{}, {} ms", facts.detail, facts.latency), wanted);
            }
            Some(Broken::CertificateSoon) => probe.cert_soon = true,
            Some(Broken::Because(seen, wanted)) if !probe.outcome.failed() => {
                probe.outcome = Outcome::Unexpected(seen, wanted);
            }
            _ => {}
        }
    }
    probe
}

enum Broken {
    Slow(String),
    CertificateSoon,
    /// What was seen, what was expected.
    Because(String, String),
}

fn broken(expect: &Expect, facts: &Facts) -> Option<Broken> {
    let detail = || facts.detail.clone();
    match expect {
        Expect::Status(op, wanted) => {
            let status = facts.status?;
            (!op.holds(&status, wanted)).then(|| Broken::Because(detail(), format!("status {} {wanted}", op.sign())))
        }
        Expect::Latency(op, wanted) => {
            (!op.holds(&facts.latency, wanted)).then(|| Broken::Slow(format!("latency {} {wanted} ms", op.sign())))
        }
        Expect::CertDays(op, wanted) => {
            let days = facts.certificate.as_ref()?.days;
            (!op.holds(&days, wanted)).then_some(Broken::CertificateSoon)
        }
        Expect::BodyContains(wanted) => {
            let body = facts.body.as_deref().unwrap_or_default();
            let found = memchr::memmem::find(body, wanted.as_bytes()).is_some();
            (!found).then(|| Broken::Because(detail(), format!("body contains {:?}", fit(&clean(wanted), 30))))
        }
        Expect::Json { path, op, value } => {
            let seen = json(facts, path, *op, value).err()?;
            Some(Broken::Because(format!("{}, {seen}", facts.detail), format!("json {path} {} {value}", op.sign())))
        }
    }
}

/// Holds a JSON body against an expectation; the error says what was seen instead.
fn json(facts: &Facts, path: &str, op: Op, wanted: &str) -> Result<(), String> {
    let body = facts.body.as_deref().unwrap_or_default();
    let document: serde_json::Value = serde_json::from_slice(body).map_err(|_| "no JSON".to_owned())?;
    let query = JsonPath::parse(path).map_err(|_| path.to_owned())?;
    let Some(found) = query.query(&document).first() else {
        return Err(format!("no {path}"));
    };
    let text = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
    let holds = match (text.parse::<f64>(), wanted.parse::<f64>()) {
        (Ok(a), Ok(b)) => op.holds(&a, &b),
        _ => op.holds(&text.as_str(), &wanted),
    };
    if holds { Ok(()) } else { Err(format!("{path} = {}", fit(&clean(&text), 30))) }
}

impl Source for Checker {
    async fn ask(&mut self) -> Round {
        let probe = self.probe().await;
        let failed = probe.outcome.failed();
        Round { kinds: vec![Kind::Probed { check: self.spec.name.clone(), probe }], failed }
    }

    fn overdue(&mut self, after: Millis) -> Option<Kind> {
        let outcome = Outcome::Absent(Absence::Timeout(after));
        let probe = Probe { outcome, latency: None, detail: String::new(), cert_days: None, cert_soon: false };
        Some(Kind::Probed { check: self.spec.name.clone(), probe })
    }
}
