//! `[[health]]`.

use crate::config::endpoint;
use crate::config::reader::Context;
use crate::config::reader::Section;
use crate::config::reader::parse_duration;
use crate::engine::settings::CheckSpec;
use crate::engine::settings::Endpoint;
use crate::engine::settings::Expect;
use crate::engine::settings::NEUTRAL;
use crate::engine::settings::Op;
use crate::engine::settings::ProbeSpec;
use crate::model::time::HOUR;
use crate::model::time::MINUTE;
use crate::model::time::SECOND;

/// Reads `neutral`: a target beyond the service that only tells whether this machine has a network.
pub(super) fn neutral(root: &mut Section<'_>, cx: &mut Context<'_>) -> Option<CheckSpec> {
    let text = root.text(cx, "neutral")?;
    let probe = match url::Url::parse(&text) {
        Ok(url) if url.scheme() == "tcp" => url
            .host_str()
            .zip(url.port())
            .map(|(host, port)| ProbeSpec::Tcp { host: host.trim_matches(['[', ']']).to_owned(), port }),
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
            cx.secrets.insert("neutral".to_owned(), text.clone());
            Some(ProbeSpec::Http(Endpoint::open("neutral".to_owned(), &text)))
        }
        _ => None,
    };
    let Some(probe) = probe else {
        cx.mistake(root, "neutral", format!("{text:?} is no address"), "such as \"tcp://192.0.2.1:443\"");
        return None;
    };
    Some(CheckSpec {
        name: NEUTRAL.to_owned(),
        probe,
        // Known before a critical check that is down would raise its level.
        every: 5 * SECOND,
        timeout: 2 * SECOND,
        critical: false,
        fail_after: 2,
        recover_after: 1,
        expect: Vec::new(),
        depends_on: Vec::new(),
    })
}

const KINDS: [&str; 5] = ["http", "tcp", "tls", "dns", "command"];

pub(super) fn read(root: &mut Section<'_>, cx: &mut Context<'_>) -> Vec<CheckSpec> {
    let mut out: Vec<CheckSpec> = Vec::new();
    let mut sections = root.sections(cx, "health");
    for s in &mut sections {
        let name = s.required(cx, "name", "a name such as \"API Backend\"");
        if name == NEUTRAL {
            cx.mistake(s, "name", "is taken by the neutral target".to_owned(), "");
        }
        if !name.is_empty() && out.iter().any(|c| c.name == name) {
            cx.mistake(
                s,
                "name",
                format!("two checks are called {name:?}"),
                "names are how a check is told from another",
            );
        }
        let spec = CheckSpec {
            name,
            probe: probe(s, cx),
            every: s.duration(cx, "every", 10 * SECOND, SECOND, HOUR),
            timeout: s.duration(cx, "timeout", 2 * SECOND, 50, 2 * MINUTE),
            critical: s.flag(cx, "critical", false),
            fail_after: s.whole(cx, "fail_after", 3, 1, 100) as u32,
            recover_after: s.whole(cx, "recover_after", 2, 1, 100) as u32,
            expect: expectations(s, cx),
            depends_on: s.list(cx, "depends_on"),
        };
        s.finish(cx);
        out.push(spec);
    }
    for (spec, s) in out.iter().zip(&sections) {
        for parent in &spec.depends_on {
            if !out.iter().any(|c| c.name == *parent) {
                cx.mistake(s, "depends_on", format!("no check is called {parent:?}"), "");
            }
        }
        if circle(&out, &spec.name) {
            cx.mistake(s, "depends_on", format!("{:?} depends on itself in a circle", spec.name), "");
        }
    }
    out
}

fn circle(all: &[CheckSpec], name: &str) -> bool {
    let mut reached: Vec<&str> = Vec::new();
    let mut next: Vec<&str> = vec![name];
    while let Some(at) = next.pop() {
        for parent in all.iter().filter(|c| c.name == at).flat_map(|c| &c.depends_on) {
            if parent == name {
                return true;
            }
            if !reached.contains(&parent.as_str()) {
                reached.push(parent);
                next.push(parent);
            }
        }
    }
    false
}

fn probe(s: &mut Section<'_>, cx: &mut Context<'_>) -> ProbeSpec {
    let given: Vec<&str> = KINDS.into_iter().filter(|k| s.has(k) || (*k == "http" && s.has("http_file"))).collect();
    match given.as_slice() {
        [] => cx.mistake(s, "", "says not what to ask".to_owned(), "give one of http, tcp, tls, dns, command"),
        [_] => {}
        [_, second, ..] => cx.mistake(
            s,
            second,
            "is one question too many".to_owned(),
            "a check asks one thing: http, tcp, tls, dns or command",
        ),
    }
    // Each key is taken, so that none is called unknown beside the real mistake.
    let none = ProbeSpec::Dns { name: String::new() };
    let mut found = none;
    for kind in KINDS {
        if !given.contains(&kind) {
            // What only http has is unknown elsewhere.
            continue;
        }
        found = match kind {
            "http" => ProbeSpec::Http(endpoint::http(s, cx, "http")),
            "tcp" => {
                let (host, port) = host_port(s, cx, "tcp");
                ProbeSpec::Tcp { host, port }
            }
            "tls" => {
                let (host, port) = host_port(s, cx, "tls");
                let ca_file = s.text(cx, "ca_file").map(|p| cx.around.folder.join(p));
                ProbeSpec::Tls { host, port, ca_file }
            }
            "dns" => ProbeSpec::Dns { name: s.required(cx, "dns", "a name such as \"db.internal\"") },
            _ => {
                let path = s.path_of("command");
                let (line, shown) =
                    s.secret(cx, "command", crate::config::reader::Expansion::Plain).unwrap_or_default();
                if line.is_empty() {
                    cx.mistake(s, "command", "is empty".to_owned(), "a command line");
                }
                s.shown(cx, "command", &shown);
                cx.secrets.insert(path.clone(), line);
                ProbeSpec::Command { line: path, shown }
            }
        };
    }
    found
}

fn host_port(s: &mut Section<'_>, cx: &mut Context<'_>, key: &str) -> (String, u16) {
    let text = s.required(cx, key, "host:port, such as \"db:3306\"");
    let bare = text.trim_start_matches("tcp://").trim_start_matches("tls://");
    let split = bare.rsplit_once(':').map(|(h, p)| (h.trim_matches(['[', ']']).to_owned(), p.parse::<u16>()));
    match split {
        Some((host, Ok(port))) if !host.is_empty() && port > 0 => (host, port),
        _ if text.is_empty() => (String::new(), 0),
        _ => {
            cx.mistake(s, key, format!("{text:?} is not host:port"), "such as \"db:3306\"");
            (String::new(), 0)
        }
    }
}

fn expectations(s: &mut Section<'_>, cx: &mut Context<'_>) -> Vec<Expect> {
    let mut out = Vec::new();
    for line in s.list(cx, "expect") {
        match expectation(&line) {
            Some(e) => out.push(e),
            None => cx.mistake(
                s,
                "expect",
                format!("{line:?} is not understood"),
                "write status == 200, latency < 500ms, body contains ok, json $.status == ok, cert_days > 14",
            ),
        }
    }
    out
}

/// Reads one expectation.
fn expectation(line: &str) -> Option<Expect> {
    let line = line.trim();
    let (what, rest) = line.split_once(char::is_whitespace)?;
    let rest = rest.trim();
    if what == "body" {
        return rest.strip_prefix("contains ").map(|t| Expect::BodyContains(t.trim().to_owned()));
    }
    if what == "json" {
        let (path, rest) = rest.split_once(char::is_whitespace)?;
        serde_json_path::JsonPath::parse(path).ok()?;
        let (op, value) = rest.trim().split_once(char::is_whitespace)?;
        let value = value.trim().trim_matches('"').to_owned();
        return Some(Expect::Json { path: path.to_owned(), op: Op::parse(op)?, value });
    }
    let (op, value) = rest.split_once(char::is_whitespace)?;
    let (op, value) = (Op::parse(op)?, value.trim());
    match what {
        "status" => value.parse().ok().map(|v| Expect::Status(op, v)),
        "latency" => parse_duration(value).map(|v| Expect::Latency(op, v)),
        "cert_days" => value.parse().ok().map(|v| Expect::CertDays(op, v)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expectations_are_read_as_they_are_said() {
        assert_eq!(expectation("status == 200"), Some(Expect::Status(Op::Eq, 200)));
        assert_eq!(expectation("latency < 500ms"), Some(Expect::Latency(Op::Lt, 500)));
        assert_eq!(expectation("body contains all is well"), Some(Expect::BodyContains("all is well".to_owned())));
        let json = Expect::Json { path: "$.status".to_owned(), op: Op::Eq, value: "ok".to_owned() };
        assert_eq!(expectation("json $.status == \"ok\""), Some(json));
        assert_eq!(expectation("cert_days > 14"), Some(Expect::CertDays(Op::Gt, 14)));
        for bad in
            ["status", "status 200", "status == ok", "latency < 5", "json status == ok", "json $.[ == ok", "speed < 3"]
        {
            assert_eq!(expectation(bad), None, "{bad}");
        }
    }
}
