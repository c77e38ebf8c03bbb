//! `scrape`: prints what a target exposes, and every line that was not understood.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::io::Write as _;

use secrecy::SecretString;

use crate::app::complain;
use crate::app::config;
use crate::app::gate;
use crate::app::runtime;
use crate::cli::ScrapeFormat;
use crate::engine::settings::Endpoint;
use crate::engine::words;
use crate::model::time::SECOND;
use crate::report::scraped;
use crate::report::scraped::Printed;
use crate::secrets::Secrets;
use crate::sources::exposition;
use crate::sources::exposition::Exposition;
use crate::sources::exposition::Format;
use crate::sources::http;
use crate::sources::http::Clients;

/// How long an address may take.
const TIMEOUT: i64 = 10 * SECOND;
/// The largest file that is read: an engineer's own file may be larger than what a poller accepts.
const LARGEST: u64 = 512 * 1024 * 1024;

pub(super) fn main(from: &str, format: Option<ScrapeFormat>) -> u8 {
    let (body, guessed) = match body(from) {
        Ok(read) => read,
        Err(why) => {
            complain(&format!("cabina: {}: {why}", without_password(from)));
            return 1;
        }
    };
    let format = match format {
        Some(ScrapeFormat::Text) => Format::Text,
        Some(ScrapeFormat::Openmetrics) => Format::OpenMetrics,
        None => guessed.unwrap_or_else(|| Format::of_file(&body)),
    };
    let read = exposition::read(&body, format);
    // A reader that went away (`| head`) is not our failure.
    let _ = write(&read);
    u8::from(read.rejected > 0)
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
    Ok((body, format))
}

fn write(read: &Exposition) -> std::io::Result<()> {
    let mut out = gate::Json::default();
    let samples = read.samples.iter().map(|s| Printed {
        name: &s.name,
        labels: &s.labels,
        value: s.value,
        timestamp_ms: s.timestamp_ms,
    });
    scraped::json(&mut out, samples, read.problems.iter().map(|p| (p.line, p.text.as_str())))?;
    // The list is bounded; how long it would have been is not in it.
    if read.rejected > read.problems.len() {
        complain(&format!("cabina: {} lines were not understood, {} are listed", read.rejected, read.problems.len()));
    }
    out.flush()
}
