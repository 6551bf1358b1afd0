//! Tokens and rights from the command line, which whoever runs the machine may use for all.

use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, Subcommand};
use futures_util::FutureExt;
use uuid::Uuid;

use knowledge_hub::auth::secret::{Purpose, Secret};
use knowledge_hub::db::Db;
use knowledge_hub::db::write::{self, Tx};
use knowledge_hub::domain::account::store::grants::{self, NewGrant};
use knowledge_hub::domain::account::store::tokens::{self, NewToken};
use knowledge_hub::domain::account::{rules, store};
use knowledge_hub::domain::node;
use knowledge_hub::error::Fault;
use knowledge_hub::policy::token_scope::{TokenScope, TokenScopeKind};
use knowledge_hub::policy::{Grant, NodeKind, On, Right, Viewer};
use knowledge_hub::text::language::Languages;
use knowledge_hub::text::messages::Message;
use knowledge_hub::transfer::personas;

use crate::Stop;
use crate::output::print;

/// What is done with tokens.
#[derive(Subcommand)]
pub enum TokenCommand {
    /// Make a token for a service, and tell its secret this once.
    Create {
        /// The name of the service; a new name makes a new account.
        #[arg(long)]
        service: String,
        /// What it may be used for: read-public, read-as-member-of:COMMUNITY, write-items-of:COMMUNITY,
        /// administer-organization:ORGANIZATION, with the node's key; several with commas.
        #[arg(long, required = true, value_delimiter = ',')]
        scope: Vec<String>,
        /// How many days it is good, at most 366.
        #[arg(long, default_value_t = rules::TOKEN_DAYS)]
        days: i64,
        /// What it is called; else as the service.
        #[arg(long)]
        name: Option<String>,
    },
    /// List the tokens that are good.
    List,
    /// End a token at once.
    Revoke {
        /// Its id, as the list has it.
        id: Uuid,
    },
}

/// Who is to have which right.
#[derive(Args)]
pub struct GrantArguments {
    /// The right: administrator, coordinator, reviewer, member or representative.
    right: String,
    /// Who vouches for whoever signs in, as the provider writes it; with --subject.
    #[arg(long, requires = "subject", required_unless_present = "service")]
    issuer: Option<String>,
    /// What the issuer calls them.
    #[arg(long, requires = "issuer")]
    subject: Option<String>,
    /// The name of a service instead.
    #[arg(long, conflicts_with = "issuer")]
    service: Option<String>,
    /// Where it is to hold, as organization:KEY or community:KEY; else on the whole hub.
    #[arg(long)]
    on: Option<String>,
    /// Until when, as 2027-01-31T00:00:00Z; else until somebody ends it.
    #[arg(long)]
    until: Option<DateTime<Utc>>,
}

/// Makes, lists and revokes tokens.
pub async fn token(db: &Db, command: TokenCommand, languages: &Languages) -> Result<(), Stop> {
    match command {
        TokenCommand::Create { service, scope, days, name } => {
            let secret = Secret::fresh(Purpose::Token)?;
            let secret_hash = secret.hash();
            let made = write::write(db, Viewer::system("token create"), move |tx| {
                async move { create(tx, service, name, &scope, days, secret_hash).await }.boxed()
            });
            refused(made.await)?;
            // The secret alone, so that a script can take it as it is.
            eprintln!("{}", Message::new("cli-token-made").sentence(languages));
            print(secret.reveal())
        }
        TokenCommand::List => {
            let mut conn = db.connection().await?;
            let mut text = String::new();
            for (row, whose) in tokens::all(&mut conn, &Viewer::system("token list")).await? {
                let last = row.last_used_on.map_or("-".to_owned(), |day| day.to_string());
                let (until, scopes) = (row.expires_at.format("%Y-%m-%d"), row.scopes.join(","));
                text.push_str(&format!("{}\t{whose}\t{}\t{scopes}\t{until}\t{last}\n", row.id, row.name));
            }
            if text.is_empty() { print(&Message::new("cli-token-none").sentence(languages)) } else { print(&text) }
        }
        TokenCommand::Revoke { id } => {
            let revoked =
                write::write(db, Viewer::system("token revoke"), move |tx| tokens::revoke(tx, id).boxed()).await;
            refused(revoked)?;
            print(&Message::new("cli-token-revoked").sentence(languages))
        }
    }
}

async fn create(
    tx: &mut Tx,
    service: String,
    name: Option<String>,
    scopes: &[String],
    days: i64,
    secret_hash: Vec<u8>,
) -> Result<(), Fault> {
    rules::check_name(&service)?;
    let account = store::of_service(tx, &service).await?;
    let mut wanted = Vec::new();
    for text in scopes {
        let unknown = || Fault::bad_input(Message::new("cli-scope-unknown").with("scope", text.as_str()));
        let (word, key) = text.split_once(':').map_or((text.as_str(), None), |(word, key)| (word, Some(key)));
        let kind: TokenScopeKind = word.to_uppercase().replace('-', "_").parse().map_err(|_| unknown())?;
        let node = match (kind, key) {
            (TokenScopeKind::ReadAsMemberOf | TokenScopeKind::WriteItemsOf, Some(key)) => {
                Some((NodeKind::Community, key))
            }
            (TokenScopeKind::AdministerOrganization, Some(key)) => Some((NodeKind::Organization, key)),
            (_, None) => None,
            (TokenScopeKind::ReadPublic | TokenScopeKind::ActAsAccount, Some(_)) => return Err(unknown()),
        };
        let on = match node {
            Some((kind, key)) => place(tx, kind, key).await?,
            None => On::Hub,
        };
        let scope = TokenScope::of(kind, on).ok_or_else(unknown)?;
        // A service has the rights that its tokens need, and no token of it reaches further than its scopes.
        if let Some(grant) = scope.needs() {
            give(tx, account, grant, None).await?;
        }
        wanted.push(scope);
    }
    let expires_at = tx.now().checked_add_signed(TimeDelta::try_days(days).unwrap_or(TimeDelta::MAX));
    let name = name.unwrap_or(service);
    tokens::create(tx, NewToken { account, name, scopes: wanted, expires_at, secret_hash }).await.map(|_| ())
}

/// Gives a right.
pub async fn grant(db: &Db, arguments: GrantArguments, languages: &Languages) -> Result<(), Stop> {
    let given = write::write(db, Viewer::system("grant"), move |tx| {
        async move {
            let GrantArguments { right, issuer, subject, service, on, until } = arguments;
            let unknown = || Fault::bad_input(Message::new("cli-right-unknown").with("right", right.as_str()));
            let held: Right = right.to_uppercase().parse().map_err(|_| unknown())?;
            let on = match on.as_deref().map(|on| on.split_once(':')) {
                None => On::Hub,
                Some(Some(("organization", key))) => place(tx, NodeKind::Organization, key).await?,
                Some(Some(("community", key))) => place(tx, NodeKind::Community, key).await?,
                Some(_) => return Err(Fault::bad_input(Message::new("cli-place-unknown"))),
            };
            let grant = Grant { right: held, on };
            let account = match (service, issuer, subject) {
                (Some(service), ..) => store::of_service(tx, &service).await?,
                (None, Some(issuer), Some(subject)) => store::of_subject(tx, &issuer, &subject).await?,
                (None, ..) => return Err(unknown()),
            };
            give(tx, account, grant, until).await
        }
        .boxed()
    });
    refused(given.await)?;
    print(&Message::new("cli-granted").sentence(languages))
}

/// Gives a right unless it holds already.
async fn give(tx: &mut Tx, account: Uuid, grant: Grant, ends_at: Option<DateTime<Utc>>) -> Result<(), Fault> {
    if grants::holding(tx.conn(), account).await?.contains(&grant) {
        return Ok(());
    }
    grants::give(tx, NewGrant { account, grant, starts_at: None, ends_at }).await.map(|_| ())
}

async fn place(tx: &mut Tx, kind: NodeKind, key: &str) -> Result<On, Fault> {
    let found = node::by_keys(tx.conn(), kind, vec![key.to_owned()]).await?;
    let unknown = || {
        Fault::bad_input(Message::new("cli-key-unknown").with("kind", kind.as_ref().to_lowercase()).with("key", key))
    };
    let (_, id, _) = found.into_iter().next().ok_or_else(unknown)?;
    Ok(if kind == NodeKind::Organization { On::Organization(id) } else { On::Community(id) })
}

/// The people of the demonstration with their tokens, as it is printed.
pub async fn personas(db: &Db, languages: &Languages) -> Result<String, Stop> {
    let mut text = Message::new("cli-personas").sentence(languages);
    for persona in personas::prepare(db).await? {
        text.push_str(&format!("\n  {:14} {}", persona.name, persona.token.reveal()));
    }
    Ok(text)
}

/// What whoever runs the command can mend is one sentence.
fn refused<T>(outcome: Result<T, Fault>) -> Result<T, Stop> {
    outcome.map_err(|fault| match fault.refusal() {
        Some(_) => Stop::Refused(fault.message().clone()),
        None => Stop::Failed(fault),
    })
}
