//! Erasing a person: rows gone, what was done kept without them.

use std::collections::HashSet;
use std::sync::Arc;

use diesel::sql_types::{Array, Binary, Bool, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::db::audit::{Act, Deed};
use crate::db::listing;
use crate::db::log::{Audiences, Change, ChangeAction, RightsChange};
use crate::db::search;
use crate::db::statement::Sql;
use crate::db::write::Tx;
use crate::domain::account;
use crate::domain::permission;
use crate::domain::person::audiences;
use crate::domain::person::store::People;
use crate::error::Fault;
use crate::policy::{Action, NodeKind, Subject, Viewer};

/// What is kept of somebody's import key, so that no line brings them back.
pub fn key_hash(key: &str) -> Vec<u8> {
    Sha256::digest(format!("person:{key}").as_bytes()).to_vec()
}

/// Which of these keys are of people who were erased; for the hub itself.
pub async fn erased_among(tx: &mut Tx, keys: &[String]) -> Result<HashSet<String>, Fault> {
    // SQL: the whole table; few people ask for it.
    let erased: Vec<Vec<u8>> = Sql::new("SELECT key_hash FROM erasures")
        .returning::<Binary>()
        .load(tx.conn())
        .await
        .map_err(|error| Fault::database("looking for erased people", error))?;
    if erased.is_empty() {
        return Ok(HashSet::new());
    }
    let erased: HashSet<Vec<u8>> = erased.into_iter().collect();
    Ok(keys.iter().filter(|key| erased.contains(&key_hash(key))).cloned().collect())
}

/// Erases a person, for themselves or whoever runs the hub; null: the writer's own. Their accounts end with them.
///
/// What is left: entries of the change log that say that nodes with bare ids are gone, the audit without names, and the
/// hash of the import key. Printed names on publications go too, unless a consent lets them stay.
pub async fn erase(tx: &mut Tx, person: Option<Uuid>) -> Result<(), Fault> {
    let person = match person {
        Some(person) => person,
        None => permission::own_person(tx).await?,
    };
    permission::require(tx, Action::Write, Subject::PersonalData(person)).await?;
    // An import that is under way knows of them still, and would bring them back.
    tx.one_import_at_a_time().await?;
    audiences::lock(tx, vec![person]).await?;
    let system = Viewer::system("erasure");
    let row = listing::by_ids::<People>(tx.conn(), &system, vec![person]).await?.remove(&person);
    let row = row.ok_or_else(permission::absent)?;
    let gone = nodes_of(tx, person).await?;
    uncount(tx, person).await?;
    let accounts = end_accounts(tx, person).await?;
    release_works(tx, person).await?;
    // SQL: one row. What hangs on it goes by its foreign keys, and the rows in nodes by their triggers.
    run(tx, Sql::new("DELETE FROM people WHERE id = ").uuid(person)).await?;
    // Whoever erases themselves is named by nothing that is left.
    if tx.viewer().identity().is_some_and(|identity| accounts.contains(&identity.account())) {
        tx.become_viewer(Arc::new(Viewer::system("erasure")));
    }
    blank(tx, person, gone.iter().map(|node| node.0).chain(accounts).collect()).await?;
    for (id, kind, communities, audience) in gone {
        tx.record(Change {
            action: ChangeAction::Removed,
            kind,
            node_id: id,
            fields: vec!["audience".to_owned()],
            communities,
            topics: Vec::new(),
            languages: Vec::new(),
            audiences: Some(Audiences { before: audience, after: Vec::new() }),
        });
    }
    // SQL: one row.
    let sql =
        Sql::new("INSERT INTO erasures (key_hash) VALUES (").bytes(key_hash(&row.key)).push(") ON CONFLICT DO NOTHING");
    run(tx, sql).await?;
    // Why may name whom: the act alone is kept.
    tx.because("");
    tx.note(Act { deed: Deed::Erased, kind: "PERSON", subject: None, fields: Vec::new(), person: None });
    Ok(())
}

type Gone = (Uuid, NodeKind, Vec<Uuid>, Vec<String>);

/// The person's own node and those that go with it, with the communities that they concern and who could see them.
async fn nodes_of(tx: &mut Tx, person: Uuid) -> Result<Vec<Gone>, Fault> {
    type Row = (Uuid, String, Vec<Uuid>, Vec<String>);
    // SQL: by primary key and by the indexes of each on the person.
    let rows: Vec<Row> = Sql::new("SELECT n.id, n.kind, array_remove(ARRAY[o.community_id], NULL), n.audience FROM (SELECT p.id, NULL::uuid AS community_id FROM people p WHERE p.id = ")
        .uuid(person)
        .push(" UNION ALL SELECT m.id, m.community_id FROM memberships m WHERE m.person_id = ")
        .uuid(person)
        .push(" UNION ALL SELECT r.id, r.community_id FROM roles r WHERE r.person_id = ")
        .uuid(person)
        .push(" UNION ALL SELECT l.id, NULL FROM links l WHERE l.from_id = ")
        .uuid(person)
        .push(" OR l.to_id = ")
        .uuid(person)
        .push(") AS o JOIN nodes n ON n.id = o.id ORDER BY n.id")
        .returning::<(SqlUuid, Text, Array<SqlUuid>, Array<Text>)>()
        .load(tx.conn())
        .await
        .map_err(|error| Fault::database("looking for what goes with a person", error))?;
    let read = |(id, kind, communities, audience): Row| {
        let kind = kind.parse().map_err(|_| Fault::internal("erasing a person", &kind))?;
        Ok((id, kind, communities, audience))
    };
    rows.into_iter().map(read).collect()
}

/// Counts the person out of the members of their communities.
async fn uncount(tx: &mut Tx, person: Uuid) -> Result<(), Fault> {
    // SQL: by memberships_person_all.
    let communities: Vec<Uuid> = Sql::new("SELECT m.community_id FROM memberships m JOIN people p ON p.id = m.person_id WHERE m.status = 'ACTIVE' AND NOT m.retired AND NOT p.retired AND m.person_id = ")
        .uuid(person)
        .returning::<SqlUuid>()
        .load(tx.conn())
        .await
        .map_err(|error| Fault::database("counting members", error))?;
    for community in communities {
        tx.count_active_members(community, -1);
    }
    Ok(())
}

/// Ends the person's accounts, with their tokens, sessions, rights and messages; whoever follows by them is told.
/// The answer is which.
async fn end_accounts(tx: &mut Tx, person: Uuid) -> Result<Vec<Uuid>, Fault> {
    let accounts = account::store::of_person(tx.conn(), person).await?;
    // SQL: by the index of each on the account; the audit has none for what it is about, and is read once.
    let sql =
        Sql::new("UPDATE audit SET subject_id = NULL WHERE subject_id IN (SELECT id FROM accounts WHERE person_id = ")
            .uuid(person)
            .push(" UNION ALL SELECT id FROM invitations WHERE person_id = ")
            .uuid(person)
            .push(" UNION ALL SELECT t.id FROM tokens t WHERE t.account_id = ANY (")
            .uuids(accounts.clone())
            .push(") UNION ALL SELECT s.id FROM sessions s WHERE s.account_id = ANY (")
            .uuids(accounts.clone())
            .push(") UNION ALL SELECT g.id FROM grants g WHERE g.account_id = ANY (")
            .uuids(accounts.clone())
            .push(") UNION ALL SELECT m.id FROM messages m WHERE m.account_id = ANY (")
            .uuids(accounts.clone())
            .push("))");
    run(tx, sql).await?;
    // SQL: by messages_account, audit_account and audit_person; the log has no index for its actors, and is read once.
    run(tx, Sql::new("DELETE FROM messages WHERE account_id = ANY (").uuids(accounts.clone()).push(")")).await?;
    let sql = Sql::new("UPDATE audit SET account_id = NULL, token_id = NULL, why = '' WHERE account_id = ANY (")
        .uuids(accounts.clone())
        .push(")");
    run(tx, sql).await?;
    let actors = accounts.iter().map(|account| format!("account:{account}"));
    let sql =
        Sql::new("UPDATE changes SET actor = 'erased' WHERE split_part(actor, ' ', 1) = ANY (").texts(actors).push(")");
    run(tx, sql).await?;
    run(tx, Sql::new("DELETE FROM accounts WHERE id = ANY (").uuids(accounts.clone()).push(")")).await?;
    for account in &accounts {
        tx.record_rights(RightsChange { account: *account, lost: Vec::new(), gained: Vec::new() });
    }
    Ok(accounts)
}

/// Takes the person out of the works that name them. A printed name stays where a consent for everybody lets it.
async fn release_works(tx: &mut Tx, person: Uuid) -> Result<(), Fault> {
    let doing = |error: diesel::result::Error| Fault::database("erasing a person", error);
    // SQL: by primary key.
    let may_stay: bool = Sql::new("SELECT EXISTS (SELECT 1 FROM consents WHERE field = 'BYLINES' AND audience = 'PUBLIC' AND given_at <= now() AND (withdrawn_at IS NULL OR withdrawn_at > now()) AND person_id = ")
        .uuid(person)
        .push(")")
        .returning::<Bool>()
        .get_result(tx.conn())
        .await
        .map_err(doing)?;
    let statement = match may_stay {
        true => Sql::new("UPDATE item_authors SET person_id = NULL WHERE person_id = "),
        false => Sql::new("DELETE FROM item_authors WHERE person_id = "),
    };
    // SQL: by item_authors_person.
    let items: Vec<Uuid> = statement
        .uuid(person)
        .push(" RETURNING item_id")
        .returning::<SqlUuid>()
        .load(tx.conn())
        .await
        .map_err(doing)?;
    forget_as_maker(tx, person, items.clone()).await?;
    // SQL: by project_people_person.
    let projects: Vec<Uuid> = Sql::new("DELETE FROM project_people WHERE person_id = ")
        .uuid(person)
        .push(" RETURNING project_id")
        .returning::<SqlUuid>()
        .load(tx.conn())
        .await
        .map_err(doing)?;
    for item in &items {
        search::refresh(tx.conn(), NodeKind::Item, *item).await?;
    }
    let works = [(NodeKind::Item, "authors", items), (NodeKind::Project, "participants", projects)];
    for (kind, field, ids) in works {
        for id in ids {
            let fields = vec![field.to_owned()];
            tx.record(Change {
                action: ChangeAction::Updated,
                kind,
                node_id: id,
                fields,
                communities: Vec::new(),
                topics: Vec::new(),
                languages: Vec::new(),
                audiences: None,
            });
        }
    }
    Ok(())
}

/// Takes the person out of those who see drafts because they make them, in the rows and in what the log says of them.
async fn forget_as_maker(tx: &mut Tx, person: Uuid, items: Vec<Uuid>) -> Result<(), Fault> {
    let oneself = || Sql::default().text(format!("self:{person}"));
    // SQL: by primary key.
    let sql = Sql::new("UPDATE items SET audience = array_remove(audience, ").append(oneself());
    run(tx, sql.push(") WHERE id = ANY (").uuids(items.clone()).push(")")).await?;
    // SQL: by nodes_audience_moved. Nobody else sees more or less by it, so that there is nothing to tell; links follow.
    let sql = Sql::new("UPDATE nodes SET audience_before = array_remove(audience_before, ").append(oneself());
    run(tx, sql.push(") WHERE audience_before IS NOT NULL")).await?;
    // SQL: the log has no index for audiences, and is read once.
    let sql = Sql::new("UPDATE changes SET audience_before = array_remove(audience_before, ")
        .append(oneself())
        .push("), audience_after = array_remove(audience_after, ")
        .append(oneself())
        .push(") WHERE kind <> 'VIEWER' AND ")
        .append(oneself())
        .push(" = ANY (audience_before || audience_after)");
    run(tx, sql).await
}

/// Makes tombstones of the entries of the log, which readers skip, and takes the person out of the audit.
async fn blank(tx: &mut Tx, person: Uuid, nodes: Vec<Uuid>) -> Result<(), Fault> {
    // SQL: the log has no index for its nodes, and is read once.
    let sql = Sql::new("UPDATE changes SET node_id = '00000000-0000-0000-0000-000000000000', fields = '{}', communities = '{}', topics = '{}', languages = '{}', audience_before = '{}', audience_after = '{}' WHERE node_id = ANY (")
        .uuids(nodes.clone())
        .push(")");
    run(tx, sql).await?;
    // SQL: by audit_person; what else was noted of their nodes is read through once.
    let sql =
        Sql::new("UPDATE audit SET person_id = NULL, subject_id = NULL, why = '', fields = '{}' WHERE person_id = ")
            .uuid(person)
            .push(" OR subject_id = ANY (")
            .uuids(nodes)
            .push(")");
    run(tx, sql).await
}

async fn run(tx: &mut Tx, sql: Sql) -> Result<(), Fault> {
    let done = sql.returning::<()>().execute(tx.conn()).await;
    done.map(|_| ()).map_err(|error| Fault::database("erasing a person", error))
}
