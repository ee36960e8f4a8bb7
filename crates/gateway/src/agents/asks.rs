//! What an agent asks a person: leave to do something, or words.

use std::collections::BTreeMap;

use agent_client_protocol::v1::schema::{
    CreateElicitationRequest, CreateElicitationResponse, ElicitationAcceptAction,
    ElicitationAction, ElicitationContentValue, ElicitationMode, ElicitationPropertySchema,
    ElicitationScope, EnumOption, PermissionOption, PermissionOptionKind, RequestPermissionOutcome,
    RequestPermissionResponse, SelectedPermissionOutcome,
};
use oriel_wire::gateway::{AnswerOption, OptionKind};
use tokio::sync::{mpsc, oneshot, watch};

use crate::agent::{Asked, Given, News};

/// How many questions one request may hold. One with more is declined.
const QUESTIONS_MAX: usize = 20;

/// Asks people, and knows when nobody has to answer any more.
#[derive(Debug, Clone)]
pub(super) struct Asks {
    news: mpsc::Sender<News>,
    cancelled: watch::Sender<u64>,
}

/// A question that was asked.
pub(super) struct Open {
    answer: oneshot::Receiver<Given>,
    cancelled: watch::Receiver<u64>,
}

impl Asks {
    pub(super) fn new(news: mpsc::Sender<News>) -> Self {
        Self { news, cancelled: watch::Sender::new(0) }
    }

    /// Cancels every question.
    pub(super) fn cancel(&self) {
        self.cancelled.send_modify(|times| *times += 1);
    }

    /// Asks for leave.
    pub(super) async fn permission(
        &self,
        tool_call_id: String,
        prompt: String,
        options: Vec<PermissionOption>,
    ) -> Open {
        let options = options.into_iter().map(|option| AnswerOption {
            id: option.option_id.to_string(),
            label: option.name,
            kind: match option.kind {
                PermissionOptionKind::AllowOnce => OptionKind::AllowOnce,
                PermissionOptionKind::AllowAlways => OptionKind::AllowAlways,
                PermissionOptionKind::RejectOnce => OptionKind::RejectOnce,
                PermissionOptionKind::RejectAlways => OptionKind::RejectAlways,
                _ => OptionKind::Choice,
            },
        });
        self.ask(true, Some(tool_call_id), prompt, options.collect()).await
    }

    /// Asks for what a form asks for, one thing after the other.
    pub(super) async fn form(
        &self,
        request: CreateElicitationRequest,
    ) -> CreateElicitationResponse {
        let ElicitationMode::Form(form) = request.mode else {
            return CreateElicitationResponse::new(ElicitationAction::Decline);
        };
        let tool_call_id = match form.scope {
            ElicitationScope::Session(scope) => scope.tool_call_id.map(|id| id.to_string()),
            _ => None,
        };
        let properties = form.requested_schema.properties;
        if QUESTIONS_MAX < properties.len() {
            return CreateElicitationResponse::new(ElicitationAction::Decline);
        }
        let mut content = BTreeMap::new();
        for (name, schema) in properties {
            let Some(question) = Question::of(&name, schema) else {
                return CreateElicitationResponse::new(ElicitationAction::Decline);
            };
            let prompt = match question.words.as_str() {
                "" => request.message.clone(),
                words if request.message.is_empty() => words.to_owned(),
                words => format!("{}\n{words}", request.message),
            };
            let options = question.options.clone();
            let open = self.ask(false, tool_call_id.clone(), prompt, options).await;
            let Some(given) = open.answer().await else {
                return CreateElicitationResponse::new(ElicitationAction::Cancel);
            };
            if let Some(value) = question.value(given) {
                content.insert(name, value);
            }
        }
        let accepted = ElicitationAcceptAction::new().content(content);
        CreateElicitationResponse::new(ElicitationAction::Accept(accepted))
    }

    async fn ask(
        &self,
        is_permission: bool,
        tool_call_id: Option<String>,
        prompt: String,
        options: Vec<AnswerOption>,
    ) -> Open {
        let (sender, answer) = oneshot::channel();
        let cancelled = self.cancelled.subscribe();
        let asked = Asked { is_permission, tool_call_id, prompt, options, answer: sender };
        // Where nobody listens any more the sender is dropped, which cancels the question.
        _ = self.news.send(News::Asked(asked)).await;
        Open { answer, cancelled }
    }
}

impl Open {
    /// Waits for the answer. None where nobody has to answer any more.
    async fn answer(mut self) -> Option<Given> {
        tokio::select! {
            given = self.answer => given.ok(),
            _ = self.cancelled.changed() => None,
        }
    }

    /// Waits for leave, as the protocol has it.
    pub(super) async fn leave(self) -> RequestPermissionResponse {
        RequestPermissionResponse::new(match self.answer().await {
            Some(Given::Option(id)) => {
                RequestPermissionOutcome::Selected(SelectedPermissionOutcome::new(id))
            }
            Some(Given::Words(_)) | None => RequestPermissionOutcome::Cancelled,
        })
    }
}

/// One thing that a form asks for.
struct Question {
    words: String,
    options: Vec<AnswerOption>,
    kind: Kind,
}

enum Kind {
    Text,
    Integer,
    Number,
    Boolean,
    Several,
}

impl Question {
    fn of(name: &str, schema: ElicitationPropertySchema) -> Option<Self> {
        use ElicitationPropertySchema as Schema;

        let (title, description, options, kind) = match schema {
            Schema::String(it) => {
                let options = match (it.one_of, it.enum_values) {
                    (Some(titled), _) => titled.into_iter().map(titled_choice).collect(),
                    (None, Some(values)) => values.iter().map(|it| choice(it, it)).collect(),
                    (None, None) => Vec::new(),
                };
                (it.title, it.description, options, Kind::Text)
            }
            Schema::Number(it) => (it.title, it.description, Vec::new(), Kind::Number),
            Schema::Integer(it) => (it.title, it.description, Vec::new(), Kind::Integer),
            Schema::Boolean(it) => {
                let options = vec![choice("true", "Yes"), choice("false", "No")];
                (it.title, it.description, options, Kind::Boolean)
            }
            Schema::Array(it) => (it.title, it.description, several(it.items), Kind::Several),
            _ => return None,
        };
        let words = match (title, description) {
            (Some(title), Some(description)) => format!("{title}: {description}"),
            (Some(words), None) | (None, Some(words)) => words,
            (None, None) => name.to_owned(),
        };
        Some(Self { words, options, kind })
    }

    /// Returns an answer as a form has it. None for words that are none.
    fn value(&self, given: Given) -> Option<ElicitationContentValue> {
        let (Given::Option(text) | Given::Words(text)) = given;
        let text = text.trim();
        Some(match self.kind {
            Kind::Text => ElicitationContentValue::String(text.to_owned()),
            Kind::Integer => ElicitationContentValue::Integer(text.parse().ok()?),
            Kind::Number => ElicitationContentValue::Number(text.parse().ok()?),
            Kind::Boolean => ElicitationContentValue::Boolean(text == "true"),
            Kind::Several => ElicitationContentValue::StringArray(vec![text.to_owned()]),
        })
    }
}

fn several(items: agent_client_protocol::v1::schema::MultiSelectItems) -> Vec<AnswerOption> {
    use agent_client_protocol::v1::schema::MultiSelectItems as Items;

    match items {
        Items::String(items) => items.values.iter().map(|it| choice(it, it)).collect(),
        Items::Titled(items) => items.options.into_iter().map(titled_choice).collect(),
        _ => Vec::new(),
    }
}

fn titled_choice(option: EnumOption) -> AnswerOption {
    match option.description {
        Some(more) => choice(&option.value, &format!("{}: {more}", option.title)),
        None => choice(&option.value, &option.title),
    }
}

fn choice(id: &str, label: &str) -> AnswerOption {
    AnswerOption { id: id.to_owned(), label: label.to_owned(), kind: OptionKind::Choice }
}
