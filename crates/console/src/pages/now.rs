//! The first page: what every agent does now, whom it waits for, and what happens.
//!
//! The page and its live answer are made of the same parts ([`Moment`]), so that what is live cannot
//! differ from what a reload shows.

mod board;
mod feed;
mod first;
mod strip;

pub(crate) use first::test;

use axum::extract::{Query, State};
use axum::http::{StatusCode, Uri};
use futures_util::future::try_join3;
use minijinja::{Value, context};

use crate::app::{App, Shared};
use crate::ask::AskError;
use crate::error::PageError;
use crate::live::After;
use crate::live::regions::Regions;
use crate::page::{Page, shown};
use board::Board;
use feed::{Feed, Filter, ROWS_MAX};
use strip::Strip;

/// Shows what is alive.
pub(crate) async fn page(State(app): Shared, uri: Uri) -> Result<Page, PageError> {
    let mut filter = Filter::of(&uri);
    let newest = app.newest_event().await?;
    if newest == 0 {
        return first::page(&app).await;
    }
    let (moment, feed, options) = try_join3(
        Moment::read(&app),
        Feed::newest(&app, &filter, newest),
        app.runtime.get::<oriel_wire::FilterOptions>("/api/filter-options"),
    )
    .await?;
    filter.pause_at(feed.next);
    let live = filter.keep(Regions::new("/live/now", &After::default(), feed.next)).url();
    let status =
        if feed.problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let shows = context! {
        filter => shown(&filter.fields()),
        problem => feed.problem,
        is_filtered => filter.is_any(),
        is_paused => filter.is_paused(),
        resume => filter.resume(),
        pause => filter.pause(),
        options => shown(&options),
        rows => shown(&feed.rows),
        rows_max => ROWS_MAX,
        cards => shown(&moment.board.cards),
        ..moment.shows()
    };
    Ok(Page::new("now", "Live", shows).status(status).live(live))
}

/// Answers what changed on the page since it was made.
pub(crate) async fn live(
    State(app): Shared,
    Query(after): Query<After>,
    uri: Uri,
) -> Result<Page, PageError> {
    let filter = Filter::of(&uri);
    // One more than are shown, which tells whether some are left out.
    let news = app.news(&after, ROWS_MAX + 1).await?;
    if news.last == 0 && !news.is_other {
        return Ok(Page::new("now", "", context! {}).regions(Regions::new("/live/now", &after, 0)));
    }
    if after.after == Some(0) || news.is_other && news.last == 0 {
        return Ok(first::over());
    }
    let (moment, feed) = futures_util::future::try_join(
        Moment::read(&app),
        Feed::after(&app, &filter, &after, news),
    )
    .await?;
    let regions = filter.keep(moment.regions(Regions::new("/live/now", &after, feed.next)));
    Ok(Page::new("now", "", context! {}).regions(feed.regions(regions)))
}

/// What stands on the page besides its feed.
struct Moment {
    board: Board,
    strip: Strip,
}

impl Moment {
    async fn read(app: &App) -> Result<Self, AskError> {
        let (board, strip) =
            futures_util::future::try_join(Board::read(app), Strip::read(app)).await?;
        Ok(Self { board, strip })
    }

    fn shows(&self) -> Value {
        context! {
            strip => shown(&self.strip),
            live => self.board.live().map_or(self.strip.live_sessions, |live| live as u64),
            waiting => self.board.waiting(),
        }
    }

    fn regions(&self, regions: Regions) -> Regions {
        let cards = self.board.cards.iter();
        let cards = cards.map(|card| (card.key.clone(), context! { card => shown(card) }));
        regions
            .part("strip", "now/strip", self.shows())
            .part("limits", "now/limits", self.shows())
            .list("cards", "now/card", cards)
    }
}
