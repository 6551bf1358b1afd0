//! The people of the demonstration: one account for each part that somebody can play, with a token that is good for a week.

use futures_util::FutureExt;
use uuid::Uuid;

use crate::auth::secret::{Purpose, Secret};
use crate::db::Db;
use crate::db::write::{self, Tx};
use crate::domain::account::store::grants::{self, NewGrant};
use crate::domain::account::store::tokens::{self, NewToken};
use crate::domain::account::store::{self, linking};
use crate::domain::node;
use crate::error::Fault;
use crate::policy::token_scope::TokenScope;
use crate::policy::{Grant, NodeKind, On, Right, Viewer};

/// Who vouches for them: nobody.
const ISSUER: &str = "urn:knowledge-hub:demonstration";

/// The community in which they play their parts.
const COMMUNITY: &str = "sample-community-2";

/// How long their tokens are good, in days.
const DAYS: i64 = 7;

/// A part, who plays it, and the right that goes with it.
struct Part {
    name: &'static str,
    person: Option<&'static str>,
    right: Option<Right>,
}

const PARTS: [Part; 5] = [
    Part { name: "administrator", person: None, right: Some(Right::Administrator) },
    Part { name: "coordinator", person: Some("sample-member-12"), right: Some(Right::Coordinator) },
    Part { name: "reviewer", person: Some("sample-member-34"), right: Some(Right::Reviewer) },
    // Their rights follow from their memberships.
    Part { name: "member", person: Some("sample-member-6"), right: None },
    Part { name: "applicant", person: Some("sample-member-3"), right: None },
];

/// A part and the token of whoever plays it.
#[derive(Clone, Debug)]
pub struct Persona {
    /// The part.
    pub name: &'static str,
    /// The token.
    pub token: Secret,
}

/// Makes the accounts that are missing, and a new token for each; the tokens of before are revoked.
pub async fn prepare(db: &Db) -> Result<Vec<Persona>, Fault> {
    let mut personas = Vec::new();
    for part in &PARTS {
        personas.push(Persona { name: part.name, token: Secret::fresh(Purpose::Token)? });
    }
    let made = personas.clone();
    write::write(db, Viewer::system("demonstration"), move |tx| {
        async move {
            for (part, persona) in PARTS.iter().zip(&made) {
                play(tx, part, &persona.token).await?;
            }
            Ok(())
        }
        .boxed()
    })
    .await?;
    Ok(personas)
}

async fn play(tx: &mut Tx, part: &Part, token: &Secret) -> Result<(), Fault> {
    let account = store::of_subject(tx, ISSUER, part.name).await?;
    if let Some(person) = part.person {
        // Whoever was erased plays no part any more.
        let person = id_of(tx, NodeKind::Person, person).await?;
        linking::link(tx, account, person).await?;
    }
    if let Some(right) = part.right {
        give(tx, account, right).await?;
    }
    tokens::revoke_all_of(tx, account).await?;
    let expires_at = tx.now().checked_add_signed(chrono::TimeDelta::days(DAYS));
    let new = NewToken {
        account,
        name: part.name.to_owned(),
        scopes: vec![TokenScope::ActAsAccount],
        expires_at,
        secret_hash: token.hash(),
    };
    tokens::create(tx, new).await.map(|_| ())
}

/// Gives the right unless the account has it already.
async fn give(tx: &mut Tx, account: Uuid, right: Right) -> Result<(), Fault> {
    let on = match right {
        Right::Administrator => On::Hub,
        Right::Coordinator | Right::Reviewer | Right::Member | Right::Representative => {
            match id_of(tx, NodeKind::Community, COMMUNITY).await? {
                Some(community) => On::Community(community),
                None => return Ok(()),
            }
        }
    };
    let grant = Grant { right, on };
    if grants::holding(tx.conn(), account).await?.contains(&grant) {
        return Ok(());
    }
    grants::give(tx, NewGrant { account, grant, starts_at: None, ends_at: None }).await.map(|_| ())
}

async fn id_of(tx: &mut Tx, kind: NodeKind, key: &str) -> Result<Option<Uuid>, Fault> {
    let found = node::by_keys(tx.conn(), kind, vec![key.to_owned()]).await?;
    Ok(found.into_iter().next().map(|(_, id, _)| id))
}
