//! One line of a history, with the fields that most lines have.

use std::borrow::Cow;

use jiff::Timestamp;
use oriel_model::Tokens;

use super::json::{Raw, trim};

/// Moments are before the year 10000.
const UNIX_MS_MAX: f64 = 253_402_300_800_000.0;

/// One line of a history. A field that is missing, or of another type, is none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    /// The whole line.
    pub(super) whole: Raw<'a>,
    pub(super) kind: Option<Raw<'a>>,
    pub(super) subtype: Option<Raw<'a>>,
    pub(super) uuid: Option<Raw<'a>>,
    pub(super) timestamp: Option<Raw<'a>>,
    pub(super) session: Option<Raw<'a>>,
    pub(super) cwd: Option<Raw<'a>>,
    pub(super) branch: Option<Raw<'a>>,
    pub(super) version: Option<Raw<'a>>,
    pub(super) entrypoint: Option<Raw<'a>>,
    pub(super) agent_id: Option<Raw<'a>>,
    pub(super) prompt_id: Option<Raw<'a>>,
    pub(super) request_id: Option<Raw<'a>>,
    pub(super) message: Option<Raw<'a>>,
    pub(super) tool_use_result: Option<Raw<'a>>,
    pub(super) attachment: Option<Raw<'a>>,
    pub(super) is_sidechain: bool,
    pub(super) is_meta: bool,
    pub(super) is_api_error: bool,
}

impl<'a> Line<'a> {
    /// Reads a line; what is no whole object is none.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let whole = Raw::unchecked(trim(text));
        let mut line = Self::empty(whole);
        let mut fields = whole.fields();
        for (name, value) in fields.by_ref() {
            line.take(name, value);
        }
        fields.is_whole().then_some(line)
    }

    const fn empty(whole: Raw<'a>) -> Self {
        Self {
            whole,
            kind: None,
            subtype: None,
            uuid: None,
            timestamp: None,
            session: None,
            cwd: None,
            branch: None,
            version: None,
            entrypoint: None,
            agent_id: None,
            prompt_id: None,
            request_id: None,
            message: None,
            tool_use_result: None,
            attachment: None,
            is_sidechain: false,
            is_meta: false,
            is_api_error: false,
        }
    }

    fn take(&mut self, name: &str, value: Raw<'a>) {
        let place = match name {
            "type" => &mut self.kind,
            "subtype" => &mut self.subtype,
            "uuid" => &mut self.uuid,
            "timestamp" => &mut self.timestamp,
            "sessionId" => &mut self.session,
            "cwd" => &mut self.cwd,
            "gitBranch" => &mut self.branch,
            "version" => &mut self.version,
            "entrypoint" => &mut self.entrypoint,
            "agentId" => &mut self.agent_id,
            "promptId" => &mut self.prompt_id,
            "requestId" => &mut self.request_id,
            "message" => &mut self.message,
            "toolUseResult" => &mut self.tool_use_result,
            "attachment" => &mut self.attachment,
            "isSidechain" => return self.is_sidechain = value.is_true(),
            "isMeta" => return self.is_meta = value.is_true(),
            "isApiErrorMessage" => return self.is_api_error = value.is_true(),
            _ => return,
        };
        *place = Some(value);
    }

    /// Returns the blocks of the message's content. A plain string is not one.
    pub(super) fn blocks(&self) -> impl Iterator<Item = Raw<'a>> + use<'a> {
        self.content().into_iter().flat_map(Raw::items).filter(|block| block.is_object())
    }

    /// Returns what the message says, or what old lines say without one.
    pub(super) fn content(&self) -> Option<Raw<'a>> {
        match self.message {
            Some(message) if message.is_object() => message.get("content"),
            Some(message) => Some(message),
            None => self.whole.get("content"),
        }
    }

    /// Returns a field of the line or, failing that, of its message.
    pub(super) fn either(&self, name: &str) -> Option<Raw<'a>> {
        self.whole.get(name).or_else(|| self.message?.get(name))
    }

    /// Returns whether the line is of this type.
    pub(super) fn kind_is(&self, kind: &str) -> bool {
        self.kind.and_then(Raw::string).is_some_and(|known| known == kind)
    }

    /// Returns when the line was written, in Unix milliseconds.
    pub(super) fn at_ms(&self) -> Option<i64> {
        unix_ms(self.timestamp?)
    }
}

/// Returns a moment in Unix milliseconds, written as a date or as a number.
pub(super) fn unix_ms(value: Raw<'_>) -> Option<i64> {
    if let Some(number) = value.number() {
        return (number > 0.0 && number < UNIX_MS_MAX).then_some(number as i64);
    }
    let text = value.string()?;
    text.trim().parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

/// Returns the name of a folder.
pub(super) fn base_name(path: &str) -> Option<&str> {
    path.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().filter(|name| !name.is_empty())
}

/// Returns a model's name without the mark of its large context window.
pub(super) fn model_name(name: &str) -> &str {
    name.trim().strip_suffix("[1m]").unwrap_or(name).trim()
}

/// Reads the usage of a request.
pub(super) fn tokens(usage: Raw<'_>) -> Tokens {
    let mut tokens = Tokens::default();
    let mut split = None;
    for (name, value) in usage.fields() {
        let count = || value.count().unwrap_or(0);
        match name {
            "input_tokens" => tokens.input = count(),
            "output_tokens" => tokens.output = count(),
            "cache_read_input_tokens" => tokens.cache_read = count(),
            "cache_creation_input_tokens" => tokens.cache_write = count(),
            "cache_creation" => {
                let part = |name: &str| value.get(name).and_then(Raw::count);
                let parts = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens");
                if let (Some(minutes), Some(hour)) = (part(parts.0), part(parts.1)) {
                    split = Some(minutes.saturating_add(hour));
                }
                tokens.cache_write_1h = part(parts.1).unwrap_or(0);
            }
            _ => {}
        }
    }
    // The parts have their own prices, so where both are told they are what was written.
    tokens.cache_write = split.unwrap_or(tokens.cache_write);
    tokens.cache_write_1h = tokens.cache_write_1h.min(tokens.cache_write);
    tokens
}

/// Returns the words of a message or of a tool's answer: a string, or the texts of its blocks.
pub(super) fn said(content: Raw<'_>) -> Cow<'_, str> {
    if let Some(text) = content.string() {
        return text;
    }
    let mut texts = content.items().filter_map(|block| match block.string() {
        Some(text) => Some(text),
        None => block.get("text")?.string(),
    });
    let Some(first) = texts.next() else { return Cow::Borrowed("") };
    texts.fold(first, |mut said, text| {
        let all = said.to_mut();
        all.push('\n');
        all.push_str(&text);
        said
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_wherever_its_fields_stand() {
        let text = "\u{feff}{\"message\":{\"type\":\"message\",\"content\":\"hi\"},\"isMeta\":true,\
                    \"timestamp\":\"2026-01-02T03:04:05+02:00\",\"type\":\"user\"}\r\n\0\0";
        let line = Line::read(text).unwrap();
        assert_eq!(line.kind.and_then(Raw::string).as_deref(), Some("user"));
        assert_eq!(line.at_ms(), Some(1_767_315_845_000));
        assert!(line.is_meta && !line.is_sidechain);
        assert_eq!(said(line.content().unwrap()), "hi");
    }

    #[test]
    fn a_line_that_is_no_object_is_none() {
        for text in ["", "[]", "7", r#"{"type":"user""#, "{} {}"] {
            assert!(Line::read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn usage_is_read_in_whatever_way_numbers_are_written() {
        let usage = r#"{"input_tokens":"11","output_tokens":7.0,"cache_read_input_tokens":-4,
            "cache_creation_input_tokens":340,"cache_creation":{"ephemeral_1h_input_tokens":40}}"#;
        let expected =
            Tokens { input: 11, output: 7, cache_read: 0, cache_write: 340, cache_write_1h: 40 };
        assert_eq!(tokens(Raw::document(usage).unwrap()), expected);
    }

    #[test]
    fn names_lose_what_is_not_part_of_them() {
        assert_eq!(model_name("claude-opus-4-8[1m]"), "claude-opus-4-8");
        assert_eq!(base_name("/home/dev/shop/"), Some("shop"));
        assert_eq!(base_name(r"C:\work\shop"), Some("shop"));
        assert_eq!(base_name("/"), None);
    }
}
