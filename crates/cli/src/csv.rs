//! CSV as RFC 4180 has it, but for line ends, which are those of every other output.

/// Returns one line. What holds a comma, a quote or a line end is quoted.
pub(crate) fn line<T: AsRef<str>>(fields: impl IntoIterator<Item = T>) -> String {
    let mut line = String::new();
    for (nth, field) in fields.into_iter().enumerate() {
        if nth > 0 {
            line.push(',');
        }
        let field = field.as_ref();
        if field.contains([',', '"', '\n', '\r']) {
            line.push('"');
            line.push_str(&field.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(field);
        }
    }
    line.push('\n');
    line
}

/// Returns a number, or nothing where it is not known.
pub(crate) fn number<T: ToString>(number: Option<T>) -> String {
    number.map_or_else(String::new, |number| number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stay_fields() {
        assert_eq!(
            line(["a", "b,c", "say \"hi\"", "", "x\ny"]),
            "a,\"b,c\",\"say \"\"hi\"\"\",,\"x\ny\"\n"
        );
        assert_eq!((number(Some(1.5)), number::<u64>(None)), ("1.5".to_owned(), String::new()));
    }
}
