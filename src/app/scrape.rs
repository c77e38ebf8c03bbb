//! `scrape`: prints what a target exposes, and every line that was not understood.

use std::collections::BTreeMap;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read as _;

use secrecy::SecretString;

use crate::app::complain;
use crate::app::config;
use crate::app::gate;
use crate::app::runtime;
use crate::cli::ScrapeFormat;
use crate::engine::settings::Endpoint;
use crate::engine::words;
use crate::model::time::SECOND;
use crate::report::scraped::Printed;
use crate::report::scraped::Printer;
use crate::secrets::Secrets;
use crate::sources::exposition;
use crate::sources::exposition::Exposition;
use crate::sources::exposition::Format;
use crate::sources::http;
use crate::sources::http::Clients;

/// How long an address may take.
const TIMEOUT: i64 = 10 * SECOND;
/// A file that is longer is read in pieces of this length.
const PIECE: usize = 4 * 1024 * 1024;
/// Lines that were not understood and are listed.
const LISTED: usize = exposition::PROBLEMS;
/// The largest file that is read: an engineer's own file may be larger than what a poller accepts.
const LARGEST: u64 = 512 * 1024 * 1024;

pub(super) fn main(from: &str, format: Option<ScrapeFormat>) -> u8 {
    let asked = format.map(|f| match f {
        ScrapeFormat::Text => Format::Text,
        ScrapeFormat::Openmetrics => Format::OpenMetrics,
    });
    let done = match long_text(from, asked) {
        Some(file) => stream(file).map_err(|e| e.to_string()),
        None => body(from).map(|(body, guessed)| {
            let format = asked.or(guessed).unwrap_or_else(|| Format::of_file(&body));
            whole(&exposition::read(&body, format))
        }),
    };
    match done {
        Ok(rejected) => u8::from(rejected > 0),
        Err(why) => {
            complain(&format!("cabina: {}: {why}", without_password(from)));
            1
        }
    }
}

/// A long file in the text format, whose lines each stand for themselves: it is read piece by piece. What OpenMetrics
/// says of a family goes over all of its lines.
fn long_text(from: &str, asked: Option<Format>) -> Option<std::fs::File> {
    let about = std::fs::metadata(from).ok().filter(|m| m.is_file() && m.len() > PIECE as u64)?;
    let text = match asked {
        Some(format) => format == Format::Text,
        None => !ends_itself(std::fs::File::open(from).ok()?).ok()?,
    };
    (text && about.len() <= LARGEST).then(|| std::fs::File::open(from).ok())?
}

/// Does a line of a file begin with `# EOF`?
fn ends_itself(file: std::fs::File) -> std::io::Result<bool> {
    let mut file = BufReader::with_capacity(PIECE, file);
    let mut line = Vec::new();
    loop {
        line.clear();
        if file.read_until(b'\n', &mut line)? == 0 {
            return Ok(false);
        }
        if line.starts_with(b"# EOF") {
            return Ok(true);
        }
    }
}

/// Reads a file piece by piece, and prints what is in it; how many lines were not understood.
fn stream(mut file: std::fs::File) -> std::io::Result<usize> {
    let mut out = Printer::new(gate::Json::default())?;
    let (mut held, mut before, mut rejected) = (Vec::new(), 0usize, 0usize);
    let mut problems: Vec<(usize, String)> = Vec::new();
    loop {
        let read = file.by_ref().take(PIECE as u64).read_to_end(&mut held)?;
        // The last line of a piece may go on in the next; one that is longer than a piece is read with it.
        let whole = match memchr::memrchr(b'\n', &held) {
            _ if read == 0 => held.len(),
            Some(at) => at + 1,
            None => continue,
        };
        let rest = held.split_off(whole);
        let part = exposition::read(&held, Format::Text);
        print_samples(&mut out, &part)?;
        rejected += part.rejected;
        let room = LISTED.saturating_sub(problems.len());
        problems.extend(part.problems.into_iter().take(room).map(|p| (before + p.line, p.text)));
        before += memchr::memchr_iter(b'\n', &held).count();
        held = rest;
        if read == 0 {
            break;
        }
    }
    out.finish(problems.iter().map(|(line, text)| (*line, text.as_str())))?;
    said(rejected, problems.len());
    Ok(rejected)
}

/// Prints what was read at once; how many lines were not understood.
fn whole(read: &Exposition) -> usize {
    // A reader that went away (`| head`) is not our failure; what could not be printed is said at the end.
    let printed = Printer::new(gate::Json::default()).and_then(|mut out| {
        print_samples(&mut out, read)?;
        out.finish(read.problems.iter().map(|p| (p.line, p.text.as_str())))
    });
    let _ = printed;
    said(read.rejected, read.problems.len());
    read.rejected
}

fn print_samples<W: std::io::Write>(out: &mut Printer<W>, read: &Exposition) -> std::io::Result<()> {
    read.samples.iter().try_for_each(|s| {
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

fn body(from: &str) -> Result<(Vec<u8>, Option<Format>), String> {
    if from == "-" {
        let mut body = Vec::new();
        std::io::stdin().lock().take(LARGEST).read_to_end(&mut body).map_err(|e| e.to_string())?;
        return Ok((body, None));
    }
    if from.starts_with("http://") || from.starts_with("https://") {
        let runtime = runtime().map_err(|_| "no runtime".to_owned())?;
        let (body, format) = runtime.block_on(fetch(from))?;
        return Ok((body, Some(format)));
    }
    let about = std::fs::metadata(from).map_err(|e| e.to_string())?;
    if about.is_dir() {
        return Err("is a folder".to_owned());
    }
    if about.len() > LARGEST {
        return Err("is too large".to_owned());
    }
    std::fs::read(from).map(|body| (body, None)).map_err(|e| e.to_string())
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
    let body = answer.body(http::BODY_LIMIT).await.map_err(|why| words::absence(lang, &why))?;
    Ok((body.to_vec(), format))
}
