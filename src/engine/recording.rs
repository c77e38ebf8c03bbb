//! The recording: events as bytes, and back. Folded again, they give the same `State`.
//!
//! A chunk stands alone: `CBR1`, then a deflate stream (RFC 1951) of entries, each headed by an unsigned LEB128 number.
//! `0` brings a new shape: its length and its text. `n` is an event of the n-th shape, followed by its figures.
//! The shape of an event is its JSON with every figure left out; events of one kind about one thing share it, so after
//! the first only figures are written, each as its difference from the same figure of the event before: whole numbers
//! as zigzag LEB128, others as the XOR of their bits (as in Gorilla, VLDB 2015): a byte with the number of leading bytes
//! that are zero and of the bytes that follow, then these. What a shape says is JSON with its field names: what later
//! versions add has defaults, and what they name anew is skipped and counted.

use std::collections::HashMap;
use std::io::Read as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::Deserialize;
use serde::Serialize;

use crate::engine::event::Event;
use crate::engine::settings::Settings;
use crate::model::time::Stamp;

/// What a chunk begins with; the digit is the version of the format.
const MAGIC: &[u8; 4] = b"CBR1";
/// A chunk holds minutes; what unpacks to more than this is not one of ours.
const LARGEST: u64 = 256 * 1024 * 1024;
/// An event whose text is longer is written as it is.
const LARGE: usize = 64 * 1024;
/// A whole number is left out of a shape as this …
const WHOLE: u8 = 0x01;
/// … and any other as this: bytes that JSON never holds.
const OTHER: u8 = 0x02;

/// Where a recording begins: with what is needed to fold its events again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// The program's version.
    pub version: String,
    /// The machine.
    pub host: String,
    /// The stamp of the state before the first event.
    pub started: Stamp,
    /// What was watched at first.
    pub settings: Settings,
    /// What is watched since the configuration was read again; `None` while it never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watches: Option<String>,
}

/// Why bytes are no recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// They do not begin as one, or a newer program wrote them.
    Foreign,
    /// They end too early, or hold what cannot be.
    Torn,
}

/// What a chunk held.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chunk {
    /// The events that this program knows, in their order.
    pub events: Vec<Event>,
    /// How many there were; the rest are a newer program's.
    pub all: u64,
}

/// One figure of an event.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Figure {
    Whole(i64),
    Other(f64),
}

/// Writes events into a chunk.
#[derive(Debug, Default)]
pub struct Writer {
    shapes: HashMap<Vec<u8>, usize>,
    last: Vec<Vec<Figure>>,
    out: Vec<u8>,
    events: u64,
}

impl Writer {
    /// Adds an event.
    pub fn push(&mut self, event: &Event) {
        let Ok(text) = serde_json::to_string(event) else { return };
        let (mut shape, mut figures) = (Vec::with_capacity(text.len().min(LARGE)), Vec::new());
        // History is read once: to look for another of its shape would only cost memory.
        if text.len() > LARGE {
            shape.extend_from_slice(text.as_bytes());
        } else {
            part(&text, &mut shape, &mut figures);
        }
        let known = self.last.len();
        let id = if let Some(id) = self.shapes.get(&shape) {
            *id
        } else {
            unsigned(&mut self.out, 0);
            unsigned(&mut self.out, shape.len() as u64);
            self.out.extend_from_slice(&shape);
            self.last.push(blank(&figures));
            if shape.len() <= LARGE {
                self.shapes.insert(shape, known);
            }
            known
        };
        unsigned(&mut self.out, id as u64 + 1);
        for (now, before) in figures.iter().zip(&self.last[id]) {
            difference(&mut self.out, *now, *before);
        }
        self.last[id] = figures;
        self.events += 1;
    }

    /// Events so far.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The chunk.
    #[must_use]
    pub fn finish(&self) -> Vec<u8> {
        let mut packed = DeflateEncoder::new(MAGIC.to_vec(), Compression::best());
        // Writing into memory does not fail.
        let _ = packed.write_all(&self.out);
        packed.finish().unwrap_or_default()
    }
}

/// Reads a chunk.
///
/// # Errors
/// When the bytes are no chunk, or not a whole one.
pub fn read(bytes: &[u8]) -> Result<Chunk, Broken> {
    read_only(bytes, |_| true)
}

/// Reads the events of a chunk whose shape is wanted; a shape is the JSON of an event without its figures.
///
/// # Errors
/// When the bytes are no chunk, or not a whole one.
pub fn read_only(bytes: &[u8], wanted: impl Fn(&str) -> bool) -> Result<Chunk, Broken> {
    let packed = bytes.strip_prefix(MAGIC).ok_or(Broken::Foreign)?;
    let mut raw = Vec::new();
    DeflateDecoder::new(packed).take(LARGEST + 1).read_to_end(&mut raw).map_err(|_| Broken::Torn)?;
    if raw.len() as u64 > LARGEST {
        return Err(Broken::Torn);
    }
    let mut rest = raw.as_slice();
    let mut shapes: Vec<(Shape, Vec<Figure>)> = Vec::new();
    let mut chunk = Chunk::default();
    let mut text = String::new();
    while !rest.is_empty() {
        let id = take_unsigned(&mut rest)?;
        if id == 0 {
            let length = usize::try_from(take_unsigned(&mut rest)?).map_err(|_| Broken::Torn)?;
            let (shape, after) = rest.split_at_checked(length).ok_or(Broken::Torn)?;
            rest = after;
            let mut shape = Shape::new(shape)?;
            shape.wanted = wanted(&shape.pieces.concat());
            let figures = shape.figures.clone();
            shapes.push((shape, figures));
            continue;
        }
        let at = usize::try_from(id - 1).map_err(|_| Broken::Torn)?;
        let (shape, figures) = shapes.get_mut(at).ok_or(Broken::Torn)?;
        for figure in figures.iter_mut() {
            *figure = take_difference(&mut rest, *figure)?;
        }
        chunk.all += 1;
        if !shape.wanted {
            continue;
        }
        text.clear();
        shape.fill(figures, &mut text);
        // An event of a kind that this program does not know is counted, and left out.
        if let Ok(event) = serde_json::from_str(&text) {
            chunk.events.push(event);
        }
    }
    Ok(chunk)
}

/// The text of a shape between its figures.
struct Shape {
    pieces: Vec<String>,
    figures: Vec<Figure>,
    wanted: bool,
}

impl Shape {
    fn new(bytes: &[u8]) -> Result<Self, Broken> {
        let (mut pieces, mut figures) = (Vec::new(), Vec::new());
        let mut rest = bytes;
        while let Some(at) = rest.iter().position(|b| *b == WHOLE || *b == OTHER) {
            let (before, after) = rest.split_at(at);
            pieces.push(String::from_utf8(before.to_vec()).map_err(|_| Broken::Torn)?);
            figures.push(if after.first() == Some(&WHOLE) { Figure::Whole(0) } else { Figure::Other(0.0) });
            rest = after.get(1..).unwrap_or_default();
        }
        pieces.push(String::from_utf8(rest.to_vec()).map_err(|_| Broken::Torn)?);
        Ok(Self { pieces, figures, wanted: true })
    }

    fn fill(&self, figures: &[Figure], text: &mut String) {
        use std::fmt::Write as _;
        for (i, piece) in self.pieces.iter().enumerate() {
            text.push_str(piece);
            let _ = match figures.get(i) {
                Some(Figure::Whole(n)) => write!(text, "{n}"),
                // The shortest text that reads back as the same number.
                Some(Figure::Other(f)) => write!(text, "{f:?}"),
                None => Ok(()),
            };
        }
    }
}

/// The figures that every shape begins from.
fn blank(figures: &[Figure]) -> Vec<Figure> {
    let blank = |f: &Figure| match f {
        Figure::Whole(_) => Figure::Whole(0),
        Figure::Other(_) => Figure::Other(0.0),
    };
    figures.iter().map(blank).collect()
}

/// Tells the figures of a JSON text from the rest of it. A text within it has its control characters escaped: a figure's
/// place cannot be mistaken for one.
fn part(text: &str, shape: &mut Vec<u8>, figures: &mut Vec<Figure>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let length = match byte {
            b'"' => quoted(bytes, at),
            b'-' | b'0'..=b'9' => {
                let number = |b: &u8| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E');
                let length = bytes.iter().skip(at).take_while(|b| number(b)).count();
                if let Some((mark, figure)) = text.get(at..at + length).and_then(figure) {
                    shape.push(mark);
                    figures.push(figure);
                    at += length;
                    continue;
                }
                length
            }
            _ => 1,
        };
        shape.extend_from_slice(bytes.get(at..at + length).unwrap_or_default());
        at += length;
    }
}

/// Bytes of the text that begins here, its quotes included.
fn quoted(bytes: &[u8], at: usize) -> usize {
    let mut escaped = false;
    let inner = bytes.iter().skip(at + 1).position(|b| match b {
        _ if std::mem::take(&mut escaped) => false,
        b'\\' => {
            escaped = true;
            false
        }
        b => *b == b'"',
    });
    inner.map_or(bytes.len() - at, |n| n + 2)
}

/// A figure and its mark; `None` for one that is too large to be written as a difference.
fn figure(text: &str) -> Option<(u8, Figure)> {
    if text.contains(['.', 'e', 'E']) {
        return text.parse().ok().map(|f| (OTHER, Figure::Other(f)));
    }
    text.parse().ok().map(|n| (WHOLE, Figure::Whole(n)))
}

fn unsigned(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push((n as u8) | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn take_unsigned(rest: &mut &[u8]) -> Result<u64, Broken> {
    let mut n = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first().ok_or(Broken::Torn)?;
        *rest = after;
        n |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(n);
        }
    }
    Err(Broken::Torn)
}

fn difference(out: &mut Vec<u8>, now: Figure, before: Figure) {
    match (now, before) {
        (Figure::Whole(now), Figure::Whole(before)) => {
            let by = now.wrapping_sub(before);
            unsigned(out, ((by << 1) ^ (by >> 63)) as u64);
        }
        (Figure::Other(now), Figure::Other(before)) => {
            let bits = now.to_bits() ^ before.to_bits();
            let (lead, trail) = if bits == 0 { (8, 0) } else { (bits.leading_zeros() / 8, bits.trailing_zeros() / 8) };
            let bytes = bits.to_be_bytes();
            let inner = bytes.get(lead as usize..8 - trail as usize).unwrap_or_default();
            out.push((lead as u8) << 4 | inner.len() as u8);
            out.extend_from_slice(inner);
        }
        // Two events of one shape have the same kinds of figures.
        _ => {}
    }
}

fn take_difference(rest: &mut &[u8], before: Figure) -> Result<Figure, Broken> {
    match before {
        Figure::Whole(before) => {
            let n = take_unsigned(rest)?;
            let by = ((n >> 1) as i64) ^ -((n & 1) as i64);
            Ok(Figure::Whole(before.wrapping_add(by)))
        }
        Figure::Other(before) => {
            let (head, after) = rest.split_first().ok_or(Broken::Torn)?;
            let (lead, length) = (usize::from(head >> 4), usize::from(head & 0x0f));
            let (inner, after) = after.split_at_checked(length).ok_or(Broken::Torn)?;
            *rest = after;
            let mut bytes = [0u8; 8];
            bytes.get_mut(lead..lead + length).ok_or(Broken::Torn)?.copy_from_slice(inner);
            Ok(Figure::Other(f64::from_bits(before.to_bits() ^ u64::from_be_bytes(bytes))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::event::Kind;
    use crate::model::health::Outcome;
    use crate::model::health::Probe;
    use crate::model::signal::Reading;
    use crate::model::signal::Sample;
    use crate::model::source::Origin;

    fn night() -> Vec<Event> {
        let mut events = Vec::new();
        for i in 0..500i64 {
            let at = Stamp { mono: i * 1_003, wall: 1_773_477_600_000 + i * 1_003 };
            let value = [0.0, -0.0, 0.1 + 0.2, 1e300, f64::MIN_POSITIVE, 3.0][i as usize % 6] + i as f64;
            let sample = Sample {
                signal: "p95 \"\u{1}".to_owned(),
                at: at.wall,
                reading: Reading::Value(value),
                counts: None,
                worst: Some(format!("{}", i / 100)),
            };
            events.push(Event { at, kind: Kind::Tick });
            events.push(Event {
                at,
                kind: Kind::Sampled {
                    source: "prometheus".to_owned(),
                    origin: Origin::Prometheus,
                    samples: vec![sample.clone(), sample],
                    history: false,
                    took: i % 7 - 3,
                    notes: Vec::new(),
                },
            });
            let probe = Probe {
                outcome: Outcome::Good,
                latency: Some(i64::MAX - i),
                detail: "HTTP 200".to_owned(),
                cert_days: None,
                cert_soon: false,
            };
            events.push(Event { at, kind: Kind::Probed { check: "API".to_owned(), probe } });
        }
        events
    }

    #[test]
    fn what_was_written_is_read_bit_by_bit() {
        let events = night();
        let mut writer = Writer::default();
        for event in &events {
            writer.push(event);
        }
        let bytes = writer.finish();
        let chunk = read(&bytes).unwrap();
        assert_eq!((chunk.all, writer.events()), (1_500, 1_500));
        assert_eq!(chunk.events, events);
        assert!(bytes.len() < 500 * 16, "{} bytes", bytes.len());
    }

    #[test]
    fn what_is_large_is_written_as_it_is() {
        let sample = |i: i64| Sample {
            signal: format!("s{}", i % 50),
            at: i,
            reading: Reading::Value(i as f64 / 7.0),
            counts: None,
            worst: None,
        };
        let kind = Kind::Sampled {
            source: "prometheus".to_owned(),
            origin: Origin::Prometheus,
            samples: (0..3_000).map(sample).collect(),
            history: true,
            took: 3,
            notes: vec!["\"1\\".to_owned()],
        };
        let event = Event { at: Stamp { mono: 1, wall: 2 }, kind };
        let tick = Event { at: Stamp { mono: 5, wall: 6 }, kind: Kind::Tick };
        let mut writer = Writer::default();
        let events = [event.clone(), tick.clone(), event, tick];
        for event in &events {
            writer.push(event);
        }
        assert_eq!(read(&writer.finish()).unwrap().events, events);
    }

    #[test]
    fn what_is_no_recording_is_told_and_never_a_panic() {
        let mut writer = Writer::default();
        for event in night().iter().take(60) {
            writer.push(event);
        }
        let bytes = writer.finish();
        assert_eq!(read(b"PK\x03\x04"), Err(Broken::Foreign));
        assert_eq!(read(b"CBR2...."), Err(Broken::Foreign));
        for cut in 4..bytes.len() {
            // A deflate stream that ends early is torn, whatever was read of it.
            assert!(read(&bytes[..cut]).is_err(), "{cut}");
        }
        for at in 4..bytes.len() {
            let mut broken = bytes.clone();
            broken[at] ^= 0x55;
            let _ = read(&broken);
        }
    }

    #[test]
    fn an_event_of_a_newer_program_is_left_out_and_counted() {
        let mut writer = Writer::default();
        writer.push(&Event { at: Stamp::default(), kind: Kind::Tick });
        let raw = [&[0u8, 2][..], b"{}", &[2]].concat();
        writer.out.extend_from_slice(&raw);
        let chunk = read(&writer.finish()).unwrap();
        assert_eq!((chunk.all, chunk.events.len()), (2, 1));
    }
}
