//! The price list: what comes with the program, and what the user's own file says over it.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use oriel_pricing::{ModelPrices, PriceBook, PricesError, Rates, parse_table};
use oriel_store::{Usage, UsageRow};
use oriel_wire::time::rfc3339;
use oriel_wire::{ModelPrice, PriceBand, PriceList, PricePeriod, PriceRates, UnpricedModel};

use crate::report::{UNKNOWN, count, total_tokens};

/// Where a user's prices are looked for in the data directory where nothing is said.
const USUAL_FILE: &str = "prices.toml";

/// A user's prices cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PriceFileError {
    /// The file cannot be read.
    #[error("cannot read the prices in {}: {source}; correct `prices.file` or the file", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no price table.
    #[error("{}, line {line}: {problem}; correct the file and start again", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong there.
        problem: String,
    },
}

/// Returns all prices: those of `file`, else those of `prices.toml` in the data directory if there
/// is one, over those that come with the program.
pub(crate) fn load(file: Option<&Path>, data_dir: &Path) -> Result<PriceBook, PriceFileError> {
    let usual = data_dir.join(USUAL_FILE);
    let path = file.unwrap_or(&usual);
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if file.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(PriceBook::builtin());
        }
        Err(source) => return Err(PriceFileError::Read { path: path.to_owned(), source }),
    };
    let own = parse_table(&text).map_err(|error| at_its_line(path, &text, &error))?;
    tracing::info!(file = %path.display(), models = own.len(), "prices of the user's own");
    Ok(PriceBook::builtin().with_overrides(own))
}

/// Lists every model that has a price, and every one in use that has none.
pub(crate) fn list(book: &PriceBook, used: &[UsageRow]) -> PriceList {
    let mut models: BTreeMap<&str, Usage> = BTreeMap::new();
    for row in used {
        models.entry(row.model.as_deref().unwrap_or(UNKNOWN)).or_default().add(&row.usage, 1);
    }
    let mut requests: HashMap<&str, i64> = HashMap::new();
    let mut unpriced = Vec::new();
    for (name, usage) in models {
        match book.model(name) {
            Some(model) => {
                let sum = requests.entry(model.name()).or_default();
                *sum = sum.saturating_add(usage.requests);
            }
            // What the agents stated costs of needs no price of ours.
            None if usage.unpriced == 0 => {}
            None => unpriced.push(UnpricedModel {
                model: name.to_owned(),
                requests: count(usage.requests),
                total_tokens: count(total_tokens(&usage)),
            }),
        }
    }
    let models = book
        .models()
        .map(|model| model_price(model, count(requests.get(model.name()).copied().unwrap_or(0))));
    PriceList { models: models.collect(), unpriced }
}

fn model_price(model: &ModelPrices, requests: u64) -> ModelPrice {
    let periods = model.periods().iter().map(|period| PricePeriod {
        from: period.from_unix_seconds.map(rfc3339),
        rates: rates(&period.rates),
        bands: period
            .bands
            .iter()
            .map(|band| PriceBand { prompt_over: band.prompt_over, rates: rates(&band.rates) })
            .collect(),
    });
    ModelPrice {
        model: model.name().to_owned(),
        provider: model.provider().to_owned(),
        aliases: model.aliases().to_vec(),
        is_deprecated: model.is_deprecated(),
        batch: model.batch(),
        priority: model.priority(),
        prices: periods.collect(),
        requests,
    }
}

fn rates(rates: &Rates) -> PriceRates {
    PriceRates {
        input: rates.input,
        output: rates.output,
        cache_read: rates.cache_read,
        cache_write: rates.cache_write,
        cache_write_1h: rates.cache_write_1h,
    }
}

fn at_its_line(path: &Path, text: &str, error: &PricesError) -> PriceFileError {
    let (line, problem) = match error {
        PricesError::NotToml(toml) => {
            let start = toml.span().map_or(0, |span| span.start);
            let before = text.get(..start).unwrap_or(text);
            (1 + before.matches('\n').count(), toml.message().trim().replace('\n', ", "))
        }
        PricesError::Table { field, .. } => (line_of(text, 0, field), error.to_string()),
        PricesError::Model { model, field, .. } => {
            let head = line_of(text, 0, &format!("models.{model}"))
                .max(line_of(text, 0, &format!("\"{model}\"")))
                .max(line_of(text, 0, &format!("'{model}'")));
            let field = field.split(['[', '.']).next().unwrap_or(field);
            (head.max(line_of(text, head, field)), error.to_string())
        }
    };
    PriceFileError::Table { path: path.to_owned(), line, problem }
}

/// Returns the first line after so many that names something, or else 1.
fn line_of(text: &str, after: usize, name: &str) -> usize {
    let mut lines = text.lines().enumerate().skip(after);
    lines.find(|(_, line)| line.contains(name)).map_or(1, |(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_prices_win_and_none_are_needed() {
        let folder = tempfile::tempdir().unwrap();
        let input = |book: &PriceBook| book.rates("o3", 0).unwrap().input;
        assert_eq!(input(&load(None, folder.path()).unwrap()), 2.0);
        let own =
            "[models.o3]\nprices = [{ input = 7, output = 0, cache_read = 0, cache_write = 0 }]";
        std::fs::write(folder.path().join(USUAL_FILE), own).unwrap();
        assert_eq!(input(&load(None, folder.path()).unwrap()), 7.0);
        let missing = load(Some(&folder.path().join("none")), folder.path()).unwrap_err();
        assert!(missing.to_string().contains("prices.file"), "{missing}");
    }

    #[test]
    fn a_fault_is_told_with_its_file_and_line() {
        for (text, line, part) in [
            ("[models.m]\nprices = [", 2, "prices.toml"),
            ("provider = 'x'\n\n[models.m]\n# so far\nprices = [{ inptu = 1 }]\n", 5, "inptu"),
            ("[models.\"a b\"]\nbatch = 1\nprices = []\n", 3, "at least one price"),
            ("\nmodel = 1\n", 2, "use one of"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join(USUAL_FILE), text).unwrap();
            let error = load(None, folder.path()).unwrap_err().to_string();
            assert!(error.contains(&format!("line {line}:")), "{error}");
            assert!(error.contains(part), "{error}");
        }
    }
}
