//! Everything that the hub holds on a person, as one JSON document.

use diesel::sql_types::Jsonb;
use diesel_async::RunQueryDsl;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::db::audit::{Act, Deed};
use crate::db::listing;
use crate::db::statement::Sql;
use crate::db::write::Tx;
use crate::domain::node::Stored;
use crate::domain::permission;
use crate::domain::person::store::People;
use crate::error::Fault;
use crate::policy::{Action, Subject, Viewer};

/// Where something of a person stands: a table, and the condition under which a row `t` of it is of the person `p` or of an
/// account of theirs. A test compares the list with the tables that name people and accounts.
pub const PLACES: [(&str, &str, &str); 24] = [
    ("person", "people", "t.id = p.id"),
    ("node", "nodes", "t.id = p.id"),
    ("slugs", "slugs", "t.node_id = p.id"),
    ("sources", "sources", "t.node_id = p.id"),
    ("textOrigins", "text_origins", "t.node_id = p.id"),
    ("foundBy", "search_documents", "t.node_id = p.id"),
    (
        "due",
        "due",
        "t.node_id = p.id OR t.grant_id IN (SELECT g.id FROM grants g JOIN accounts a ON a.id = g.account_id WHERE a.person_id = p.id)",
    ),
    ("consents", "consents", "t.person_id = p.id"),
    ("affiliations", "affiliations", "t.person_id = p.id"),
    ("expertise", "person_expertise", "t.person_id = p.id"),
    ("roles", "roles", "t.person_id = p.id"),
    ("memberships", "memberships", "t.person_id = p.id"),
    ("applications", "applications", "t.person_id = p.id"),
    ("projects", "project_people", "t.person_id = p.id"),
    ("authorships", "item_authors", "t.person_id = p.id"),
    ("links", "links", "p.id IN (t.from_id, t.to_id)"),
    ("invitations", "invitations", "t.person_id = p.id"),
    ("accounts", "accounts", "t.person_id = p.id"),
    ("grants", "grants", "t.account_id IN (SELECT a.id FROM accounts a WHERE a.person_id = p.id)"),
    ("tokens", "tokens", "t.account_id IN (SELECT a.id FROM accounts a WHERE a.person_id = p.id)"),
    ("sessions", "sessions", "t.account_id IN (SELECT a.id FROM accounts a WHERE a.person_id = p.id)"),
    ("messages", "messages", "t.account_id IN (SELECT a.id FROM accounts a WHERE a.person_id = p.id)"),
    ("sent", "sent_mutations", "t.account_id IN (SELECT a.id FROM accounts a WHERE a.person_id = p.id)"),
    ("audit", "audit", "t.person_id = p.id OR t.account_id IN (SELECT a.id FROM accounts a WHERE a.person_id = p.id)"),
];

/// Writes out what the hub holds on a person, for themselves or whoever runs the hub; null: the writer's own. That it was
/// handed out is noted.
pub async fn export(tx: &mut Tx, person: Option<Uuid>) -> Result<String, Fault> {
    let person = match person {
        Some(person) => person,
        None => permission::own_person(tx).await?,
    };
    permission::require(tx, Action::Read, Subject::PersonalData(person)).await?;
    let system = Viewer::system("export of a person");
    let row = listing::by_ids::<People>(tx.conn(), &system, vec![person]).await?.remove(&person);
    let row = row.ok_or_else(permission::absent)?;
    let mut document = Map::new();
    document.insert("exportedAt".to_owned(), json!(tx.now()));
    let line = People::lines(tx.conn(), &system, vec![row]).await?.pop();
    if let Some(line) = line {
        document.insert("line".to_owned(), json!({ "header": line.header, "record": line.record }));
    }
    for (name, table, condition) in PLACES {
        // SQL: by the index of each on the person or the account; the audit by audit_person and audit_account.
        let rows: Value = Sql::new(
            "SELECT coalesce(jsonb_agg(to_jsonb(t) - 'secret_hash' - 'import_hash'), '[]') FROM people p JOIN ",
        )
        .push(table)
        .push(" t ON ")
        .push(condition)
        .push(" WHERE p.id = ")
        .uuid(person)
        .returning::<Jsonb>()
        .get_result(tx.conn())
        .await
        .map_err(|error| Fault::database("writing out a person", error))?;
        document.insert(name.to_owned(), rows);
    }
    let fields = vec!["all".to_owned()];
    tx.note(Act { deed: Deed::Exported, kind: "PERSON", subject: Some(person), fields, person: Some(person) });
    serde_json::to_string_pretty(&document).map_err(|error| Fault::internal("writing out a person", error))
}
