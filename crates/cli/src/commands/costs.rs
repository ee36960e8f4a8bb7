//! `oriel costs`: what models cost, and working out costs anew once that is another.

use oriel_runtime::config::Config;
use oriel_runtime::settings::Flag;
use oriel_wire::{PriceList, RecalculateReport, RecalculateRequest};

use crate::address::Address;
use crate::args::{Costs, Json};
use crate::output::{Output, Paint, Style};
use crate::service::Service;
use crate::table::{self, Cell};
use crate::{Exit, progress, text};
use oriel_daemon::Surroundings;

/// Does one of the things that can be done about costs.
pub(super) fn run(
    costs: Costs,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let config = surroundings.resolve(flags)?.config;
    super::wait(async {
        match costs {
            Costs::Recalculate { dry_run, form } => {
                recalculate(dry_run, form, config, output).await
            }
            Costs::Models(form) => models(form, config, output).await,
        }
    })
}

async fn recalculate(
    dry_run: bool,
    form: Json,
    config: Config,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let service = Service::reach(config).await?;
    let request = RecalculateRequest { dry_run };
    let work = service.post("/control/costs/recalculate", &request);
    let answer = progress::show("working out costs", work).await;
    service.close().await;
    let report: RecalculateReport = answer?;
    if form.json {
        output.json(&report)?;
    } else {
        output.print(&recalculated(&report))?;
    }
    Ok(Exit::Done)
}

async fn models(form: Json, config: Config, output: &mut Output<'_>) -> anyhow::Result<Exit> {
    let list: PriceList = super::ask(config, &Address::new("/api/prices")).await?;
    if form.json {
        output.json(&list)?;
    } else {
        output.print(&listed(&list, output.paint()))?;
    }
    Ok(Exit::Done)
}

fn recalculated(report: &RecalculateReport) -> String {
    let events =
        |count: u64| text::counted(i64::try_from(count).unwrap_or(i64::MAX), "event", "events");
    let verb = if report.dry_run { "would change" } else { "changed" };
    let mut said = format!(
        "{verb} {}; {} cost the same, and {} keep what the agents stated\n\
         before {}, after {}, in {} ms\n",
        events(report.updated),
        events(report.unchanged),
        events(report.stated),
        text::dollars(report.cost_before_usd),
        text::dollars(report.cost_after_usd),
        report.elapsed_ms,
    );
    for (model, count) in &report.unknown_models.0 {
        said.push_str(&format!(
            "no price is known for {}: {}\n",
            text::clean(model),
            events(*count)
        ));
    }
    said
}

fn listed(list: &PriceList, paint: Paint) -> String {
    let words = ["model", "provider"].map(|name| Cell::new(Style::Faint, name));
    let numbers = ["input", "output", "cache read", "cache write", "1 h", "requests"];
    let mut rows = vec![row(words, numbers.map(|name| Cell::number(name).styled(Style::Faint)))];
    for model in &list.models {
        // The last price is the one that holds, now or soon.
        let Some(last) = model.prices.last() else { continue };
        let rate = |rate: f64| Cell::number(rate.to_string());
        let rates = &last.rates;
        let style = if model.is_deprecated { Style::Faint } else { Style::Plain };
        rows.push(row(
            [Cell::new(style, &model.model), Cell::plain(&model.provider)],
            [
                rate(rates.input),
                rate(rates.output),
                rate(rates.cache_read),
                rate(rates.cache_write),
                Cell::number(rates.cache_write_1h.map_or("-".to_owned(), |rate| rate.to_string())),
                Cell::number(text::count(i64::try_from(model.requests).unwrap_or(i64::MAX))),
            ],
        ));
    }
    let mut said = table::render(&rows, paint);
    said.push_str("in US dollars per million tokens\n");
    for model in &list.unpriced {
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        said.push_str(&format!(
            "{} {}: {}, {}\n",
            paint.apply(Style::Doubtful, "no price is known for"),
            text::clean(&model.model),
            text::counted(count(model.requests), "request", "requests"),
            text::counted(count(model.total_tokens), "token", "tokens"),
        ));
    }
    if !list.unpriced.is_empty() {
        said.push_str(
            "write prices of your own to prices.toml in the data directory, start the daemon \
             again, and run `oriel costs recalculate`\n",
        );
    }
    said
}

fn row(words: [Cell; 2], numbers: [Cell; 6]) -> [Cell; 8] {
    let [a, b] = words;
    let [c, d, e, f, g, h] = numbers;
    [a, b, c, d, e, f, g, h]
}

#[cfg(test)]
mod tests {
    use oriel_wire::Counts;

    use super::*;

    #[test]
    fn a_dry_run_says_that_nothing_was_done() {
        let report = RecalculateReport {
            dry_run: true,
            updated: 1,
            unchanged: 2,
            stated: 3,
            unknown_models: Counts(vec![("who\x1b".to_owned(), 4)]),
            cost_before_usd: 8.0,
            cost_after_usd: 9.5,
            elapsed_ms: 5,
        };
        let expected = "\
would change 1 event; 2 events cost the same, and 3 events keep what the agents stated
before $8.00, after $9.50, in 5 ms
no price is known for who: 4 events
";
        assert_eq!(recalculated(&report), expected);
    }
}
