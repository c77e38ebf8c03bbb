//! Text into settings. Every mistake is found in one reading, each with its line, its key and a hint. Pure: the
//! environment, secret files and the machine's time zone are handed in.

mod endpoint;
mod figures;
mod health;
mod later;
mod quiet;
mod reader;
mod rules;
mod signals;
mod store;
mod window;

use std::collections::BTreeMap;
use std::path::Path;

use crate::config::reader::Context;
use crate::config::reader::Section;
use crate::engine::Settings;
use crate::engine::settings::Contact;
use crate::engine::settings::Opens;
use crate::engine::settings::Quiet;
use crate::engine::settings::SessionsSpec;
use crate::lang::Lang;
use crate::model::text::clean;
use crate::model::time::DAY;
use crate::model::time::HOUR;
use crate::model::time::MINUTE;
use crate::model::time::SECOND;
use crate::model::time::Zone;
use crate::theme::Theme;

pub use reader::Mistake;
pub use reader::Origin;

/// What the world around a configuration looks like.
pub struct Surroundings<'a> {
    /// The environment.
    pub env: &'a BTreeMap<String, String>,
    /// Reads a secret file; the error is one sentence.
    pub read_file: &'a dyn Fn(&Path) -> Result<String, String>,
    /// The folder that relative paths start from.
    pub folder: &'a Path,
    /// The machine's time zone, by its IANA name.
    pub zone: Option<String>,
    /// Whom the machine takes the person for, where the environment does not say.
    pub login: Option<String>,
}

impl Surroundings<'_> {
    /// The language of the locale; English where it names none that cabina speaks.
    #[must_use]
    pub fn language(&self) -> Lang {
        let set = |name: &str| self.env.get(name).filter(|v| !v.is_empty());
        set("LC_ALL")
            .or_else(|| set("LC_MESSAGES"))
            .or_else(|| set("LANG"))
            .and_then(|v| Lang::parse(v))
            .unwrap_or(Lang::En)
    }
}

/// A configuration that can be used.
#[derive(Debug)]
pub struct Loaded {
    /// What it asks for.
    pub settings: Settings,
    /// Secret values by name.
    pub secrets: BTreeMap<String, String>,
    /// Values that must never be shown, wherever they turn up.
    pub hidden: Vec<String>,
    /// Where each value comes from.
    pub origins: Vec<Origin>,
    /// Sections that this version does not use yet.
    pub not_yet: Vec<String>,
}

/// A configuration that cannot be used: all its mistakes, in the order of their lines.
#[derive(Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The mistakes.
    pub mistakes: Vec<Mistake>,
    /// The language to say them in.
    pub lang: Lang,
}

/// Reads a configuration.
///
/// # Errors
/// Every mistake in it.
pub fn load(text: &str, around: &Surroundings<'_>) -> Result<Loaded, Rejected> {
    let (table, broken) = toml::de::DeTable::parse_recoverable(text);
    let mut cx = Context::new(text, around);
    for error in broken {
        cx.syntax(&error);
    }
    // A broken line hides what follows it; keys that only seem to be missing would drown the one real mistake.
    let settings = if cx.mistakes.is_empty() {
        let mut root = Section::root(table.get_ref());
        Some(settings(&mut root, &mut cx))
    } else {
        None
    };
    cx.mistakes.sort_by_key(|m| m.line);
    let lang = settings.as_ref().map_or_else(|| around.language(), |s| s.lang);
    match settings {
        Some(settings) if cx.mistakes.is_empty() => {
            Ok(Loaded { settings, secrets: cx.secrets, hidden: cx.hidden, origins: cx.origins, not_yet: cx.not_yet })
        }
        _ => Err(Rejected { mistakes: cx.mistakes, lang }),
    }
}

fn settings(root: &mut Section<'_>, cx: &mut Context<'_>) -> Settings {
    let default = cx.around.language();
    let language = root.choice(cx, "language", &["es", "en"], default.code());
    let mut settings = Settings::empty(Lang::parse(&language).unwrap_or(default));
    settings.service = root.text_or(cx, "service", "cabina");
    settings.environment = root.text_or(cx, "environment", "");
    settings.zone = zone(root, cx);
    settings.theme = root.choice(cx, "theme", &Theme::NAMES, "noche");
    settings.checks = health::read(root, cx);
    settings.neutral = health::neutral(root, cx);
    endpoint::metrics(root, cx, &mut settings);
    settings.alertmanagers = endpoint::alertmanagers(root, cx);
    signals::read(root, cx, &mut settings);
    figures::read(root, cx, &mut settings);
    settings.sessions = root.section(cx, "sessions").map(|mut s| sessions(&mut s, cx));
    quiet::read(root, cx, &mut settings);
    (settings.quiet, settings.opens) = severity(root, cx);
    settings.contacts = contacts(root, cx);
    let known = ["CABINA_USER", "SUDO_USER", "USER", "LOGNAME"].iter().find_map(|n| cx.around.env.get(*n));
    let known = known.cloned().or_else(|| cx.around.login.clone());
    settings.operator = known.map_or_else(|| "cabina".to_owned(), |n| clean(&n));
    let folders = root.list(cx, "runbooks");
    let folders = if folders.is_empty() { vec!["runbooks".to_owned()] } else { folders };
    settings.runbooks = folders.iter().map(|f| cx.around.folder.join(f)).collect();
    settings.store = store::read(root, cx);
    window::read(root, cx, &mut settings);
    later::read(root, cx);
    root.finish(cx);
    settings
}

fn zone(root: &mut Section<'_>, cx: &mut Context<'_>) -> Zone {
    let machine = cx.around.zone.clone().unwrap_or_else(|| "UTC".to_owned());
    let named = root.text(cx, "timezone");
    let name = named.clone().unwrap_or(machine);
    match (Zone::named(&name), named) {
        (Some(zone), _) => zone,
        (None, Some(_)) => {
            cx.mistake(
                root,
                "timezone",
                format!("{name:?} is no time zone"),
                "use an IANA name such as \"America/Mexico_City\"",
            );
            Zone::default()
        }
        // The machine's own zone may have a name that the tables do not know.
        (None, None) => Zone::default(),
    }
}

fn sessions(s: &mut Section<'_>, cx: &mut Context<'_>) -> SessionsSpec {
    let (url, shown) = endpoint::database(s, cx, "url", &["mysql", "mariadb", "sqlite", "postgres", "postgresql"]);
    let table = s.text_or(cx, "table", "django_session");
    if !table.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '.'))
        || table.is_empty()
        || table.len() > 64
    {
        cx.mistake(
            s,
            "table",
            format!("{table:?} is no table name"),
            "letters, digits, _ and $, and a dot after the schema",
        );
    }
    let spec = SessionsSpec {
        url,
        shown,
        table,
        every: s.duration(cx, "every", 30 * SECOND, SECOND, HOUR),
        budget: s.duration(cx, "budget", 250, 10, 10 * SECOND),
        cookie_age: s.duration(cx, "cookie_age", 14 * DAY, MINUTE, 3650 * DAY),
        warning_rows: s.whole(cx, "warning_rows", 100_000, 1, u64::MAX >> 1),
        critical_rows: s.whole(cx, "critical_rows", 2_000_000, 1, u64::MAX >> 1),
        cleanup_every: s.duration(cx, "cleanup_every", 6 * HOUR, MINUTE, 30 * DAY),
    };
    if spec.critical_rows <= spec.warning_rows {
        cx.mistake(
            s,
            "critical_rows",
            "is not above warning_rows".to_owned(),
            "a warning must come before a critical limit",
        );
    }
    s.finish(cx);
    spec
}

/// `[severity]`: how long levels stay, and when they open an incident.
fn severity(root: &mut Section<'_>, cx: &mut Context<'_>) -> (Quiet, Opens) {
    let (mut quiet, mut opens) = (Quiet::default(), Opens::default());
    let Some(mut severity) = root.section(cx, "severity") else {
        return (quiet, opens);
    };
    // Whoever names levels names all that open one.
    if let Some(mut o) = severity.section(cx, "open") {
        let mut of = |key: &str| o.has(key).then(|| o.duration(cx, key, 0, 0, DAY));
        opens = Opens { sev1: of("sev1"), sev2: of("sev2"), sev3: of("sev3"), sev4: of("sev4") };
        o.finish(cx);
    }
    if let Some(mut q) = severity.section(cx, "quiet") {
        for (key, slot) in
            [("sev1", &mut quiet.sev1), ("sev2", &mut quiet.sev2), ("sev3", &mut quiet.sev3), ("sev4", &mut quiet.sev4)]
        {
            *slot = q.duration(cx, key, *slot, 0, DAY);
        }
        q.finish(cx);
    }
    later::rules(&mut severity, cx);
    severity.finish(cx);
    (quiet, opens)
}

fn contacts(root: &mut Section<'_>, cx: &mut Context<'_>) -> Vec<Contact> {
    let mut out = Vec::new();
    for mut s in root.sections(cx, "contact") {
        out.push(Contact {
            role: s.required(cx, "role", "what they are, such as \"DBA\""),
            name: s.text_or(cx, "name", ""),
            how: s.required(cx, "how", "how to reach them, such as a number"),
        });
        s.finish(cx);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_text(text: &str) -> Result<Loaded, Vec<String>> {
        let env = BTreeMap::from([
            ("DB_PASSWORD".to_owned(), "s3cr3t!/x".to_owned()),
            ("LANG".to_owned(), "en_US.UTF-8".to_owned()),
        ]);
        let around = Surroundings {
            env: &env,
            read_file: &|p| match p.file_name().and_then(|n| n.to_str()) {
                Some("token") => Ok("tok-from-file\n".to_owned()),
                Some("sla.yml") => Ok(include_str!("../../runbooks/alerts/sla.yml").to_owned()),
                _ => Err("no such file".to_owned()),
            },
            folder: Path::new("/etc/cabina"),
            zone: Some("Europe/Madrid".to_owned()),
            login: None,
        };
        load(text, &around)
            .map_err(|r| r.mistakes.iter().map(|m| format!("{}: {}: {}", m.line, m.key, m.text)).collect())
    }

    /// The whole example of the design, every section of it.
    const WHOLE: &str = include_str!("../../tests/fixtures/whole.toml");

    #[test]
    fn the_whole_schema_parses_and_names_what_is_not_there_yet() {
        let loaded = load_text(WHOLE).unwrap_or_else(|e| panic!("{}", e.join("\n")));
        let s = &loaded.settings;
        assert_eq!((s.service.as_str(), s.production(), s.lang), ("IACT", true, Lang::Es));
        assert_eq!(s.checks[0].expect.len(), 5);
        assert_eq!(
            s.prometheus.as_ref().map(|p| p.metrics.requests.as_str()),
            Some("django_http_responses_total_by_status_total")
        );
        assert_eq!(s.sessions.as_ref().map(|s| s.shown.as_str()), Some("mysql://reader:•••@db/iact_production"));
        assert_eq!(s.alertmanagers.len(), 1);
        assert!(!loaded.not_yet.contains(&"[[health]]".to_owned()));
    }

    #[test]
    fn every_mistake_is_told_at_once_with_its_line_and_key() {
        let text = "servce = \"x\"\n[[health]]\nname = \"A\"\nhttp = \"ftp://x\"\nevery = \"5x\"\n\n[[health]]\nname = \"A\"\n\
                    expect = [\"status = maybe\"]\n[prometheus]\nurl = 7\nevery = \"0s\"\n";
        let Err(all) = load_text(text) else { panic!("it was taken") };
        let starts = [
            "1: servce",
            "4: health[0].http",
            "5: health[0].every",
            "7: health[1]",
            "8: health[1].name",
            "9: health[1].expect",
            "11: prometheus.url",
            "12: prometheus.every",
        ];
        for start in starts {
            assert!(all.iter().any(|m| m.starts_with(start)), "{start} is missing in\n{}", all.join("\n"));
        }
    }

    #[test]
    fn a_broken_file_names_its_line() {
        let Err(all) = load_text("service = \"x\"\n[health\n") else { panic!("it was taken") };
        assert!(all[0].starts_with("2: "), "{all:?}");
    }

    #[test]
    fn the_environment_fills_in_and_a_dollar_stays_a_dollar() {
        let loaded = load_text("service = \"$$5 a$b\"\n[sessions]\nurl = \"mysql://u:${DB_PASSWORD}@h/d\"\n").unwrap();
        assert_eq!(loaded.settings.service, "$5 a$b");
        // What goes into a URL is encoded, so that a slash in a password is no path.
        assert_eq!(loaded.secrets["sessions.url"], "mysql://u:s3cr3t%21%2Fx@h/d");
        assert!(loaded.hidden.contains(&"s3cr3t!/x".to_owned()));
        assert!(!format!("{:?}", loaded.settings).contains("s3cr3t"));
        assert!(!loaded.origins.iter().any(|o| o.value.contains("s3cr3t")));
        let Err(all) = load_text("service = \"${NOPE}\"") else { panic!("it was taken") };
        assert!(all[0].contains("NOPE"), "{all:?}");
    }

    #[test]
    fn every_secret_has_a_file_twin() {
        let text = "[prometheus]\nurl = \"http://p\"\nbearer_token_file = \"token\"\n";
        assert_eq!(load_text(text).unwrap().secrets["prometheus.bearer_token"], "tok-from-file");
        let Err(all) = load_text("[prometheus]\nurl = \"http://p\"\nbearer_token_file = \"gone\"\n") else {
            panic!("taken")
        };
        assert!(all[0].starts_with("3: prometheus.bearer_token_file"), "{all:?}");
    }

    #[test]
    fn a_signal_of_the_same_name_replaces_the_built_in_one() {
        let text = "[prometheus]\nurl = \"http://p\"\n[[signal]]\nname = \"latency_p95\"\nquery = \"x\"\nunit = \"seconds\"\ncritical = { above = 3 }\n";
        let s = load_text(text).unwrap().settings;
        let p95: Vec<_> = s.signals.iter().filter(|s| s.name == "latency_p95").collect();
        assert_eq!(p95.len(), 1);
        assert_eq!((p95[0].warning, p95[0].critical.map(|l| l.value)), (None, Some(3.0)));
    }

    #[test]
    fn checks_that_depend_on_each_other_in_a_circle_are_refused() {
        let text = "[[health]]\nname=\"a\"\ndns=\"x\"\ndepends_on=[\"b\"]\n[[health]]\nname=\"b\"\ndns=\"x\"\ndepends_on=[\"a\"]\n\
                    [[health]]\nname=\"c\"\ndns=\"x\"\ndepends_on=[\"zzz\"]\n";
        let Err(all) = load_text(text) else { panic!("it was taken") };
        assert!(all.iter().any(|m| m.contains("circle")) && all.iter().any(|m| m.contains("zzz")), "{all:?}");
    }
}
