//! A record is what its author signed, to the last character, or it does not verify.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::PublicKey;

/// Records made by the key whose secret is 32 times the byte 7. They must stay as they are: other
/// people hold such records.
const GOLDEN: &str = include_str!("../../tests/golden/records.jsonl");

const AT: &str = "2026-01-02T03:04:05Z";

#[test]
fn the_golden_records_are_made_again_and_verify() {
    let lines: Vec<&str> = GOLDEN.lines().collect();
    let opinions = golden_opinions(lines.first().map(|line| id_of(line)).as_deref());
    assert_eq!(lines.len(), opinions.len());
    for (line, opinion) in lines.into_iter().zip(opinions) {
        let record = opinion.sign(&key(), AT);
        assert_eq!(record.text(), line, "the rule changed without its name");
        assert_eq!(Record::read(line.as_bytes()).unwrap().text(), record.text());
    }
}

#[test]
fn what_was_read_is_what_was_signed() {
    let record = golden_opinions(None).remove(0).sign(&key(), AT);
    let read = Record::read(record.text().as_bytes()).unwrap();
    assert_eq!(read.opinion(), record.opinion());
    assert_eq!((read.id(), read.author()), (record.id(), key().did()));
    assert_eq!(read.authored_at(), AT);
}

#[test]
fn each_reason_is_told_from_the_others() {
    let other = Key::from_secret(&[8; 32]);
    let set = |path: &'static [&'static str], value: Value| {
        move |record: &mut Value| {
            let last = path.iter().fold(record, |record, name| match name.parse::<usize>() {
                Ok(nth) => &mut record[nth],
                Err(_) => &mut record[*name],
            });
            *last = value.clone();
        }
    };
    let remove = |name: &'static str| {
        move |record: &mut Value| {
            record.as_object_mut().unwrap().remove(name);
        }
    };
    check("wrong-schema", set(&["schema"], json!("agora-record.v2")));
    check("wrong-schema", remove("schema"));
    check("wrong-schema", set(&["content/schema"], json!("plain-comment.v1")));
    check("wrong-schema", set(&["content", "schema"], json!("plain-comment.v1")));
    check("missing-field", remove("signature"));
    check("missing-field", remove("record/id"));
    check("missing-field", remove("record/about"));
    check("missing-field", remove("topic/key"));
    check("missing-field", remove("content"));
    check("unknown-field", set(&["extra"], json!(1)));
    check("unknown-field", set(&["content", "opinion/mood"], json!("good")));
    check("invalid-field", set(&["content", "opinion/rating"], json!(7)));
    check("invalid-field", set(&["content", "opinion/rating"], json!("4")));
    check("invalid-field", set(&["content", "opinion/text"], json!(null)));
    check("invalid-field", set(&["content", "opinion/tags"], json!("a")));
    check("invalid-field", set(&["record/about"], json!([])));
    check("invalid-field", set(&["record/about", "0", "resource/kind"], json!("URL")));
    check("invalid-field", set(&["record/id"], json!("sha256:0")));
    check("invalid-field", set(&["authored/at"], json!("yesterday")));
    check("invalid-field", set(&["authored/at"], json!("2026-13-02T03:04:05Z")));
    check("invalid-field", set(&["authored/at"], json!("2026-01-02T03:04:05+01:00")));
    check("not-canonical", set(&["content", "opinion/text"], json!("e\u{301}")));
    check("not-canonical", set(&["content", "opinion/tags"], json!(["e\u{301}"])));
    check("unknown-field", set(&["content", "opinion/tags"], json!([])));
    check("not-canonical", set(&["topic/key"], json!("opinions/other")));
    check("not-canonical", set(&["record/about", "0", "more"], json!("x")));
    check("key-malformed", set(&["author/participant-id"], json!("did:key:z6Mk")));
    check("key-malformed", set(&["signature", "key"], json!("did:web:example.org")));
    check("key-not-author", set(&["signature", "key"], json!(other.did())));
    check("key-not-author", set(&["author/participant-id"], json!(other.did())));
    check("id-mismatch", set(&["content", "opinion/text"], json!("terrible")));
    check("id-mismatch", set(&["content", "opinion/rating"], json!(1)));
    check("id-mismatch", set(&["authored/at"], json!("2026-01-02T03:04:06Z")));
    check("signature-malformed", set(&["signature", "alg"], json!("none")));
    check("signature-malformed", set(&["signature", "value"], json!("AAAA")));
    check("signature-malformed", set(&["signature", "more"], json!(1)));
    check("signature-malformed", set(&["signature"], json!("AAAA")));
    check("signature-mismatch", set(&["signature", "value"], json!("A".repeat(86))));
    for (text, code) in [
        ("", "not-json"),
        ("[]", "not-json"),
        ("{\"schema\":1,\"schema\":1}", "not-json"),
        (" ".repeat(RECORD_BYTES_MAX + 1).as_str(), "too-long"),
    ] {
        assert_eq!(Record::read(text.as_bytes()).unwrap_err().code(), code);
    }
}

#[test]
fn a_record_whose_id_was_made_to_fit_still_needs_its_author() {
    let mut forged = golden_opinions(None).remove(0).sign(&key(), AT).value().clone();
    forged["content"]["opinion/text"] = json!("terrible");
    let members = forged.as_object_mut().unwrap();
    let signature = members.remove("signature").unwrap();
    members.remove("record/id");
    let id = record_id(&forged);
    forged["record/id"] = json!(id);
    forged["signature"] = signature;
    let error = Record::read(forged.to_string().as_bytes()).unwrap_err();
    assert_eq!(error, Unverified::SignatureMismatch);
}

#[test]
fn a_signature_of_something_else_is_none_of_a_record() {
    let mut value = golden_opinions(None).remove(0).sign(&key(), AT).value().clone();
    value.as_object_mut().unwrap().remove("signature");
    let bare = key().sign(&canonical(&value));
    value["signature"] =
        json!({ "alg": "ed25519", "key": key().did(), "value": base64::encode(&bare) });
    let error = Record::read(value.to_string().as_bytes()).unwrap_err();
    assert_eq!(error, Unverified::SignatureMismatch, "the rule's name is part of what is signed");
}

#[test]
fn the_name_of_a_resource_is_kept_byte_for_byte() {
    for id in ["e\u{301}", "\u{e9}", " x ", "a\r\nb\0", "\u{212b}", "HTTPS://EXAMPLE.org/%7e"] {
        let form = json!({ "resource/kind": "url", "resource/id": id, "opinion/rating": 3 });
        let record = Opinion::from_form(&form).unwrap().sign(&key(), AT);
        let read = Record::read(record.text().as_bytes()).unwrap();
        assert_eq!(read.opinion().resource_id, id);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_opinion_that_is_taken_verifies(opinion in opinion()) {
        let record = opinion.clone().sign(&key(), AT);
        let read = Record::read(record.text().as_bytes());
        prop_assert_eq!(read.as_ref().map(Record::opinion), Ok(&opinion));
    }

    #[test]
    fn any_changed_byte_is_found(opinion in opinion(), place in any::<prop::sample::Index>(), byte: u8) {
        let text = opinion.sign(&key(), AT).text().into_bytes();
        let mut changed = text.clone();
        changed[place.index(text.len())] = byte;
        let read = Record::read(&changed);
        // Another way to write the same characters says the same.
        let same = serde_json::from_slice::<Value>(&changed).ok() == serde_json::from_slice(&text).ok();
        prop_assert_eq!(read.is_ok(), same, "{}", String::from_utf8_lossy(&changed));
    }

    #[test]
    fn order_and_white_space_change_nothing(opinion in opinion(), seed: u64) {
        let record = opinion.sign(&key(), AT);
        let shuffled = shuffled(record.value(), &mut { seed });
        let text = serde_json::to_string_pretty(&shuffled).unwrap();
        prop_assert_eq!(Record::read(text.as_bytes()).unwrap().text(), record.text());
    }

    #[test]
    fn nothing_that_is_read_can_make_it_stumble(text: Vec<u8>, value in crate::testing::value()) {
        prop_assert!(Record::read(&text).is_err());
        prop_assert!(Record::read(&canonical(&value)).is_err());
    }
}

#[test]
fn every_flipped_bit_of_a_golden_record_is_found() {
    for line in GOLDEN.lines() {
        for place in 0..line.len() {
            let mut changed = line.as_bytes().to_vec();
            changed[place] ^= 1;
            assert!(Record::read(&changed).is_err(), "{}", String::from_utf8_lossy(&changed));
        }
    }
}

fn check(code: &str, change: impl Fn(&mut Value)) {
    let mut value = golden_opinions(None).remove(0).sign(&key(), AT).value().clone();
    change(&mut value);
    let error = Record::read(value.to_string().as_bytes()).unwrap_err();
    assert_eq!(error.code(), code, "{error}");
}

fn golden_opinions(first_id: Option<&str>) -> Vec<Opinion> {
    let forms = [
        json!({ "resource/kind": "session", "resource/id": "s1", "opinion/text": "Careful work.",
            "opinion/rating": 4, "opinion/lang": "en", "opinion/tags": ["tests", "refactoring"] }),
        json!({ "resource/kind": "url", "resource/id": "https://example.org/e\u{301}?q=1",
            "opinion/text": "Zażółć \"gęślą\" jaźń\n😀 \\ \u{7f3a}" }),
        json!({ "resource/kind": "session", "resource/id": "s1", "opinion/rating": 5,
            "record/supersedes": first_id }),
    ];
    forms.iter().map(|form| Opinion::from_form(form).unwrap()).collect()
}

fn id_of(line: &str) -> String {
    let value: Value = serde_json::from_str(line).unwrap();
    value["record/id"].as_str().unwrap().to_owned()
}

fn opinion() -> impl Strategy<Value = Opinion> {
    let said = prop_oneof![
        ("[^\\p{C}]{0,40}[a-z\n\t😀é]", prop::option::of(1..=5_u8))
            .prop_map(|(text, rating)| (Some(text), rating)),
        (1..=5_u8).prop_map(|rating| (None, Some(rating))),
    ];
    let tags = prop::collection::btree_set("[a-zé日]{1,6}", 0..4);
    ("[a-z][a-z0-9-]{0,5}", "(?s).{1,20}", said, prop::option::of("[a-z]{2}(-[A-Z]{2})?"), tags)
        .prop_map(|(kind, id, (text, rating), lang, tags)| {
            let tags: Vec<String> = tags.into_iter().collect();
            let form = json!({ "resource/kind": kind, "resource/id": id, "opinion/text": text,
                "opinion/rating": rating, "opinion/lang": lang, "opinion/tags": tags });
            Opinion::from_form(&form)
        })
        .prop_filter_map("blank", Result::ok)
}

fn shuffled(value: &Value, seed: &mut u64) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members
                .iter()
                .map(|(name, member)| (name.clone(), shuffled(member, seed)))
                .collect();
            for nth in (1..members.len()).rev() {
                *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                members.swap(nth, (*seed >> 33) as usize % (nth + 1));
            }
            members.into_iter().collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

fn key() -> Key {
    let key = Key::from_secret(&[7; 32]);
    assert!(PublicKey::from_did(key.did()).is_ok());
    key
}
