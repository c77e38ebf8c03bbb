//! Health checks: what is asked, where, and what is expected of the answer.

use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;

use crate::engine::settings::SecretId;
use crate::model::time::Millis;

/// One health check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckSpec {
    /// Its name, unique.
    pub name: String,
    /// What is probed.
    pub probe: ProbeSpec,
    /// Time between probes.
    pub every: Millis,
    /// Time one probe may take.
    pub timeout: Millis,
    /// Does it decide about the severity?
    pub critical: bool,
    /// Failures in a row until it is down.
    pub fail_after: u32,
    /// Good answers in a row until it is up again.
    pub recover_after: u32,
    /// What must hold.
    pub expect: Vec<Expect>,
    /// Checks whose failure explains this one's.
    pub depends_on: Vec<String>,
}

/// What a check asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ProbeSpec {
    /// A GET.
    Http(Endpoint),
    /// A connection that opens.
    Tcp {
        /// Host name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// A TLS handshake; its certificate is read even when it is not valid.
    Tls {
        /// Host name or address.
        host: String,
        /// Port.
        port: u16,
        /// Certificates trusted beside the machine's own.
        ca_file: Option<PathBuf>,
    },
    /// A name that resolves.
    Dns {
        /// The name.
        name: String,
    },
    /// A command that exits with 0, run by `sh -c` without a terminal.
    Command {
        /// The command line, by name: it may carry a password.
        line: SecretId,
        /// The command line as it stands in the file.
        shown: String,
    },
}

impl ProbeSpec {
    /// The word of the configuration key.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Http(_) => "http",
            Self::Tcp { .. } => "tcp",
            Self::Tls { .. } => "tls",
            Self::Dns { .. } => "dns",
            Self::Command { .. } => "command",
        }
    }

    /// What is asked, as it may be shown.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Http(endpoint) => format!("GET {}", endpoint.shown),
            Self::Tcp { host, port } => format!("tcp {host}:{port}"),
            Self::Tls { host, port, .. } => format!("tls {host}:{port}"),
            Self::Dns { name } => format!("dns {name}"),
            Self::Command { shown, .. } => shown.clone(),
        }
    }
}

/// An HTTP address with what it takes to be let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The URL, which may carry a password, by name.
    pub url: SecretId,
    /// The URL as it may be shown.
    pub shown: String,
    /// `Authorization: Bearer`.
    pub bearer: Option<SecretId>,
    /// `user:password`.
    pub basic: Option<SecretId>,
    /// Further headers; values by name.
    pub headers: Vec<(String, SecretId)>,
    /// Certificates trusted beside the machine's own.
    pub ca_file: Option<PathBuf>,
}

impl Endpoint {
    /// An address that lets everybody in.
    #[must_use]
    pub fn open(url: SecretId, shown: &str) -> Self {
        Self { url, shown: shown.to_owned(), bearer: None, basic: None, headers: Vec::new(), ca_file: None }
    }
}

/// One expectation of a check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Expect {
    /// `status == 200`
    Status(Op, u16),
    /// `latency < 500ms`: broken, the check is degraded, not down.
    Latency(Op, Millis),
    /// `body contains ok`
    BodyContains(String),
    /// `json $.status == ok`
    Json {
        /// RFC 9535 path.
        path: String,
        /// Comparison.
        op: Op,
        /// What to compare with; numbers compare as numbers.
        value: String,
    },
    /// `cert_days > 14`: broken, the check stays up and a SEV4 says so.
    CertDays(Op, i64),
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

impl Op {
    /// Reads the sign.
    #[must_use]
    pub fn parse(sign: &str) -> Option<Self> {
        Some(match sign {
            "==" | "=" => Self::Eq,
            "!=" => Self::Ne,
            "<" => Self::Lt,
            "<=" => Self::Le,
            ">" => Self::Gt,
            ">=" => Self::Ge,
            _ => return None,
        })
    }

    /// The sign.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        }
    }

    /// Does it hold?
    pub fn holds<T: PartialOrd>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Eq => left == right,
            Self::Ne => left != right,
            Self::Lt => left < right,
            Self::Le => left <= right,
            Self::Gt => left > right,
            Self::Ge => left >= right,
        }
    }
}
