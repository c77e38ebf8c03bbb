//! Names of hosts, and the addresses behind them. The system's resolver may hang for minutes, and a thread that waits in
//! it cannot be called back: each name has one, whoever asks for it and however often, and the end of the program waits
//! for none.

use std::collections::HashMap;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::net::ToSocketAddrs as _;
use std::sync::LazyLock;
use std::sync::Mutex;
use std::sync::PoisonError;

use reqwest::dns::Addrs;
use reqwest::dns::Name;
use reqwest::dns::Resolve;
use reqwest::dns::Resolving;
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::bus;
use crate::model::signal::Absence;
use crate::model::text::clean;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::sources::http;

/// An answer serves everybody for so long; the system's own cache lies behind it.
const FRESH: Millis = 5 * SECOND;
/// Names that are waited for at once: each is a thread.
const THREADS: usize = 64;
/// Names that are remembered; more than any configuration has.
const KNOWN: usize = 4_096;
/// The stack of a thread that only waits.
const STACK: usize = 256 * 1024;

/// What came of a question; `None` while it is under way.
type Told = Option<Option<Vec<IpAddr>>>;

#[derive(Debug)]
struct Asked {
    told: watch::Receiver<Told>,
    at: Millis,
}

static NAMES: LazyLock<Mutex<HashMap<String, Asked>>> = LazyLock::new(Mutex::default);

/// The addresses of a host. It is waited for without end: whoever asks has a time limit of their own.
///
/// # Errors
/// `Dns` where nobody knows it.
pub async fn resolve(host: &str) -> Result<Vec<IpAddr>, Absence> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = bare.parse() {
        return Ok(vec![ip]);
    }
    let mut told = asked(bare)?;
    let answer = told.wait_for(Option::is_some).await.map_err(|_| Absence::Dns)?.clone();
    answer.flatten().filter(|all| !all.is_empty()).ok_or(Absence::Dns)
}

/// The question for a host that is under way or was answered just now, or a new one.
fn asked(host: &str) -> Result<watch::Receiver<Told>, Absence> {
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let now = bus::now().mono;
    if let Some(known) = names.get(host) {
        let under_way = known.told.borrow().is_none() && known.told.has_changed().is_ok();
        let good = known.told.borrow().as_ref().is_some_and(Option::is_some);
        if under_way || good && now - known.at < FRESH {
            return Ok(known.told.clone());
        }
    }
    if names.values().filter(|n| n.told.borrow().is_none()).count() >= THREADS {
        return Err(Absence::Failed("too many names are being looked up".to_owned()));
    }
    if names.len() >= KNOWN {
        names.retain(|_, n| n.told.borrow().is_none());
    }
    let (tell, told) = watch::channel(None);
    let name = host.to_owned();
    let thread = std::thread::Builder::new().name("name".to_owned()).stack_size(STACK);
    let begun = thread.spawn(move || {
        let found = (name.as_str(), 0).to_socket_addrs().ok();
        let mut all: Option<Vec<IpAddr>> = found.map(|all| all.map(|a| a.ip()).collect());
        if let Some(all) = &mut all {
            let mut seen = Vec::new();
            all.retain(|ip| {
                !seen.contains(ip) && {
                    seen.push(*ip);
                    true
                }
            });
        }
        let _ = tell.send(Some(all));
    });
    begun.map_err(|e| Absence::Failed(clean(&e.to_string())))?;
    names.insert(host.to_owned(), Asked { told: told.clone(), at: now });
    Ok(told)
}

/// Connects to a port of a host: to each of its addresses, until one answers.
///
/// # Errors
/// Why none of them did.
pub async fn connect(host: &str, port: u16) -> Result<TcpStream, Absence> {
    let mut failed = Absence::Dns;
    for ip in resolve(host).await? {
        match TcpStream::connect(SocketAddr::new(ip, port)).await {
            Ok(stream) => return Ok(stream),
            Err(e) => failed = http::of_io(&e).unwrap_or_else(|| Absence::Failed(clean(&e.to_string()))),
        }
    }
    Err(failed)
}

/// The same for clients of HTTP.
#[derive(Clone, Copy, Debug)]
pub struct Names;

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = resolve(name.as_str()).await.map_err(|_| std::io::Error::other("nobody knows this name"))?;
            let addresses: Addrs = Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_is_its_own_and_a_name_is_asked_for_once() {
        assert_eq!(resolve("127.0.0.1").await.unwrap(), ["127.0.0.1".parse::<IpAddr>().unwrap()]);
        assert_eq!(resolve("[::1]").await.unwrap(), ["::1".parse::<IpAddr>().unwrap()]);
        assert!(resolve("localhost").await.unwrap().iter().all(IpAddr::is_loopback));
        let first = asked("localhost").unwrap();
        assert!(first.same_channel(&asked("localhost").unwrap()));
        assert_eq!(resolve("no-such-name.invalid").await, Err(Absence::Dns));
    }
}
