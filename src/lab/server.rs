//! The pages of the target.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use http_body_util::Full;
use hyper::Method;
use hyper::Request;
use hyper::Response;
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::bus::task;
use crate::lab::load::Load;
use crate::lab::story::Sides;

/// Serves until the runtime ends.
pub(super) async fn run(listener: TcpListener, load: Arc<Load>, sides: Arc<Mutex<Sides>>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let (load, sides) = (Arc::clone(&load), Arc::clone(&sides));
        task::spawn(async move {
            let service = service_fn(move |request| answer(request, Arc::clone(&load), Arc::clone(&sides)));
            // A client that goes away in the middle is no concern of the target.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    load: Arc<Load>,
    sides: Arc<Mutex<Sides>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let conditions = load.counted().conditions;
    let (status, kind, body) = match request.uri().path() {
        path if path.starts_with("/lab/") => lab(request.method(), path, &sides),
        "/metrics" => (StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", load.metrics()),
        "/api/health" | "/api/session-check" | "/api/db-check" if conditions.database_gone => unavailable(),
        "/api/db-check" => {
            if conditions.slow {
                // The database answers, after waiting for a lock.
                tokio::time::sleep(Duration::from_millis(700)).await;
            }
            well()
        }
        "/api/health" | "/api/session-check" => well(),
        _ => (StatusCode::NOT_FOUND, "application/json", "{\"detail\":\"not found\"}".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    if let Ok(kind) = kind.parse() {
        response.headers_mut().insert(CONTENT_TYPE, kind);
    }
    Ok(response)
}

/// What a procedure asks of the target: which version has the traffic, and to give it to the other.
fn lab(method: &Method, path: &str, sides: &Mutex<Sides>) -> (StatusCode, &'static str, String) {
    let mut sides = sides.lock().unwrap_or_else(PoisonError::into_inner);
    match (method, path) {
        (&Method::GET, "/lab/version") => {}
        (&Method::POST, "/lab/previous") => sides.give(true),
        (&Method::POST, "/lab/next") => sides.give(false),
        _ => return (StatusCode::NOT_FOUND, "text/plain", "not found".to_owned()),
    }
    (StatusCode::OK, "text/plain", sides.version().to_owned())
}

fn well() -> (StatusCode, &'static str, String) {
    (StatusCode::OK, "application/json", "{\"status\":\"ok\"}".to_owned())
}

fn unavailable() -> (StatusCode, &'static str, String) {
    (StatusCode::SERVICE_UNAVAILABLE, "application/json", "{\"status\":\"error\",\"detail\":\"database\"}".to_owned())
}
