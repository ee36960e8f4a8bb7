//! Reading a price table: TOML in, checked prices out.
//!
//! The built-in tables and a user's own have one form and one reader. It is strict, since a
//! misspelled field that is skipped shows up only as a wrong amount of money. An error names the
//! model and the field, so the fields are walked here rather than handed to a derived reader,
//! which knows lines but not models.

mod fields;

use std::collections::HashMap;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use toml::Table;

use crate::book::without_provider;
use crate::prices::{Band, ModelPrices, Period, Rates};
use fields::Fields;

/// What a table says its models' provider is when it says nothing.
const CUSTOM_PROVIDER: &str = "custom";

const RATE_FIELDS: [&str; 5] = ["input", "output", "cache_read", "cache_write", "cache_write_1h"];

/// A price table cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PricesError {
    /// The text is not TOML at all.
    #[error("cannot read the price table; correct its TOML at the line given")]
    NotToml(#[source] Box<toml::de::Error>),
    /// A field of the table itself cannot be used.
    #[error("cannot use the price table: field `{field}` {problem}")]
    Table {
        /// The field at fault.
        field: String,
        /// What is wrong with it and what to write instead.
        problem: String,
    },
    /// A field of one model cannot be used.
    #[error("cannot use the prices of model `{model}`: field `{field}` {problem}")]
    Model {
        /// The model at fault.
        model: String,
        /// The field at fault, such as `prices[1].input`; lists count from 0.
        field: String,
        /// What is wrong with it and what to write instead.
        problem: String,
    },
}

/// Reads a price table from TOML.
///
/// # Errors
///
/// Fails when the text is not TOML, or when a field is missing, unknown or out of its range. The
/// first fault found is named.
pub fn parse_table(text: &str) -> Result<Vec<ModelPrices>, PricesError> {
    let document: Table = text.parse().map_err(|source| PricesError::NotToml(Box::new(source)))?;
    let top = Fields::of_document(&document);
    top.refuse_others(&["provider", "models"])?;
    let provider = top.text("provider")?.unwrap_or(CUSTOM_PROVIDER);
    let models = top
        .tables_by_name("models")?
        .into_iter()
        .map(|(name, fields)| read_model(name, provider, &fields))
        .collect::<Result<Vec<_>, _>>()?;
    refuse_shared_names(&models)?;
    Ok(models)
}

fn read_model(name: &str, provider: &str, fields: &Fields<'_>) -> Result<ModelPrices, PricesError> {
    fields.refuse_others(&["aliases", "deprecated", "batch", "priority", "prices"])?;
    let aliases = fields.texts("aliases")?;
    for (field, name) in
        [("name", name)].into_iter().chain(aliases.iter().map(|alias| ("aliases", *alias)))
    {
        refuse_unreachable(fields, field, name)?;
    }
    Ok(ModelPrices {
        name: name.to_owned(),
        provider: provider.to_owned(),
        aliases: aliases.into_iter().map(str::to_owned).collect(),
        deprecated: fields.flag("deprecated")?.unwrap_or(false),
        batch: fields.multiplier("batch")?,
        priority: fields.multiplier("priority")?,
        periods: read_periods(fields)?,
    })
}

fn read_periods(model: &Fields<'_>) -> Result<Vec<Period>, PricesError> {
    let mut periods: Vec<Period> = Vec::new();
    for fields in model.tables("prices")? {
        let from_unix_seconds = read_from(&fields)?;
        match (periods.last(), from_unix_seconds) {
            (None, Some(_)) => {
                return Err(fields.fault(
                    "from",
                    "cannot stand in the first price, which holds for all time before the second; \
                     remove it",
                ));
            }
            (Some(_), None) => {
                return Err(fields.fault(
                    "from",
                    "is missing; write the day this price starts, such as \"2026-09-01\"",
                ));
            }
            (Some(before), Some(_)) if from_unix_seconds <= before.from_unix_seconds => {
                return Err(fields.fault(
                    "from",
                    "is not after that of the price before it; write prices from old to new",
                ));
            }
            _ => periods.push(read_period(&fields, from_unix_seconds)?),
        }
    }
    if periods.is_empty() {
        return Err(model.fault("prices", "is empty; write at least one price"));
    }
    Ok(periods)
}

fn read_period(fields: &Fields<'_>, from_unix_seconds: Option<i64>) -> Result<Period, PricesError> {
    fields.refuse_others(&[&RATE_FIELDS[..], &["from", "bands"]].concat())?;
    let mut bands: Vec<Band> = Vec::new();
    for band in fields.tables("bands")? {
        band.refuse_others(&[&RATE_FIELDS[..], &["prompt_over"]].concat())?;
        let prompt_over = band.tokens("prompt_over")?;
        if bands.last().is_some_and(|before| prompt_over <= before.prompt_over) {
            return Err(band.fault(
                "prompt_over",
                "is not above that of the band before it; write bands from small to large",
            ));
        }
        bands.push(Band { prompt_over, rates: read_rates(&band)? });
    }
    Ok(Period { from_unix_seconds, rates: read_rates(fields)?, bands })
}

fn read_rates(fields: &Fields<'_>) -> Result<Rates, PricesError> {
    Ok(Rates {
        input: fields.required_rate("input")?,
        output: fields.required_rate("output")?,
        cache_read: fields.required_rate("cache_read")?,
        cache_write: fields.required_rate("cache_write")?,
        cache_write_1h: fields.rate("cache_write_1h")?,
    })
}

fn read_from(fields: &Fields<'_>) -> Result<Option<i64>, PricesError> {
    let Some(text) = fields.date_text("from")? else {
        return Ok(None);
    };
    let seconds = unix_seconds(&text).ok_or_else(|| {
        fields
            .fault("from", "is not a day; write it as year, month and day, such as \"2026-09-01\"")
    })?;
    Ok(Some(seconds))
}

/// Returns the first second of a day written `YYYY-MM-DD`, in UTC.
fn unix_seconds(text: &str) -> Option<i64> {
    // Either failure means the same to the caller: this is not a day.
    let date = Date::strptime("%Y-%m-%d", text).ok().filter(|date| date.to_string() == text)?;
    let midnight = TimeZone::UTC.to_timestamp(date.to_datetime(Time::midnight())).ok()?;
    Some(midnight.as_second())
}

/// Refuses a name that no lookup arrives at.
fn refuse_unreachable(fields: &Fields<'_>, field: &str, name: &str) -> Result<(), PricesError> {
    let reachable = without_provider(name);
    if reachable != name {
        return Err(fields.fault(
            field,
            format!("has `{name}`, whose prefix is removed before the lookup; write `{reachable}`"),
        ));
    }
    if name.is_empty() || name.trim() != name {
        return Err(fields.fault(
            field,
            format!("has `{name}`, which is empty or has spaces around it; write the bare name"),
        ));
    }
    Ok(())
}

fn refuse_shared_names(models: &[ModelPrices]) -> Result<(), PricesError> {
    let mut owners = HashMap::new();
    for model in models {
        owners.insert(model.name(), model.name());
    }
    for model in models {
        for alias in model.aliases() {
            if let Some(owner) = owners.insert(alias, model.name()) {
                return Err(PricesError::Model {
                    model: model.name().to_owned(),
                    field: "aliases".to_owned(),
                    problem: format!("has `{alias}`, already a name of `{owner}`; remove one"),
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    const FREE: &str = "input = 0, output = 0, cache_read = 0, cache_write = 0";

    #[test]
    fn a_table_may_leave_out_what_has_an_obvious_value() {
        let model = only(&format!("[models.m]\nprices = [{{ {FREE} }}]"));
        assert_eq!((model.name(), model.provider()), ("m", "custom"));
        assert_eq!((model.aliases(), model.is_deprecated()), (&[][..], false));
        assert_eq!((model.batch(), model.priority()), (None, None));
        assert_eq!(model.periods()[0].rates.cache_write_1h, None);
    }

    #[test]
    fn an_empty_table_has_no_models() {
        assert_eq!(parse_table("").unwrap(), []);
    }

    #[test]
    fn a_day_starts_at_midnight_utc_and_may_stand_without_quotes() {
        for day in ["\"2026-09-01\"", "2026-09-01"] {
            let model =
                only(&format!("[models.m]\nprices = [{{ {FREE} }}, {{ from = {day}, {FREE} }}]"));
            assert_eq!(model.periods()[1].from_unix_seconds, Some(1_788_220_800));
        }
    }

    #[test]
    fn a_rate_that_is_missing_or_out_of_range_is_named() {
        let missing = "prices = [{ input = 1, output = 2, cache_write = 0 }]";
        check(missing, "prices[0].cache_read", "is missing; write a number from 0");
        for rate in ["-1", "nan", "inf", "1000001", "'3'", "true"] {
            let prices = format!("prices = [{{ {FREE}, cache_write_1h = {rate} }}]");
            check(&prices, "prices[0].cache_write_1h", "write a number from 0 to 1000000");
        }
        check(&format!("batch = -0.5\nprices = [{{ {FREE} }}]"), "batch", "from 0 to 100");
    }

    #[test]
    fn a_misspelled_field_is_named_with_the_ones_to_choose_from() {
        check(
            &format!("prices = [{{ {FREE}, inptu = 1 }}]"),
            "prices[0].inptu",
            "use one of: input",
        );
        check(&format!("alias = 'x'\nprices = [{{ {FREE} }}]"), "alias", "use one of: aliases");
        let band = format!("prices = [{{ {FREE}, bands = [{{ over = 1, {FREE} }}] }}]");
        check(&band, "prices[0].bands[0].over", "prompt_over");
        let message = parse_table("model = 1").unwrap_err().to_string();
        assert!(message.contains("field `model` is unknown here"), "{message}");
    }

    #[test]
    fn prices_go_from_old_to_new_and_the_first_has_no_start() {
        check("", "prices", "write at least one price");
        check("prices = []", "prices", "write at least one price");
        check(
            &format!("prices = [{{ from = '2026-01-01', {FREE} }}]"),
            "prices[0].from",
            "remove it",
        );
        check(
            &format!("prices = [{{ {FREE} }}, {{ {FREE} }}]"),
            "prices[1].from",
            "write the day this price starts",
        );
        for second in ["2026-01-01", "2025-12-31"] {
            let prices = format!(
                "prices = [{{ {FREE} }}, {{ from = '2026-01-01', {FREE} }}, \
                 {{ from = '{second}', {FREE} }}]"
            );
            check(&prices, "prices[2].from", "from old to new");
        }
    }

    #[test]
    fn a_start_that_is_not_a_day_is_refused() {
        for day in ["'2026-02-30'", "'2026-9-1'", "'20260901'", "'soon'", "2026-09-01T10:00:00"] {
            let prices = format!("prices = [{{ {FREE} }}, {{ from = {day}, {FREE} }}]");
            check(&prices, "prices[1].from", "is not a day");
        }
    }

    #[test]
    fn bands_go_from_small_to_large() {
        let band = |over: &str| format!("{{ prompt_over = {over}, {FREE} }}");
        let prices =
            |bands: &[String]| format!("prices = [{{ {FREE}, bands = [{}] }}]", bands.join(", "));
        let field = "prices[0].bands[1].prompt_over";
        check(&prices(&[band("9"), band("9")]), field, "from small to large");
        check(&prices(&[band("9"), band("-1")]), field, "a whole number of tokens");
        check(&prices(&[band("9"), format!("{{ {FREE} }}")]), field, "is missing");
    }

    #[test]
    fn a_name_that_no_lookup_arrives_at_is_refused() {
        let named = |name: &str| format!("[models.\"{name}\"]\nprices = [{{ {FREE} }}]");
        for (name, advice) in [("openai/m", "write `m`"), ("", "empty"), (" m", "spaces")] {
            let message = parse_table(&named(name)).unwrap_err().to_string();
            assert!(message.contains("field `name`") && message.contains(advice), "{message}");
        }
        check(&format!("aliases = ['google/x']\nprices = [{{ {FREE} }}]"), "aliases", "write `x`");
    }

    #[test]
    fn a_name_leads_to_one_model_only() {
        check(&format!("aliases = ['x', 'x']\nprices = [{{ {FREE} }}]"), "aliases", "`x`");
        let shared = format!(
            "[models.a]\nprices = [{{ {FREE} }}]\n[models.b]\naliases = ['a']\nprices = [{{ {FREE} }}]"
        );
        let message = parse_table(&shared).unwrap_err().to_string();
        assert!(message.contains("model `b`") && message.contains("of `a`"), "{message}");
    }

    #[test]
    fn broken_toml_says_on_which_line() {
        let error = parse_table("[models.m]\nprices = [").unwrap_err();
        let source = error.source().expect("the parser's own error").to_string();
        assert!(source.contains("line 2"), "{source}");
    }

    /// Reads a table whose model `m` has this body, and expects this field of it to be refused.
    fn check(body: &str, field: &str, advice: &str) {
        let message = parse_table(&format!("[models.m]\n{body}")).unwrap_err().to_string();
        assert!(message.contains("model `m`"), "{message}");
        assert!(message.contains(&format!("field `{field}`")), "{message}");
        assert!(message.contains(advice), "{message}");
    }

    fn only(text: &str) -> ModelPrices {
        let [model] = parse_table(text).unwrap().try_into().expect("one model");
        model
    }
}
