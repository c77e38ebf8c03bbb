//! Curves as text: what a reader of a document sees where no picture can be.

use crate::model::time::Millis;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Bars of a curve: a line of a document.
const WIDTH: usize = 60;

/// The highest value of each of so many equal parts of a span; `None` where there is none. A peak is never lost.
#[must_use]
pub fn buckets(points: &[(Millis, f64)], span: (Millis, Millis)) -> Vec<Option<f64>> {
    let mut out = vec![None; WIDTH];
    let long = (span.1 - span.0).max(1);
    for (at, value) in points.iter().filter(|(at, v)| *at >= span.0 && *at <= span.1 && v.is_finite()) {
        let place = ((at - span.0) * WIDTH as Millis / long).clamp(0, WIDTH as Millis - 1) as usize;
        if let Some(slot) = out.get_mut(place) {
            *slot = Some(slot.map_or(*value, |before: f64| before.max(*value)));
        }
    }
    out
}

/// A row of bars from zero to the highest value; a space where nothing is known.
#[must_use]
pub fn bars(values: &[Option<f64>]) -> String {
    let top = values.iter().flatten().copied().fold(0.0f64, f64::max);
    let bar = |v: &Option<f64>| match v {
        None => ' ',
        Some(v) if top > 0.0 => {
            let step = (v / top * 7.0).round().clamp(0.0, 7.0) as usize;
            BARS.get(step).copied().unwrap_or('█')
        }
        Some(_) => '▁',
    };
    values.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_survive_and_gaps_stay() {
        let points: Vec<(Millis, f64)> =
            (0..600).filter(|i| !(100..200).contains(i)).map(|i| (i, if i == 333 { 9.0 } else { 1.0 })).collect();
        let drawn = bars(&buckets(&points, (0, 600)));
        assert_eq!(drawn.chars().count(), WIDTH);
        assert_eq!(drawn.chars().filter(|c| *c == '█').count(), 1);
        assert_eq!(drawn.chars().filter(|c| *c == ' ').count(), 10);
        assert_eq!(bars(&[Some(0.0), None]), "▁ ");
    }
}
