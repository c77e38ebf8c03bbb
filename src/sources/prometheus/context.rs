//! What stands around the figures: traffic of past weeks, versions and process starts, targets that the server cannot
//! read. Each is asked as rarely as it changes.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::bus;
use crate::engine::Kind;
use crate::engine::settings::PrometheusSpec;
use crate::model::context::LOOK_BACK;
use crate::model::context::Seen;
use crate::model::context::Target;
use crate::model::context::Usual;
use crate::model::context::Version;
use crate::model::signal::Absence;
use crate::model::text::clean;
use crate::model::time::HOUR;
use crate::model::time::MINUTE;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::secrets::Secrets;
use crate::sources::http::Clients;
use crate::sources::poll::Round;
use crate::sources::poll::Source;
use crate::sources::prometheus::api::Api;
use crate::sources::prometheus::api::Labels;

/// Past weeks that are compared with.
const WEEKS: Millis = 4;
const WEEK: Millis = 7 * 24 * HOUR;
/// What is usual changes with the hour.
const USUAL_EVERY: Millis = 10 * MINUTE;
/// Which targets belong to the service changes with deploys.
const JOBS_EVERY: Millis = 5 * MINUTE;
/// Versions and starts.
const SEEN_EVERY: Millis = 30 * SECOND;
/// Time between two points of the day of versions: short enough to say when, few enough to be cheap (288).
const STEP: Millis = 5 * MINUTE;
/// The same for the last hour (120): a deploy that is rolled back after four minutes is a change too.
const FINE: Millis = 30 * SECOND;
/// Labels that name a version in `app_build_info`.
const VERSION: [&str; 3] = ["version", "app_version", "release"];
/// Names of a label that are kept in a query.
const MOST: usize = 50;

/// Asks for the context.
pub struct Context {
    api: Api,
    usual_at: Option<Millis>,
    seen_at: Option<Millis>,
    jobs: Option<(Millis, BTreeSet<String>)>,
}

impl Context {
    /// A poller of one server's context.
    #[must_use]
    pub fn new(spec: PrometheusSpec, clients: &Arc<Clients>, secrets: &Arc<Secrets>) -> Self {
        Self { api: Api::new(spec, clients, secrets), usual_at: None, seen_at: None, jobs: None }
    }

    /// Each part for itself: one that fails takes nothing away from the others, and waits its turn.
    async fn poll(&mut self) -> Result<Vec<Kind>, Absence> {
        let now = bus::now().wall;
        let due = |at: Option<Millis>, every| at.is_none_or(|at| now - at >= every);
        if due(self.jobs.as_ref().map(|(at, _)| *at), JOBS_EVERY) {
            self.jobs = Some((now, self.jobs().await?));
        }
        let targets = self.targets().await?;
        let mut seen = None;
        if due(self.seen_at, SEEN_EVERY) {
            self.seen_at = Some(now);
            seen = self.seen(now).await.ok();
        }
        let mut kinds = vec![Kind::ContextRead { targets: Some(targets), seen, usual: None }];
        if due(self.usual_at, USUAL_EVERY) {
            self.usual_at = Some(now);
            if let Ok(usual) = self.usual().await {
                kinds.push(Kind::ContextRead { targets: None, seen: None, usual: Some(usual) });
            }
        }
        Ok(kinds)
    }

    /// The jobs whose targets expose requests; where nothing does any more, those that did today.
    async fn jobs(&self) -> Result<BTreeSet<String>, Absence> {
        let mut jobs = self.jobs_of("10m").await?;
        // A dead service exposes nothing any more: what is known of it is kept.
        jobs.extend(self.jobs.iter().flat_map(|(_, known)| known.clone()));
        if jobs.is_empty() {
            jobs = self.jobs_of("1d").await?;
        }
        Ok(jobs.into_iter().take(MOST).collect())
    }

    async fn jobs_of(&self, window: &str) -> Result<BTreeSet<String>, Absence> {
        let query = format!("group by (job) (present_over_time({}[{window}]))", self.api.spec.metrics.requests);
        let all = self.api.instant(&query).await?.data;
        Ok(all.into_iter().filter_map(|e| e.labels.get("job").cloned()).collect())
    }

    fn of_service(&self) -> Option<String> {
        let (_, jobs) = self.jobs.as_ref().filter(|(_, jobs)| !jobs.is_empty())?;
        let names: Vec<String> = jobs.iter().map(|j| regex::escape(j)).collect();
        let pattern = names.join("|").replace('\\', "\\\\").replace('"', "\\\"");
        Some(format!("job=~\"{pattern}\""))
    }

    async fn targets(&self) -> Result<Vec<Target>, Absence> {
        let Some(of_service) = self.of_service() else { return Ok(Vec::new()) };
        let all = self.api.instant(&format!("up{{{of_service}}}")).await?.data;
        let named = all.into_iter().map(|e| Target { name: instance(&e.labels), up: e.value > 0.0 });
        Ok(named.filter(|t| !t.name.is_empty()).collect())
    }

    async fn seen(&self, now: Millis) -> Result<Seen, Absence> {
        let labels = VERSION.join(", ");
        let query = format!("count by ({labels}) (app_build_info)");
        // On a fixed grid: the same version begins at the same moment, whenever it is asked for. Coarse for the day, fine
        // for the last hour.
        let grid = |step: Millis| now.div_euclid(step) * step;
        let (from, to) = (grid(STEP) - LOOK_BACK, grid(FINE));
        let recent = grid(STEP) - HOUR;
        let (day, hour) =
            tokio::join!(self.api.range(&query, (from, recent), STEP), self.api.range(&query, (recent, to), FINE));
        let mut rows = day?;
        for row in hour? {
            match rows.iter_mut().find(|r| r.labels == row.labels) {
                Some(same) => same.points.extend(row.points.into_iter().filter(|(at, _)| *at > recent)),
                None => rows.push(row),
            }
        }
        let named = rows.iter().filter_map(|r| {
            let name = VERSION.iter().find_map(|l| r.labels.get(*l)).filter(|v| !v.is_empty())?;
            Some((clean(name), &r.points))
        });
        let versions = named.flat_map(|(name, points)| runs(&name, points));
        // A server that is younger than a day knows nothing of before.
        let known_from = rows.iter().filter_map(|r| r.points.first()).map(|(at, _)| *at).min().unwrap_or(from);
        let mut starts = Vec::new();
        if let Some(of_service) = self.of_service() {
            let all = self.api.instant(&format!("process_start_time_seconds{{{of_service}}}")).await?.data;
            let started = |v: f64| (v * 1_000.0) as Millis;
            let recent = all.into_iter().filter(|e| started(e.value) > from && started(e.value) <= now + MINUTE);
            starts = recent.map(|e| (instance(&e.labels), started(e.value))).collect();
        }
        Ok(Seen { looked_from: known_from, step: STEP, versions: versions.collect(), starts })
    }

    /// The hour around this moment, in each of the past weeks.
    async fn usual(&self) -> Result<Usual, Absence> {
        let requests = &self.api.spec.metrics.requests;
        let mut weeks = Vec::new();
        for week in 1..=WEEKS {
            let back = (week * WEEK - HOUR / 2) / SECOND;
            let said = self.api.instant(&format!("sum(increase({requests}[1h] offset {back}s))")).await?;
            weeks.extend(said.data.first().map(|e| e.value / 60.0).filter(|v| v.is_finite()));
        }
        Ok(Usual { weeks })
    }
}

/// The times at which a version ran: one that came back after a gap is a rollback.
fn runs(name: &str, points: &[(Millis, f64)]) -> Vec<Version> {
    let mut out: Vec<Version> = Vec::new();
    for (at, _) in points {
        match out.last_mut() {
            Some(run) if at - run.to <= STEP => run.to = *at,
            _ => out.push(Version { name: name.to_owned(), from: *at, to: *at }),
        }
    }
    out
}

fn instance(labels: &Labels) -> String {
    clean(labels.get("instance").or_else(|| labels.get("pod")).map_or("", String::as_str))
}

impl Source for Context {
    async fn ask(&mut self) -> Round {
        match self.poll().await {
            Ok(kinds) => Round { kinds, failed: false },
            // Whether the server answers is the matter of the poller that asks for the figures.
            Err(_) => Round { kinds: Vec::new(), failed: true },
        }
    }

    fn overdue(&mut self, _after: Millis) -> Option<Kind> {
        None
    }
}
