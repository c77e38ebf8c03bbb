//! Incidents as JSON (the contract of section 3 of the design) and as text for a shell.

use serde_json::Value;
use serde_json::json;

use crate::engine::fact::said;
use crate::engine::fact::teller;
use crate::engine::words;
use crate::lang::Lang;
use crate::model::deploy::Deploy;
use crate::model::incident::Action;
use crate::model::incident::Incident;
use crate::model::journal::Entry;
use crate::model::journal::read;
use crate::model::text::is_unsafe;
use crate::model::text::pad;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::Span;
use crate::model::time::Zone;
use crate::model::time::rfc3339;

/// How what is written is put into words.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    /// The language.
    pub lang: Lang,
    /// The zone.
    pub zone: Zone,
    /// Now, ms since the epoch.
    pub now: Millis,
}

fn at(moment: Option<Millis>) -> Value {
    moment.map_or(Value::Null, |m| json!(rfc3339(m)))
}

fn sum(i: &Incident, reader: Reader) -> serde_json::Map<String, Value> {
    let minutes: serde_json::Map<String, Value> = i
        .spent(reader.now)
        .into_iter()
        .map(|(level, ms)| (level.word().to_owned(), json!((ms as f64 / MINUTE as f64 * 10.0).round() / 10.0)))
        .collect();
    let value = json!({
        "id": i.id,
        "title": i.title,
        "severity": i.level.word(),
        "phase": i.phase.word(),
        "open": i.open(),
        "opened_at": rfc3339(i.opened_at),
        "recorded_at": rfc3339(i.recorded_at),
        "acknowledged_at": at(i.acknowledged_at),
        "resolved_at": at(i.resolved_at),
        "closed_at": at(i.closed_at),
        "merged_into": i.merged_into,
        "roles": i.roles,
        "minutes": minutes,
        "actions": i.actions.iter().map(action).collect::<Vec<_>>(),
    });
    match value {
        Value::Object(map) => map,
        _ => serde_json::Map::new(),
    }
}

fn action(a: &Action) -> Value {
    json!({ "seq": a.seq, "text": a.text, "owner": a.owner, "due": a.due, "done": a.done })
}

/// `incident show --json`; the entries in the order in which things happened.
#[must_use]
pub fn show(incident: &Incident, entries: &[Entry], reader: Reader) -> Value {
    let mut out = sum(incident, reader);
    let timeline = entries.iter().map(|e| {
        json!({
            "seq": e.seq,
            "at": rfc3339(e.at),
            "recorded_at": rfc3339(e.recorded_at),
            "who": e.who,
            "host": e.host,
            "kind": kind(e),
            "text": said(&e.fact, reader.lang, reader.zone),
            "data": data(e),
        })
    });
    out.insert("schema".to_owned(), json!(1));
    out.insert("timeline".to_owned(), timeline.collect());
    Value::Object(out)
}

/// What is kept of an entry, as it is kept.
fn data(e: &Entry) -> Value {
    serde_json::from_str(&e.data).unwrap_or(Value::Null)
}

/// The kind as it is kept: also that of an entry which only a newer program understands.
fn kind(e: &Entry) -> String {
    let kept = data(e).get("kind").and_then(Value::as_str).map(str::to_owned);
    kept.unwrap_or_else(|| e.fact.kind())
}

/// `incident list --json`
#[must_use]
pub fn list(incidents: &[Incident], reader: Reader) -> Value {
    let all: Vec<Value> = incidents.iter().map(|i| Value::Object(sum(i, reader))).collect();
    json!({ "schema": 1, "incidents": all })
}

/// `incident list --actions --json`
#[must_use]
pub fn actions(incidents: &[Incident]) -> Value {
    let all: Vec<Value> = incidents
        .iter()
        .flat_map(|i| i.actions.iter().map(move |a| (i, a)))
        .map(|(i, a)| {
            json!({ "incident": i.id, "seq": a.seq, "text": a.text, "owner": a.owner, "due": a.due, "done": a.done })
        })
        .collect();
    json!({ "schema": 1, "actions": all })
}

/// One line of `incident export`.
#[must_use]
pub fn exported(entry: &Entry) -> Value {
    json!({
        "schema": 1,
        "incident": entry.incident,
        "seq": entry.seq,
        "id": entry.id,
        "at": rfc3339(entry.at),
        "recorded_at": rfc3339(entry.recorded_at),
        "who": entry.who,
        "host": entry.host,
        "kind": kind(entry),
        "data": entry.data,
        "prev": entry.prev,
        "hash": entry.hash,
    })
}

/// What a line of an export holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// An entry of a journal.
    Entry(Box<Entry>),
    /// A deploy.
    Deploy(Box<Deploy>),
}

/// Reads a line of `incident export`; `None` when it is none.
#[must_use]
pub fn imported(line: &str) -> Option<Line> {
    if line.len() > LONGEST_LINE {
        return None;
    }
    let value: Value = serde_json::from_str(line).ok()?;
    if value.get("schema") != Some(&json!(1)) || steers(&value) || beyond(&value) {
        return None;
    }
    if let Some(deploy) = value.get("deploy") {
        let deploy: Deploy = serde_json::from_value(deploy.clone()).ok()?;
        let short = [&deploy.id, &deploy.version, &deploy.by, &deploy.from].iter().all(|t| t.len() <= LONGEST_NAME);
        return (short && TIMES.contains(&deploy.at)).then(|| Line::Deploy(Box::new(deploy)));
    }
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let moment = |key: &str| chrono::DateTime::parse_from_rfc3339(&text(key)?).ok().map(|t| t.timestamp_millis());
    let data = text("data")?;
    let told: Value = serde_json::from_str(&data).ok()?;
    if steers(&told) || beyond(&told) {
        return None;
    }
    let (fact, figures) = read(&data);
    let entry = Entry {
        incident: text("incident")?,
        seq: value.get("seq")?.as_i64()?,
        id: text("id")?,
        at: moment("at")?,
        recorded_at: moment("recorded_at")?,
        who: text("who")?,
        host: text("host")?,
        fact,
        moment: figures,
        data,
        prev: text("prev")?,
        hash: text("hash")?,
    };
    let short = [&entry.incident, &entry.id, &entry.who, &entry.host].iter().all(|t| t.len() <= LONGEST_NAME);
    let times = [entry.at, entry.recorded_at].iter().all(|at| TIMES.contains(at));
    let prints = [&entry.prev, &entry.hash].iter().all(|p| p.len() <= PRINT);
    (short && times && prints && PLACES.contains(&entry.seq)).then(|| Line::Entry(Box::new(entry)))
}

/// The longest line that an export writes: a note of the largest size, each letter of it escaped, with its figures.
const LONGEST_LINE: usize = 1024 * 1024;
/// Names of people, machines and entries.
const LONGEST_NAME: usize = 512;
/// A SHA-256 in hex.
const PRINT: usize = 64;
/// From 2000 to 2200, ms since the epoch: what lies outside was written by a clock that nobody had set.
const TIMES: std::ops::Range<Millis> = 946_684_800_000..7_258_118_400_000;
/// Entries of one incident: a year of one a second is three times as many.
const PLACES: std::ops::RangeInclusive<i64> = 1..=10_000_000;
/// No figure that an entry holds is larger: times in ms are the largest.
const FIGURE: f64 = 1e13;
/// An entry is no deeper than this.
const DEPTH: usize = 16;

/// Does it hold a number, or a depth, that no entry has?
fn beyond(value: &Value) -> bool {
    fn deep(value: &Value, left: usize) -> bool {
        match value {
            Value::Number(n) => n.as_f64().is_none_or(|n| n.abs() > FIGURE),
            Value::Array(values) => left == 0 || values.iter().any(|v| deep(v, left - 1)),
            Value::Object(fields) => left == 0 || fields.values().any(|v| deep(v, left - 1)),
            _ => false,
        }
    }
    deep(value, DEPTH)
}

/// Does a text in it hold what would steer a terminal? Nothing that cabina writes does.
fn steers(value: &Value) -> bool {
    match value {
        Value::String(text) => text.chars().any(|c| c != '\n' && is_unsafe(c)),
        Value::Array(values) => values.iter().any(steers),
        Value::Object(fields) => fields.iter().any(|(name, v)| name.chars().any(is_unsafe) || steers(v)),
        _ => false,
    }
}

/// An incident for a person at a shell.
#[must_use]
pub fn text(incident: &Incident, entries: &[Entry], reader: Reader) -> String {
    let Reader { lang, zone, now } = reader;
    let i = incident;
    let end = i.resolved_at.unwrap_or(now);
    let mut lines = vec![
        format!(
            "{}  {}  {}  {} ({})",
            i.id,
            i.level.word(),
            words::phase(lang, i.phase),
            lang.incident_since(zone.day_hm(i.opened_at)),
            Span(end - i.opened_at),
        ),
        format!("  {}", i.title),
    ];
    let roles: Vec<String> = i.roles.iter().map(|(role, who)| format!("{}: {who}", words::role(lang, role))).collect();
    lines.push(format!("  {}", if roles.is_empty() { lang.incident_nobody() } else { roles.join(" · ") }));
    let spent: Vec<String> = i.spent(now).iter().map(|(l, ms)| format!("{} {}", l.word(), Span(*ms))).collect();
    if !spent.is_empty() {
        lines.push(format!("  {}", lang.incident_levels(spent.join(" · "))));
    }
    if let Some(into) = &i.merged_into {
        lines.push(format!("  {}", lang.fact_merged(into)));
    }
    lines.push(String::new());
    lines.extend(entries.iter().map(|e| line(e, reader)));
    lines.join("\n") + "\n"
}

fn line(e: &Entry, reader: Reader) -> String {
    let Reader { lang, zone, now } = reader;
    // A night that crosses midnight needs its days.
    let day = if zone.day(e.at) == zone.day(now) { String::new() } else { format!("{} ", zone.date(e.at)) };
    let when = format!("{day}{}", zone.hms(e.at));
    let who = teller(&e.fact, lang).unwrap_or_else(|| e.who.clone());
    let margin = format!("\n{}", " ".repeat(when.len() + 22));
    let words = said(&e.fact, lang, zone).replace('\n', &margin);
    format!("  {:>4}  {when}  {} {words}", e.seq, pad(&who, 11))
}

/// A list of incidents for a person at a shell.
#[must_use]
pub fn lines(incidents: &[Incident], reader: Reader) -> String {
    let Reader { lang, zone, now } = reader;
    if incidents.is_empty() {
        return format!("{}\n", lang.incident_none());
    }
    let line = |i: &Incident| {
        let lasted = Span(i.resolved_at.unwrap_or(now) - i.opened_at).to_string();
        let who = i.owner().map_or_else(|| lang.incident_nobody(), str::to_owned);
        format!(
            "{}  {} {} {}  {} {} {}\n",
            i.id,
            pad(i.level.word(), 7),
            pad(&words::phase(lang, i.phase), 13),
            zone.day_hm(i.opened_at),
            pad(&lasted, 8),
            pad(&who, 15),
            i.title
        )
    };
    incidents.iter().map(line).collect()
}

/// What is left to do, for a person at a shell.
#[must_use]
pub fn action_lines(incidents: &[Incident], lang: Lang) -> String {
    let all: Vec<String> = incidents
        .iter()
        .flat_map(|i| i.actions.iter().map(move |a| (i, a)))
        .map(|(i, a)| {
            let state = if a.done { lang.incident_action_done() } else { lang.incident_action_open() };
            let (owner, due) = (a.owner.as_deref().unwrap_or("-"), a.due.as_deref().unwrap_or("-"));
            format!("{}  {:<4} {} {} {}  {}\n", i.id, a.seq, pad(&state, 10), pad(owner, 12), pad(due, 10), a.text)
        })
        .collect();
    if all.is_empty() { format!("{}\n", lang.incident_no_actions()) } else { all.concat() }
}
