//! Who asks: tokens on every transport, and what is no token.

use diesel_async::SimpleAsyncConnection;
use knowledge_hub::graph::id;
use knowledge_hub::policy::token_scope::TokenScope;
use knowledge_hub::policy::{NodeKind, Right};
use serde_json::{Value, json};

use crate::callers::{self, Caller};
use crate::lines::{community, consent, membership, person};
use crate::socket::{Heard, Socket};
use crate::support::TestHub;

const VIEWER: &str = "{ viewer { accountId isHubAdministrator tokenId person { name } } }";

/// A community with a member who shows their name to members, and the rest to nobody.
fn members() -> Vec<Value> {
    vec![
        community("c", json!({})),
        community("d", json!({})),
        person(
            "ann",
            json!({"region": "CA-QC", "consents": [consent("NAME", "MEMBERS"), consent("REGION", "COORDINATORS")]}),
        ),
        membership("m", "ann", "c", json!({})),
        person("ben", json!({"consents": [consent("NAME", "SELF")]})),
        membership("n", "ben", "c", json!({})),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_shows_who_asks_until_it_is_revoked() {
    let hub = TestHub::with_lines(&members()).await;
    assert_eq!(hub.data(VIEWER).await["viewer"], Value::Null);
    let ann = Caller::new(&hub, "ann", Some("ann"), &[]).await;
    let seen = ann.data(&hub, VIEWER).await["viewer"].clone();
    assert_eq!((&seen["person"]["name"], &seen["isHubAdministrator"]), (&json!("ann"), &json!(false)));
    let own = ann.data(&hub, "{ viewer { account { subject tokens { nodes { id name lastUsedOn scopes { kind } } } grants { nodes { right holds community { key } membership { key } } } } } }").await;
    let account = &own["viewer"]["account"];
    assert_eq!(account["subject"], "ann");
    assert_eq!(account["tokens"]["nodes"][0]["id"], seen["tokenId"]);
    assert!(account["tokens"]["nodes"][0]["lastUsedOn"].is_string(), "a day is noted");
    let follows = json!({"right": "MEMBER", "holds": true, "community": {"key": "c"}, "membership": {"key": "m"}});
    assert_eq!(account["grants"]["nodes"], json!([follows]));
    let payload = ann.done(&hub, "tokenRevoke", json!({"token": seen["tokenId"]}), "token { revokedAt }").await;
    assert!(payload["token"]["revokedAt"].is_string());
    let answer = ann.ask(&hub, VIEWER, json!({})).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_token_is_told_so_and_never_taken_for_nobody() {
    let hub = TestHub::with_lines(&[]).await;
    let caller = Caller::new(&hub, "a", None, &[]).await;
    let bearer = |token: &str| format!("Bearer {token}");
    let wrong = [
        bearer("khub_"),
        bearer(&"A".repeat(48)),
        bearer(&format!("khub_{}", "A".repeat(43))),
        format!("Basic {}", caller.token),
        caller.token.clone(),
        String::new(),
    ];
    for value in &wrong {
        let request = hub.client.post(hub.url("/graphql")).header("authorization", value);
        let response = request.json(&json!({"query": "{ __typename }"})).send().await.unwrap();
        assert_eq!(response.status(), 401, "{value}");
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
        let mut socket = Socket::open(hub.address).await;
        socket.say(&json!({"type": "connection_init", "payload": {"authorization": value}})).await;
        assert_eq!(socket.code().await, 4403, "{value}");
    }
    // In an address it is nothing: addresses are logged.
    let address = format!("/graphql?query=%7BviewerX%3Aviewer%7BaccountId%7D%7D&access_token={}", caller.token);
    let body: Value = hub.client.get(hub.url(&address)).send().await.unwrap().json().await.unwrap();
    assert_eq!(body["data"], json!({"viewerX": null}));
    // What has expired is none.
    let mut conn = hub.db.connection().await.unwrap();
    conn.batch_execute("UPDATE tokens SET expires_at = now() - interval '1 second'").await.unwrap();
    let answer = caller.ask(&hub, VIEWER, json!({})).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_viewer_asks_by_post_get_socket_and_event_stream() {
    let hub = TestHub::with_lines(&members()).await;
    let ann = Caller::new(&hub, "ann", Some("ann"), &[]).await;
    let query = "{ viewer { person { name } } people { totalCount } }";
    let data = json!({"viewer": {"person": {"name": "ann"}}, "people": {"totalCount": 1}});
    let expected = json!({"data": data, "extensions": {"cost": {"requested": 5, "allowed": 250_000}}});
    assert_eq!(ann.ask(&hub, query, json!({})).await, expected);
    let get = hub.client.get(hub.url("/graphql")).query(&[("query", query)]).bearer_auth(&ann.token);
    let response = get.send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert!(response.headers()["vary"].to_str().unwrap().contains("Authorization"));
    assert_eq!(response.json::<Value>().await.unwrap(), expected);
    let mut socket = ann.socket(&hub).await;
    socket.subscribe("q", query, json!({})).await;
    assert_eq!(socket.next().await, expected);
    let header = format!("Bearer {}", ann.token);
    let headers = [("sec-websocket-protocol", "graphql-transport-ws"), ("authorization", header.as_str())];
    let mut socket = Socket::try_open(hub.address, &headers).await.unwrap();
    socket.say(&json!({"type": "connection_init"})).await;
    assert_eq!(socket.hear().await, Heard::Said(json!({"type": "connection_ack"})));
    socket.subscribe("q", query, json!({})).await;
    assert_eq!(socket.next().await, expected);
    let events = hub.client.post(hub.url("/graphql")).header("accept", "text/event-stream").bearer_auth(&ann.token);
    let text = events.json(&json!({"query": query})).send().await.unwrap().text().await.unwrap();
    let data = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(data).unwrap(), expected);
    assert_eq!(
        hub.data(query).await,
        json!({"viewer": null, "people": {"totalCount": 0}}),
        "nobody is given what is hers"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_reaches_no_further_than_its_scopes_and_its_account() {
    let hub = TestHub::with_lines(&members()).await;
    let c = callers::id_of(&hub.db, NodeKind::Community, "c").await;
    let d = callers::id_of(&hub.db, NodeKind::Community, "d").await;
    let ann = Caller::new(&hub, "ann", Some("ann"), &[]).await;
    let count = "{ people { totalCount } viewer { person { name } account { subject } } }";
    for (scopes, seen) in [
        (vec![TokenScope::ReadPublic], 0),
        (vec![TokenScope::ReadAsMemberOf(c)], 1),
        (vec![TokenScope::ReadAsMemberOf(d)], 0),
    ] {
        let token = callers::token(&hub.db, ann.account, scopes.clone()).await;
        let answer = callers::ask_with(&hub, &token, count, json!({})).await;
        let expected = json!({"people": {"totalCount": seen}, "viewer": {"person": null, "account": null}});
        assert_eq!(answer["data"], expected, "{scopes:?}");
        // It does nothing to the account itself.
        let payload = callers::payload(
            &hub,
            Some(&token),
            "tokenCreate",
            json!({"name": "x", "scopes": [{"kind": "READ_PUBLIC"}]}),
            "secret",
        )
        .await;
        assert_eq!(payload["userErrors"][0]["code"], "NOT_FOUND", "{payload}");
        // Nor does it write in the account's name.
        let message = json!({"community": id::encode(NodeKind::Community, c), "body": "A word."});
        let payload = callers::payload(&hub, Some(&token), "contactSend", message, "isSent").await;
        assert_eq!(payload["userErrors"][0]["code"], "FORBIDDEN", "{payload}");
    }
    let id = |key: &'static str| {
        let hub = &hub;
        async move { hub.data(&format!("{{ community(slug: \"{key}\") {{ id }} }}")).await["community"]["id"].clone() }
    };
    let (c, d) = (id("c").await, id("d").await);
    let scope = |kind: &str, on: &Value| json!({"name": "site", "scopes": [{"kind": kind, "on": on}]});
    for (kind, on, refused) in [
        ("READ_AS_MEMBER_OF", &d, ("FORBIDDEN", "scopes")),
        ("WRITE_ITEMS_OF", &c, ("FORBIDDEN", "scopes")),
        ("READ_AS_MEMBER_OF", &Value::Null, ("BAD_USER_INPUT", "scopes")),
        ("READ_PUBLIC", &c, ("BAD_USER_INPUT", "scopes")),
    ] {
        let (code, field) = ann.refused(&hub, "tokenCreate", scope(kind, on)).await;
        assert_eq!((code.as_str(), field.as_str().unwrap()), refused, "{kind}");
    }
    let made = ann
        .done(
            &hub,
            "tokenCreate",
            scope("READ_AS_MEMBER_OF", &c),
            "secret token { name expiresAt scopes { kind community { key } } }",
        )
        .await;
    assert_eq!(made["token"]["scopes"], json!([{"kind": "READ_AS_MEMBER_OF", "community": {"key": "c"}}]));
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("khub_"));
    assert_eq!(callers::ask_with(&hub, secret, count, json!({})).await["data"]["people"]["totalCount"], 1);
    // What the account loses, its tokens lose.
    crate::lines::read(&hub.db, &[membership("m", "ann", "c", json!({"status": "ENDED"}))]).await;
    assert_eq!(callers::ask_with(&hub, secret, count, json!({})).await["data"]["people"]["totalCount"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_to_those_who_are_known_are_kept_for_nobody_and_mutations_are_done_each_time() {
    let hub = TestHub::with_lines(&members()).await;
    let ann = Caller::new(&hub, "ann", Some("ann"), &[]).await;
    let coordinator = Caller::new(&hub, "co", None, &[(Right::Coordinator, Some((NodeKind::Community, "c")))]).await;
    let query = "{ people { nodes { name region } } }";
    for _ in 0..2 {
        assert_eq!(hub.data(query).await["people"]["nodes"], json!([]));
        assert_eq!(ann.data(&hub, query).await["people"]["nodes"], json!([{"name": "ann", "region": "CA-QC"}]));
        assert_eq!(coordinator.data(&hub, query).await["people"]["nodes"], json!([{"name": "ann", "region": "CA-QC"}]));
    }
    let other = Caller::new(&hub, "other", None, &[(Right::Member, Some((NodeKind::Community, "c")))]).await;
    assert_eq!(other.data(&hub, query).await["people"]["nodes"], json!([{"name": "ann", "region": null}]));
    let input = json!({"name": "x", "scopes": [{"kind": "READ_PUBLIC"}]});
    let one = callers::payload(&hub, None, "tokenCreate", input.clone(), "secret").await;
    assert_eq!(one["userErrors"][0]["code"], "UNAUTHENTICATED");
    let statements = hub.db.statements();
    callers::payload(&hub, None, "tokenRevoke", json!({"token": "x"}), "token { id }").await;
    let first = hub.db.statements() - statements;
    callers::payload(&hub, None, "tokenRevoke", json!({"token": "x"}), "token { id }").await;
    assert_eq!(hub.db.statements() - statements, first * 2, "a mutation is never answered from what is kept");
}
