//! How often a window after a deploy is judged wrongly, over simulated windows.

#![expect(clippy::print_stdout, reason = "a bench says what it found")]

use cabina::engine::window::judge;
use cabina::model::signal::Unit;
use cabina::model::significance::Share;
use cabina::model::significance::Spread;
use cabina::model::window::Criteria;
use cabina::model::window::Measure;
use cabina::model::window::Subject;
use cabina::model::window::Verdict;

/// Windows simulated for each line.
const WINDOWS: usize = 10_000;
/// Pieces of a window of five minutes: 37 s each.
const PIECES: usize = 8;
/// Pieces of the past that say how much windows differ by themselves: an hour.
const PAST: usize = 12 * PIECES;

/// `SplitMix64` (Steele, Lea and Flood, 2014): the same figures in every run.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Of a standard normal distribution (Box and Muller).
    fn normal(&mut self) -> f64 {
        (-2.0 * self.next().max(1e-300).ln()).sqrt() * (std::f64::consts::TAU * self.next()).cos()
    }

    fn of(&mut self, all: usize, share: f64) -> Share {
        let part = (0..all).filter(|_| self.next() < share).count();
        Share { part: part as f64, all: all as f64 }
    }
}

/// A service: its share of failures, its requests in a piece, and how it drifts.
#[derive(Clone, Copy)]
struct Service {
    share: f64,
    requests: usize,
    /// Requests of pieces differ by so much of themselves.
    unsteady: f64,
    /// How much of a piece's drift the next one keeps, and how far it goes (of the logarithm of the share).
    keeps: f64,
    drift: f64,
}

impl Service {
    /// So many pieces, of which the last window has `times` the failures.
    fn pieces(self, n: usize, times: f64, chance: &mut Chance) -> Vec<Share> {
        let mut drift = self.drift * chance.normal();
        (0..n)
            .map(|i| {
                drift = self.keeps * drift + (1.0 - self.keeps * self.keeps).sqrt() * self.drift * chance.normal();
                let times = if i + PIECES >= n { times } else { 1.0 };
                // The mean of what drifts is the share itself.
                let share = (self.share * times * (drift - self.drift * self.drift / 2.0).exp()).min(1.0);
                let requests = self.requests as f64 * (1.0 + self.unsteady * (2.0 * chance.next() - 1.0));
                chance.of(requests as usize, share)
            })
            .collect()
    }
}

fn subject(service: Service, times: f64, chance: &mut Chance) -> Subject {
    let pieces = service.pieces(PAST + PIECES, times, chance);
    let (past, now) = pieces.split_at(PAST);
    let before = past.split_at(PAST - PIECES).1;
    let measure =
        Measure::Shares { before: before.to_vec(), now: now.to_vec(), spread: Spread::seen(past, PIECES), gap: false };
    Subject { name: "error_rate".to_owned(), unit: Unit::Ratio, criteria: Criteria::default(), measure }
}

/// How many of the windows ended so, in per cent: FAIL, WARN, PASS, INCONCLUSIVE.
fn rates(service: Service, times: f64, signals: usize) -> [f64; 4] {
    let mut chance = Chance(42);
    let mut counts = [0usize; 4];
    for _ in 0..WINDOWS {
        let subjects: Vec<Subject> = (0..signals).map(|_| subject(service, times, &mut chance)).collect();
        let place = match judge::judge(&subjects).verdict {
            Verdict::Fail => 0,
            Verdict::Warn => 1,
            Verdict::Pass => 2,
            Verdict::Inconclusive => 3,
        };
        counts[place] += 1;
    }
    counts.map(|n| n as f64 * 100.0 / WINDOWS as f64)
}

/// Prints how often an unchanged service fails, and a doubling of its failures passes.
pub(crate) fn figures() {
    let steady = Service { share: 0.05, requests: 125, unsteady: 0.2, keeps: 0.0, drift: 0.0 };
    let lines = [
        ("1,000 requests a side, 5 % fail, each by itself", steady, 1),
        ("the same of 2 %", Service { share: 0.02, ..steady }, 1),
        ("the same of 1 %", Service { share: 0.01, ..steady }, 1),
        ("5 %, and minutes that take after each other", Service { keeps: 0.8, drift: 0.2, ..steady }, 1),
        ("5 %, and minutes that take after each other much", Service { keeps: 0.94, drift: 0.5, ..steady }, 1),
        ("night: 350 requests a side, 5 %", Service { requests: 44, unsteady: 0.6, ..steady }, 1),
        ("ten signals of 1,000 requests, 5 %", steady, 10),
    ];
    println!("windows judged, {WINDOWS} simulated each        unchanged: FAIL  WARN  INCONCL.   doubled: PASS  FAIL");
    for (name, service, signals) in lines {
        let ([fail, warn, _, unknown], [caught, _, missed, _]) =
            (rates(service, 1.0, signals), rates(service, 2.0, signals));
        println!("{name:<50} {fail:>14.2} % {warn:>4.1} % {unknown:>6.1} % {missed:>13.2} % {caught:>4.1} %");
    }
}
