//! Somebody who is known to a hub, and asks it by their token.

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use knowledge_hub::auth::secret::{Purpose, Secret};
use knowledge_hub::db::Db;
use knowledge_hub::db::write;
use knowledge_hub::domain::account::store::grants::{self, NewGrant};
use knowledge_hub::domain::account::store::tokens::{self, NewToken};
use knowledge_hub::domain::account::store::{self, linking};
use knowledge_hub::domain::node;
use knowledge_hub::policy::token_scope::TokenScope;
use knowledge_hub::policy::{Grant, NodeKind, On, Right, Viewer};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::socket::{DEADLINE, Heard, Socket};
use crate::support::TestHub;

/// A right on the hub, or on a node by its kind and key.
pub type Held<'a> = (Right, Option<(NodeKind, &'a str)>);

/// Somebody with a token that reaches all of their account.
pub struct Caller {
    pub account: Uuid,
    pub token: String,
}

/// The id of a node.
pub async fn id_of(db: &Db, kind: NodeKind, key: &str) -> Uuid {
    let mut conn = db.connection().await.unwrap();
    let found = node::by_keys(&mut conn, kind, vec![key.to_owned()]).await.unwrap();
    found.into_iter().next().unwrap_or_else(|| panic!("no {kind:?} {key}")).1
}

async fn grant_of(db: &Db, (right, on): Held<'_>) -> Grant {
    let on = match on {
        None => On::Hub,
        Some((NodeKind::Organization, key)) => On::Organization(id_of(db, NodeKind::Organization, key).await),
        Some((kind, key)) => On::Community(id_of(db, kind, key).await),
    };
    Grant { right, on }
}

impl Caller {
    /// An account with this name, linked to a person by their key, with these rights; as the command line makes them.
    pub async fn new(hub: &TestHub, name: &str, person: Option<&str>, rights: &[Held<'_>]) -> Self {
        let account = account(&hub.db, name, person).await;
        for held in rights {
            give(&hub.db, account, *held, None).await;
        }
        let token = token(&hub.db, account, vec![TokenScope::ActAsAccount]).await;
        // Whoever follows from now on is not to be told of these rights.
        hub.hub.catch_up().await;
        Self { account, token }
    }

    /// The whole answer to a document with variables.
    pub async fn ask(&self, hub: &TestHub, query: &str, variables: Value) -> Value {
        ask_with(hub, &self.token, query, variables).await
    }

    /// The data of a document that must go through without an error.
    pub async fn data(&self, hub: &TestHub, query: &str) -> Value {
        let answer = self.ask(hub, query, json!({})).await;
        assert!(answer.get("errors").is_none(), "{query}: {answer}");
        answer["data"].clone()
    }

    /// The payload of a mutation that must be done.
    pub async fn done(&self, hub: &TestHub, mutation: &str, input: Value, wanted: &str) -> Value {
        let payload = self.payload(hub, mutation, input, wanted).await;
        assert_eq!(payload["userErrors"], json!([]), "{mutation}");
        payload
    }

    /// The first thing that is to be mended of a mutation: its code and field.
    pub async fn refused(&self, hub: &TestHub, mutation: &str, input: Value) -> (String, Value) {
        let payload = self.payload(hub, mutation, input, "__typename").await;
        let error = &payload["userErrors"][0];
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{mutation}: {payload}");
        (error["code"].as_str().unwrap().to_owned(), error["field"].clone())
    }

    /// The payload of a mutation.
    pub async fn payload(&self, hub: &TestHub, mutation: &str, input: Value, wanted: &str) -> Value {
        payload(hub, Some(&self.token), mutation, input, wanted).await
    }

    /// A socket that is begun with the token.
    pub async fn socket(&self, hub: &TestHub) -> Socket {
        let mut socket = Socket::open(hub.address).await;
        let payload = json!({ "authorization": format!("Bearer {}", self.token) });
        socket.say(&json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.hear().await, Heard::Said(json!({ "type": "connection_ack" })));
        socket
    }

    /// Such a socket that follows, and that the hub is known to have heard.
    pub async fn following(&self, hub: &TestHub, query: &str, variables: Value) -> Socket {
        follow(self.socket(hub).await, query, variables).await
    }
}

/// A socket that is begun, once it follows and the hub is known to have heard it.
pub async fn follow(mut socket: Socket, query: &str, variables: Value) -> Socket {
    socket.subscribe("1", query, variables).await;
    socket.subscribe("heard", "{ __typename }", json!({})).await;
    let mut early = Vec::new();
    loop {
        match socket.hear().await {
            Heard::Said(said) if said["id"] == "1" => early.push(said),
            Heard::Said(said) if said["type"] == "complete" => break,
            Heard::Said(_) => {}
            heard => panic!("{heard:?}"),
        }
    }
    socket.put_back(early);
    socket
}

/// The payload of a mutation, by a token or by nobody.
pub async fn payload(hub: &TestHub, token: Option<&str>, mutation: &str, input: Value, wanted: &str) -> Value {
    let mut type_name = mutation.to_owned();
    type_name[..1].make_ascii_uppercase();
    let query = format!(
        "mutation M($input: {type_name}Input!) {{ {mutation}(input: $input) {{ {wanted} userErrors {{ code field message }} }} }}"
    );
    let variables = json!({ "input": input });
    let answer = match token {
        Some(token) => ask_with(hub, token, &query, variables).await,
        None => hub.ask_in("en", &query, variables).await,
    };
    assert!(answer.get("errors").is_none(), "{query}: {answer}");
    answer["data"][mutation].clone()
}

/// The whole answer to a document that comes with a token.
pub async fn ask_with(hub: &TestHub, token: &str, query: &str, variables: Value) -> Value {
    let request = hub.client.post(hub.url("/graphql")).header("accept-language", "en").bearer_auth(token);
    let response = request.json(&json!({ "query": query, "variables": variables })).send().await.unwrap();
    response.json().await.unwrap()
}

/// An account with this name, linked to a person by their key.
pub async fn account(db: &Db, name: &str, person: Option<&str>) -> Uuid {
    let person = match person {
        Some(key) => Some(id_of(db, NodeKind::Person, key).await),
        None => None,
    };
    let name = name.to_owned();
    write::write(db, Viewer::system("test"), move |tx| {
        async move {
            let account = store::of_subject(tx, "https://issuer.example", &name).await?;
            if person.is_some() {
                linking::link(tx, account, person).await?;
            }
            Ok(account)
        }
        .boxed()
    })
    .await
    .unwrap()
}

/// Gives a right, until a moment if one is named. The answer is the id of the right.
pub async fn give(db: &Db, account: Uuid, held: Held<'_>, ends_at: Option<DateTime<Utc>>) -> Uuid {
    let grant = grant_of(db, held).await;
    let new = NewGrant { account, grant, starts_at: None, ends_at };
    let given = write::write(db, Viewer::system("test"), move |tx| grants::give(tx, new).boxed()).await;
    given.unwrap().id
}

/// Ends a right.
pub async fn end(db: &Db, id: Uuid) {
    write::write(db, Viewer::system("test"), move |tx| grants::end(tx, id).boxed()).await.unwrap();
}

/// A token of an account, good for these scopes.
pub async fn token(db: &Db, account: Uuid, scopes: Vec<TokenScope>) -> String {
    let secret = Secret::fresh(Purpose::Token).unwrap();
    let secret_hash = secret.hash();
    let new = NewToken { account, name: "test".to_owned(), scopes, expires_at: None, secret_hash };
    write::write(db, Viewer::system("test"), move |tx| tokens::create(tx, new).boxed()).await.unwrap();
    secret.reveal().to_owned()
}

/// Asks until something holds.
pub async fn until(holds: impl AsyncFn() -> bool) {
    let asking = async { while !holds().await {} };
    tokio::time::timeout(DEADLINE, asking).await.expect("it does not come to hold in time");
}
