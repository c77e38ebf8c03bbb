//! Finds the configuration, reads it, and says what is wrong with it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use etcetera::BaseStrategy as _;
use secrecy::SecretString;

use crate::app::complain;
use crate::app::exit;
use crate::app::store;
use crate::cli::Cli;
use crate::config;
use crate::config::Origin;
use crate::config::Surroundings;
use crate::effects::record;
use crate::engine::Settings;
use crate::lang::Lang;
use crate::model::time::Zone;
use crate::secrets::Secrets;
use crate::secrets::named_secret;
use crate::theme::Depth;
use crate::theme::Theme;

/// No configuration is anywhere near this.
const LARGEST: u64 = 4 * 1024 * 1024;

/// A configuration in use.
pub(super) struct Configured {
    pub(super) path: PathBuf,
    pub(super) settings: Settings,
    pub(super) secrets: Arc<Secrets>,
    pub(super) origins: Vec<Origin>,
    pub(super) not_yet: Vec<String>,
    /// Files that it read: rule files, secrets.
    pub(super) files: Vec<PathBuf>,
    /// The text itself: whoever watches the file sees by it what changed meanwhile.
    pub(super) text: String,
}

impl Configured {
    /// What a task needs to know that writes down what happens, watches for nobody else and records nothing by itself.
    pub(super) fn record(&self) -> record::Plan {
        record::Plan {
            queue: store::url(self).map(|url| store::queue_of(&url)).unwrap_or_default(),
            url: store::url(self),
            read_only: self.settings.read_only,
            scribes: true,
            lang: self.settings.lang,
            host: store::host(),
            secrets: Arc::clone(&self.secrets),
            watched: None,
            operator: self.settings.operator.clone(),
            recording: None,
        }
    }
}

/// The environment, what of it is text.
pub(super) fn environment() -> BTreeMap<String, String> {
    env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect()
}

/// A text without percent-encoding.
fn percent_decoded(text: &str) -> String {
    url::form_urlencoded::parse(format!("x={}", text.replace('+', "%2B")).as_bytes())
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

/// The language of the locale, for sentences before there is a configuration.
pub(super) fn language() -> Lang {
    let env = environment();
    surroundings(&env, Path::new(".")).language()
}

fn surroundings<'a>(env: &'a BTreeMap<String, String>, folder: &'a Path) -> Surroundings<'a> {
    Surroundings { env, read_file: &read_secret, folder, zone: iana_time_zone::get_timezone().ok(), login: login() }
}

/// The name of whoever runs this, from the list of users; a name from elsewhere (LDAP) is in the environment of a login.
fn login() -> Option<String> {
    let uid = rustix::process::getuid().as_raw().to_string();
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let mut lines = users.lines().map(|l| l.split(':').collect::<Vec<_>>());
    lines.find(|user| user.get(2) == Some(&uid.as_str())).and_then(|user| user.first().map(|n| (*n).to_owned()))
}

fn read_secret(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| e.to_string())
}

/// Where the configuration is: the flag, `$CABINA_CONFIG`, `./cabina.toml`, the XDG folder.
pub(super) fn find(cli: &Cli) -> Option<PathBuf> {
    if let Some(path) = &cli.config {
        return Some(path.clone());
    }
    if let Some(path) = env::var_os("CABINA_CONFIG").filter(|v| !v.is_empty()) {
        return Some(path.into());
    }
    let here = PathBuf::from("cabina.toml");
    if here.exists() {
        return Some(here);
    }
    let folder = etcetera::choose_base_strategy().ok()?.config_dir();
    Some(folder.join("cabina/cabina.toml")).filter(|p| p.exists())
}

/// What can be said without a configuration: the language, the zone, and who asks.
pub(super) fn bare() -> (Lang, Zone, String) {
    let env = environment();
    let around = surroundings(&env, Path::new("/"));
    let zone = around.zone.as_deref().and_then(Zone::named).unwrap_or_default();
    let known = ["CABINA_USER", "SUDO_USER", "USER", "LOGNAME"].iter().find_map(|n| env.get(*n)).cloned();
    (around.language(), zone, known.or(around.login).unwrap_or_else(|| "cabina".to_owned()))
}

/// The configuration, or an empty one where there is none: a procedure can be run without.
pub(super) fn load_or_bare(cli: &Cli, lang: Lang) -> Result<Configured, u8> {
    if find(cli).is_some() {
        return load(cli);
    }
    let mut configured =
        parse("", &std::path::absolute("cabina.toml").unwrap_or_else(|_| PathBuf::from("cabina.toml")))?;
    configured.settings.lang = lang;
    configured.settings.read_only = cli.read_only;
    Ok(configured)
}

/// The login that this runs as.
pub(super) fn login_name() -> String {
    let named = || env::var("USER").or_else(|_| env::var("LOGNAME")).ok();
    crate::model::text::clean(&login().or_else(named).unwrap_or_default())
}

/// Finds and reads the configuration; says on standard error what keeps it from being used.
pub(super) fn load(cli: &Cli) -> Result<Configured, u8> {
    let Some(path) = find(cli) else {
        complain(&language().cli_no_config());
        return Err(exit::CONFIG);
    };
    let text = read(&path).map_err(|why| {
        complain(&format!("cabina: {}: {why}", path.display()));
        exit::CONFIG
    })?;
    let mut configured = parse(&text, &path)?;
    configured.settings.read_only = cli.read_only;
    let lang = configured.settings.lang;
    if !configured.not_yet.is_empty() {
        complain(&format!("cabina: {}", lang.cli_not_yet(configured.not_yet.join(", "))));
    }
    Ok(configured)
}

fn read(path: &Path) -> Result<String, String> {
    let about = fs::metadata(path).map_err(|e| e.to_string())?;
    if about.is_dir() {
        return Err("is a folder, not a file".to_owned());
    }
    if about.len() > LARGEST {
        return Err("is far too large for a configuration".to_owned());
    }
    let bytes = fs::read(path).map_err(|e| e.to_string())?;
    String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())
}

/// A configuration that was read again.
pub(super) struct Parsed {
    pub(super) settings: Settings,
    pub(super) secrets: Arc<Secrets>,
    pub(super) origins: Vec<Origin>,
    pub(super) not_yet: Vec<String>,
}

/// Reads the configuration again; also tells which files it reads (rule files, secrets).
///
/// # Errors
/// Every mistake as one sentence with its line and key; or why the file cannot be read.
pub(super) fn reread(path: &Path) -> (Result<Parsed, Vec<String>>, Vec<PathBuf>) {
    let text = match read(path) {
        Ok(text) => text,
        Err(why) => return (Err(vec![format!("{}: {why}", path.display())]), Vec::new()),
    };
    let (understood, files) = understand(&text, path);
    (understood.map_err(|rejected| rejected.mistakes.iter().map(ToString::to_string).collect()), files)
}

/// What a text says, or what is wrong with it; and the files that it reads.
fn understand(text: &str, path: &Path) -> (Result<Parsed, config::Rejected>, Vec<PathBuf>) {
    let env = environment();
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let folder = absolute.parent().unwrap_or(Path::new("/"));
    let files = RefCell::new(Vec::new());
    let read_file = |path: &Path| {
        files.borrow_mut().push(path.to_path_buf());
        read_secret(path)
    };
    let around = Surroundings { read_file: &read_file, ..surroundings(&env, folder) };
    let loaded = match config::load(text, &around) {
        Ok(loaded) => loaded,
        Err(rejected) => return (Err(rejected), files.into_inner()),
    };
    let values = loaded.secrets.into_iter().map(|(k, v)| (k, SecretString::from(v))).collect();
    // What the environment calls secret is none of anybody's business either, whether the configuration names it or not.
    let named = env.iter().filter(|(name, _)| named_secret(name)).map(|(_, value)| value.clone());
    // The password in a URL is one, whatever that is called.
    let within = env.values().filter_map(|value| url::Url::parse(value).ok()?.password().map(str::to_owned));
    let decoded = within.flat_map(|p| [percent_decoded(&p), p]);
    let said = [&loaded.settings.service, &loaded.settings.environment];
    let hidden = loaded.hidden.into_iter().chain(named).chain(decoded).filter(|value| !said.contains(&value));
    let hidden = hidden.map(SecretString::from).collect();
    let files = files.into_inner();
    let parsed = Parsed {
        settings: loaded.settings,
        secrets: Arc::new(Secrets::new(values, hidden)),
        origins: loaded.origins,
        not_yet: loaded.not_yet,
    };
    (Ok(parsed), files)
}

/// Reads a configuration from a text; `path` is where relative paths start from, and what mistakes are named after.
pub(super) fn parse(text: &str, path: &Path) -> Result<Configured, u8> {
    let (understood, files) = understand(text, path);
    match understood {
        Ok(parsed) => Ok(Configured {
            path: path.to_path_buf(),
            settings: parsed.settings,
            secrets: parsed.secrets,
            origins: parsed.origins,
            not_yet: parsed.not_yet,
            files,
            text: text.to_owned(),
        }),
        Err(rejected) => {
            let file = path.display().to_string();
            let n = rejected.mistakes.len();
            let head =
                if n == 1 { rejected.lang.cli_config_bad_one(&file) } else { rejected.lang.cli_config_bad(n, &file) };
            complain(&head);
            for mistake in &rejected.mistakes {
                complain(&format!("{file}:{mistake}"));
            }
            Err(exit::CONFIG)
        }
    }
}

/// The theme for this terminal. Only the environment is looked at; nothing is asked of the terminal.
pub(super) fn theme(name: &str) -> Result<Theme, u8> {
    let var = |name: &str| env::var(name).ok();
    let depth = Depth::detect(var("NO_COLOR").as_deref(), var("COLORTERM").as_deref(), var("TERM").as_deref());
    Theme::named(name, depth, !utf8()).map_err(|e| {
        complain(&format!("cabina: {e}"));
        exit::CONFIG
    })
}

/// Does the locale speak UTF-8? `LC_ALL` wins over `LC_CTYPE` over `LANG`; none of them is the C locale.
pub(super) fn utf8() -> bool {
    ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .filter_map(|name| env::var(name).ok())
        .find(|v| !v.is_empty())
        .is_some_and(|v| v.to_lowercase().replace('-', "").contains("utf8"))
}
