//! The alerts of all sources as one list: pairs of Alertmanagers deduplicated, what Prometheus and Alertmanager both
//! have counted once, storms folded by name.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::VecDeque;

use crate::engine::settings::Settings;
use crate::engine::sources::PROMETHEUS_ALERTS;
use crate::model::alert::Alert;
use crate::model::alert::Grade;
use crate::model::alert::JUST_EXPIRED;
use crate::model::alert::Labels;
use crate::model::alert::Phase;
use crate::model::alert::Silence;
use crate::model::alert::Standing;
use crate::model::flaps::Flaps;
use crate::model::rule::Evaluation;
use crate::model::rule::Group;
use crate::model::rule::Memory;
use crate::model::signal::Absence;
use crate::model::time::DAY;
use crate::model::time::Millis;

/// Times at which an alert fired that are remembered, per name.
const SPANS: usize = 200;

/// What is known of the alerts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alerts {
    read: BTreeMap<String, Vec<Alert>>,
    silenced: BTreeMap<String, Vec<Silence>>,
    left_out: BTreeMap<String, usize>,
    stale: Vec<String>,
    rules: Vec<Vec<Judged>>,
    watchdog: Option<String>,
    /// All of them, each once.
    pub all: Vec<Alert>,
    /// The same, folded by name and grade: worst first, then the one that began first.
    pub folds: Vec<Fold>,
    /// The watchdog was among them in the newest look.
    pub watchdog_seen: bool,
    /// What the server remembers of a week, by the alert's shown name.
    flaps: BTreeMap<String, Flaps>,
    /// When each fired while cabina was looking, by the alert's shown name.
    spans: BTreeMap<String, VecDeque<(Millis, Option<Millis>)>>,
    /// The first look is no news.
    looked: bool,
}

/// One rule of a rule file.
#[derive(Clone, Debug, Default, PartialEq)]
struct Judged {
    memory: Memory,
    problem: Option<Absence>,
}

/// Alerts of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Fold {
    /// The name, fit for showing.
    pub name: String,
    /// How bad.
    pub grade: Grade,
    /// The loudest standing among them.
    pub standing: Standing,
    /// When the first of them began.
    pub since: Millis,
    /// Places in `all`.
    pub members: Vec<usize>,
    /// How many fire, wait, and are suppressed.
    pub counts: [usize; 3],
}

/// What began and what ended between two looks, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct News {
    pub(crate) fired: Vec<String>,
    pub(crate) over: Vec<String>,
}

impl Alerts {
    pub(crate) fn new(settings: &Settings) -> Self {
        let prometheus = settings.prometheus.as_ref();
        let rules = prometheus.map(|p| p.rules.iter().map(|g| vec![Judged::default(); g.rules.len()]).collect());
        Self {
            rules: rules.unwrap_or_default(),
            watchdog: prometheus.and_then(|p| p.watchdog.clone()),
            ..Self::default()
        }
    }

    /// Takes over what is known of sources that are still asked, and of rules that stay the same.
    pub(crate) fn inherit(&mut self, before: Self, same_rules: bool, settings: &Settings) {
        let asked = |name: &String| name == PROMETHEUS_ALERTS || settings.alertmanagers.iter().any(|a| a.name == *name);
        self.read = before.read.into_iter().filter(|(name, _)| asked(name)).collect();
        self.silenced = before.silenced.into_iter().filter(|(name, _)| asked(name)).collect();
        if same_rules {
            self.rules = before.rules;
        }
        (self.flaps, self.spans, self.looked) = (before.flaps, before.spans, before.looked);
        self.merge(0, settings.prometheus.as_ref().map_or(&[], |p| &p.rules));
    }

    /// Sources whose newest list is history: while another one of their kind answers, it is left aside.
    pub(crate) fn set_aside(&mut self, stale: Vec<String>) {
        self.stale = stale;
    }

    fn counts_in(&self, name: &str) -> bool {
        let of_kind = |n: &String| (n == PROMETHEUS_ALERTS) == (name == PROMETHEUS_ALERTS);
        let other_answers = self.read.keys().any(|n| of_kind(n) && !self.stale.contains(n));
        !self.stale.iter().any(|n| n == name) || !other_answers
    }

    /// Takes what one source has now.
    pub(crate) fn fold(
        &mut self,
        now: Millis,
        source: &str,
        alerts: Vec<Alert>,
        silences: Vec<Silence>,
        left_out: usize,
        groups: &[Group],
    ) -> News {
        self.read.insert(source.to_owned(), alerts);
        self.silenced.insert(source.to_owned(), silences);
        self.left_out.insert(source.to_owned(), left_out);
        self.merge(now, groups)
    }

    /// Takes evaluations of one rule in, oldest first.
    pub(crate) fn judged(
        &mut self,
        now: Millis,
        (group, rule): (usize, usize),
        expr: &str,
        evaluations: Result<Vec<Evaluation>, Absence>,
        groups: &[Group],
    ) -> News {
        // A poller of the rules before may still speak.
        let spec = groups.get(group).and_then(|g| g.rules.get(rule)).filter(|r| r.expr == expr);
        let judged = self.rules.get_mut(group).and_then(|g| g.get_mut(rule));
        let (Some(spec), Some(judged)) = (spec, judged) else {
            return News::default();
        };
        match evaluations {
            Ok(all) => {
                for evaluation in &all {
                    judged.memory.fold(spec, evaluation);
                }
                judged.problem = None;
            }
            Err(why) => judged.problem = Some(why),
        }
        // The rules of a group come one after the other: once is enough.
        let last = groups.get(group).is_some_and(|g| rule + 1 == g.rules.len());
        if last { self.merge(now, groups) } else { News::default() }
    }

    pub(crate) fn flapped(&mut self, flaps: BTreeMap<String, Flaps>) {
        self.flaps.extend(flaps);
    }

    /// What the rule files of the configuration have now, before anything else is joined to it.
    #[must_use]
    pub fn judged_here(&self, groups: &[Group]) -> Vec<Alert> {
        let rules = groups.iter().zip(&self.rules).flat_map(|(g, j)| g.rules.iter().zip(j));
        rules.flat_map(|(rule, judged)| judged.memory.alerts(rule)).collect()
    }

    /// Rules that the server refuses, with its words.
    #[must_use]
    pub fn refused<'a>(&'a self, groups: &'a [Group]) -> Vec<(&'a str, &'a Absence)> {
        let pairs = groups.iter().zip(&self.rules).flat_map(|(g, j)| g.rules.iter().zip(j));
        pairs.filter_map(|(r, j)| Some((r.alert.as_str(), j.problem.as_ref()?))).collect()
    }

    /// The last day and week of an alert: as the server remembers them, else as cabina saw them.
    #[must_use]
    pub fn flaps(&self, name: &str, now: Millis) -> Flaps {
        self.flaps.get(name).cloned().unwrap_or_else(|| {
            let spans: Vec<(Millis, Option<Millis>)> = self.spans.get(name).into_iter().flatten().copied().collect();
            Flaps::seen(&spans, now)
        })
    }

    /// All silences in force, to come or just over, each once; the newest first.
    #[must_use]
    pub fn silences(&self, now: Millis) -> Vec<&Silence> {
        let mut seen = HashSet::new();
        let mut out: Vec<&Silence> = self
            .silenced
            .iter()
            .filter(|(name, _)| self.counts_in(name))
            .flat_map(|(_, s)| s)
            .filter(|s| seen.insert(s.id.as_str()))
            .collect();
        out.retain(|s| s.phase != Phase::Expired || now - s.ends <= JUST_EXPIRED);
        out.sort_by_key(|s| (s.phase, std::cmp::Reverse(s.starts)));
        out
    }

    /// How many alerts were beyond what is kept.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.left_out.values().sum()
    }

    /// How many fire, wait, and are suppressed, the watchdog left out.
    #[must_use]
    pub fn counts(&self) -> [usize; 3] {
        self.folds.iter().fold([0; 3], |sum, f| std::array::from_fn(|i| sum[i] + f.counts[i]))
    }

    /// The alert of a fingerprint.
    #[must_use]
    pub fn by_fingerprint(&self, fingerprint: &str) -> Option<&Alert> {
        self.all.iter().find(|a| a.fingerprint() == fingerprint)
    }

    fn merge(&mut self, now: Millis, groups: &[Group]) -> News {
        let mut all: Vec<Alert> = Vec::new();
        let mut places: HashMap<Labels, usize> = HashMap::new();
        // Alertmanagers first: they know what is silenced. A pair has the same alerts twice.
        let managers = || self.read.iter().filter(|(name, _)| *name != PROMETHEUS_ALERTS && self.counts_in(name));
        for alert in managers().flat_map(|(_, a)| a) {
            if let Some(i) = places.get(&alert.labels) {
                let same = &mut all[*i];
                same.standing = same.standing.max(alert.standing);
                same.since = earlier(same.since, alert.since);
            } else {
                places.insert(alert.labels.clone(), all.len());
                all.push(alert.clone());
            }
        }
        join(&mut all, self.read.get(PROMETHEUS_ALERTS).into_iter().flatten().cloned().collect());
        join(&mut all, self.judged_here(groups));
        let watchdog = self.watchdog.as_deref();
        let is_watchdog = |a: &Alert| a.labels.get("alertname").map(String::as_str) == watchdog && watchdog.is_some();
        // What reaches Alertmanager is what would reach a person; without one, the server's own word counts.
        self.watchdog_seen = if managers().next().is_some() {
            managers().flat_map(|(_, a)| a).any(is_watchdog)
        } else {
            all.iter().any(is_watchdog)
        };
        all.retain(|a| !is_watchdog(a));
        self.folds = folded(&all);
        self.all = all;
        self.news(now)
    }

    /// What differs from the look before, by name.
    fn news(&mut self, now: Millis) -> News {
        let firing: BTreeSet<&str> =
            self.folds.iter().filter(|f| f.counts[0] + f.counts[2] > 0).map(|f| f.name.as_str()).collect();
        let mut news = News::default();
        // What has been quiet for a week has no history worth keeping.
        self.spans.retain(|_, spans| spans.back().is_some_and(|(_, end)| end.is_none_or(|end| now - end < 7 * DAY)));
        self.flaps.retain(|name, _| self.spans.contains_key(name) || firing.contains(name.as_str()));
        for (name, spans) in &mut self.spans {
            if let Some((_, end @ None)) = spans.back_mut()
                && !firing.contains(name.as_str())
            {
                *end = Some(now);
                news.over.push(name.clone());
            }
        }
        for name in firing {
            let spans = self.spans.entry(name.to_owned()).or_default();
            if spans.back().is_none_or(|(_, end)| end.is_some()) {
                if spans.len() == SPANS {
                    spans.pop_front();
                }
                spans.push_back((now, None));
                news.fired.push(name.to_owned());
            }
        }
        if !std::mem::replace(&mut self.looked, true) {
            news.fired.clear();
        }
        news
    }
}

/// Adds alerts that are not there yet. One is there when an alert of its name has all its labels: what goes through
/// Alertmanager has external labels on top.
fn join(all: &mut Vec<Alert>, more: Vec<Alert>) {
    let mut known: HashMap<(Vec<String>, String), HashMap<Labels, usize>> = HashMap::new();
    let before = all.len();
    for alert in more {
        let name = alert.labels.get("alertname").cloned().unwrap_or_default();
        let label_names: Vec<String> = alert.labels.keys().cloned().collect();
        // All alerts of this name, cut down to the labels at hand: made once for each shape of alert.
        let shapes = known.entry((label_names, name.clone())).or_insert_with_key(|(label_names, name)| {
            let of_name = |a: &&(usize, &Alert)| a.1.labels.get("alertname") == Some(name);
            let pairs: Vec<(usize, &Alert)> = all.iter().take(before).enumerate().collect();
            let cut = |a: &Alert| -> Labels {
                label_names.iter().filter_map(|l| Some((l.clone(), a.labels.get(l)?.clone()))).collect()
            };
            pairs.iter().filter(of_name).map(|(i, a)| (cut(a), *i)).collect()
        });
        if let Some(i) = shapes.get(&alert.labels) {
            let same = &mut all[*i];
            // Alertmanager knows when it began to fire; Prometheus, when the condition began to hold.
            same.since = earlier(same.since, alert.since);
            same.value = same.value.or(alert.value);
        } else {
            all.push(alert);
        }
    }
}

/// The earlier of two moments; one that is not known does not count.
fn earlier(a: Millis, b: Millis) -> Millis {
    if a <= 0 || b <= 0 { a.max(b) } else { a.min(b) }
}

fn folded(all: &[Alert]) -> Vec<Fold> {
    let mut by_name: BTreeMap<(Grade, String), Fold> = BTreeMap::new();
    for (i, alert) in all.iter().enumerate() {
        let key = (alert.grade(), alert.name());
        let fold = by_name.entry(key.clone()).or_insert_with(|| Fold {
            name: key.1,
            grade: key.0,
            standing: alert.standing,
            since: alert.since,
            members: Vec::new(),
            counts: [0; 3],
        });
        fold.standing = fold.standing.min(alert.standing);
        fold.since = earlier(fold.since, alert.since);
        fold.members.push(i);
        fold.counts[alert.standing as usize] += 1;
    }
    let mut out: Vec<Fold> = by_name.into_values().collect();
    out.sort_by(|a, b| (a.standing, a.grade, a.since, &a.name).cmp(&(b.standing, b.grade, b.since, &b.name)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(pairs: &[(&str, &str)], standing: Standing, since: Millis) -> Alert {
        Alert {
            labels: pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            summary: String::new(),
            description: String::new(),
            runbook: String::new(),
            standing,
            since,
            value: None,
            managed: true,
            silenced_by: Vec::new(),
            inhibited_by: Vec::new(),
        }
    }

    fn fold(alerts: &mut Alerts, source: &str, all: Vec<Alert>) -> News {
        alerts.fold(1_000, source, all, Vec::new(), 0, &[])
    }

    #[test]
    fn a_pair_is_deduplicated_and_prometheus_is_not_counted_twice() {
        let high = [("alertname", "High"), ("severity", "critical"), ("instance", "web1")];
        let outside = [("alertname", "High"), ("severity", "critical"), ("instance", "web1"), ("cluster", "eu1")];
        let mut a = Alerts::default();
        fold(&mut a, "am 1", vec![alert(&outside, Standing::Firing, 500)]);
        fold(&mut a, "am 2", vec![alert(&outside, Standing::Suppressed, 501)]);
        let other = [("alertname", "High"), ("severity", "critical"), ("instance", "web2")];
        let prometheus = vec![alert(&high, Standing::Firing, 200), alert(&other, Standing::Pending, 900)];
        fold(&mut a, PROMETHEUS_ALERTS, prometheus);
        assert_eq!(a.all.len(), 2);
        assert_eq!((a.all[0].since, a.all[0].standing), (200, Standing::Suppressed), "{:?}", a.all);
        assert_eq!(a.counts(), [0, 1, 1]);
    }

    #[test]
    fn a_storm_folds_to_a_few_lines_worst_and_oldest_first() {
        let mut a = Alerts::default();
        let names = ["Slow", "Down", "Disk"];
        let storm = (0..500)
            .map(|i| {
                let (n, instance) = (i % 3, format!("web{i}"));
                let severity = if n == 1 { "critical" } else { "warning" };
                let labels = [("alertname", names[n]), ("severity", severity), ("instance", &instance)];
                alert(&labels, Standing::Firing, 1_000 - i as Millis)
            })
            .collect();
        fold(&mut a, "am", storm);
        let lines: Vec<(&str, usize)> = a.folds.iter().map(|f| (f.name.as_str(), f.members.len())).collect();
        assert_eq!(lines, [("Down", 167), ("Slow", 167), ("Disk", 166)]);
    }

    #[test]
    fn the_first_look_is_no_news_and_the_next_tells_what_began_and_ended() {
        let mut a = Alerts::default();
        let one = alert(&[("alertname", "One")], Standing::Firing, 1);
        let two = alert(&[("alertname", "Two")], Standing::Firing, 1);
        assert_eq!(fold(&mut a, "am", vec![one.clone()]), News::default());
        let news = fold(&mut a, "am", vec![two]);
        assert_eq!((news.fired, news.over), (vec!["Two".to_owned()], vec!["One".to_owned()]));
        assert_eq!(a.flaps("Two", 2_000).week, 1);
    }

    #[test]
    fn the_watchdog_is_seen_and_not_listed() {
        let mut a = Alerts { watchdog: Some("Watchdog".to_owned()), ..Alerts::default() };
        fold(&mut a, "am", vec![alert(&[("alertname", "Watchdog")], Standing::Firing, 1)]);
        assert!(a.watchdog_seen && a.all.is_empty());
        fold(&mut a, "am", Vec::new());
        assert!(!a.watchdog_seen);
    }
}
