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

pub mod operation;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Request, Variables};
use futures_util::StreamExt;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use uuid::Uuid;

use crate::changes::Told;
use crate::changes::cursor::{Cursor, Place};
use crate::changes::follow::{Chunk, Follow};
use crate::changes::routes::Filter;
use crate::error::{Code, Fault};
use crate::graph::limits;
use crate::graph::live::{self, Opening, Slot};
use crate::http::execution::{Asker, Prepared, Short};
use crate::http::kept::Asked;
use crate::http::live::operation::{Frame, Operation, request};
use crate::http::operations::Record;
use crate::text::messages::Message;

/// How often a subscriber who wants bookmarks has the cursor moved; the contract promises 30 seconds.
const BOOKMARK_EVERY: Duration = Duration::from_secs(15);

/// How soon it is looked again whether a bookmark can be given, when one is due and a message is being made.
const BOOKMARK_AGAIN: Duration = Duration::from_secs(1);

/// The most groups at once: each executes every change that it follows.
const MAX_GROUPS: usize = 2_000;

/// The most that the window of one group holds, in bytes: about 600 messages of seven fields.
const MAX_WINDOW_BYTES: usize = 256 * 1024;

/// The largest document of a subscription together with its variables, in bytes.
const MAX_OPERATION_BYTES: usize = 32 * 1024;

/// The most messages that are made at once: all of them are held until they are sent.
const MAX_AT_ONCE: usize = 32;

/// How many messages of a window are made again when something is taken from somebody; older ones are forgotten.
const REMADE: usize = 64;

/// The groups of this process.
#[derive(Default)]
pub struct Live {
    groups: Mutex<HashMap<Asked, Weak<Group>>>,
}

struct Group {
    operation: Operation,
    epoch: Uuid,
    window: Mutex<Window>,
    moved: watch::Sender<()>,
    task: OnceLock<AbortHandle>,
}

struct Window {
    /// The messages after this place are kept.
    from: Place,
    /// The log was looked at up to here.
    through: Place,
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
    place: Place,
    /// When the next bookmark is due; null: none are wanted.
    bookmark_at: Option<Instant>,
    /// The way of its own while it is behind the group, what it found there and how far it looked.
    behind: Option<Box<Follow>>,
    coming: VecDeque<Told>,
    found: VecDeque<Arc<Frame>>,
    looked_through: Option<Place>,
}

/// Begins to follow. `last` is the id of the last event of a client that comes back; it overrides the cursor in the
/// document.
pub async fn open(asker: &Asker, prepared: Prepared, last: Option<String>) -> Result<Subscriber, Short> {
    let (mut request, called) = (prepared.request, prepared.name);
    let name = request.operation_name.clone();
    let name = name.as_deref();
    let unexecuted = |fault: &Fault| Short::Unexecuted(vec![asker.error_of(fault)]);
    // It was parsed when it was prepared.
    let document = request.parsed_query().map_err(|error| Fault::internal("opening a subscription", error))?;
    let document = live::with_one_root_field(document, name).map_err(|fault| unexecuted(&fault))?;
    let Request { query, mut variables, .. } = request;
    let declared = live::operation(&document, None).map(|operation| &operation.variable_definitions);
    variables.retain(|name, _| declared.is_some_and(|all| all.iter().any(|it| it.node.name.node == *name)));
    // Each group keeps them for as long as somebody follows.
    let size = query.len().saturating_add(serde_json::to_vec(&variables).map_or(usize::MAX, |bytes| bytes.len()));
    if size > MAX_OPERATION_BYTES {
        let message = Message::new("subscription-too-large").with("max", MAX_OPERATION_BYTES);
        return Err(unexecuted(&Fault::new(Code::QueryTooComplex, message)));
    }
    let opening = opening(asker, &document, &variables).await?;
    let after = last.or(opening.after);
    let after = after.as_deref().map(Cursor::read).transpose()?;
    // Judges the cursor, and says where the present is.
    let tail = asker.hub.tail();
    let at = Follow::open(tail, asker.viewer.clone(), after, Filter::default()).await?.cursor();
    let key = key_of(asker, &query, name, &document, &variables)?;
    let at_once = limits::at_once(&document, &variables, asker.hub.limits()).min(MAX_AT_ONCE);
    let everybody = asker.clone().unrecorded();
    let operation = Operation { asker: everybody, name: called, document, variables, what: opening.what, at_once };
    let follow = Follow::open(tail, asker.viewer.clone(), None, operation.filter()).await?;
    let group = asker.hub.live().join(key, operation, follow, at.epoch)?;
    asker.note(Record::opened);
    Ok(Subscriber {
        moved: group.moved.subscribe(),
        group,
        place: at.place(),
        bookmark_at: opening.bookmarks.then(|| Instant::now() + BOOKMARK_EVERY),
        behind: None,
        coming: VecDeque::new(),
        found: VecDeque::new(),
        looked_through: None,
    })
}

/// What the root field asks for. Executes the document once, without a delivery.
async fn opening(asker: &Asker, document: &ExecutableDocument, variables: &Variables) -> Result<Opening, Short> {
    let slot = Slot::default();
    let request = request(document, variables).data(asker.scope(None)).data(slot.clone());
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
    let asked = Asked::digest(&(query, name, variables, wanted, asker.viewer.key()));
    asked.ok_or_else(|| Fault::internal("opening a subscription", "what was asked cannot be written down"))
}

fn begins_with_name(text: &str, name: &str) -> bool {
    let goes_on = |rest: &str| rest.starts_with(|next: char| next == '_' || next.is_ascii_alphanumeric());
    // Blanks may stand between the sign and the name.
    text.trim_start().strip_prefix(name).is_some_and(|rest| !goes_on(rest))
}

impl Live {
    /// The group of those who ask for the same, made for the first of them, with the reader that it brings.
    fn join(&self, key: Asked, operation: Operation, follow: Follow, epoch: Uuid) -> Result<Arc<Group>, Fault> {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(group) = groups.get(&key).and_then(Weak::upgrade)
            && group.epoch == epoch
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
        let (epoch, place) = (follow.cursor().epoch, follow.cursor().place());
        let window =
            Window { from: place, through: place, frames: VecDeque::new(), bytes: 0, bookmark: None, ended: None };
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
        let made = match chunk {
            Ok(chunk) => group.go_on(chunk).await,
            Err(fault) => Err(fault),
        };
        if let Err(fault) = made {
            group.window().ended = Some(fault);
            group.moved.send_replace(());
            return;
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

    /// Makes the messages of a stretch of the log. An error ends the group: whoever follows is not known any more.
    async fn go_on(&self, chunk: Chunk) -> Result<(), Fault> {
        // Also where nothing is told: a session that ended, or a token that was revoked, is noticed by that alone.
        self.operation.require_known().await?;
        self.remake().await?;
        let frames = self.operation.frames(self.epoch, chunk.told).await?;
        self.push(frames, chunk.through.place());
        Ok(())
    }

    /// Whether a message may be given: nothing was taken from anybody since it was made.
    fn is_fresh(&self, frame: &Frame) -> bool {
        let asker = &self.operation.asker;
        let narrowed = asker.hub.tail().narrowed(&asker.viewer);
        narrowed.epoch == self.epoch && frame.read_at >= narrowed.position
    }

    fn next(&self, place: Place) -> Next {
        let window = self.window();
        if let Some(fault) = &window.ended {
            return Next::Ended(fault.clone());
        }
        if place < window.from {
            return Next::Behind;
        }
        let first = window.frames.partition_point(|frame| frame.cursor.place() <= place);
        match window.frames.get(first) {
            // What is not fresh is made again at the group's next step, which is due.
            Some(frame) if self.is_fresh(frame) => Next::Frame(frame.clone()),
            Some(_) | None => Next::Wait,
        }
    }

    fn push(&self, frames: Vec<Arc<Frame>>, through: Place) {
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
    async fn remake(&self) -> Result<(), Fault> {
        let told: Vec<Told> = {
            let mut window = self.window();
            // Up to the last that is not fresh: those before it may have been made again in the meantime.
            let last = window.frames.iter().rposition(|frame| !self.is_fresh(frame));
            let mut stale = last.map_or(0, |last| last.saturating_add(1));
            while stale > REMADE {
                window.forget_oldest();
                stale = stale.saturating_sub(1);
            }
            window.frames.iter().take(stale).filter_map(|frame| frame.told.clone()).collect()
        };
        if told.is_empty() {
            return Ok(());
        }
        let count = told.len();
        let frames = self.operation.frames(self.epoch, told).await?;
        let mut window = self.window();
        // Only this task takes from the window's start or puts to its end.
        window.frames.drain(..count);
        for frame in frames.into_iter().rev() {
            window.frames.push_front(frame);
        }
        window.bytes = window.frames.iter().map(|frame| frame.payload.len()).sum();
        Ok(())
    }

    /// Up to where the log was looked at, for a subscriber who has been given everything up to there; null: something is
    /// still to come.
    fn end_for(&self, place: Place) -> Option<Place> {
        let window = self.window();
        let has_all = window.frames.back().is_none_or(|frame| frame.cursor.place() <= place);
        (place >= window.from && place <= window.through && has_all).then_some(window.through)
    }

    /// A message without a change, at the end of what was looked at; made once for all who are there.
    async fn bookmark(&self, (position, within): Place) -> Arc<Frame> {
        let cursor = Cursor { epoch: self.epoch, position, within };
        let known = self.window().bookmark.clone();
        if let Some(frame) = known.filter(|frame| frame.cursor == cursor) {
            return frame;
        }
        let frame = Arc::new(self.operation.bookmark(cursor).await);
        self.window().bookmark = Some(frame.clone());
        frame
    }
}

impl Window {
    fn forget_oldest(&mut self) {
        if let Some(frame) = self.frames.pop_front() {
            self.from = frame.cursor.place();
            self.bytes = self.bytes.saturating_sub(frame.payload.len());
        }
    }
}

impl Subscriber {
    /// The next message, as soon as there is one. An error ends the subscription.
    pub async fn next(&mut self) -> Result<Arc<Frame>, Fault> {
        loop {
            self.moved.borrow_and_update();
            if self.found.is_empty() && !self.coming.is_empty() {
                Box::pin(self.make_coming()).await?;
            }
            if let Some(frame) = self.take_found() {
                return Ok(self.deliver(frame));
            }
            if !self.coming.is_empty() {
                continue;
            }
            if let Some(through) = self.looked_through.take() {
                self.place = self.place.max(through);
            }
            match self.group.next(self.place) {
                Next::Frame(frame) => {
                    self.behind = None;
                    return Ok(self.deliver(frame));
                }
                Next::Ended(fault) => return Err(fault),
                Next::Behind => Box::pin(self.catch_up()).await?,
                Next::Wait => {
                    self.behind = None;
                    if !self.wait().await {
                        continue;
                    }
                    if let Some(through) = self.group.end_for(self.place) {
                        let frame = self.group.bookmark(through).await;
                        return Ok(self.deliver(frame));
                    }
                    // There is something, which is being made.
                    self.bookmark_at = Some(Instant::now() + BOOKMARK_AGAIN);
                }
            }
        }
    }

    fn deliver(&mut self, frame: Arc<Frame>) -> Arc<Frame> {
        self.place = self.place.max(frame.cursor.place());
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
            self.coming.clear();
            self.looked_through = None;
            self.behind = None;
        }
        self.found.pop_front()
    }

    /// Makes the next few of the messages that were found on its own way, so that only so many are held.
    async fn make_coming(&mut self) -> Result<(), Fault> {
        let operation = &self.group.operation;
        let told: Vec<Told> = self.coming.iter().take(operation.at_once).cloned().collect();
        let count = told.len();
        self.found = operation.frames(self.group.epoch, told).await?.into();
        self.coming.drain(..count);
        Ok(())
    }

    /// Goes a stretch of the way that the group does not remember.
    async fn catch_up(&mut self) -> Result<(), Fault> {
        let operation = &self.group.operation;
        let follow = match &mut self.behind {
            Some(follow) => follow,
            none => {
                let (position, within) = self.place;
                let cursor = Cursor { epoch: self.group.epoch, position, within };
                let (tail, viewer) = (operation.asker.hub.tail(), operation.asker.viewer.clone());
                none.insert(Box::new(Follow::open(tail, viewer, Some(cursor), operation.filter()).await?))
            }
        };
        let chunk = follow.next().await?;
        self.looked_through = Some(chunk.through.place());
        self.coming = chunk.told.into();
        Ok(())
    }
}
