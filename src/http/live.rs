//! What is followed: subscribers that ask for the same are a group, for which each change is executed once.
//!
//! A group follows the log from the moment it is made and keeps a window of finished messages. A subscriber pulls: whoever
//! is within the window takes its messages, whoever is behind it catches up alone from the table and then joins. Slow
//! subscribers cost a cursor, and nothing here is needed to come back after a cut.
//!
//! **Invariant:** viewers are merged only where they are equal, so nobody is given what was made for somebody else's eyes.
//!
//! **Invariant:** a message made before the last entry that took something from somebody is not given: it is made again,
//! or its subscriber catches up.

use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Request, Variables};
use futures_util::{FutureExt, StreamExt};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use uuid::Uuid;

use crate::changes::Told;
use crate::changes::cursor::Cursor;
use crate::changes::follow::Follow;
use crate::changes::routes::Filter;
use crate::db::listing;
use crate::db::log::ChangeAction;
use crate::domain::item::store::Items;
use crate::error::{Code, Fault};
use crate::graph::limits;
use crate::graph::live::{self, Delivery, Opening, Slot, What};
use crate::graph::scope::Scope;
use crate::http::execution::{self, ANSWER_WITHIN, Asker, Prepared, Short};
use crate::http::kept::Asked;
use crate::policy::NodeKind;
use crate::text::messages::Message;

/// How often a subscriber who wants bookmarks has the cursor moved; the contract promises 30 seconds.
const BOOKMARK_EVERY: Duration = Duration::from_secs(15);

/// The most groups at once: each executes every change that it follows.
const MAX_GROUPS: usize = 2_000;

/// The most that the window of one group holds, in bytes: about 600 messages of seven fields.
const MAX_WINDOW_BYTES: usize = 256 * 1024;

/// How many messages of a window are made again when something is taken from somebody; older ones are forgotten.
const REMADE: usize = 64;

/// How long a delivery waits for a database that is away before it tries again: at first, and at the longest.
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// The groups of this process.
#[derive(Default)]
pub struct Live {
    groups: Mutex<HashMap<Asked, Weak<Group>>>,
}

/// A finished message.
#[derive(Debug)]
pub struct Frame {
    /// Its place in the log.
    pub cursor: Cursor,
    /// The result of the execution, as JSON.
    pub payload: String,
    /// How far the log was known before anything was read for it.
    read_at: i64,
    /// What it tells; null: a bookmark.
    told: Option<Told>,
}

/// What is executed for each delivery.
struct Operation {
    asker: Asker,
    document: ExecutableDocument,
    variables: Variables,
    what: What,
    /// How many deliveries are executed at once.
    at_once: usize,
}

struct Group {
    operation: Operation,
    epoch: Uuid,
    window: Mutex<Window>,
    moved: watch::Sender<()>,
    task: OnceLock<AbortHandle>,
}

struct Window {
    /// The messages after this position are kept.
    from: i64,
    /// The log was looked at up to here.
    through: i64,
    frames: VecDeque<Arc<Frame>>,
    bytes: usize,
    bookmark: Option<Arc<Frame>>,
    ended: Option<Fault>,
}

/// What a group has for a subscriber.
enum Next {
    Frame(Arc<Frame>),
    Wait,
    Behind,
    Ended(Fault),
}

/// Somebody who follows.
pub struct Subscriber {
    group: Arc<Group>,
    moved: watch::Receiver<()>,
    position: i64,
    /// When the next bookmark is due; null: none are wanted.
    bookmark_at: Option<Instant>,
    /// The way of its own while it is behind the group, what it found there and how far it looked.
    behind: Option<Box<Follow>>,
    found: VecDeque<Arc<Frame>>,
    looked_through: Option<i64>,
}

/// Begins to follow. `last` is the id of the last event of a client that comes back; it overrides the cursor in the
/// document.
pub async fn open(asker: &Asker, prepared: Prepared, last: Option<String>) -> Result<Subscriber, Short> {
    let name = prepared.request.operation_name.as_deref();
    let document = live::with_one_root_field(&prepared.document, name)
        .map_err(|fault| Short::Unexecuted(vec![asker.error_of(&fault)]))?;
    let variables = prepared.request.variables;
    let opening = opening(asker, &document, &variables).await?;
    let after = last.or(opening.after);
    let after = after.as_deref().map(Cursor::read).transpose()?;
    // Judges the cursor, and says where the present is.
    let tail = asker.hub.tail();
    let at = Follow::open(tail, asker.viewer.clone(), after, Filter::default()).await?.cursor();
    let key = key_of(asker, &prepared.request.query, name, &document, &variables)?;
    let at_once = limits::at_once(&document, &variables);
    let operation = Operation { asker: asker.clone(), document, variables, what: opening.what, at_once };
    let group = asker.hub.live().join(key, operation)?;
    Ok(Subscriber {
        moved: group.moved.subscribe(),
        group,
        position: at.position,
        bookmark_at: opening.bookmarks.then(|| Instant::now() + BOOKMARK_EVERY),
        behind: None,
        found: VecDeque::new(),
        looked_through: None,
    })
}

/// What the root field asks for. Executes the document once, without a delivery.
async fn opening(asker: &Asker, document: &ExecutableDocument, variables: &Variables) -> Result<Opening, Short> {
    let slot = Slot::default();
    let request = request(document, variables).data(asker.scope()).data(slot.clone());
    let mut responses = asker.hub.schema().execute_stream(request);
    while let Some(response) = responses.next().await {
        let ran = response.errors.iter().all(|error| !error.path.is_empty());
        let errors: Vec<Value> = response.errors.iter().map(|error| asker.server_error(error, ran)).collect();
        if !errors.is_empty() {
            return Err(Short::Unexecuted(errors));
        }
    }
    let opening = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    opening.ok_or_else(|| Fault::internal("opening a subscription", "its field was not resolved").into())
}

fn request(document: &ExecutableDocument, variables: &Variables) -> Request {
    let mut request = Request::new("").variables(variables.clone());
    request.set_parsed_query(document.clone());
    request
}

/// What subscribers have to have in common to be a group. The cursor that each begins after is left out where a variable
/// holds it and nothing else.
fn key_of(
    asker: &Asker,
    query: &str,
    name: Option<&str>,
    document: &ExecutableDocument,
    variables: &Variables,
) -> Result<Asked, Fault> {
    let mut variables = serde_json::to_value(variables).unwrap_or_default();
    if let Some(variable) = live::after_variable(document)
        && let Some(values) = variables.as_object_mut()
        // Its definition and its use; what stands in a text or a comment only makes a group more.
        && query.split('$').skip(1).filter(|rest| begins_with_name(rest, &variable)).count() == 2
    {
        values.remove(&variable);
    }
    let wanted: Vec<&str> = asker.languages.wanted().iter().map(AsRef::as_ref).collect();
    let asked = Asked::digest(&(query, name, variables, wanted, asker.viewer.actor()));
    asked.ok_or_else(|| Fault::internal("opening a subscription", "what was asked cannot be written down"))
}

fn begins_with_name(text: &str, name: &str) -> bool {
    let goes_on = |rest: &str| rest.starts_with(|next: char| next == '_' || next.is_ascii_alphanumeric());
    text.strip_prefix(name).is_some_and(|rest| !goes_on(rest))
}

impl Live {
    /// The group of those who ask for the same, made for the first of them.
    fn join(&self, key: Asked, operation: Operation) -> Result<Arc<Group>, Fault> {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(group) = groups.get(&key).and_then(Weak::upgrade)
            && group.window().ended.is_none()
        {
            return Ok(group);
        }
        if groups.len() >= MAX_GROUPS {
            groups.retain(|_, group| group.strong_count() > 0);
        }
        if groups.len() >= MAX_GROUPS {
            return Err(Fault::new(Code::TooManySubscriptions, Message::new("subscription-too-many")));
        }
        let asker = &operation.asker;
        let follow = Follow::from_now_on(asker.hub.tail(), asker.viewer.clone(), operation.filter());
        let Cursor { epoch, position } = follow.cursor();
        let window = Window {
            from: position,
            through: position,
            frames: VecDeque::new(),
            bytes: 0,
            bookmark: None,
            ended: None,
        };
        let group = Arc::new(Group {
            operation,
            epoch,
            window: Mutex::new(window),
            moved: watch::Sender::new(()),
            task: OnceLock::new(),
        });
        let task = tokio::spawn(advance(Arc::downgrade(&group), follow));
        // It is set once, here.
        let _ = group.task.set(task.abort_handle());
        groups.insert(key, Arc::downgrade(&group));
        Ok(group)
    }
}

/// Executes what a group follows until nobody is left in it.
async fn advance(group: Weak<Group>, mut follow: Follow) {
    loop {
        let chunk = follow.next().await;
        let Some(group) = group.upgrade() else { return };
        match chunk {
            Ok(chunk) => {
                group.remake().await;
                let frames = group.operation.frames(group.epoch, chunk.told).await;
                group.push(frames, chunk.through.position);
            }
            Err(fault) => {
                group.window().ended = Some(fault);
                group.moved.send_replace(());
                return;
            }
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

impl Group {
    fn window(&self) -> MutexGuard<'_, Window> {
        // Nothing that holds the lock can panic in the middle of a change.
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a message may be given: nothing was taken from anybody since it was made.
    fn is_fresh(&self, frame: &Frame) -> bool {
        let narrowed = self.operation.asker.hub.tail().narrowed();
        narrowed.epoch == self.epoch && frame.read_at >= narrowed.position
    }

    fn next(&self, position: i64) -> Next {
        let window = self.window();
        if let Some(fault) = &window.ended {
            return Next::Ended(fault.clone());
        }
        if position < window.from {
            return Next::Behind;
        }
        let first = window.frames.partition_point(|frame| frame.cursor.position <= position);
        match window.frames.get(first) {
            // What is not fresh is made again at the group's next step, which is due.
            Some(frame) if self.is_fresh(frame) => Next::Frame(frame.clone()),
            Some(_) | None => Next::Wait,
        }
    }

    fn push(&self, frames: Vec<Arc<Frame>>, through: i64) {
        let mut window = self.window();
        for frame in frames {
            window.bytes = window.bytes.saturating_add(frame.payload.len());
            window.frames.push_back(frame);
        }
        window.through = through;
        // The newest stays, however large it is.
        while window.bytes > MAX_WINDOW_BYTES && window.frames.len() > 1 {
            window.forget_oldest();
        }
        drop(window);
        self.moved.send_replace(());
    }

    /// Makes the newest messages that are not fresh again, and forgets the older ones.
    async fn remake(&self) {
        let told: Vec<Told> = {
            let mut window = self.window();
            let mut stale = window.frames.iter().take_while(|frame| !self.is_fresh(frame)).count();
            while stale > REMADE {
                window.forget_oldest();
                stale = stale.saturating_sub(1);
            }
            window.frames.iter().take(stale).filter_map(|frame| frame.told.clone()).collect()
        };
        if told.is_empty() {
            return;
        }
        let count = told.len();
        let frames = self.operation.frames(self.epoch, told).await;
        let mut window = self.window();
        // Only this task takes from the window's start or puts to its end.
        window.frames.drain(..count);
        for frame in frames.into_iter().rev() {
            window.frames.push_front(frame);
        }
        window.bytes = window.frames.iter().map(|frame| frame.payload.len()).sum();
    }

    /// A message without a change, at the end of what was looked at; made once for all who are there.
    async fn bookmark(&self) -> Arc<Frame> {
        let (through, known) = {
            let window = self.window();
            (window.through, window.bookmark.clone())
        };
        if let Some(frame) = known.filter(|frame| frame.cursor.position == through) {
            return frame;
        }
        let cursor = Cursor { epoch: self.epoch, position: through };
        let frame = Arc::new(self.operation.bookmark(cursor).await);
        self.window().bookmark = Some(frame.clone());
        frame
    }
}

impl Window {
    fn forget_oldest(&mut self) {
        if let Some(frame) = self.frames.pop_front() {
            self.from = frame.cursor.position;
            self.bytes = self.bytes.saturating_sub(frame.payload.len());
        }
    }
}

impl Subscriber {
    /// The next message, as soon as there is one. An error ends the subscription.
    pub async fn next(&mut self) -> Result<Arc<Frame>, Fault> {
        loop {
            self.moved.borrow_and_update();
            if let Some(frame) = self.take_found() {
                return Ok(self.deliver(frame));
            }
            match self.group.next(self.position) {
                Next::Frame(frame) => return Ok(self.deliver(frame)),
                Next::Ended(fault) => return Err(fault),
                Next::Behind => Box::pin(self.catch_up()).await?,
                Next::Wait => {
                    self.behind = None;
                    if self.wait().await {
                        let frame = self.group.bookmark().await;
                        return Ok(self.deliver(frame));
                    }
                }
            }
        }
    }

    fn deliver(&mut self, frame: Arc<Frame>) -> Arc<Frame> {
        self.position = self.position.max(frame.cursor.position);
        if let Some(due) = &mut self.bookmark_at {
            *due = Instant::now() + BOOKMARK_EVERY;
        }
        frame
    }

    /// Waits for something new; the answer is whether a bookmark is due instead.
    async fn wait(&mut self) -> bool {
        let Some(due) = self.bookmark_at else {
            // The group, which this subscriber holds, is never without its sender.
            return self.moved.changed().await.is_err();
        };
        tokio::time::timeout_at(due, self.moved.changed()).await.is_err()
    }

    /// The next message that was found on its own way.
    fn take_found(&mut self) -> Option<Arc<Frame>> {
        if self.found.front().is_some_and(|frame| !self.group.is_fresh(frame)) {
            // They show too much by now: the way is gone once more.
            self.found.clear();
            self.looked_through = None;
            self.behind = None;
        }
        let frame = self.found.pop_front();
        if frame.is_none()
            && let Some(through) = self.looked_through.take()
        {
            self.position = self.position.max(through);
        }
        frame
    }

    /// Goes a stretch of the way that the group does not remember.
    async fn catch_up(&mut self) -> Result<(), Fault> {
        let operation = &self.group.operation;
        let mut follow = match self.behind.take() {
            Some(follow) => follow,
            None => {
                let cursor = Cursor { epoch: self.group.epoch, position: self.position };
                let (tail, viewer) = (operation.asker.hub.tail(), operation.asker.viewer.clone());
                Box::new(Follow::open(tail, viewer, Some(cursor), operation.filter()).await?)
            }
        };
        let chunk = follow.next().await?;
        self.found = operation.frames(self.group.epoch, chunk.told).await.into();
        self.looked_through = Some(chunk.through.position);
        self.behind = Some(follow);
        Ok(())
    }
}

impl Operation {
    /// What of the log can concern it.
    fn filter(&self) -> Filter {
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

    /// The messages of changes, in their order. A database that is away is waited for: nothing is lost to it.
    async fn frames(&self, epoch: Uuid, told: Vec<Told>) -> Vec<Arc<Frame>> {
        let mut frames = Vec::new();
        for told in told.chunks(self.at_once) {
            frames.extend(self.frames_of(epoch, told).await);
        }
        frames
    }

    async fn frames_of(&self, epoch: Uuid, told: &[Told]) -> Vec<Arc<Frame>> {
        let (first, longest) = WAITS;
        let mut wait = first;
        loop {
            let attempt = AssertUnwindSafe(self.attempt(epoch, told)).catch_unwind();
            match tokio::time::timeout(ANSWER_WITHIN, attempt).await {
                Ok(Ok(Ok(frames))) => return frames,
                Ok(Ok(Err(fault))) => tracing::warn!(cause = fault.cause(), "a delivery waits"),
                Ok(Err(_)) => {
                    return self.failed(epoch, told, &Fault::internal("executing a delivery", "a resolver panicked"));
                }
                Err(_) => return self.failed(epoch, told, &execution::too_slow()),
            }
            tokio::time::sleep(wait).await;
            wait = longest.min(wait.saturating_mul(2));
        }
    }

    /// Messages that say that they could not be made; the cursor moves on all the same.
    fn failed(&self, epoch: Uuid, told: &[Told], fault: &Fault) -> Vec<Arc<Frame>> {
        let payload = json!({ "data": null, "errors": [self.asker.error_of(fault)] }).to_string();
        let read_at = self.asker.hub.tail().applied().position;
        let failed = |told: &Told| {
            let cursor = Cursor { epoch, position: told.entry.position };
            Arc::new(Frame { cursor, payload: payload.clone(), read_at, told: Some(told.clone()) })
        };
        told.iter().map(failed).collect()
    }

    async fn attempt(&self, epoch: Uuid, told: &[Told]) -> Result<Vec<Arc<Frame>>, Fault> {
        let _turn = self.asker.hub.turn().await?;
        // Read once for all of them, from now on.
        let scope = self.asker.scope();
        let read_at = scope.applied().position;
        let mut wanted: Vec<&Told> = told.iter().collect();
        if let What::Items(filter) = &self.what {
            let mut conn = self.asker.hub.db().connection().await?;
            let ids = told.iter().map(|told| told.entry.node_id).collect();
            let matching = listing::matching::<Items>(&mut conn, &self.asker.viewer, filter, ids).await?;
            wanted.retain(|told| matching.contains(&told.entry.node_id));
        }
        let deliveries = wanted.iter().map(|told| {
            let cursor = Cursor { epoch, position: told.entry.position };
            self.execute(&scope, Delivery::new(cursor, Some((*told).clone())))
        });
        // Tokio's budget would pause the resolvers after 128 loads and so split their batches.
        let responses = tokio::task::unconstrained(futures_util::future::join_all(deliveries)).await;
        let mut frames = Vec::new();
        for (response, told) in responses.iter().zip(wanted) {
            let payload = self.payload(response)?;
            let cursor = Cursor { epoch, position: told.entry.position };
            frames.push(Arc::new(Frame { cursor, payload, read_at, told: Some(told.clone()) }));
        }
        Ok(frames)
    }

    async fn bookmark(&self, cursor: Cursor) -> Frame {
        let scope = self.asker.scope();
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
        let body = match self.asker.written(response) {
            Ok(body) | Err(Short::Partial(body)) => body,
            Err(short) => {
                let errors = self.asker.errors_of(short).unwrap_or_default();
                return Ok(json!({ "data": null, "errors": errors }).to_string());
            }
        };
        String::from_utf8(body.into()).map_err(|error| Fault::internal("writing a delivery", error))
    }
}
