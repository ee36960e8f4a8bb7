//! Going through a script as a shell would, without doing anything: variables are remembered, the
//! working folder follows `cd`, and each simple command is shown to [`commands`].

use super::Danger;
use super::commands;
use super::expand::{self, FORMS_MAX, Glyph, Kind, VALUE_CHARS_MAX, Variables};
use super::parse::{self, Document, Parsed};
use super::place::{Place, UNKNOWN};
use super::script::{Command, Item, Piece, Redirect, Script, Word};

/// Scripts within scripts (`sh -c`, `eval`, backticks) that are followed.
const DEPTH_MAX: usize = 24;

/// The characters that are read and written out beyond what a script of its length needs, however
/// it multiplies itself.
const WORK_CHARS_MAX: usize = 2 * 1024 * 1024;

/// What a word costs beside its characters.
const WORD_CHARS: usize = 16;

/// A shell that only looks.
pub(super) struct Shell<'a> {
    pub(super) home: &'a str,
    /// The folder where the command begins, if that is known.
    pub(super) start: Option<&'a str>,
    pub(super) variables: Variables,
    pub(super) folder: Place,
    pub(super) danger: Option<Danger>,
    depth: usize,
    work: usize,
}

/// What a command reads or writes, as far as that is known.
#[derive(Debug, Clone, Default)]
pub(super) enum Stream {
    /// Nobody knows.
    #[default]
    Unknown,
    /// This text.
    Text(String),
    /// Everything below these folders.
    Below(Vec<String>),
}

/// A simple command as it would be run.
pub(super) struct Call {
    pub(super) words: Vec<String>,
    pub(super) input: Stream,
}

impl<'a> Shell<'a> {
    pub(super) fn new(home: &'a str, start: Option<&'a str>, length: usize) -> Self {
        let variables = [("HOME", home), ("IFS", " ")];
        let variables = variables.map(|(name, value)| (name.to_owned(), vec![value.to_owned()]));
        Self {
            home,
            start,
            variables: variables.into_iter().filter(|(_, value)| !value[0].is_empty()).collect(),
            folder: Place::here(),
            danger: None,
            depth: 0,
            work: WORK_CHARS_MAX + 2 * WORD_CHARS * length,
        }
    }

    /// Goes through the text of a script, and returns what it would print if that is plain.
    pub(super) fn run(&mut self, text: &str) -> Stream {
        if !self.may_go_on(text.len()) {
            return Stream::Unknown;
        }
        self.depth += 1;
        let parsed = parse::script(text);
        if parsed.too_deep {
            self.block(TOO_DEEP.to_owned());
        }
        let printed = self.script(&parsed.script, &parsed.documents);
        self.depth -= 1;
        printed
    }

    /// Remembers the first danger.
    pub(super) fn block(&mut self, reason: String) {
        self.danger.get_or_insert(Danger { reason });
    }

    /// Judges a command that another one runs.
    pub(super) fn nested(&mut self, words: Vec<String>) {
        if self.may_go_on(WORD_CHARS * words.len()) {
            self.depth += 1;
            commands::judge(self, Call { words, input: Stream::Unknown });
            self.depth -= 1;
        }
    }

    fn may_go_on(&mut self, chars: usize) -> bool {
        if DEPTH_MAX <= self.depth || self.work < chars {
            self.block(TOO_DEEP.to_owned());
        }
        self.work = self.work.saturating_sub(chars);
        self.danger.is_none()
    }

    fn script(&mut self, script: &Script, documents: &[Document]) -> Stream {
        let mut folders = Vec::new();
        let mut functions: Vec<&str> = Vec::new();
        let mut printed = Stream::Unknown;
        for item in &script.items {
            if self.danger.is_some() {
                break;
            }
            match item {
                Item::Open => folders.push(self.folder.clone()),
                Item::Close => {
                    if let Some(folder) = folders.pop() {
                        self.folder = folder;
                    }
                }
                Item::For { name, words } => {
                    let values = words.iter().flat_map(|word| self.expand(word, documents));
                    let values = values.take(FORMS_MAX).collect();
                    self.set(name, values);
                }
                Item::FunctionStart(name) => functions.push(name),
                Item::FunctionEnd => drop(functions.pop()),
                Item::Command(command) => {
                    let input = if command.piped { printed } else { Stream::Unknown };
                    printed = self.command(command, input, documents, &functions);
                }
            }
        }
        if script.items.len() == 1 { printed } else { Stream::Unknown }
    }

    fn command(
        &mut self,
        command: &Command,
        mut input: Stream,
        documents: &[Document],
        functions: &[&str],
    ) -> Stream {
        for (name, word) in &command.assignments {
            let values = self.expand(word, documents);
            self.set(name, values);
        }
        for redirect in &command.redirects {
            match redirect {
                Redirect::To(word) => {
                    for path in self.expand(word, documents) {
                        if self.folder.join(&path).is_device() {
                            let path = shown(&path);
                            self.block(format!(
                                "the output would be written over the device {path}"
                            ));
                        }
                    }
                }
                Redirect::From(word) => _ = self.expand(word, documents),
                Redirect::Text(word) => {
                    input = Stream::Text(self.expand(word, documents).join(" "));
                }
                Redirect::Document(number) => {
                    if let Some(document) = documents.get(*number) {
                        input = Stream::Text(self.document(document));
                    }
                }
            }
        }
        let words: Vec<String> =
            command.words.iter().flat_map(|word| self.expand(word, documents)).collect();
        if let Some(name) = words.first()
            && functions.iter().rev().take(8).any(|function| function == name)
            && (command.piped || command.goes_on)
        {
            self.block(format!("the function {} starts itself again and again", shown(name)));
        }
        commands::judge(self, Call { words, input })
    }

    /// Returns the text of a here-document, after what runs within it.
    fn document(&mut self, document: &Document) -> String {
        if document.literal || !document.text.contains(['$', '`', '\\']) {
            return document.text.clone();
        }
        if !self.may_go_on(document.text.len()) {
            return String::new();
        }
        let (word, Parsed { documents, too_deep, .. }) = parse::text(&document.text);
        if too_deep {
            self.block(TOO_DEEP.to_owned());
        }
        self.depth += 1;
        let text = self.expand(&word, &documents).join(" ");
        self.depth -= 1;
        text
    }

    pub(super) fn set(&mut self, name: &str, values: Vec<String>) {
        let short = |value: String| {
            if value.len() <= VALUE_CHARS_MAX { value } else { UNKNOWN.to_string() }
        };
        let values = values.into_iter().take(FORMS_MAX).map(short).collect::<Vec<_>>();
        let values = if values.is_empty() { vec![String::new()] } else { values };
        self.variables.insert(name.to_owned(), values);
    }

    /// Returns the words that a word becomes.
    fn expand(&mut self, word: &Word, documents: &[Document]) -> Vec<String> {
        let mut forms: Vec<Vec<Glyph>> = vec![Vec::new()];
        for piece in &word.pieces {
            match piece {
                Piece::Quoted(text) => append(&mut forms, text, Kind::Quoted),
                Piece::Live(text) => append(&mut forms, text, Kind::Live),
                Piece::Any => append(&mut forms, "*", Kind::Live),
                Piece::Unknown => append(&mut forms, &UNKNOWN.to_string(), Kind::Quoted),
                Piece::Variable { name, rest, quoted } => {
                    let values = self.values(name, rest);
                    multiply(&mut forms, &values, *quoted);
                }
                Piece::Substitution { script, quoted } => {
                    self.depth += 1;
                    let (folder, printed) = (self.folder.clone(), self.script(script, documents));
                    self.folder = folder;
                    self.depth -= 1;
                    multiply(&mut forms, &[as_value(printed)], *quoted);
                }
                Piece::Backticks { text, quoted } => {
                    let (folder, printed) = (self.folder.clone(), self.run(text));
                    self.folder = folder;
                    multiply(&mut forms, &[as_value(printed)], *quoted);
                }
                Piece::Array(words) => {
                    let values: Vec<_> =
                        words.iter().flat_map(|word| self.expand(word, documents)).collect();
                    multiply(&mut forms, &values, true);
                }
            }
        }
        let chars: usize = forms.iter().map(Vec::len).sum();
        if !self.may_go_on(chars + WORD_CHARS) {
            return Vec::new();
        }
        // An empty word without quotes is none.
        let quoted = word.pieces.iter().any(|piece| matches!(piece, Piece::Quoted(_)));
        let home = if self.home.is_empty() { "\u{e002}" } else { self.home };
        let fields = forms.into_iter().flat_map(|form| expand::fields(form, home));
        fields.filter(|field| quoted || !field.is_empty()).collect()
    }

    fn values(&mut self, name: &str, rest: &str) -> Vec<String> {
        // A default may hold commands and variables of its own.
        if rest.contains(['$', '`']) {
            let default = rest.trim_start_matches([':', '-', '=', '+']).to_owned();
            if self.may_go_on(default.len()) {
                let (word, parsed) = parse::text(&default);
                self.depth += 1;
                let values = self.expand(&word, &parsed.documents);
                self.depth -= 1;
                let known = self.variables.get(name);
                return known.filter(|_| !rest.starts_with(":+")).cloned().unwrap_or(values);
            }
        }
        match name {
            "PWD" => vec![self.folder.absolute().unwrap_or_else(|| self.here())],
            _ => expand::values(&self.variables, name, rest),
        }
    }

    /// Returns a path to the working folder that means the same wherever the script went.
    pub(super) fn here(&self) -> String {
        if self.folder == Place::here() { ".".to_owned() } else { UNKNOWN.to_string() }
    }
}

const TOO_DEEP: &str = "it is nested too deeply to tell what it would do";

/// Returns text of a command for people: what is not known is shown as `…`.
pub(super) fn shown(text: &str) -> String {
    let plain = text.replace(UNKNOWN, "…").replace([super::place::STAR, super::place::ONE], "*");
    plain.chars().filter(|c| !c.is_control()).take(200).collect()
}

fn as_value(printed: Stream) -> String {
    match printed {
        Stream::Text(text) => text.trim_end_matches('\n').to_owned(),
        Stream::Unknown | Stream::Below(_) => UNKNOWN.to_string(),
    }
}

fn append(forms: &mut [Vec<Glyph>], text: &str, kind: Kind) {
    for form in forms {
        form.extend(text.chars().map(|c| (c, kind)));
    }
}

/// Continues each form with each value, as far as there is room.
fn multiply(forms: &mut Vec<Vec<Glyph>>, values: &[String], quoted: bool) {
    let kind = if quoted { Kind::Quoted } else { Kind::Value };
    let long = forms.iter().any(|form| VALUE_CHARS_MAX < form.len());
    let (first, others) = match values {
        [] => return,
        [first, others @ ..] => (first, if long { &[] } else { others }),
    };
    let mut more = Vec::new();
    for value in others {
        for form in forms.iter() {
            if forms.len() + more.len() < FORMS_MAX {
                let mut form = form.clone();
                form.extend(value.chars().map(|c| (c, kind)));
                more.push(form);
            }
        }
    }
    append(forms, first, kind);
    forms.append(&mut more);
}
