//! What accounts may see, kept in step with what it follows from: their grants, their persons, and those persons'
//! memberships.

use diesel::sql_types::{Array, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::log::RightsChange;
use crate::db::statement::Sql;
use crate::db::write::Tx;
use crate::db::{due, statement};
use crate::domain::account::store::grants;
use crate::error::Fault;
use crate::policy::{self, Grant};

/// Decides anew which rights follow from the memberships of the persons of these accounts. Owed after an account was linked.
pub async fn follow_memberships(tx: &mut Tx, accounts: Vec<Uuid>) -> Result<(), Fault> {
    let doing = |error: diesel::result::Error| Fault::database("deciding what follows from memberships", error);
    if accounts.is_empty() {
        return Ok(());
    }
    lock(tx, accounts.clone()).await?;
    // SQL: grants by grants_account, memberships by primary key.
    Sql::new("UPDATE grants g SET holds = FALSE, ends_at = greatest(now(), g.starts_at) WHERE g.membership_id IS NOT NULL AND g.holds AND g.account_id = ANY (")
        .uuids(accounts.clone())
        .push(") AND NOT EXISTS (SELECT 1 FROM memberships m JOIN accounts a ON a.person_id = m.person_id JOIN people p ON p.id = m.person_id WHERE m.id = g.membership_id AND m.community_id = g.community_id AND a.id = g.account_id AND m.status = 'ACTIVE' AND NOT m.retired AND NOT p.retired)")
        .returning::<()>()
        .execute(tx.conn())
        .await
        .map_err(doing)?;
    // SQL: accounts by primary key, memberships by memberships_person_all.
    let missing: Vec<(Uuid, Uuid, Uuid)> = Sql::new("SELECT a.id, m.id, m.community_id FROM accounts a JOIN memberships m ON m.person_id = a.person_id JOIN people p ON p.id = m.person_id WHERE a.id = ANY (")
        .uuids(accounts.clone())
        .push(") AND m.status = 'ACTIVE' AND NOT m.retired AND NOT p.retired AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.account_id = a.id AND g.membership_id = m.id AND g.holds) ORDER BY a.id, m.id")
        .returning::<(SqlUuid, SqlUuid, SqlUuid)>()
        .load(tx.conn())
        .await
        .map_err(doing)?;
    for (account, membership, community) in missing {
        let id = tx.new_id();
        // SQL: one row.
        Sql::new(
            "INSERT INTO grants (id, account_id, held_right, community_id, membership_id, starts_at, holds) VALUES (",
        )
        .uuid(id)
        .push(", ")
        .uuid(account)
        .push(", 'MEMBER', ")
        .uuid(community)
        .push(", ")
        .uuid(membership)
        .push(", now(), TRUE)")
        .returning::<()>()
        .execute(tx.conn())
        .await
        .map_err(doing)?;
    }
    settle(tx, accounts).await
}

/// The same for the accounts of these people. Owed after any write to a person or a membership.
pub async fn follow_people(tx: &mut Tx, people: Vec<Uuid>) -> Result<(), Fault> {
    // SQL: by accounts_person.
    let accounts: Vec<Uuid> = Sql::new("SELECT id FROM accounts WHERE person_id = ANY (")
        .uuids(people)
        .push(") ORDER BY id")
        .returning::<SqlUuid>()
        .load(tx.conn())
        .await
        .map_err(|error| Fault::database("looking for accounts", error))?;
    follow_memberships(tx, accounts).await
}

/// Starts and ends these grants, as the clock says.
pub async fn apply_due(tx: &mut Tx, due: Vec<Uuid>) -> Result<(), Fault> {
    if due.is_empty() {
        return Ok(());
    }
    type Row = (Uuid, Uuid, Option<chrono::DateTime<chrono::Utc>>);
    // SQL: by primary key.
    let turned: Vec<Row> = Sql::new(
        "UPDATE grants SET holds = starts_at <= now() AND (ends_at IS NULL OR ends_at > now()) WHERE id = ANY (",
    )
    .uuids(due)
    .push(
        ") RETURNING id, account_id, CASE WHEN starts_at > now() THEN starts_at WHEN ends_at > now() THEN ends_at END",
    )
    .returning::<(SqlUuid, SqlUuid, Nullable<diesel::sql_types::Timestamptz>)>()
    .load(tx.conn())
    .await
    .map_err(|error| Fault::database("starting and ending rights", error))?;
    let mut accounts = Vec::new();
    for (grant, account, next) in turned {
        let due_id = tx.new_id();
        due::keep_grant(tx.conn(), grant, next, due_id).await?;
        accounts.push(account);
    }
    settle(tx, accounts).await
}

/// Writes which atoms of audience these accounts have, and tells what they lost and gained. Owed after any write to grants
/// or to the person of an account.
pub async fn settle(tx: &mut Tx, accounts: Vec<Uuid>) -> Result<(), Fault> {
    for (account, person, before) in lock(tx, accounts).await? {
        let grants: Vec<Grant> = grants::holding(tx.conn(), account).await?;
        let after = policy::atoms_of(&grants, person);
        if after == before {
            continue;
        }
        // SQL: by primary key.
        Sql::new("UPDATE accounts SET atoms = ")
            .texts(after.clone())
            .push(" WHERE id = ")
            .uuid(account)
            .returning::<()>()
            .execute(tx.conn())
            .await
            .map_err(|error| Fault::database("writing what an account sees", error))?;
        let without = |one: &[String], other: &[String]| -> Vec<String> {
            one.iter().filter(|atom| !other.contains(atom)).cloned().collect()
        };
        tx.record_rights(RightsChange { account, lost: without(&before, &after), gained: without(&after, &before) });
    }
    Ok(())
}

type Locked = (Uuid, Option<Uuid>, Vec<String>);

/// Locks accounts in the order of their ids, so that two transactions never wait for each other; rows that refer to them
/// may be written meanwhile.
async fn lock(tx: &mut Tx, mut accounts: Vec<Uuid>) -> Result<Vec<Locked>, Fault> {
    accounts.sort();
    accounts.dedup();
    // SQL: by primary key.
    let sql: statement::Statement<(SqlUuid, Nullable<SqlUuid>, Array<Text>)> =
        Sql::new("SELECT id, person_id, atoms FROM accounts WHERE id = ANY (")
            .uuids(accounts)
            .push(") ORDER BY id FOR NO KEY UPDATE")
            .returning();
    sql.load(tx.conn()).await.map_err(|error| Fault::database("looking at accounts", error))
}
