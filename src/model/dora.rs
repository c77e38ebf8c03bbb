//! The four figures of delivery: how often, how fast, how often it goes wrong, how soon it is well again.
//!
//! The names are those of the DORA research; the classes are the house's own thresholds, which are those of its
//! reports.

use crate::model::deploy::Deploy;
use crate::model::incident::Incident;
use crate::model::significance::median;
use crate::model::time::DAY;
use crate::model::time::HOUR;
use crate::model::time::Millis;
use crate::model::watch::Watch;

/// A week of the trend.
pub const WEEK: Millis = 7 * DAY;
/// An incident that begins so soon after a change is taken as its doing: the house suspects a change of the hour before
/// an onset first.
const ITS_DOING: Millis = HOUR;
/// A commit and a mark that name the same version within so much are one deploy.
const SAME: Millis = DAY;

/// One commit of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// When it was first written, ms since the epoch.
    pub made: Millis,
    /// When it was put where it is, ms since the epoch.
    pub at: Millis,
    /// It joins two lines, and changes nothing itself.
    pub merge: bool,
    /// Its first line.
    pub subject: String,
}

/// What a commit's subject says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    /// `deploy:`
    Deploy,
    /// `rollback:` or `hotfix:`
    Failed,
    /// Anything else.
    Change,
}

impl Commit {
    /// The word that comes first decides.
    fn says(&self) -> Says {
        let subject = self.subject.to_lowercase();
        let place = |word: &str| subject.find(word).unwrap_or(usize::MAX);
        let (deploy, failed) = (place("deploy:"), place("rollback:").min(place("hotfix:")));
        match () {
            () if deploy == usize::MAX && failed == usize::MAX => Says::Change,
            () if deploy < failed => Says::Deploy,
            () => Says::Failed,
        }
    }

    /// Does its subject name this version, with or without its `v`?
    fn names(&self, version: &str) -> bool {
        let bare = |text: &str| text.trim_start_matches(['v', 'V']).to_lowercase();
        if version.contains(char::is_whitespace) {
            return self.subject.contains(version);
        }
        let word = |c: char| c.is_alphanumeric() || "._-+".contains(c);
        self.subject.split(|c| !word(c)).any(|w| !w.is_empty() && bare(w.trim_end_matches('.')) == bare(version))
    }
}

/// How good a figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Among the best.
    Elite,
    /// Good.
    High,
    /// Middling.
    Medium,
    /// Poor.
    Low,
}

impl Class {
    /// The word of JSON; never translated.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Elite => "elite",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }

    /// By the limits of the first three classes.
    fn of(good: impl Fn(f64) -> bool, limits: [f64; 3]) -> Self {
        match limits.map(good) {
            [true, ..] => Self::Elite,
            [_, true, _] => Self::High,
            [.., true] => Self::Medium,
            _ => Self::Low,
        }
    }
}

/// A week of a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Week {
    /// When it ended, ms since the epoch.
    pub to: Millis,
    /// The figure in it.
    pub value: Option<f64>,
    /// Of how many.
    pub n: usize,
}

/// One of the four.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metric {
    /// The figure; of nothing there is none.
    pub value: Option<f64>,
    /// Of how many.
    pub n: usize,
    /// How good it is.
    pub class: Option<Class>,
    /// The same by week, oldest first; whole weeks only.
    pub weeks: Vec<Week>,
}

/// The four figures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dora {
    /// Of so many days …
    pub days: i64,
    /// … until this moment, ms since the epoch.
    pub to: Millis,
    /// A repository was read too.
    pub git: bool,
    /// Deploys a day.
    pub frequency: Metric,
    /// Hours from a commit to its deploy; the median.
    pub lead: Metric,
    /// The share of deploys that failed.
    pub failures: Metric,
    /// Hours until an incident is over; the mean.
    pub recovery: Metric,
}

/// What the figures are made of.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Marks of deploys, oldest first; also some from before the span.
    pub deploys: &'a [Deploy],
    /// Windows after them.
    pub watches: &'a [Watch],
    /// Incidents.
    pub incidents: &'a [Incident],
    /// Commits, newest first as git tells them; `None` where no repository was given.
    pub commits: Option<&'a [Commit]>,
}

/// A deploy, from wherever it is known.
#[derive(Clone, Copy, Debug)]
struct Change {
    at: Millis,
    failed: bool,
    /// It is known from a commit.
    committed: bool,
}

/// Lead times: when the deploy was, and how long a commit had waited for it.
type Waits = Vec<(Millis, Millis)>;

/// The figures of the last `days`.
#[must_use]
pub fn dora(known: Known<'_>, now: Millis, days: i64) -> Dora {
    let (changes, waits) = changes(known);
    let recoveries: Waits = known
        .incidents
        .iter()
        .filter(|i| i.merged_into.is_none())
        .filter_map(|i| i.resolved_at.or(i.closed_at).map(|over| (over, (over - i.opened_at).max(0))))
        .collect();
    let hours = |ms: f64| ms / HOUR as f64;
    let within = |at: Millis, (from, to): (Millis, Millis)| at > from && at <= to;
    let of = |all: &Waits, span: (Millis, Millis)| -> Vec<f64> {
        all.iter().filter(|(at, _)| within(*at, span)).map(|(_, ms)| *ms as f64).collect()
    };
    let live =
        |span: (Millis, Millis)| -> Vec<Change> { changes.iter().filter(|c| within(c.at, span)).copied().collect() };
    let metric = |figure: &dyn Fn((Millis, Millis)) -> (Option<f64>, usize), class: &dyn Fn(f64) -> Class| {
        let (value, n) = figure((now - days * DAY, now));
        let weeks = (0..days * DAY / WEEK).rev().map(|i| {
            let to = now - i * WEEK;
            let (value, n) = figure((to - WEEK, to));
            Week { to, value, n }
        });
        Metric { value, n, class: value.map(class), weeks: weeks.collect() }
    };
    let frequency = |span: (Millis, Millis)| {
        let n = live(span).len();
        ((n > 0).then(|| n as f64 / ((span.1 - span.0) as f64 / DAY as f64)), n)
    };
    let lead = |span: (Millis, Millis)| {
        let waits = of(&waits, span);
        (median(&waits).map(hours), waits.len())
    };
    let failures = |span: (Millis, Millis)| {
        let live = live(span);
        let failed = live.iter().filter(|c| c.failed).count();
        ((!live.is_empty()).then(|| failed as f64 / live.len() as f64), live.len())
    };
    let recovery = |span: (Millis, Millis)| {
        let times = of(&recoveries, span);
        ((!times.is_empty()).then(|| hours(times.iter().sum::<f64>() / times.len() as f64)), times.len())
    };
    Dora {
        days,
        to: now,
        git: known.commits.is_some(),
        frequency: metric(&frequency, &|v| Class::of(|limit| v >= limit, [1.0, 0.14, 0.03])),
        lead: metric(&lead, &|v| Class::of(|limit| v <= limit * 24.0, [1.0, 7.0, 30.0])),
        failures: metric(&failures, &|v| Class::of(|limit| v <= limit, [0.15, 0.30, 0.45])),
        recovery: metric(&recovery, &|v| Class::of(|limit| v <= limit, [1.0, 24.0, 168.0])),
    }
}

/// Every deploy, oldest first, and how long what it brought had waited. A mark that goes back to what ran before the
/// last one is no deploy: it says that the last one failed.
fn changes(known: Known<'_>) -> (Vec<Change>, Waits) {
    let mut out: Vec<Change> = Vec::new();
    let mut marks: Vec<&Deploy> = Vec::new();
    let mut back = false;
    for deploy in known.deploys {
        let goes_back = !back
            && marks.last().is_some_and(|last| {
                last.before.as_deref() == Some(deploy.version.as_str()) && last.version != deploy.version
            });
        back = goes_back;
        if goes_back {
            if let Some(last) = out.last_mut() {
                last.failed = true;
            }
            continue;
        }
        marks.push(deploy);
        let failed = known.watches.iter().any(|w| w.deploy.as_ref() == Some(&deploy.id) && w.failed());
        out.push(Change { at: deploy.at, failed, committed: false });
    }
    let mut commits: Vec<&Commit> = known.commits.unwrap_or_default().iter().rev().collect();
    commits.sort_by_key(|c| c.at);
    for commit in commits.iter().filter(|c| c.says() == Says::Deploy) {
        let marked = marks.iter().position(|d| (d.at - commit.at).abs() <= SAME && commit.names(&d.version));
        match marked.and_then(|i| out.get_mut(i)) {
            Some(change) => change.committed = true,
            None => out.push(Change { at: commit.at, failed: false, committed: true }),
        }
    }
    out.sort_by_key(|c| c.at);
    for commit in commits.iter().filter(|c| c.says() == Says::Failed) {
        if let Some(last) = out.iter_mut().rev().find(|c| c.at <= commit.at) {
            last.failed = true;
        }
    }
    for i in 0..out.len() {
        let (at, next) = (out[i].at, out.get(i + 1).map_or(Millis::MAX, |n| n.at));
        let began = |i: &&Incident| i.merged_into.is_none() && i.opened_at >= at && i.opened_at < next;
        out[i].failed |= known.incidents.iter().filter(began).any(|i| i.opened_at - at <= ITS_DOING);
    }
    let mut waits = Waits::new();
    for commit in commits.iter().filter(|c| c.says() == Says::Change && !c.merge) {
        let Some(i) = out.iter().position(|c| c.at >= commit.at) else { continue };
        // What the first known deploy brought, besides what its own repository tells, nobody knows.
        if i > 0 || out[i].committed {
            waits.push((out[i].at, (out[i].at - commit.made.min(commit.at)).max(0)));
        }
    }
    (out, waits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::MINUTE;
    use crate::model::watch::Ended;
    use crate::model::window::Verdict;
    use crate::model::window::Window;

    const NOW: Millis = 1_790_000_000_000;

    fn commit(hours_ago: i64, subject: &str) -> Commit {
        let at = NOW - hours_ago * HOUR;
        Commit { made: at, at, merge: false, subject: subject.to_owned() }
    }

    fn mark(hours_ago: i64, version: &str, before: &str) -> Deploy {
        Deploy {
            id: format!("{version} {hours_ago}"),
            version: version.to_owned(),
            before: (!before.is_empty()).then(|| before.to_owned()),
            at: NOW - hours_ago * HOUR,
            ..Deploy::default()
        }
    }

    fn known<'a>(deploys: &'a [Deploy], incidents: &'a [Incident], commits: Option<&'a [Commit]>) -> Known<'a> {
        Known { deploys, watches: &[], incidents, commits }
    }

    #[test]
    fn nothing_is_no_figure() {
        let all = dora(known(&[], &[], Some(&[])), NOW, 30);
        for metric in [&all.frequency, &all.lead, &all.failures, &all.recovery] {
            assert_eq!((metric.value, metric.n, metric.class), (None, 0, None));
            assert_eq!(metric.weeks.len(), 4);
        }
    }

    #[test]
    fn commits_tell_of_deploys_and_how_long_changes_waited() {
        // Newest first, as git tells them.
        let commits = [
            commit(2, "feat: not live yet"),
            commit(5, "hotfix: the queue"),
            commit(10, "deploy: v2"),
            commit(14, "fix: two"),
            commit(20, "feat: one"),
            commit(100, "rollback: v1"),
            commit(101, "deploy: v1"),
            commit(110, "feat: zero"),
        ];
        let all = dora(known(&[], &[], Some(&commits)), NOW, 30);
        assert_eq!((all.frequency.n, all.frequency.class), (2, Some(Class::Medium)));
        assert!((all.frequency.value.unwrap() - 2.0 / 30.0).abs() < 1e-9);
        assert_eq!((all.lead.n, all.lead.value, all.lead.class), (3, Some(9.0), Some(Class::Elite)));
        assert_eq!((all.failures.n, all.failures.value, all.failures.class), (2, Some(1.0), Some(Class::Low)));
        assert_eq!(all.frequency.weeks.last().map(|w| w.n), Some(2));
    }

    #[test]
    fn a_mark_and_its_commit_are_one_deploy() {
        let commits = [commit(10, "deploy: 4.12.0 to production"), commit(30, "feat: x")];
        let deploys = [mark(9, "v4.12.0", "")];
        let all = dora(known(&deploys, &[], Some(&commits)), NOW, 30);
        assert_eq!((all.frequency.n, all.lead.n, all.lead.value), (1, 1, Some(21.0)));
        // Another version that begins alike is another one.
        let all = dora(known(&[mark(9, "v4.12", "")], &[], Some(&commits)), NOW, 30);
        assert_eq!(all.frequency.n, 2);
    }

    #[test]
    fn a_deploy_fails_by_its_window_its_incident_or_its_way_back() {
        let deploys = [
            mark(90, "v1", "v0"),
            mark(80, "v2", "v1"),
            mark(79, "v1", "v2"),
            mark(70, "v2", "v1"),
            mark(3, "v3", "v2"),
        ];
        let incident = |ago: Millis, lasted: Millis| Incident {
            opened_at: NOW - ago,
            resolved_at: Some(NOW - ago + lasted),
            ..Incident::new("INC-2026-0001")
        };
        // v2 was taken back, and then deployed again: that is a deploy, and went well.
        let all = dora(known(&deploys, &[], None), NOW, 30);
        assert_eq!((all.failures.n, all.failures.value), (4, Some(0.25)));
        let incidents = [incident(3 * HOUR - 10 * MINUTE, 30 * MINUTE), incident(40 * HOUR, 90 * MINUTE)];
        let all = dora(known(&deploys, &incidents, None), NOW, 30);
        assert_eq!((all.failures.value, all.recovery.n, all.recovery.value), (Some(0.5), 2, Some(1.0)));
        assert_eq!(all.recovery.class, Some(Class::Elite));
        let watch = Watch {
            deploy: Some(deploys[3].id.clone()),
            verdict: Verdict::Fail,
            ended: Some((Ended::Over, NOW)),
            ..Watch::new("w".to_owned(), Window::default(), "ana", "deploy1")
        };
        let all = dora(Known { watches: &[watch], ..known(&deploys, &[], None) }, NOW, 30);
        assert_eq!(all.failures.value, Some(0.5));
    }

    #[test]
    fn what_is_outside_the_span_does_not_count() {
        let deploys = [mark(24 * 40, "v1", ""), mark(24, "v2", "v1")];
        let all = dora(known(&deploys, &[], None), NOW, 30);
        assert_eq!((all.frequency.n, all.failures.n, all.failures.value), (1, 1, Some(0.0)));
    }
}
