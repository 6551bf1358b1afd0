//! The start page: what the hub holds, and where it leads.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value as Json, json};

use crate::error::Fault;
use crate::http::Hub;
use crate::http::embed::render;
use crate::http::execution::Asker;
use crate::http::operations::Transport;
use crate::http::pages::{self, PageLanguage};

/// What the page costs: it counts.
const PAGE_COST: u32 = 1_000;

/// What it shows.
const HOLDINGS: &str = "query HubHoldings {
  organizations { totalCount }
  communities(first: 100) { totalCount nodes { slug displayName language } }
  people { totalCount }
  projects { totalCount }
  items(first: 6) { totalCount nodes { title language url kind publishedAt } }
  topics { totalCount }
}";

/// The route of the page.
pub fn router() -> Router<Hub> {
    Router::new().route("/", get(show))
}

async fn show(
    State(hub): State<Hub>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let language = PageLanguage::of_reader(query.as_deref(), &headers);
    let asker = Asker::of_request(hub.clone(), peer, &headers).recorded(Transport::Embed);
    // Where it leads is right whatever becomes of the numbers.
    let holdings = match holdings(&asker.reading(language.languages()), &headers).await {
        Ok(holdings) => Some(holdings),
        Err(fault) => {
            hub.told(&fault);
            None
        }
    };
    pages::home(hub.has_editor(), language, holdings)
}

async fn holdings(asker: &Asker, headers: &HeaderMap) -> Result<Json, Fault> {
    asker.enter(headers, PAGE_COST)?;
    render::executed(asker, HOLDINGS, json!({})).await
}
