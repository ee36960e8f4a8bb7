//! A notice tells a person of something that may need them, and how it reaches them is a rule.
//!
//! Whether it interrupts, waits in the inbox, comes later or not at all is a function of the notice,
//! what the person chose and the time. Nothing here reads a clock.

use std::collections::{BTreeMap, BTreeSet};

/// So many characters of a title are kept.
pub const TITLE_CHARACTERS_MAX: usize = 240;

/// So many characters of a body are kept.
pub const BODY_CHARACTERS_MAX: usize = 4096;

/// So many bytes of every other text are kept.
const WORD_BYTES_MAX: usize = 200;

/// Actions that are longer, or no JSON list, are left out.
const ACTIONS_BYTES_MAX: usize = 8192;

/// So many minutes are in a day.
const DAY_MINUTES: i64 = 1440;

/// The name of a notice. Every later notice has a greater number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NoticeId(pub i64);

/// How much a notice matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Priority {
    /// Good to know.
    Low,
    /// Worth a look soon.
    #[default]
    Medium,
    /// Somebody or something waits.
    High,
}

impl Priority {
    /// Every priority, the lowest first.
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    /// Returns the word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// Returns the priority that a word stands for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.as_str() == word)
    }
}

/// What a notice is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subject {
    /// What kind of thing, such as `session`.
    pub kind: String,
    /// Which one.
    pub id: String,
}

/// A notice that is to be posted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewNotice {
    /// Which rule or module posts it.
    pub source: String,
    /// What its source knows it by: a second one of this name is the same one. A blank one is like
    /// no other.
    pub idempotency_key: String,
    /// What it is the latest word on: it takes the place of the one before that nobody handled.
    pub collapse: Option<String>,
    /// What kind of thing it tells of, such as `agent_waits`.
    pub kind: String,
    /// Whom it is for.
    pub recipient: String,
    /// How much it matters.
    pub priority: Priority,
    /// Why it was posted, as a word that programs can tell apart.
    pub reason: String,
    /// One line.
    pub title: String,
    /// The rest.
    pub body: String,
    /// What it is about.
    pub subject: Option<Subject>,
    /// What can be done about it, as a JSON list; what its entries mean is agreed between its source
    /// and whoever shows it.
    pub actions: String,
    /// From when on it is of no use, in Unix seconds.
    pub expires_at: Option<i64>,
}

impl NewNotice {
    /// Cuts what is too long, so that it can be kept.
    #[must_use]
    pub fn fitted(mut self) -> Self {
        for (text, most) in
            [(&mut self.title, TITLE_CHARACTERS_MAX), (&mut self.body, BODY_CHARACTERS_MAX)]
        {
            if let Some((end, _)) = text.char_indices().nth(most) {
                text.truncate(end);
            }
        }
        let words = [
            &mut self.source,
            &mut self.idempotency_key,
            &mut self.kind,
            &mut self.recipient,
            &mut self.reason,
        ];
        let subject = self.subject.iter_mut().flat_map(|s| [&mut s.kind, &mut s.id]);
        for word in words.into_iter().chain(&mut self.collapse).chain(subject) {
            word.truncate(word.floor_char_boundary(WORD_BYTES_MAX));
        }
        let is_list = self.actions.len() <= ACTIONS_BYTES_MAX
            && serde_json::from_str::<Vec<serde::de::IgnoredAny>>(&self.actions).is_ok();
        if !is_list {
            self.actions = "[]".to_owned();
        }
        self
    }
}

/// A notice on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its name.
    pub id: NoticeId,
    /// How often it has changed, from 1 on.
    pub version: u32,
    /// What was posted.
    pub posted: NewNotice,
    /// When it was posted, in Unix seconds like every moment here.
    pub created_at: i64,
    /// Until when somebody put it off.
    pub snoozed_until: Option<i64>,
    /// When somebody first looked at it.
    pub opened_at: Option<i64>,
    /// When it was done with.
    pub handled_at: Option<i64>,
}

impl Notice {
    /// Returns whether it is of no use any more.
    #[must_use]
    pub fn is_expired(&self, now: i64) -> bool {
        self.posted.expires_at.is_some_and(|expires| expires <= now)
    }
}

/// What a person chose about notices.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// When nothing interrupts.
    pub quiet: Option<QuietHours>,
    /// Whether notices of high priority interrupt in quiet hours too.
    pub high_breaks_quiet: bool,
    /// The least priority that interrupts.
    pub threshold: Priority,
    /// The kinds that are not shown at all.
    pub muted: BTreeSet<String>,
    /// What is done with notices of a kind, whatever their priority.
    pub rules: BTreeMap<String, Rule>,
}

/// What is done with the notices of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// They interrupt, except in quiet hours.
    Interrupt,
    /// They wait in the inbox.
    Inbox,
    /// They are not shown.
    Suppress,
}

/// Hours of the local day, from one minute until before another. They may go past midnight, and
/// where both are the same there are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    /// The first minute of the day that is quiet.
    pub from_minute: u16,
    /// The first that is not.
    pub until_minute: u16,
}

impl QuietHours {
    /// Returns for how many minutes it stays quiet from a minute of the day on, or nothing where it
    /// is not quiet then.
    #[must_use]
    pub fn minutes_left(self, minute: u16) -> Option<i64> {
        let after =
            |minute: u16| (i64::from(minute) - i64::from(self.from_minute)).rem_euclid(DAY_MINUTES);
        let (length, passed) = (after(self.until_minute), after(minute));
        (passed < length).then(|| length - passed)
    }
}

/// A moment, and where it is in the day of the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The moment, in Unix seconds.
    pub at: i64,
    /// The minute of the local day, from 0 to 1439.
    pub minute_of_day: u16,
}

/// How a notice reaches the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// At once, over whatever they do.
    Interrupt,
    /// Where they look for notices.
    Inbox,
    /// To be decided again at this moment.
    Defer {
        /// The moment, in Unix seconds.
        until: i64,
    },
    /// Not at all.
    Suppress,
}

/// Why a notice is delivered as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// It matters enough.
    Matters,
    /// It matters too little to interrupt.
    BelowThreshold,
    /// The rule of its kind says so.
    KindRule,
    /// Its kind is muted.
    Muted,
    /// These are quiet hours.
    QuietHours,
    /// Somebody put it off.
    Snoozed,
    /// It is of no use any more.
    Expired,
    /// It was seen already.
    Opened,
    /// It was done with already.
    Handled,
    /// The person is looking at what it is about.
    Visible,
}

impl Why {
    /// Returns the word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Matters => "matters",
            Self::BelowThreshold => "below_threshold",
            Self::KindRule => "kind_rule",
            Self::Muted => "muted",
            Self::QuietHours => "quiet_hours",
            Self::Snoozed => "snoozed",
            Self::Expired => "expired",
            Self::Opened => "opened",
            Self::Handled => "handled",
            Self::Visible => "visible",
        }
    }
}

/// Decides how a notice reaches its person, and says why. `visible` says whether they are looking at
/// what it is about.
#[must_use]
pub fn deliver(notice: &Notice, policy: &Policy, now: Now, visible: bool) -> (Delivery, Why) {
    let (posted, rule) = (&notice.posted, policy.rules.get(&notice.posted.kind));
    if notice.handled_at.is_some() {
        return (Delivery::Suppress, Why::Handled);
    }
    if notice.is_expired(now.at) {
        return (Delivery::Suppress, Why::Expired);
    }
    if policy.muted.contains(&posted.kind) {
        return (Delivery::Suppress, Why::Muted);
    }
    if rule == Some(&Rule::Suppress) {
        return (Delivery::Suppress, Why::KindRule);
    }
    if let Some(until) = notice.snoozed_until.filter(|until| *until > now.at) {
        return (Delivery::Defer { until }, Why::Snoozed);
    }
    if notice.opened_at.is_some() && notice.snoozed_until.is_none() {
        return (Delivery::Inbox, Why::Opened);
    }
    if visible {
        return (Delivery::Inbox, Why::Visible);
    }
    match rule {
        Some(Rule::Inbox) => return (Delivery::Inbox, Why::KindRule),
        None if posted.priority < policy.threshold => {
            return (Delivery::Inbox, Why::BelowThreshold);
        }
        _ => {}
    }
    let breaks_quiet = policy.high_breaks_quiet && posted.priority == Priority::High;
    let quiet = policy.quiet.and_then(|quiet| quiet.minutes_left(now.minute_of_day));
    if let (false, Some(minutes)) = (breaks_quiet, quiet) {
        // Quiet hours end with a minute, and now is somewhere within one.
        let until = (now.at - now.at.rem_euclid(60)).saturating_add(minutes * 60);
        // What is of no use by then is at least to be found.
        return match posted.expires_at.is_some_and(|expires| expires <= until) {
            true => (Delivery::Inbox, Why::QuietHours),
            false => (Delivery::Defer { until }, Why::QuietHours),
        };
    }
    (Delivery::Interrupt, if rule.is_some() { Why::KindRule } else { Why::Matters })
}

#[cfg(test)]
mod tests;
