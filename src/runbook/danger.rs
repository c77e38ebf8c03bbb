//! How dangerous a block is, by what its commands do, whatever the document calls it: it changes something, or it takes
//! data away. One table for both; what is not in it is for the document to say.

use crate::runbook::grades::CHANGES;
use crate::runbook::grades::RESTORES;
use crate::runbook::grades::SQL;
use crate::runbook::grades::SQL_CHANGES;
use crate::runbook::grades::SQL_DESTROYS;
use crate::runbook::grades::VERBS;
use crate::runbook::grades::WIPES;
use crate::runbook::shell::Simple;
use crate::runbook::shell::commands;

/// What a block does at the most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Nothing of it is known to change anything.
    #[default]
    Unknown,
    /// Something is another way afterwards: a service stops, traffic moves, a file goes.
    Changes,
    /// What was written is gone, whatever is done afterwards.
    Destroys,
}

/// What a block does, and what would be lost by it: a database, a volume, a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Danger {
    /// How far it goes.
    pub grade: Grade,
    /// What would be lost, where the command names it.
    pub lost: Option<String>,
}

/// What does a block do at the most, and what is lost by it?
#[must_use]
pub fn danger(text: &str) -> Danger {
    let mut worst = Danger::default();
    for simple in &commands(text) {
        let found = of(simple);
        if found.grade > worst.grade || (found.grade == worst.grade && worst.lost.is_none()) {
            worst = found;
        }
    }
    // SQL may stand anywhere: in a variable, before a pipe, in a file that is made first.
    if worst.grade < Grade::Destroys || worst.lost.is_none() {
        let bare: Vec<&str> = text.lines().filter(|l| !l.trim_start().starts_with('#')).collect();
        let found = sql(&bare.join("\n"));
        if found.grade == Grade::Destroys {
            return found;
        }
    }
    worst
}

/// Does it take data away?
#[must_use]
pub fn destroys(text: &str) -> bool {
    danger(text).grade == Grade::Destroys
}

/// Does it change anything, as far as its commands say?
#[must_use]
pub fn changes(text: &str) -> bool {
    danger(text).grade >= Grade::Changes
}

fn changing() -> Danger {
    Danger { grade: Grade::Changes, lost: None }
}

fn losing(what: Option<&str>) -> Danger {
    let what = what.map(|w| w.trim_matches(['`', '"', '\'', ';']).to_owned()).filter(|w| !w.is_empty());
    Danger { grade: Grade::Destroys, lost: what }
}

fn sql(text: &str) -> Danger {
    if let Some(hit) = SQL_DESTROYS.as_ref().and_then(|r| r.captures(text)) {
        return losing(hit.get(1).map(|m| m.as_str()));
    }
    if SQL_CHANGES.as_ref().is_some_and(|r| r.is_match(text)) { changing() } else { Danger::default() }
}

/// What one command does.
fn of(simple: &Simple) -> Danger {
    let name = simple.name();
    let own = destroyed(simple).unwrap_or_default();
    let verb = VERBS.iter().find(|(n, _)| *n == name).is_some_and(|(_, verbs)| {
        let hit = |a: &str| {
            verbs.iter().any(|v| v.eq_ignore_ascii_case(a) || (v.len() > 2 && a.starts_with(&format!("{v}="))))
        };
        simple.args().iter().any(|a| hit(a))
    });
    let changes = CHANGES.contains(&name) && !asks_only(simple)
        || name == "rm"
        || name == "dd"
        || verb
        || simple.has(&["-delete"]) && name == "find"
        || web(simple)
        || django(simple)
        || simple.writes.iter().any(|(file, _)| writes(file));
    let changes = if changes { changing() } else { Danger::default() };
    [own, changes].into_iter().max_by_key(|d| d.grade).unwrap_or_default()
}

/// Told only to say what it would do, or how it is called.
fn asks_only(simple: &Simple) -> bool {
    simple.has(&["--version", "--help", "--dry-run", "-n", "list", "show", "search", "policy", "-l", "-q", "-qa", "-s"])
        && !matches!(simple.name(), "mv" | "cp" | "ln" | "kill" | "install" | "touch")
        || simple.name() == "kill" && simple.has(&["-0", "-l"])
        || simple.args().is_empty() && simple.name() == "mount"
}

/// Is this a file that somebody may need?
fn writes(file: &str) -> bool {
    !(file.is_empty()
        || file.starts_with("/dev/")
        || file.starts_with("/tmp/")
        || file.contains("CABINA_OUTPUT")
        || file.starts_with('&'))
}

/// A request that asks for more than an answer.
fn web(simple: &Simple) -> bool {
    let sends =
        ["-d", "--data", "--data-raw", "--data-binary", "-F", "--form", "-T", "--upload-file", "--json", "--post-data"];
    let args = simple.args();
    let method = args.iter().enumerate().find_map(|(i, a)| match a.as_str() {
        "-X" | "--request" | "--method" => args.get(i + 1).cloned(),
        a => a
            .strip_prefix("-X")
            .or_else(|| a.strip_prefix("--request="))
            .or_else(|| a.strip_prefix("--method="))
            .map(str::to_owned),
    });
    let method = method.is_some_and(|m| !matches!(m.to_uppercase().as_str(), "GET" | "HEAD" | "OPTIONS"));
    let gets = simple.has(&["-G", "--get"]);
    matches!(simple.name(), "curl" | "wget" | "http")
        && (method
            || !gets
                && args.iter().any(|a| sends.iter().any(|s| a == s || s.len() > 2 && a.starts_with(&format!("{s}=")))))
}

/// Django's own commands.
fn django(simple: &Simple) -> bool {
    let manages = simple.words.iter().take(3).any(|w| w.ends_with("manage.py") || w == "django-admin");
    let quiet = ["--check", "--plan", "--list", "--dry-run"];
    manages
        && !simple.has(&quiet)
        && simple.has(&[
            "migrate",
            "clearsessions",
            "collectstatic",
            "loaddata",
            "createsuperuser",
            "changepassword",
            "createcachetable",
            "makemigrations",
            "flush",
            "compilemessages",
        ])
}

/// What a command takes away.
fn destroyed(simple: &Simple) -> Option<Danger> {
    let (name, args) = (simple.name(), simple.args());
    let last = simple.plain().last();
    let raw = simple.writes.iter().find(|(f, _)| f.starts_with("/dev/") && !harmless_device(f));
    if let Some((device, _)) = raw {
        return Some(losing(Some(device)));
    }
    let recursive = || {
        args.iter()
            .any(|a| a == "--recursive" || (a.starts_with('-') && !a.starts_with("--") && a.contains(['r', 'R'])))
    };
    if WIPES.contains(&name) {
        return Some(losing(last));
    }
    match name {
        "rm" if recursive() => {
            let target = simple.plain().find(|t| is_far(t))?;
            Some(losing(Some(target)))
        }
        "rm" => {
            let data = |t: &&str| {
                ["/var/lib", "/data", "mysql", "postgres", "backup"].iter().any(|d| t.contains(d)) && is_far(t)
            };
            simple.plain().find(data).map(|t| losing(Some(t)))
        }
        "find" if simple.has(&["-delete"]) || exec_removes(args) => Some(losing(simple.plain().next())),
        n if n == "mkfs" || n.starts_with("mkfs.") => Some(losing(last)),
        "dd" => {
            let to = args.iter().find_map(|a| a.strip_prefix("of="))?;
            (!harmless_device(to)).then(|| losing(Some(to)))
        }
        "zfs" | "zpool" if simple.has(&["destroy", "rollback"]) => Some(losing(last)),
        "btrfs" if simple.has(&["delete"]) => Some(losing(last)),
        "rsync" if args.iter().any(|a| a.starts_with("--delete")) => Some(losing(last)),
        "git" if simple.has(&["clean"]) && args.iter().any(|a| a.starts_with('-') && a.contains('f')) => {
            Some(losing(Some("git")))
        }
        "mysqlbinlog" => None,
        n if RESTORES.contains(&n) => {
            let backs = ["--copy-back", "--move-back"];
            let makes = n.contains("backup") && !simple.has(&backs) || simple.has(&["-l", "--list"]);
            let to = option(args, &["-d", "--dbname", "--db", "--database", "-B"]);
            (!makes).then(|| losing(to.as_deref().or_else(|| database(simple, "")).or(last)))
        }
        _ => kept_elsewhere(simple).or_else(|| python(simple)).or_else(|| speaks_sql(simple)),
    }
}

/// Data that a service keeps: queues, volumes, buckets, tables of jobs.
fn kept_elsewhere(simple: &Simple) -> Option<Danger> {
    let args = simple.args();
    let last = simple.plain().last();
    match simple.name() {
        "redis-cli" | "valkey-cli" => {
            let all = args.iter().any(|a| a.eq_ignore_ascii_case("flushall") || a.eq_ignore_ascii_case("flushdb"));
            all.then(|| losing(Some("redis")))
        }
        "docker" | "podman" | "docker-compose" => docker(simple),
        "kubectl" | "oc" if simple.has(&["delete"]) => {
            let kinds = [
                "pvc",
                "pv",
                "persistentvolumeclaim",
                "persistentvolume",
                "namespace",
                "ns",
                "crd",
                "statefulset",
                "sts",
            ];
            let held = args.iter().any(|a| {
                kinds.iter().any(|k| a == k || a.strip_suffix('s') == Some(k) || a.starts_with(&format!("{k}/")))
            });
            held.then(|| losing(last))
        }
        "terraform" if simple.has(&["destroy"]) => Some(losing(Some("terraform"))),
        "aws" | "gsutil" | "gcloud" | "az" | "mc" | "s3cmd" => {
            let gone = [
                "rb",
                "delete-bucket",
                "delete-db-instance",
                "delete-db-cluster",
                "delete-table",
                "delete-volume",
                "delete-snapshot",
            ];
            let all = simple.has(&["rm", "del"]) && simple.has(&["--recursive", "-r", "-R"]);
            (all || simple.has(&gone)).then(|| losing(last))
        }
        "celery" if simple.has(&["purge"]) => Some(losing(Some("celery"))),
        "rabbitmqctl" if simple.has(&["purge_queue", "delete_queue", "reset", "force_reset", "delete_vhost"]) => {
            Some(losing(last))
        }
        "mysqladmin" | "mariadb-admin" if simple.has(&["drop"]) => Some(losing(last)),
        "crontab" if simple.has(&["-r"]) => Some(losing(Some("crontab"))),
        "userdel" if simple.has(&["-r", "--remove"]) => Some(losing(last)),
        _ => None,
    }
}

/// A place that is not beside whoever works here: from the root, from home, or wherever a variable leads.
fn is_far(path: &str) -> bool {
    path.starts_with(['/', '~', '$', '*'])
        || path.contains("$(")
        || path.contains("${")
        || path.contains("/../")
        || matches!(path, "." | ".." | "./*")
}

fn harmless_device(file: &str) -> bool {
    let known = ["/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty", "/dev/full", "/dev/zero"];
    known.contains(&file)
        || file.starts_with("/dev/fd/")
        || file.starts_with("/dev/tcp/")
        || file.starts_with("/dev/udp/")
        || file.starts_with("/dev/shm/")
        || file.starts_with("/dev/pts/")
}

fn exec_removes(args: &[String]) -> bool {
    let at = args.iter().position(|a| matches!(a.as_str(), "-exec" | "-execdir" | "-ok"));
    at.and_then(|at| args.get(at + 1))
        .is_some_and(|c| ["rm", "shred", "unlink", "truncate"].contains(&c.rsplit('/').next().unwrap_or_default()))
}

fn docker(simple: &Simple) -> Option<Danger> {
    let args = simple.args();
    let volumes = simple.has(&["volume"]) && simple.has(&["rm", "remove", "prune"]);
    let down = simple.has(&["down", "rm"])
        && args.iter().any(|a| a == "--volumes" || (a.starts_with('-') && !a.starts_with("--") && a.contains('v')));
    let prune = simple.has(&["prune"]) && simple.has(&["--volumes"]);
    let what = simple
        .plain()
        .filter(|w| !matches!(*w, "volume" | "rm" | "remove" | "prune" | "compose" | "down" | "system"))
        .last();
    (volumes || down || prune).then(|| losing(what.or(Some("docker"))))
}

/// The value of an option.
fn option(args: &[String], names: &[&str]) -> Option<String> {
    args.iter().enumerate().find_map(|(i, a)| {
        names.iter().find_map(|n| match a.strip_prefix(n) {
            Some("") => args.get(i + 1).cloned(),
            Some(rest) if n.starts_with("--") => rest.strip_prefix('=').map(str::to_owned),
            _ => None,
        })
    })
}

fn python(simple: &Simple) -> Option<Danger> {
    let at = simple.words.iter().take(3).position(|w| w.ends_with("manage.py") || w == "django-admin")?;
    let rest = simple.words.get(at + 1..).unwrap_or_default();
    match rest.first().map(String::as_str) {
        Some("flush" | "sqlflush" | "reset_db") => Some(losing(Some("manage.py"))),
        // Migrations that go back: an application and a number, or zero.
        Some("migrate") => {
            let words: Vec<&String> = rest.iter().skip(1).filter(|w| !w.starts_with('-')).collect();
            let (app, to) = (words.first()?, words.get(1)?);
            let back = to.as_str() == "zero"
                || to.chars().take(4).filter(char::is_ascii_digit).count() == 4
                || to.contains("MIGRATION");
            back.then(|| losing(Some(app)))
        }
        _ => None,
    }
}

/// The first word of a client of a database that is neither an option nor belongs to one.
fn database<'a>(simple: &'a Simple, takes: &str) -> Option<&'a str> {
    let mut args = simple.args().iter();
    while let Some(word) = args.next() {
        match word.strip_prefix('-') {
            None => return Some(word),
            Some(o) if o.len() == 1 && takes.contains(o) => drop(args.next()),
            Some(_) => {}
        }
    }
    None
}

fn speaks_sql(simple: &Simple) -> Option<Danger> {
    let (_, takes) = SQL.iter().find(|(n, _)| *n == simple.name())?;
    let args = simple.args();
    let said = format!("{}\n{}", args.join("\n"), simple.given);
    let named = option(args, &["-D", "--database", "-d", "--dbname"]);
    let place = named.as_deref().or_else(|| database(simple, takes));
    let own = sql(&said);
    let asks = args.iter().any(|a| {
        a == "-e" || a.starts_with("-e") || a.starts_with("--execute") || a == "-c" || a.starts_with("--command")
    });
    // A dump that is read into a server replaces what is there: it comes from a file, or out of a pipe.
    if own.grade < Grade::Destroys && simple.fed && simple.given.is_empty() && !asks {
        return Some(losing(place));
    }
    if own.grade < Grade::Destroys && args.iter().any(|a| a == "-f" || a.starts_with("--file")) {
        return Some(losing(place));
    }
    (own.grade > Grade::Unknown).then_some(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_data_away_is_known_and_what_would_be_lost() {
        let cases = [
            ("mysql iact -e 'DROP TABLE x'", "x"),
            ("gunzip -c d.sql.gz | mysql iact_production", "iact_production"),
            ("mysql -u root -h db iact < /backup/dump.sql", "iact"),
            ("DELETE FROM django_session WHERE expire_date < NOW()", "django_session"),
            ("mysql app <<'SQL'\nTRUNCATE TABLE `calls`;\nSQL", "calls"),
            ("echo 'DROP DATABASE app' | mysql", "app"),
            ("sudo -u iact ./manage.py migrate calls 0007 --noinput", "calls"),
            ("manage.py migrate ${APP} ${OLD_MIGRATION}", "${APP}"),
            ("python3 manage.py flush --noinput", "manage.py"),
            ("rm -rf /var/lib/mysql/*", "/var/lib/mysql/*"),
            ("rm -rf $BACKUP_DIR/*", "$BACKUP_DIR/*"),
            ("sudo rm -r --force \"${X}\"", "${X}"),
            ("rm -fr ~/data", "~/data"),
            ("find /var/log -name '*.gz' -delete", "/var/log"),
            ("find /x -type f -exec rm {} +", "/x"),
            ("find /x -print0 | xargs -0 rm -rf /x", "/x"),
            ("redis-cli -h r FLUSHALL", "redis"),
            ("docker volume rm pgdata", "pgdata"),
            ("docker compose down -v", "docker"),
            ("mkfs.ext4 /dev/sdb1", "/dev/sdb1"),
            ("dd if=/x of=/dev/sda bs=1M", "/dev/sda"),
            ("echo x > /dev/sda", "/dev/sda"),
            ("ssh db1 'sudo rm -rf /srv/app'", "/srv/app"),
            ("bash -c 'dropdb app'", "app"),
            ("pg_restore --clean -d app dump", "app"),
            ("psql -d app -f dump.sql", "app"),
            ("mariabackup --copy-back --target-dir=/b", "mariabackup"),
            ("kubectl delete pvc data-0", "data-0"),
            ("if true; then docker exec db psql -c 'drop schema public cascade'; fi", "public"),
            ("truncate -s 0 /var/log/app.log", "/var/log/app.log"),
            ("aws s3 rm s3://b/x --recursive", "s3://b/x"),
            ("rsync -a --delete a/ b/", "b/"),
        ];
        for (text, lost) in cases {
            let found = danger(text);
            assert_eq!(found.grade, Grade::Destroys, "{text}");
            assert!(found.lost.as_deref() == Some(lost) || lost == "mariabackup", "{text}: {found:?}");
        }
    }

    #[test]
    fn what_changes_something_is_no_look() {
        for text in [
            "systemctl restart gunicorn",
            "sudo systemctl stop mysql",
            "systemctl --now disable x",
            "git push --force origin main",
            "kubectl delete pod web-1",
            "kubectl rollout restart deploy/web",
            "rm -f /tmp/x",
            "rm -rf build/",
            "ln -sfn /srv/green /srv/live",
            "nginx -s reload",
            "echo 'server green;' > /etc/nginx/upstream.conf",
            "echo x | sudo tee /etc/nginx/conf.d/upstream.conf",
            "sed -i s/blue/green/ /etc/x",
            "curl -X POST https://h/api",
            "curl -d a=1 https://h",
            "python manage.py migrate --noinput",
            "python manage.py clearsessions",
            "mysql -e 'UPDATE x SET a=1'",
            "psql -c \"select pg_terminate_backend(1)\"",
            "kill -9 123",
            "docker restart web",
            "ssh lb1 'sudo service haproxy reload'",
            "apt-get install -y x",
        ] {
            assert_eq!(danger(text).grade, Grade::Changes, "{text}");
        }
        for text in [
            "mysql -e 'SELECT 1'",
            "# DROP TABLE x",
            "mysqldump iact | gzip > /tmp/x",
            "mysql iact <<'SQL'\nSELECT 1;\nSQL",
            "systemctl status gunicorn; systemctl is-active x",
            "journalctl -u x | tail -n 5 2>&1 > /dev/null",
            "curl -fsS https://h/health -o /dev/null -w '%{http_code}'",
            "kubectl get pods -A; kubectl logs web-1",
            "docker ps; docker logs web",
            "git log -1; git status; git diff",
            "echo SIDE=blue >> \"$CABINA_OUTPUT\"",
            "python manage.py showmigrations --list",
            "grep -c x /var/log/y | sort | uniq -c",
            "nginx -t; kill -0 5; df -h; free -m",
            "redis-cli ping; psql -c 'select count(*) from x'",
        ] {
            assert_eq!(danger(text).grade, Grade::Unknown, "{text}: {:?}", danger(text));
        }
    }
}
