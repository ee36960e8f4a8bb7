//! Blocks of five hours, by which some plans count: one begins at the whole hour (UTC) of its first
//! usage, and what is used after its end begins another one.

use oriel_store::UsageRow;
use oriel_wire::time::rfc3339;
use oriel_wire::{Block, BlockLimit, Pace};

use super::{Group, Wanted, count};
use crate::config::{UsageLimit, UsageUnit};

const HOUR: i64 = 3600;

/// The length of a block, in seconds.
const LENGTH: i64 = 5 * HOUR;

/// Usage is known to a quarter of an hour, so a pace over less would be made up.
const PACE_OVER_MIN: i64 = 60;

/// Returns the blocks and the gaps between them, oldest first. The rows come by time.
pub(super) fn blocks(wanted: &Wanted, used: &[UsageRow]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut end = i64::MIN;
    for used in used {
        if groups.is_empty() || end <= used.first {
            let start = used.first.div_euclid(HOUR) * HOUR;
            if !groups.is_empty() && end < start {
                groups.push(gap(end, start));
            }
            end = start + LENGTH;
            groups
                .push(Group { block: Some(block(start, end)), ..Group::new(rfc3339(start), used) });
        }
        if let Some(group) = groups.last_mut() {
            group.add(used);
        }
    }
    if let Some(last) = groups.last_mut()
        && (last.first..end).contains(&wanted.now)
    {
        let pace = pace(last, end, wanted.now);
        let start = end - LENGTH;
        let within = &used[used.partition_point(|used| used.first < start)..];
        let limits = wanted.limits.iter().filter(|limit| is_of_block(limit));
        let limits = limits.filter_map(|limit| limit_state(limit, within, end, wanted.now));
        if let Some(block) = &mut last.block {
            (block.is_active, block.pace) = (true, Some(pace));
            block.limits = limits.collect();
        }
    }
    if let Some(since) = wanted.since {
        let since = rfc3339(since);
        // Times of this form stand in their own order.
        groups.retain(|group| group.block.as_ref().is_none_or(|block| since < block.ends_at));
        let opens_with_gap = |group: &Group| group.block.as_ref().is_some_and(|block| block.is_gap);
        if groups.first().is_some_and(opens_with_gap) {
            groups.remove(0);
        }
    }
    groups
}

fn block(start: i64, end: i64) -> Block {
    Block { starts_at: rfc3339(start), ends_at: rfc3339(end), ..Block::default() }
}

fn gap(start: i64, end: i64) -> Group {
    let block = Block { is_gap: true, ..block(start, end) };
    Group { key: rfc3339(start), first: start, last: end, block: Some(block), ..Group::default() }
}

fn pace(group: &Group, end: i64, now: i64) -> Pace {
    let elapsed = (now - group.first).max(PACE_OVER_MIN) as f64;
    let left = (end - now).max(0);
    let growth = 1.0 + left as f64 / elapsed;
    let tokens = group.sums.tokens() as f64;
    let cost = group.sums.cost_usd();
    Pace {
        tokens_per_minute: round(tokens / elapsed * 60.0),
        usd_per_hour: cost.map(|cost| round(cost / elapsed * HOUR as f64)),
        minutes_left: count(left / 60),
        projected_tokens: (tokens * growth).round() as u64,
        projected_cost_usd: cost.map(|cost| round(cost * growth)),
    }
}

/// Returns whether a limit is one of blocks, and not of some other stretch of time.
fn is_of_block(limit: &UsageLimit) -> bool {
    i64::from(limit.session.hours) * HOUR == LENGTH && limit.session.limit > 0.0
}

/// Returns how far an agent's limit is used up; nothing where the agent used nothing. The rows are those
/// of the block, by time.
fn limit_state(limit: &UsageLimit, within: &[UsageRow], end: i64, now: i64) -> Option<BlockLimit> {
    let mut rows = within.iter().filter(|row| row.agent_type == limit.agent_type).peekable();
    let first = rows.peek()?.first;
    let (mut used, mut reached_at) = (0.0, None);
    let max = limit.session.limit;
    for row in rows {
        used += match limit.unit {
            UsageUnit::Tokens => row.usage.tokens_in.saturating_add(row.usage.tokens_out) as f64,
            UsageUnit::Cost => row.usage.money().dollars(),
        };
        if max <= used {
            reached_at = reached_at.or(Some(row.first));
        }
    }
    let per_second = used / (now - first).max(PACE_OVER_MIN) as f64;
    let is_reached = reached_at.is_some();
    let ahead = || {
        let seconds = (max - used) / per_second;
        // Where nothing is used up, it never is.
        let at =
            now.saturating_add(if seconds.is_finite() { seconds.ceil() as i64 } else { LENGTH });
        (at < end).then_some(at)
    };
    Some(BlockLimit {
        agent_type: limit.agent_type.clone(),
        unit: match limit.unit {
            UsageUnit::Tokens => "tokens".to_owned(),
            UsageUnit::Cost => "cost".to_owned(),
        },
        limit: max,
        used: round(used),
        percent: (used / max * 1e4).round() / 100.0,
        per_hour: round(per_second * HOUR as f64),
        is_reached,
        reached_at: reached_at.or_else(ahead).map(rfc3339),
    })
}

/// Returns an estimate to as many places as it can be worth.
fn round(number: f64) -> f64 {
    (number * 1e4).round() / 1e4
}
