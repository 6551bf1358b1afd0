//! Whether the viewer of a transaction may do what it is about to do, judged by the rights of this moment.

use std::sync::Arc;

use uuid::Uuid;

use crate::db::listing;
use crate::db::write::Tx;
use crate::domain::account::store;
use crate::domain::community::store::Communities;
use crate::domain::organization::store::Organizations;
use crate::error::{Code, Fault};
use crate::policy::{self, Action, Identity, On, Reason, Subject, Verdict, Viewer};
use crate::text::messages::Message;

/// Refuses what the transaction's viewer may not do. What may not even be known of is `NOT_FOUND`, as if it were not there.
pub async fn require(tx: &mut Tx, action: Action, subject: Subject<'_>) -> Result<(), Fault> {
    renew(tx).await?;
    allow(&tx.viewer(), action, subject)
}

/// Reads the rights of the transaction's viewer anew: they may have changed since it asked.
pub async fn renew(tx: &mut Tx) -> Result<(), Fault> {
    let viewer = tx.viewer();
    let Some(identity) = viewer.identity() else { return Ok(()) };
    match store::by_credential(tx.conn(), identity.credential()).await? {
        Some(seen) => {
            tx.become_viewer(Arc::new(Viewer::Known(Box::new(seen.identity))));
            Ok(())
        }
        None => Err(ended()),
    }
}

/// Refuses whoever is not known, before anything is done with what they sent.
pub async fn require_known(tx: &mut Tx) -> Result<(), Fault> {
    renew(tx).await?;
    match *tx.viewer() {
        Viewer::Anonymous => Err(unknown()),
        Viewer::Known(_) | Viewer::System(_) => Ok(()),
    }
}

/// Refuses what is on an organization or a community that the transaction's viewer does not see, as if it were not there.
pub async fn require_place(tx: &mut Tx, on: On) -> Result<(), Fault> {
    renew(tx).await?;
    let viewer = tx.viewer();
    let is_seen = match on {
        On::Hub => true,
        On::Organization(id) => !listing::by_ids::<Organizations>(tx.conn(), &viewer, vec![id]).await?.is_empty(),
        On::Community(id) => !listing::by_ids::<Communities>(tx.conn(), &viewer, vec![id]).await?.is_empty(),
    };
    if is_seen { Ok(()) } else { Err(absent().of_field("on")) }
}

/// The account of whoever writes, known by something that reaches all of it.
pub async fn own_account(tx: &mut Tx) -> Result<Uuid, Fault> {
    renew(tx).await?;
    let viewer = tx.viewer();
    let identity = viewer.identity().ok_or_else(unknown)?;
    if !identity.is_unlimited() {
        return Err(Fault::new(Code::Forbidden, Message::new("write-forbidden")));
    }
    Ok(identity.account())
}

/// The person whose data are the writer's own.
pub async fn own_person(tx: &mut Tx) -> Result<Uuid, Fault> {
    own_account(tx).await?;
    let viewer = tx.viewer();
    let person = viewer.identity().and_then(Identity::person);
    person.ok_or_else(|| Fault::new(Code::Forbidden, Message::new("account-without-person")))
}

/// The answer of the policy as a fault; nothing when it is allowed.
pub fn allow(viewer: &Viewer, action: Action, subject: Subject<'_>) -> Result<(), Fault> {
    match policy::can(viewer, action, subject) {
        Verdict::Allow => Ok(()),
        Verdict::Hide => Err(absent()),
        Verdict::Refuse(Reason::SignIn) => Err(unknown()),
        Verdict::Refuse(Reason::Right) => Err(Fault::new(Code::Forbidden, Message::new("write-forbidden"))),
    }
}

/// There is no such thing, as far as whoever asks may know.
pub fn absent() -> Fault {
    Fault::new(Code::NotFound, Message::new("not-found"))
}

/// Nobody knows who asks.
pub fn unknown() -> Fault {
    Fault::new(Code::Unauthenticated, Message::new("sign-in-first"))
}

/// What somebody was known by holds no longer.
pub fn ended() -> Fault {
    Fault::new(Code::Unauthenticated, Message::new("credential-ended"))
}
