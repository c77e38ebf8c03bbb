//! The rule files of the configuration, judged through the server: one poller per group, at the group's interval. The
//! moments before cabina was opened are read as a range, so that what began an hour ago does not begin now.

use std::sync::Arc;

use futures_util::future::join_all;

use crate::bus;
use crate::engine::Kind;
use crate::engine::settings::PrometheusSpec;
use crate::model::rule::Evaluation;
use crate::model::rule::Group;
use crate::model::rule::Rule;
use crate::model::signal::Absence;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::secrets::Secrets;
use crate::sources::http::Clients;
use crate::sources::poll::Round;
use crate::sources::poll::Source;
use crate::sources::prometheus::api::Api;
use crate::sources::prometheus::api::Row;

/// Moments of history asked for at the most.
const POINTS: Millis = 1_440;
/// Rules of a group that are asked at once.
const AT_ONCE: usize = 8;

/// One group.
pub struct Judged {
    api: Api,
    /// Its place in the settings.
    place: usize,
    group: Group,
    /// Which rules have had their past read.
    seeded: Vec<bool>,
}

impl Judged {
    /// A group that is judged through this server.
    #[must_use]
    pub fn new(
        spec: PrometheusSpec,
        (place, group): (usize, Group),
        clients: &Arc<Clients>,
        secrets: &Arc<Secrets>,
    ) -> Self {
        let seeded = vec![false; group.rules.len()];
        Self { api: Api::new(spec, clients, secrets), place, group, seeded }
    }

    fn judged(&self, rule: usize, evaluations: Result<Vec<Evaluation>, Absence>) -> Kind {
        let expr = self.group.rules.get(rule).map(|r| r.expr.clone()).unwrap_or_default();
        Kind::RuleJudged { group: self.place, rule, expr, evaluations }
    }

    /// The evaluations of the past, oldest first.
    async fn history(&self, rule: &Rule, now: Millis) -> Result<Vec<Evaluation>, Absence> {
        let step = self.group.interval.max(SECOND);
        let wanted = self.api.spec.history.max(rule.hold + rule.keep_firing + 2 * step);
        // As a server does: at multiples of the interval.
        let to = now.div_euclid(step) * step;
        let from = to - wanted.min(POINTS * step).div_euclid(step) * step;
        let rows = self.api.range(&rule.expr, (from, to), step).await?;
        Ok(replayed(&rows, from, to, step))
    }

    /// The moment is ours, and the server is told it: an empty answer has no time of its own.
    async fn now(&self, rule: &Rule) -> Result<Evaluation, Absence> {
        let at = bus::now().wall;
        let said = self.api.instant_at(&rule.expr, Some(at)).await?;
        Ok(Evaluation { at, vector: said.data.into_iter().map(|e| (e.labels, e.value)).collect() })
    }

    /// What one rule has to tell: its past, where that was not read yet, and its present.
    async fn judge(&self, i: usize, start: Millis) -> (bool, Result<Vec<Evaluation>, Absence>) {
        let Some(rule) = self.group.rules.get(i) else { return (true, Ok(Vec::new())) };
        let mut out = Vec::new();
        if !self.seeded.get(i).copied().unwrap_or(true) {
            // Without its past the present would begin too late, and for good: then rather not at all yet.
            match self.history(rule, start).await {
                Ok(past) => out.extend(past),
                Err(why) => return (false, Err(why)),
            }
        }
        match self.now(rule).await {
            Ok(now) => out.push(now),
            Err(why) => return (false, Err(why)),
        }
        (true, Ok(out))
    }
}

/// A range turned into what each evaluation would have returned.
fn replayed(rows: &[Row], from: Millis, to: Millis, step: Millis) -> Vec<Evaluation> {
    let mut out: Vec<Evaluation> = Vec::new();
    let mut at = from;
    while at <= to {
        let value = |r: &Row| {
            let i = r.points.binary_search_by_key(&at, |(t, _)| *t).ok()?;
            r.points.get(i).map(|(_, v)| (r.labels.clone(), *v))
        };
        out.push(Evaluation { at, vector: rows.iter().filter_map(value).collect() });
        at += step;
    }
    out
}

impl Source for Judged {
    async fn ask(&mut self) -> Round {
        let start = bus::now().wall;
        let mut kinds = Vec::new();
        let mut failed = false;
        let all: Vec<usize> = (0..self.group.rules.len()).collect();
        for some in all.chunks(AT_ONCE) {
            let told = join_all(some.iter().map(|i| self.judge(*i, start))).await;
            for (i, (good, evaluations)) in some.iter().zip(told) {
                // A refused rule is its own matter; after an outage the moments in between are read again.
                let refused = matches!(evaluations, Err(Absence::Refusal(_)));
                failed |= !good && !refused;
                if let Some(seeded) = self.seeded.get_mut(*i) {
                    *seeded = good;
                }
                kinds.push(self.judged(*i, evaluations));
            }
        }
        Round { kinds, failed }
    }

    fn overdue(&mut self, after: Millis) -> Option<Kind> {
        self.seeded.fill(false);
        // The last one: with it the group's alerts are put together anew.
        Some(self.judged(self.group.rules.len().saturating_sub(1), Err(Absence::Timeout(after))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::alert::Labels;

    #[test]
    fn a_range_is_replayed_moment_by_moment() {
        let row = |points: &[(Millis, f64)]| Row { labels: Labels::new(), points: points.to_vec() };
        let all = replayed(&[row(&[(15, 2.0), (30, 3.0)])], 0, 45, 15);
        assert_eq!(all.iter().map(|e| e.vector.len()).collect::<Vec<_>>(), [0, 1, 1, 0]);
        assert_eq!(all[2].at, 30);
    }
}
