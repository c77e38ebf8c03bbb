//! What the configuration asks for, checked and ready. No secret is in here: secrets are named, and only the edges
//! can look a name up.

use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;

use crate::engine::built_in::built_in_signals;
use crate::lang::Lang;
use crate::model::maintenance::Maintenance;
use crate::model::rule::Group;
use crate::model::severity::Level;
use crate::model::signal::Limit;
use crate::model::signal::Unit;
use crate::model::source::Origin;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::Zone;

/// The name under which the edges find a secret value.
pub type SecretId = String;

/// Everything that the configuration decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// What is watched; the first word on the screen.
    pub service: String,
    /// Where it runs.
    pub environment: String,
    /// The reader's language.
    pub lang: Lang,
    /// The zone beside UTC.
    pub zone: Zone,
    /// Name of the theme.
    pub theme: String,
    /// Nothing may be changed from here.
    pub read_only: bool,
    /// The embedded target is watched, with limits short enough for a visitor.
    pub demo: bool,
    /// Health checks, in the order of the file.
    pub checks: Vec<CheckSpec>,
    /// The Prometheus server.
    pub prometheus: Option<PrometheusSpec>,
    /// Targets read directly.
    pub scrapes: Vec<ScrapeSpec>,
    /// Figures, the built-in ones first.
    pub signals: Vec<SignalSpec>,
    /// The session table.
    pub sessions: Option<SessionsSpec>,
    /// How long a level stays after its rules have calmed.
    pub quiet: Quiet,
    /// Whom to call.
    pub contacts: Vec<Contact>,
    /// Ring the terminal's bell and notify on transitions.
    pub bell: bool,
    /// Windows in which nobody is called.
    pub maintenance: Vec<Maintenance>,
    /// Links to other tools.
    pub links: Vec<Link>,
    /// A target beyond the service: when it fails too, what fails is this machine's network.
    pub neutral: Option<CheckSpec>,
    /// Figures from databases.
    pub sql: Vec<SqlSpec>,
    /// Lines that match, per minute.
    pub logs: Vec<LogSpec>,
    /// Alertmanagers; several are one cluster.
    pub alertmanagers: Vec<AlertmanagerSpec>,
    /// Who sits here: the author of what is written from this cockpit.
    pub operator: String,
}

impl Settings {
    /// Settings that watch nothing: the ground that a configuration is built on.
    #[must_use]
    pub fn empty(lang: Lang) -> Self {
        Self {
            service: String::new(),
            environment: String::new(),
            lang,
            zone: Zone::default(),
            theme: "noche".to_owned(),
            read_only: false,
            demo: false,
            checks: Vec::new(),
            prometheus: None,
            scrapes: Vec::new(),
            signals: built_in_signals(),
            sessions: None,
            quiet: Quiet::default(),
            contacts: Vec::new(),
            bell: true,
            maintenance: Vec::new(),
            links: Vec::new(),
            neutral: None,
            sql: Vec::new(),
            logs: Vec::new(),
            alertmanagers: Vec::new(),
            operator: String::new(),
        }
    }

    /// A production environment gets the loud colour.
    #[must_use]
    pub fn production(&self) -> bool {
        self.environment.to_lowercase().starts_with("prod")
    }

    /// The maintenance window that holds at a moment, and when it ends.
    #[must_use]
    pub fn maintenance_at(&self, now: Millis) -> Option<(&Maintenance, Millis)> {
        self.maintenance.iter().find_map(|m| Some((m, m.until(now, self.zone)?)))
    }

    /// Does anything feed the request figures?
    #[must_use]
    pub fn reads_metrics(&self) -> bool {
        self.prometheus.is_some() || !self.scrapes.is_empty()
    }
}

/// The name of the check behind `neutral`; no check of the configuration may have it.
pub const NEUTRAL: &str = "neutral target";

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

/// The Prometheus server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrometheusSpec {
    /// Base URL of the server and how to get in.
    pub endpoint: Endpoint,
    /// Time between polls.
    pub every: Millis,
    /// Time one query may take.
    pub timeout: Millis,
    /// How much history is read at start.
    pub history: Millis,
    /// Which metrics the service exports.
    pub metrics: MetricNames,
    /// Rule files of the configuration, judged by cabina through the server.
    pub rules: Vec<Group>,
    /// An alert that always fires; that it does not is itself a warning.
    pub watchdog: Option<String>,
}

/// One Alertmanager.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertmanagerSpec {
    /// The name of its source: `alertmanager`, or with a number where there are several.
    pub name: String,
    /// Base URL and how to get in.
    pub endpoint: Endpoint,
    /// Time between polls.
    pub every: Millis,
    /// Time one poll may take.
    pub timeout: Millis,
}

/// A target whose `/metrics` is read directly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScrapeSpec {
    /// The URL and how to get in.
    pub endpoint: Endpoint,
    /// Time between polls.
    pub every: Millis,
    /// Time one poll may take.
    pub timeout: Millis,
    /// The window of the "five-minute" figures.
    pub window: Millis,
    /// Which metrics the target exports.
    pub metrics: MetricNames,
}

/// The three names from which the request figures come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricNames {
    /// A counter of requests.
    pub requests: String,
    /// A label matcher that picks the failed ones.
    pub errors: String,
    /// A histogram of durations in seconds.
    pub duration: String,
}

impl Default for MetricNames {
    fn default() -> Self {
        Self {
            requests: "http_requests_total".to_owned(),
            errors: "status=~\"5..\"".to_owned(),
            duration: "http_request_duration_seconds".to_owned(),
        }
    }
}

impl MetricNames {
    /// The names of the presets, for hints.
    pub const PRESETS: [&str; 3] = ["default", "django-prometheus", "starlette"];

    /// The counter of requests that carries the labels of endpoints: django-prometheus has one of its own for them.
    #[must_use]
    pub fn apart(&self) -> &str {
        match self.requests.as_str() {
            "django_http_responses_total_by_status_total" => "django_http_responses_total_by_status_view_method_total",
            other => other,
        }
    }

    /// The names that a well-known exporter uses.
    ///
    /// Sources: django-prometheus `middleware.py` (responses by status, latency by view and method);
    /// `starlette_exporter` README (`starlette_requests_total`, label `status_code`).
    #[must_use]
    pub fn preset(name: &str) -> Option<Self> {
        let (requests, errors, duration) = match name {
            "default" => return Some(Self::default()),
            "django-prometheus" => (
                "django_http_responses_total_by_status_total",
                "status=~\"5..\"",
                "django_http_requests_latency_seconds_by_view_method",
            ),
            "starlette" => ("starlette_requests_total", "status_code=~\"5..\"", "starlette_request_duration_seconds"),
            _ => return None,
        };
        Some(Self { requests: requests.to_owned(), errors: errors.to_owned(), duration: duration.to_owned() })
    }
}

/// One figure and its limits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignalSpec {
    /// Its name.
    pub name: String,
    /// The question behind it; `None` for a built-in one, whose query follows from the metric names.
    pub query: Option<String>,
    /// Who answers: a Prometheus server (or direct scrape in its place), a database, a log.
    pub origin: Origin,
    /// What it counts in.
    pub unit: Unit,
    /// Shown only once it has been seen: not every service exports it.
    pub optional: bool,
    /// Beyond this, SEV3.
    pub warning: Option<Limit>,
    /// Beyond this, SEV2 (the error rate: SEV1).
    pub critical: Option<Limit>,
}

impl SignalSpec {
    /// True for the figures that come with the program.
    #[must_use]
    pub fn built_in(&self) -> bool {
        self.query.is_none()
    }
}

/// A figure from a database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SqlSpec {
    /// The signal's name.
    pub name: String,
    /// The database URL, by name.
    pub url: SecretId,
    /// The URL as it may be shown.
    pub shown: String,
    /// One statement that returns one number.
    pub query: String,
    /// Time between looks.
    pub every: Millis,
    /// The most a look may cost the server.
    pub budget: Millis,
}

impl SqlSpec {
    /// The name of its source.
    #[must_use]
    pub fn source(&self) -> String {
        format!("sql {}", self.name)
    }
}

/// Lines that match, per minute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogSpec {
    /// The signal's name.
    pub name: String,
    /// Where the lines come from.
    pub from: LogFrom,
    /// A regular expression.
    pub pattern: String,
    /// Time between two looks at the count; lines are read as they come.
    pub every: Millis,
}

impl LogSpec {
    /// The name of its source.
    #[must_use]
    pub fn source(&self) -> String {
        format!("log {}", self.name)
    }
}

/// Where lines come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogFrom {
    /// A command that goes on, run by `sh -c`.
    Command {
        /// The command line, by name: it may carry a password.
        line: SecretId,
        /// The command line as it stands in the file.
        shown: String,
    },
    /// A file that is followed.
    File(PathBuf),
}

/// The session table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionsSpec {
    /// The database URL, by name.
    pub url: SecretId,
    /// The URL as it may be shown.
    pub shown: String,
    /// Table name.
    pub table: String,
    /// Time between looks.
    pub every: Millis,
    /// The most a look may cost the server.
    pub budget: Millis,
    /// `SESSION_COOKIE_AGE`.
    pub cookie_age: Millis,
    /// Rows from which the table is large.
    pub warning_rows: u64,
    /// Rows that must not be reached.
    pub critical_rows: u64,
    /// How often the sweep runs.
    pub cleanup_every: Millis,
}

impl SessionsSpec {
    /// Is it MySQL or MariaDB, which can be looked at as a server too?
    #[must_use]
    pub fn is_mysql(&self) -> bool {
        self.shown.starts_with("mysql") || self.shown.starts_with("mariadb")
    }

    /// A look has at most eight statements, each stopped by the server at the budget; two seconds more for a slow
    /// connection to open.
    #[must_use]
    pub fn timeout(&self) -> Millis {
        8 * self.budget + 2 * crate::model::time::SECOND
    }
}

/// How long each level stays after its rules have calmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quiet {
    /// For SEV1.
    pub sev1: Millis,
    /// For SEV2.
    pub sev2: Millis,
    /// For SEV3.
    pub sev3: Millis,
    /// For SEV4.
    pub sev4: Millis,
}

impl Default for Quiet {
    fn default() -> Self {
        Self { sev1: 5 * MINUTE, sev2: 5 * MINUTE, sev3: 2 * MINUTE, sev4: 2 * MINUTE }
    }
}

impl Quiet {
    /// The quiet time of a level; what is not a severity falls at once.
    #[must_use]
    pub fn of(self, level: Level) -> Millis {
        match level {
            Level::Sev1 => self.sev1,
            Level::Sev2 => self.sev2,
            Level::Sev3 => self.sev3,
            Level::Sev4 => self.sev4,
            Level::Unknown | Level::Ok => 0,
        }
    }
}

/// A link to another tool; `{service}`, `{environment}`, `{from}`, `{to}`, `{from_iso}` and `{to_iso}` are filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its name.
    pub name: String,
    /// Its address.
    pub url: String,
}

/// Someone to call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// What they are.
    pub role: String,
    /// Who they are.
    pub name: String,
    /// How to reach them.
    pub how: String,
}
