//! Whole screens, drawn from scenario files, held against snapshots: text always, styles once per theme.

use std::path::PathBuf;

use cabina::engine;
use cabina::engine::Event;
use cabina::engine::Kind;
use cabina::engine::State;
use cabina::engine::effect::Closer;
use cabina::engine::library::Book;
use cabina::engine::state::Overlay;
use cabina::input::key::Chord;
use cabina::input::key::Code;
use cabina::lang::Lang;
use cabina::model::breakdown::Breakdown;
use cabina::model::breakdown::Dimension;
use cabina::model::breakdown::Part;
use cabina::model::breakdown::Topic;
use cabina::model::dora;
use cabina::model::signal::Reading;
use cabina::model::signal::Sample;
use cabina::model::signal::Unit;
use cabina::model::time::Millis;
use cabina::model::time::Stamp;
use cabina::model::time::Zone;
use cabina::model::watch::Ended;
use cabina::model::watch::Watch;
use cabina::model::watch::Withdrawn;
use cabina::model::window::Figure;
use cabina::model::window::Judged;
use cabina::model::window::Reason;
use cabina::model::window::Verdict;
use cabina::model::window::Window;
use cabina::theme::Depth;
use cabina::theme::Role;
use cabina::theme::Theme;
use cabina::view;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::support::play;
use crate::support::settings;

fn at(name: &str, minutes: f64, lang: Lang) -> State {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/scenarios/{name}.toml"));
    let scenario = play::read(&path);
    let mut state = play::play(&scenario, (minutes * 60_000.0) as Millis);
    state.settings.lang = lang;
    state.settings.zone = Zone::named("America/Mexico_City").unwrap();
    "IACT".clone_into(&mut state.settings.service);
    "production".clone_into(&mut state.settings.environment);
    state
}

/// Presses keys, written as in the help: one character each, `<enter>`, `<esc>`, `<tab>`.
fn press(state: &mut State, keys: &str) {
    let mut rest = keys;
    while let Some(c) = rest.chars().next() {
        let named = [
            ("<enter>", Code::Enter),
            ("<esc>", Code::Esc),
            ("<tab>", Code::Tab),
            ("<down>", Code::Down),
            ("<left>", Code::Left),
        ];
        let found = named.into_iter().find(|(name, _)| rest.starts_with(name));
        let (code, len) = found.map_or((Code::Char(c), c.len_utf8()), |(name, code)| (code, name.len()));
        rest = rest.split_at(len).1;
        let at = state.now;
        engine::update(state, Event { at, kind: Kind::Key(Chord::plain(code)) });
    }
}

fn terminal(state: &State, theme: &Theme, width: u16, height: u16) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|f| view::render(state, theme, f)).unwrap();
    terminal
}

fn draw(state: &State, width: u16, height: u16) -> String {
    let theme = Theme::named("noche", Depth::True, false).unwrap();
    terminal(state, &theme, width, height).backend().to_string()
}

#[test]
fn the_night_of_the_bad_deploy() {
    let es = at("bad-deploy-error-rate", 9.4, Lang::Es);
    let en = at("bad-deploy-error-rate", 9.4, Lang::En);
    insta::assert_snapshot!("deploy_es_80x24", draw(&es, 80, 24));
    insta::assert_snapshot!("deploy_en_120x40", draw(&en, 120, 40));
    insta::assert_snapshot!("deploy_es_200x60", draw(&es, 200, 60));
}

/// What is said of a signal in a window.
fn judged(name: &str, unit: Unit, verdict: Verdict, before: (f64, f64), now: (f64, f64), reason: Reason) -> Judged {
    let figure = |(n, value): (f64, f64)| Figure { n, value: (n > 0.0).then_some(value) };
    Judged { name: name.to_owned(), unit, verdict, critical: true, before: figure(before), now: figure(now), reason }
}

/// A window after the deploy of a night, as it is counted on another machine.
fn a_window(state: &mut State, verdict: Verdict, ended: Option<Ended>) -> Watch {
    let deploy = state.context.deploys.last().unwrap().clone();
    let window = Window::new(deploy.version.clone(), deploy.at, 300_000, (300_000, 0), 15_000);
    let now = state.now.wall;
    let failing = if verdict == Verdict::Fail { 0.13 } else { 0.002 };
    let bad = if verdict == Verdict::Fail { Reason::Worse { times: 65.0 } } else { Reason::AsBefore };
    Watch {
        deploy: Some(deploy.id),
        told: now,
        verdict,
        ended: ended.map(|how| (how, deploy.at + 300_000)),
        signals: vec![
            judged("error_rate", Unit::Ratio, verdict, (2_460.0, 0.002), (2_391.0, failing), bad),
            judged("latency_p95", Unit::Seconds, Verdict::Pass, (2_460.0, 0.19), (2_391.0, 0.21), Reason::Tolerated),
            judged("API Backend", Unit::Ratio, Verdict::Pass, (20.0, 0.0), (60.0, 0.0), Reason::Tolerated),
            judged("django_session", Unit::Count, Verdict::Pass, (10.0, 20.0), (10.0, 26.0), Reason::Tolerated),
        ],
        ..Watch::new("w1".to_owned(), window, "jlopez", "deploy1")
    }
}

#[test]
fn the_window_after_a_deploy() {
    let book = |lang: Lang| {
        let text = format!(
            "---\nid: PROC-BACKEND-008\ntipo: rollback\ntitulo: Volver\nlanguage: {}\n---\n# PROC-BACKEND-008: Volver a la versión anterior\n\n### Paso 1: Volver\n\n```bash\nx ${{OLD_VERSION}} ${{VERSION}}\n```\n",
            lang.code()
        );
        let says = cabina::runbook::read("p.md", text.as_bytes()).unwrap();
        Book { says, path: "p.md".to_owned(), overdue: None, hash: String::new(), loose: false }
    };
    let night = |lang: Lang, minute: f64, verdict: Verdict, ended: Option<Ended>| {
        let mut state = at("deploy-marked", minute, lang);
        state.library.books = [book(lang)].into();
        let watch = a_window(&mut state, verdict, ended);
        state.watches = vec![watch];
        press(&mut state, "w");
        state
    };
    let live = night(Lang::Es, 13.0, Verdict::Pass, None);
    insta::assert_snapshot!("window_live_es_80x24", draw(&live, 80, 24));
    let failed = night(Lang::Es, 16.0, Verdict::Fail, Some(Ended::Over));
    insta::assert_snapshot!("window_failed_es_80x24", draw(&failed, 80, 24));
    let failed = night(Lang::En, 16.0, Verdict::Fail, Some(Ended::Over));
    insta::assert_snapshot!("window_failed_en_120x40", draw(&failed, 120, 40));
    let mut withdrawn = night(Lang::En, 27.0, Verdict::Pass, Some(Ended::Over));
    let finding = withdrawn.verdict.findings.first().cloned();
    withdrawn.watches[0].withdrawn = Some(Withdrawn { at: withdrawn.now.wall, finding });
    insta::assert_snapshot!("window_withdrawn_en_200x60", draw(&withdrawn, 200, 60));
    // One key away.
    press(&mut withdrawn, "<enter>");
    assert!(draw(&withdrawn, 80, 24).contains("PROC-BACKEND-008"), "{}", draw(&withdrawn, 80, 24));
    let mut none = at("bad-deploy-error-rate", 2.0, Lang::Es);
    press(&mut none, "w");
    insta::assert_snapshot!("window_none_es_80x24", draw(&none, 80, 24));
}

#[test]
fn the_figures_of_delivery() {
    let mut state = at("bad-deploy-error-rate", 2.0, Lang::Es);
    let now = state.now.wall;
    let deploy = |n: i64| cabina::model::deploy::Deploy {
        id: n.to_string(),
        version: format!("v{n}"),
        at: now - n * 86_400_000,
        ..cabina::model::deploy::Deploy::default()
    };
    let deploys: Vec<_> = [20, 12, 9, 4].map(deploy).into();
    let known = dora::Known { deploys: &deploys, watches: &[], incidents: &[], commits: None };
    state.dora = Some(Ok(Box::new(dora::dora(known, now, 30))));
    state.ui.overlay = Overlay::Dora(0);
    insta::assert_snapshot!("dora_es_80x24", draw(&state, 80, 24));
    state.settings.lang = Lang::En;
    insta::assert_snapshot!("dora_en_120x40", draw(&state, 120, 40));
}

#[test]
fn a_calm_day_is_calm() {
    insta::assert_snapshot!("calm_es_80x24", draw(&at("bad-deploy-error-rate", 2.0, Lang::Es), 80, 24));
    insta::assert_snapshot!("calm_en_120x40", draw(&at("bad-deploy-error-rate", 2.0, Lang::En), 120, 40));
}

#[test]
fn blind_is_loud_and_keeps_the_last_known_level() {
    insta::assert_snapshot!("blind_es_80x24", draw(&at("blind-during-an-incident", 20.0, Lang::Es), 80, 24));
    insta::assert_snapshot!("blind_en_120x40", draw(&at("blind-during-an-incident", 20.0, Lang::En), 120, 40));
    insta::assert_snapshot!("unknown_en_80x24", draw(&at("blind-from-the-start", 2.0, Lang::En), 80, 24));
}

#[test]
fn checks_down_slow_and_flapping() {
    insta::assert_snapshot!("checks_en_120x40", draw(&at("two-critical-checks-down", 1.7, Lang::En), 120, 40));
    let mut narrow = at("two-critical-checks-down", 1.7, Lang::Es);
    press(&mut narrow, "1");
    insta::assert_snapshot!("checks_es_80x24", draw(&narrow, 80, 24));
    press(&mut narrow, "<down><enter>");
    insta::assert_snapshot!("check_detail_es_80x24", draw(&narrow, 80, 24));
}

#[test]
fn sessions() {
    let mut state = at("sessions-flood", 13.0, Lang::Es);
    press(&mut state, "2");
    insta::assert_snapshot!("sessions_es_80x24", draw(&state, 80, 24));
    insta::assert_snapshot!("sessions_en_120x40", draw(&at("sessions-flood", 13.0, Lang::En), 120, 40));
}

#[test]
fn alerts_and_the_card_of_a_silence() {
    let mut es = at("alerts", 7.0, Lang::Es);
    es.settings.alertmanagers = settings("[[alertmanager]]\nurl = \"http://a:9093\"\n").0.alertmanagers;
    "rgomez".clone_into(&mut es.settings.operator);
    let mut en = at("alerts", 5.0, Lang::En);
    insta::assert_snapshot!("alerts_en_120x40", draw(&en, 120, 40));
    press(&mut en, "8z");
    insta::assert_snapshot!("alerts_zoom_en_120x40", draw(&en, 120, 40));
    press(&mut es, "8");
    insta::assert_snapshot!("alerts_es_80x24", draw(&es, 80, 24));
    press(&mut es, "<enter>");
    insta::assert_snapshot!("alert_detail_es_80x24", draw(&es, 80, 24));
    press(&mut es, "<esc>M++");
    insta::assert_snapshot!("silence_es_80x24", draw(&es, 80, 24));
    press(&mut es, "cx");
    insta::assert_snapshot!("silence_comment_es_80x24", draw(&es, 80, 24));
}

#[test]
fn charts_are_read_zoomed_and_compared() {
    let mut state = at("bad-deploy-error-rate", 9.4, Lang::En);
    let part = |name: &str, value: f64, total: f64| Part { name: name.to_owned(), value, total: Some(total) };
    let breakdown =
        |by, parts| Breakdown { requests: Some(2_460.0), ..Breakdown::of(Topic::Errors, by, parts).unwrap() };
    let parts = vec![
        breakdown(
            Dimension::Endpoint,
            vec![part("POST /api/llamadas/", 290.0, 344.0), part("GET /api/agentes/", 15.0, 1_130.0)],
        ),
        breakdown(Dimension::Status, vec![part("500", 296.0, 296.0), part("503", 9.0, 9.0)]),
        breakdown(Dimension::Host, vec![part("web1:8000", 150.0, 1_230.0), part("web2:8000", 155.0, 1_230.0)]),
    ];
    let wanted = Closer { errors: true, latency: false };
    let kind = Kind::BrokenDown { source: "prometheus".to_owned(), wanted, parts };
    let now = state.now;
    engine::update(&mut state, Event { at: now, kind });
    insta::assert_snapshot!("where_en_120x40", draw(&state, 120, 40));
    press(&mut state, "3z<left><left><left><left><left><left><left><left>");
    insta::assert_snapshot!("where_zoom_en_120x40", draw(&state, 120, 40));
    press(&mut state, "<esc>-c");
    assert_eq!(state.ui.chart.days, Some(1));
    let yesterday = (0..60).map(|i| Sample {
        signal: "error_rate_1m".to_owned(),
        at: state.now.wall - 86_400_000 - i * 30_000,
        reading: Reading::Value(0.02),
        counts: None,
        worst: None,
    });
    let kind = Kind::Compared { days: 1, samples: yesterday.collect::<Vec<_>>().into_iter().rev().collect() };
    engine::update(&mut state, Event { at: now, kind });
    state.settings.lang = Lang::Es;
    insta::assert_snapshot!("compared_es_80x24", draw(&state, 80, 24));
}

#[test]
fn links_marks_and_maintenance() {
    let mut state = at("bad-deploy-error-rate", 9.4, Lang::Es);
    let more = "[[link]]\nname = \"Grafana\"\nurl = \"https://grafana.example/d/x?var-service={service}&from={from}&to={to}\"\n[[link]]\nname = \"Sentry\"\nurl = \"https://sentry.example/\"\n[[maintenance]]\nname = \"cambio de red\"\nat = \"02:30\"\nfor = \"2h\"\n";
    let (more, _) = settings(more);
    (state.settings.links, state.settings.maintenance) = (more.links, more.maintenance);
    press(&mut state, "o");
    insta::assert_snapshot!("links_es_80x24", draw(&state, 80, 24));
    let anchors = view::links::anchors(&state, (80, 24));
    assert_eq!(anchors.len(), 2);
    assert!(anchors[0].url.contains("var-service=IACT&from=17") && !anchors[0].url.contains('{'), "{anchors:?}");
    press(&mut state, "<esc>5K");
    insta::assert_snapshot!("known_es_80x24", draw(&state, 80, 24));
    press(&mut state, "y");
    insta::assert_snapshot!("known_marked_es_80x24", draw(&state, 80, 24));
}

#[test]
fn pages_over_the_board() {
    for (keys, name) in [
        ("?", "help"),
        ("s", "why"),
        (":zo", "palette"),
        ("5/err<enter>", "filter"),
        ("f", "frozen"),
        ("3z", "zoom"),
        ("x", "no_key"),
    ] {
        let mut es = at("bad-deploy-error-rate", 9.4, Lang::Es);
        press(&mut es, keys);
        insta::assert_snapshot!(format!("{name}_es_80x24"), draw(&es, 80, 24));
    }
    for (keys, name) in [("?", "help"), ("s", "why"), ("4z", "zoom_latency")] {
        let mut en = at("slow", 16.0, Lang::En);
        press(&mut en, keys);
        insta::assert_snapshot!(format!("{name}_en_120x40"), draw(&en, 120, 40));
    }
}

#[test]
fn ascii_for_terminals_that_have_nothing_else() {
    let theme = Theme::named("noche", Depth::None, true).unwrap();
    let state = at("bad-deploy-error-rate", 9.4, Lang::Es);
    let text = terminal(&state, &theme, 80, 24).backend().to_string();
    assert!(text.is_ascii(), "{text}");
    insta::assert_snapshot!("ascii_es_80x24", text);
}

/// Where each role is seen: the styles are part of the picture.
#[test]
fn styles_say_what_the_words_say_in_every_theme() {
    for name in Theme::NAMES {
        for depth in [Depth::True, Depth::Indexed, Depth::Sixteen, Depth::None] {
            let theme = Theme::named(name, depth, false).unwrap();
            let mut state = at("bad-deploy-error-rate", 9.4, Lang::En);
            press(&mut state, "6");
            let shown = terminal(&state, &theme, 120, 40);
            let buffer = shown.backend().buffer();
            let styled = |text: &str, role: Role| {
                let width = buffer.area.width as usize;
                let rows: Vec<String> = buffer
                    .content
                    .chunks(width)
                    .map(|r| r.iter().map(ratatui::buffer::Cell::symbol).collect())
                    .collect();
                let (y, x) = rows
                    .iter()
                    .enumerate()
                    .find_map(|(y, r)| r.find(text).map(|b| (y, r.split_at(b).0.chars().count())))
                    .unwrap_or_else(|| panic!("{text}"));
                let cell = &buffer.content[y * width + x];
                let style = theme.style(role);
                assert_eq!(cell.modifier, style.add_modifier, "{name} {depth:?}: {text}");
                if let Some(bg) = style.bg {
                    assert_eq!(cell.bg, bg, "{name} {depth:?}: {text}");
                }
            };
            styled("SEV1", Role::Sev1);
            styled("PRODUCTION", Role::Production);
            styled("What to do", Role::Focus);
        }
    }
}

/// How many screens of a minute differ from the one before, second by second; nothing comes in but the time.
fn steps(state: &mut State) -> usize {
    let mut before = draw(state, 120, 40);
    let mut steps = 0;
    // Less than the shortest interval: nothing grows late meanwhile.
    for _ in 0..10 {
        let at = Stamp { mono: state.now.mono + 1_000, wall: state.now.wall + 1_000 };
        engine::update(state, Event { at, kind: Kind::Tick });
        let now = draw(state, 120, 40);
        steps += usize::from(now != before);
        before = now;
    }
    steps
}

#[test]
fn seconds_are_counted_only_while_something_is_wrong() {
    let mut calm = at("all-targets-down", 2.0, Lang::En);
    assert!(calm.is_calm(), "{}", draw(&calm, 120, 40));
    let few = steps(&mut calm);
    assert!((2..=5).contains(&few), "{few} steps in ten seconds");
    let mut trouble = at("bad-deploy-error-rate", 9.4, Lang::En);
    assert_eq!(steps(&mut trouble), 10, "the clock is to the second");
}
