//! Silences made from here: the card that shows what one would do, and acknowledgements that extend while their alert
//! fires. Nothing here closes what still fires: a silence keeps it from being announced, no more.

use std::collections::BTreeSet;
use std::collections::VecDeque;

use crate::engine::alerts::Fold;
use crate::engine::commands::focus;
use crate::engine::commands::notice;
use crate::engine::commands::show;
use crate::engine::effect::Effect;
use crate::engine::effect::Reaction;
use crate::engine::effect::SilenceOrder;
use crate::engine::filter::filter_matchers;
use crate::engine::filter::visible_alerts;
use crate::engine::prompt::Prompt;
use crate::engine::state::Notice;
use crate::engine::state::Overlay;
use crate::engine::state::State;
use crate::input::command::Command;
use crate::layout::Pane;
use crate::model::alert::Alert;
use crate::model::alert::Labels;
use crate::model::alert::Phase;
use crate::model::alert::Silence;
use crate::model::alert::Standing;
use crate::model::matcher::Matcher;
use crate::model::matcher::Ready;
use crate::model::time::HOUR;
use crate::model::time::MINUTE;
use crate::model::time::Millis;

/// An acknowledgement lasts this long at a time …
pub const ACK: Millis = 15 * MINUTE;
/// … is extended when this little is left …
const EXTEND_AT: Millis = 3 * MINUTE;
/// … and never lasts longer than this in all.
pub const ACK_MOST: Millis = 2 * HOUR;
/// Times to choose from.
pub(crate) const TIMES: [Millis; 8] =
    [15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 24 * HOUR, 72 * HOUR];
/// An order that was not answered after this long may be given again.
const PATIENCE: Millis = MINUTE;

/// What is about to be silenced.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// What the silence matches.
    pub matchers: Vec<Matcher>,
    /// For how long.
    pub time: Millis,
    /// Why; goes to Alertmanager.
    pub comment: Prompt,
    /// The comment is being typed.
    pub typing: bool,
    /// An acknowledgement: it extends while its alert fires.
    pub acknowledge: bool,
    /// A silence to end, instead of one to make.
    pub ends: Option<Silence>,
    /// Further silences of the same alerts, any of which could be ended instead.
    pub others: VecDeque<Silence>,
}

impl Card {
    /// A longer or shorter time.
    pub(crate) fn step(&mut self, longer: bool) {
        let at = TIMES.iter().position(|t| *t >= self.time).unwrap_or_default();
        let at = if longer { (at + 1).min(TIMES.len() - 1) } else { at.saturating_sub(1) };
        self.time = TIMES[at];
    }

    /// The next or the last of the silences that could be ended.
    fn turn(&mut self, on: bool) {
        let next = if on { self.others.pop_front() } else { self.others.pop_back() };
        let Some(next) = next else { return };
        self.matchers.clone_from(&next.matchers);
        self.comment = Prompt::with(&next.comment);
        if let Some(now) = self.ends.replace(next) {
            if on { self.others.push_back(now) } else { self.others.push_front(now) }
        }
    }
}

/// An acknowledgement in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Ack {
    /// The order that made it, or last extended it.
    request: u64,
    order: SilenceOrder,
    /// When it was first made.
    first: Millis,
    /// When the newest order was given; `None` once it was answered.
    asked: Option<Millis>,
    /// It was made while an incident went on: it lasts as long as that does.
    for_incident: bool,
    /// Until when it holds for sure: the newest end that Alertmanager took.
    held: Millis,
}

/// Everything that was ordered from here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Orders {
    next: u64,
    acks: Vec<Ack>,
    /// Orders under way that are no acknowledgements.
    under_way: Vec<(u64, SilenceOrder)>,
}

/// What came of an order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Done {
    pub(crate) order: SilenceOrder,
    /// It only made an acknowledgement last longer: no news.
    pub(crate) extended: bool,
}

impl Orders {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Takes the answer to an order; `None` for one that nobody waits for.
    ///
    /// `refused`: Alertmanager understood and said no; anything else that failed may be tried again.
    pub(crate) fn answered(&mut self, request: u64, id: Option<String>, refused: bool) -> Option<Done> {
        if let Some(i) = self.under_way.iter().position(|(r, _)| *r == request) {
            return Some(Done { order: self.under_way.remove(i).1, extended: false });
        }
        let ack = self.acks.iter_mut().find(|a| a.request == request)?;
        ack.asked = None;
        let extended = ack.order.id.is_some();
        let order = ack.order.clone();
        match id {
            Some(id) => (ack.order.id, ack.held) = (Some(id), order.ends),
            // No answer: what holds still holds, and the next tick asks again.
            None if extended && !refused => ack.order.ends = ack.held,
            // It was refused: no acknowledgement came to be, or it ends by itself.
            None => self.acks.retain(|a| a.request != request),
        }
        Some(Done { order, extended })
    }

    /// Extends what is about to end and still fires; forgets what is over. `goes_on`: an incident does.
    pub(crate) fn tick(&mut self, now: Millis, alerts: &[Alert], silences: &[&Silence], goes_on: bool) -> Vec<Effect> {
        let mut out = Vec::new();
        let mut next = self.next;
        self.acks.retain_mut(|ack| {
            if ack.asked.is_some_and(|at| now - at < PATIENCE) {
                return true;
            }
            // Somebody ended it, here or elsewhere: that is not ours to undo.
            let ended = |s: &&Silence| Some(&s.id) == ack.order.id.as_ref() && s.phase == Phase::Expired;
            if now >= ack.order.ends || silences.iter().any(ended) {
                return false;
            }
            let fires = matching(&ack.order.matchers, alerts).next().is_some();
            // Whoever has the incident has what it is about; when it is over, so is that.
            ack.for_incident |= goes_on;
            let most = match (ack.for_incident, goes_on) {
                (true, true) => Millis::MAX,
                (true, false) => ack.order.ends,
                (false, _) => ack.first + ACK_MOST,
            };
            if ack.order.ends - now <= EXTEND_AT && fires && ack.order.ends < most {
                next += 1;
                ack.order.ends = (now + ACK).min(most);
                (ack.request, ack.asked) = (next, Some(now));
                out.push(Effect::Silence(next, ack.order.clone()));
            }
            true
        });
        self.next = next;
        out
    }
}

/// Alerts of which these matchers hold; none of them hold of nothing.
pub fn holding<'a>(matchers: &[Matcher], alerts: &'a [Alert]) -> impl Iterator<Item = &'a Alert> + use<'a> {
    let ready: Result<Vec<Ready>, String> = matchers.iter().map(Matcher::ready).collect();
    let ready = ready.unwrap_or_default();
    alerts.iter().filter(move |a| {
        !ready.is_empty() && ready.iter().all(|m| m.holds(|label| a.labels.get(label).map(String::as_str)))
    })
}

/// Alerts that fire and that these matchers would silence.
pub fn matching<'a>(matchers: &[Matcher], alerts: &'a [Alert]) -> impl Iterator<Item = &'a Alert> + use<'a> {
    holding(matchers, alerts).filter(|a| a.standing != Standing::Pending)
}

/// The labels that all of these alerts share, as matchers.
#[must_use]
pub fn common(alerts: &[&Alert]) -> Vec<Matcher> {
    let Some((first, rest)) = alerts.split_first() else {
        return Vec::new();
    };
    let mut labels: Labels = first.labels.clone();
    labels.retain(|k, v| !v.is_empty() && rest.iter().all(|a| a.labels.get(k) == Some(v)));
    labels.iter().map(|(k, v)| Matcher::equal(k, v)).collect()
}

/// The order of a card that a person confirmed.
pub(crate) fn confirmed(state: &mut State, card: &Card) -> Effect {
    let now = state.now.wall;
    let request = state.orders.number();
    let comment = card.comment.text().trim();
    let lang = state.settings.lang;
    let by = state.settings.operator.clone();
    if let Some(silence) = &card.ends {
        state.orders.acks.retain(|a| a.order.id.as_ref() != Some(&silence.id));
        let order = SilenceOrder {
            id: Some(silence.id.clone()),
            over: true,
            matchers: silence.matchers.clone(),
            starts: silence.starts,
            ends: now,
            by,
            comment: silence.comment.clone(),
        };
        state.orders.under_way.push((request, order.clone()));
        return Effect::Silence(request, order);
    }
    let order = SilenceOrder {
        id: None,
        over: false,
        matchers: card.matchers.clone(),
        starts: now,
        ends: now + card.time,
        by,
        comment: if comment.is_empty() { lang.silence_default_comment() } else { comment.to_owned() },
    };
    if card.acknowledge {
        state.orders.acks.push(Ack {
            request,
            held: order.ends,
            order: order.clone(),
            first: now,
            asked: Some(now),
            for_incident: false,
        });
    } else {
        state.orders.under_way.push((request, order.clone()));
    }
    Effect::Silence(request, order)
}

/// Why nothing may be changed from here now.
fn hands_off(state: &State) -> Option<Notice> {
    match () {
        () if state.settings.read_only => Some(Notice::ReadOnly),
        () if state.ui.frozen.is_some() => Some(Notice::Frozen),
        () if state.settings.alertmanagers.is_empty() => Some(Notice::NoAlertmanager),
        () => None,
    }
}

/// The selected line of the alerts.
fn chosen_fold(state: &State) -> Option<&Fold> {
    let at = state.ui.selected[Pane::Alerts.index()];
    state.alerts.folds.get(*visible_alerts(state).get(at)?)
}

/// Opens the card of a silence: what the selected alerts share, or what the filter says.
pub(crate) fn ask(state: &mut State, acknowledge: bool) -> Reaction {
    if let Some(why) = hands_off(state) {
        return notice(state, why);
    }
    if state.ui.focus != Pane::Alerts {
        return focus(state, |_| Pane::Alerts);
    }
    let typed = filter_matchers(state);
    let Some(fold) = chosen_fold(state) else {
        return notice(state, Notice::NoAlert);
    };
    let members: Vec<&Alert> = fold.members.iter().filter_map(|i| state.alerts.all.get(*i)).collect();
    if !members.iter().any(|a| a.managed) {
        return notice(state, Notice::NotManaged);
    }
    let matchers = if acknowledge || typed.is_empty() { common(&members) } else { typed };
    if acknowledge && !matchers.iter().any(|m| m.label == "alertname") {
        // What is left would match far more than what was chosen.
        return notice(state, Notice::NoAlert);
    }
    let card = Card {
        matchers,
        time: ACK,
        comment: Prompt::with(&state.settings.lang.silence_default_comment()),
        typing: false,
        acknowledge,
        ends: None,
        others: VecDeque::new(),
    };
    show(state, Overlay::Silence(Box::new(card)))
}

/// Opens the card that ends the silence of the selected alert.
pub(crate) fn ask_end(state: &mut State) -> Reaction {
    if let Some(why) = hands_off(state) {
        return notice(state, why);
    }
    let ids: BTreeSet<&String> = chosen_fold(state)
        .iter()
        .flat_map(|f| f.members.iter().filter_map(|i| state.alerts.all.get(*i)))
        .flat_map(|a| &a.silenced_by)
        .collect();
    let mut found: VecDeque<Silence> = state
        .alerts
        .silences(state.now.wall)
        .into_iter()
        .filter(|s| ids.contains(&s.id) && s.phase == Phase::Active)
        .cloned()
        .collect();
    let Some(silence) = found.pop_front() else {
        return notice(state, Notice::NotSilenced);
    };
    let card = Card {
        matchers: silence.matchers.clone(),
        time: 0,
        comment: Prompt::with(&silence.comment),
        typing: false,
        acknowledge: false,
        ends: Some(silence),
        others: found,
    };
    show(state, Overlay::Silence(Box::new(card)))
}

/// A key on the card.
pub(crate) fn on_card(state: &mut State, mut card: Box<Card>, command: Command) -> Reaction {
    match command {
        Command::Confirm => {
            let effect = confirmed(state, &card);
            notice(state, Notice::Silencing);
            return Reaction::with(effect);
        }
        Command::Comment => card.typing = card.ends.is_none(),
        _ if card.ends.is_some() => card.turn(command == Command::Longer),
        _ => card.step(command == Command::Longer),
    }
    show(state, Overlay::Silence(card))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn firing(name: &str) -> Alert {
        Alert {
            labels: [("alertname".to_owned(), name.to_owned())].into(),
            summary: String::new(),
            description: String::new(),
            runbook: String::new(),
            standing: Standing::Suppressed,
            since: 0,
            value: None,
            managed: true,
            silenced_by: Vec::new(),
            inhibited_by: Vec::new(),
        }
    }

    fn acknowledged() -> Orders {
        let order = SilenceOrder {
            id: None,
            over: false,
            matchers: vec![Matcher::equal("alertname", "A")],
            starts: 0,
            ends: ACK,
            by: "ana".to_owned(),
            comment: "x".to_owned(),
        };
        let mut orders = Orders { next: 1, ..Orders::default() };
        orders.acks.push(Ack { request: 1, held: order.ends, order, first: 0, asked: Some(0), for_incident: false });
        assert_eq!(orders.answered(1, Some("id".to_owned()), false).map(|d| d.extended), Some(false));
        orders
    }

    /// Ticks once a second until `until`; tells the ends that were ordered.
    fn run(orders: &mut Orders, until: Millis, alerts: &[Alert], goes_on: bool) -> Vec<Millis> {
        let mut ends = Vec::new();
        for now in (0..until).step_by(1_000) {
            for effect in orders.tick(now, alerts, &[], goes_on) {
                let Effect::Silence(request, order) = effect else { continue };
                assert_eq!(order.id.as_deref(), Some("id"), "the same silence is made longer");
                ends.push(order.ends);
                orders.answered(request, Some("id".to_owned()), false);
            }
        }
        ends
    }

    #[test]
    fn an_acknowledgement_extends_while_its_alert_fires_two_hours_at_most() {
        let ends = run(&mut acknowledged(), 3 * HOUR, &[firing("A")], false);
        assert_eq!(ends.first(), Some(&(12 * MINUTE + ACK)));
        assert_eq!(ends.last(), Some(&ACK_MOST));
        assert!(run(&mut acknowledged(), 3 * HOUR, &[firing("B")], false).is_empty(), "what is over is let go");
    }

    #[test]
    fn while_an_incident_goes_on_it_lasts_and_ends_with_it() {
        let mut orders = acknowledged();
        let ends = run(&mut orders, 3 * HOUR, &[firing("A")], true);
        assert!(ends.last() > Some(&ACK_MOST));
        assert!(orders.tick(3 * HOUR + 14 * MINUTE, &[firing("A")], &[], false).is_empty(), "the incident is over");
    }

    #[test]
    fn an_order_that_fails_leaves_no_acknowledgement() {
        let mut orders = acknowledged();
        let effect = orders.tick(13 * MINUTE, &[firing("A")], &[], false).remove(0);
        let Effect::Silence(request, _) = effect else { panic!("{effect:?}") };
        assert!(orders.tick(13 * MINUTE + 1, &[firing("A")], &[], false).is_empty(), "one order at a time");
        assert_eq!(orders.answered(request, None, true).map(|d| d.extended), Some(true));
        assert_eq!(orders, Orders { next: request, ..Orders::default() });
    }

    #[test]
    fn what_was_not_answered_is_asked_again_and_what_a_person_ended_is_not() {
        let mut orders = acknowledged();
        let effect = orders.tick(13 * MINUTE, &[firing("A")], &[], false).remove(0);
        let Effect::Silence(request, _) = effect else { panic!("{effect:?}") };
        orders.answered(request, None, false);
        assert_eq!(orders.tick(13 * MINUTE + 1, &[firing("A")], &[], false).len(), 1, "asked again");
        let mut orders = acknowledged();
        let over = Silence {
            id: "id".to_owned(),
            matchers: Vec::new(),
            starts: 0,
            ends: MINUTE,
            by: String::new(),
            comment: String::new(),
            phase: Phase::Expired,
        };
        assert!(orders.tick(13 * MINUTE, &[firing("A")], &[&over], false).is_empty());
        assert!(orders.tick(14 * MINUTE, &[firing("A")], &[], false).is_empty(), "and it is forgotten");
    }

    #[test]
    fn a_fold_is_silenced_by_what_its_members_share() {
        let alert = |i: &str| {
            let mut a = firing("A");
            a.labels.insert("instance".to_owned(), i.to_owned());
            a
        };
        let (a, b) = (alert("web1"), alert("web2"));
        assert_eq!(common(&[&a, &b]), [Matcher::equal("alertname", "A")]);
        assert_eq!(common(&[&a]).len(), 2);
        assert_eq!(matching(&common(&[&a, &b]), &[a, b, firing("B")]).count(), 2);
        assert_eq!(matching(&[], &[firing("B")]).count(), 0, "nothing matches everything");
    }

    #[test]
    fn of_several_silences_any_can_be_ended() {
        let silence = |id: &str| Silence {
            id: id.to_owned(),
            matchers: vec![Matcher::equal("alertname", id)],
            starts: 0,
            ends: HOUR,
            by: "ana".to_owned(),
            comment: id.to_owned(),
            phase: Phase::Active,
        };
        let mut card = Card {
            matchers: silence("one").matchers,
            time: 0,
            comment: Prompt::with("one"),
            typing: false,
            acknowledge: false,
            ends: Some(silence("one")),
            others: [silence("two"), silence("three")].into(),
        };
        let mut seen = Vec::new();
        for on in [true, true, true, false] {
            card.turn(on);
            seen.push(card.ends.as_ref().unwrap().id.clone());
            assert_eq!(card.comment.text(), card.ends.as_ref().unwrap().comment);
            assert_eq!(card.matchers, card.ends.as_ref().unwrap().matchers);
        }
        assert_eq!(seen, ["two", "three", "one", "three"]);
    }
}
