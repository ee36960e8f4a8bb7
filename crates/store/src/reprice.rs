//! Prices change and get corrected. Costs that were worked out from them are then worked out anew,
//! all in one transaction; what an agent stated itself stays.

use std::collections::BTreeMap;

use oriel_model::{Amount, Money, NewEvent, StoredEvent};
use rusqlite::{Connection, TransactionBehavior};

use crate::append::AppendError;
use crate::group::{Group, Usage, may_be_capped};
use crate::query::{each_event, read_event};
use crate::store::Store;

/// Says what an event costs by today's prices, at the time at which it happened.
pub type Repricing = Box<dyn Fn(&StoredEvent) -> Option<f64> + Send>;

/// What became of the costs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Repriced {
    /// Events whose cost is another now.
    pub updated: u64,
    /// Events whose cost is the same.
    pub unchanged: u64,
    /// Events whose cost the agent stated, which is not touched.
    pub stated: u64,
    /// Events of each model that has no price.
    pub unknown: BTreeMap<String, u64>,
    /// What all of these events cost before.
    pub before: Money,
    /// What they cost now.
    pub after: Money,
}

impl Store {
    /// Works out anew what every event with a model and usage costs. A dry run changes nothing and
    /// tells what would be. Nothing is written while it runs.
    ///
    /// # Errors
    /// Where nothing was changed; see [`AppendError`].
    pub async fn reprice(&self, price: Repricing, dry_run: bool) -> Result<Repriced, AppendError> {
        let done = self
            .exclusive_with_group(move |connection, group| {
                let result = reprice(connection, group, &*price, dry_run);
                if result.is_err() || dry_run {
                    start_over(connection, group);
                }
                result
            })
            .await;
        done.ok_or(AppendError::Closing)?.map_err(|error| AppendError::Disk(error.into()))
    }
}

fn reprice(
    connection: &mut Connection,
    group: &mut Group,
    price: &(dyn Fn(&StoredEvent) -> Option<f64> + Send),
    dry_run: bool,
) -> rusqlite::Result<Repriced> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut report = Repriced::default();
    let mut changes = Vec::new();
    each_event(&transaction, |stored| {
        let event = &stored.event;
        let (Some(model), Some(_)) = (&event.facet.model, Usage::of(event)) else { return };
        // What is left of a meter's step is no usage of its own that could be priced.
        if event.told.amount == Amount::Meter {
            return;
        }
        let money = |cost: Option<f64>| cost.map_or(Money::ZERO, Money::from_dollars);
        report.before = report.before.plus(money(event.cost_usd));
        let cost = if event.told.cost_is_stated { event.cost_usd } else { price(&stored) };
        report.after = report.after.plus(money(cost));
        if cost.is_none() {
            *report.unknown.entry(model.clone()).or_default() += 1;
        }
        if event.told.cost_is_stated {
            report.stated += 1;
        } else if cost == event.cost_usd {
            report.unchanged += 1;
        } else {
            report.updated += 1;
            changes.push((stored.number, cost));
        }
    })?;
    if dry_run {
        return Ok(report);
    }
    let capped = may_be_capped(&transaction)?;
    for (number, cost_usd) in changes {
        let old = read_event(&transaction, number)?;
        let new = NewEvent { cost_usd, ..old.event.clone() };
        let new = group.amend(&transaction, &old, new)?;
        group.settle_meters_after(&transaction, &old, &new)?;
        // What is remembered of sessions is bounded, and so is what waits to be written.
        group.finish(&transaction)?;
        group.trim();
    }
    group.mend_capped(&transaction, capped)?;
    transaction.commit()?;
    Ok(report)
}

fn start_over(connection: &Connection, group: &mut Group) {
    match Group::resume(connection) {
        Ok(fresh) => *group = fresh,
        Err(error) => {
            tracing::error!(%error, "the store cannot be read after costs were not worked out");
            group.forget();
        }
    }
}
