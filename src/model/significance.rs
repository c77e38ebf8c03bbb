//! Is a difference more than chance? Judged on counts: how many of how many, before and now.
//!
//! Shares are compared by the conditional test of two rates (Przyborowski and Wilenski, "Homogeneity of results in testing
//! samples from Poisson series", 1940): of all that failed, how many fell into the newer window, where by its share of the
//! requests it would have got so many? It is exact for rare failures. Requests do not fail one by one, though: windows of
//! one service differ from each other by more than chance (a slow minute takes many with it). By how much, its own past
//! says; counts are divided by that (quasi-likelihood: `McCullagh` and Nelder, "Generalized Linear Models", 1989, 9.2).

use serde::Deserialize;
use serde::Serialize;
use statrs::function::beta::beta_reg;
use statrs::function::erf::erfc;
use statrs::function::erf::erfc_inv;

/// No house has served more requests than this within a window; beyond it the arithmetic has no digits left.
const MOST: f64 = 1e12;

/// So many of so many. Counts of a rate extrapolated to a window are no whole numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Those that count.
    pub part: f64,
    /// All.
    pub all: f64,
}

impl Share {
    /// Several together.
    #[must_use]
    pub fn of(pieces: &[Self]) -> Self {
        pieces.iter().fold(Self::default(), |sum, p| Self { part: sum.part + p.part, all: sum.all + p.all })
    }

    /// Can it have been counted? A server can say anything.
    #[must_use]
    pub fn is_count(self) -> bool {
        (0.0..=MOST).contains(&self.part) && (0.0..=MOST).contains(&self.all)
    }

    /// The share; `None` of nothing.
    #[must_use]
    pub fn value(self) -> Option<f64> {
        (self.is_count() && self.all > 0.0).then(|| (self.part / self.all).clamp(0.0, 1.0))
    }
}

/// How much more windows of one service differ than chance would have it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Their variance over that of chance; at least 1.
    pub factor: f64,
    /// From how many windows that is known, less one.
    pub freedom: f64,
}

impl Default for Spread {
    /// Chance alone.
    fn default() -> Self {
        Self { factor: 1.0, freedom: f64::INFINITY }
    }
}

impl Spread {
    /// What is known of it from the past, cut into pieces of the same length: `of` pieces make up a window. Each run of
    /// so many is compared with what the whole would let one expect; runs that overlap add nothing to what is known, but
    /// make it steadier.
    #[must_use]
    pub fn seen(past: &[Share], of: usize) -> Self {
        let of = of.max(1);
        let all = Share::of(past);
        let Some(share) = all.value().filter(|p| *p > 0.0 && *p < 1.0 && past.len() > of) else {
            return Self::default();
        };
        let windows: Vec<Share> = past.windows(of).map(Share::of).filter(|w| w.is_count() && w.all > 0.0).collect();
        // As many as would fit side by side are independent of each other.
        let apart = past.len() as f64 / of as f64;
        if windows.len() < 2 || apart <= 2.0 {
            return Self::default();
        }
        let chi = |w: &Share| (w.part - w.all * share).powi(2) / (w.all * share * (1.0 - share));
        let mean = windows.iter().map(chi).sum::<f64>() / windows.len() as f64;
        // The whole was reckoned from the same pieces: they lie closer to it than to the truth.
        let factor = mean * apart / (apart - 1.0);
        if factor <= 1.0 { Self::default() } else { Self { factor, freedom: apart - 1.0 } }
    }

    /// A chance as chance alone has it, where the spread itself is only known from so many windows (Student's t in place
    /// of the normal distribution).
    fn unsure(self, p: f64) -> f64 {
        if !self.freedom.is_finite() || p <= 0.0 || p >= 1.0 {
            return p;
        }
        let z = normal_quantile(p);
        let tail = 0.5 * beta_reg(self.freedom / 2.0, 0.5, self.freedom / (self.freedom + z * z));
        if z >= 0.0 { tail } else { 1.0 - tail }
    }

    fn divided(self, share: Share) -> Share {
        Share { part: share.part / self.factor, all: share.all / self.factor }
    }
}

/// The value that a standard normal exceeds with this chance.
fn normal_quantile(p: f64) -> f64 {
    std::f64::consts::SQRT_2 * erfc_inv(2.0 * p)
}

/// Where the distribution function of a beta distribution reaches `p`: by halving, which always ends.
fn beta_quantile(a: f64, b: f64, p: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    // As many halvings as a number has digits.
    for _ in 0..53 {
        let middle = f64::midpoint(low, high);
        if beta_reg(a, b, middle) < p { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

fn normal_tail(z: f64) -> f64 {
    0.5 * erfc(z / std::f64::consts::SQRT_2)
}

/// The chance that the newer share is as high as it is, or higher, if nothing has changed.
#[must_use]
pub fn higher(before: Share, now: Share, spread: Spread) -> f64 {
    let (b, n) = (spread.divided(before), spread.divided(now));
    if !n.is_count() || !b.is_count() || n.part <= 0.0 || n.all <= 0.0 || b.all <= 0.0 {
        return 1.0;
    }
    // Of n parts and b parts together, n or more fall into the newer window.
    spread.unsure(beta_reg(n.part, b.part + 1.0, n.all / (n.all + b.all)))
}

/// The chance that a share is as high as it is, or higher, if the truth were `limit`.
#[must_use]
pub fn beyond(now: Share, limit: f64, spread: Spread) -> f64 {
    let n = spread.divided(now);
    if !n.is_count() || n.part <= 0.0 || limit >= 1.0 {
        return 1.0;
    }
    if limit <= 0.0 {
        return 0.0;
    }
    spread.unsure(beta_reg(n.part, (n.all - n.part).max(0.0) + 1.0, limit))
}

/// How many times higher the newer share may be at the most, with this confidence; `None` where nothing was there
/// before.
#[must_use]
pub fn at_most(before: Share, now: Share, spread: Spread, confidence: f64) -> Option<f64> {
    let (b, n) = (spread.divided(before), spread.divided(now));
    if !b.is_count() || !n.is_count() || b.part <= 0.0 || n.all <= 0.0 {
        return None;
    }
    let p = beta_quantile(n.part + 1.0, b.part, confidence);
    (p < 1.0).then(|| p / (1.0 - p) * before.all / now.all)
}

/// The chance that values as these lie as high above the earlier ones as they do, or higher, if nothing has changed: the
/// rank test of Mann and Whitney (1947), with its correction for ties and for continuity.
#[must_use]
pub fn ranked_higher(before: &[f64], now: &[f64]) -> f64 {
    let (m, n) = (before.len() as f64, now.len() as f64);
    if before.is_empty() || now.is_empty() {
        return 1.0;
    }
    let mut all: Vec<(f64, bool)> = before.iter().map(|v| (*v, false)).chain(now.iter().map(|v| (*v, true))).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut ranks, mut ties, mut below) = (0.0, 0.0, 0.0);
    for same in all.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let size = same.len() as f64;
        let mean = below + f64::midpoint(size, 1.0);
        ranks += mean * same.iter().filter(|(_, newer)| *newer).count() as f64;
        ties += size.powi(3) - size;
        below += size;
    }
    let wins = ranks - n * (n + 1.0) / 2.0;
    let sum = m + n;
    let variance = m * n / 12.0 * (sum + 1.0 - ties / (sum * (sum - 1.0)));
    if variance <= 0.0 { 1.0 } else { normal_tail((wins - m * n / 2.0 - 0.5) / variance.sqrt()) }
}

/// Which of several chances are small enough, where looking at many must not make more of them seem so (Holm, "A simple
/// sequentially rejective multiple test procedure", 1979).
#[must_use]
pub fn small_enough(chances: &[f64], level: f64) -> Vec<bool> {
    let mut order: Vec<usize> = (0..chances.len()).collect();
    order.sort_by(|a, b| chances[*a].total_cmp(&chances[*b]));
    let mut out = vec![false; chances.len()];
    for (rank, i) in order.into_iter().enumerate() {
        // The first that is not small enough ends it, for all that are larger too.
        if chances[i] > level / (chances.len() - rank) as f64 {
            break;
        }
        out[i] = true;
    }
    out
}

/// The middle one; of an even number, between the two.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (sorted.get(sorted.len().checked_sub(1)? / 2)?, sorted.get(sorted.len() / 2)?);
    Some(f64::midpoint(*low, *high))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(part: f64, all: f64) -> Share {
        Share { part, all }
    }

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-3 * b.abs().max(1e-3)
    }

    #[test]
    fn chances_are_those_of_the_textbooks() {
        // 20 of 30 in one of two equal halves: the tail of a binomial, 0.04937.
        assert!(near(higher(share(10.0, 1e6), share(20.0, 1e6), Spread::default()), 0.049_37));
        // Nothing before: one half to the power of what there is now.
        assert!(near(higher(share(0.0, 1e4), share(6.0, 1e4), Spread::default()), 0.015_625));
        // 8 or more of 100 where 5 are to be expected: 0.1280.
        assert!(near(beyond(share(8.0, 100.0), 0.05, Spread::default()), 0.1280));
        // The example of Mann and Whitney's test in every book: nothing of the one below anything of the other.
        let (low, high): (Vec<f64>, Vec<f64>) = ((0..8).map(f64::from).collect(), (10..18).map(f64::from).collect());
        assert!(ranked_higher(&low, &high) < 0.001 && ranked_higher(&high, &low) > 0.999);
        assert!(ranked_higher(&[3.0; 9], &[3.0; 9]) > 0.99);
    }

    #[test]
    fn nothing_to_compare_is_no_difference() {
        for (before, now) in [(share(0.0, 0.0), share(5.0, 10.0)), (share(5.0, 10.0), share(0.0, 10.0))] {
            assert!(near(higher(before, now, Spread::default()), 1.0));
        }
        assert_eq!(at_most(share(0.0, 10.0), share(1.0, 10.0), Spread::default(), 0.95), None);
        assert!(near(ranked_higher(&[], &[1.0]), 1.0));
        assert!(small_enough(&[], 0.05).is_empty());
    }

    #[test]
    fn a_service_that_differs_from_itself_needs_more_to_be_worse() {
        // An hour of minutes, of which every tenth run of five is bad.
        let past: Vec<Share> = (0..60).map(|i| share(if i / 5 % 3 == 0 { 30.0 } else { 5.0 }, 200.0)).collect();
        let spread = Spread::seen(&past, 5);
        assert!(spread.factor > 20.0 && spread.freedom > 10.0, "{spread:?}");
        let (before, now) = (share(50.0, 1_000.0), share(100.0, 1_000.0));
        assert!(higher(before, now, Spread::default()) < 1e-4 && higher(before, now, spread) > 0.05);
        // One that does not has a spread of one.
        let steady = vec![share(10.0, 200.0); 60];
        assert_eq!(Spread::seen(&steady, 5), Spread::default());
        assert_eq!(Spread::seen(&steady, 60), Spread::default());
    }

    #[test]
    fn of_many_looks_the_smallest_must_be_smaller() {
        assert_eq!(small_enough(&[0.03, 0.004, 0.02], 0.01), [false, false, false]);
        assert_eq!(small_enough(&[0.03, 0.003, 0.005], 0.01), [false, true, true]);
        assert_eq!(small_enough(&[0.009], 0.01), [true]);
    }

    #[test]
    fn how_much_worse_it_may_be_is_told() {
        let twice = at_most(share(50.0, 1_000.0), share(50.0, 1_000.0), Spread::default(), 0.95).unwrap();
        assert!((1.3..1.6).contains(&twice), "{twice}");
    }
}
