//! What is executed for each delivery, and the messages that come of it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Request, Variables};
use futures_util::{FutureExt, StreamExt};
use serde_json::json;
use uuid::Uuid;

use crate::changes::Told;
use crate::changes::cursor::Cursor;
use crate::changes::routes::Filter;
use crate::db::backoff::Backoff;
use crate::db::listing;
use crate::db::log::ChangeAction;
use crate::domain::item::store::Items;
use crate::error::{Code, Fault};
use crate::graph::live::{Delivery, What};
use crate::graph::scope::Scope;
use crate::http::execution::{Asker, Short};
use crate::policy::NodeKind;

/// How long a delivery waits for a database that is away before it tries again: at first, and at the longest.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));

/// A finished message.
#[derive(Debug)]
pub struct Frame {
    /// Its place in the log.
    pub cursor: Cursor,
    /// The result of the execution, as JSON.
    pub payload: String,
    /// How far the log was known before anything was read for it.
    pub read_at: i64,
    /// What it tells; null: a bookmark.
    pub told: Option<Told>,
}

/// What is executed for each delivery.
pub struct Operation {
    /// Who follows.
    pub asker: Asker,
    /// What it is called; null: it has no name.
    pub name: Option<String>,
    /// The subscription, with one root field.
    pub document: ExecutableDocument,
    /// The values of its variables.
    pub variables: Variables,
    /// What is followed.
    pub what: What,
    /// How many deliveries are executed at once.
    pub at_once: usize,
}

impl Operation {
    /// What of the log can concern it.
    pub fn filter(&self) -> Filter {
        match &self.what {
            What::Changes(filter) => filter.clone(),
            What::Items(_) => Filter {
                kinds: Some(vec![NodeKind::Item.as_ref().to_owned()]),
                actions: Some(vec![
                    ChangeAction::Published.as_ref().to_owned(),
                    ChangeAction::Released.as_ref().to_owned(),
                ]),
                ..Filter::default()
            },
        }
    }

    /// The messages of changes, in their order. A database that is away is waited for: nothing is lost to it. An error says
    /// that whoever follows is not known any more.
    pub async fn frames(&self, epoch: Uuid, told: Vec<Told>) -> Result<Vec<Arc<Frame>>, Fault> {
        let mut frames = Vec::new();
        for told in told.chunks(self.at_once) {
            frames.extend(self.frames_of(epoch, told).await?);
        }
        Ok(frames)
    }

    /// Whether whoever follows is known still. A database that is away says nothing against it.
    pub async fn require_known(&self) -> Result<(), Fault> {
        match self.asker.current().await {
            Err(fault) if fault.code() == Code::Unauthenticated => Err(fault),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    async fn frames_of(&self, epoch: Uuid, told: &[Told]) -> Result<Vec<Arc<Frame>>, Fault> {
        let mut backoff = BACKOFF;
        loop {
            let attempt = AssertUnwindSafe(self.attempt(epoch, told)).catch_unwind();
            match tokio::time::timeout(self.asker.hub.operation_within(), attempt).await {
                Ok(Ok(Ok(frames))) => return Ok(frames),
                Ok(Ok(Err(fault))) if fault.code() == Code::Unauthenticated => return Err(fault),
                Ok(Ok(Err(fault))) => tracing::warn!(cause = fault.cause(), "a delivery waits"),
                Ok(Err(_)) => {
                    let fault = Fault::internal("executing a delivery", "a resolver panicked");
                    return Ok(self.failed(epoch, told, &fault));
                }
                Err(_) => return Ok(self.failed(epoch, told, &self.asker.too_slow())),
            }
            backoff.pause().await;
        }
    }

    /// Messages that say that they could not be made; the cursor moves on all the same.
    fn failed(&self, epoch: Uuid, told: &[Told], fault: &Fault) -> Vec<Arc<Frame>> {
        let payload = json!({ "data": null, "errors": [self.asker.error_of(fault)] }).to_string();
        let read_at = self.asker.hub.tail().applied().position;
        let failed = |told: &Told| {
            let cursor = told.cursor(epoch);
            Arc::new(Frame { cursor, payload: payload.clone(), read_at, told: Some(told.clone()) })
        };
        told.iter().map(failed).collect()
    }

    async fn attempt(&self, epoch: Uuid, told: &[Told]) -> Result<Vec<Arc<Frame>>, Fault> {
        let _turns = self.asker.hub.live_turn().await?;
        // Read once for all of them, from now on, with the rights of this moment.
        let asker = self.asker.current().await?;
        let scope = asker.scope(None);
        let read_at = scope.applied().position;
        let mut wanted: Vec<&Told> = told.iter().collect();
        if let What::Items(filter) = &self.what {
            let mut conn = asker.hub.db().connection().await?;
            let ids = told.iter().map(|told| told.entry.node_id).collect();
            let matching = listing::matching::<Items>(&mut conn, &asker.viewer, filter, ids).await?;
            wanted.retain(|told| matching.contains(&told.entry.node_id));
        }
        let deliveries =
            wanted.iter().map(|told| self.execute(&scope, Delivery::new(told.cursor(epoch), Some((*told).clone()))));
        // Tokio's budget would pause the resolvers after 128 loads and so split their batches.
        let responses = tokio::task::unconstrained(futures_util::future::join_all(deliveries)).await;
        asker.note_readings(&scope, self.name.as_deref()).await?;
        let mut frames = Vec::new();
        for (response, told) in responses.iter().zip(wanted) {
            let payload = self.payload(response)?;
            let cursor = told.cursor(epoch);
            frames.push(Arc::new(Frame { cursor, payload, read_at, told: Some(told.clone()) }));
        }
        Ok(frames)
    }

    /// A message without a change.
    pub async fn bookmark(&self, cursor: Cursor) -> Frame {
        let scope = self.asker.scope(None);
        let response = self.execute(&scope, Delivery::new(cursor, None)).await;
        // A bookmark reads nothing that could be away.
        let payload = self.payload(&response).unwrap_or_default();
        Frame { cursor, payload, read_at: scope.applied().position, told: None }
    }

    async fn execute(&self, scope: &Scope, delivery: Delivery) -> async_graphql::Response {
        let request = request(&self.document, &self.variables).data(scope.clone()).data(delivery);
        let mut responses = self.asker.hub.schema().execute_stream(request);
        responses.next().await.unwrap_or_default()
    }

    /// The result as JSON; an error when the database was away, so that it has to be made again.
    fn payload(&self, response: &async_graphql::Response) -> Result<String, Fault> {
        let faults = response.errors.iter().filter_map(|error| error.source.as_ref()?.downcast_ref::<Fault>());
        if let Some(away) = faults.into_iter().find(|fault| fault.code() == Code::ServiceUnavailable) {
            return Err(away.clone());
        }
        let body = match self.asker.written(response, None) {
            Ok(body) | Err(Short::Partial(body)) => body,
            Err(short) => {
                let errors = self.asker.errors_of(short).unwrap_or_default();
                return Ok(json!({ "data": null, "errors": errors }).to_string());
            }
        };
        String::from_utf8(body.into()).map_err(|error| Fault::internal("writing a delivery", error))
    }
}

/// A request of a document that was parsed before.
pub fn request(document: &ExecutableDocument, variables: &Variables) -> Request {
    let mut request = Request::new("").variables(variables.clone());
    request.set_parsed_query(document.clone());
    request
}
