//! JSON with one form only, as RFC 8785 has it: what is signed must be the same bytes for everyone.
//!
//! Members are ordered by their names' UTF-16 units, numbers are doubles as JavaScript writes them,
//! and there is no white space. Strings are left as they are: whoever signs them normalises first.

use oriel_wire::json;
use serde_json::Value;

/// Returns the canonical form of a value.
///
/// Numbers that a double cannot hold are written as the nearest one, as in every reader that has
/// doubles only.
#[must_use]
pub fn canonical(value: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    append(&mut out, value);
    out
}

/// Depth is bounded by whoever made the value: readers of JSON text stop at 128 levels.
fn append(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(double) => json::append(out, &double),
            None => out.extend_from_slice(b"null"),
        },
        Value::Array(items) => {
            out.push(b'[');
            for (nth, item) in items.iter().enumerate() {
                if nth > 0 {
                    out.push(b',');
                }
                append(out, item);
            }
            out.push(b']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
            out.push(b'{');
            for (nth, (name, member)) in members.into_iter().enumerate() {
                if nth > 0 {
                    out.push(b',');
                }
                json::append(out, name.as_str());
                out.push(b':');
                append(out, member);
            }
            out.push(b'}');
        }
        Value::Null | Value::Bool(_) | Value::String(_) => json::append(out, value),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_example_of_the_standard_comes_out_byte_for_byte() {
        // The first number of the standard's example, 333333333.33333329, is in the table below.
        check(
            r#"{"numbers":[1E30,4.50,2e-3,0.000000000000000000000000001],
                "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
                "literals":[null,true,false]}"#,
            concat!(
                r#"{"literals":[null,true,false],"#,
                r#""numbers":[1e+30,4.5,0.002,1e-27],"#,
                r#""string":"€$\u000f\nA'B\"\\\\\"/"}"#
            ),
        );
    }

    #[test]
    fn members_are_in_the_order_of_their_utf_16_units() {
        check(
            r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",
                "1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control",
                "\u00f6":"Latin Small Letter O With Diaeresis"}"#,
            concat!(
                r#"{"\r":"Carriage Return","1":"One",""#,
                "\u{80}",
                r#"":"Control","ö":"Latin Small Letter O With Diaeresis","€":"Euro Sign","#,
                r#""😀":"Emoji: Grinning Face",""#,
                "\u{fb33}",
                r#"":"Hebrew Letter Dalet With Dagesh"}"#
            ),
        );
        check(
            r#"{"10":1,"9":2,"":3,"a":{"b":1,"A":2}}"#,
            r#"{"":3,"10":1,"9":2,"a":{"A":2,"b":1}}"#,
        );
    }

    #[test]
    fn numbers_are_those_of_the_standards_table() {
        for (bits, expected) in [
            (0x0000_0000_0000_0000_u64, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0xc340_0000_0000_0000, "-9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0x41b3_de43_5555_5554, "333333333.33333325"),
            (0x41b3_de43_5555_5555, "333333333.3333333"),
            (0x41b3_de43_5555_5556, "333333333.3333334"),
            (0x41b3_de43_5555_5557, "333333333.33333343"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            ("333333333.33333329".parse::<f64>().unwrap().to_bits(), "333333333.3333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ] {
            let written = canonical(&Value::from(f64::from_bits(bits)));
            assert_eq!(String::from_utf8(written).unwrap(), expected, "{bits:016x}");
        }
        check("9007199254740993", "9007199254740992");
        check("[1.0,10e-1,-0]", "[1,1,0]");
    }

    proptest! {
        #[test]
        fn the_canonical_form_is_its_own_canonical_form(value in crate::testing::value()) {
            let once = canonical(&value);
            let again: Value = serde_json::from_slice(&once).unwrap();
            prop_assert_eq!(canonical(&again), once);
        }
    }

    fn check(text: &str, expected: &str) {
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(String::from_utf8(canonical(&value)).unwrap(), expected);
    }
}
