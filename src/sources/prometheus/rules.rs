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
use crate::sources::http::Clients;
use crate::sources::poll::Round;
use crate::sources::poll::Source;
use crate::sources::prometheus::api::Api;
use crate::sources::prometheus::api::Row;
use crate::sources::secrets::Secrets;

/// Moments of history asked for at the most.
const POINTS: Millis = 1_440;

/// One group.
pub struct Judged {
    api: Api,
    /// Its place in the settings.
    place: usize,
    group: Group,
    seeded: bool,
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
        Self { api: Api::new(spec, clients, secrets), place, group, seeded: false }
    }

    fn judged(&self, rule: usize, evaluations: Result<Vec<Evaluation>, Absence>) -> Kind {
        Kind::RuleJudged { group: self.place, rule, evaluations }
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

    async fn now(&self, rule: &Rule) -> Result<Evaluation, Absence> {
        let at = bus::now().wall;
        let said = self.api.instant(&rule.expr).await?;
        let at = said.data.first().map_or(at, |e| e.at);
        Ok(Evaluation { at, vector: said.data.into_iter().map(|e| (e.labels, e.value)).collect() })
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
        if !self.seeded {
            let past = join_all(self.group.rules.iter().map(|r| self.history(r, start))).await;
            self.seeded = past.iter().all(|p| matches!(p, Ok(_) | Err(Absence::Refusal(_))));
            kinds.extend(past.into_iter().enumerate().filter(|(_, p)| p.is_ok()).map(|(i, p)| self.judged(i, p)));
        }
        let now = join_all(self.group.rules.iter().map(|r| self.now(r))).await;
        let failed = now.iter().any(|n| !matches!(n, Ok(_) | Err(Absence::Refusal(_))));
        // After an outage the moments in between are read again.
        self.seeded &= !failed;
        kinds.extend(now.into_iter().enumerate().map(|(i, n)| self.judged(i, n.map(|e| vec![e]))));
        Round { kinds, failed }
    }

    fn overdue(&mut self, after: Millis) -> Option<Kind> {
        Some(self.judged(0, Err(Absence::Timeout(after))))
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
