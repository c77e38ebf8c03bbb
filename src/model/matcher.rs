//! Conditions on labels, as PromQL and Alertmanager write them: `status=~"5..", method!="HEAD"`.

use std::fmt;

use regex::Regex;
use serde::Deserialize;
use serde::Serialize;

use crate::model::text::clean;

/// How a label is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// `=`
    Equal,
    /// `!=`
    Different,
    /// `=~`, over the whole value.
    Like,
    /// `!~`, over the whole value.
    Unlike,
}

impl Op {
    /// The sign.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Different => "!=",
            Self::Like => "=~",
            Self::Unlike => "!~",
        }
    }
}

/// One condition, as data. Label and value are exact: they are what a server is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matcher {
    /// The label's name.
    pub label: String,
    /// How it is compared.
    pub op: Op,
    /// With what.
    pub value: String,
}

impl fmt::Display for Matcher {
    /// As it may be shown: control characters out, quotes escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{:?}", clean(&self.label), self.op.sign(), clean(&self.value))
    }
}

impl Matcher {
    /// A label must have exactly this value.
    #[must_use]
    pub fn equal(label: &str, value: &str) -> Self {
        Self { label: label.to_owned(), op: Op::Equal, value: value.to_owned() }
    }

    /// Made ready to be held against many.
    ///
    /// # Errors
    /// The value is no regular expression; one sentence.
    pub fn ready(&self) -> Result<Ready, String> {
        let regex = || {
            // PromQL anchors its regular expressions, and `.` matches a line break.
            Regex::new(&format!("^(?s:{})$", self.value))
                .map_err(|_| format!("{:?} is no regular expression", clean(&self.value)))
        };
        let test = match self.op {
            Op::Equal => Test::Equal(self.value.clone()),
            Op::Different => Test::Different(self.value.clone()),
            Op::Like => Test::Like(regex()?),
            Op::Unlike => Test::Unlike(regex()?),
        };
        Ok(Ready { label: self.label.clone(), test })
    }
}

/// A condition ready to be held against labels.
#[derive(Clone, Debug)]
pub struct Ready {
    label: String,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Equal(String),
    Different(String),
    Like(Regex),
    Unlike(Regex),
}

impl Ready {
    /// Does it hold? `value_of` gives the value of a label; one that is not there is the empty text.
    #[must_use]
    pub fn holds<'a>(&self, value_of: impl Fn(&str) -> Option<&'a str>) -> bool {
        let value = value_of(&self.label).unwrap_or_default();
        match &self.test {
            Test::Equal(v) => value == v,
            Test::Different(v) => value != v,
            Test::Like(r) => r.is_match(value),
            Test::Unlike(r) => !r.is_match(value),
        }
    }
}

/// Reads matchers as they stand between braces, braces allowed.
///
/// # Errors
/// What is wrong, as a fragment.
pub fn parse(text: &str) -> Result<Vec<Matcher>, String> {
    let shape = Regex::new(r#"^\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)"#)
        .map_err(|e| e.to_string())?;
    let text = text.trim();
    let inner = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or(text);
    let mut out = Vec::new();
    let mut rest = inner.trim();
    while !rest.is_empty() {
        let found = shape
            .captures(rest)
            .ok_or_else(|| format!("{:?} is no label matcher such as status=~\"5..\"", clean(rest)))?;
        let (whole, [label, sign, value]) = found.extract();
        let op = match sign {
            "=" => Op::Equal,
            "!=" => Op::Different,
            "=~" => Op::Like,
            _ => Op::Unlike,
        };
        let matcher = Matcher { label: label.to_owned(), op, value: unescaped(value) };
        matcher.ready()?;
        out.push(matcher);
        rest = rest.get(whole.len()..).unwrap_or_default();
    }
    Ok(out)
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(other) => out.push(other),
                None => {}
            },
            (c, false) => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matchers_are_read_as_promql_reads_them() {
        let all: Vec<Ready> =
            parse(r#"status=~"5..", method!="HEAD""#).unwrap().iter().map(|m| m.ready().unwrap()).collect();
        let holds = |status: &'static str, method: &'static str| {
            all.iter().all(|m| {
                m.holds(|l| match l {
                    "status" => Some(status),
                    "method" => Some(method),
                    _ => None,
                })
            })
        };
        assert!(holds("503", "GET"));
        assert!(!holds("503", "HEAD") && !holds("5033", "GET") && !holds("200", "GET"));
        assert!(parse("status=5").is_err() && parse("status=~\"(\"").is_err());
        assert_eq!(parse(r#"{a="x\"\\y"}"#).unwrap(), [Matcher::equal("a", "x\"\\y")]);
        assert_eq!(parse(r#"path=~"/api/\\d+""#).unwrap()[0].value, r"/api/\d+");
    }

    #[test]
    fn a_label_that_is_not_there_is_empty() {
        let m = parse("env=\"\"").unwrap()[0].ready().unwrap();
        assert!(m.holds(|_| None) && !m.holds(|_| Some("x")));
    }
}
