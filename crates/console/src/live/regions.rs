//! What a live answer holds: the page's anchor, renewed, and the regions that are other than the page has
//! them.
//!
//! A region is an element of the page whose inside a small template makes; the page itself includes the
//! same template. The anchor carries a digest of each region, so the server remembers nothing of its
//! pages, and an answer says no more than what changed.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};

use minijinja::{Error, Value, context};

use super::After;
use crate::templates;

/// The regions of a live answer.
#[derive(Debug, Clone)]
pub(crate) struct Regions {
    url: &'static str,
    next: i64,
    known: String,
    /// What the anchor goes on to say, such as filters: `&name=value`, encoded.
    keeps: String,
    regions: Vec<Region>,
}

#[derive(Debug, Clone)]
enum Region {
    /// An element whose inside is replaced where it changed.
    Part(Part),
    /// An element of parts, each in an element of its own. Where the same parts are there in the same
    /// order, only those that changed are replaced.
    List { id: &'static str, parts: Vec<Part> },
    /// What is put somewhere without being compared: `how` is an HTMX swap, with its target.
    /// It goes out within a `<template>`, since rows may not stand by themselves.
    Put { tag: &'static str, how: String, part: Part },
}

#[derive(Debug, Clone)]
struct Part {
    id: String,
    template: &'static str,
    shows: Value,
}

impl Regions {
    /// Begins an answer of the live address of a page, whose next cursor is known.
    pub(crate) fn new(url: &'static str, after: &After, next: i64) -> Self {
        let known = after.has.clone().unwrap_or_default();
        Self { url, next, known, keeps: String::new(), regions: Vec::new() }
    }

    /// Has the page go on to say this.
    pub(crate) fn keep(mut self, name: &str, value: &str) -> Self {
        _ = write!(self.keeps, "&{name}=");
        self.keeps.extend(form_urlencoded::byte_serialize(value.as_bytes()));
        self
    }

    /// Adds an element whose inside this template makes.
    pub(crate) fn part(mut self, id: &str, template: &'static str, shows: Value) -> Self {
        self.regions.push(Region::Part(Part { id: id.to_owned(), template, shows }));
        self
    }

    /// Adds a list. Each of its items is a `<li>` with an id, the inside of which this template makes.
    pub(crate) fn list(
        mut self,
        id: &'static str,
        template: &'static str,
        items: impl IntoIterator<Item = (String, Value)>,
    ) -> Self {
        let parts = items.into_iter().map(|(id, shows)| Part { id, template, shows });
        self.regions.push(Region::List { id, parts: parts.collect() });
        self
    }

    /// Puts new rows before those that a table's body has.
    pub(crate) fn rows_before(self, id: &str, template: &'static str, shows: Value) -> Self {
        self.put(id, format!("afterbegin:#{id}"), template, shows)
    }

    /// Replaces the rows of a table's body.
    pub(crate) fn rows(self, id: &str, template: &'static str, shows: Value) -> Self {
        self.put(id, format!("innerHTML:#{id}"), template, shows)
    }

    /// Puts new items after those that a list has.
    pub(crate) fn items_after(mut self, id: &str, template: &'static str, shows: Value) -> Self {
        let part = Part { id: id.to_owned(), template, shows };
        let how = format!("beforeend:#{id}");
        self.regions.push(Region::Put { tag: "ol", how, part });
        self
    }

    /// Replaces the inside of an element, whatever it was.
    pub(crate) fn inside(mut self, id: &str, template: &'static str, shows: Value) -> Self {
        let part = Part { id: id.to_owned(), template, shows };
        let how = format!("innerHTML:#{id}");
        self.regions.push(Region::Put { tag: "div", how, part });
        self
    }

    fn put(mut self, id: &str, how: String, template: &'static str, shows: Value) -> Self {
        let part = Part { id: id.to_owned(), template, shows };
        self.regions.push(Region::Put { tag: "tbody", how, part });
        self
    }

    /// Returns the address at which a page that has none of this asks first.
    pub(crate) fn url(&self) -> String {
        format!("{}?after={}{}", self.url, self.next, self.keeps)
    }

    /// Makes the answer. `around` is what every template sees besides.
    pub(crate) fn render(&self, around: &Value) -> Result<String, Error> {
        let mut answer = Answer { known: &self.known, has: String::new(), html: String::new() };
        for region in &self.regions {
            answer.add(region, around)?;
        }
        let Answer { has, html, .. } = answer;
        let mut next = self.url();
        if !has.is_empty() {
            next += &format!("&has={has}");
        }
        let anchor = templates::render("live/frame", None, &context! { next, ..around.clone() })?;
        Ok(anchor + &html)
    }
}

/// An answer in the making.
struct Answer<'a> {
    known: &'a str,
    has: String,
    html: String,
}

impl Answer<'_> {
    fn add(&mut self, region: &Region, around: &Value) -> Result<(), Error> {
        match region {
            Region::Part(part) => {
                let inside = part.inside(around)?;
                if self.changed(&part.id, &inside) {
                    self.swap(&part.id, &inside);
                }
            }
            Region::List { id, parts } => self.add_list(id, parts, around)?,
            Region::Put { tag, how, part } => {
                let inside = part.inside(around)?;
                _ = writeln!(
                    self.html,
                    "<template><{tag} hx-swap-oob=\"{how}\">{inside}</{tag}></template>"
                );
            }
        }
        Ok(())
    }

    fn add_list(&mut self, id: &str, parts: &[Part], around: &Value) -> Result<(), Error> {
        let names: String = parts.iter().map(|part| format!("{} ", part.id)).collect();
        let is_other_list = self.changed(id, &names);
        let mut whole = String::new();
        for part in parts {
            let inside = part.inside(around)?;
            let changed = self.changed(&part.id, &inside);
            if is_other_list {
                _ = writeln!(whole, "<li id=\"{}\">{inside}</li>", part.id);
            } else if changed {
                self.swap(&part.id, &inside);
            }
        }
        if is_other_list {
            self.swap(id, &whole);
        }
        Ok(())
    }

    fn swap(&mut self, id: &str, inside: &str) {
        _ = writeln!(self.html, "<div id=\"{id}\" hx-swap-oob=\"innerHTML\">{inside}</div>");
    }

    /// Notes what a region is now, and returns whether that is other than the page has it.
    fn changed(&mut self, id: &str, inside: &str) -> bool {
        let entry = format!("{id}_{}", digest(inside));
        let changed = !self.known.split('.').any(|known| known == entry);
        if !self.has.is_empty() {
            self.has.push('.');
        }
        self.has += &entry;
        changed
    }
}

impl Part {
    fn inside(&self, around: &Value) -> Result<String, Error> {
        templates::render(self.template, None, &context! { ..self.shows.clone(), ..around.clone() })
    }
}

/// Returns a digest of HTML but for what its times say, since they only grow older, which the page sees
/// to by itself. It need not withstand anybody: who makes two alike has only not been shown the second.
fn digest(html: &str) -> String {
    let mut hasher = DefaultHasher::new();
    let mut rest = html;
    while let Some((before, time)) = rest.split_once("<time ") {
        before.hash(&mut hasher);
        let (tag, after) = time.split_once('>').unwrap_or((time, ""));
        tag.split("title=").next().hash(&mut hasher);
        rest = after.split_once("</time>").map_or("", |(_, rest)| rest);
    }
    rest.hash(&mut hasher);
    format!("{:012x}", hasher.finish() >> 16)
}

/// Returns the id of an element that stands for something with a name of any kind.
pub(crate) fn element_id(kind: &str, name: &str) -> String {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    format!("{kind}-{:010x}", hasher.finish() >> 24)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_the_same_while_only_its_times_grow_older() {
        let at = |text: &str| {
            format!("<b>1</b><time datetime=\"2026-01-01T00:00:00Z\" title=\"x\">{text}</time>!")
        };
        assert_eq!(digest(&at("2 s ago")), digest(&at("1 min ago")));
        assert_ne!(digest(&at("now")), digest(&at("now").replace("<b>1", "<b>2")));
        assert_ne!(digest(&at("now")), digest(&at("now").replace("00:00Z", "00:09Z")));
        assert_ne!(digest(&at("now")), digest(&at("now").replace('!', "?")));
    }

    #[test]
    fn an_answer_holds_what_the_page_does_not_have_yet() {
        let answer = |has: &str, numbers: &[(&str, u32)]| {
            let after = After { has: Some(has.to_owned()), ..After::default() };
            let items = numbers.iter().map(|(id, missed)| ((*id).to_owned(), context! { missed }));
            let regions = Regions::new("/live/x", &after, 7).keep("q", "a&b");
            let regions = regions.list("cards", "now/missed", items);
            regions.render(&context! { unread => 0 }).unwrap().replace("&#x2f;", "/")
        };
        let first = answer("", &[("a", 1), ("b", 2)]);
        assert!(first.contains("/live/x?after=7&amp;q=a%26b&amp;has=cards_"), "{first}");
        assert!(first.contains("<div id=\"cards\"") && first.contains(">1 more"), "{first}");
        let has = first.split("has=").nth(1).unwrap().split('"').next().unwrap();

        let same = answer(has, &[("a", 1), ("b", 2)]);
        assert!(!same.contains("cards\" hx-swap-oob") && !same.contains("more"), "{same}");
        let changed = answer(has, &[("a", 1), ("b", 3)]);
        assert!(changed.contains("<div id=\"b\" hx-swap-oob=\"innerHTML\">"), "{changed}");
        assert!(!changed.contains(">1 more") && !changed.contains("id=\"cards\""), "{changed}");
        let turned = answer(has, &[("b", 2), ("a", 1)]);
        assert!(turned.contains("<div id=\"cards\"") && turned.contains(">1 more"), "{turned}");
    }
}
