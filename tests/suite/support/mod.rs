//! What the rings share: waiting for conditions, a server that misbehaves on demand, a terminal, real servers.

pub(crate) mod alertmanager;
pub(crate) mod disk;
pub(crate) mod fault;
pub(crate) mod mariadb;
pub(crate) mod play;
pub(crate) mod postgres;
pub(crate) mod prometheus;
pub(crate) mod pty;
pub(crate) mod wait;

use std::net::TcpListener;

/// A port that nobody listens on at this moment.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// Asks over HTTP; the answer's body.
pub(crate) async fn get(url: &str) -> Result<String, String> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let answer = reqwest::get(url).await.and_then(reqwest::Response::error_for_status).map_err(|e| e.to_string())?;
    answer.text().await.map_err(|e| e.to_string())
}

/// Settings from a configuration text, with its secrets.
pub(crate) fn settings(text: &str) -> (cabina::engine::Settings, std::sync::Arc<cabina::secrets::Secrets>) {
    let env = std::env::vars().collect();
    let around = cabina::config::Surroundings {
        env: &env,
        read_file: &|p| std::fs::read_to_string(p).map_err(|e| e.to_string()),
        folder: std::path::Path::new("/"),
        zone: Some("UTC".to_owned()),
        login: None,
    };
    let loaded = cabina::config::load(text, &around).unwrap_or_else(|r| panic!("{:#?}\n{text}", r.mistakes));
    let values = loaded.secrets.into_iter().map(|(k, v)| (k, v.into())).collect();
    let hidden = loaded.hidden.into_iter().map(Into::into).collect();
    (loaded.settings, std::sync::Arc::new(cabina::secrets::Secrets::new(values, hidden)))
}
