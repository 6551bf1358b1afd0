//! The page on which a reader reports a mistake: what they write reaches the coordinators of the community, whose addresses stay
//! theirs. It works without scripts.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use minijinja::context;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use url::form_urlencoded;

use crate::domain::contact::rules;
use crate::error::{Code, Fault, RefusalCode};
use crate::http::embed::{render, scripts, words};
use crate::http::execution::Asker;
use crate::http::operations::Transport;
use crate::http::pages::{self, PageLanguage};
use crate::http::{Hub, account, body, caller};
use crate::text::messages::Message;

/// The page's address.
const ADDRESS: &str = "report";

/// What the page costs.
const PAGE_COST: u32 = 500;

/// The largest form that is read, in bytes: the longest message, each sign written as twelve.
const MAX_FORM_BYTES: usize = 32 * 1024;

/// What is reported on.
const COMMUNITY: &str = "query ReportCommunity(
  $community: String!, $item: String!, $ofItem: Boolean!, $project: String!, $ofProject: Boolean!
) {
  community(slug: $community) { id slug displayName }
  item(slug: $item) @include(if: $ofItem) { title }
  project(slug: $project) @include(if: $ofProject) { title }
}";

/// How it is sent.
const SEND: &str = "mutation ReportMistake($input: ContactSendInput!) { contactSend(input: $input) { isSent userErrors { code message } } }";

/// What is to be mended before a message is sent.
#[derive(Deserialize)]
struct Problem {
    code: String,
    message: String,
}

/// What the form holds.
#[derive(Clone, Default)]
struct Form {
    community: String,
    item: String,
    project: String,
    body: String,
    reply_to: String,
}

impl Form {
    fn of(bytes: &[u8]) -> Self {
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(bytes) {
            match &*name {
                "community" => form.community = value.into_owned(),
                "item" => form.item = value.into_owned(),
                "project" => form.project = value.into_owned(),
                // Browsers end lines as mail does.
                "body" => form.body = value.replace("\r\n", "\n").trim().to_owned(),
                "reply_to" => form.reply_to = value.trim().to_owned(),
                _ => {}
            }
        }
        form
    }
}

/// The route of the page.
pub fn router() -> Router<Hub> {
    Router::new().route("/report", get(show).post(send))
}

async fn show(
    State(hub): State<Hub>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let page = Page::new(hub, peer, query.as_deref(), &headers);
    // Whoever leads somebody here says what it is about, and nothing in their name.
    let asked = Form::of(query.unwrap_or_default().as_bytes());
    let form = Form { body: String::new(), reply_to: String::new(), ..asked };
    let found = async {
        page.asker.enter(&headers, PAGE_COST)?;
        Ok((page.community(&form).await?, form, None))
    };
    page.answer(found.await)
}

async fn send(
    State(hub): State<Hub>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let page = Page::new(hub, peer, query.as_deref(), &headers);
    let sent = async {
        page.asker.enter(&headers, PAGE_COST)?;
        // Nobody is made to write by a page of somebody else's.
        if !caller::is_own_page(&headers) {
            return Err(Fault::new(Code::Forbidden, Message::new("report-elsewhere")));
        }
        let form = Form::of(&body::read(&headers, body, MAX_FORM_BYTES).await?);
        let community = page.community(&form).await?;
        let refused = page.send(&community, &form).await?;
        Ok((community, form, Some(refused)))
    };
    page.answer(sent.await)
}

/// The page in the reader's language.
struct Page {
    asker: Asker,
    language: PageLanguage,
}

impl Page {
    fn new(hub: Hub, peer: SocketAddr, query: Option<&str>, headers: &HeaderMap) -> Self {
        let language = PageLanguage::of_reader(query, headers);
        let asker = Asker::of_request(hub, peer, headers).recorded(Transport::Embed);
        Self { asker: asker.reading(language.languages()), language }
    }

    /// The community that is reported on, with the title of what it is about, as anybody sees them.
    async fn community(&self, form: &Form) -> Result<Json, Fault> {
        let variables = json!({
            "community": form.community,
            "item": form.item, "ofItem": !form.item.is_empty(),
            "project": form.project, "ofProject": !form.project.is_empty(),
        });
        let data = render::executed(&self.asker, COMMUNITY, variables).await?;
        let title = data.pointer("/item/title").or(data.pointer("/project/title")).cloned();
        let mut community = data.get("community").filter(|community| !community.is_null()).cloned();
        if let (Some(Json::Object(fields)), Some(title)) = (&mut community, title) {
            fields.insert("about".to_owned(), title);
        }
        community.ok_or_else(|| Fault::new(Code::NotFound, Message::new("embed-missing")))
    }

    /// Sends what was written. The answer is what is to be mended; empty: it was sent.
    async fn send(&self, community: &Json, form: &Form) -> Result<Vec<Problem>, Fault> {
        let reply_to = Some(&form.reply_to).filter(|address| !address.is_empty());
        let body = if form.body.is_empty() { String::new() } else { format!("{}{}", heading(community), form.body) };
        let input = json!({ "community": community.get("id"), "body": body, "replyTo": reply_to });
        let data = render::executed(&self.asker, SEND, json!({ "input": input })).await?;
        let problems = data.pointer("/contactSend/userErrors").cloned().unwrap_or_default();
        serde_json::from_value(problems).map_err(|error| Fault::internal("reading what is to be mended", error))
    }

    /// The form; or, once it was sent, that it was, or what is to be mended.
    fn answer(&self, outcome: Result<(Json, Form, Option<Vec<Problem>>), Fault>) -> Response {
        let (community, form, sent) = match outcome {
            Ok(outcome) => outcome,
            Err(fault) => {
                let heading = Message::new("embed-refused-title");
                return account::refusal(&self.asker.hub, self.language, &fault, "", heading);
            }
        };
        let text = |name: &str| community.get(name).and_then(Json::as_str).unwrap_or_default();
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("community", text("slug"));
        for (name, slug) in [("item", &form.item), ("project", &form.project)] {
            if !slug.is_empty() {
                query.append_pair(name, slug);
            }
        }
        let query = query.finish();
        let is_sent = sent.as_ref().is_some_and(Vec::is_empty);
        let problems = sent.unwrap_or_default();
        let status = match problems.first() {
            None => StatusCode::OK,
            Some(problem) if problem.code == RefusalCode::RateLimited.as_ref() => StatusCode::TOO_MANY_REQUESTS,
            Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let problems: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
        let mut response = pages::page(
            self.language,
            "",
            "report.html",
            context! {
                page => ADDRESS, has_editor => self.asker.hub.has_editor(),
                choices => pages::choices_with(ADDRESS, &query),
                name => text("displayName"), slug => text("slug"), about => text("about"), is_sent, problems,
                item => form.item, project => form.project,
                most => rules::MAX_BODY_CHARS.saturating_sub(heading(&community).chars().count()),
                body => form.body, reply_to => form.reply_to,
                style => format!("embed/{}", scripts::address("configurator.css")),
                action => format!("report?{query}&lang={}", self.language.tag()),
            },
        );
        *response.status_mut() = status;
        account::private(response)
    }
}

/// What a message begins with that is about one thing of a community: its title.
fn heading(community: &Json) -> String {
    let title = community.get("about").and_then(Json::as_str);
    title.map(|title| format!("{}\n\n", words::plain(title))).unwrap_or_default()
}
