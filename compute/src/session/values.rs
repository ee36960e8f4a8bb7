//! Variables, as a person and a page see them.

use std::collections::HashMap;

use oriel_wire::compute::{
    Answer, CELLS_MAX, Cell, Code, OUTPUT_BYTES_MAX, PREVIEW_BYTES_MAX, VARIABLES_MAX, Variable,
    cell_of,
};
use runmat_builtins::{IntValue, Value};
use runmat_core::{approximate_size_bytes, matlab_class_name, value_shape};

use crate::reader::failed;

/// How many elements a preview begins with.
const PREVIEW_CELLS: usize = 8;

/// The variables in the order of their names, and how many there are beyond those.
pub(super) fn list(
    variables: &HashMap<String, Value>,
    is_kept: impl Fn(&str) -> bool,
) -> (Vec<Variable>, u64) {
    let mut names: Vec<&String> = variables.keys().collect();
    names.sort_unstable();
    let more = names.len().saturating_sub(VARIABLES_MAX) as u64;
    names.truncate(VARIABLES_MAX);
    let listed = names.into_iter().map(|name| variable(name, &variables[name], is_kept(name)));
    (listed.collect(), more)
}

/// A part of a variable.
pub(super) fn part(
    variables: &HashMap<String, Value>,
    name: &str,
    start: &[u64],
    shape: &[u64],
    is_kept: impl Fn(&str) -> bool,
) -> Answer {
    let mut words = name.split('.');
    let root = words.next().unwrap_or_default();
    let mut value = variables.get(root);
    for word in words {
        value = match value {
            Some(Value::Struct(fields)) => fields.fields.get(word),
            _ => None,
        };
    }
    let Some(value) = value else {
        return failed(Code::NotFound, format!("there is no variable `{name}`"));
    };
    let variable = variable(name, value, is_kept(root));
    let whole: Vec<usize> = variable.shape.iter().map(|many| size(*many)).collect();
    let (from, many, is_cut) = match within(&whole, start, shape) {
        Ok(part) => part,
        Err(why) => return failed(Code::NotFound, format!("{name}: {why}")),
    };
    let cells = indices(&whole, &from, &many).map(|index| cell(value, index)).collect();
    let fields = match value {
        Value::Struct(fields) => fields
            .fields
            .iter()
            .take(VARIABLES_MAX)
            .map(|(field, value)| self::variable(field, value, false))
            .collect(),
        _ => Vec::new(),
    };
    let numbers = |part: &[usize]| part.iter().map(|many| *many as u64).collect();
    Answer::Value(oriel_wire::compute::Value {
        variable,
        start: numbers(&from),
        shape: numbers(&many),
        cells,
        fields,
        is_cut,
    })
}

/// Returns the beginning of a text that is no longer than so many bytes.
pub(super) fn cut(text: &str, bytes: usize) -> &str {
    let mut at = bytes.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    &text[..at]
}

/// Returns a text in pieces that events can carry. An empty text is one empty piece.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let piece = cut(text, OUTPUT_BYTES_MAX);
        rest = Some(&text[piece.len()..]).filter(|rest| !rest.is_empty());
        Some(piece)
    })
}

fn variable(name: &str, value: &Value, is_kept: bool) -> Variable {
    let shape = shape_of(value);
    Variable {
        name: name.to_owned(),
        class: matlab_class_name(value),
        shape: shape.iter().map(|many| *many as u64).collect(),
        bytes: approximate_size_bytes(value),
        preview: preview(value, &shape),
        is_kept,
    }
}

fn shape_of(value: &Value) -> Vec<usize> {
    match value {
        // A string is one element, however long.
        Value::String(_) => vec![1, 1],
        _ => value_shape(value).unwrap_or_else(|| vec![1, 1]),
    }
}

/// The beginning of a value on one line.
fn preview(value: &Value, shape: &[usize]) -> String {
    let text = match value {
        Value::CharArray(chars) if chars.rows == 1 => {
            chars.data.iter().take(PREVIEW_BYTES_MAX).collect()
        }
        Value::Struct(fields) => {
            let names: Vec<&str> =
                fields.fields.keys().take(PREVIEW_CELLS).map(String::as_str).collect();
            format!("fields: {}", names.join(", "))
        }
        Value::Tensor(_)
        | Value::SparseTensor(_)
        | Value::ComplexTensor(_)
        | Value::LogicalArray(_)
        | Value::StringArray(_)
        | Value::CharArray(_)
        | Value::Cell(_) => {
            let total: usize = shape.iter().product();
            let begin = (0..total.min(PREVIEW_CELLS)).map(|index| match cell(value, index) {
                Cell::Truth(truth) => u8::from(truth).to_string(),
                Cell::Number(number) => number.to_string(),
                Cell::Text(text) => text,
            });
            let begin: Vec<String> = begin.collect();
            let more = if total > PREVIEW_CELLS { " …" } else { "" };
            begin.join(" ") + more
        }
        Value::GpuTensor(_) => String::new(),
        _ => value.to_string(),
    };
    let line = text.replace(['\n', '\r'], " ");
    cut(&line, PREVIEW_BYTES_MAX).to_owned()
}

/// One element of a value, column after column.
fn cell(value: &Value, index: usize) -> Cell {
    let nothing = || Cell::Text(String::new());
    match value {
        Value::Num(number) => cell_of(*number),
        Value::Int(number) => integer(number),
        Value::Bool(truth) => Cell::Truth(*truth),
        Value::Complex(re, im) => complex(*re, *im),
        Value::LogicalArray(array) => {
            array.data.get(index).map_or_else(nothing, |truth| Cell::Truth(*truth != 0))
        }
        Value::Tensor(array) => array.data.get(index).map_or_else(nothing, |it| cell_of(*it)),
        Value::SparseTensor(array) => {
            let rows = array.rows.max(1);
            cell_of(array.get(index % rows, index / rows).unwrap_or(0.0))
        }
        Value::ComplexTensor(array) => {
            array.data.get(index).map_or_else(nothing, |(re, im)| complex(*re, *im))
        }
        Value::String(text) => Cell::Text(short(text)),
        Value::StringArray(array) => {
            array.data.get(index).map_or_else(nothing, |text| Cell::Text(short(text)))
        }
        // Characters lie row after row.
        Value::CharArray(chars) => {
            let rows = chars.rows.max(1);
            let at = (index % rows) * chars.cols + index / rows;
            chars.data.get(at).map_or_else(nothing, |it| Cell::Text(it.to_string()))
        }
        Value::Cell(array) => array.data.get(index).map_or_else(nothing, |inner| {
            let shape = shape_of(inner);
            Cell::Text(preview(inner, &shape))
        }),
        other => Cell::Text(preview(other, &[1, 1])),
    }
}

fn integer(number: &IntValue) -> Cell {
    match number {
        IntValue::I64(number) if number.unsigned_abs() > 1 << 53 => Cell::Text(number.to_string()),
        IntValue::U64(number) if *number > 1 << 53 => Cell::Text(number.to_string()),
        _ => Cell::Number(number.to_f64()),
    }
}

fn complex(re: f64, im: f64) -> Cell {
    Cell::Text(format!("{re}{}{}i", if im < 0.0 { "-" } else { "+" }, im.abs()))
}

/// The longest text of one element.
fn short(text: &str) -> String {
    cut(text, 64 * PREVIEW_BYTES_MAX).to_owned()
}

fn size(many: u64) -> usize {
    usize::try_from(many).unwrap_or(usize::MAX)
}

/// Where a part begins and how much it has along each dimension, and whether that is less than was asked.
type Part = (Vec<usize>, Vec<usize>, bool);

fn within(whole: &[usize], start: &[u64], shape: &[u64]) -> Result<Part, &'static str> {
    if start.len() > whole.len() || shape.len() > whole.len() {
        return Err("it has not so many dimensions");
    }
    let mut from = Vec::with_capacity(whole.len());
    let mut many = Vec::with_capacity(whole.len());
    for (axis, length) in whole.iter().enumerate() {
        let begin = start.get(axis).map_or(0, |begin| size(*begin));
        let room = length.checked_sub(begin).ok_or("it ends before the part begins")?;
        from.push(begin);
        many.push(shape.get(axis).map_or(room, |asked| size(*asked).min(room)));
    }
    // Too much is cut along the last dimensions, so that what comes is whole columns.
    let mut room = CELLS_MAX;
    let mut is_cut = false;
    for length in &mut many {
        if *length > room {
            *length = room;
            is_cut = true;
        }
        room = room.checked_div(*length).map_or(room, |room| room.max(1));
    }
    Ok((from, many, is_cut))
}

/// The places of a part in the whole, column after column.
fn indices(whole: &[usize], from: &[usize], many: &[usize]) -> impl Iterator<Item = usize> {
    let total: usize = many.iter().product();
    (0..total).map(move |number| {
        let (mut rest, mut place, mut stride) = (number, 0, 1);
        for axis in 0..whole.len() {
            place += (from[axis] + rest % many[axis]) * stride;
            rest /= many[axis];
            stride *= whole[axis];
        }
        place
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_lies_within_the_whole_and_is_never_too_much() {
        let part = within(&[3, 4], &[1], &[1, 2]).unwrap();
        assert_eq!(part, (vec![1, 0], vec![1, 2], false));
        assert_eq!(indices(&[3, 4], &part.0, &part.1).collect::<Vec<_>>(), [1, 4]);
        assert_eq!(within(&[3, 4], &[], &[9, 9]).unwrap().1, [3, 4]);
        assert_eq!(within(&[3, 4], &[3], &[]).unwrap().1, [0, 4]);
        assert!(within(&[3], &[4], &[]).is_err() && within(&[3], &[0, 0], &[]).is_err());
        assert!(within(&[3], &[u64::MAX], &[u64::MAX]).is_err());
        let (_, many, is_cut) = within(&[1000, 1000], &[], &[]).unwrap();
        assert!(is_cut && many == [1000, 65]);
        let (_, many, is_cut) = within(&[1 << 20, 5], &[], &[]).unwrap();
        assert!(is_cut && many == [CELLS_MAX, 1]);
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("aä", 2), "a");
        assert_eq!(pieces("").collect::<Vec<_>>(), [""]);
        let long = "ä".repeat(OUTPUT_BYTES_MAX);
        let cut: Vec<&str> = pieces(&long).collect();
        assert!(cut.len() == 2 && cut.concat() == long);
    }

    #[test]
    fn numbers_that_a_page_cannot_hold_are_texts() {
        assert_eq!(integer(&IntValue::I64(-5)), Cell::Number(-5.0));
        assert_eq!(integer(&IntValue::U64(u64::MAX)), Cell::Text("18446744073709551615".into()));
        assert_eq!(complex(1.0, -2.0), Cell::Text("1-2i".into()));
    }
}
