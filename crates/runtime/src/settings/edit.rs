//! One key of a settings file, changed so that nothing else of the file is: comments, order and
//! layout are the user's.
//!
//! The document says where things stand and how a value is written; the change itself is made in the
//! text. There are several places for a new key, and each is tried: what is taken is the first text
//! that says exactly what it is to say.

use std::ops::Range;

use toml_edit::{Document, DocumentMut, Item, Table, Value};

type Says = toml::Table;

/// Returns the text with a key set or, without a value, taken out; nothing where no way was found to
/// do just that. The text must be TOML.
pub(super) fn edited(text: &str, key: &str, value: Option<&Value>) -> Option<String> {
    let before: Says = text.parse().ok()?;
    let path: Vec<&str> = key.split('.').collect();
    let mut wanted = before.clone();
    match value {
        Some(value) => put(&mut wanted, &path, as_toml(value)?)?,
        None => take(&mut wanted, &path),
    }
    if wanted == before && value.is_none() {
        return Some(text.to_owned());
    }
    let is_wanted = |candidate: &String| {
        let says: Option<Says> = candidate.parse().ok();
        says.is_some_and(|says| without_empty(says) == without_empty(wanted.clone()))
    };
    candidates(text, &path, value)?.into_iter().flatten().find(is_wanted)
}

/// Returns the texts that may be what is wanted, the best first.
fn candidates(text: &str, path: &[&str], value: Option<&Value>) -> Option<Vec<Option<String>>> {
    let document = Document::parse(text).ok()?;
    let root = document.as_table();
    let whole = || through_document(text, path, value);
    let Some(value) = value else {
        return Some(vec![without_line(text, root, path), whole()]);
    };
    if let Some(span) = value_span(root, path) {
        return Some(vec![Some(splice(text, span, &value.to_string())), whole()]);
    }
    let line = |path: &[&str]| format!("{} = {value}", path.join("."));
    let end = newline(text);
    let (last, group) = path.split_last()?;
    let section = match group {
        [] => None,
        _ => Some(format!("{}{end}[{}]{end}{last} = {value}{end}", ended(text), group.join("."))),
    };
    let has_sections = root.iter().any(|(_, item)| is_section(item));
    let at_end = (!has_sections).then(|| format!("{}{}{end}", ended(text), line(path)));
    let after_last = |table: &Table, path: &[&str]| {
        let at = line_end(text, values_end(table)?);
        let head = ended(&text[..at]);
        Some(format!("{head}{}{end}{}", line(path), &text[at..]))
    };
    // The deepest section that there is for it comes first.
    let in_groups = (1..=group.len()).rev().map(|depth| {
        let (outer, inner) = path.split_at(depth);
        let table = outer.iter().try_fold(root, |table, name| table.get(name)?.as_table())?;
        if table.is_dotted() { None } else { after_last(table, inner) }
    });
    let in_groups: Vec<_> = in_groups.collect();
    let first_of_all = format!("{}{end}{text}", line(path));
    let in_root = (!group.is_empty() || has_sections).then(|| after_last(root, path)).flatten();
    let others = [at_end, in_root, section, whole(), Some(first_of_all)];
    Some(in_groups.into_iter().chain(others).collect())
}

/// Returns where the value of a key stands, if it has one and stands in no inline table.
fn value_span(root: &Table, path: &[&str]) -> Option<Range<usize>> {
    let (last, group) = path.split_last()?;
    let table = group.iter().try_fold(root, |table, name| table.get(name)?.as_table())?;
    table.get(last)?.as_value()?.span()
}

/// Returns the text without the line, or the lines, of a key.
fn without_line(text: &str, root: &Table, path: &[&str]) -> Option<String> {
    let (last, group) = path.split_last()?;
    let table = group.iter().try_fold(root, |table, name| table.get(name)?.as_table())?;
    let (key, item) = table.get_key_value(last)?;
    let (key, value) = (key.span()?, item.as_value()?.span()?);
    let start = text[..key.start].rfind('\n').map_or(0, |at| at + 1);
    Some(splice(text, start..line_end(text, value.end), ""))
}

/// Changes the document as a whole, for what no line of its own can do, such as an inline table.
fn through_document(text: &str, path: &[&str], value: Option<&Value>) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    match value {
        Some(value) => insert(document.as_item_mut(), path, value)?,
        None => {
            let (last, group) = path.split_last()?;
            let mut item = document.as_item_mut();
            for name in group {
                item = item.as_table_like_mut()?.get_mut(name)?;
            }
            item.as_table_like_mut()?.remove(last);
        }
    }
    Some(document.to_string())
}

fn insert(item: &mut Item, path: &[&str], value: &Value) -> Option<()> {
    let (first, rest) = path.split_first()?;
    let is_inline = item.is_inline_table();
    let table = item.as_table_like_mut()?;
    if rest.is_empty() {
        table.insert(first, Item::Value(value.clone()));
        return Some(());
    }
    if !table.contains_key(first) {
        table.insert(first, dotted(is_inline));
    }
    insert(table.get_mut(first)?, rest, value)
}

fn dotted(is_inline: bool) -> Item {
    if is_inline {
        let mut table = toml_edit::InlineTable::new();
        table.set_dotted(true);
        return Item::Value(Value::InlineTable(table));
    }
    let mut table = Table::new();
    table.set_dotted(true);
    Item::Table(table)
}

/// Returns where the last value that stands directly below a table's head ends.
fn values_end(table: &Table) -> Option<usize> {
    let ends = table.iter().filter_map(|(_, item)| match item {
        Item::Value(value) => value.span().map(|span| span.end),
        Item::Table(inner) if inner.is_dotted() => values_end(inner),
        _ => None,
    });
    ends.max()
}

fn is_section(item: &Item) -> bool {
    match item {
        Item::Table(table) if table.is_dotted() => table.iter().any(|(_, item)| is_section(item)),
        Item::Table(_) | Item::ArrayOfTables(_) => true,
        _ => false,
    }
}

/// Returns the place behind the end of the line that a place is in.
fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |end| at + end + 1)
}

/// Returns a text whose last line is ended.
fn ended(text: &str) -> String {
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { newline(text) };
    format!("{text}{end}")
}

fn newline(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

fn splice(text: &str, range: Range<usize>, middle: &str) -> String {
    format!("{}{middle}{}", &text[..range.start], &text[range.end..])
}

fn as_toml(value: &Value) -> Option<toml::Value> {
    let table: Says = format!("value = {value}").parse().ok()?;
    table.get("value").cloned()
}

fn put(table: &mut Says, path: &[&str], value: toml::Value) -> Option<()> {
    let (first, rest) = path.split_first()?;
    if rest.is_empty() {
        table.insert((*first).to_owned(), value);
        return Some(());
    }
    let inner = table.entry(*first).or_insert_with(|| toml::Value::Table(Says::new()));
    put(inner.as_table_mut()?, rest, value)
}

fn take(table: &mut Says, path: &[&str]) {
    match path {
        [] => {}
        [last] => drop(table.remove(*last)),
        [first, rest @ ..] => {
            if let Some(inner) = table.get_mut(*first).and_then(toml::Value::as_table_mut) {
                take(inner, rest);
            }
        }
    }
}

/// Returns what is said without tables in which nothing is: those say nothing.
fn without_empty(table: Says) -> Says {
    let kept = table.into_iter().filter_map(|(name, value)| match value {
        toml::Value::Table(inner) => {
            let inner = without_empty(inner);
            (!inner.is_empty()).then_some((name, toml::Value::Table(inner)))
        }
        value => Some((name, value)),
    });
    kept.collect()
}

#[cfg(test)]
mod tests;
