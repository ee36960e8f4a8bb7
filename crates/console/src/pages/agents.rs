//! The gateway's sessions: those that wait for a person first, then those at work, then the others, and
//! a form for a new one.

pub(crate) mod act;
pub(crate) mod entry;
pub(crate) mod hold;
pub(crate) mod live;
pub(crate) mod one;
mod part;

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::{Value, context};
use oriel_gateway_client::{ClientError, GatewayClient};
use oriel_wire::gateway::{SessionMeta, SessionState};
use serde::{Deserialize, Serialize};

use self::hold::{Held, Look, digest};
use crate::address::{Address, encode, of_session};
use crate::app::{App, Shared};
use crate::error::PageError;
use crate::form::Form;
use crate::gateway::GatewayError;
use crate::gateway::watch::Of;
use crate::guard::Visitor;
use crate::live::After;
use crate::live::regions::Regions;
use crate::page::{Page, shown};

/// More sessions are not listed; those that changed longest ago are left out, and their number is told.
const ROWS_MAX: usize = 300;

/// The agents that the gateway knows by itself. One of its own file can be named as well; the gateway
/// says which there are where there is none of a name.
const AGENTS: [&str; 13] = [
    "echo", "claude", "codex", "gemini", "qwen", "opencode", "copilot", "goose", "kilo", "cline",
    "auggie", "kimi", "vibe",
];

/// What a list shows.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Asked {
    /// `1` for those that were put away.
    #[serde(default)]
    archived: String,
}

/// What a form for a new session holds.
#[derive(Debug, Default, Serialize)]
struct Given {
    agent: String,
    name: String,
    workspace: String,
}

/// A session as a page shows it.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    url: String,
    /// The same session in the monitor.
    monitor_url: String,
    state: Standing,
    created: i64,
    updated: i64,
    tokens: u64,
    session: SessionMeta,
}

/// How a session stands, in words and in a class of the style sheet.
#[derive(Debug, Clone, Copy, Serialize)]
struct Standing {
    word: &'static str,
    class: &'static str,
    has_turn: bool,
}

/// Shows the sessions.
pub(crate) async fn page(
    State(app): Shared,
    Query(asked): Query<Asked>,
) -> Result<Page, PageError> {
    app.agents_page(&asked, Given::default(), None, StatusCode::OK).await
}

/// Makes a session.
pub(crate) async fn create(
    State(app): Shared,
    Extension(visitor): Extension<Visitor>,
    form: Form,
) -> Result<Response, PageError> {
    let field = |name: &str| form.get(name).unwrap_or_default().to_owned();
    let given = Given { agent: field("agent"), name: field("name"), workspace: field("workspace") };
    let filled = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let made = if given.agent.is_empty() {
        Err(PageError::Bad("say which agent is to work".to_owned()))
    } else {
        let given = &given;
        let made = app.gateway.ask(|gateway| async move {
            let (name, workspace) = (filled(&given.name), filled(&given.workspace));
            gateway.create_session(given.agent.clone(), name, workspace).await
        });
        made.await.map_err(PageError::from)
    };
    match made {
        Ok(session) => {
            let detail = format!("made session {} of {}", session.id, session.agent_type);
            app.audit_agents(&visitor, "/agents", StatusCode::SEE_OTHER, &detail);
            Ok(Redirect::to(&of_agent(&session.id)).into_response())
        }
        Err(error) => {
            app.audit_agents(&visitor, "/agents", error.status(), &error.to_string());
            let status = match &error {
                PageError::Gateway(error) if !error.is_refusal() => error.status(),
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            };
            let (asked, problem) = (Asked::default(), Some(error.to_string()));
            Ok(app.agents_page(&asked, given, problem, status).await?.into_response())
        }
    }
}

/// Shows the sessions anew, once something has happened.
pub(crate) async fn news(
    State(app): Shared,
    Query(after): Query<After>,
    Query(asked): Query<Asked>,
    Query(knows): Query<hold::Knows>,
) -> Result<Page, PageError> {
    let held = app.hold(&after, &knows, &asked).await?;
    let regions = Regions::new("/live/agents", &after, 0).keep("shows", &held.digest());
    let regions = if asked.is_archived() { regions.keep("archived", "1") } else { regions };
    let regions = match held {
        Held::Same { .. } => regions,
        Held::Away { why, .. } => regions.part("agents-away", "agents/away", context! { why }),
        Held::Found { found, .. } => regions
            .part("agents-away", "agents/away", context! { why => "" })
            .part("agents-list", "agents/list", asked.shows(found)),
    };
    Ok(Page::new("live/frame", "", context! { own => true }).regions(regions))
}

impl Look for Asked {
    type Found = Vec<SessionMeta>;

    async fn look(&self, gateway: &GatewayClient) -> Result<(Self::Found, String), ClientError> {
        let sessions = gateway.list_sessions(self.is_archived()).await?;
        let digest = digest_of(&sessions);
        Ok((sessions, digest))
    }

    fn of(&self) -> Of<'_> {
        Of::Sessions
    }

    fn is_new(&self, _: &After, _: &Self::Found) -> bool {
        false
    }
}

/// Returns what tells one list from another.
fn digest_of(sessions: &[SessionMeta]) -> String {
    digest(&sessions.iter().map(hold::lasting).collect::<Vec<_>>())
}

impl Asked {
    fn is_archived(&self) -> bool {
        self.archived == "1"
    }

    /// Returns what the list shows of these sessions.
    fn shows(&self, mut sessions: Vec<SessionMeta>) -> Value {
        if self.is_archived() {
            sessions.retain(|session| session.archived);
        }
        // Those of the same rank stay in their order, the one that changed last first.
        sessions.sort_by_key(|session| std::cmp::Reverse(session.updated_at));
        sessions.sort_by_key(rank);
        let left_out = sessions.len().saturating_sub(ROWS_MAX);
        sessions.truncate(ROWS_MAX);
        let rows: Vec<Row> = sessions.into_iter().map(Row::of).collect();
        context! { rows => shown(&rows), left_out, is_archived => self.is_archived() }
    }
}

impl App {
    async fn agents_page(
        &self,
        asked: &Asked,
        given: Given,
        problem: Option<String>,
        status: StatusCode,
    ) -> Result<Page, PageError> {
        let sessions = match self.gateway.sessions(asked.is_archived()).await {
            Ok(sessions) => sessions,
            Err(GatewayError::Off) => {
                return Ok(Page::new("agents/off", "Agents", context! { is_off => true }));
            }
            Err(error) if error.status() == StatusCode::SERVICE_UNAVAILABLE => {
                let shows = context! { is_off => false, why => error.to_string() };
                return Ok(Page::new("agents/off", "Agents", shows).status(error.status()));
            }
            Err(error) => return Err(error.into()),
        };
        let mut agents: Vec<String> = sessions.iter().map(|it| it.agent_type.clone()).collect();
        agents.extend(AGENTS.map(str::to_owned));
        let mut seen = std::collections::HashSet::new();
        agents.retain(|agent| seen.insert(agent.clone()));
        let shows = digest_of(&sessions);
        let given = Given {
            agent: if given.agent.is_empty() { agents[0].clone() } else { given.agent },
            ..given
        };
        let live = Address::new("/live/agents")
            .with("after", Some(0))
            .with("shows", Some(shows))
            .filled("archived", &asked.archived);
        let page = context! {
            agents, problem, given => shown(&given), own => true, ..asked.shows(sessions)
        };
        Ok(Page::new("agents", "Agents", page).status(status).live(live))
    }

    /// Tells the audit what was asked of the gateway, and what came of it. What a person says to an agent
    /// is not for the audit.
    pub(crate) fn audit_agents(
        self: &Arc<Self>,
        visitor: &Visitor,
        path: &str,
        status: StatusCode,
        detail: &str,
    ) {
        self.audit(visitor, &Method::POST, path, status, detail);
    }
}

impl Row {
    pub(crate) fn of(session: SessionMeta) -> Self {
        let monitored = session.monitor_session.as_deref().unwrap_or(&session.id);
        let usage = &session.usage;
        let tokens = [
            usage.input_tokens,
            usage.output_tokens,
            usage.cache_read_tokens,
            usage.cache_write_tokens,
        ];
        Self {
            url: of_agent(&session.id),
            monitor_url: of_session(monitored),
            state: Standing::of(&session),
            created: session.created_at.div_euclid(1000),
            updated: session.updated_at.div_euclid(1000),
            tokens: tokens.into_iter().fold(0, u64::saturating_add),
            session,
        }
    }
}

impl Standing {
    const fn of(session: &SessionMeta) -> Self {
        let (word, class) = match session.state {
            _ if waits(session) => ("waits for you", "waiting"),
            SessionState::Inactive => ("at rest", "ended"),
            SessionState::Activating => ("starts", "active"),
            SessionState::Ready => ("ready", "idle"),
            SessionState::Running | SessionState::Waiting => ("works", "active"),
            SessionState::Deactivating => ("stops", "idle"),
            SessionState::Error => ("failed", "failed"),
        };
        Self { word, class, has_turn: session.state.has_turn() }
    }
}

/// Returns where a session stands in the list: what waits for a person comes first.
const fn rank(session: &SessionMeta) -> u8 {
    match session.state {
        _ if waits(session) => 0,
        SessionState::Running | SessionState::Waiting | SessionState::Activating => 1,
        _ => 2,
    }
}

const fn waits(session: &SessionMeta) -> bool {
    matches!(session.state, SessionState::Waiting) || session.pending > 0
}

/// Returns the address of the page of a session of the gateway.
pub(crate) fn of_agent(id: &str) -> String {
    format!("/agents/{}", encode(id))
}
