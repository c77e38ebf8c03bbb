//! `init`: probes what usually answers on a machine like this and writes a commented `cabina.toml`; never overwrites.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::TcpStream;

use crate::app::complain;
use crate::app::config;
use crate::app::exit;
use crate::app::print;
use crate::app::runtime;
use crate::bus::task;
use crate::cli::Cli;
use crate::engine::settings::Endpoint;
use crate::lang::Lang;
use crate::secrets::Secrets;
use crate::sources::http;
use crate::sources::http::Clients;

/// Nobody waits longer than this for a probe.
const PATIENCE: Duration = Duration::from_millis(800);

/// What answered.
#[expect(clippy::struct_excessive_bools, reason = "five independent answers to five independent questions")]
struct Found {
    health: bool,
    metrics: bool,
    prometheus: bool,
    alertmanager: bool,
    mysql: bool,
}

pub(super) fn main(cli: &Cli) -> u8 {
    let lang = config::language();
    let path = cli.config.clone().unwrap_or_else(|| PathBuf::from("cabina.toml"));
    if path.exists() {
        complain(&lang.init_exists(path.display()));
        return exit::USAGE;
    }
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    let found = task::wait(&runtime, probe(lang));
    let text = compose(&found, lang);
    // `create_new`: whoever was quicker keeps their file.
    let written =
        OpenOptions::new().write(true).create_new(true).open(&path).and_then(|mut f| f.write_all(text.as_bytes()));
    match written {
        Ok(()) => {
            print(&format!("{}\n", lang.init_written(path.display())));
            0
        }
        Err(e) => {
            complain(&format!("cabina: {}: {e}", path.display()));
            1
        }
    }
}

async fn probe(lang: Lang) -> Found {
    let (health, metrics, prometheus, alertmanager, mysql) = tokio::join!(
        answers("http://localhost:8000/api/health"),
        answers("http://localhost:8000/metrics"),
        answers("http://localhost:9090/-/ready"),
        answers("http://localhost:9093/-/ready"),
        async {
            tokio::time::timeout(PATIENCE, TcpStream::connect(("localhost", 3306))).await.is_ok_and(|r| r.is_ok())
        },
    );
    let found = Found { health, metrics, prometheus, alertmanager, mysql };
    for (yes, what) in [
        (health, "http://localhost:8000/api/health"),
        (metrics, "http://localhost:8000/metrics"),
        (prometheus, "Prometheus, http://localhost:9090"),
        (alertmanager, "Alertmanager, http://localhost:9093"),
        (mysql, "MySQL, localhost:3306"),
    ] {
        complain(&if yes { lang.init_found(what) } else { lang.init_missing(what) });
    }
    found
}

async fn answers(address: &str) -> bool {
    let endpoint = Endpoint::open("url".to_owned(), address);
    let secrets = Secrets::new([("url".to_owned(), address.to_owned().into())].into(), Vec::new());
    let clients = Clients::single("url", address);
    let get = http::get(&clients, &secrets, &endpoint, "", &[], "*/*", PATIENCE.as_millis() as i64);
    get.await.is_ok_and(|a| a.status() < 400)
}

/// The file: what answered is switched on, the rest stands there as a comment.
fn compose(found: &Found, lang: Lang) -> String {
    let (es, en) = (include_str!("init.es.toml"), include_str!("init.en.toml"));
    let template = if lang == Lang::Es { es } else { en };
    let parts = [
        ("HEALTH", found.health),
        ("METRICS", found.metrics && !found.prometheus),
        ("PROMETHEUS", found.prometheus),
        ("ALERTMANAGER", found.alertmanager),
        ("MYSQL", found.mysql),
    ];
    let mut out = String::new();
    for line in template.lines() {
        // `@HEALTH@ key = value`: a line that is on when its part answered.
        let marked = parts.iter().find_map(|(name, on)| Some((line.strip_prefix(&format!("@{name}@ "))?, *on)));
        match marked {
            Some((line, true)) => out.push_str(line),
            Some((line, false)) => {
                out.push_str("# ");
                out.push_str(line);
            }
            None => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Surroundings;
    use std::collections::BTreeMap;
    use std::path::Path;

    #[test]
    fn whatever_answered_the_file_is_right() {
        for lang in [Lang::Es, Lang::En] {
            for bits in 0..32u8 {
                let on = |i: u8| bits & (1 << i) != 0;
                let found =
                    Found { health: on(0), metrics: on(1), prometheus: on(2), mysql: on(3), alertmanager: on(4) };
                let text = compose(&found, lang);
                let env = BTreeMap::from([("DB_PASSWORD".to_owned(), "x".to_owned())]);
                let around = Surroundings {
                    env: &env,
                    read_file: &|_| Err(String::new()),
                    folder: Path::new("/"),
                    zone: None,
                    login: None,
                };
                let loaded = crate::config::load(&text, &around).unwrap_or_else(|e| panic!("{:?}\n{text}", e.mistakes));
                assert_eq!(loaded.settings.checks.len(), usize::from(found.health) + usize::from(found.mysql));
                assert_eq!(loaded.settings.sessions.is_some(), found.mysql);
                assert_eq!(loaded.not_yet, Vec::<String>::new());
            }
        }
    }
}
