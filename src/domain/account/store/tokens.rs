//! The rows of tokens: what programs show who they are by. The secret itself is kept nowhere.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::pg::Pg;
use diesel::{Queryable, Selectable};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt;
use uuid::Uuid;

use crate::db::audit::{Act, Deed};
use crate::db::coverage::TextColumn;
use crate::db::facets::{Dimension, Values};
use crate::db::listing::{self, Listed, Loaded, Selection};
use crate::db::log::RightsChange;
use crate::db::page::{SortColumn, SortKey};
use crate::db::per_parent::PerParent;
use crate::db::schema::tokens;
use crate::db::statement::{Rows, Sql};
use crate::db::write::Tx;
use crate::domain::account::rules;
use crate::domain::permission;
use crate::error::{Code, Fault};
use crate::policy::token_scope::TokenScope;
use crate::policy::{Action, Subject, Viewer};
use crate::text::language::Languages;
use crate::text::messages::Message;

/// A token.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = tokens, check_for_backend(Pg))]
pub struct TokenRow {
    /// The row.
    pub id: Uuid,
    /// Whose it is.
    pub account_id: Uuid,
    /// What it is called, for whoever made it.
    pub name: String,
    /// What it may be used for, as `TokenScope` writes it.
    pub scopes: Vec<String>,
    /// Until when it is good.
    pub expires_at: DateTime<Utc>,
    /// When it was revoked; null: it was not.
    pub revoked_at: Option<DateTime<Utc>>,
    /// The last day on which it was used; null: never.
    pub last_used_on: Option<NaiveDate>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// Tokens, listed by account, in the order in which they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tokens;

/// What a list of tokens hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokensOf {
    /// The account.
    Account,
}

/// What tokens are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::AsRefStr)]
pub enum TokenOrder {
    /// When they were made.
    Made,
}

/// Nothing narrows a list of tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
pub struct TokenFilter;

impl Listed for Tokens {
    type Row = TokenRow;
    type Filter = TokenFilter;
    type Order = TokenOrder;
    type Of = TokensOf;

    const TABLE: &'static str = "tokens";
    const ID: &'static str = "tokens.id";
    const TEXTS: &'static [TextColumn] = &[];

    fn condition(TokenFilter: &TokenFilter, _viewer: &Viewer) -> Sql {
        Sql::new("TRUE")
    }

    fn hangs_on(of: TokensOf, _viewer: &Viewer) -> Sql {
        match of {
            TokensOf::Account => Sql::new("tokens.account_id = parent.id"),
        }
    }

    fn columns(order: TokenOrder, _languages: &Languages) -> Vec<SortColumn> {
        match order {
            // Ids ascend in the order in which they were made.
            TokenOrder::Made => Vec::new(),
        }
    }

    fn keys(_row: &TokenRow, order: TokenOrder, _languages: &Languages) -> Vec<SortKey> {
        match order {
            TokenOrder::Made => Vec::new(),
        }
    }

    fn id(row: &TokenRow) -> Uuid {
        row.id
    }

    fn values(_by: Dimension, _viewer: &Viewer) -> Option<Values> {
        None
    }

    /// Twin of `policy::can` for reading tokens.
    fn visible(viewer: &Viewer) -> Sql {
        super::of_own_account("tokens.account_id", viewer)
    }

    fn load<'a>(rows: Rows<Selection<Self>>, conn: &'a mut AsyncPgConnection) -> Loaded<'a, TokenRow> {
        rows.load(conn).boxed()
    }

    fn load_per_parent<'a>(
        rows: PerParent<Rows<Selection<Self>>>,
        conn: &'a mut AsyncPgConnection,
    ) -> Loaded<'a, (Uuid, TokenRow)> {
        rows.load(conn).boxed()
    }
}

/// A token that is to be made.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Whose it is to be.
    pub account: Uuid,
    /// What it is called.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<TokenScope>,
    /// Until when it is good; null: 90 days.
    pub expires_at: Option<DateTime<Utc>>,
    /// What is kept of its secret.
    pub secret_hash: Vec<u8>,
}

/// Makes a token. It never gives more than its account has, whatever its scopes say; a scope that the account could not use
/// now is refused, as it would be a mistake.
pub async fn create(tx: &mut Tx, new: NewToken) -> Result<TokenRow, Fault> {
    permission::require(tx, Action::Write, Subject::Tokens(new.account)).await?;
    rules::check_name(&new.name)?;
    let scopes = rules::check_scopes(new.scopes)?;
    let expires_at = rules::check_expiry(new.expires_at, tx.now())?;
    let viewer = tx.viewer();
    let is_usable = |scope: &TokenScope| match (viewer.identity(), scope.needs()) {
        (Some(identity), Some(grant)) => identity.holds(grant),
        (None, _) | (_, None) => true,
    };
    if !scopes.iter().all(is_usable) {
        return Err(Fault::new(Code::Forbidden, Message::new("token-scope-not-held")).of_field("scopes"));
    }
    let row = TokenRow {
        id: tx.new_id(),
        account_id: new.account,
        name: new.name,
        scopes: scopes.into_iter().map(TokenScope::write).collect(),
        expires_at,
        revoked_at: None,
        last_used_on: None,
        created_at: tx.now(),
    };
    // SQL: one row.
    Sql::new("INSERT INTO tokens (id, account_id, secret_hash, name, scopes, expires_at) VALUES (")
        .uuid(row.id)
        .push(", ")
        .uuid(row.account_id)
        .push(", ")
        .bytes(new.secret_hash)
        .push(", ")
        .text(row.name.as_str())
        .push(", ")
        .texts(row.scopes.clone())
        .push(", ")
        .time(row.expires_at)
        .push(")")
        .returning::<()>()
        .execute(tx.conn())
        .await
        .map_err(|error| Fault::database("making a token", error))?;
    tx.note(Act {
        deed: Deed::Created,
        kind: "TOKEN",
        subject: Some(row.id),
        fields: row.scopes.clone(),
        person: None,
    });
    Ok(row)
}

/// Ends a token at once; whoever follows by it is told.
pub async fn revoke(tx: &mut Tx, id: Uuid) -> Result<TokenRow, Fault> {
    permission::renew(tx).await?;
    let viewer = tx.viewer();
    let row = listing::by_ids::<Tokens>(tx.conn(), &viewer, vec![id]).await?.remove(&id);
    let row = row.ok_or_else(permission::absent)?;
    permission::allow(&viewer, Action::Write, Subject::Tokens(row.account_id))?;
    if row.revoked_at.is_some() {
        return Ok(row);
    }
    // SQL: by primary key.
    Sql::new("UPDATE tokens SET revoked_at = now() WHERE id = ")
        .uuid(id)
        .returning::<()>()
        .execute(tx.conn())
        .await
        .map_err(|error| Fault::database("revoking a token", error))?;
    tx.note(Act { deed: Deed::Ended, kind: "TOKEN", subject: Some(id), fields: Vec::new(), person: None });
    tx.record_rights(RightsChange { account: row.account_id, lost: Vec::new(), gained: Vec::new() });
    Ok(TokenRow { revoked_at: Some(tx.now()), ..row })
}

/// Ends all tokens of an account at once.
pub async fn revoke_all_of(tx: &mut Tx, account: Uuid) -> Result<(), Fault> {
    // SQL: by tokens_account.
    let good: Vec<Uuid> =
        Sql::new("SELECT id FROM tokens WHERE revoked_at IS NULL AND expires_at > now() AND account_id = ")
            .uuid(account)
            .push(" ORDER BY id")
            .returning::<diesel::sql_types::Uuid>()
            .load(tx.conn())
            .await
            .map_err(|error| Fault::database("looking for tokens", error))?;
    for id in good {
        revoke(tx, id).await?;
    }
    Ok(())
}

/// The tokens that are good, with whose they are, for whoever runs the hub.
pub async fn all(conn: &mut AsyncPgConnection, viewer: &Viewer) -> Result<Vec<(TokenRow, String)>, Fault> {
    let rows = Rows {
        selection: <TokenRow as diesel::SelectableHelper<Pg>>::as_select(),
        table: Tokens::TABLE,
        condition: Tokens::visible(viewer).and(Sql::new("tokens.revoked_at IS NULL AND tokens.expires_at > now()")),
        order: Sql::new(" ORDER BY tokens.id"),
    };
    let rows: Vec<TokenRow> = rows.load(conn).await.map_err(|error| Fault::database("listing tokens", error))?;
    let names = super::names_of(conn, rows.iter().map(|row| row.account_id).collect()).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let name = names.get(&row.account_id).cloned().unwrap_or_default();
            (row, name)
        })
        .collect())
}
