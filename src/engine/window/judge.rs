//! What is said of a window: signal by signal, then of the whole.
//!
//! A signal FAILs only if it is worse beyond chance *and* beyond what is tolerated; many signals look many times, so
//! chance is shared among them. It PASSes only if enough was seen to rule out a doubling, or if a doubling would lie below
//! where it would matter. Everything else is said to be unknown.

use crate::model::promql::histogram_quantile;
use crate::model::signal::Side;
use crate::model::significance;
use crate::model::significance::Share;
use crate::model::significance::Spread;
use crate::model::significance::median;
use crate::model::window::Buckets;
use crate::model::window::Criteria;
use crate::model::window::Figure;
use crate::model::window::Judged;
use crate::model::window::Measure;
use crate::model::window::Reason;
use crate::model::window::Subject;
use crate::model::window::Verdict;

/// False alarms of a whole window: one in fifty at the most. What is left out is left out on the safe side: `cargo bench`
/// finds fewer than one in a hundred.
const FAILS: f64 = 0.02;
/// Of a word of warning: the usual one in twenty.
const WARNS: f64 = 0.05;
/// How sure it is that nothing as bad as that was overlooked.
const SURE: f64 = 0.95;
/// What must not be overlooked: twice what it was.
const DOUBLE: f64 = 2.0;
/// A share below this part of where it begins to matter fails no deploy, however much more it is than before.
const NEGLIGIBLE: f64 = 0.1;
/// So many failures where there were none are worth a word.
const FEW: f64 = 3.0;
/// Looks at a value on each side without which ranks say nothing.
pub const LOOKS: usize = 8;
/// Beyond doubt: what fails a window before its end, looked at every few seconds.
const CERTAIN: f64 = 0.000_1;

/// What is said of a window.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Of the whole.
    pub verdict: Verdict,
    /// Of each signal, in the order they were given.
    pub signals: Vec<Judged>,
}

/// A signal, before chance is shared out.
struct Weighed {
    judged: Judged,
    /// The chance of being so much worse if nothing has changed; `None` where nothing is to be compared.
    chance: Option<f64>,
    /// It is worse than is tolerated, and it matters.
    matters: bool,
    /// Part of it was not seen.
    gap: bool,
    /// What is said where it is worse, and where it may be.
    words: Option<(Reason, Reason)>,
}

/// Judges a window that has ended.
#[must_use]
pub fn judge(subjects: &[Subject]) -> Judgement {
    let weighed: Vec<Weighed> = subjects.iter().map(weigh).collect();
    let chances: Vec<f64> = weighed.iter().filter_map(|w| w.chance).collect();
    let (fails, warns) = (significance::small_enough(&chances, FAILS), significance::small_enough(&chances, WARNS));
    let mut looked = fails.into_iter().zip(warns);
    let signals: Vec<Judged> = weighed
        .into_iter()
        .map(|w| {
            let (fails, warns) = w.chance.and_then(|_| looked.next()).unwrap_or_default();
            let mut judged = w.judged;
            if let Some((worse, maybe)) = w.words.filter(|_| w.matters) {
                if fails {
                    (judged.verdict, judged.reason) = (Verdict::Fail, worse);
                } else if warns && !w.gap {
                    (judged.verdict, judged.reason) = (Verdict::Warn, maybe);
                }
            }
            judged
        })
        .collect();
    Judgement { verdict: whole(subjects, &signals), signals }
}

/// Is a limit of a critical signal broken beyond doubt, so that nobody has to wait for the end? Many looks at a growing
/// window find something sooner or later: only what chance would hardly ever have counts.
#[must_use]
pub fn lost(subjects: &[Subject]) -> Option<&Subject> {
    subjects.iter().find(|s| {
        let Measure::Shares { before, now, spread, .. } = &s.measure else { return false };
        let (before, now) = (Share::of(before), Share::of(now));
        let fatal = s.criteria.fatal.filter(|_| s.criteria.critical && s.criteria.side == Side::Above);
        fatal.is_some_and(|limit| {
            let was = before.value().unwrap_or(0.0);
            was <= limit
                && now.part >= 2.0 * FEW
                && significance::beyond(now, limit, *spread) < CERTAIN
                && (before.all <= 0.0 || significance::higher(before, now, *spread) < CERTAIN)
        })
    })
}

/// What the signals make of the whole: what failed and matters, then what nobody knows and must be known, then the rest.
fn whole(subjects: &[Subject], signals: &[Judged]) -> Verdict {
    let any = |wanted: Verdict, matters: &dyn Fn(&Criteria) -> bool| {
        subjects.iter().zip(signals).any(|(s, j)| j.verdict == wanted && matters(&s.criteria))
    };
    match () {
        () if any(Verdict::Fail, &|c| c.critical) => Verdict::Fail,
        () if signals.is_empty() || any(Verdict::Inconclusive, &|c| c.critical || c.must_have_data) => {
            Verdict::Inconclusive
        }
        () if any(Verdict::Fail, &|_| true) || any(Verdict::Warn, &|_| true) => Verdict::Warn,
        // Of nothing that was looked at is anything known.
        () if !any(Verdict::Pass, &|_| true) => Verdict::Inconclusive,
        () => Verdict::Pass,
    }
}

fn weigh(subject: &Subject) -> Weighed {
    match &subject.measure {
        Measure::Shares { before, now, spread, gap } => {
            let (before, now) = (Share::of(before), Share::of(now));
            let figure = |s: Share| Figure { n: s.all, value: s.value() };
            let weighed =
                short(subject, figure(before), figure(now)).unwrap_or_else(|| shares(subject, before, now, *spread));
            // What was seen may fail it, and cannot pass it. Where nothing was, that is said instead.
            match (gap, now.all > 0.0) {
                (true, true) => Weighed {
                    judged: Judged { verdict: Verdict::Inconclusive, reason: Reason::Gap, ..weighed.judged },
                    gap: true,
                    ..weighed
                },
                _ => weighed,
            }
        }
        Measure::Quantile { q, before, now } => {
            let figure = |b: &Buckets| {
                let value = histogram_quantile(*q, b);
                Figure { n: observed(b), value: value.is_finite().then_some(value) }
            };
            let (was, is) = (figure(before), figure(now));
            short(subject, was, is).unwrap_or_else(|| quantile(subject, *q, (was, is), before, now))
        }
        Measure::Values { before, now } => values(subject, before, now),
        Measure::Said { before, now, verdict, reason } => certain(subject, *before, *now, *verdict, reason.clone()),
        Measure::Nothing(why) => {
            let (none, reason) = (Figure::default(), Reason::Unmeasured { why: why.clone() });
            certain(subject, none, none, Verdict::Inconclusive, reason)
        }
    }
}

/// A word that no chance changes.
fn certain(subject: &Subject, before: Figure, now: Figure, verdict: Verdict, reason: Reason) -> Weighed {
    let judged = Judged {
        name: subject.name.clone(),
        unit: subject.unit,
        verdict,
        critical: subject.criteria.critical,
        before,
        now,
        reason,
    };
    Weighed { judged, chance: None, matters: false, gap: false, words: None }
}

/// Nothing, or too little, on one side.
fn short(subject: &Subject, before: Figure, now: Figure) -> Option<Weighed> {
    let wanted = subject.criteria.min_requests;
    let compares = subject.criteria.tolerance.is_some();
    let reason = match () {
        () if now.n <= 0.0 || now.value.is_none() => Reason::NothingNow,
        () if now.n < wanted => Reason::FewNow { wanted },
        () if compares && (before.n <= 0.0 || before.value.is_none()) => Reason::NothingBefore,
        () if compares && before.n < wanted => Reason::FewBefore { wanted },
        () => return None,
    };
    Some(certain(subject, before, now, Verdict::Inconclusive, reason))
}

fn times(before: Figure, now: Figure) -> f64 {
    match (before.value, now.value) {
        (Some(b), Some(n)) if b > 0.0 => n / b,
        _ => f64::INFINITY,
    }
}

/// A share of requests.
fn shares(subject: &Subject, before: Share, now: Share, spread: Spread) -> Weighed {
    let (was, is) = (Figure { n: before.all, value: before.value() }, Figure { n: now.all, value: now.value() });
    let share = is.value.unwrap_or_default();
    let limit = subject.criteria.limit;
    let beyond = limit.is_some_and(|l| share > l);
    let Some(tolerance) = subject.criteria.tolerance else {
        // Judged by its limit alone.
        let Some(limit) = limit else { return certain(subject, was, is, Verdict::Pass, Reason::Tolerated) };
        let mut weighed = certain(subject, was, is, Verdict::Pass, Reason::Tolerated);
        let both = (Reason::Beyond { limit }, Reason::Beyond { limit });
        (weighed.chance, weighed.matters, weighed.words) =
            (Some(significance::beyond(now, limit, spread)), beyond, Some(both));
        if beyond {
            (weighed.judged.verdict, weighed.judged.reason) = (Verdict::Warn, Reason::Beyond { limit });
        }
        return weighed;
    };
    let times = times(was, is);
    let chance = significance::higher(before, now, spread);
    let worse = share > was.value.unwrap_or_default() * (1.0 + tolerance);
    let from = subject.criteria.matters;
    let matters = worse && from.is_none_or(|m| share > m * NEGLIGIBLE);
    let (verdict, reason, words) = if before.part <= 0.0 {
        let failed = now.part;
        let verdict = if failed >= FEW && matters { Verdict::Warn } else { Verdict::Pass };
        let reason = if failed <= 0.0 { Reason::StillNone } else { Reason::FewFromNone { failed } };
        (verdict, reason, (Reason::FromNone { failed }, Reason::FewFromNone { failed }))
    } else {
        let reason = if worse { Reason::AsBefore } else { Reason::Tolerated };
        // What may have been overlooked: is it a doubling, and would that matter?
        let most = significance::at_most(before, now, spread, SURE).unwrap_or(f64::INFINITY);
        let unseen = most >= DOUBLE && from.is_none_or(|m| share > m || was.value.unwrap_or_default() * DOUBLE > m);
        let (verdict, reason) =
            if unseen { (Verdict::Inconclusive, Reason::Unseen { times: most }) } else { (Verdict::Pass, reason) };
        (verdict, reason, (Reason::Worse { times }, Reason::MaybeWorse { times }))
    };
    let weighed = certain(subject, was, is, verdict, reason);
    let weighed = Weighed { chance: Some(chance), matters, words: Some(words), ..weighed };
    broken(subject, weighed, |limit| significance::beyond(now, limit, spread), |limit, value| value > limit)
}

/// The limit of a signal that is compared too: one that it broke only now fails it like a comparison does; two ways to
/// fail share one chance.
fn broken(
    subject: &Subject,
    mut weighed: Weighed,
    chance: impl Fn(f64) -> f64,
    beyond: impl Fn(f64, f64) -> bool,
) -> Weighed {
    let limit = subject.criteria.limit.filter(|l| weighed.judged.now.value.is_some_and(|v| beyond(*l, v)));
    let Some(limit) = limit else { return weighed };
    // Whoever wants it compared as well does not blame a deploy for what was so before.
    let compares = subject.criteria.tolerance.is_some();
    if compares && weighed.judged.before.value.is_some_and(|v| beyond(limit, v)) {
        (weighed.judged.verdict, weighed.judged.reason) = (Verdict::Warn, Reason::BeyondBefore { limit });
        return weighed;
    }
    let chances = [Some(chance(limit)), weighed.chance.filter(|_| weighed.matters)];
    weighed.chance = chances.into_iter().flatten().min_by(f64::total_cmp).map(|c| (2.0 * c).min(1.0));
    weighed.matters = true;
    weighed.words = Some((Reason::Beyond { limit }, Reason::Beyond { limit }));
    (weighed.judged.verdict, weighed.judged.reason) = (Verdict::Warn, Reason::Beyond { limit });
    weighed
}

fn observed(buckets: &Buckets) -> f64 {
    buckets.iter().find(|(bound, _)| *bound == f64::INFINITY).map_or(0.0, |(_, n)| *n)
}

/// A quantile of durations: of the requests that took longer than it was before and is tolerated, are there more now?
fn quantile(subject: &Subject, q: f64, (was, is): (Figure, Figure), before: &Buckets, now: &Buckets) -> Weighed {
    let (old, new) = (was.value.unwrap_or_default(), is.value.unwrap_or_default());
    let mut weighed = certain(subject, was, is, Verdict::Pass, Reason::Tolerated);
    let slow = |buckets: &Buckets, bound: Option<f64>| {
        let below = buckets.iter().find(|(b, _)| Some(*b) == bound).map_or(0.0, |(_, n)| *n);
        Share { part: (observed(buckets) - below).max(0.0), all: observed(buckets) }
    };
    let bounds = |of: &Buckets| -> Vec<f64> { of.iter().map(|(b, _)| *b).filter(|b| b.is_finite()).collect() };
    let from = |bounds: &[f64], line: f64| bounds.iter().copied().filter(|b| *b >= line).min_by(f64::total_cmp);
    if let Some(tolerance) = subject.criteria.tolerance {
        let line = old * (1.0 + tolerance);
        // Counts are known at the bounds only. Where the last finite one lies below, nothing above it can be told apart.
        let bounds = bounds(before);
        let bound = from(&bounds, line).or_else(|| bounds.iter().copied().max_by(f64::total_cmp));
        let (a, b) = (slow(before, bound), slow(now, bound));
        // More than the quantile leaves above itself, and more than before.
        weighed.chance = Some(significance::higher(a, b, Spread::default()));
        weighed.matters = new > line && b.value() > a.value();
        let times = times(was, is);
        weighed.words = Some((Reason::Worse { times }, Reason::MaybeWorse { times }));
        if new > line {
            weighed.judged.reason = Reason::AsBefore;
        }
    }
    let chance = |limit: f64| {
        let bound = from(&bounds(now), limit);
        significance::beyond(slow(now, bound), 1.0 - q, Spread::default())
    };
    broken(subject, weighed, chance, |limit, value| value > limit)
}

/// A value looked at again and again.
fn values(subject: &Subject, before: &[f64], now: &[f64]) -> Weighed {
    let figure = |v: &[f64]| Figure { n: v.len() as f64, value: median(v) };
    let (was, is) = (figure(before), figure(now));
    let wanted = LOOKS as f64;
    let compares = subject.criteria.tolerance.is_some();
    let reason = match () {
        () if now.is_empty() => Some(Reason::NothingNow),
        () if compares && before.is_empty() => Some(Reason::NothingBefore),
        () if now.len() < LOOKS => Some(Reason::FewNow { wanted }),
        () if compares && before.len() < LOOKS => Some(Reason::FewBefore { wanted }),
        () => None,
    };
    if let Some(reason) = reason {
        return certain(subject, was, is, Verdict::Inconclusive, reason);
    }
    let (old, new) = (was.value.unwrap_or_default(), is.value.unwrap_or_default());
    let up = subject.criteria.side == Side::Above;
    let (chance, difference) = if up {
        (significance::ranked_higher(before, now), new - old)
    } else {
        (significance::ranked_higher(now, before), old - new)
    };
    let mut weighed = certain(subject, was, is, Verdict::Pass, Reason::Tolerated);
    if let Some(tolerance) = subject.criteria.tolerance {
        let times = times(was, is);
        weighed.chance = Some(chance);
        weighed.matters = difference > old.abs() * tolerance;
        weighed.words = Some((Reason::Worse { times }, Reason::MaybeWorse { times }));
        if weighed.matters {
            weighed.judged.reason = Reason::AsBefore;
        }
    }
    // Of looks that lie on either side of the limit by chance, one in two would lie beyond it.
    let beyond = |limit: f64, value: f64| if up { value > limit } else { value < limit };
    let chance = |limit: f64| {
        let part = now.iter().filter(|v| beyond(limit, **v)).count() as f64;
        significance::beyond(Share { part, all: now.len() as f64 }, 0.5, Spread::default())
    };
    broken(subject, weighed, chance, beyond)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::signal::Absence;
    use crate::model::signal::Unit;

    fn subject(name: &str, criteria: Criteria, measure: Measure) -> Subject {
        Subject { name: name.to_owned(), unit: Unit::Ratio, criteria, measure }
    }

    fn shares_of(before: (f64, f64), now: (f64, f64)) -> Measure {
        let share = |(part, all)| vec![Share { part, all }];
        Measure::Shares { before: share(before), now: share(now), spread: Spread::default(), gap: false }
    }

    fn one(criteria: Criteria, measure: Measure) -> (Verdict, Verdict, Reason) {
        let said = judge(&[subject("error_rate", criteria, measure)]);
        (said.verdict, said.signals[0].verdict, said.signals[0].reason.clone())
    }

    fn verdict(before: (f64, f64), now: (f64, f64)) -> Verdict {
        one(Criteria { limit: Some(0.01), matters: Some(0.01), ..Criteria::default() }, shares_of(before, now)).0
    }

    #[test]
    fn shares_are_judged_by_counts() {
        for (before, now, wanted) in [
            // The same, or better.
            ((5.0, 1_000.0), (5.0, 1_000.0), Verdict::Pass),
            ((50.0, 10_000.0), (10.0, 10_000.0), Verdict::Pass),
            ((0.0, 1_000.0), (0.0, 1_000.0), Verdict::Pass),
            // Broken.
            ((5.0, 1_000.0), (100.0, 1_000.0), Verdict::Fail),
            ((50.0, 10_000.0), (100.0, 10_000.0), Verdict::Fail),
            ((0.0, 1_000.0), (40.0, 1_000.0), Verdict::Fail),
            // A little more, by chance; and so much of little that it may be more than chance.
            ((50.0, 10_000.0), (55.0, 10_000.0), Verdict::Pass),
            ((10.0, 3_000.0), (22.0, 3_000.0), Verdict::Warn),
            // From nothing to a few.
            ((0.0, 1_000.0), (1.0, 1_000.0), Verdict::Pass),
            ((0.0, 1_000.0), (3.0, 1_000.0), Verdict::Warn),
            // A hundredth of the limit, ten times more than before: nobody is called for it.
            ((1.0, 1_000_000.0), (60.0, 1_000_000.0), Verdict::Pass),
            // As bad as before is not the deploy's doing, and is no pass.
            ((300.0, 10_000.0), (300.0, 10_000.0), Verdict::Warn),
            // Nobody can say.
            ((5.0, 1_000.0), (1.0, 61.0), Verdict::Inconclusive),
            ((1.0, 61.0), (5.0, 1_000.0), Verdict::Inconclusive),
            ((0.0, 0.0), (5.0, 1_000.0), Verdict::Inconclusive),
            ((5.0, 1_000.0), (0.0, 0.0), Verdict::Inconclusive),
            // Twice as much would matter, and of so few could not be told from it.
            ((5.0, 400.0), (4.0, 400.0), Verdict::Inconclusive),
        ] {
            assert_eq!(verdict(before, now), wanted, "{before:?} {now:?}");
        }
    }

    #[test]
    fn a_past_that_was_rough_makes_no_pass_of_what_is_bad_now() {
        // Nothing can be told from chance, and it lies far beyond where it matters.
        let spread = Spread::seen(
            &[(0.0, 900.0), (600.0, 900.0), (1.0, 900.0), (700.0, 900.0)].map(|(part, all)| Share { part, all }),
            1,
        );
        let share = |part, all| vec![Share { part, all }];
        let measure = Measure::Shares { before: share(54.0, 27_000.0), now: share(432.0, 2_471.0), spread, gap: false };
        let criteria = Criteria { matters: Some(0.01), fatal: Some(0.05), ..Criteria::default() };
        assert_ne!(one(criteria, measure).0, Verdict::Pass);
    }

    #[test]
    fn a_limit_fails_what_broke_it_and_only_that() {
        let both = |limit: f64| Criteria { limit: Some(limit), ..Criteria::default() };
        let alone = |limit: f64| Criteria { tolerance: None, limit: Some(limit), ..Criteria::default() };
        let shares = |before, now| shares_of((before, 10_000.0), (now, 10_000.0));
        // Within it, and no worse; broken now; broken before and no worse, which is not the deploy's doing.
        assert_eq!(one(both(0.05), shares(100.0, 100.0)).0, Verdict::Pass);
        assert_eq!(
            one(both(0.05), shares(300.0, 700.0)),
            (Verdict::Fail, Verdict::Fail, Reason::Beyond { limit: 0.05 })
        );
        assert_eq!(one(both(0.05), shares(700.0, 700.0)).2, Reason::BeyondBefore { limit: 0.05 });
        // Beyond it by so little that it may be chance.
        assert_eq!(one(both(0.05), shares(498.0, 503.0)).1, Verdict::Warn);
        // Whoever names only a limit means it, whatever was before, and even where nothing was.
        assert_eq!(one(alone(0.05), shares(700.0, 700.0)).0, Verdict::Fail);
        assert_eq!(one(alone(0.05), shares(10.0, 300.0)).0, Verdict::Pass);
        assert_eq!(one(alone(0.05), shares_of((0.0, 0.0), (1.0, 1_000.0))).0, Verdict::Pass);
        let values = |before: &[f64], now: &[f64]| Measure::Values { before: before.to_vec(), now: now.to_vec() };
        let (low, high) = ([3.0; 12], [30.0; 12]);
        assert_eq!(one(alone(20.0), values(&[], &high)).0, Verdict::Fail);
        assert_eq!(one(alone(20.0), values(&[], &low)).0, Verdict::Pass);
        let below = Criteria { side: Side::Below, ..alone(20.0) };
        assert_eq!(one(below.clone(), values(&[], &low)).0, Verdict::Fail);
        assert_eq!(one(below, values(&[], &high)).0, Verdict::Pass);
        let slow = |n: f64| vec![(0.1, 1_000.0 - n), (0.5, 1_000.0 - n), (1.0, 1_000.0), (f64::INFINITY, 1_000.0)];
        let quantile = |before: f64, now: f64| Measure::Quantile { q: 0.95, before: slow(before), now: slow(now) };
        assert_eq!(one(alone(0.5), quantile(0.0, 400.0)).0, Verdict::Fail);
        assert_eq!(one(alone(0.5), quantile(400.0, 10.0)).0, Verdict::Pass);
    }

    #[test]
    fn the_whole_is_what_matters_of_its_parts() {
        let bad = || shares_of((5.0, 1_000.0), (100.0, 1_000.0));
        let good = || shares_of((50.0, 10_000.0), (50.0, 10_000.0));
        let none = || Measure::Nothing(Absence::Timeout(5_000));
        let of = |critical: bool, must_have_data: bool| Criteria { critical, must_have_data, ..Criteria::default() };
        for (parts, wanted) in [
            (vec![(of(true, false), bad()), (of(true, true), none())], Verdict::Fail),
            (vec![(of(false, false), bad()), (of(true, false), good())], Verdict::Warn),
            (vec![(of(true, false), good()), (of(true, false), none())], Verdict::Inconclusive),
            (vec![(of(true, false), good()), (of(false, true), none())], Verdict::Inconclusive),
            (vec![(of(true, false), good()), (of(false, false), none())], Verdict::Pass),
            (vec![(of(false, false), none())], Verdict::Inconclusive),
            (Vec::new(), Verdict::Inconclusive),
        ] {
            let subjects: Vec<Subject> =
                parts.into_iter().map(|(criteria, measure)| subject("x", criteria, measure)).collect();
            assert_eq!(judge(&subjects).verdict, wanted, "{subjects:?}");
        }
    }

    fn durations(fast: f64, slow: f64, worst: f64) -> Buckets {
        let all = fast + slow + worst;
        vec![(0.1, fast * 0.5), (0.25, fast), (0.5, fast + slow * 0.5), (1.0, fast + slow), (f64::INFINITY, all)]
    }

    #[test]
    fn durations_are_judged_by_how_many_took_longer() {
        let p95 = |before: Buckets, now: Buckets| {
            let criteria = Criteria { limit: Some(1.0), critical: false, ..Criteria::default() };
            one(criteria, Measure::Quantile { q: 0.95, before, now }).1
        };
        let usual = || durations(960.0, 38.0, 2.0);
        assert_eq!(p95(usual(), usual()), Verdict::Pass);
        assert_eq!(p95(usual(), durations(970.0, 29.0, 1.0)), Verdict::Pass);
        assert_eq!(p95(usual(), durations(800.0, 198.0, 2.0)), Verdict::Fail);
        assert_eq!(p95(usual(), durations(900.0, 40.0, 60.0)), Verdict::Fail);
        assert_eq!(p95(durations(900.0, 40.0, 60.0), durations(900.0, 40.0, 60.0)), Verdict::Pass);
        assert_eq!(p95(usual(), durations(96.0, 4.0, 0.0)), Verdict::Inconclusive);
        assert_eq!(p95(usual(), Vec::new()), Verdict::Inconclusive);
    }

    #[test]
    fn values_are_judged_by_their_ranks() {
        let of = |n: usize, from: f64| -> Vec<f64> { (0..n).map(|i| from + (i % 5) as f64).collect() };
        let said = |side: Side, before: Vec<f64>, now: Vec<f64>| {
            let criteria = Criteria { side, critical: false, ..Criteria::default() };
            one(criteria, Measure::Values { before, now }).1
        };
        assert_eq!(said(Side::Above, of(20, 10.0), of(20, 10.0)), Verdict::Pass);
        assert_eq!(said(Side::Above, of(20, 10.0), of(20, 30.0)), Verdict::Fail);
        assert_eq!(said(Side::Below, of(20, 10.0), of(20, 30.0)), Verdict::Pass);
        assert_eq!(said(Side::Below, of(20, 30.0), of(20, 10.0)), Verdict::Fail);
        // Beyond chance, and within what is tolerated.
        assert_eq!(said(Side::Above, of(20, 1_000.0), of(20, 1_008.0)), Verdict::Pass);
        assert_eq!(said(Side::Above, of(7, 10.0), of(20, 30.0)), Verdict::Inconclusive);
    }

    #[test]
    fn a_window_is_lost_only_beyond_doubt() {
        let criteria = Criteria { fatal: Some(0.05), ..Criteria::default() };
        let is = |before, now| lost(&[subject("error_rate", criteria.clone(), shares_of(before, now))]).is_some();
        assert!(is((5.0, 1_000.0), (30.0, 100.0)));
        assert!(is((0.0, 0.0), (30.0, 100.0)));
        assert!(!is((5.0, 1_000.0), (9.0, 100.0)));
        assert!(!is((300.0, 1_000.0), (30.0, 100.0)), "it was as bad before");
        let minor = Criteria { critical: false, ..criteria.clone() };
        assert!(lost(&[subject("x", minor, shares_of((5.0, 1_000.0), (30.0, 100.0)))]).is_none());
    }
}
