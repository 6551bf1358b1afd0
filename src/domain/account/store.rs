//! The rows of accounts, and who somebody is by what they show.

pub mod grants;
pub mod linking;
pub mod rows;
pub mod sessions;
pub mod sign_ins;
pub mod tokens;

use std::collections::HashMap;

use diesel::sql_types::{Array, Bool, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::auth::secret::{Purpose, Secret};
use crate::db::audit::{Act, Deed};
use crate::db::statement::Sql;
use crate::db::write::Tx;
use crate::error::Fault;
use crate::policy::token_scope::TokenScope;
use crate::policy::{Credential, Grant, Identity, On, Viewer};

/// Somebody who showed who they are.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Who it is.
    pub identity: Identity,
    /// Whether the credential was used today already.
    pub is_known_today: bool,
}

/// By which column a credential is looked for.
enum By {
    Hash(Vec<u8>),
    Id(Uuid),
}

/// Who a token or a session is of; null: nobody, or it holds no longer. Whoever is found is the viewer from then on, so
/// this look-up takes none.
pub async fn by_secret(conn: &mut AsyncPgConnection, purpose: Purpose, secret: &Secret) -> Result<Option<Seen>, Fault> {
    match purpose {
        Purpose::Token => look_up(conn, true, By::Hash(secret.hash())).await,
        Purpose::Session => look_up(conn, false, By::Hash(secret.hash())).await,
        Purpose::SignIn | Purpose::Invitation => Ok(None),
    }
}

/// Who a credential is of by now; null: it holds no longer.
pub async fn by_credential(conn: &mut AsyncPgConnection, credential: Credential) -> Result<Option<Seen>, Fault> {
    match credential {
        Credential::Token(id) => look_up(conn, true, By::Id(id)).await,
        Credential::Session(id) => look_up(conn, false, By::Id(id)).await,
    }
}

async fn look_up(conn: &mut AsyncPgConnection, is_token: bool, by: By) -> Result<Option<Seen>, Fault> {
    type Row = (Uuid, Uuid, Option<Uuid>, Vec<String>, Option<Vec<String>>, bool, Vec<String>);
    // SQL: the credential by its unique hash or its primary key, the account by primary key, grants by grants_account.
    let sql = match is_token {
        true => Sql::new("SELECT c.id, a.id, a.person_id, a.atoms, c.scopes, "),
        false => Sql::new("SELECT c.id, a.id, a.person_id, a.atoms, NULL::text[], "),
    };
    let sql = sql.push(
        "c.last_used_on IS NOT DISTINCT FROM (now() AT TIME ZONE 'UTC')::date, ARRAY(SELECT concat_ws(' ', g.held_right, \
         CASE WHEN g.organization_id IS NOT NULL THEN 'ORGANIZATION' WHEN g.community_id IS NOT NULL THEN 'COMMUNITY' \
         ELSE 'HUB' END, coalesce(g.organization_id, g.community_id)) \
         FROM grants g WHERE g.account_id = a.id AND g.holds ORDER BY g.id) FROM ",
    );
    let sql = match is_token {
        true => sql.push("tokens c JOIN accounts a ON a.id = c.account_id WHERE c.revoked_at IS NULL AND "),
        false => sql.push("sessions c JOIN accounts a ON a.id = c.account_id WHERE c.ended_at IS NULL AND "),
    };
    let sql = match by {
        By::Hash(hash) => sql.push("c.expires_at > now() AND c.secret_hash = ").bytes(hash),
        By::Id(id) => sql.push("c.expires_at > now() AND c.id = ").uuid(id),
    };
    let rows: Vec<Row> = sql
        .returning::<(SqlUuid, SqlUuid, Nullable<SqlUuid>, Array<Text>, Nullable<Array<Text>>, Bool, Array<Text>)>()
        .load(conn)
        .await
        .map_err(|error| Fault::database("looking up who asks", error))?;
    let Some((credential, account, person, atoms, scopes, is_known_today, grants)) = rows.into_iter().next() else {
        return Ok(None);
    };
    let credential = if is_token { Credential::Token(credential) } else { Credential::Session(credential) };
    let grants = grants.iter().map(|text| read_grant(text)).collect::<Result<_, _>>()?;
    let scopes = scopes.map(|scopes| scopes.iter().filter_map(|scope| TokenScope::read(scope)).collect());
    let identity = Identity::new((account, credential), person, grants, scopes, atoms);
    Ok(Some(Seen { identity, is_known_today }))
}

fn read_grant(text: &str) -> Result<Grant, Fault> {
    let unknown = || Fault::internal("reading rights", text);
    let mut parts = text.split(' ');
    let right = parts.next().and_then(|right| right.parse().ok()).ok_or_else(unknown)?;
    let (place, id) = (parts.next(), parts.next().and_then(|id| id.parse().ok()));
    let on = match (place, id) {
        (Some("HUB"), None) => On::Hub,
        (Some("ORGANIZATION"), Some(id)) => On::Organization(id),
        (Some("COMMUNITY"), Some(id)) => On::Community(id),
        _ => return Err(unknown()),
    };
    Ok(Grant { right, on })
}

/// Notes that a credential was used today, once a day: more would be a diary.
pub async fn note_use(conn: &mut AsyncPgConnection, credential: Credential) -> Result<(), Fault> {
    // SQL: by primary key.
    let statement = match credential {
        Credential::Token(id) => {
            Sql::new("UPDATE tokens SET last_used_on = (now() AT TIME ZONE 'UTC')::date WHERE id = ").uuid(id)
        }
        Credential::Session(id) => {
            Sql::new("UPDATE sessions SET last_used_on = (now() AT TIME ZONE 'UTC')::date WHERE id = ").uuid(id)
        }
    };
    let noted = statement.returning::<()>().execute(conn).await;
    noted.map(|_| ()).map_err(|error| Fault::database("noting that a credential was used", error))
}

/// The condition that a row is of the viewer's own account. Twin of `policy::can` for tokens and sessions.
fn of_own_account(column: &'static str, viewer: &Viewer) -> Sql {
    match viewer {
        Viewer::System(_) => Sql::new("TRUE"),
        Viewer::Known(identity) if identity.runs_the_hub() => Sql::new("TRUE"),
        Viewer::Known(identity) if identity.is_unlimited() => Sql::new(column).push(" = ").uuid(identity.account()),
        Viewer::Known(_) | Viewer::Anonymous => Sql::new("FALSE"),
    }
}

/// The account of whom an issuer calls by a name, made when they come for the first time.
pub async fn of_subject(tx: &mut Tx, issuer: &str, subject: &str) -> Result<Uuid, Fault> {
    let new = tx.new_id();
    let sql = Sql::new("INSERT INTO accounts AS kept (id, issuer, subject) VALUES (")
        .uuid(new)
        .push(", ")
        .text(issuer)
        .push(", ")
        .text(subject)
        .push(") ON CONFLICT (issuer, subject) DO UPDATE SET issuer = kept.issuer RETURNING kept.id");
    made(tx, sql, new).await
}

/// The account of a service with this name, made when there is none.
pub async fn of_service(tx: &mut Tx, name: &str) -> Result<Uuid, Fault> {
    let new = tx.new_id();
    let sql = Sql::new("INSERT INTO accounts AS kept (id, service_name) VALUES (")
        .uuid(new)
        .push(", ")
        .text(name)
        .push(") ON CONFLICT (service_name) DO UPDATE SET service_name = kept.service_name RETURNING kept.id");
    made(tx, sql, new).await
}

async fn made(tx: &mut Tx, sql: Sql, new: Uuid) -> Result<Uuid, Fault> {
    // SQL: by the unique index of what names an account.
    let id: Uuid = sql
        .returning::<SqlUuid>()
        .get_result(tx.conn())
        .await
        .map_err(|error| Fault::database("making an account", error))?;
    if id == new {
        tx.note(Act { deed: Deed::Created, kind: "ACCOUNT", subject: Some(id), fields: Vec::new(), person: None });
    }
    Ok(id)
}

/// The accounts of a person, the oldest first; for the hub itself.
pub async fn of_person(conn: &mut AsyncPgConnection, person: Uuid) -> Result<Vec<Uuid>, Fault> {
    // SQL: by accounts_person.
    Sql::new("SELECT id FROM accounts WHERE person_id = ")
        .uuid(person)
        .push(" ORDER BY id")
        .returning::<SqlUuid>()
        .load(conn)
        .await
        .map_err(|error| Fault::database("looking for accounts", error))
}

/// The persons of accounts. Whether somebody may see them is decided when the person is read.
pub async fn persons_of(conn: &mut AsyncPgConnection, accounts: Vec<Uuid>) -> Result<HashMap<Uuid, Uuid>, Fault> {
    // SQL: by primary key.
    let found: Vec<(Uuid, Uuid)> =
        Sql::new("SELECT id, person_id FROM accounts WHERE person_id IS NOT NULL AND id = ANY (")
            .keys(accounts)
            .push(")")
            .returning::<(SqlUuid, SqlUuid)>()
            .load(conn)
            .await
            .map_err(|error| Fault::database("looking up persons of accounts", error))?;
    Ok(found.into_iter().collect())
}

/// What accounts are called: by their issuer, or as a service.
pub async fn names_of(conn: &mut AsyncPgConnection, accounts: Vec<Uuid>) -> Result<HashMap<Uuid, String>, Fault> {
    // SQL: by primary key.
    let found: Vec<(Uuid, String)> =
        Sql::new("SELECT id, coalesce(service_name, issuer || ' ' || subject) FROM accounts WHERE id = ANY (")
            .keys(accounts)
            .push(")")
            .returning::<(SqlUuid, Text)>()
            .load(conn)
            .await
            .map_err(|error| Fault::database("looking up names of accounts", error))?;
    Ok(found.into_iter().collect())
}
