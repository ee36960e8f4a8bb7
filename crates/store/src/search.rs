//! Finding the words that were said again.
//!
//! What people asked, agents answered and tools read and wrote is kept beside the events and can
//! be searched at once, newest first. A page costs the same whether a word stands in one text or in
//! every one: texts are gone through from the newest on until the page is full.

use oriel_model::{Role, SessionId, StoredEvent};

use crate::maintain::MaintainError;
use crate::readers::ReadError;
use crate::store::Store;

mod ask;
mod check;
mod find;
mod index;
mod matching;
mod pack;
mod retain;
mod sieve;
mod snippet;
mod sought;
mod trail;
mod words;

pub(crate) use check::check;
pub(crate) use find::find;
pub(crate) use index::{TABLES, forget_texts_of_event, keep, texts_of_event};
pub(crate) use pack::{Packed, take_texts};
pub use snippet::Fragment;
pub use sought::Sought;
pub(crate) use sought::texts_have;
pub(crate) use trail::Trail;

/// What is searched for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchQuery {
    /// What someone typed: `words`, `"a phrase"`, `begin*`, `-without`, `one OR other`. All of it
    /// has to be there, whatever the case and the accents. Nothing that can be typed is wrong. With
    /// nothing at all, every text will do; with signs and no word, none will.
    pub words: String,
    /// Whose texts are asked for.
    pub filter: SearchFilter,
    /// How many hits a page has, from 1 to 200.
    pub limit: usize,
    /// Where the page before ended.
    pub cursor: Option<SearchCursor>,
}

/// Which texts are asked for. What is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchFilter {
    /// Of events of this agent type.
    pub agent_type: Option<String>,
    /// Of events in this session.
    pub session: Option<String>,
    /// Of events in this project.
    pub project: Option<String>,
    /// Of events on this branch.
    pub branch: Option<String>,
    /// Of events by this model.
    pub model: Option<String>,
    /// Of events by this tool.
    pub tool: Option<String>,
    /// In these words: a person's, an agent's, to a tool or from one.
    pub role: Option<Role>,
    /// Of events that happened at this moment or later, in Unix seconds: by their sender's clock,
    /// else when they were received.
    pub since: Option<i64>,
    /// Of events that happened at this moment or earlier.
    pub until: Option<i64>,
}

/// Where a page of hits ended. It stays right while events arrive, for they come before the first
/// page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SearchCursor(pub i64);

/// A page of hits.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// The hits, the newest event first.
    pub hits: Vec<Hit>,
    /// Where to go on. A page can be short, or even empty, and still have a next one: where little
    /// passes the filter, a page ends after so much work.
    pub next: Option<SearchCursor>,
    /// How many hits are known of, from this page on: those on it, and one more if there is one.
    pub total_is_at_least: u64,
}

/// A text that has what was searched for.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The event that it belongs to.
    pub event: StoredEvent,
    /// Whose words it is.
    pub role: Role,
    /// A line of it, around what was found.
    pub snippet: Vec<Fragment>,
}

impl Store {
    /// Searches every text of an answered event.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn search(&self, query: SearchQuery) -> Result<Found, ReadError> {
        self.readers().ask(move |connection| find(connection, &query)).await
    }

    /// Forgets the texts of events that happened before this moment, in Unix seconds. The events
    /// stay. Returns how many texts there were.
    ///
    /// # Errors
    /// Where the store cannot be read or written; what was forgotten until then stays forgotten.
    pub async fn forget_texts(&self, before: i64) -> Result<u64, MaintainError> {
        retain::forget(self, retain::Which::Before(before)).await
    }

    /// Forgets the texts of a session. Its events stay. Returns how many texts there were.
    ///
    /// # Errors
    /// As [`Self::forget_texts`].
    pub async fn forget_texts_of(&self, session: SessionId) -> Result<u64, MaintainError> {
        retain::forget(self, retain::Which::Of(session)).await
    }
}
