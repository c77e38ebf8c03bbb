//! The one polling loop: first poll at once, an interval with a floor, a deadline, back-off, poll-now.

use std::hash::DefaultHasher;
use std::hash::Hash;
use std::hash::Hasher;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::bus::Bus;
use crate::bus::pace;
use crate::bus::task;
use crate::engine::Kind;
use crate::model::signal::Absence;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::SECOND;

/// Nothing is asked more often than this, whatever the configuration says.
const FLOOR: Millis = SECOND;
/// A beat comes so much sooner after a poll that was late.
const EARLY: Millis = 100;
/// The longest back-off.
const LONGEST: Millis = 5 * MINUTE;
/// A failing source is asked at most this many times less often.
const SLOWEST: Millis = 8;
/// Between two tries of the first round.
const RETRY: Duration = Duration::from_millis(250);
/// All tries of the first round together.
const RETRIES_WITHIN: Duration = Duration::from_secs(10);

/// How a source is polled.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The name its events carry.
    pub name: String,
    /// Time from the start of one poll to the start of the next.
    pub every: Millis,
    /// A poll that takes longer is given up.
    pub timeout: Millis,
    /// A source that fails is asked less often. Health checks are not: failing is what they look for.
    pub back_off: bool,
    /// In the first round, up to so many tries while it fails.
    pub tries: u32,
    /// End after the first round.
    pub once: bool,
}

/// What a poll brought.
pub struct Round {
    /// What to tell.
    pub kinds: Vec<Kind>,
    /// It did not get what it came for.
    pub failed: bool,
}

impl Round {
    /// One thing to tell.
    #[must_use]
    pub fn good(kind: Kind) -> Self {
        Self { kinds: vec![kind], failed: false }
    }
}

/// Something that can be asked.
pub trait Source: Send + 'static {
    /// Asks once. Errors are told as events, not returned.
    fn ask(&mut self) -> impl Future<Output = Round> + Send;

    /// A longer deadline for the next round, where a person asked for something slow.
    fn patience(&self) -> Option<Millis> {
        None
    }

    /// What to tell when `ask` did not come back in time; nothing where somebody else tells it.
    fn overdue(&mut self, after: Millis) -> Option<Kind>;
}

/// Starts a poller; if it dies, that is an event. The handle stops it without a word.
pub fn spawn(plan: Plan, bus: &Bus, wake: &watch::Receiver<()>, source: impl Source) -> AbortHandle {
    let (name, bus, wake) = (plan.name.clone(), bus.clone(), wake.clone());
    let inner = task::spawn(run(plan, bus.clone(), wake, source));
    let handle = inner.abort_handle();
    task::spawn(async move {
        if let Err(end) = inner.await
            && end.is_panic()
        {
            bus.send(Kind::SourceDied { source: name, why: "panic".to_owned() }).await;
        }
    });
    handle
}

/// Polls until nobody listens.
pub async fn run(plan: Plan, bus: Bus, mut wake: watch::Receiver<()>, mut source: impl Source) {
    wake.mark_unchanged();
    let mut failures: u32 = 0;
    let mut first = true;
    let began = Instant::now();
    // When this round was due, not when it began: lateness must not add up.
    let mut due = began;
    loop {
        let start = Instant::now();
        if start > due + ms(FLOOR) {
            // A slow answer or a machine that slept: what was missed is not made up for.
            due = start;
        }
        let limit = source.patience().unwrap_or(plan.timeout);
        // Boxed: whoever waits for the next round holds what it knows, and not the room that an answer takes.
        let round = match tokio::time::timeout(ms(limit), Box::pin(source.ask())).await {
            Ok(round) => round,
            Err(_) => Round { kinds: source.overdue(limit).into_iter().collect(), failed: true },
        };
        failures = if round.failed { failures.saturating_add(1) } else { 0 };
        for kind in round.kinds {
            if !bus.send(kind).await {
                return;
            }
        }
        // The first verdict comes soon: whoever opens the cockpit does not wait three intervals for what is dead.
        if first && round.failed && failures < plan.tries && began.elapsed() < RETRIES_WITHIN {
            tokio::time::sleep(RETRY).await;
            continue;
        }
        if plan.once {
            bus.send(Kind::SourceDone { source: plan.name.clone() }).await;
            return;
        }
        let mut wait = delay(&plan, failures);
        if first {
            bus.send(Kind::SourceDone { source: plan.name.clone() }).await;
            // Spread after the first poll, so that five hundred checks do not come in one burst for ever. Earlier, not
            // later: nobody waits longer than the interval.
            wait = (wait - jitter(&plan)).max(FLOOR);
            first = false;
        }
        due += ms(wait);
        if plan.every % SECOND == 0 {
            // On the beat of everything else that looks again and again: one timer wakes for all of them.
            due = pace::near(due);
        }
        due = due.max(start + ms(FLOOR - EARLY));
        tokio::select! {
            () = tokio::time::sleep_until(due) => {}
            changed = wake.changed() => {
                if changed.is_err() {
                    return;
                }
                // Whoever leans on the key does not ask more often than the floor allows.
                due = (start + ms(FLOOR)).max(Instant::now());
                tokio::time::sleep_until(due).await;
            }
        }
    }
}

fn ms(millis: Millis) -> Duration {
    Duration::from_millis(millis.max(0) as u64)
}

/// Time until the next poll after so many failures in a row.
fn delay(plan: &Plan, failures: u32) -> Millis {
    let every = plan.every.max(FLOOR);
    if !plan.back_off || failures < 2 {
        return every;
    }
    let times = 1i64 << (failures - 1).min(3);
    (every * times.min(SLOWEST)).min(LONGEST.max(every))
}

/// Up to a fifth of the interval, and up to five seconds of a short one; always the same for the same name: a restart
/// does not shuffle the load.
fn jitter(plan: &Plan) -> Millis {
    let mut hasher = DefaultHasher::new();
    plan.name.hash(&mut hasher);
    let most = (plan.every / 5).max(plan.every.min(5 * SECOND));
    (hasher.finish() % 1_000) as Millis * most / 1_000
}

/// The event of a source of figures that gave no answer.
#[must_use]
pub fn no_answer(source: &str, why: Absence) -> Kind {
    Kind::SourceFailed { source: source.to_owned(), why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(every: Millis, back_off: bool) -> Plan {
        Plan { name: "x".to_owned(), every, timeout: 1_000, back_off, tries: 1, once: false }
    }

    #[test]
    fn back_off_doubles_up_to_eight_times_and_never_past_five_minutes() {
        let p = plan(15_000, true);
        let waits: Vec<Millis> = (0..7).map(|n| delay(&p, n) / 1_000).collect();
        assert_eq!(waits, [15, 15, 30, 60, 120, 120, 120]);
        assert_eq!(delay(&plan(60_000, true), 9), LONGEST);
        assert_eq!(delay(&plan(5_000, false), 9), 5_000);
        assert_eq!(delay(&plan(10, false), 0), FLOOR);
    }

    struct Counter(u32, bool);

    impl Source for Counter {
        async fn ask(&mut self) -> Round {
            self.0 += 1;
            if self.1 {
                std::future::pending::<()>().await;
            }
            Round { kinds: vec![Kind::Tick], failed: self.0 < 3 }
        }

        fn overdue(&mut self, after: Millis) -> Option<Kind> {
            Some(no_answer("x", Absence::Timeout(after)))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_one_shot_tries_again_and_says_when_it_is_done() {
        let (bus, mut rx) = Bus::new();
        let (_tx, wake) = watch::channel(());
        let p = Plan { tries: 5, once: true, ..plan(5_000, false) };
        run(p, bus, wake, Counter(0, false)).await;
        let mut kinds = Vec::new();
        while let Some(e) = rx.recv().await {
            kinds.push(e.kind);
        }
        let done = Kind::SourceDone { source: "x".to_owned() };
        assert_eq!(kinds, [Kind::Tick, Kind::Tick, Kind::Tick, done]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_hangs_is_told_and_asked_again() {
        let (bus, mut rx) = Bus::new();
        let (_tx, wake) = watch::channel(());
        tokio::spawn(run(plan(5_000, false), bus, wake, Counter(0, true)));
        for _ in 0..2 {
            let kind = loop {
                match rx.recv().await.map(|e| e.kind) {
                    Some(Kind::SourceDone { .. }) => {}
                    other => break other,
                }
            };
            assert_eq!(kind, Some(no_answer("x", Absence::Timeout(1_000))));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn poll_now_does_not_wait_for_the_interval() {
        let (bus, mut rx) = Bus::new();
        let (tx, wake) = watch::channel(());
        tokio::spawn(run(plan(3_600_000, false), bus, wake, Counter(9, false)));
        let start = Instant::now();
        assert_eq!(rx.recv().await.map(|e| e.kind), Some(Kind::Tick));
        assert!(matches!(rx.recv().await.map(|e| e.kind), Some(Kind::SourceDone { .. })));
        tx.send_replace(());
        assert_eq!(rx.recv().await.map(|e| e.kind), Some(Kind::Tick));
        assert!(start.elapsed() < Duration::from_mins(1));
    }
}
