//! What every store does around its own row: keys, slug, sources, text origins, rights and the change log.

use std::collections::HashMap;

use diesel::sql_types::{Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::future::BoxFuture;
use serde_json::Value;
use uuid::Uuid;

use crate::db::listing::{self, Listed};
use crate::db::log::{Change, ChangeAction};
use crate::db::statement::Sql;
use crate::db::text_origins::{self, Written};
use crate::db::write::Tx;
use crate::db::{search, slugs};
use crate::domain::permission;
use crate::domain::record::{Header, Keys, Problems, Record};
use crate::domain::source;
use crate::error::{Code, Fault};
use crate::policy::{self, Action, NodeKind, On, Owners, Subject, Viewer};
use crate::text::identifier;
use crate::text::language::LanguageTag;
use crate::text::messages::Message;
use crate::text::texts::Fields;

/// A node as one line of the transfer format.
#[derive(Clone, Debug)]
pub struct Line<R> {
    /// What every node carries.
    pub header: Header,
    /// The fields of its kind.
    pub record: R,
}

impl<R: Record> Line<R> {
    /// Checks it, and puts what it holds into its canonical form.
    pub fn check(&mut self, problems: &mut Problems) {
        self.header.check(R::KIND, problems);
        self.record.check(problems);
        for reference in self.record.references() {
            if let Err(message) = identifier::slug(&reference.key) {
                problems.add(reference.field, message);
            }
            // Among the records only parents are of the record's own kind.
            if reference.kind == R::KIND && reference.key == self.header.key {
                problems.add(reference.field, Message::new("above-itself").with("key", self.header.key.as_str()));
            }
        }
    }
}

/// A kind of node that is written from lines of the transfer format and written out as such.
pub trait Stored: Listed {
    /// Its line.
    type Record: Record;

    /// The table's column of import keys, qualified.
    const KEY: &'static str;

    /// The rows as lines, in their order.
    fn lines<'a>(conn: &'a mut AsyncPgConnection, viewer: &'a Viewer, rows: Vec<Self::Row>) -> Lines<'a, Self::Record>;

    /// Writes a node. `hash` is that of the line it was imported from last. The answer is whom the caller owes
    /// `person::audiences::recompute`.
    fn save<'a>(
        tx: &'a mut Tx,
        id: Uuid,
        line: &'a Line<Self::Record>,
        hash: Option<&'a str>,
        keys: &'a Keys,
    ) -> Owed<'a>;
}

/// Lines on their way from the database.
pub type Lines<'a, R> = BoxFuture<'a, Result<Vec<Line<R>>, Fault>>;

/// The people whose audiences have to be decided anew.
pub type Owed<'a> = BoxFuture<'a, Result<Vec<Uuid>, Fault>>;

/// Lines of one kind in the order of their keys, after one of them; for export.
pub async fn lines_after<K: Stored>(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    after: &str,
    limit: i64,
) -> Result<Vec<Line<K::Record>>, Fault> {
    let rows = listing::by_key_after::<K>(conn, viewer, K::KEY, after, limit).await?;
    K::lines(conn, viewer, rows).await
}

/// The line of a node; null: unknown or hidden.
pub async fn line_of<K: Stored>(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    id: Uuid,
) -> Result<Option<Line<K::Record>>, Fault> {
    let rows = listing::by_ids::<K>(conn, viewer, vec![id]).await?.into_values().collect();
    Ok(K::lines(conn, viewer, rows).await?.pop())
}

/// A row that was just written.
pub struct Saved<'a, R> {
    /// The node.
    pub id: Uuid,
    /// What it was; null when it is new.
    pub before: Option<&'a Line<R>>,
    /// What it is.
    pub after: &'a Line<R>,
    /// Its texts as they were.
    pub texts_before: Fields<'a>,
    /// Its texts as they are.
    pub texts_after: Fields<'a>,
    /// The slug it has now, for kinds that have one.
    pub slug: Option<&'a str>,
    /// The communities that the change concerns, before and after it.
    pub communities: Vec<Uuid>,
    /// The topics that the change concerns, before and after it.
    pub topics: Vec<Uuid>,
    /// Whether the write put it before its readers.
    pub is_publication: bool,
}

/// A row that is about to be written.
pub struct Writing<'a> {
    /// The kind of node.
    pub kind: NodeKind,
    /// The node.
    pub id: Uuid,
    /// Who could see it before; null: it is new.
    pub audience_before: Option<&'a [String]>,
    /// Who may write it as it is to be. Who could write it as it was is asked where it is read.
    pub owners: &'a Owners,
    /// The slug it is to have, for kinds that have one.
    pub slug: Option<&'a str>,
}

/// Refuses what the transaction's viewer may not write, and a slug that another node has or had.
pub async fn require_write(tx: &mut Tx, writing: Writing<'_>) -> Result<(), Fault> {
    let Writing { kind, id, audience_before, owners, slug } = writing;
    // There is nothing to hide of what is new.
    let new = [policy::PUBLIC.to_owned()];
    let audience = audience_before.unwrap_or(&new);
    permission::require(tx, Action::Write, Subject::Node { kind, audience, owners }).await?;
    match slug {
        Some(slug) => slugs::require_free(tx.conn(), kind, id, slug).await,
        None => Ok(()),
    }
}

/// Refuses to hand something over, or to take it, unless whoever writes runs both the organization that manages it and the
/// one that is to. What is there and managed by nobody is handed to somebody by administrators of the hub alone: whoever
/// coordinates a community for a while could keep it by an organization of their own.
pub fn require_manager(tx: &mut Tx, is_new: bool, before: Option<Uuid>, after: Option<Uuid>) -> Result<(), Fault> {
    let viewer = tx.viewer();
    let Some(identity) = viewer.identity().filter(|it| before != after && !it.runs_the_hub()) else { return Ok(()) };
    let is_taken = !is_new && before.is_none();
    let runs_both = [before, after].into_iter().flatten().all(|id| identity.runs(On::Organization(id)));
    if runs_both && !is_taken {
        return Ok(());
    }
    Err(Fault::new(Code::Forbidden, Message::new("write-forbidden")).of_field("managedBy"))
}

/// Writes what belongs to a saved row: slug, sources, text origins and the entry in the change log.
pub async fn keep<R: Record>(tx: &mut Tx, saved: Saved<'_, R>) -> Result<(), Fault> {
    let former = saved.after.header.former_slugs.iter().map(String::as_str);
    let mut has_new_slug = false;
    for slug in former.chain(saved.slug) {
        slugs::require_free(tx.conn(), R::KIND, saved.id, slug).await?;
        has_new_slug |= slugs::keep(tx.conn(), R::KIND, saved.id, slug).await?;
    }
    let header = &saved.after.header;
    source::store::replace(tx, saved.id, &header.original_language, &header.sources).await?;
    let (before, after) = (saved.texts_before, saved.texts_after);
    let original = &saved.after.header.original_language;
    let original_before = saved.before.map(|line| &line.header.original_language);
    let texts = Written { original, original_before, before: &before, after: &after, origin: tx.text_origin() };
    text_origins::keep(tx.conn(), saved.id, texts).await?;
    search::refresh(tx.conn(), R::KIND, saved.id).await?;
    let languages = languages_of(&after);
    let mut fields = touched(saved.before, saved.after)?;
    // Whatever was written is told: answers are kept for as long as nothing is.
    if fields.is_empty() {
        fields.push(if has_new_slug { "slug" } else { "updatedAt" }.to_owned());
    }
    let was_retired = saved.before.is_some_and(|line| line.header.retired);
    let action = match saved.before {
        _ if saved.is_publication => ChangeAction::Published,
        Some(_) if saved.after.header.retired && !was_retired => ChangeAction::Retired,
        Some(_) => ChangeAction::Updated,
        None => ChangeAction::Created,
    };
    tx.record(Change {
        action,
        kind: R::KIND,
        node_id: saved.id,
        fields,
        communities: each_once(saved.communities),
        topics: each_once(saved.topics),
        languages,
        audiences: None,
    });
    Ok(())
}

/// The languages of texts, each once.
pub fn languages_of(fields: &Fields<'_>) -> Vec<String> {
    let mut languages: Vec<String> =
        fields.values().flat_map(|texts| texts.iter()).map(|(language, _)| language.to_string()).collect();
    languages.sort();
    languages.dedup();
    languages
}

/// What the node has and had, without repetition.
fn each_once(mut ids: Vec<Uuid>) -> Vec<Uuid> {
    ids.sort();
    ids.dedup();
    ids
}

/// The top-level fields that differ; all that are set when the node is new.
fn touched<R: Record>(before: Option<&Line<R>>, after: &Line<R>) -> Result<Vec<String>, Fault> {
    let before = before.map(fields_of).transpose()?.unwrap_or_default();
    let after = fields_of(after)?;
    let mut names: Vec<String> = before.keys().chain(after.keys()).cloned().collect();
    names.sort();
    names.dedup();
    // Slugs are never forgotten, so a line that leaves former ones out takes nothing away.
    names.retain(|name| name != "formerSlugs" && before.get(name) != after.get(name));
    Ok(names.iter().map(|name| R::name_in_contract(name).to_owned()).collect())
}

/// Whether two lines of a node say different things.
pub fn differ<R: Record>(one: &Line<R>, other: &Line<R>) -> Result<bool, Fault> {
    Ok(fields_of(one)? != fields_of(other)?)
}

fn fields_of<R: Record>(line: &Line<R>) -> Result<serde_json::Map<String, Value>, Fault> {
    let mut fields = serde_json::Map::new();
    for value in [serde_json::to_value(&line.header), serde_json::to_value(&line.record)] {
        match value.map_err(|error| Fault::internal("comparing a record", error))? {
            Value::Object(more) => fields.extend(more),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {}
        }
    }
    Ok(fields)
}

/// The nodes behind keys, with the hash of the line that each was imported from last.
pub async fn by_keys(
    conn: &mut AsyncPgConnection,
    kind: NodeKind,
    keys: Vec<String>,
) -> Result<Vec<(String, Uuid, Option<String>)>, Fault> {
    // SQL: by the unique index on (kind, key).
    Sql::new("SELECT key, id, import_hash FROM nodes WHERE kind = ")
        .text(kind.as_ref())
        .push(" AND key = ANY (")
        .texts(keys)
        .push(")")
        .returning::<(Text, SqlUuid, diesel::sql_types::Nullable<Text>)>()
        .load(conn)
        .await
        .map_err(|error| Fault::database("looking up keys", error))
}

/// The keys of nodes.
pub async fn keys_of(conn: &mut AsyncPgConnection, ids: Vec<Uuid>) -> Result<HashMap<Uuid, String>, Fault> {
    // SQL: by primary key.
    let found: Vec<(Uuid, String)> = Sql::new("SELECT id, key FROM nodes WHERE id = ANY (")
        .uuids(ids)
        .push(")")
        .returning::<(SqlUuid, Text)>()
        .load(conn)
        .await
        .map_err(|error| Fault::database("looking up keys", error))?;
    Ok(found.into_iter().collect())
}

/// The key of a node that a foreign key vouches for.
pub fn key_of(keys: &HashMap<Uuid, String>, id: Uuid) -> Result<String, Fault> {
    keys.get(&id).cloned().ok_or_else(|| Fault::internal("looking up keys", format_args!("no node {id}")))
}

/// The ids behind the keys of one kind.
pub fn ids_of(keys: &Keys, kind: NodeKind, names: &[String]) -> Result<Vec<Uuid>, Fault> {
    names.iter().map(|name| keys.id(kind, name).map_err(Fault::from)).collect()
}

/// An audience as a line states it: null when everybody may see the node, or when something else of the line (that it
/// was retired, that it is a draft) keeps it from everybody.
pub fn stated(audience: Vec<String>, is_kept_back: bool) -> Option<Vec<String>> {
    Some(audience).filter(|audience| !is_kept_back && *audience != [policy::PUBLIC])
}

/// Puts these nodes in the place of those that a table of pairs joins to a node; the answer is what it joined before.
pub async fn replace_pairs(
    conn: &mut AsyncPgConnection,
    table: &'static str,
    from: &'static str,
    to: &'static str,
    id: Uuid,
    others: Vec<Uuid>,
) -> Result<Vec<Uuid>, Fault> {
    // SQL: by the pairs' primary key prefix; then one row per pair.
    let before: Vec<Uuid> = Sql::new("DELETE FROM ")
        .push(table)
        .push(" WHERE ")
        .push(from)
        .push(" = ")
        .uuid(id)
        .push(" RETURNING ")
        .push(to)
        .returning::<SqlUuid>()
        .load(conn)
        .await
        .map_err(|error| Fault::database(table, error))?;
    Sql::new("INSERT INTO ")
        .push(table)
        .push(" (")
        .push(from)
        .push(", ")
        .push(to)
        .push(") SELECT ")
        .uuid(id)
        .push(", other FROM unnest(")
        .uuids(others)
        .push(") AS other ON CONFLICT DO NOTHING")
        .returning::<()>()
        .execute(conn)
        .await
        .map_err(|error| Fault::database(table, error))?;
    Ok(before)
}

/// The nodes that a table of pairs joins to each node.
pub async fn others_of(
    conn: &mut AsyncPgConnection,
    table: &'static str,
    from: &'static str,
    to: &'static str,
    ids: Vec<Uuid>,
) -> Result<HashMap<Uuid, Vec<Uuid>>, Fault> {
    // SQL: by the pairs' primary key prefix.
    let statement = Sql::new("SELECT ").push(from).push(", ").push(to).push(" FROM ").push(table).push(" WHERE ");
    let statement = statement.push(from).push(" = ANY (").uuids(ids).push(")");
    let pairs: Vec<(Uuid, Uuid)> =
        statement.returning::<(SqlUuid, SqlUuid)>().load(conn).await.map_err(|error| Fault::database(table, error))?;
    let mut others: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for (id, other) in pairs {
        others.entry(id).or_default().push(other);
    }
    Ok(others)
}

/// The keys of the nodes that a table of pairs joins to each node, sorted.
pub async fn names_of(
    conn: &mut AsyncPgConnection,
    table: &'static str,
    from: &'static str,
    to: &'static str,
    ids: Vec<Uuid>,
) -> Result<HashMap<Uuid, Vec<String>>, Fault> {
    // SQL: by the pairs' primary key prefix, then nodes by primary key.
    let found: Vec<(Uuid, String)> = Sql::new("SELECT pair.")
        .push(from)
        .push(", n.key FROM ")
        .push(table)
        .push(" AS pair JOIN nodes n ON n.id = pair.")
        .push(to)
        .push(" WHERE pair.")
        .push(from)
        .push(" = ANY (")
        .uuids(ids)
        .push(") ORDER BY n.key COLLATE \"C\"")
        .returning::<(SqlUuid, Text)>()
        .load(conn)
        .await
        .map_err(|error| Fault::database(table, error))?;
    let mut names: HashMap<Uuid, Vec<String>> = HashMap::new();
    for (id, key) in found {
        names.entry(id).or_default().push(key);
    }
    Ok(names)
}

/// The slugs that nodes had, besides the ones they have now.
pub async fn former_slugs(
    conn: &mut AsyncPgConnection,
    current: &[(Uuid, Option<&str>)],
) -> Result<HashMap<Uuid, Vec<String>>, Fault> {
    // SQL: by slugs_node.
    let found: Vec<(Uuid, String)> = Sql::new("SELECT node_id, slug FROM slugs WHERE node_id = ANY (")
        .uuids(current.iter().map(|(id, _)| *id).collect())
        .push(") ORDER BY slug COLLATE \"C\"")
        .returning::<(SqlUuid, Text)>()
        .load(conn)
        .await
        .map_err(|error| Fault::database("reading slugs", error))?;
    let now: HashMap<Uuid, Option<&str>> = current.iter().copied().collect();
    let mut former: HashMap<Uuid, Vec<String>> = HashMap::new();
    for (id, slug) in found {
        if now.get(&id).copied().flatten() != Some(slug.as_str()) {
            former.entry(id).or_default().push(slug);
        }
    }
    Ok(former)
}

/// Language tags from a column.
pub fn tags(languages: &[String]) -> Result<Vec<LanguageTag>, Fault> {
    languages.iter().map(|tag| LanguageTag::parse(tag).map_err(Fault::from)).collect()
}
