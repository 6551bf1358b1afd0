//! What one operation reads with: who asks, in which languages, at what time, through which loaders.
//!
//! A scope is handed from type to type instead of being looked up in the request, because a request lives as long as
//! a subscription and its loaders would answer with the first value for ever.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::Context;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::changes::cursor::Cursor;
use crate::db::Db;
use crate::db::audit::Reading;
use crate::domain::account::store;
use crate::domain::permission;
use crate::error::Fault;
use crate::graph::text::LanguageTag;
use crate::loaders::{Loaders, Reader};
use crate::policy::Viewer;
use crate::text::language::{self, Languages};
use crate::text::messages::Message;
use crate::text::texts::Texts;

/// What one operation reads with. Clones are cheap and share the loaders.
#[derive(Clone)]
pub struct Scope {
    shared: Arc<Shared>,
    languages: Arc<Languages>,
}

struct Shared {
    reader: Arc<Reader>,
    now: DateTime<Utc>,
    applied: Cursor,
    loaders: Loaders,
    /// What was read of people that is not for everybody: fields by person.
    readings: Readings,
    /// Whether something was written that stays written.
    has_written: Arc<AtomicBool>,
}

type Readings = Arc<Mutex<BTreeMap<Uuid, BTreeSet<&'static str>>>>;

impl Scope {
    /// A scope for one operation. `applied` is how far the change log was known before anything is read.
    pub fn new(reader: Reader, languages: Languages, now: DateTime<Utc>, applied: Cursor) -> Self {
        let reader = Arc::new(reader);
        let loaders = Loaders::new(&reader);
        let shared =
            Shared { reader, now, applied, loaders, readings: Readings::default(), has_written: Arc::default() };
        Self { shared: Arc::new(shared), languages: Arc::new(languages) }
    }

    /// The scope of a root field: the operation's, or a child of it with the languages that the field asks for.
    pub fn of_root(ctx: &Context<'_>, languages: Option<Vec<LanguageTag>>) -> Result<Self, Fault> {
        let scope = ctx.data_opt::<Self>().ok_or_else(|| Fault::internal("resolving", "no scope in the request"))?;
        let Some(tags) = languages else { return Ok(scope.clone()) };
        if tags.len() > Languages::MAX_WANTED {
            let message = Message::new("list-too-long").with("max", Languages::MAX_WANTED).with("length", tags.len());
            return Err(message.into());
        }
        let wanted: Vec<language::LanguageTag> = tags.iter().map(LanguageTag::check).collect::<Result<_, _>>()?;
        let languages = Languages::new(wanted, scope.languages.default().clone());
        Ok(Self { shared: scope.shared.clone(), languages: Arc::new(languages) })
    }

    /// The same reader in the same languages, who reads everything from now on and nothing from a shelf.
    pub fn anew(&self) -> Self {
        self.anew_as(self.shared.reader.viewer.clone())
    }

    /// The same reader with the rights that they have by now, who reads everything anew.
    pub async fn renewed(&self) -> Result<Self, Fault> {
        let Some(identity) = self.viewer().identity() else { return Ok(self.anew()) };
        let mut conn = self.db().connection().await?;
        let seen = store::by_credential(&mut conn, identity.credential()).await?.ok_or_else(permission::ended)?;
        Ok(self.anew_as(Arc::new(Viewer::Known(Box::new(seen.identity)))))
    }

    fn anew_as(&self, viewer: Arc<Viewer>) -> Self {
        let Shared { reader, now, applied, readings, has_written, .. } = &*self.shared;
        let reader = Arc::new(Reader::new(reader.db.clone(), viewer, None));
        let loaders = Loaders::new(&reader);
        let (readings, has_written) = (readings.clone(), has_written.clone());
        let shared = Shared { reader, now: *now, applied: *applied, loaders, readings, has_written };
        Self { shared: Arc::new(shared), languages: self.languages.clone() }
    }

    /// The database.
    pub fn db(&self) -> &Db {
        &self.shared.reader.db
    }

    /// Who asks.
    pub fn viewer(&self) -> &Viewer {
        &self.shared.reader.viewer
    }

    /// Notes that a field of a person was read which only some may see.
    pub fn note_reading(&self, person: Uuid, field: &'static str) {
        let mut readings = self.shared.readings.lock().unwrap_or_else(PoisonError::into_inner);
        readings.entry(person).or_default().insert(field);
    }

    /// What was noted of people so far, once.
    pub fn take_readings(&self) -> Vec<Reading> {
        let readings = std::mem::take(&mut *self.shared.readings.lock().unwrap_or_else(PoisonError::into_inner));
        let reading = |(person, fields): (Uuid, BTreeSet<&'static str>)| Reading {
            person,
            fields: fields.into_iter().map(str::to_owned).collect(),
        };
        readings.into_iter().map(reading).collect()
    }

    /// Notes that something was written that stays written.
    pub fn note_written(&self) {
        self.shared.has_written.store(true, Ordering::Relaxed);
    }

    /// Whether the operation wrote something that stays written.
    pub fn has_written(&self) -> bool {
        self.shared.has_written.load(Ordering::Relaxed)
    }

    /// When the operation began.
    pub fn now(&self) -> DateTime<Utc> {
        self.shared.now
    }

    /// How far the change log was known before the operation read anything.
    pub fn applied(&self) -> Cursor {
        self.shared.applied
    }

    /// The loaders of the operation.
    pub fn loaders(&self) -> &Loaders {
        &self.shared.loaders
    }

    /// The reader's languages.
    pub fn languages(&self) -> &Arc<Languages> {
        &self.languages
    }

    /// A text as the reader is served it.
    pub fn serve<'a>(&self, texts: &'a Texts, original: &language::LanguageTag) -> Option<&'a str> {
        texts.look_up(&self.languages, original).map(|served| served.text)
    }

    /// A sentence of the hub in the reader's language.
    pub fn sentence(&self, message: &Message) -> String {
        message.sentence(&self.languages)
    }
}
