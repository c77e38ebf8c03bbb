//! Alerts against the real Alertmanager and the real Prometheus.

use std::collections::BTreeMap;
use std::time::Duration;

use cabina::bus::Bus;
use cabina::engine;
use cabina::engine::Effect;
use cabina::engine::Event;
use cabina::engine::Kind;
use cabina::engine::State;
use cabina::engine::state::Mode;
use cabina::input::key::Chord;
use cabina::model::alert::Phase;
use cabina::model::alert::Standing;
use cabina::sources;
use cabina::sources::Reins;
use tokio::sync::mpsc::Receiver;

use crate::servers::Exporter;
use crate::support::alertmanager::Alertmanager;
use crate::support::free_port;
use crate::support::prometheus::Prometheus;
use crate::support::settings;
use crate::support::wait::until;

/// A cockpit without a screen.
pub(crate) struct Cockpit {
    pub(crate) state: State,
    events: Receiver<Event>,
    reins: Reins,
}

impl Cockpit {
    pub(crate) fn open(config: &str) -> Self {
        let (settings, secrets) = settings(config);
        let (bus, events) = Bus::new();
        let state = State::new(settings, Mode::Cockpit, cabina::bus::now());
        let reins = sources::spawn(&state.settings, &secrets, &bus, sources::Manner::Always);
        Self { state, events, reins }
    }

    pub(crate) fn take(&mut self, event: Event) {
        for effect in engine::update(&mut self.state, event).effects {
            match effect {
                Effect::Silence(request, order) => assert!(self.reins.silence(request, order)),
                Effect::PollNow => self.reins.poll_now(),
                Effect::LookCloser(closer) => self.reins.look_closer(closer),
                Effect::Compare { days, from, to } => self.reins.compare(days, (from, to)),
                _ => {}
            }
        }
    }

    fn press(&mut self, keys: &str) {
        for c in keys.chars() {
            self.take(Event { at: cabina::bus::now(), kind: Kind::Key(Chord::char(c)) });
        }
    }

    /// Takes events in until something holds.
    pub(crate) async fn until(&mut self, what: &str, holds: impl Fn(&State) -> bool) {
        let all = async {
            while !holds(&self.state) {
                let event = self.events.recv().await.unwrap();
                self.take(event);
            }
        };
        let ended = tokio::time::timeout(Duration::from_secs(40), all).await;
        let s = &self.state;
        assert!(ended.is_ok(), "{what}: {:#?} {:#?} {:?}", s.alerts.counts(), s.verdict.findings, s.sources.all);
    }
}

fn labels<'a>(name: &'a str, severity: &'a str, instance: &'a str) -> [(&'a str, &'a str); 3] {
    [("alertname", name), ("severity", severity), ("instance", instance)]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pair_of_alertmanagers_with_one_dead_a_storm_and_silences() {
    let (one, two) = (Alertmanager::start().await, Alertmanager::start().await);
    let instances: Vec<String> = (0..500).map(|i| format!("web{i}")).collect();
    let storm: Vec<[(&str, &str); 3]> = instances.iter().map(|i| labels("TargetDown", "warning", i)).collect();
    let storm: Vec<&[(&str, &str)]> = storm.iter().map(<[_; 3]>::as_slice).collect();
    let (down, slow) = (labels("MySQLDown", "critical", "db1"), labels("MySQLSlow", "warning", "db1"));
    for server in [&one, &two] {
        server.fire(&storm).await;
        server.fire(&[&down, &slow]).await;
    }
    let config = format!(
        "[[alertmanager]]\nurl = \"{}\"\nevery = \"1s\"\n[[alertmanager]]\nurl = \"{}\"\nevery = \"1s\"\n\
         [[alertmanager]]\nurl = \"http://127.0.0.1:{}\"\nevery = \"1s\"\n",
        one.url,
        two.url,
        free_port()
    );
    let mut cockpit = Cockpit::open(&config);
    cockpit
        .until("the storm is three lines", |s| {
            s.alerts.all.len() == 502 && s.alerts.folds.len() == 3 && s.alerts.counts() == [501, 0, 1]
        })
        .await;
    assert_eq!(cockpit.state.alerts.folds[0].name, "MySQLDown", "critical first");
    let slow = &cockpit.state.alerts.folds[2];
    assert_eq!((slow.name.as_str(), slow.standing), ("MySQLSlow", Standing::Suppressed), "inhibited");
    assert!(cockpit.state.sources.get("alertmanager 3").unwrap().problem.is_some(), "one is down, and that is known");
    // Acknowledge: the card says what; y does it; Alertmanager has it.
    cockpit.press("8ay");
    cockpit.until("the acknowledgement is in force", |s| s.alerts.counts() == [500, 0, 2]).await;
    let made = one.get("/api/v2/silences").await;
    assert_eq!(made[0]["comment"], "seen, looking into it");
    let matchers: BTreeMap<String, String> = made[0]["matchers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| (m["name"].as_str().unwrap().to_owned(), m["value"].as_str().unwrap().to_owned()))
        .collect();
    let wanted = labels("MySQLDown", "critical", "db1").map(|(k, v)| (k.to_owned(), v.to_owned()));
    assert_eq!(matchers, wanted.into());
    // It is silenced, and it still counts.
    let rules: Vec<&str> = cockpit.state.verdict.findings.iter().map(|f| f.rule.word()).collect();
    assert!(rules.contains(&"alert_critical"), "{rules:?}");
    // End it again.
    let at = cockpit.state.alerts.folds.iter().position(|f| f.name == "MySQLDown").unwrap();
    cockpit.press("g");
    cockpit.press(&"j".repeat(at));
    cockpit.press("xy");
    cockpit.until("it rings again", |s| s.alerts.counts() == [501, 0, 1]).await;
    let silences = cockpit.state.alerts.silences(cockpit.state.now.wall);
    assert_eq!(silences.iter().map(|s| s.phase).collect::<Vec<_>>(), [Phase::Expired], "and it is said for a while");
    assert!(cockpit.state.timeline.len() >= 4);
}

/// The rules of the house in a real Prometheus, and judged by cabina through the same server: the same states at the
/// same moments, within one evaluation. Minutes become seconds, so that a test can wait for them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_files_are_judged_as_prometheus_judges_them() {
    let rules = std::fs::read_to_string("runbooks/alerts/sla.yml").unwrap();
    let mut rules = rules.replace("interval: 30s", "interval: 1s").replace("[5m]", "[10s]");
    for minutes in [2, 5, 10] {
        rules = rules.replace(&format!("for: {minutes}m"), &format!("for: {minutes}s"));
    }
    let exporter = std::sync::Arc::new(Exporter::new(5_000, 70));
    let target = exporter.clone().serve(90, 0).await;
    let server = Prometheus::with_rules(std::slice::from_ref(&target), &rules).await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sla.yml"), &rules).unwrap();
    let file = folder.path().join("sla.yml");
    let config = format!("[prometheus]\nurl = \"{}\"\nevery = \"1s\"\nrules = [\"{}\"]\n", server.url, file.display());
    let mut cockpit = Cockpit::open(&config);
    // What each side says at each moment, until both have gone through everything.
    let mut first: BTreeMap<(&str, String, &str), i64> = BTreeMap::new();
    let begun = cabina::bus::now().mono;
    let mut broken = false;
    while cabina::bus::now().mono - begun < 60_000 {
        let now = cabina::bus::now().mono;
        if !broken && now - begun > 3_000 {
            exporter.break_down();
            broken = true;
        }
        let theirs = server.alerts().await;
        while let Ok(event) = cockpit.events.try_recv() {
            cockpit.take(event);
        }
        let groups = &cockpit.state.settings.prometheus.as_ref().unwrap().rules;
        let ours = cockpit.state.alerts.judged_here(groups);
        let ours = ours.iter().map(|a| (a.name(), a.standing.word()));
        for (side, all) in [("prometheus", theirs), ("cabina", ours.map(|(n, s)| (n, s.to_owned())).collect())] {
            for (name, state) in all {
                let state = if state == "firing" { "firing" } else { "pending" };
                first.entry((side, name, state)).or_insert(now);
            }
        }
        if first.len() == 12 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for name in ["HighErrorRate", "DatabaseConnectionPoolExhausted", "CeleryQueueBacklog"] {
        for state in ["pending", "firing"] {
            let at = |side| {
                first
                    .get(&(side, name.to_owned(), state))
                    .copied()
                    .unwrap_or_else(|| panic!("{side} {name} {state}: {first:?}"))
            };
            let apart = (at("prometheus") - at("cabina")).abs();
            // One evaluation, and the time that it takes to look.
            assert!(apart <= 1_500, "{name} {state}: {apart} ms apart: {first:?}");
        }
    }
    // A cockpit that opens now knows since when, from history.
    let since = |c: &Cockpit| {
        let groups = &c.state.settings.prometheus.as_ref().unwrap().rules;
        let all = c.state.alerts.judged_here(groups);
        all.into_iter().find(|a| a.name() == "HighErrorRate" && a.standing == Standing::Firing).map(|a| a.since)
    };
    let known = since(&cockpit).unwrap();
    let mut late = Cockpit::open(&config);
    late.until("history tells", |_| true).await;
    until("the late cockpit has it", Duration::from_secs(20), async || {
        while let Ok(event) = late.events.try_recv() {
            late.take(event);
        }
        since(&late).ok_or_else(|| format!("{:?}", late.state.alerts.folds))
    })
    .await;
    let late = since(&late).unwrap();
    assert!((late - known).abs() <= 2_000, "{late} and {known}");
}

/// A rule that the server refuses is one sentence; the others are judged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_rule_is_the_matter_of_that_rule() {
    let server = Prometheus::start(&[]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("r.yml");
    let text = "groups:\n- name: g\n  interval: 1s\n  rules:\n  - alert: Bad\n    expr: sum(\n  - alert: Good\n    expr: vector(1)\n";
    std::fs::write(&file, text).unwrap();
    let config = format!("[prometheus]\nurl = \"{}\"\nrules = [\"{}\"]\n", server.url, file.display());
    let mut cockpit = Cockpit::open(&config);
    cockpit
        .until("one is refused, one fires", |s| {
            let groups = &s.settings.prometheus.as_ref().unwrap().rules;
            let refused = s.alerts.refused(groups);
            refused.len() == 1 && refused[0].0 == "Bad" && s.alerts.folds.iter().any(|f| f.name == "Good")
        })
        .await;
}
