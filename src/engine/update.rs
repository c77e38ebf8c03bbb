//! The one function that changes `State`.

use crate::engine::alerts::Alerts;
use crate::engine::alerts::News;
use crate::engine::announce;
use crate::engine::chart;
use crate::engine::classify;
use crate::engine::commands;
use crate::engine::context;
use crate::engine::effect::Effect;
use crate::engine::effect::Reaction;
use crate::engine::event::Ending;
use crate::engine::event::Event;
use crate::engine::event::Kind;
use crate::engine::filter;
use crate::engine::follow;
use crate::engine::keys;
use crate::engine::library;
use crate::engine::note;
use crate::engine::opening;
use crate::engine::place;
use crate::engine::record;
use crate::engine::reload;
use crate::engine::run;
use crate::engine::settings::NEUTRAL;
use crate::engine::settings::Quiet;
use crate::engine::sources::PROMETHEUS;
use crate::engine::sources::SCRAPE;
use crate::engine::sources::SESSIONS;
use crate::engine::state::Mode;
use crate::engine::state::Notice;
use crate::engine::state::State;
use crate::engine::take;
use crate::engine::window;
use crate::engine::words;
use crate::layout::Pane;
use crate::model::context::Seen;
use crate::model::context::Target;
use crate::model::context::Usual;
use crate::model::fact::Fact;
use crate::model::glance;
use crate::model::glance::Glance;
use crate::model::health::Outcome;
use crate::model::health::Probe;
use crate::model::health::Status;
use crate::model::rule::Group;
use crate::model::sessions::Change;
use crate::model::sessions::Look;
use crate::model::signal::Absence;
use crate::model::signal::ERROR_RATE;
use crate::model::signal::Reading;
use crate::model::signal::Sample;
use crate::model::source::Feed;
use crate::model::source::Freshness;
use crate::model::source::Origin;
use crate::model::source::Source;
use crate::model::time::Millis;
use crate::model::time::SECOND;
use crate::model::time::Stamp;

/// Takes one event in.
pub fn update(state: &mut State, event: Event) -> Reaction {
    state.now = event.at;
    if state.timeline.is_empty() {
        state.timeline.add(state.started.wall, Fact::Opened);
    }
    if let (Some(run), false) = (&mut state.run, matches!(event.kind.told(), Kind::StepOutput { .. })) {
        run.console.settle();
    }
    let mut reaction = fold(state, event.kind);
    if state.mode == Mode::Cockpit
        && let Some(text) = announce::due(state)
    {
        reaction.effects.push(Effect::Announce(text));
    }
    if state.mode == Mode::Record || state.mode == Mode::Cockpit {
        opening::tell_blindness(state);
    }
    if state.mode == Mode::Walk {
        reaction.effects.extend(run::auto::due(state));
    }
    reaction.effects.extend(run::due(state));
    run::number(state, &mut reaction.effects);
    run::keys_go(state, &mut reaction.effects);
    reaction.effects.extend(window::due(state));
    record::notice_moment(state);
    let taken = take::due(state);
    reaction.redraw |= taken.redraw;
    reaction.effects.extend(taken.effects);
    reaction.effects.extend(record::due(state));
    reaction.effects.extend(opening::due(state));
    reaction.effects.extend(follow::due(state));
    reaction.effects.extend(note::due(state));
    let closer = place::wanted(state);
    if closer != state.places.closer {
        state.places.closer = closer;
        reaction.effects.push(Effect::LookCloser(closer));
    }
    if state.mode == Mode::Cockpit {
        filter::refresh(state);
        // Whoever searches searches the whole journal, not what happens to be here.
        if !filter::filter_of(state, Pane::Facts).is_empty() {
            reaction.effects.extend(record::read_back(state, usize::MAX / 2));
        }
    }
    leave(state, &mut reaction);
    // Modes without a screen draw nothing.
    if state.mode != Mode::Cockpit {
        reaction.redraw = false;
    }
    reaction
}

/// The way out comes last: whatever is to be written down is ordered before it. Whoever leaves the cockpit ends the
/// window that is counted there.
fn leave(state: &mut State, reaction: &mut Reaction) {
    let exit = reaction.effects.iter().position(|e| matches!(e, Effect::Exit(_)));
    if let Some(at) = exit {
        let exit = reaction.effects.remove(at);
        if window::interrupt(state).is_some() {
            reaction.effects.extend(window::due(state));
        }
        reaction.effects.push(exit);
    }
    reaction.effects.extend(window::exit(state));
}

/// Changes the state by one event.
pub(crate) fn fold(state: &mut State, kind: Kind) -> Reaction {
    match kind {
        Kind::Tick if state.follow.catching_up => Reaction::none(),
        Kind::Tick => tick(state),
        Kind::Resized { width, height } => {
            state.ui.size = (width, height);
            Reaction::redraw()
        }
        Kind::Key(chord) => keys::press(state, chord),
        Kind::Pasted(text) => keys::paste(state, &text),
        Kind::Probed { check, probe } => probed(state, &check, probe),
        Kind::Sampled { source, origin, samples, history, took, notes } => {
            sampled(state, &source, origin, samples, history, took, notes)
        }
        Kind::Measured { look } => measured(state, look),
        Kind::SourceFailed { source, why } => failed(state, &source, why),
        Kind::ContextRead { targets, seen, usual } => context_read(state, targets, seen.as_ref(), usual),
        Kind::Glanced { look } => glanced(state, look),
        Kind::AlertsRead { source, alerts, silences, left_out, skew, took } => {
            if state.sources.answered(&source, state.now, took, Vec::new()) {
                state.timeline.add(state.now.wall, Fact::Back { source: source.clone() });
            }
            state.sources.clocked(&source, skew);
            alerts_read(state, |s, now, groups| s.fold(now, &source, alerts, silences, left_out, groups))
        }
        Kind::Flapped { flaps } => {
            state.alerts.flapped(flaps);
            Reaction::redraw()
        }
        Kind::RuleJudged { group, rule, expr, evaluations } => {
            alerts_read(state, |s, now, groups| s.judged(now, (group, rule), &expr, evaluations, groups))
        }
        Kind::SilenceAnswered { request, answer } => silence_answered(state, request, answer),
        Kind::BrokenDown { source, wanted, parts } => {
            if judges(state, &source) {
                state.places.fold(state.now, wanted, parts);
            }
            Reaction::redraw()
        }
        Kind::SourceDone { source } => done(state, &source),
        Kind::SourceDied { source, why } => died(state, &source, why),
        Kind::Compared { days, samples } => compared(state, days, &samples),
        Kind::Reloaded(settings) => reload::apply(state, *settings),
        Kind::ReloadFailed { mistakes } => reload::refuse(state, mistakes),
        Kind::RecordOpened { desk, draft } => record::opened(state, desk, draft),
        Kind::RecordFailed { request, why } => record::failed(state, request, why),
        Kind::RecordUnled { request } => record::unled(state, request),
        Kind::RecordSays { sentences } => record::says(state, sentences),
        Kind::RecordGone { why } => record::gone(state, why),
        Kind::RecordRead { incident, entries, deploys, scribe, ended, last } => {
            record::read(state, incident, &entries, deploys, scribe, ended, last)
        }
        Kind::Recorded { request, incident, entries, opened } => {
            record::recorded(state, request, &incident, &entries, opened)
        }
        Kind::RecordOlder { request, incident, entries } => record::older(state, request, incident, &entries),
        Kind::Documented { file } => take::documented(state, file),
        Kind::Followed { host } => follow::followed(state, host),
        Kind::Backlog { events } => follow::backlog(state, events),
        Kind::LibraryRead { books } => library::read(state, books),
        Kind::LibrarySkipped { files } => {
            state.library.skipped = files;
            Reaction::redraw()
        }
        Kind::TimeUp => time_up(state),
        Kind::StopAsked => Reaction { effects: vec![Effect::Suspend], redraw: false },
        Kind::Resumed => Reaction::with(Effect::Repaint),
        Kind::Copied => commands::notice(state, Notice::Copied),
        Kind::Shutdown(ending) => shutdown(state, ending),
        Kind::WindowOpened { watch } => window::open(state, *watch),
        Kind::WindowsRead { watches } => window::log::read(state, watches),
        Kind::BaselineMet { watch, incident, clean } => window::met(state, &watch, incident, clean),
        Kind::DoraRead { figures } => {
            state.dora = Some(figures);
            Reaction::redraw()
        }
        Kind::WindowCounted { part, span, counted } => window::counted(state, part, span, counted),
        Kind::OfRun(link, _) if link != state.link => Reaction::none(),
        Kind::OfRun(_, kind) => fold(state, *kind),
        // What is left is told of runs.
        other => run::fold(state, other),
    }
}

/// The end is near.
fn shutdown(state: &mut State, ending: Ending) -> Reaction {
    // Nobody walks it: what runs is stopped with the program that was to see to it. A terminal that goes away is
    // another matter.
    if ending == Ending::Signal
        && state.mode == Mode::Walk
        && let Some(effects) = run::auto::interrupt(state, exit_code(ending))
    {
        return Reaction { effects, redraw: false };
    }
    if state.mode == Mode::Watch {
        // Ended early; the code leaves with the last word to the log.
        let code = window::interrupt(state);
        return code.map_or_else(|| Reaction::with(Effect::Exit(exit_code(ending))), |_| Reaction::none());
    }
    // What is being typed is kept to its last letter.
    let draft = note::unkept(state);
    let effects = draft.into_iter().chain([Effect::Exit(exit_code(ending))]).collect();
    Reaction { effects, redraw: false }
}

fn context_read(
    state: &mut State,
    targets: Option<Vec<Target>>,
    seen: Option<&Seen>,
    usual: Option<Usual>,
) -> Reaction {
    if let Some(targets) = targets {
        state.context.targets(state.now, targets);
    }
    if let Some(usual) = usual {
        state.context.usual = Some((state.now, usual));
    }
    for change in seen.into_iter().flat_map(|s| state.context.seen(s)).collect::<Vec<_>>() {
        state.timeline.add(change.at, Fact::Changed { what: change.what });
    }
    if seen.is_some() {
        // A change is often seen only after the outage that it explains.
        let down: Vec<String> =
            state.checks.all.iter().filter(|c| c.status == Status::Down).map(|c| c.name.clone()).collect();
        for name in down {
            context::note_outage(state, &name);
        }
    }
    classify::judge(state);
    Reaction::redraw()
}

/// Another day's curve; one that is empty is said, or nothing would answer the key.
fn compared(state: &mut State, days: i64, samples: &[Sample]) -> Reaction {
    if state.ui.chart.days != Some(days) {
        return Reaction::redraw();
    }
    state.compared.fold(days, samples);
    if samples.iter().all(|s| s.reading.value().is_none()) {
        return commands::notice(state, Notice::NothingThen);
    }
    Reaction::redraw()
}

/// Takes a glance at the database server in; what flips is a fact.
fn glanced(state: &mut State, look: glance::Look) -> Reaction {
    match look {
        Ok(glance) => {
            let before = state.glance.as_ref().map(|(_, g)| g);
            let flipped = before.and_then(|b| b.read_only).zip(glance.read_only).filter(|(was, is)| was != is);
            if let Some((_, read_only)) = flipped {
                state.timeline.add(state.now.wall, Fact::ReadOnly { read_only });
            }
            let runs = |g: &Glance| g.replica.as_ref().map(|r| r.lag.is_some());
            let stopped = before.and_then(runs).zip(runs(&glance)).filter(|(was, is)| was != is);
            if let (Some((_, running)), Some(replica)) = (stopped, &glance.replica) {
                state.timeline.add(state.now.wall, Fact::Replica { running, error: replica.error.clone() });
            }
            state.glance = Some((state.now, glance));
            state.glance_problem = None;
        }
        Err(why) => state.glance_problem = Some(why),
    }
    Reaction::redraw()
}

/// Folds alerts in, and tells what began and what ended.
fn alerts_read(state: &mut State, fold: impl FnOnce(&mut Alerts, Millis, &[Group]) -> News) -> Reaction {
    let now = state.now.wall;
    let groups = state.settings.prometheus.as_ref().map_or(&[][..], |p| &p.rules);
    let history = |s: &&Source| matches!(s.freshness(state.now), Freshness::Stale(_));
    let aside = state.sources.of(Feed::Alerts).filter(history).map(|s| s.name.clone()).collect();
    state.alerts.set_aside(aside);
    // The selection stays on what was selected, wherever that goes.
    let place = Pane::Alerts.index();
    let chosen = state.alerts.folds.get(state.ui.selected[place]).map(|f| f.name.clone());
    let news = fold(&mut state.alerts, now, groups);
    if let Some(at) = chosen.and_then(|name| state.alerts.folds.iter().position(|f| f.name == name)) {
        state.ui.selected[place] = at;
    }
    if !news.fired.is_empty() {
        state.timeline.add(now, Fact::Fired { names: news.fired });
    }
    if !news.over.is_empty() {
        state.timeline.add(now, Fact::Over { names: news.over });
    }
    state.alerts_watchdog_gone =
        if state.alerts.watchdog_seen { None } else { state.alerts_watchdog_gone.or(Some(now)) };
    classify::judge(state);
    Reaction::redraw()
}

fn silence_answered(state: &mut State, request: u64, answer: Result<String, Absence>) -> Reaction {
    let now = state.now.wall;
    let refused = matches!(answer, Err(Absence::Refusal(_)));
    let done = state.orders.answered(request, answer.as_ref().ok().cloned(), refused);
    let Some(done) = done else { return Reaction::none() };
    let order = done.order;
    match answer {
        Ok(_) if done.extended => return Reaction::none(),
        Ok(_) if order.over => state.timeline.add(now, Fact::Unsilenced { matchers: order.matchers }),
        Ok(_) => {
            let what = Fact::Silenced { matchers: order.matchers, ends: order.ends, by: order.by };
            state.timeline.add(now, what);
        }
        Err(why) => state.timeline.add(now, Fact::SilenceFailed { why }),
    }
    state.ui.notice = None;
    // Whether it is in force is Alertmanager's to say.
    Reaction::with(Effect::PollNow)
}

/// 0 when a person ended it; 128 + 15 as shells have it when a signal did, and when the terminal went away.
fn exit_code(ending: Ending) -> u8 {
    match ending {
        Ending::Asked => 0,
        Ending::Signal => 143,
        Ending::TerminalGone => 129,
        Ending::Displaced => 1,
    }
}

fn tick(state: &mut State) -> Reaction {
    // One-shot modes judge at the end; ticks only carry the time.
    classify::judge(state);
    let goes_on = state.record.incident.is_some();
    let silences = state.alerts.silences(state.now.wall);
    let mut effects = state.orders.tick(state.now.wall, &state.alerts.all, &silences, goes_on);
    effects.extend(chart::tick(state));
    // What waits to be drawn comes with the next step of the clock: on a calm screen one frame in five seconds is enough.
    let clock = state.clock();
    let redraw = std::mem::replace(&mut state.clock_drawn, clock) != clock;
    Reaction { effects, redraw }
}

fn probed(state: &mut State, name: &str, probe: Probe) -> Reaction {
    if name == NEUTRAL {
        return neutral_probed(state, probe);
    }
    window::probed(state, name, &probe);
    let first = state.checks.get(name).is_some_and(|c| c.last.is_none());
    let changes = state.checks.fold(name, state.now, probe);
    for change in changes.iter().filter(|c| c.to == Status::Down) {
        context::note_outage(state, &change.name);
    }
    let lang = state.settings.lang;
    for change in &changes {
        // The first word about a check is not news unless it is a bad one.
        if change.from == Status::Unknown && change.to == Status::Up {
            continue;
        }
        let check = state.checks.get(&change.name);
        let detail = check.map(|c| words::check_detail(lang, c)).unwrap_or_default();
        let detail = if change.to == Status::Up { String::new() } else { detail };
        let what = Fact::Check { name: change.name.clone(), from: change.from, to: change.to, detail };
        state.timeline.add(state.now.wall, what);
    }
    if changes.is_empty() && !first {
        // It is drawn with the next step of the clock.
        return Reaction::none();
    }
    classify::judge(state);
    Reaction::redraw()
}

/// The neutral target is no check of the service: it only tells whether the others can be believed.
fn neutral_probed(state: &mut State, probe: Probe) -> Reaction {
    let before = state.no_network();
    let now = state.now;
    if let Some(neutral) = &mut state.neutral {
        neutral.fold(now, probe);
    }
    if state.no_network() == before {
        return Reaction::none();
    }
    if before {
        state.checks.absolve(now);
    }
    classify::judge(state);
    Reaction::redraw()
}

fn sampled(
    state: &mut State,
    source: &str,
    origin: Origin,
    samples: Vec<Sample>,
    history: bool,
    took: Millis,
    notes: Vec<String>,
) -> Reaction {
    let returned = state.sources.answered(source, state.now, took, notes);
    if returned {
        state.timeline.add(state.now.wall, Fact::Back { source: source.to_owned() });
    }
    let mut samples = samples;
    if source == PROMETHEUS && !history {
        useful(state, &samples);
        if spare_is_better(state) {
            // It answers, and knows nothing of the requests: what the targets say stands.
            samples.retain(|s| state.signals.get(&s.signal).is_some_and(|x| x.spec.query.is_some()));
        }
    }
    if !judges(state, source) {
        // It is kept: should the server fail in this very round, there is something to judge.
        state.spare = Some((state.now, samples));
        return Reaction::redraw();
    }
    take_in(state, source, origin, samples, history)
}

/// Notes whether the server knows the error share: it may answer, and hold nothing.
fn useful(state: &mut State, samples: &[Sample]) {
    let share = samples.iter().find(|s| s.signal == ERROR_RATE).map(|s| &s.reading);
    let useless = matches!(share, Some(Reading::Absent(Absence::Stale(_) | Absence::NoSeries)));
    state.useless_since = useless.then(|| state.useless_since.unwrap_or(state.now));
}

/// Sources are asked on a beat, a moment sooner or later than the interval: what is due on this one is not put off to the
/// next.
const EARLY: Millis = SECOND / 2;

/// Has the server known nothing of the requests for two intervals, while the targets themselves tell?
fn spare_is_better(state: &State) -> bool {
    let long = 2 * state.sources.get(PROMETHEUS).map_or(0, |s| s.every) - EARLY;
    let long = state.useless_since.is_some_and(|since| state.now.since(since) >= long || state.mode == Mode::Once);
    long && state.sources.get(SCRAPE).is_some_and(|s| s.freshness(state.now) == Freshness::Fresh)
}

/// Folds samples of a source that judges, moment by moment.
fn take_in(state: &mut State, source: &str, origin: Origin, samples: Vec<Sample>, history: bool) -> Reaction {
    let every = state.sources.get(source).map_or(15 * SECOND, |s| s.every);
    // Two intervals, and half of one for polls that come a little late: one lost sample must not start a clock anew.
    let mut moments: Vec<Millis> = samples.iter().map(|s| s.at).collect();
    moments.dedup();
    let step = moments.windows(2).map(|w| w[1] - w[0]).min().unwrap_or(every).max(every);
    let gap = step * 5 / 2;
    let known = if history { state.signals.rewind(moments.first().copied()) } else { Vec::new() };
    let mut moment: Option<Millis> = None;
    for sample in samples {
        if moment.is_some_and(|at| at != sample.at) {
            classify::judge_moment(state, origin, moment.unwrap_or_default(), gap);
        }
        moment = Some(sample.at);
        // History is dated, not received: a value that is an hour old must not look fresh.
        let received = if history { dated(state.now, sample.at) } else { state.now };
        state.signals.fold(received, origin, sample, history);
    }
    state.signals.refill(&known, gap);
    if let Some(at) = moment {
        classify::judge_moment(state, origin, at, gap);
    }
    classify::judge(state);
    Reaction::redraw()
}

/// The stamp a historical sample would have had.
fn dated(now: Stamp, at: Millis) -> Stamp {
    let ago = (now.wall - at).max(0);
    Stamp { mono: now.mono - ago, wall: now.wall - ago }
}

/// Direct scrape judges only while Prometheus does not: two sources never write one curve at a time.
fn judges(state: &State, source: &str) -> bool {
    let soon = Stamp { mono: state.now.mono + EARLY, ..state.now };
    source != SCRAPE
        || spare_is_better(state)
        || state
            .sources
            .get(PROMETHEUS)
            .is_none_or(|p| p.answered && !matches!(p.freshness(soon), Freshness::Fresh) && p.problem.is_some())
}

fn measured(state: &mut State, look: Look) -> Reaction {
    match &look {
        Ok(m) => {
            if state.sources.answered(SESSIONS, state.now, m.took, Vec::new()) {
                state.timeline.add(state.now.wall, Fact::Back { source: SESSIONS.to_owned() });
            }
        }
        Err(why) => lost(state, SESSIONS, why.clone()),
    }
    let good = look.is_ok();
    if let Some(Change::Sweep(rows)) = state.sessions.fold(state.now, look) {
        state.timeline.add(state.now.wall, Fact::Swept { rows });
    }
    if good {
        classify::judge_look(state);
    }
    classify::judge(state);
    Reaction::redraw()
}

fn lost(state: &mut State, source: &str, why: Absence) {
    if state.sources.failed(source, why.clone()) {
        state.timeline.add(state.now.wall, Fact::Lost { source: source.to_owned(), why });
    }
}

fn failed(state: &mut State, source: &str, why: Absence) -> Reaction {
    lost(state, source, why);
    if source == PROMETHEUS
        && judges(state, SCRAPE)
        && let Some((at, samples)) = state.spare.take()
    {
        // What is older than three intervals is history, and no help now.
        let every = state.sources.get(SCRAPE).map_or(0, |s| s.every);
        if state.now.since(at) <= 3 * every {
            return take_in(state, SCRAPE, Origin::Scrape, samples, false);
        }
    }
    let requests = source == PROMETHEUS || source == SCRAPE;
    if requests && judges(state, source) {
        let at = state.now.wall;
        state.signals.gap(at);
    }
    classify::judge(state);
    Reaction::redraw()
}

fn died(state: &mut State, source: &str, why: String) -> Reaction {
    let why = Absence::Died(why);
    let check = source.strip_prefix("check ").filter(|name| state.checks.get(name).is_some());
    if let Some(name) = check.map(str::to_owned) {
        // Nobody looks at this check any more: that is no good answer.
        let outcome = Outcome::Absent(why);
        let probe = Probe { outcome, latency: None, detail: String::new(), cert_days: None, cert_soon: false };
        let mut reaction = probed(state, &name, probe);
        reaction.effects.extend(done(state, source).effects);
        return reaction;
    }
    if state.sources.get(source).is_none() {
        // A poller beside the sources: what it told stays away from now on.
        state.timeline.add(state.now.wall, Fact::Lost { source: source.to_owned(), why: why.clone() });
    }
    lost(state, source, why);
    classify::judge(state);
    let mut reaction = done(state, source);
    reaction.redraw = true;
    reaction
}

fn done(state: &mut State, source: &str) -> Reaction {
    state.rounds_left.retain(|s| s != source);
    // Every try of a first round failed, and there was no time for more: that is down, not unknown.
    if let Some(name) = source.strip_prefix("check ") {
        let changed = state.checks.give_up(name, state.now);
        if changed {
            classify::judge(state);
        }
    }
    if state.mode == Mode::Once && state.rounds_left.is_empty() {
        return time_up(state);
    }
    Reaction::none()
}

fn time_up(state: &mut State) -> Reaction {
    state.over = true;
    // A level has no time to linger in one look: what a second try mended is mended.
    if state.mode == Mode::Once {
        state.settings.quiet = Quiet { sev1: 0, sev2: 0, sev3: 0, sev4: 0 };
    }
    classify::judge(state);
    let code = match state.mode {
        Mode::Cockpit | Mode::Record | Mode::Print(_) | Mode::Walk | Mode::Watch => 0,
        Mode::Once | Mode::For(_) => state.verdict.level.exit_code(),
    };
    Reaction { effects: vec![Effect::Exit(code)], redraw: false }
}
