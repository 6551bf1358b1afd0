//! What is done to a node whose kind is known only when it is asked for.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value;
use uuid::Uuid;

use crate::db::log::{Change, ChangeAction};
use crate::db::text_origins::{self, TextOrigin};
use crate::db::write::Tx;
use crate::domain::community::store::Communities;
use crate::domain::editing::{self, Target};
use crate::domain::item::store::Items;
use crate::domain::link::store::Links;
use crate::domain::membership::store::Memberships;
use crate::domain::node::{Line, Stored};
use crate::domain::organization::store::Organizations;
use crate::domain::person::store::People;
use crate::domain::project::store::Projects;
use crate::domain::record::Record;
use crate::domain::role::store::Roles;
use crate::domain::topic::store::Topics;
use crate::error::Fault;
use crate::policy::NodeKind;
use crate::text::language::LanguageTag;
use crate::text::messages::Message;
use crate::text::texts;

/// The longest path of a text.
const MAX_PATH_CHARS: usize = 200;

/// The longest text of any field.
const MAX_TEXT_CHARS: usize = 50_000;

/// Something that there is one of for each kind of node.
pub trait PerKind: Sized {
    /// The one for nodes that are stored as these are.
    fn of_kind<K: Stored>() -> Self;

    /// The one for a kind.
    fn of(kind: NodeKind) -> Self {
        match kind {
            NodeKind::Topic => Self::of_kind::<Topics>(),
            NodeKind::Organization => Self::of_kind::<Organizations>(),
            NodeKind::Community => Self::of_kind::<Communities>(),
            NodeKind::Person => Self::of_kind::<People>(),
            NodeKind::Role => Self::of_kind::<Roles>(),
            NodeKind::Membership => Self::of_kind::<Memberships>(),
            NodeKind::Project => Self::of_kind::<Projects>(),
            NodeKind::Item => Self::of_kind::<Items>(),
            NodeKind::Link => Self::of_kind::<Links>(),
        }
    }
}

/// A text in one language.
#[derive(Clone, Debug)]
pub struct NewText {
    /// The path of its field (`name`, `aims/1/text`).
    pub field: String,
    /// Its language.
    pub language: LanguageTag,
    /// The text.
    pub text: String,
    /// Where it comes from.
    pub origin: TextOrigin,
}

/// A node that is being written.
pub type Edited<'a> = BoxFuture<'a, Result<Uuid, Fault>>;

/// What can be done to nodes of a kind, by whoever may write them.
pub struct Editor {
    /// Retires a node.
    pub retire: for<'a> fn(&'a mut Tx, Target) -> Edited<'a>,
    /// Says that a node is right today.
    pub verify: for<'a> fn(&'a mut Tx, Target) -> Edited<'a>,
    /// Adds or replaces one text in one language.
    pub translate: for<'a> fn(&'a mut Tx, Target, NewText) -> Edited<'a>,
}

impl PerKind for Editor {
    fn of_kind<K: Stored>() -> Self {
        Self { retire: retire::<K>, verify: verify::<K>, translate: translate::<K> }
    }
}

fn retire<K: Stored>(tx: &mut Tx, target: Target) -> Edited<'_> {
    let change = |line: &mut Line<K::Record>| {
        line.header.retired = true;
        line.header.audience = None;
        Ok(())
    };
    editing::edit::<K>(tx, target, change).boxed()
}

fn verify<K: Stored>(tx: &mut Tx, target: Target) -> Edited<'_> {
    let today = tx.now().date_naive();
    let change = move |line: &mut Line<K::Record>| {
        line.header.verified_on = Some(today);
        Ok(())
    };
    editing::edit::<K>(tx, target, change).boxed()
}

fn translate<K: Stored>(tx: &mut Tx, target: Target, new: NewText) -> Edited<'_> {
    async move {
        check(&new)?;
        tx.translated_by(new.origin);
        let (before, import_hash) = editing::open::<K>(tx, target).await?;
        if before.header.original_language == new.language {
            return Err(Fault::bad_input(Message::new("text-is-original")).of_field("language"));
        }
        if !text_origins::has_field(tx.conn(), target.id, &new.field).await? {
            return Err(Fault::bad_input(Message::new("text-unknown")).of_field("field"));
        }
        let mut after = before.clone();
        set(&mut after.record, &new)?;
        let sources = before.header.sources.len();
        editing::check(&mut after, sources).map_err(|fault| fault.of_field("text"))?;
        if crate::domain::node::differ(&before, &after)? {
            editing::write::<K>(tx, target.id, &after, import_hash.as_deref()).await?;
        } else {
            // The same words, said again of another original: that it is not stale any more is told too.
            tx.record(Change {
                action: ChangeAction::Updated,
                kind: K::Record::KIND,
                node_id: target.id,
                fields: vec!["translations".to_owned()],
                communities: Vec::new(),
                topics: Vec::new(),
                languages: vec![new.language.to_string()],
                audiences: None,
            });
        }
        text_origins::confirm(tx.conn(), target.id, &new.field, &new.language, new.origin).await?;
        Ok(target.id)
    }
    .boxed()
}

fn check(new: &NewText) -> Result<(), Fault> {
    let field = texts::check_plain(&new.field, MAX_PATH_CHARS, false);
    field.map_err(|message| Fault::bad_input(message).of_field("field"))?;
    let text = texts::check_plain(&new.text, MAX_TEXT_CHARS, true);
    text.map_err(|message| Fault::bad_input(message).of_field("text"))?;
    match new.origin {
        TextOrigin::Original => Err(Fault::bad_input(Message::new("text-origin-original")).of_field("origin")),
        TextOrigin::Human | TextOrigin::Machine | TextOrigin::Imported => Ok(()),
    }
}

/// Puts a text into a record, at the place in its line that the path names: members by their names, elements of lists by
/// their ids.
fn set<R: Record>(record: &mut R, new: &NewText) -> Result<(), Fault> {
    let unknown = || Fault::bad_input(Message::new("text-unknown")).of_field("field");
    let mut line = serde_json::to_value(&*record).map_err(|error| Fault::internal("changing a text", error))?;
    let mut place = &mut line;
    for (depth, part) in new.field.split('/').enumerate() {
        let part = if depth == 0 { R::name_in_line(part) } else { part };
        place = match place {
            Value::Object(fields) => fields.get_mut(part),
            Value::Array(list) => list.iter_mut().find(|element| element.get("id").is_some_and(|id| id == part)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        }
        .ok_or_else(unknown)?;
    }
    let texts = place.as_object_mut().ok_or_else(unknown)?;
    texts.insert(new.language.to_string(), Value::String(new.text.trim().to_owned()));
    *record = serde_json::from_value(line).map_err(|_| unknown())?;
    Ok(())
}
