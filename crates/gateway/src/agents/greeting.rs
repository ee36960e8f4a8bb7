//! How an agent is greeted: both say what they can do, the person is known to it, and a session begins
//! or goes on.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use agent_client_protocol::schema::ProtocolVersion;
use agent_client_protocol::v1::ConnectionTo;
use agent_client_protocol::v1::schema::{
    AgentCapabilities, AuthMethod, AuthenticateRequest, ClientCapabilities,
    ElicitationCapabilities, ElicitationFormCapabilities, FileSystemCapabilities, Implementation,
    InitializeRequest, InitializeResponse, LoadSessionRequest, NewSessionRequest,
    ResumeSessionRequest,
};
use agent_client_protocol::{
    Agent, Error, ErrorCode, JsonRpcMessage, UntypedMessage, is_incoming_transport_closed,
};
use serde_json::Value;

use super::driver::{End, Role};
use super::requests::Desk;

/// How long it may take to let a person in who has a key. Longer means that it waits for somebody.
const LET_IN_WITHIN: Duration = Duration::from_secs(20);

/// How long it may take to begin a session, or to tell one again that it goes on with.
const BEGUN_WITHIN: Duration = Duration::from_secs(120);

/// An agent that has told nothing for this long has told again all that it will.
const QUIET_FOR: Duration = Duration::from_millis(300);

/// How long is waited for that.
const SETTLED_WITHIN: Duration = Duration::from_secs(10);

/// An agent that was greeted.
#[derive(Debug)]
pub(super) struct Greeted {
    /// Its own name for the session.
    pub(super) session: String,
    /// Whether that is the one that it was to go on with.
    pub(super) has_resumed: bool,
}

/// Greets an agent.
pub(super) async fn greet(
    agent: &ConnectionTo<Agent>,
    role: &Role,
    workspace: &Path,
    desk: &Arc<Desk>,
) -> Result<Greeted, End> {
    let hello = initialize(agent, role.greeted_within).await?;
    desk.telling().is_replay = true;
    if let Some(session) = &role.resume {
        match go_on(agent, &hello.agent_capabilities, session, workspace).await {
            Ok(Some(answer)) => {
                settle(desk).await;
                desk.telling().meter.model_of_session(&answer);
                return Ok(Greeted { session: session.clone(), has_resumed: true });
            }
            Ok(None) => {}
            Err(error) if is_incoming_transport_closed(&error) => return Err(End::Gone),
            Err(error) => tracing::info!(%error, "an agent cannot go on with its session"),
        }
    }
    let answer = match begin(agent, workspace).await {
        Err(error) if is_login_wanted(&error) => {
            log_in(agent, &hello).await;
            begin(agent, workspace).await
        }
        other => other,
    };
    let answer = answer.map_err(|error| failed(&error, role))?;
    let session = answer.get("sessionId").and_then(Value::as_str);
    let session =
        session.ok_or_else(|| End::Useless("it began a session without a name".into()))?;
    desk.telling().meter.model_of_session(&answer);
    Ok(Greeted { session: session.to_owned(), has_resumed: false })
}

async fn initialize(
    agent: &ConnectionTo<Agent>,
    within: Duration,
) -> Result<InitializeResponse, End> {
    let files = FileSystemCapabilities::new().read_text_file(true).write_text_file(true);
    let form = ElicitationCapabilities::new().form(ElicitationFormCapabilities::new());
    let can = ClientCapabilities::new().fs(files).terminal(true).elicitation(form);
    let hello = InitializeRequest::new(ProtocolVersion::V1)
        .client_capabilities(can)
        .client_info(Implementation::new("oriel", env!("CARGO_PKG_VERSION")));
    let answer = agent.send_request(hello).block_task();
    match tokio::time::timeout(within, answer).await {
        Ok(Ok(answer)) if answer.protocol_version == ProtocolVersion::V1 => Ok(answer),
        Ok(Ok(answer)) => Err(End::Useless(format!(
            "it speaks version {} of the Agent Client Protocol, and Oriel speaks 1; update one of them",
            answer.protocol_version
        ))),
        Ok(Err(error)) if is_incoming_transport_closed(&error) => Err(End::Gone),
        Ok(Err(error)) => Err(End::Useless(format!("it refuses the greeting: {}", words(&error)))),
        Err(_) => Err(End::Useless(format!(
            "it did not answer within {} s; run its command by hand to see whether it speaks the Agent \
             Client Protocol",
            within.as_secs()
        ))),
    }
}

/// Goes on with a session. None where the agent cannot.
async fn go_on(
    agent: &ConnectionTo<Agent>,
    can: &AgentCapabilities,
    session: &str,
    workspace: &Path,
) -> Result<Option<Value>, Error> {
    if can.session_capabilities.resume.is_some() {
        let request = ResumeSessionRequest::new(session.to_owned(), workspace);
        match ask(agent, &request).await {
            // Some agents say that they can and do not know the word.
            Err(error) if error.code == ErrorCode::METHOD_NOT_FOUND => {}
            answer => return answer.map(Some),
        }
    }
    if !can.load_session {
        return Ok(None);
    }
    ask(agent, &LoadSessionRequest::new(session.to_owned(), workspace)).await.map(Some)
}

/// Waits until an agent has told all of a session that it goes on with. Some answer before they have.
async fn settle(desk: &Desk) {
    let quiet = async {
        let mut seen = desk.telling().updates;
        loop {
            tokio::time::sleep(QUIET_FOR).await;
            let now = desk.telling().updates;
            if now == seen {
                return;
            }
            seen = now;
        }
    };
    // An agent that never is quiet is as good as one that is.
    _ = tokio::time::timeout(SETTLED_WITHIN, quiet).await;
}

async fn begin(agent: &ConnectionTo<Agent>, workspace: &Path) -> Result<Value, Error> {
    ask(agent, &NewSessionRequest::new(workspace)).await
}

/// Tries the ways in that need nobody: those with a key, which the agent finds in its environment or its
/// own files.
async fn log_in(agent: &ConnectionTo<Agent>, hello: &InitializeResponse) {
    let ways = hello.auth_methods.iter().filter_map(|way| match way {
        AuthMethod::Agent(way) => Some(&way.id),
        _ => None,
    });
    let with_key = ways.filter(|id| {
        let name = id.to_string().to_ascii_lowercase();
        name.contains("key") || name == "openai"
    });
    for id in with_key {
        let asked = agent.send_request(AuthenticateRequest::new(id.clone())).block_task();
        match tokio::time::timeout(LET_IN_WITHIN, asked).await {
            Ok(Ok(_)) => return,
            // The session that is asked for next tells what is wrong.
            Ok(Err(error)) => tracing::info!(%error, way = %id, "an agent does not let us in"),
            Err(_) => tracing::info!(way = %id, "an agent does not say whether it lets us in"),
        }
    }
}

async fn ask(agent: &ConnectionTo<Agent>, request: &impl JsonRpcMessage) -> Result<Value, Error> {
    let request: UntypedMessage = request.to_untyped_message()?;
    let method = request.method.clone();
    match tokio::time::timeout(BEGUN_WITHIN, agent.send_request(request).block_task()).await {
        Ok(answer) => answer,
        Err(_) => Err(Error::new(-32603, format!("it did not answer {method} within 120 s"))),
    }
}

fn failed(error: &Error, role: &Role) -> End {
    if is_incoming_transport_closed(error) {
        return End::Gone;
    }
    if is_login_wanted(error) {
        return End::Useless(format!(
            "it wants to know who you are ({}); log in with its own program first: {}",
            words(error),
            role.hint
        ));
    }
    End::Useless(format!("it begins no session: {}", words(error)))
}

pub(super) fn is_login_wanted(error: &Error) -> bool {
    error.code == ErrorCode::AUTH_REQUIRED
}

/// Returns what an agent says went wrong.
pub(super) fn words(error: &Error) -> String {
    const LETTERS_MAX: usize = 2000;

    let more = match &error.data {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Object(fields)) => ["details", "message", "error", "reason"]
            .iter()
            .find_map(|name| fields.get(*name)?.as_str().map(str::to_owned))
            .or_else(|| Some(Value::Object(fields.clone()).to_string())),
        _ => None,
    };
    let told = match more {
        Some(more) if more != error.message => format!("{}: {more}", error.message),
        _ => error.message.clone(),
    };
    super::tail::plain(&told).chars().take(LETTERS_MAX).collect()
}
