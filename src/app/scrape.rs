//! `scrape`: prints what a target exposes, and every line that was not understood.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Cursor;
use std::io::ErrorKind;
use std::io::Read;
use std::io::Seek as _;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use secrecy::SecretString;

use crate::app::complain;
use crate::app::config;
use crate::app::gate;
use crate::app::runtime;
use crate::bus::task;
use crate::cli::ScrapeFormat;
use crate::engine::settings::Endpoint;
use crate::engine::words;
use crate::model::time::SECOND;
use crate::report::scraped::Printed;
use crate::report::scraped::Printer;
use crate::secrets::Secrets;
use crate::sources::exposition::Format;
use crate::sources::exposition::Reader;
use crate::sources::exposition::Sample;
use crate::sources::http;
use crate::sources::http::Clients;

/// How long an address may take.
const TIMEOUT: i64 = 10 * SECOND;
/// What comes from a pipe is held in memory up to this length.
const PIECE: usize = 4 * 1024 * 1024;
/// So much is read at once.
const READ: usize = 256 * 1024;
/// How OpenMetrics ends.
const EOF: &[u8] = b"# EOF";
/// The largest file that is read: an engineer's own file may be larger than what a poller accepts.
const LARGEST: u64 = 512 * 1024 * 1024;
const TOO_LARGE: &str = "is too large";

pub(super) fn main(from: &str, format: Option<ScrapeFormat>) -> u8 {
    let asked = format.map(|f| match f {
        ScrapeFormat::Text => Format::Text,
        ScrapeFormat::Openmetrics => Format::OpenMetrics,
    });
    match body(from, asked).and_then(|(body, format)| stream(body, format)) {
        Ok(rejected) => u8::from(rejected > 0),
        Err(why) => {
            complain(&format!("cabina: {}: {why}", without_password(from)));
            1
        }
    }
}

/// What is read, piece by piece, and in which format.
type Body = (Box<dyn std::io::Read>, Format);

fn body(from: &str, asked: Option<Format>) -> Result<Body, String> {
    if from == "-" {
        return unnamed(std::io::stdin().lock(), asked).map_err(|e| e.to_string());
    }
    if from.starts_with("http://") || from.starts_with("https://") {
        let runtime = runtime().map_err(|_| "no runtime".to_owned())?;
        let (body, format) = task::wait(&runtime, fetch(from))?;
        return Ok((Box::new(Cursor::new(body)), asked.unwrap_or(format)));
    }
    let about = std::fs::metadata(from).map_err(|e| e.to_string())?;
    if about.is_dir() {
        return Err("is a folder".to_owned());
    }
    if about.len() > LARGEST {
        return Err(TOO_LARGE.to_owned());
    }
    let opened = || File::open(from).map_err(|e| e.to_string());
    if !about.is_file() {
        return unnamed(opened()?, asked).map_err(|e| e.to_string());
    }
    let format = match asked {
        Some(format) => format,
        None => format_of(opened()?).map_err(|e| e.to_string())?,
    };
    Ok((Box::new(opened()?), format))
}

/// What can be read only once is read to its end before anything is printed: OpenMetrics is known by its last line, and
/// whoever writes into a pipe may read the answer only when all is written. What is long is kept in a file without a name.
fn unnamed(mut from: impl Read, asked: Option<Format>) -> std::io::Result<Body> {
    let mut beginning = Vec::new();
    from.by_ref().take(PIECE as u64).read_to_end(&mut beginning)?;
    if beginning.len() < PIECE {
        let format = asked.unwrap_or_else(|| Format::of_file(&beginning));
        return Ok((Box::new(Cursor::new(beginning)), format));
    }
    let mut kept = nameless()?;
    kept.write_all(&beginning)?;
    if std::io::copy(&mut from.take(LARGEST), &mut kept)? == LARGEST {
        return Err(std::io::Error::other(TOO_LARGE));
    }
    kept.rewind()?;
    let format = match asked {
        Some(format) => format,
        None => format_of(&kept)?,
    };
    kept.rewind()?;
    Ok((Box::new(kept), format))
}

/// A file that is gone when it is closed.
fn nameless() -> std::io::Result<File> {
    let path = std::env::temp_dir().join(format!("cabina-scrape-{}", crate::store::new_id()));
    let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

/// The format of a file, by a line that begins with `# EOF`.
fn format_of(file: impl Read) -> std::io::Result<Format> {
    let mut file = BufReader::with_capacity(READ, file);
    loop {
        // Of a line no more is held than what tells.
        let mut line = Vec::new();
        if file.by_ref().take(EOF.len() as u64).read_until(b'\n', &mut line)? == 0 {
            return Ok(Format::Text);
        }
        if line == EOF {
            return Ok(Format::OpenMetrics);
        }
        if !line.ends_with(b"\n") {
            file.skip_until(b'\n')?;
        }
    }
}

/// Reads piece by piece, and prints what is in it; how many lines were not understood.
fn stream(mut body: Box<dyn Read>, format: Format) -> Result<usize, String> {
    let mut reader = Reader::new(format);
    let mut out = Printer::new(gate::Json::default()).ok();
    let print = |samples: &[Sample], out: &mut Option<Printer<gate::Json>>| {
        // A reader that went away (`| head`) is not our failure; what could not be printed is said at the end.
        if out.as_mut().is_some_and(|out| print_samples(out, samples).is_err()) {
            *out = None;
        }
    };
    let (mut piece, mut long) = (vec![0; READ], 0u64);
    let ended = loop {
        match body.read(&mut piece) {
            Ok(0) => break Ok(()),
            Ok(read) => {
                long += read as u64;
                reader.feed(piece.get(..read).unwrap_or_default());
                print(&reader.taken(), &mut out);
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => break Err(e.to_string()),
        }
        if long > LARGEST {
            break Err(TOO_LARGE.to_owned());
        }
    };
    let end = reader.end();
    print(&end.samples, &mut out);
    if let Some(out) = out {
        let _ = out.finish(end.problems.iter().map(|p| (p.line, p.text.as_str())));
    }
    said(end.rejected, end.problems.len());
    ended.map(|()| end.rejected)
}

fn print_samples<W: std::io::Write>(out: &mut Printer<W>, samples: &[Sample]) -> std::io::Result<()> {
    samples.iter().try_for_each(|s| {
        out.sample(&Printed { name: &s.name, labels: &s.labels, value: s.value, timestamp_ms: s.timestamp_ms })
    })
}

/// The list is bounded; how long it would have been is not in it.
fn said(rejected: usize, listed: usize) {
    if rejected > listed {
        complain(&format!("cabina: {rejected} lines were not understood, {listed} are listed"));
    }
}

/// The address as it may be shown.
fn without_password(from: &str) -> String {
    match url::Url::parse(from) {
        Ok(mut url) if url.has_host() => {
            let _ = url.set_password(None);
            url.set_query(None);
            url.to_string()
        }
        _ => from.to_owned(),
    }
}

async fn fetch(address: &str) -> Result<(Vec<u8>, Format), String> {
    let lang = config::language();
    let endpoint = Endpoint::open("url".to_owned(), address);
    let secrets =
        Secrets::new(BTreeMap::from([("url".to_owned(), SecretString::from(address.to_owned()))]), Vec::new());
    let clients = Clients::single("url", address);
    // OpenMetrics only where a target has nothing else: the text format is what a poller asks for too.
    let accept = "text/plain;version=0.0.4;q=1,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1";
    let answer = http::get(&clients, &secrets, &endpoint, "", &[], accept, TIMEOUT)
        .await
        .map_err(|why| words::absence(lang, &why))?;
    if answer.status() != 200 {
        return Err(lang.absent_status(answer.status()));
    }
    let format = Format::of_content_type(answer.header("content-type"));
    let mut body = Vec::new();
    let whole = answer.each(http::BODY_LIMIT, |piece| body.extend_from_slice(piece)).await;
    whole.map_err(|why| words::absence(lang, &why))?;
    Ok((body, format))
}
