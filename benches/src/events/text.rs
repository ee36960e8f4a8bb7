//! What the events say: who worked, on what, with which tool, in the words of real agents.
//!
//! Texts carry the marks of `template` where events differ. `TAG` is the first half of every
//! `event_id`.

/// The part of a session id that all sessions share.
pub(super) const SESSION_PREFIX: &str = "5d9ce8ef-b38d-44a5-b407-";

const AGENTS: [Agent; 3] = [
    Agent { name: "claude_code", source: "hook", models: ["claude-sonnet-4-5", "claude-opus-4-5"] },
    Agent { name: "codex", source: "otel", models: ["gpt-5.3-codex", "o4-mini"] },
    Agent { name: "gemini_cli", source: "api", models: ["gemini-2.5-pro", "gemini-2.5-flash"] },
];
const PROJECTS: [&str; 8] = [
    "storefront",
    "billing-api",
    "mobile-app",
    "infra",
    "design-system",
    "search",
    "docs-site",
    "data-pipeline",
];
const BRANCHES: [&str; 5] =
    ["main", "feature/checkout", "fix/flaky-tests", "chore/upgrade", "release/2.4"];
/// Sessions differ in agent, model, project and branch; this many combinations occur.
pub(super) const PROFILES: u64 = 240;
/// What an event can be, each as often as it stands here.
pub(super) const KINDS: [Kind; 16] = [
    Kind::Bash,
    Kind::Bash,
    Kind::Bash,
    Kind::Bash,
    Kind::Read,
    Kind::Read,
    Kind::Edit,
    Kind::Edit,
    Kind::Write,
    Kind::Grep,
    Kind::Failure,
    Kind::Prompt,
    Kind::Request,
    Kind::Request,
    Kind::Response,
    Kind::Response,
];
struct Agent {
    name: &'static str,
    source: &'static str,
    models: [&'static str; 2],
}

/// What an event tells of.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Bash,
    Read,
    Edit,
    Write,
    Grep,
    Failure,
    Prompt,
    Request,
    Response,
}

/// The names that a filter finds among the events made here.
pub(crate) mod known {
    pub(crate) const AGENT: &str = "claude_code";
    pub(crate) const EVENT_TYPE: &str = "llm_request";
    pub(crate) const TOOL: &str = "Bash";
    pub(crate) const BRANCH: &str = "main";
    pub(crate) const MODEL: &str = "claude-sonnet-4-5";
    pub(crate) const SOURCE: &str = "hook";
}

/// The JSON of one kind of event in one kind of session, with marks.
pub(super) fn text(profile: u64, kind: Kind, timed: bool) -> String {
    let agent = &AGENTS[profile as usize % AGENTS.len()];
    let project = PROJECTS[profile as usize / 3 % PROJECTS.len()];
    let branch = BRANCHES[profile as usize % BRANCHES.len()];
    let model = agent.models[profile as usize / 24 % 2];
    let time = if timed { r#""client_timestamp":"~~~~~~~~~~~~~~~~~~~~~~~~","# } else { "" };
    let ids =
        format!(r#""event_id":"TAG@@@@@@@@@@@@@@@@","session_id":"{SESSION_PREFIX}############""#);
    let origin = format!(r#""agent_type":"{}","source":"{}""#, agent.name, agent.source);
    let place = format!(r#""project":"{project}","branch":"{branch}""#);
    let details = details(kind, project, model);
    format!("{{{ids},{origin},{place},{time}{details}}}")
}

/// What was done: type, tool, usage and metadata.
fn details(kind: Kind, project: &str, model: &str) -> String {
    let tool = |name: &str, metadata: &str| {
        format!(
            r#""event_type":"tool_use","tool_name":"{name}","status":"success","duration_ms":%%%,"metadata":{{"tool_use_id":"toolu_01Bench$$$$",{metadata}}}"#
        )
    };
    let path = format!("/home/dev/work/{project}/src/features/module_$$$$/handler.ts");
    match kind {
        Kind::Bash => tool(
            "Bash",
            r#""command":"npm run test -- --filter feature_$$$$ --reporter dot","description":"Run the tests of one feature""#,
        ),
        Kind::Read => tool("Read", &format!(r#""file_path":"{path}","limit":200"#)),
        Kind::Edit => {
            tool("Edit", &format!(r#""file_path":"{path}","lines_added":12,"lines_removed":5"#))
        }
        Kind::Write => {
            tool("Write", &format!(r#""file_path":"{path}","lines_added":48,"lines_removed":0"#))
        }
        Kind::Grep => tool(
            "Grep",
            &format!(r#""pattern":"createOrder_$$$$","path":"/home/dev/work/{project}/src""#),
        ),
        Kind::Failure => String::from(
            r#""event_type":"error","tool_name":"Bash","status":"error","duration_ms":%%%,"metadata":{"command":"npm run build -- --scope package_$$$$","error":"exit status 1: type check failed in module_$$$$"}"#,
        ),
        Kind::Prompt => format!(
            r#""event_type":"user_prompt","metadata":{{"message":"Please look at module_$$$$ in {project}: the retry after a timeout seems to send the order twice."}}"#
        ),
        Kind::Request => format!(
            r#""event_type":"llm_request","model":"{model}","tokens_in":&&&&,"tokens_out":^^^,"cache_read_tokens":&&&&,"cache_write_tokens":^^^,"duration_ms":%%%,"metadata":{{"request_id":"req_011Bench$$$$","stop_reason":"tool_use","speed":"standard","attempt":1,"query_source":"main_thread"}}"#
        ),
        Kind::Response => format!(
            r#""event_type":"llm_response","model":"{model}","tokens_in":&&&&,"tokens_out":^^^,"duration_ms":%%%,"metadata":{{"content_preview":"The order is sent twice since module_$$$$ retries before the first answer is read. I will make it wait."}}"#
        ),
    }
}
