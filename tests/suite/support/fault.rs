//! A server on loopback that answers, hangs, lies, drowns or dies, as a test asks.

use std::sync::Arc;
use std::sync::Mutex;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// What the server does with a request.
#[derive(Clone)]
pub(crate) enum Manner {
    /// Answers these bytes: head and body.
    Say(Vec<u8>),
    /// Takes the request and never answers.
    Hang,
    /// Closes without a word.
    Close,
    /// Promises this much and sends the bytes given, then closes.
    CutOff(Vec<u8>, usize),
    /// Sends bytes without end, up to this many.
    Drown(usize),
}

/// A whole answer.
pub(crate) fn answer(status: u16, kind: &str, body: &str) -> Manner {
    let head = format!("HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
    Manner::Say([head.as_bytes(), body.as_bytes()].concat())
}

/// The server. Each request is answered in the manner of the path that it begins with.
pub(crate) struct Fault {
    /// `http://127.0.0.1:PORT`
    pub(crate) url: String,
    manners: Arc<Mutex<Vec<(String, Manner)>>>,
    seen: Arc<Mutex<Vec<String>>>,
    once: Arc<Mutex<Option<Manner>>>,
    task: JoinHandle<()>,
}

impl Fault {
    pub(crate) async fn start(manner: Manner) -> Self {
        std::future::ready(Self::start_at(0, manner)).await
    }

    /// Starts on a port; a server that died can come back on it.
    pub(crate) fn start_at(port: u16, manner: Manner) -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(([127, 0, 0, 1], port).into()).unwrap();
        let listener = socket.listen(64).unwrap();
        let port = listener.local_addr().unwrap().port();
        let manners = Arc::new(Mutex::new(vec![("/".to_owned(), manner)]));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let once = Arc::new(Mutex::new(None));
        let task = tokio::spawn(serve(listener, Arc::clone(&manners), Arc::clone(&seen), Arc::clone(&once)));
        Self { url: format!("http://127.0.0.1:{port}"), manners, seen, once, task }
    }

    /// From now on requests for this path are answered in this manner.
    pub(crate) fn on(&self, path: &str, manner: Manner) {
        self.manners.lock().unwrap().insert(0, (path.to_owned(), manner));
    }

    /// The next request is answered in this manner, whatever its path; then all is as before.
    pub(crate) fn once(&self, manner: Manner) {
        *self.once.lock().unwrap() = Some(manner);
    }

    /// The requests seen, head and all.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    listener: TcpListener,
    manners: Arc<Mutex<Vec<(String, Manner)>>>,
    seen: Arc<Mutex<Vec<String>>>,
    once: Arc<Mutex<Option<Manner>>>,
) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(one(stream, Arc::clone(&manners), Arc::clone(&seen), Arc::clone(&once)));
    }
}

async fn one(
    mut stream: TcpStream,
    manners: Arc<Mutex<Vec<(String, Manner)>>>,
    seen: Arc<Mutex<Vec<String>>>,
    once: Arc<Mutex<Option<Manner>>>,
) {
    let mut buffer = Vec::new();
    loop {
        while !buffer.windows(4).any(|w| w == b"\r\n\r\n") {
            let mut chunk = [0u8; 4096];
            match stream.read(&mut chunk).await {
                Ok(n) if n > 0 => buffer.extend_from_slice(&chunk[..n]),
                _ => return,
            }
        }
        let head = String::from_utf8_lossy(&buffer).into_owned();
        buffer.clear();
        let path = head.split(' ').nth(1).unwrap_or("/").to_owned();
        seen.lock().unwrap().push(head);
        let listed = manners.lock().unwrap().iter().find(|(p, _)| path.starts_with(p.as_str())).map(|(_, m)| m.clone());
        let manner = once.lock().unwrap().take().or(listed);
        match manner {
            Some(Manner::Say(bytes)) => {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Some(Manner::CutOff(bytes, promised)) => {
                let head =
                    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {promised}\r\n\r\n");
                let _ = stream.write_all(&[head.as_bytes(), &bytes].concat()).await;
                return;
            }
            Some(Manner::Drown(most)) => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n").await;
                let chunk = vec![b'#'; 64 * 1024];
                let mut sent = 0;
                while sent < most && stream.write_all(&chunk).await.is_ok() {
                    sent += chunk.len();
                }
                return;
            }
            Some(Manner::Hang) => std::future::pending::<()>().await,
            Some(Manner::Close) | None => return,
        }
    }
}
