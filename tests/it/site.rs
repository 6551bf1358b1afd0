//! Websites that show the hub's listings: who registers them, what is kept of them, and who is told.

use chrono::NaiveDate;
use diesel_async::RunQueryDsl;
use knowledge_hub::db::Db;
use knowledge_hub::db::statement::Sql;
use knowledge_hub::domain::site::store::{self, Terms, Use};
use knowledge_hub::error::Code;
use knowledge_hub::graph::id::Thing;
use knowledge_hub::policy::{NodeKind, Right, Viewer};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::callers::{self, Caller, Held};
use crate::lines::{self, community, organization, topic};
use crate::socket::Socket;
use crate::support::TestHub;

fn on_community(right: Right, key: &str) -> Held<'_> {
    (right, Some((NodeKind::Community, key)))
}

fn administrator(key: &str) -> Held<'_> {
    (Right::Administrator, Some((NodeKind::Organization, key)))
}

/// A community that an organization manages, and one of each that have nothing to do with them.
async fn hub() -> TestHub {
    TestHub::with_lines(&[
        organization("o", json!({})),
        organization("p", json!({})),
        community("c", json!({"managedBy": "o"})),
        community("d", json!({})),
    ])
    .await
}

async fn id_of(hub: &TestHub, root: &str, slug: &str) -> Value {
    hub.data(&format!("{{ {root}(slug: \"{slug}\") {{ id }} }}")).await[root]["id"].clone()
}

fn new_site(on: &Value) -> Value {
    json!({"on": on, "name": "Example", "origins": ["https://www.example.org"]})
}

/// A site that somebody registers: its id as it is told, and its row.
async fn registered(hub: &TestHub, who: &Caller, on: &Value) -> (Value, Uuid) {
    let made = who.done(hub, "siteRegister", new_site(on), "site { id }").await["site"]["id"].clone();
    let row = Thing::Site.read(made.as_str().unwrap()).unwrap();
    (made, row)
}

/// The names of the sites that somebody is told of.
async fn listed(hub: &TestHub, who: &Caller, root: &str, slug: &str) -> Value {
    let query = format!("{{ {root}(slug: \"{slug}\") {{ sites {{ totalCount nodes {{ name }} }} }} }}");
    who.data(hub, &query).await[root]["sites"].clone()
}

async fn texts(db: &Db, sql: &'static str) -> Vec<String> {
    let mut conn = db.connection().await.unwrap();
    Sql::new(sql).returning::<diesel::sql_types::Text>().load(&mut conn).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_is_registered_edited_and_removed_by_those_who_run_or_manage_what_it_is_for() {
    let hub = hub().await;
    let coordinator = Caller::new(&hub, "coordinator", None, &[on_community(Right::Coordinator, "c")]).await;
    let admin = Caller::new(&hub, "admin", None, &[administrator("o")]).await;
    let root = Caller::new(&hub, "root", None, &[(Right::Administrator, None)]).await;
    let (c, o) = (id_of(&hub, "community", "c").await, id_of(&hub, "organization", "o").await);
    let wanted =
        "site { id name origins listings version community { slug } organization { slug } createdAt uses { count } }";
    let input = json!({"on": c, "name": "Example", "origins": ["HTTPS://www.Example.org/", "http://localhost:3000", "https://www.example.org"],
        "listings": ["items", "communities", "items"]});
    let mut made = coordinator.done(&hub, "siteRegister", input, wanted).await["site"].clone();
    let (id, at) = (made["id"].take(), made["createdAt"].take());
    assert!(at.is_string());
    assert_eq!(
        made,
        json!({"id": null, "name": "Example", "origins": ["https://www.example.org", "http://localhost:3000"],
            "listings": ["items", "communities"], "version": 1, "community": {"slug": "c"}, "organization": null, "createdAt": null, "uses": []})
    );
    // Whoever manages it, and whoever runs the hub, may change it; what is left out stays.
    let edit = json!({"site": id, "expectedVersion": 1, "name": "Renamed", "origins": null});
    let edited = admin.done(&hub, "siteEdit", edit, "site { name origins listings version }").await["site"].clone();
    assert_eq!(
        edited,
        json!({"name": "Renamed", "origins": ["https://www.example.org", "http://localhost:3000"],
            "listings": ["items", "communities"], "version": 2})
    );
    let every = json!({"site": id, "origins": ["https://b.example", "https://a.example"], "listings": []});
    let edited = root.done(&hub, "siteEdit", every.clone(), "site { origins listings version }").await["site"].clone();
    assert_eq!(edited, json!({"origins": ["https://b.example", "https://a.example"], "listings": [], "version": 3}));
    let same = root.done(&hub, "siteEdit", every, "site { version }").await;
    assert_eq!(same["site"]["version"], 3, "nothing changes, nothing is written");
    // Whoever serves listings knows what it may show, whoever asks.
    let row = Thing::Site.read(id.as_str().unwrap()).unwrap();
    let mut conn = hub.db.connection().await.unwrap();
    let origins = vec!["https://b.example".to_owned(), "https://a.example".to_owned()];
    let terms = store::terms(&mut conn, &Viewer::Anonymous, row).await.unwrap();
    assert_eq!(terms, Some(Terms { origins, listings: Vec::new() }));
    // The earliest first, and of organizations too.
    registered(&hub, &admin, &o).await;
    for name in ["Second", "Third"] {
        let input = json!({"on": c, "name": name, "origins": ["https://www.example.org"]});
        coordinator.done(&hub, "siteRegister", input, "site { id }").await;
    }
    let names = |names: &[&str]| {
        let nodes: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
        json!({"totalCount": names.len(), "nodes": nodes})
    };
    for who in [&coordinator, &admin, &root] {
        assert_eq!(listed(&hub, who, "community", "c").await, names(&["Renamed", "Second", "Third"]));
    }
    assert_eq!(listed(&hub, &admin, "organization", "o").await, names(&["Example"]));
    let page = "{ community(slug: \"c\") { sites(last: 1) { nodes { name } pageInfo { hasPreviousPage } } } }";
    let last = json!({"nodes": [{"name": "Third"}], "pageInfo": {"hasPreviousPage": true}});
    assert_eq!(coordinator.data(&hub, page).await["community"]["sites"], last);
    // It goes with what was counted of it.
    let removed = coordinator.done(&hub, "siteRemove", json!({"site": id}), "site { id }").await;
    assert_eq!(removed["site"], Value::Null);
    assert_eq!(listed(&hub, &coordinator, "community", "c").await, names(&["Second", "Third"]));
    assert_eq!(store::terms(&mut conn, &Viewer::Anonymous, row).await.unwrap(), None);
    assert_eq!(coordinator.refused(&hub, "siteRemove", json!({"site": id})).await.0, "NOT_FOUND");
    let audited =
        "SELECT act || ' ' || array_to_string(fields, ',') FROM audit WHERE kind = 'SITE' ORDER BY created_at LIMIT 3";
    assert_eq!(texts(&hub.db, audited).await, ["CREATED ", "UPDATED name", "UPDATED origins,listings"]);
    let ended = "SELECT act FROM audit WHERE kind = 'SITE' ORDER BY created_at DESC LIMIT 1";
    assert_eq!(texts(&hub.db, ended).await, ["ENDED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_run_what_a_site_is_for_is_told_nothing_of_it_and_changes_nothing() {
    let hub = hub().await;
    let coordinator = Caller::new(&hub, "coordinator", None, &[on_community(Right::Coordinator, "c")]).await;
    let admin = Caller::new(&hub, "admin", None, &[administrator("o")]).await;
    let (c, o) = (id_of(&hub, "community", "c").await, id_of(&hub, "organization", "o").await);
    let (of_community, _) = registered(&hub, &coordinator, &c).await;
    let (of_organization, _) = registered(&hub, &admin, &o).await;
    let absent = Thing::Site.encode(Uuid::from_u128(7)).to_string();
    let mut others = Vec::new();
    for (name, right) in [
        ("member", on_community(Right::Member, "c")),
        ("reviewer", on_community(Right::Reviewer, "c")),
        ("elsewhere", on_community(Right::Coordinator, "d")),
        ("other", administrator("p")),
    ] {
        others.push(Caller::new(&hub, name, None, &[right]).await);
    }
    let nothing = json!({"totalCount": 0, "nodes": []});
    for who in &others {
        assert_eq!(listed(&hub, who, "community", "c").await, nothing);
        assert_eq!(listed(&hub, who, "organization", "o").await, nothing);
        // They see what it would be for, and not that anything is registered for it.
        for on in [&c, &o] {
            assert_eq!(who.refused(&hub, "siteRegister", new_site(on)).await.0, "FORBIDDEN");
        }
        for site in [&of_community, &of_organization, &json!(absent)] {
            for mutation in ["siteEdit", "siteRemove"] {
                let refused = who.refused(&hub, mutation, json!({ "site": site })).await;
                assert_eq!(refused, ("NOT_FOUND".to_owned(), Value::Null), "{mutation}");
            }
        }
    }
    // A coordinator runs the community and not the organization that manages it.
    assert_eq!(coordinator.refused(&hub, "siteEdit", json!({"site": of_organization})).await.0, "NOT_FOUND");
    assert_eq!(coordinator.refused(&hub, "siteRegister", new_site(&o)).await.0, "FORBIDDEN");
    let inputs = [
        ("siteRegister", new_site(&c)),
        ("siteEdit", json!({"site": of_community})),
        ("siteRemove", json!({"site": absent})),
    ];
    for (mutation, input) in inputs {
        let payload = callers::payload(&hub, None, mutation, input, "site { id }").await;
        assert_eq!((&payload["site"], &payload["userErrors"][0]["code"]), (&Value::Null, &json!("UNAUTHENTICATED")));
    }
    let lists = "{ communities { nodes { sites { totalCount } } } organizations { nodes { sites { totalCount } } } }";
    let none = json!({"nodes": [{"sites": {"totalCount": 0}}, {"sites": {"totalCount": 0}}]});
    assert_eq!(hub.data(lists).await, json!({"communities": none, "organizations": none}));
    // It is no node, and no other thing has its id.
    let node = format!("{{ node(id: {of_community}) {{ id }} }}");
    assert_eq!(hub.error(&node).await.0, "BAD_USER_INPUT");
    let input = json!({"on": of_community, "name": "x", "origins": ["https://a.example"]});
    assert_eq!(coordinator.refused(&hub, "siteRegister", input).await, ("BAD_USER_INPUT".to_owned(), json!("on")));
    assert_eq!(
        coordinator.refused(&hub, "siteEdit", json!({ "site": c })).await,
        ("BAD_USER_INPUT".to_owned(), json!("site"))
    );
    // Nobody registers a site for what is retired.
    lines::read(&hub.db, &[json!({"retire": "community:c"})]).await;
    assert_eq!(admin.refused(&hub, "siteRegister", new_site(&c)).await, ("NOT_FOUND".to_owned(), json!("on")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_is_written_once_for_each_key_and_over_no_version_that_nobody_saw() {
    let hub = hub().await;
    let who = Caller::new(&hub, "coordinator", None, &[on_community(Right::Coordinator, "c")]).await;
    let c = id_of(&hub, "community", "c").await;
    let input = lines::with(new_site(&c), json!({"idempotencyKey": "k"}));
    let first = who.done(&hub, "siteRegister", input.clone(), "site { id }").await;
    let again = who.done(&hub, "siteRegister", input.clone(), "site { id }").await;
    assert_eq!(first, again);
    let other = lines::with(input, json!({"name": "Another"}));
    assert_eq!(who.refused(&hub, "siteRegister", other).await, ("CONFLICT".to_owned(), json!("idempotencyKey")));
    let id = &first["site"]["id"];
    let edit = json!({"site": id, "expectedVersion": 1, "name": "Renamed", "idempotencyKey": "k"});
    for _ in 0..2 {
        let edited = who.done(&hub, "siteEdit", edit.clone(), "site { version }").await;
        assert_eq!(edited["site"]["version"], 2);
    }
    let late = json!({"site": id, "expectedVersion": 1, "name": "Late"});
    assert_eq!(who.refused(&hub, "siteEdit", late).await, ("CONFLICT".to_owned(), json!("expectedVersion")));
    let remove = json!({"site": id, "idempotencyKey": "k"});
    for _ in 0..2 {
        who.done(&hub, "siteRemove", remove.clone(), "site { id }").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_site_is_told_value_by_value_in_the_readers_language() {
    let hub = hub().await;
    let who = Caller::new(&hub, "coordinator", None, &[on_community(Right::Coordinator, "c")]).await;
    let c = id_of(&hub, "community", "c").await;
    let wrong = json!({"on": c, "name": "", "listings": ["Items"], "origins": ["https://a.example", "http://b.example",
        "https://c.example/path", "https://*.d.example", "e.example"]});
    let payload = who.payload(&hub, "siteRegister", wrong, "site { id }").await;
    let told: Vec<(&str, &str)> = payload["userErrors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["field"].as_str().unwrap(), error["message"].as_str().unwrap()))
        .collect();
    let fields: Vec<&str> = told.iter().map(|(field, _)| *field).collect();
    assert_eq!(fields, ["name", "origins", "origins", "origins", "origins", "listings"]);
    for ((_, message), value) in told[1..].iter().zip([
        "http://b.example",
        "https://c.example/path",
        "https://*.d.example",
        "e.example",
        "Items",
    ]) {
        assert!(message.contains(value), "{message}");
    }
    let (id, _) = registered(&hub, &who, &c).await;
    let bad = json!({"site": id, "origins": []});
    assert_eq!(who.refused(&hub, "siteEdit", bad).await, ("BAD_USER_INPUT".to_owned(), json!("origins")));
    let document = "mutation($id: ID!) { siteEdit(input: {site: $id, origins: [\"http://b.example\"]}) { userErrors { message } } }";
    let request = hub.client.post(hub.url("/graphql")).header("accept-language", "fr").bearer_auth(&who.token);
    let request = request.json(&json!({"query": document, "variables": {"id": id}}));
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    let message = answer["data"]["siteEdit"]["userErrors"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("« http://b.example » n’est pas chiffré."), "{message}");
}

fn used(site: Uuid, day: &str, listing: &str, count: i64) -> Use {
    Use { site, day: day.parse().unwrap(), listing: listing.to_owned(), count }
}

#[tokio::test(flavor = "multi_thread")]
async fn uses_are_added_up_by_day_and_listing_and_told_to_those_who_run_the_site() {
    let hub = hub().await;
    let who = Caller::new(&hub, "coordinator", None, &[on_community(Right::Coordinator, "c")]).await;
    let c = id_of(&hub, "community", "c").await;
    let ((id, one), (_, gone)) = (registered(&hub, &who, &c).await, registered(&hub, &who, &c).await);
    let mut conn = hub.db.connection().await.unwrap();
    let system = Viewer::system("test");
    let before = hub.data("{ changeCursor }").await;
    let uses = vec![
        used(one, "2026-02-02", "items", 2),
        used(one, "2026-02-01", "items", 5),
        used(Uuid::from_u128(7), "2026-02-01", "items", 1),
        used(one, "2026-02-02", "events", 1),
        used(one, "2026-02-02", "items", 3),
        used(gone, "2026-02-02", "items", 3),
        used(one, "2024-02-01", "items", i64::from(i32::MAX) + 1),
    ];
    store::count_uses(&mut conn, &system, uses).await.unwrap();
    store::count_uses(&mut conn, &system, vec![used(one, "2026-02-02", "events", 10)]).await.unwrap();
    store::count_uses(&mut conn, &system, Vec::new()).await.unwrap();
    assert_eq!(hub.data("{ changeCursor }").await, before, "nothing of it stands in the change log");
    let ask = async |arguments: &str| {
        let uses = format!("uses{arguments} {{ day listing count }}");
        let query = format!("{{ community(slug: \"c\") {{ sites(first: 1) {{ nodes {{ id {uses} }} }} }} }}");
        who.ask(&hub, &query, json!({})).await
    };
    let told = async |arguments: &str| {
        let node = ask(arguments).await["data"]["community"]["sites"]["nodes"][0].clone();
        assert_eq!(node["id"], id);
        node["uses"].clone()
    };
    let row = |day: &str, listing: &str, count: i32| json!({"day": day, "listing": listing, "count": count});
    assert_eq!(
        told("(from: \"2026-02-01\", to: \"2026-02-28\")").await,
        json!([row("2026-02-01", "items", 5), row("2026-02-02", "events", 11), row("2026-02-02", "items", 5)])
    );
    assert_eq!(told("(to: \"2026-02-01\")").await, json!([row("2026-02-01", "items", 5)]));
    assert_eq!(
        told("(from: \"2024-02-01\", to: \"2025-01-31\")").await,
        json!([row("2024-02-01", "items", i32::MAX)]),
        "a leap year is 366 days"
    );
    for arguments in
        ["(from: \"2024-02-01\", to: \"2025-02-01\")", "(from: \"2026-02-02\", to: \"2026-02-01\")", "(to: \"x\")"]
    {
        assert_eq!(ask(arguments).await["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{arguments}");
    }
    // Without a word, those of the last thirty days.
    let days = "SELECT ((now() AT TIME ZONE 'UTC')::date - d)::text FROM unnest('{40,10}'::integer[]) AS d ORDER BY 1";
    let days = texts(&hub.db, days).await;
    let recent: Vec<Use> = days.iter().map(|day| used(one, day, "items", 1)).collect();
    store::count_uses(&mut conn, &system, recent).await.unwrap();
    assert_eq!(told("").await, json!([row(&days[1], "items", 1)]));
    // The hub alone counts; a site that goes takes along what was counted.
    let day: NaiveDate = "2026-02-02".parse().unwrap();
    let by_anybody = vec![Use { site: one, day, listing: "items".to_owned(), count: 1 }];
    let refused = store::count_uses(&mut conn, &Viewer::Anonymous, by_anybody).await.unwrap_err();
    assert_eq!(refused.code(), Code::Forbidden);
    who.done(&hub, "siteRemove", json!({"site": id}), "site { id }").await;
    assert_eq!(texts(&hub.db, "SELECT listing FROM site_uses").await, ["items"], "the other site's");
    store::count_uses(&mut conn, &system, vec![used(one, "2026-02-02", "items", 1)]).await.unwrap();
    assert_eq!(texts(&hub.db, "SELECT listing FROM site_uses").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn sites_and_their_uses_take_as_many_statements_for_twenty_parents_as_for_one() {
    let of_each =
        |number: usize| [organization(&format!("o{number}"), json!({})), community(&format!("c{number}"), json!({}))];
    let lines: Vec<Value> = (0..20).flat_map(of_each).collect();
    let hub = TestHub::with_lines(&lines).await;
    let root = Caller::new(&hub, "root", None, &[(Right::Administrator, None)]).await;
    let script = "WITH made AS (INSERT INTO sites (id, organization_id, community_id, name, origins, listings) \
        SELECT gen_random_uuid(), n.organization, n.community, 's', '{https://a.example}', '{}' \
        FROM (SELECT id, NULL::uuid FROM organizations UNION ALL SELECT NULL, id FROM communities) AS n (organization, community), \
        generate_series(1, 2) RETURNING id), counted AS (SELECT id FROM made) SELECT count(*)::text FROM counted";
    let made: Vec<String> = {
        let mut conn = hub.db.connection().await.unwrap();
        Sql::new(script).returning::<diesel::sql_types::Text>().load(&mut conn).await.unwrap()
    };
    assert_eq!(made, ["80"]);
    let mut conn = hub.db.connection().await.unwrap();
    let count =
        "INSERT INTO site_uses (site_id, day, listing, use_count) SELECT id, '2026-02-01', 'items', 1 FROM sites";
    Sql::new(count).returning::<()>().execute(&mut conn).await.unwrap();
    drop(conn);
    root.data(&hub, "{ __typename }").await;
    for list in ["communities", "organizations"] {
        let mut counts = Vec::new();
        for parents in [1, 20] {
            let inner = "sites(first: 2) { totalCount nodes { name community { slug } organization { slug } uses(to: \"2026-02-01\") { count } } }";
            let query = format!("{{ {list}(first: {parents}) {{ nodes {{ {inner} }} }} }}");
            let before = hub.db.statements();
            let data = root.data(&hub, &query).await;
            counts.push(hub.db.statements() - before);
            let nodes = data[list]["nodes"].as_array().unwrap();
            assert_eq!(nodes.len(), parents);
            for node in nodes {
                assert_eq!(node["sites"]["totalCount"], 2);
                assert_eq!(node["sites"]["nodes"][1]["uses"], json!([{"count": 1}]));
            }
        }
        assert_eq!(counts[0], counts[1], "{list}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_runs_what_a_site_is_for_hears_of_it_and_nobody_else_does() {
    let hub = hub().await;
    let coordinator = Caller::new(&hub, "coordinator", None, &[on_community(Right::Coordinator, "c")]).await;
    let admin = Caller::new(&hub, "admin", None, &[administrator("o")]).await;
    let root = Caller::new(&hub, "root", None, &[(Right::Administrator, None)]).await;
    let member = Caller::new(&hub, "member", None, &[on_community(Right::Member, "c")]).await;
    let elsewhere =
        Caller::new(&hub, "elsewhere", None, &[on_community(Right::Coordinator, "d"), administrator("p")]).await;
    let (c, o) = (id_of(&hub, "community", "c").await, id_of(&hub, "organization", "o").await);
    let follow = "subscription { changes { change { action kind fields nodeId } } }";
    let anonymous = Socket::begun(hub.address).await;
    let mut anonymous = callers::follow(anonymous, follow, json!({})).await;
    let start = hub.data("{ changeCursor }").await["changeCursor"].clone();
    let (site, _) = registered(&hub, &coordinator, &c).await;
    let moved = hub.data("{ changeCursor }").await["changeCursor"].clone();
    assert_ne!(moved, start, "what is kept by the log's position is looked up anew");
    coordinator.done(&hub, "siteEdit", json!({"site": site, "name": "Renamed"}), "site { id }").await;
    // Nothing changes, nothing is told.
    coordinator.done(&hub, "siteEdit", json!({"site": site, "name": "Renamed"}), "site { id }").await;
    coordinator.done(&hub, "siteRemove", json!({"site": site}), "site { id }").await;
    registered(&hub, &admin, &o).await;
    let list = "query($after: String) { changes(after: $after) { nodes { action kind fields nodeId } } }";
    let told = |kind: &str, id: &Value| json!({"action": "UPDATED", "kind": kind, "fields": ["sites"], "nodeId": id});
    let of_community = vec![told("COMMUNITY", &c); 3];
    let of_both = [of_community.clone(), vec![told("ORGANIZATION", &o)]].concat();
    for (who, expected) in [
        (&coordinator, of_community),
        (&admin, of_both.clone()),
        (&root, of_both),
        (&member, vec![]),
        (&elsewhere, vec![]),
    ] {
        let answer = who.ask(&hub, list, json!({"after": start})).await;
        assert_eq!(answer["data"]["changes"]["nodes"], json!(expected));
    }
    let answer = hub.ask_in("en", list, json!({"after": start})).await;
    assert_eq!(answer["data"]["changes"]["nodes"], json!([]));
    // Whoever follows is told of what comes next, and of nothing before it.
    lines::read(&hub.db, &[topic("t", json!({}))]).await;
    let heard = anonymous.next().await["data"]["changes"]["change"].clone();
    assert_eq!((&heard["action"], &heard["kind"]), (&json!("CREATED"), &json!("TOPIC")));
}
