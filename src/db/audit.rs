//! The audit: who changed what, and who read what of people that is not for everybody.
//!
//! Appended only. Changes come from the change log, in the transaction that appends to it; the rest is noted by whoever
//! does it, in the same transaction, or before what was read is given away.

use diesel_async::{AsyncPgConnection, RunQueryDsl};
use strum::AsRefStr;
use uuid::Uuid;

use crate::db::log::Author;
use crate::db::statement::Sql;
use crate::error::Fault;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsRefStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Deed {
    /// Something that is not for everybody was read.
    Read,
    /// All that the hub holds on somebody was handed out to them.
    Exported,
    /// Somebody was erased.
    Erased,
    /// It was made: a right, a token, an account, a session, an invitation, a message, a site.
    Created,
    /// It was changed.
    Updated,
    /// It came to its end.
    Ended,
    /// A node was put before its readers.
    Published,
    /// A node was shown to more people.
    Released,
    /// A node was retired.
    Retired,
    /// A node was removed.
    Removed,
}

/// Something to be noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// What was done.
    pub deed: Deed,
    /// To what kind of thing: a kind of node, or GRANT, TOKEN, SESSION, ACCOUNT, INVITATION, MESSAGE, SITE.
    pub kind: &'static str,
    /// To which.
    pub subject: Option<Uuid>,
    /// Which of its fields.
    pub fields: Vec<String>,
    /// Whom it concerns; null: nobody in particular.
    pub person: Option<Uuid>,
}

/// Notes what was done.
pub async fn append(conn: &mut AsyncPgConnection, author: &Author, acts: Vec<Act>) -> Result<(), Fault> {
    for act in acts {
        // SQL: one row.
        Sql::new("INSERT INTO audit (act, kind, subject_id, fields, person_id, account_id, token_id, why) VALUES (")
            .text(act.deed.as_ref())
            .push(", ")
            .text(act.kind)
            .push(", ")
            .uuid_or_null(act.subject)
            .push(", ")
            .texts(act.fields)
            .push(", ")
            .uuid_or_null(act.person)
            .push(", ")
            .uuid_or_null(author.account)
            .push(", ")
            .uuid_or_null(author.token)
            .push(", ")
            .text(author.why.as_str())
            .push(")")
            .returning::<()>()
            .execute(conn)
            .await
            .map_err(|error| Fault::database("noting what was done", error))?;
    }
    Ok(())
}

/// Notes what this transaction appended to the change log after a position; rights are noted by who gives and ends them.
pub async fn of_changes(conn: &mut AsyncPgConnection, author: &Author, after: i64) -> Result<(), Fault> {
    // SQL: the end of the log's primary key; memberships and roles by theirs.
    Sql::new("INSERT INTO audit (act, kind, subject_id, fields, person_id, account_id, token_id, why) SELECT c.action, c.kind, c.node_id, c.fields, CASE c.kind WHEN 'PERSON' THEN c.node_id WHEN 'MEMBERSHIP' THEN (SELECT m.person_id FROM memberships m WHERE m.id = c.node_id) WHEN 'ROLE' THEN (SELECT r.person_id FROM roles r WHERE r.id = c.node_id) END, ")
        .uuid_or_null(author.account)
        .push(", ")
        .uuid_or_null(author.token)
        .push(", ")
        .text(author.why.as_str())
        .push(" FROM changes c WHERE c.kind <> 'VIEWER' AND c.position > ")
        .text(after.to_string())
        .push("::bigint ORDER BY c.position")
        .returning::<()>()
        .execute(conn)
        .await
        .map(|_| ())
        .map_err(|error| Fault::database("noting changes", error))
}

/// What somebody read of one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The person.
    pub person: Uuid,
    /// The fields that were read, by their names in the contract.
    pub fields: Vec<String>,
}

/// Notes what was read of people, in one statement.
pub async fn readings(conn: &mut AsyncPgConnection, author: &Author, readings: Vec<Reading>) -> Result<(), Fault> {
    let (people, fields): (Vec<Uuid>, Vec<String>) =
        readings.into_iter().map(|reading| (reading.person, reading.fields.join(","))).unzip();
    // SQL: one row for each person.
    Sql::new("INSERT INTO audit (act, kind, subject_id, fields, person_id, account_id, token_id, why) SELECT 'READ', 'PERSON', r.person, string_to_array(r.fields, ','), r.person, ")
        .uuid_or_null(author.account)
        .push(", ")
        .uuid_or_null(author.token)
        .push(", ")
        .text(author.why.as_str())
        .push(" FROM unnest(")
        .uuids(people)
        .push(", ")
        .texts(fields)
        .push(") AS r (person, fields)")
        .returning::<()>()
        .execute(conn)
        .await
        .map(|_| ())
        .map_err(|error| Fault::database("noting what was read", error))
}
