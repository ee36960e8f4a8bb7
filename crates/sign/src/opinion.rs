//! What an operator thinks of a resource, checked field by field.
//!
//! Every field is checked by itself, so that a form can show beside each what is wrong with it.
//! Words are kept in one Unicode form, since two that look alike must have one signature; the name
//! of a resource is somebody else's and is kept byte for byte.

use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization;

/// The longest `resource/kind`, in characters.
pub const KIND_CHARS_MAX: usize = 64;
/// The longest `resource/id`, in bytes.
pub const ID_BYTES_MAX: usize = 2_048;
/// The longest `opinion/text`, in characters.
pub const TEXT_CHARS_MAX: usize = 8_192;
/// The best `opinion/rating`. The worst is 1.
pub const RATING_MAX: u8 = 5;
/// The longest `opinion/lang`, in characters.
pub const LANG_CHARS_MAX: usize = 35;
/// The most `opinion/tags`.
pub const TAGS_MAX: usize = 16;
/// The longest of the `opinion/tags`, in characters.
pub const TAG_CHARS_MAX: usize = 64;

/// What somebody thinks of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opinion {
    /// What kind of thing it is about, such as `url` or `session`.
    pub resource_kind: String,
    /// Which one, byte for byte as it was given.
    pub resource_id: String,
    /// What they say.
    pub text: Option<String>,
    /// How good they find it, from 1 to 5.
    pub rating: Option<u8>,
    /// The language of the text, as BCP 47 has it.
    pub lang: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// The `record/id` of the opinion that this one takes the place of.
    pub supersedes: Option<String>,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFault {
    /// The field, by its name in a record.
    pub field: String,
    /// What is wrong, and what it must be.
    pub message: String,
}

/// The fields by which an opinion is asked for.
const FIELDS: [&str; 7] = [
    "resource/kind",
    "resource/id",
    "opinion/text",
    "opinion/rating",
    "opinion/lang",
    "opinion/tags",
    "record/supersedes",
];

impl Opinion {
    /// Reads what somebody filled in: an object with the fields of a record. Empty ones are absent,
    /// a rating may be text, and tags may be one text with commas between them.
    ///
    /// # Errors
    /// With everything that is wrong, in the order of the fields.
    pub fn from_form(form: &Value) -> Result<Self, Vec<FieldFault>> {
        let Value::Object(members) = form else {
            return Err(vec![fault(
                "",
                "an opinion is a JSON object with fields such as `resource/kind`",
            )]);
        };
        let mut reader = Reader { members, faults: Vec::new() };
        let opinion = Self {
            resource_kind: reader.text("resource/kind").unwrap_or_default(),
            resource_id: reader.text("resource/id").unwrap_or_default(),
            // Browsers send the end of a line as two characters, whatever was typed.
            text: reader.text("opinion/text").map(|text| text.replace("\r\n", "\n")),
            rating: reader.rating(),
            lang: reader.text("opinion/lang").map(|lang| lang.trim().to_owned()),
            tags: reader.tags().iter().map(|tag| tag.trim().to_owned()).collect(),
            supersedes: reader.text("record/supersedes"),
        }
        .normalised();
        let mut faults = reader.faults;
        for found in opinion.faults() {
            // What could not even be read has said so already.
            if !faults.iter().any(|fault| fault.field == found.field) {
                faults.push(found);
            }
        }
        for name in members.keys().filter(|name| !FIELDS.contains(&name.as_str())).take(20) {
            let name: String = name.chars().take(80).collect();
            faults.push(fault(&name, "there is no such field"));
        }
        let place = |field: &str| FIELDS.iter().position(|known| *known == field);
        faults.sort_by_key(|fault| place(&fault.field).unwrap_or(FIELDS.len()));
        if faults.is_empty() { Ok(opinion) } else { Err(faults) }
    }

    /// Returns the opinion with its words in Unicode's form C, and the resource's name as it is.
    pub(crate) fn normalised(self) -> Self {
        let form_c = |text: String| text.nfc().collect::<String>();
        Self {
            text: self.text.map(form_c),
            lang: self.lang.map(form_c),
            tags: self.tags.into_iter().map(form_c).collect(),
            ..self
        }
    }

    /// Returns everything that is wrong.
    pub(crate) fn faults(&self) -> Vec<FieldFault> {
        let mut faults = Vec::new();
        let mut check = |field: &str, wrong: bool, message: String| {
            if wrong {
                faults.push(fault(field, &message));
            }
        };
        check(
            "resource/kind",
            !is_kind(&self.resource_kind),
            format!(
                "must be a lower-case letter and then up to {} lower-case letters, digits and `-`",
                KIND_CHARS_MAX - 1
            ),
        );
        let id_bytes = self.resource_id.len();
        check(
            "resource/id",
            id_bytes == 0 || id_bytes > ID_BYTES_MAX,
            format!("must be 1 to {ID_BYTES_MAX} bytes, and is {id_bytes}"),
        );
        check(
            "opinion/text",
            self.text.is_none() && self.rating.is_none(),
            NOTHING_SAID.to_owned(),
        );
        if let Some(text) = &self.text {
            let chars = text.chars().count();
            check(
                "opinion/text",
                chars > TEXT_CHARS_MAX,
                format!("must be at most {TEXT_CHARS_MAX} characters, and is {chars}"),
            );
            check("opinion/text", text.trim().is_empty(), "must not be blank".to_owned());
            let steers = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
            check("opinion/text", text.chars().any(steers), NO_CONTROL.to_owned());
        }
        if let Some(rating) = self.rating {
            check("opinion/rating", !(1..=RATING_MAX).contains(&rating), rating_rule());
        }
        if let Some(lang) = &self.lang {
            check(
                "opinion/lang",
                !is_lang(lang),
                "must be a language such as `en` or `pt-BR`".into(),
            );
        }
        check(
            "opinion/tags",
            self.tags.len() > TAGS_MAX,
            format!("must be at most {TAGS_MAX} tags"),
        );
        if let Some(message) =
            self.tags.iter().enumerate().find_map(|(nth, tag)| tag_fault(tag, &self.tags[..nth]))
        {
            check("opinion/tags", true, message);
        }
        if let Some(id) = &self.supersedes {
            check("record/supersedes", !is_record_id(id), RECORD_ID_RULE.to_owned());
        }
        // One message for each field is enough to mend it.
        faults.dedup_by(|later, earlier| later.field == earlier.field);
        faults
    }
}

const NOTHING_SAID: &str = "say something here, or give a rating";
const NO_CONTROL: &str = "must not have control characters";
const RECORD_ID_RULE: &str = "must be the id of a record, `sha256:` and 43 characters";

fn rating_rule() -> String {
    format!("must be a whole number from 1 to {RATING_MAX}")
}

fn is_kind(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && text.len() <= KIND_CHARS_MAX
}

/// Returns whether a text has the shape of a language tag: names of 1 to 8 letters and digits, of
/// which the first has letters only.
fn is_lang(text: &str) -> bool {
    let mut names = text.split('-');
    let first = names.next().unwrap_or_default();
    text.len() <= LANG_CHARS_MAX
        && (1..=8).contains(&first.len())
        && first.bytes().all(|byte| byte.is_ascii_alphabetic())
        && names.all(|name| {
            (1..=8).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

fn tag_fault(tag: &str, earlier: &[String]) -> Option<String> {
    if tag.trim().is_empty() {
        return Some("a tag must not be blank".to_owned());
    }
    if tag.chars().count() > TAG_CHARS_MAX {
        return Some(format!("a tag must be at most {TAG_CHARS_MAX} characters"));
    }
    if tag.chars().any(char::is_control) {
        return Some(NO_CONTROL.to_owned());
    }
    earlier.iter().any(|known| known == tag).then(|| format!("{tag:?} is there twice"))
}

/// Returns whether a text has the shape of a record's id.
pub(crate) fn is_record_id(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|rest| crate::base64::decode::<32>(rest).is_some())
}

pub(crate) fn fault(field: &str, message: &str) -> FieldFault {
    FieldFault { field: field.to_owned(), message: message.to_owned() }
}

struct Reader<'a> {
    members: &'a Map<String, Value>,
    faults: Vec<FieldFault>,
}

impl Reader<'_> {
    fn text(&mut self, field: &str) -> Option<String> {
        match self.members.get(field) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()).filter(|text| !text.is_empty()),
            Some(_) => {
                self.faults.push(fault(field, "must be text"));
                None
            }
        }
    }

    fn rating(&mut self) -> Option<u8> {
        let field = "opinion/rating";
        let given = match self.members.get(field) {
            None | Some(Value::Null) => return None,
            Some(Value::String(text)) if text.trim().is_empty() => return None,
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(value) => whole(value),
        };
        if given.is_none() {
            self.faults.push(fault(field, &rating_rule()));
        }
        // A rating that cannot be read was given all the same: nobody is told to give one.
        Some(given.unwrap_or(1))
    }

    fn tags(&mut self) -> Vec<String> {
        let field = "opinion/tags";
        match self.members.get(field) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::String(text)) => {
                text.split(',').filter(|tag| !tag.trim().is_empty()).map(str::to_owned).collect()
            }
            Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
                items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            Some(_) => {
                self.faults.push(fault(field, "must be a list of texts"));
                Vec::new()
            }
        }
    }
}

/// Returns a small whole number, however it was written.
pub(crate) fn whole(value: &Value) -> Option<u8> {
    let number = value.as_f64().filter(|number| number.fract() == 0.0)?;
    // `as` is exact for the numbers of this range.
    (0.0..=255.0).contains(&number).then_some(number as u8)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_form_says_is_read_generously() {
        let opinion = Opinion::from_form(&json!({
            "resource/kind": "url", "resource/id": "https://example.org/e\u{301} ",
            "opinion/text": "e\u{301}\r\nnext", "opinion/rating": " 4 ", "opinion/lang": "pt-BR ",
            "opinion/tags": "one, two ,,", "record/supersedes": "",
        }));
        let expected = Opinion {
            resource_kind: "url".to_owned(),
            resource_id: "https://example.org/e\u{301} ".to_owned(),
            text: Some("\u{e9}\nnext".to_owned()),
            rating: Some(4),
            lang: Some("pt-BR".to_owned()),
            tags: vec!["one".to_owned(), "two".to_owned()],
            supersedes: None,
        };
        assert_eq!(opinion, Ok(expected));
        assert!(
            Opinion::from_form(&form(&[
                ("opinion/text", json!(null)),
                ("opinion/rating", json!(5.0))
            ]))
            .is_ok()
        );
        let longest = "é".repeat(TEXT_CHARS_MAX);
        assert!(Opinion::from_form(&form(&[("opinion/text", json!(longest))])).is_ok());
    }

    #[test]
    fn each_field_says_what_is_wrong_with_it() {
        for (field, value, expected) in [
            ("resource/kind", json!("URL"), "lower-case"),
            ("resource/kind", json!(""), "lower-case"),
            ("resource/kind", json!("a".repeat(65)), "63"),
            ("resource/kind", json!(7), "text"),
            ("resource/id", json!(null), "1 to 2048"),
            ("resource/id", json!("x".repeat(2_049)), "2049"),
            ("opinion/text", json!(""), "or give a rating"),
            ("opinion/text", json!(" \n"), "blank"),
            ("opinion/text", json!("x".repeat(8_193)), "8193"),
            ("opinion/text", json!("a\u{1b}[2J"), "control"),
            ("opinion/text", json!(["x"]), "text"),
            ("opinion/rating", json!(0), "1 to 5"),
            ("opinion/rating", json!(6), "1 to 5"),
            ("opinion/rating", json!(2.5), "1 to 5"),
            ("opinion/rating", json!("many"), "1 to 5"),
            ("opinion/rating", json!(-1), "1 to 5"),
            ("opinion/rating", json!(1e300), "1 to 5"),
            ("opinion/lang", json!("e n"), "language"),
            ("opinion/lang", json!("en-"), "language"),
            ("opinion/tags", json!(["a", 1]), "list"),
            ("opinion/tags", json!(["a", " "]), "blank"),
            ("opinion/tags", json!(["e\u{301}", "\u{e9}"]), "twice"),
            ("opinion/tags", json!(["x".repeat(65)]), "64"),
            ("opinion/tags", json!((0..17).map(|n| n.to_string()).collect::<Vec<_>>()), "16"),
            ("record/supersedes", json!("sha256:x"), "sha256"),
            ("opinion/mood", json!("good"), "no such field"),
        ] {
            let faults = Opinion::from_form(&form(&[(field, value.clone())])).unwrap_err();
            assert_eq!(faults.len(), 1, "{field} {value:.80}: {faults:?}");
            assert_eq!(faults[0].field, field);
            assert!(faults[0].message.contains(expected), "{field}: {}", faults[0].message);
        }
    }

    #[test]
    fn everything_wrong_is_said_at_once_in_the_order_of_the_form() {
        let faults =
            Opinion::from_form(&json!({ "x": 1, "opinion/rating": 9, "resource/kind": 1 }));
        let fields: Vec<_> = faults.unwrap_err().into_iter().map(|fault| fault.field).collect();
        assert_eq!(fields, ["resource/kind", "resource/id", "opinion/rating", "x"]);
        let fields = Opinion::from_form(&json!({})).unwrap_err();
        assert_eq!(fields.len(), 3);
        assert_eq!(Opinion::from_form(&json!([])).unwrap_err()[0].field, "");
    }

    fn form(changes: &[(&str, Value)]) -> Value {
        let mut form = json!({
            "resource/kind": "session", "resource/id": "s1", "opinion/text": "fine",
        });
        for (field, value) in changes {
            form[*field] = value.clone();
        }
        form
    }
}
