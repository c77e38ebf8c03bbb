//! Carries effects out. Returns at once, except where the process itself is stopped.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use crossterm::clipboard::CopyToClipboard;
use crossterm::queue;
use rustix::process::Signal;
use rustix::process::kill_current_process_group;
use tokio::sync::watch;

use crate::app::keyboard::Keyboard;
use crate::app::postmortem;
use crate::app::reload::Next;
use crate::app::run::Perform;
use crate::app::terminal;
use crate::bus::Bus;
use crate::bus::task;
use crate::effects::record::Recorder;
use crate::effects::step::client::Driver;
use crate::effects::tape::Tape;
use crate::engine::Effect;
use crate::engine::Event;
use crate::engine::Kind;
use crate::engine::Settings;
use crate::engine::State;
use crate::engine::effect::CountOrder;
use crate::engine::effect::Keys;
use crate::engine::state::Overlay;
use crate::lang::Lang;
use crate::model::signal::Absence;
use crate::model::time::Zone;
use crate::secrets::Secrets;
use crate::sources::Reins;
use crate::store::StoreError;
use crate::view::links;

/// The most text given to a clipboard: terminals cut or refuse longer sequences (xterm and tmux at about 100 kB).
const CLIPBOARD: usize = 64 * 1024;

/// The performer of a live program.
pub(super) struct Live {
    pub(super) reins: Reins,
    pub(super) bus: Bus,
    pub(super) with_terminal: bool,
    /// Whoever writes things down, where something is.
    pub(super) recorder: Option<Recorder>,
    /// Where events are recorded, if they are.
    pub(super) tape: Option<Tape>,
    /// The reader's language.
    pub(super) lang: Lang,
    /// Settings that were read again and are to be applied.
    pub(super) next: Next,
    /// What the screen needs beside events.
    pub(super) desk: Option<Desk>,
    /// The way to the supervisor of a run, where runs are driven from here.
    pub(super) driver: Option<Driver>,
    /// The folders of the library, where it is watched, and the zone that its days are counted in.
    pub(super) folders: Option<watch::Sender<(Vec<PathBuf>, Zone)>>,
    /// What no text may show, shared with everything that was started with it.
    pub(super) secrets: Arc<Secrets>,
}

/// The keyboard, and where documents are written.
pub(super) struct Desk {
    pub(super) keyboard: Keyboard,
    pub(super) settings: Settings,
    pub(super) secrets: Arc<Secrets>,
    pub(super) url: Result<String, StoreError>,
}

impl Perform for Live {
    fn taken(&mut self, event: &Event) {
        if let Some(tape) = &self.tape {
            tape.take(event);
        }
        if let (Some(driver), Kind::StepOutput { .. }) = (&self.driver, event.kind.told()) {
            driver.taken();
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::PollNow => self.reins.poll_now(),
            Effect::LookCloser(closer) => self.reins.look_closer(closer),
            Effect::Silence(request, order) => {
                if !self.reins.silence(request, order) {
                    let answer = Err(Absence::Failed("too many orders are under way".to_owned()));
                    let bus = self.bus.clone();
                    task::spawn(async move { bus.send(Kind::SilenceAnswered { request, answer }).await });
                }
            }
            Effect::Announce(text) if self.with_terminal && !self.away() => announce(&text),
            Effect::Count(order) => {
                if !self.reins.count_window(order) {
                    let (bus, CountOrder { part, span, .. }) = (self.bus.clone(), order);
                    let counted = Err(Absence::Failed("too many orders are under way".to_owned()));
                    task::spawn(async move { bus.send(Kind::WindowCounted { part, span, counted }).await });
                }
            }
            Effect::Compare { days, from, to } => self.reins.compare(days, (from, to)),
            Effect::Record(request, order) => {
                if !self.recorder.as_ref().is_some_and(|r| r.give(request, order)) {
                    let (why, bus) = (self.lang.store_busy(), self.bus.clone());
                    // It must arrive: what was asked for would be waited for without end.
                    task::spawn(async move { bus.send(Kind::RecordFailed { request: Some(request), why }).await });
                }
            }
            Effect::Run(order) => {
                if let Some(driver) = &mut self.driver {
                    driver.carry_out(order);
                }
            }
            Effect::Keys(keys) => self.keys(keys),
            Effect::Document(id) => self.document(id),
            Effect::Edit(path) => self.edit(path),
            Effect::Apply => self.apply(),
            Effect::Ask(asks) => self.reins.ask(asks),
            Effect::CountExactly => self.reins.count_exactly(),
            Effect::Suspend if self.with_terminal => self.suspend(),
            Effect::Copy(text) if self.with_terminal => self.copy(&text),
            // Repaint and Exit are the loop's.
            Effect::Suspend | Effect::Copy(_) | Effect::Announce(_) | Effect::Repaint | Effect::Exit(_) => {}
        }
    }

    fn away(&self) -> bool {
        self.with_terminal && terminal::lent()
    }

    /// Tells the terminal where the names of the links lead (OSC 8), over the cells that show them.
    fn drawn(&mut self, state: &State) {
        if let (Some(desk), Some(run)) = (self.desk.as_ref().filter(|_| state.ui.typing), &state.run) {
            let screen = run.console.screen();
            desk.keyboard.route.modes(screen.application_cursor(), screen.bracketed_paste());
        }
        if !self.with_terminal || !matches!(state.ui.overlay, Overlay::Links(_)) {
            return;
        }
        let mut out = Vec::new();
        let size = crossterm::terminal::size().unwrap_or(state.ui.size);
        for a in links::anchors(state, size) {
            // Save the cursor, go there, open the link, write the name, close it, come back.
            out.extend(
                format!(
                    "\u{1b}7\u{1b}[{};{}H\u{1b}[1m\u{1b}]8;;{}\u{1b}\\{}\u{1b}]8;;\u{1b}\\\u{1b}[0m\u{1b}8",
                    a.y + 1,
                    a.x + 1,
                    crate::model::text::clean(&a.url),
                    crate::model::text::clean(&a.text)
                )
                .into_bytes(),
            );
        }
        let _ = terminal::raw().write_all(&out);
    }
}

/// BEL, and OSC 9 for terminals that notify. Nothing is drawn by either.
fn announce(text: &str) {
    let text = crate::model::text::clean(text);
    let _ = terminal::raw().write_all(format!("\u{7}\u{1b}]9;{text}\u{7}").as_bytes());
}

impl Live {
    /// Without a screen, and without writing anything down.
    pub(super) fn blind(reins: Reins, bus: Bus, lang: Lang, secrets: &Arc<Secrets>) -> Self {
        let (recorder, tape, desk) = (None, None, None);
        Self {
            reins,
            bus,
            with_terminal: false,
            recorder,
            tape,
            lang,
            next: Next::default(),
            desk,
            driver: None,
            folders: None,
            secrets: Arc::clone(secrets),
        }
    }

    /// Everything that knows settings and secrets goes over to the new ones.
    fn apply(&mut self) {
        let Some((settings, secrets)) = self.next.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
        else {
            return;
        };
        // Whoever writes things down, drives runs or prints holds these.
        self.secrets.learn(&secrets);
        if let Some(driver) = &self.driver {
            driver.hide(secrets.hidden());
        }
        if let Some(folders) = &self.folders {
            folders.send_if_modified(|now| {
                let new = (settings.runbooks.clone(), settings.zone);
                let other = *now != new;
                *now = new;
                other
            });
        }
        self.lang = settings.lang;
        if let Some(desk) = &mut self.desk {
            (desk.settings, desk.secrets) = (settings.clone(), Arc::clone(&secrets));
        }
        self.reins.apply(settings, secrets);
    }

    /// Keys go elsewhere, or come back.
    fn keys(&self, keys: Keys) {
        let Some(desk) = &self.desk else { return };
        let route = &desk.keyboard.route;
        match (keys, self.driver.as_ref().and_then(Driver::keys)) {
            (Keys::Step, Some(way)) => route.step(way),
            (Keys::Secret(name), _) => route.secret(name),
            (Keys::Here | Keys::Step, _) => route.here(),
        }
    }

    /// Writes the post-mortem, beside everything else.
    fn document(&self, id: String) {
        let Some(desk) = &self.desk else { return };
        let (settings, secrets, url) = (desk.settings.clone(), Arc::clone(&desk.secrets), desk.url.clone());
        let bus = self.bus.clone();
        task::spawn(async move {
            let file = match url {
                Ok(url) => postmortem::beside(&settings, &secrets, &url, &id).await,
                Err(why) => Err(why.words(settings.lang)),
            };
            bus.send(Kind::Documented { file }).await;
        });
    }

    /// Lends the terminal to the person's editor. Looking and writing go on meanwhile; nothing is drawn.
    fn edit(&self, path: String) {
        let Some(desk) = self.desk.as_ref().filter(|_| terminal::lend(true)) else { return };
        let (keyboard, bus) = (desk.keyboard.clone(), self.bus.clone());
        task::spawn(async move {
            // Two readers would share the keys between them.
            keyboard.rest().await;
            terminal::give_back();
            let mut editor = tokio::process::Command::new("sh");
            // As git does it: the variable may hold options.
            let limit = crate::effects::core::in_blocks();
            let script =
                format!("ulimit -S -c {limit} 2>/dev/null; eval \"exec ${{VISUAL:-${{EDITOR:-vi}}}} \\\"\\$1\\\"\"");
            editor.args(["-c", &script, "sh", path.as_str()]);
            let ended = editor.status().await;
            let _ = terminal::enter();
            terminal::lend(false);
            keyboard.go_on();
            if let Err(e) = ended {
                bus.send(Kind::Documented { file: Err(format!("sh: {e}")) }).await;
            }
            bus.send(Kind::Resumed).await;
        });
    }

    /// Stops the process group, as the terminal itself would have: whoever started us in a pipe stops too.
    fn suspend(&self) {
        if self.away() {
            // An editor has the terminal, and asks to be stopped: it is its own to give back.
            let _ = kill_current_process_group(Signal::STOP);
            return;
        }
        terminal::give_back();
        let _ = kill_current_process_group(Signal::STOP);
        // Here the process goes on.
        let _ = terminal::enter();
        self.bus.offer(Kind::Resumed);
    }

    /// OSC 52. There is no answer to it, so all that can be said is that it was sent.
    fn copy(&self, text: &str) {
        let text: String = text.chars().take(CLIPBOARD).collect();
        let mut sequence = Vec::new();
        let queued = queue!(sequence, CopyToClipboard::to_clipboard_from(text));
        if queued.and_then(|()| terminal::raw().write_all(&sequence)).is_ok() {
            self.bus.offer(Kind::Copied);
        }
    }
}
