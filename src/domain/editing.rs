//! How a node is written by those who run it: one at a time, from what it is now, so that nobody's edit is lost.

use std::collections::HashMap;

use diesel::sql_types::{Array, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::listing;
use crate::db::statement::Sql;
use crate::db::write::Tx;
use crate::domain::node::{self, Line, Stored};
use crate::domain::record::{Keys, Problems, Record};
use crate::domain::{account, organization, owners, permission, person, topic};
use crate::error::{Code, Fault};
use crate::policy::{Action, NodeKind, Subject, Viewer};
use crate::text::messages::Message;

/// Which node is edited.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The node.
    pub id: Uuid,
    /// The version that whoever edits it has seen; null: whichever there is.
    pub expected_version: Option<i32>,
}

/// A node that an input names: its field, its kind and its id.
pub type Name = (&'static str, NodeKind, Uuid);

/// The keys of nodes that an input names, each of which whoever writes can see.
#[derive(Clone, Debug, Default)]
pub struct Named(HashMap<Uuid, String>);

impl Named {
    /// The key of a node that was looked up.
    pub fn key(&self, id: Uuid) -> Result<String, Fault> {
        node::key_of(&self.0, id)
    }

    /// The keys of nodes that were looked up, in their order.
    pub fn keys(&self, ids: &[Uuid]) -> Result<Vec<String>, Fault> {
        ids.iter().map(|id| self.key(*id)).collect()
    }
}

/// Looks up what an input names. What the transaction's viewer cannot see is `NOT_FOUND`, as if it were not there.
pub async fn look_up(tx: &mut Tx, names: &[Name]) -> Result<Named, Fault> {
    permission::renew(tx).await?;
    let viewer = tx.viewer();
    // SQL: by primary key.
    let found: Vec<(Uuid, String, String)> = Sql::new("SELECT n.id, n.kind, n.key FROM nodes n WHERE n.id = ANY (")
        .uuids(names.iter().map(|(_, _, id)| *id).collect())
        .push(")")
        .and(listing::visible_to(&viewer, "n.is_public", "n.audience"))
        .returning::<(SqlUuid, Text, Text)>()
        .load(tx.conn())
        .await
        .map_err(|error| Fault::database("looking up what is named", error))?;
    let found: HashMap<Uuid, (String, String)> = found.into_iter().map(|(id, kind, key)| (id, (kind, key))).collect();
    let mut named = HashMap::new();
    for (field, kind, id) in names {
        match found.get(id).filter(|(found, _)| found == kind.as_ref()) {
            Some((_, key)) => named.insert(*id, key.clone()),
            None => return Err(permission::absent().of_field(field)),
        };
    }
    Ok(Named(named))
}

/// Changes a node that the transaction's viewer may write. Whoever else writes it waits; a version that is not the
/// expected one is `CONFLICT`. A change that changes nothing writes nothing.
pub async fn edit<K: Stored>(
    tx: &mut Tx,
    target: Target,
    change: impl FnOnce(&mut Line<K::Record>) -> Result<(), Fault> + Send,
) -> Result<Uuid, Fault> {
    let (before, import_hash) = open::<K>(tx, target).await?;
    let mut after = before.clone();
    change(&mut after)?;
    check(&mut after, before.header.sources.len())?;
    if !node::differ(&before, &after)? {
        return Ok(target.id);
    }
    write::<K>(tx, target.id, &after, import_hash.as_deref()).await?;
    Ok(target.id)
}

/// Writes a new node; who may is asked of those who run what it belongs to. It gets the key that its line states, or one made
/// from its id where that is empty.
pub async fn create<K: Stored>(tx: &mut Tx, mut line: Line<K::Record>) -> Result<Uuid, Fault> {
    let id = tx.new_id();
    if line.header.key.is_empty() {
        line.header.key = id.to_string();
    }
    check(&mut line, 0)?;
    let taken = node::by_keys(tx.conn(), K::Record::KIND, vec![line.header.key.clone()]).await?;
    if !taken.is_empty() {
        let message = Message::new("key-taken").with("key", line.header.key.as_str());
        return Err(Fault::new(Code::Conflict, message).of_field("key"));
    }
    write::<K>(tx, id, &line, None).await?;
    Ok(id)
}

/// A node as it is, for somebody who may write it; nobody else writes it before the transaction ends. With it the hash of the
/// line that it was imported from last.
pub async fn open<K: Stored>(tx: &mut Tx, target: Target) -> Result<(Line<K::Record>, Option<String>), Fault> {
    permission::renew(tx).await?;
    let doing = |error: diesel::result::Error| Fault::database("opening a node", error);
    let id = target.id;
    // SQL: by primary key. Rows that refer to it may be written meanwhile.
    let versions: Vec<i32> = Sql::new("SELECT version FROM ")
        .push(K::TABLE)
        .push(" WHERE NOT retired AND id = ")
        .uuid(id)
        .push(" FOR NO KEY UPDATE")
        .returning::<Integer>()
        .load(tx.conn())
        .await
        .map_err(doing)?;
    // SQL: by primary key.
    let nodes: Vec<(Vec<String>, Option<String>)> = Sql::new("SELECT audience, import_hash FROM nodes WHERE id = ")
        .uuid(id)
        .returning::<(Array<Text>, Nullable<Text>)>()
        .load(tx.conn())
        .await
        .map_err(doing)?;
    // As many statements as for what is there: nothing is learned by counting them.
    let owners = owners::of(tx.conn(), K::Record::KIND, id).await?;
    let version = versions.into_iter().next().ok_or_else(permission::absent)?;
    let (audience, import_hash) = nodes.into_iter().next().ok_or_else(permission::absent)?;
    let subject = Subject::Node { kind: K::Record::KIND, audience: &audience, owners: &owners };
    permission::allow(&tx.viewer(), Action::Write, subject)?;
    require_version(target, version)?;
    // Whoever may write it writes all of it, whatever they see of what it names.
    let line = node::line_of::<K>(tx.conn(), &Viewer::system("editing"), id).await?;
    let mut line = line.ok_or_else(permission::absent)?;
    // Slugs are never forgotten, however many there are.
    line.header.former_slugs.clear();
    Ok((line, import_hash))
}

/// Refuses to write over a version that whoever writes has not seen.
pub fn require_version(target: Target, version: i32) -> Result<(), Fault> {
    match target.expected_version {
        Some(expected) if expected != version => {
            let message = Message::new("version-conflict").with("version", version);
            Err(Fault::new(Code::Conflict, message).of_field("expectedVersion"))
        }
        Some(_) | None => Ok(()),
    }
}

/// Refuses a line with fields that cannot be used, and puts the others into their canonical form. Sources are told by their
/// place among those that are new: after so many that were there.
pub fn check<R: Record>(line: &mut Line<R>, sources_before: usize) -> Result<(), Fault> {
    let mut problems = Problems::default();
    line.check(&mut problems);
    let found = problems.into_vec().into_iter().map(|problem| {
        let (first, rest) = problem.field.split_at(problem.field.find('/').unwrap_or(problem.field.len()));
        let rest = if first == "sources" { after(rest, sources_before) } else { rest.to_owned() };
        (format!("{}{rest}", R::name_in_contract(first)), problem.message)
    });
    match Fault::bad_fields(found.collect()) {
        Some(fault) => Err(fault),
        None => Ok(()),
    }
}

/// The rest of a path that begins with a number, counted after so many.
fn after(rest: &str, before: usize) -> String {
    let mut parts = rest.trim_start_matches('/').splitn(2, '/');
    let number = parts.next().and_then(|number| number.parse::<usize>().ok());
    match (number.and_then(|number| number.checked_sub(before)), parts.next()) {
        (Some(number), Some(name)) => format!("/{number}/{name}"),
        (Some(_) | None, Some(_) | None) => rest.to_owned(),
    }
}

/// Writes a node from its line, and what follows from it.
pub async fn write<K: Stored>(
    tx: &mut Tx,
    id: Uuid,
    line: &Line<K::Record>,
    import_hash: Option<&str>,
) -> Result<(), Fault> {
    let keys = keys_of(tx, &line.record).await?;
    let owed = K::save(tx, id, line, import_hash, &keys).await?;
    settle(tx, HashMap::from([(K::Record::KIND, vec![id])]), owed).await
}

/// The ids behind the keys that a record names.
pub async fn keys_of<R: Record>(tx: &mut Tx, record: &R) -> Result<Keys, Fault> {
    let mut named: HashMap<NodeKind, Vec<String>> = HashMap::new();
    for reference in record.references() {
        named.entry(reference.kind).or_default().push(reference.key);
    }
    let mut keys = Keys::default();
    for (kind, names) in named {
        for (key, id, _) in node::by_keys(tx.conn(), kind, names).await? {
            keys.insert(kind, key, id);
        }
    }
    Ok(keys)
}

/// What can be judged only when everything is written: hierarchies, who sees which person, and which rights follow.
pub async fn settle(tx: &mut Tx, mut written: HashMap<NodeKind, Vec<Uuid>>, people: Vec<Uuid>) -> Result<(), Fault> {
    let mut of = |kind| written.remove(&kind).unwrap_or_default();
    let (topics, organizations, communities) =
        (of(NodeKind::Topic), of(NodeKind::Organization), of(NodeKind::Community));
    topic::store::check_hierarchy(tx, topics).await?;
    organization::store::check_hierarchy(tx, organizations.clone()).await?;
    let held_in = communities.into_iter().chain(organizations).collect();
    person::audiences::recompute(tx, people.clone(), held_in).await?;
    account::rights::follow_people(tx, people).await
}
