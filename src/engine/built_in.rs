//! The signals that come with the program.

use crate::engine::settings::SignalSpec;
use crate::model::signal::CELERY_QUEUE;
use crate::model::signal::CONNECTION_POOL;
use crate::model::signal::ERROR_RATE;
use crate::model::signal::ERROR_RATE_1M;
use crate::model::signal::LATENCY_P95;
use crate::model::signal::LATENCY_P99;
use crate::model::signal::Limit;
use crate::model::signal::REQUEST_RATE;
use crate::model::signal::Unit;
use crate::model::source::Origin;
use crate::model::time::MINUTE;

/// The signals that come with the program. Limits: design section 6 and the house's alert rules.
#[must_use]
pub fn built_in_signals() -> Vec<SignalSpec> {
    let plain = |name: &str, unit| SignalSpec {
        name: name.to_owned(),
        query: None,
        origin: Origin::Prometheus,
        optional: false,
        unit,
        warning: None,
        critical: None,
        window: None,
    };
    vec![
        SignalSpec {
            // share > 1 % for 5m from 200 requests and 10 failures on; > 5 % for 5m from 100 and 10 on.
            warning: Some(Limit::above(0.01).held(5 * MINUTE).from_requests(200.0, 10.0)),
            critical: Some(Limit::above(0.05).held(5 * MINUTE).from_requests(100.0, 10.0)),
            ..plain(ERROR_RATE, Unit::Ratio)
        },
        plain(ERROR_RATE_1M, Unit::Ratio),
        SignalSpec {
            // HighLatency of the house: p95 > 1 s for 5m; from 100 requests on.
            warning: Some(Limit::above(1.0).held(5 * MINUTE).from_requests(100.0, 0.0)),
            ..plain(LATENCY_P95, Unit::Seconds)
        },
        plain(LATENCY_P99, Unit::Seconds),
        plain(REQUEST_RATE, Unit::PerSecond),
        SignalSpec {
            // DatabaseConnectionPoolExhausted of the house.
            query: Some("max(django_db_connections_active / django_db_connections_max)".to_owned()),
            optional: true,
            critical: Some(Limit::above(0.9).held(2 * MINUTE)),
            ..plain(CONNECTION_POOL, Unit::Ratio)
        },
        SignalSpec {
            // CeleryQueueBacklog of the house.
            query: Some("max(celery_queue_length)".to_owned()),
            optional: true,
            warning: Some(Limit::above(1_000.0).held(10 * MINUTE)),
            ..plain(CELERY_QUEUE, Unit::Count)
        },
    ]
}
