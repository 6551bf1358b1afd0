//! Whose data an account's own are: by an invitation that was handed to somebody, or by an administrator's approval. Never
//! by an address that two records happen to share.

use diesel::sql_types::Uuid as SqlUuid;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::auth::secret::Secret;
use crate::db::audit::{Act, Deed};
use crate::db::listing;
use crate::db::statement::Sql;
use crate::db::write::Tx;
use crate::domain::account::rights;
use crate::domain::permission;
use crate::domain::person::store::People;
use crate::error::{Code, Fault};
use crate::policy::{Action, Subject};
use crate::text::messages::Message;
use crate::text::texts;

/// The longest note of who somebody is, in characters.
const MAX_NOTE_CHARS: usize = 500;

/// How long an invitation is good, as PostgreSQL writes it.
const INVITATION_LASTS: &str = "now() + interval '14 days'";

/// Says whose data an account's own are; null: nobody's any more. With it come and go the rights that follow from the
/// person's memberships.
pub async fn link(tx: &mut Tx, account: Uuid, person: Option<Uuid>) -> Result<(), Fault> {
    permission::require(tx, Action::Write, Subject::Account(account)).await?;
    if let Some(person) = person {
        let viewer = tx.viewer();
        let found = listing::by_ids::<People>(tx.conn(), &viewer, vec![person]).await?;
        found.get(&person).ok_or_else(|| permission::absent().of_field("person"))?;
    }
    write(tx, account, person).await
}

async fn write(tx: &mut Tx, account: Uuid, person: Option<Uuid>) -> Result<(), Fault> {
    // SQL: by primary key.
    let linked = Sql::new("UPDATE accounts SET link_note = NULL, link_asked_at = NULL, person_id = ")
        .uuid_or_null(person)
        .push(" WHERE id = ")
        .uuid(account)
        .returning::<()>()
        .execute(tx.conn())
        .await
        .map_err(|error| Fault::database("linking an account", error))?;
    if linked == 0 {
        return Err(permission::absent().of_field("account"));
    }
    let fields = vec!["person".to_owned()];
    tx.note(Act { deed: Deed::Updated, kind: "ACCOUNT", subject: Some(account), fields, person });
    rights::follow_memberships(tx, vec![account]).await
}

/// Asks the administrators to link the viewer's own account, with a note of who they are.
pub async fn ask(tx: &mut Tx, note: &str) -> Result<Uuid, Fault> {
    let account = permission::own_account(tx).await?;
    texts::check_plain(note, MAX_NOTE_CHARS, true).map_err(|message| Fault::bad_input(message).of_field("note"))?;
    // SQL: by primary key.
    let asked = Sql::new("UPDATE accounts SET link_asked_at = now(), link_note = ")
        .text(note)
        .push(" WHERE person_id IS NULL AND id = ")
        .uuid(account)
        .returning::<()>()
        .execute(tx.conn())
        .await
        .map_err(|error| Fault::database("asking to be linked", error))?;
    if asked == 0 {
        return Err(Fault::new(Code::Conflict, Message::new("account-linked")));
    }
    let fields = vec!["linkNote".to_owned()];
    tx.note(Act { deed: Deed::Updated, kind: "ACCOUNT", subject: Some(account), fields, person: None });
    Ok(account)
}

/// Makes an invitation to be handed to a person, by those who may link accounts to them.
pub async fn invite(tx: &mut Tx, person: Uuid, secret: &Secret) -> Result<(), Fault> {
    // Whoever may approve a link may invite to it; there is no account yet that it could be asked of.
    permission::require(tx, Action::Write, Subject::Account(Uuid::nil())).await?;
    let viewer = tx.viewer();
    let found = listing::by_ids::<People>(tx.conn(), &viewer, vec![person]).await?;
    found.get(&person).ok_or_else(|| permission::absent().of_field("person"))?;
    let id = tx.new_id();
    // SQL: one row.
    Sql::new("INSERT INTO invitations (id, person_id, secret_hash, expires_at) VALUES (")
        .uuid(id)
        .push(", ")
        .uuid(person)
        .push(", ")
        .bytes(secret.hash())
        .push(", ")
        .push(INVITATION_LASTS)
        .push(")")
        .returning::<()>()
        .execute(tx.conn())
        .await
        .map_err(|error| Fault::database("inviting", error))?;
    let subject = Some(id);
    tx.note(Act { deed: Deed::Created, kind: "INVITATION", subject, fields: Vec::new(), person: Some(person) });
    Ok(())
}

/// Takes up an invitation, once: the viewer's own account becomes that person's. The answer is the account.
pub async fn accept(tx: &mut Tx, secret: Option<&Secret>) -> Result<Uuid, Fault> {
    let account = permission::own_account(tx).await?;
    let unknown = || Fault::new(Code::NotFound, Message::new("invitation-unknown")).of_field("invitation");
    let hash = secret.map(Secret::hash).ok_or_else(unknown)?;
    // SQL: by the unique hash; whoever comes second finds it used.
    let taken: Vec<(Uuid, Uuid)> = Sql::new(
        "UPDATE invitations SET used_at = now() WHERE used_at IS NULL AND expires_at > now() AND secret_hash = ",
    )
    .bytes(hash)
    .push(" RETURNING id, person_id")
    .returning::<(SqlUuid, SqlUuid)>()
    .load(tx.conn())
    .await
    .map_err(|error| Fault::database("taking up an invitation", error))?;
    let (invitation, person) = taken.into_iter().next().ok_or_else(unknown)?;
    let subject = Some(invitation);
    tx.note(Act { deed: Deed::Ended, kind: "INVITATION", subject, fields: Vec::new(), person: Some(person) });
    write(tx, account, Some(person)).await?;
    Ok(account)
}
