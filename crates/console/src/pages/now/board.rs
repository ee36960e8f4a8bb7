//! What each agent does now: a card a session, those that wait for a person first.

use oriel_wire::{Board as Told, Card as Session};
use serde::Serialize;

use crate::app::App;
use crate::ask::AskError;
use crate::live::regions::element_id;

/// More cards than this are not shown; the list of sessions has the rest.
const CARDS_MAX: usize = 24;

/// A card shows so many of the last events beside what goes on now.
const RECENT_MAX: usize = 3;

/// The cards, in their order.
#[derive(Debug)]
pub(super) struct Board {
    pub(super) cards: Vec<Card>,
}

/// How one session stands, what it used, and what it did last.
#[derive(Debug, Serialize)]
pub(super) struct Card {
    /// The id of its element.
    pub(super) key: String,
    #[serde(flatten)]
    session: Session,
    /// How many of the agents that it started work still.
    helpers: usize,
}

impl Board {
    pub(super) async fn read(app: &App) -> Result<Self, AskError> {
        let told: Told = app.runtime.get(&format!("/api/board?limit={CARDS_MAX}")).await?;
        let mut cards: Vec<Card> = told.cards.into_iter().map(Card::of).collect();
        cards.sort_by(|one, other| one.rank().cmp(&other.rank()));
        Ok(Self { cards })
    }

    pub(super) fn waiting(&self) -> usize {
        self.cards.iter().filter(|card| card.session.state.waiting.is_some()).count()
    }

    /// Returns how many sessions have not ended; nothing where there may be more than are shown.
    pub(super) fn live(&self) -> Option<usize> {
        let live = self.cards.iter().filter(|card| card.session.state.phase != "ended").count();
        (live < CARDS_MAX).then_some(live)
    }
}

impl Card {
    fn of(mut session: Session) -> Self {
        session.recent.truncate(RECENT_MAX);
        Self {
            key: element_id("card", &session.state.session_id),
            helpers: session.state.subagents.iter().filter(|agent| agent.running).count(),
            session,
        }
    }

    /// Returns where it comes: those first that wait, the longest first, then those at work, then those
    /// that are idle, each in the order in which they began, so that cards keep their places while
    /// agents work. Ended ones come last, in the order in which they were told.
    fn rank(&self) -> (u8, &str, &str) {
        let id = &self.session.state.session_id;
        match (&self.session.state.waiting, self.session.state.phase.as_str()) {
            (Some(waiting), _) => (0, &waiting.since, id),
            (None, "active") => (1, &self.session.started_at, id),
            (None, "idle") => (2, &self.session.started_at, id),
            _ => (3, "", ""),
        }
    }
}
