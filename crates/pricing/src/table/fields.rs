//! Reading one TOML table field by field, knowing where it stands.
//!
//! Each reader returns the value in the type wanted or an error that names the model, the full
//! path of the field and what to write there.

use toml::{Table, Value};

use super::PricesError;

/// A dollar a token. A rate above it was surely written for another number of tokens, and without
/// a bound a cost could become infinite.
const RATE_MAX: f64 = 1e6;

const RATE_WANTED: &str = "a number from 0 to 1000000 in US dollars per million tokens, 0 if free";

const MULTIPLIER_MAX: f64 = 100.0;

/// One table of the document and the way to it.
pub(super) struct Fields<'a> {
    /// The model whose field this is; none at the top.
    model: Option<&'a str>,
    /// What stands before a field's name in a message.
    path: String,
    table: &'a Table,
}

impl<'a> Fields<'a> {
    pub(super) fn of_document(table: &'a Table) -> Self {
        Self { model: None, path: String::new(), table }
    }

    /// Refuses every field whose name is not among these.
    pub(super) fn refuse_others(&self, known: &[&str]) -> Result<(), PricesError> {
        match self.table.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => {
                Err(self.fault(key, format!("is unknown here; use one of: {}", known.join(", "))))
            }
            None => Ok(()),
        }
    }

    pub(super) fn text(&self, field: &str) -> Result<Option<&'a str>, PricesError> {
        self.read(field, "text in quotes", Value::as_str)
    }

    pub(super) fn flag(&self, field: &str) -> Result<Option<bool>, PricesError> {
        self.read(field, "true or false", Value::as_bool)
    }

    pub(super) fn texts(&self, field: &str) -> Result<Vec<&'a str>, PricesError> {
        let texts = self.read(field, "a list of texts in quotes", |value| {
            value.as_array()?.iter().map(Value::as_str).collect::<Option<Vec<_>>>()
        })?;
        Ok(texts.unwrap_or_default())
    }

    /// A day as written, whether or not it is in quotes.
    pub(super) fn date_text(&self, field: &str) -> Result<Option<String>, PricesError> {
        self.read(field, "a day such as \"2026-09-01\"", |value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Datetime(day) => Some(day.to_string()),
            _ => None,
        })
    }

    pub(super) fn tokens(&self, field: &str) -> Result<u64, PricesError> {
        const WANTED: &str = "a whole number of tokens, 0 or more";
        let tokens = self.read(field, WANTED, |value| u64::try_from(value.as_integer()?).ok())?;
        tokens.ok_or_else(|| self.missing(field, WANTED))
    }

    pub(super) fn rate(&self, field: &str) -> Result<Option<f64>, PricesError> {
        self.read(field, RATE_WANTED, |value| number(value, RATE_MAX))
    }

    pub(super) fn required_rate(&self, field: &str) -> Result<f64, PricesError> {
        self.rate(field)?.ok_or_else(|| self.missing(field, RATE_WANTED))
    }

    pub(super) fn multiplier(&self, field: &str) -> Result<Option<f64>, PricesError> {
        const WANTED: &str = "a number from 0 to 100 that the rates are multiplied by";
        self.read(field, WANTED, |value| number(value, MULTIPLIER_MAX))
    }

    /// The tables of a list, in order. No list is an empty one.
    pub(super) fn tables(&self, field: &str) -> Result<Vec<Fields<'a>>, PricesError> {
        let tables =
            self.read(field, "a list of tables, such as [{ input = 1, ... }]", |value| {
                value.as_array()?.iter().map(Value::as_table).collect::<Option<Vec<_>>>()
            })?;
        let tables = tables.unwrap_or_default().into_iter().enumerate();
        Ok(tables
            .map(|(index, table)| Fields {
                model: self.model,
                path: format!("{}{field}[{index}].", self.path),
                table,
            })
            .collect())
    }

    /// The tables of a field that has one for each model.
    pub(super) fn tables_by_name(
        &self,
        field: &str,
    ) -> Result<Vec<(&'a str, Fields<'a>)>, PricesError> {
        const WANTED: &str = "tables headed such as [models.\"the-model\"]";
        let tables = self.read(field, WANTED, |value| {
            let tables = value.as_table()?.iter();
            tables.map(|(name, value)| Some((name.as_str(), value.as_table()?))).collect()
        })?;
        let tables: Vec<(&'a str, &'a Table)> = tables.unwrap_or_default();
        Ok(tables
            .into_iter()
            .map(|(name, table)| (name, Fields { model: Some(name), path: String::new(), table }))
            .collect())
    }

    /// An error that names this field of this model.
    pub(super) fn fault(&self, field: &str, problem: impl Into<String>) -> PricesError {
        let field = format!("{}{field}", self.path);
        let problem = problem.into();
        match self.model {
            Some(model) => PricesError::Model { model: model.to_owned(), field, problem },
            None => PricesError::Table { field, problem },
        }
    }

    fn read<T>(
        &self,
        field: &str,
        wanted: &str,
        convert: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, PricesError> {
        let Some(value) = self.table.get(field) else {
            return Ok(None);
        };
        match convert(value) {
            Some(converted) => Ok(Some(converted)),
            None => Err(self.fault(field, format!("cannot be used; write {wanted}"))),
        }
    }

    fn missing(&self, field: &str, wanted: &str) -> PricesError {
        self.fault(field, format!("is missing; write {wanted}"))
    }
}

/// Returns a number from 0 to `max`, written with or without a fraction.
fn number(value: &Value, max: f64) -> Option<f64> {
    let number = match value {
        Value::Integer(number) => *number as f64,
        Value::Float(number) => *number,
        _ => return None,
    };
    (0.0..=max).contains(&number).then_some(number)
}
