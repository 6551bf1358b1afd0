//! Edits through the API: nobody's is lost, each is done once, and what cannot be used is told field by field.

use std::collections::HashSet;

use futures_util::future::join_all;
use knowledge_hub::policy::token_scope::TokenScope;
use knowledge_hub::policy::{NodeKind, Right};
use serde_json::{Value, json};

use crate::callers::{self, Caller};
use crate::lines::{self, community, item, organization, person, project, topic};
use crate::support::TestHub;

const HERE: Option<(NodeKind, &str)> = Some((NodeKind::Community, "c"));

fn english(text: &str) -> Value {
    json!([{"language": "en", "text": text}])
}

async fn id_of(hub: &TestHub, root: &str, slug: &str) -> Value {
    hub.data(&format!("{{ {root}(slug: \"{slug}\") {{ id }} }}")).await[root]["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_coordinators_edit_a_community_at_once_and_no_edit_is_lost() {
    let hub = TestHub::with_lines(&[community("c", json!({}))]).await;
    let id = id_of(&hub, "community", "c").await;
    let mut coordinators = Vec::new();
    for number in 0..50 {
        coordinators
            .push(Caller::new(&hub, &format!("coordinator {number}"), None, &[(Right::Coordinator, HERE)]).await);
    }
    // All have seen the same version: one of them wins, the others are told.
    let input = |number: usize| json!({"community": id, "expectedVersion": 1, "fields": {"purpose": english(&format!("Purpose {number}"))}});
    let sent = coordinators
        .iter()
        .enumerate()
        .map(|(number, who)| who.payload(&hub, "communityEdit", input(number), "community { version }"));
    let answers = join_all(sent).await;
    let won: Vec<usize> = (0..50).filter(|number| answers[*number]["userErrors"] == json!([])).collect();
    assert_eq!(won.len(), 1);
    for (number, answer) in answers.iter().enumerate().filter(|(number, _)| *number != won[0]) {
        assert_eq!(
            (&answer["userErrors"][0]["code"], &answer["userErrors"][0]["field"]),
            (&json!("CONFLICT"), &json!("expectedVersion")),
            "{number}"
        );
    }
    let read = "{ community(slug: \"c\") { version purpose objectives } }";
    let now = hub.data(read).await["community"].clone();
    assert_eq!((&now["version"], &now["purpose"]), (&json!(2), &json!(format!("Purpose {}", won[0]))));
    // Each adds an objective of their own to the list as it is, and tries again when somebody came before.
    let add = async |number: usize| {
        let who = &coordinators[number];
        let mut conflicts = 0;
        loop {
            let seen =
                who.data(&hub, "{ community(slug: \"c\") { version translations { field text } } }").await["community"]
                    .clone();
            let mut objectives: Vec<Value> = Vec::new();
            for text in seen["translations"].as_array().unwrap() {
                if let Some(rest) = text["field"].as_str().unwrap().strip_prefix("objectives/") {
                    objectives.push(json!({"id": rest.split('/').next().unwrap(), "text": []}));
                }
            }
            objectives.push(json!({"text": english(&format!("Objective {number}"))}));
            let input =
                json!({"community": id, "expectedVersion": seen["version"], "fields": {"objectives": objectives}});
            let answer = who.payload(&hub, "communityEdit", input, "community { version }").await;
            if answer["userErrors"] == json!([]) {
                return conflicts;
            }
            assert_eq!(answer["userErrors"][0]["code"], "CONFLICT");
            conflicts += 1;
        }
    };
    let conflicts: usize = join_all((0..50).map(add)).await.into_iter().sum();
    assert!(conflicts > 0, "they were not at once");
    let now = hub.data(read).await["community"].clone();
    let objectives: HashSet<&str> =
        now["objectives"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    let wanted: Vec<String> = (0..50).map(|number| format!("Objective {number}")).collect();
    assert_eq!(objectives, wanted.iter().map(String::as_str).collect());
    assert_eq!(now["version"], 52);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_again_with_its_key_is_answered_again_and_not_done_again() {
    let hub = TestHub::with_lines(&[community("c", json!({}))]).await;
    let who = Caller::new(&hub, "coordinator", None, &[(Right::Coordinator, HERE)]).await;
    let other = Caller::new(&hub, "other", None, &[(Right::Coordinator, HERE)]).await;
    let id = id_of(&hub, "community", "c").await;
    let create = |title: &str, key: &str| json!({"idempotencyKey": key, "originalLanguage": "en", "fields": {"title": english(title), "communities": [id]}});
    let items = "{ items { totalCount } }";
    let sent = (0..50).map(|_| who.done(&hub, "itemCreate", create("Once", "k"), "itemId item { title }"));
    let answers = join_all(sent).await;
    assert!(answers.iter().all(|answer| answer["itemId"] == answers[0]["itemId"] && answer["item"]["title"] == "Once"));
    assert_eq!(who.data(&hub, items).await["items"]["totalCount"], 1);
    // Another input under the key is an error; the same key of somebody else, or of another mutation, is another one.
    assert_eq!(
        who.refused(&hub, "itemCreate", create("Twice", "k")).await,
        ("CONFLICT".to_owned(), json!("idempotencyKey"))
    );
    let others = other.done(&hub, "itemCreate", create("Once", "k"), "itemId").await;
    assert_ne!(others["itemId"], answers[0]["itemId"]);
    let publish = json!({"item": answers[0]["itemId"], "idempotencyKey": "k"});
    who.done(&hub, "itemPublish", publish.clone(), "item { status }").await;
    // It is shown as it is by now.
    let edit = json!({"item": answers[0]["itemId"], "fields": {"title": english("Edited")}});
    who.done(&hub, "itemEdit", edit, "item { title }").await;
    let again = who.done(&hub, "itemCreate", create("Once", "k"), "item { title status }").await;
    assert_eq!(again["item"], json!({"title": "Edited", "status": "PUBLISHED"}));
    assert_eq!(who.done(&hub, "itemPublish", publish, "item { title }").await["item"]["title"], "Edited");
    assert_eq!(who.data(&hub, items).await["items"]["totalCount"], 2);
    // Without keys, one of those who want the same name has it, and the others are told.
    let named = json!({"originalLanguage": "en", "slug": "one-name", "fields": {"title": english("Named"), "communities": [id]}});
    let sent = (0..20).map(|_| who.payload(&hub, "itemCreate", named.clone(), "itemId"));
    let answers = join_all(sent).await;
    assert_eq!(answers.iter().filter(|answer| answer["itemId"].is_string()).count(), 1);
    let refused = answers.iter().filter_map(|answer| answer["userErrors"][0]["code"].as_str());
    assert!(
        refused.clone().count() == 19 && refused.into_iter().all(|code| code == "CONFLICT" || code == "BAD_USER_INPUT")
    );
    // What was refused frees its key; a key has a bound; a secret is told once.
    assert_eq!(who.refused(&hub, "itemCreate", create("", "free")).await.0, "BAD_USER_INPUT");
    who.done(&hub, "itemCreate", create("Mended", "free"), "itemId").await;
    assert_eq!(
        who.refused(&hub, "itemCreate", create("x", &"k".repeat(101))).await,
        ("BAD_USER_INPUT".to_owned(), json!("idempotencyKey"))
    );
    let token = json!({"name": "once", "scopes": [{"kind": "READ_PUBLIC"}], "idempotencyKey": "t"});
    let first = who.done(&hub, "tokenCreate", token.clone(), "secret token { id }").await;
    let second = who.done(&hub, "tokenCreate", token, "secret token { id }").await;
    assert!(first["secret"].is_string() && second["secret"].is_null() && first["token"] == second["token"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_changes_what_it_names_keeps_the_rest_and_tells_every_field_that_is_wrong() {
    let full = json!({"name": {"en": "Name", "fr": "Nom"}, "purpose": {"en": "Purpose"}, "topics": ["t"], "joinUrl": "https://example.org/",
        "objectives": [{"id": "a", "text": {"en": "First", "fr": "Premier"}}], "verifiedOn": "2026-01-01",
        "sources": [{"publisher": "Before"}]});
    let hub = TestHub::with_lines(&[topic("t", json!({})), topic("u", json!({})), community("c", full)]).await;
    let who = Caller::new(&hub, "coordinator", None, &[(Right::Coordinator, HERE)]).await;
    let (id, other) = (id_of(&hub, "community", "c").await, id_of(&hub, "topic", "u").await);
    let wanted = "community { slug name purpose joinUrl objectives memberCount { min qualifier label } launched { earliest label } \
        topics { nodes { key } } translations(language: \"fr\") { field text } sources { nodes { publisher } } verifiedOn version }";
    let edit = json!({"community": id, "slug": "renamed", "sources": [{"publisher": "Afterwards"}], "fields": {
        "name": [{"language": "en", "text": "New name"}], "purpose": null, "topics": [other],
        "objectives": [{"id": "a", "text": english("Changed")}, {"text": english("Second")}],
        "memberCount": {"min": 81, "qualifier": "AT_LEAST", "label": english("more than 80")},
        "launched": {"edtf": "2020-23", "label": english("fall of 2020")},
    }});
    let changed = who.done(&hub, "communityEdit", edit, wanted).await["community"].clone();
    assert_eq!(
        changed,
        json!({
            "slug": "renamed", "name": "New name", "purpose": null, "joinUrl": "https://example.org/",
            "objectives": ["Changed", "Second"], "memberCount": {"min": 81, "qualifier": "AT_LEAST", "label": "more than 80"},
            "launched": {"earliest": "2020-09-01", "label": "fall of 2020"}, "topics": {"nodes": [{"key": "u"}]},
            "translations": [{"field": "name", "text": "Nom"}, {"field": "objectives/a/text", "text": "Premier"}],
            "sources": {"nodes": [{"publisher": "Before"}, {"publisher": "Afterwards"}]}, "verifiedOn": "2026-01-01", "version": 2,
        })
    );
    assert_eq!(
        hub.data("{ community(slug: \"c\") { slug } }").await["community"]["slug"],
        "renamed",
        "old slugs lead here"
    );
    // Nothing changes, nothing is written; a check moves the day and nothing else does.
    let same = who
        .done(&hub, "communityEdit", json!({"community": id, "fields": {"name": english("New name")}}), wanted)
        .await;
    assert_eq!(same["community"]["version"], 2);
    let verified = who.done(&hub, "nodeVerify", json!({ "node": id }), "node { verifiedOn }").await;
    assert_ne!(verified["node"]["verifiedOn"], "2026-01-01");
    // Everything that is wrong is told at once, in the reader's language.
    let wrong = json!({"community": id, "fields": {
        "name": english(&"x".repeat(301)), "joinUrl": "nowhere", "regions": ["Ontario"], "contactEmail": "nobody",
        "questions": [{"kind": "ONE_OF", "text": english("Which?")}],
    }});
    let answer = who.payload(&hub, "communityEdit", wrong, "community { version }").await;
    let fields: Vec<&str> =
        answer["userErrors"].as_array().unwrap().iter().map(|it| it["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["name", "joinUrl", "regions", "contactEmail", "questions/1/choices"]);
    assert_eq!(answer["community"], Value::Null);
    for (input, field) in [
        (json!({"community": id, "fields": {"launched": {"edtf": "yesterday"}}}), "launched"),
        (json!({"community": id, "slug": "Not A Slug", "fields": {}}), "slug"),
        (json!({"community": other, "fields": {}}), "community"),
        (json!({"community": id, "fields": {"topics": [id]}}), "topics"),
        (json!({"community": id, "fields": {}, "sources": [{}]}), "sources/1/title"),
    ] {
        assert_eq!(who.refused(&hub, "communityEdit", input).await, ("BAD_USER_INPUT".to_owned(), json!(field)));
    }
    // A variable that is not sent leaves its field out; null takes away, and empties a list.
    let by_variables = "mutation($id: ID!, $url: String, $topics: [ID!], $name: [TextInput!]) { communityEdit(input: {community: $id, fields: {joinUrl: $url, topics: $topics, name: $name}}) { community { joinUrl topics { totalCount } } userErrors { code } } }";
    let renamed = json!({"id": id, "name": english("Named by a variable")});
    let kept = who.ask(&hub, by_variables, renamed).await["data"]["communityEdit"]["community"].clone();
    assert_eq!(kept, json!({"joinUrl": "https://example.org/", "topics": {"totalCount": 1}}));
    let gone = who.ask(&hub, by_variables, json!({"id": id, "url": null, "topics": null, "name": null})).await;
    assert_eq!(gone["data"]["communityEdit"]["community"], json!({"joinUrl": null, "topics": {"totalCount": 0}}));
    // However often it was renamed, it can be written.
    for number in 0..55 {
        who.done(
            &hub,
            "communityEdit",
            json!({"community": id, "slug": format!("renamed-{number}"), "fields": {}}),
            "__typename",
        )
        .await;
    }
    who.done(&hub, "communityEdit", json!({"community": id, "fields": {"name": english("New name")}}), "__typename")
        .await;
    // Nobody makes the hub work who is not known.
    let many = json!({"community": id, "fields": {"objectives": vec![json!({"text": []}); 5_000]}});
    let nobody = callers::payload(&hub, None, "communityEdit", many.clone(), "__typename").await;
    assert_eq!(
        nobody["userErrors"],
        json!([{"code": "UNAUTHENTICATED", "field": null, "message": "Sign in first, or show a token."}])
    );
    assert_eq!(who.refused(&hub, "communityEdit", many).await, ("BAD_USER_INPUT".to_owned(), json!("objectives")));
    // A line that was imported is not read again over what somebody wrote.
    lines::read(&hub.db, &[topic("u", json!({}))]).await;
    assert_eq!(hub.data("{ community(slug: \"c\") { name } }").await["community"]["name"], "New name");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_is_run_by_its_administrators_with_what_it_manages() {
    let hub = TestHub::with_lines(&[
        organization("o", json!({})),
        organization("p", json!({})),
        community("c", json!({"managedBy": "o"})),
        community("free", json!({})),
        project("j", json!({"managedBy": "o"})),
        project("k", json!({})),
        item("i", json!({"communities": ["c"]})),
    ])
    .await;
    let on = |key| Some((NodeKind::Organization, key));
    let admin = Caller::new(&hub, "o", None, &[(Right::Administrator, on("o"))]).await;
    let other = Caller::new(&hub, "p", None, &[(Right::Administrator, on("p"))]).await;
    let both =
        Caller::new(&hub, "both", None, &[(Right::Administrator, on("o")), (Right::Administrator, on("p"))]).await;
    let coordinator = Caller::new(&hub, "c", None, &[(Right::Coordinator, HERE)]).await;
    let [o, p] = [id_of(&hub, "organization", "o").await, id_of(&hub, "organization", "p").await];
    let [c, j, k, i] = [
        id_of(&hub, "community", "c").await,
        id_of(&hub, "project", "j").await,
        id_of(&hub, "project", "k").await,
        id_of(&hub, "item", "i").await,
    ];
    let forbidden = ("FORBIDDEN".to_owned(), Value::Null);
    for (mutation, input) in [
        ("organizationEdit", json!({"organization": o, "fields": {"summary": english("What it is.")}})),
        ("communityEdit", json!({"community": c, "fields": {"purpose": english("Why.")}})),
        ("projectEdit", json!({"project": j, "fields": {"summary": english("What about.")}})),
        ("itemEdit", json!({"item": i, "fields": {"summary": english("What it says.")}})),
        ("nodeVerify", json!({ "node": c })),
    ] {
        assert_eq!(other.refused(&hub, mutation, input.clone()).await, forbidden, "{mutation}");
        admin.done(&hub, mutation, input, "__typename").await;
    }
    assert_eq!(
        admin.refused(&hub, "projectEdit", json!({"project": k, "fields": {"summary": english("x")}})).await,
        forbidden
    );
    // What is linked to an organization is listed with it: it says so itself, or those whom it manages.
    let host = json!({"kind": "HOSTS", "from": o, "to": c, "originalLanguage": "en", "fields": {}});
    let with_p = json!({"kind": "COORDINATED_BY", "from": c, "to": p, "originalLanguage": "en", "fields": {}});
    coordinator.done(&hub, "linkCreate", host, "link { id }").await;
    assert_eq!(coordinator.refused(&hub, "linkCreate", with_p.clone()).await, forbidden);
    other.done(&hub, "linkCreate", with_p, "link { id }").await;
    // They say who coordinates what they manage, and nobody else's.
    let somebody = coordinator.data(&hub, "{ viewer { accountId } }").await["viewer"]["accountId"].clone();
    let give = json!({"account": somebody, "right": "REVIEWER", "on": c});
    assert_eq!(other.refused(&hub, "grantGive", give.clone()).await, forbidden);
    let given = admin.done(&hub, "grantGive", give, "grant { id community { key } }").await["grant"].clone();
    assert_eq!(given["community"]["key"], "c");
    admin.done(&hub, "grantEnd", json!({"grant": given["id"]}), "grant { holds }").await;
    // Handing over needs both ends; a coordinator hands nothing over.
    let hand_over = json!({"community": c, "fields": {"managedBy": p}});
    let managed = ("FORBIDDEN".to_owned(), json!("managedBy"));
    assert_eq!(admin.refused(&hub, "communityEdit", hand_over.clone()).await, managed);
    assert_eq!(coordinator.refused(&hub, "communityEdit", hand_over.clone()).await, managed);
    both.done(&hub, "communityEdit", hand_over, "__typename").await;
    assert_eq!(
        admin.refused(&hub, "communityEdit", json!({"community": c, "fields": {"purpose": english("x")}})).await,
        forbidden
    );
    // What nobody manages is nobody's to take.
    let free = id_of(&hub, "community", "free").await;
    let taker = Caller::new(
        &hub,
        "taker",
        None,
        &[(Right::Coordinator, Some((NodeKind::Community, "free"))), (Right::Administrator, on("o"))],
    )
    .await;
    assert_eq!(
        taker.refused(&hub, "communityEdit", json!({"community": free, "fields": {"managedBy": o}})).await,
        managed
    );
    // What is new belongs to whoever makes it.
    let create = |managed_by: &Value| json!({"originalLanguage": "en", "fields": {"title": english("A project"), "lead": o, "managedBy": managed_by}});
    admin.done(&hub, "projectCreate", create(&o), "project { key managedBy { key } }").await;
    assert_eq!(admin.refused(&hub, "projectCreate", create(&p)).await, managed);
    assert_eq!(admin.refused(&hub, "projectCreate", create(&Value::Null)).await, forbidden);
    assert_eq!(
        admin
            .refused(&hub, "organizationCreate", json!({"originalLanguage": "en", "fields": {"name": english("x")}}))
            .await,
        forbidden
    );
    let link = json!({"kind": "PARTNERS_WITH", "from": o, "to": p, "originalLanguage": "en", "fields": {"since": {"edtf": "2024"}}});
    let made = admin.done(&hub, "linkCreate", link.clone(), "link { id kind since { edtf } }").await["link"].clone();
    assert_eq!(coordinator.refused(&hub, "linkCreate", link).await, forbidden);
    other
        .done(
            &hub,
            "linkEdit",
            json!({"link": made["id"], "fields": {"until": {"edtf": "2026"}}}),
            "link { until { edtf } }",
        )
        .await;
    other.done(&hub, "linkRetire", json!({ "link": made["id"] }), "__typename").await;
    assert_eq!(
        hub.data("{ links(filter: { kinds: [PARTNERS_WITH] }) { totalCount } }").await["links"]["totalCount"],
        0
    );
    let wrong = json!({"kind": "HOSTS", "from": o, "to": p, "originalLanguage": "en", "fields": {}});
    assert_eq!(admin.refused(&hub, "linkCreate", wrong).await, ("BAD_USER_INPUT".to_owned(), json!("kind")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_is_written_by_its_authors_and_coordinators_and_put_before_ones_own_communities() {
    let hub = TestHub::with_lines(&[
        community("c", json!({})),
        community("d", json!({})),
        person("ann", json!({"consents": lines::public(&["NAME"])})),
        person("ben", json!({"consents": lines::public(&["NAME"])})),
        lines::membership("m", "ann", "c", json!({})),
        lines::membership("n", "ben", "c", json!({})),
    ])
    .await;
    let ann = Caller::new(&hub, "ann", Some("ann"), &[]).await;
    let ben = Caller::new(&hub, "ben", Some("ben"), &[]).await;
    let coordinator = Caller::new(&hub, "c", None, &[(Right::Coordinator, HERE)]).await;
    let [c, d] = [id_of(&hub, "community", "c").await, id_of(&hub, "community", "d").await];
    let [a, b] = [id_of(&hub, "person", "ann").await, id_of(&hub, "person", "ben").await];
    let create = |authors: Value, communities: Value| json!({"originalLanguage": "en", "fields": {"title": english("A talk"), "authors": authors, "communities": communities}});
    let by = |person: &Value| json!([{"byline": "A. Author", "person": person}]);
    assert_eq!(
        ann.refused(&hub, "itemCreate", create(by(&b), json!([c]))).await,
        ("FORBIDDEN".to_owned(), Value::Null)
    );
    assert_eq!(
        ann.refused(&hub, "itemCreate", create(by(&a), json!([d]))).await,
        ("FORBIDDEN".to_owned(), json!("communities"))
    );
    assert_eq!(
        ann.refused(&hub, "itemCreate", create(by(&a), json!([]))).await,
        ("BAD_USER_INPUT".to_owned(), json!("communities"))
    );
    let made = ann
        .done(
            &hub,
            "itemCreate",
            create(by(&a), json!([c])),
            "itemId item { key slug status authors { nodes { byline } } }",
        )
        .await;
    let item = made["itemId"].clone();
    assert_eq!(made["item"]["status"], "DRAFT");
    let edit = |text: &str| json!({"item": item, "fields": {"summary": english(text)}});
    assert_eq!(ben.refused(&hub, "itemEdit", edit("x")).await.0, "NOT_FOUND", "a draft is for those who make it");
    coordinator.done(&hub, "itemEdit", edit("By the coordinator"), "item { summary }").await;
    ann.done(&hub, "itemPublish", json!({ "item": item }), "item { publishedAt }").await;
    assert_eq!(ben.refused(&hub, "itemEdit", edit("x")).await, ("FORBIDDEN".to_owned(), Value::Null));
    assert_eq!(ann.refused(&hub, "itemPublish", json!({ "item": item })).await.0, "CONFLICT");
    // Whoever belongs to none of its communities any more writes it no more.
    let second = ann.done(&hub, "itemCreate", create(by(&a), json!([c])), "itemId").await["itemId"].clone();
    lines::read(&hub.db, &[lines::membership("m", "ann", "c", json!({"status": "ENDED"}))]).await;
    assert_eq!(
        ann.refused(&hub, "itemPublish", json!({ "item": second })).await,
        ("FORBIDDEN".to_owned(), Value::Null)
    );
    lines::read(&hub.db, &[lines::membership("m", "ann", "c", json!({}))]).await;
    ann.done(&hub, "itemRetire", json!({ "item": item }), "item { id }").await;
    assert_eq!(hub.data("{ items { totalCount } }").await["items"]["totalCount"], 0);
    assert_eq!(ann.refused(&hub, "itemEdit", edit("x")).await.0, "NOT_FOUND");
    // A token for writing items alone writes what it does not see.
    let scope = TokenScope::WriteItemsOf(callers::id_of(&hub.db, NodeKind::Community, "c").await);
    let token = callers::token(&hub.db, coordinator.account, vec![scope]).await;
    let machine = Caller { account: coordinator.account, token };
    let made = machine.done(&hub, "itemCreate", create(json!([]), json!([c])), "itemId item { id }").await;
    assert!(made["itemId"].is_string() && made["item"].is_null());
    let published = machine.done(&hub, "itemPublish", json!({"item": made["itemId"]}), "item { status }").await;
    assert_eq!(published["item"]["status"], "PUBLISHED");
    assert_eq!(machine.refused(&hub, "communityEdit", json!({"community": c, "fields": {}})).await.0, "FORBIDDEN");
    assert_eq!(machine.refused(&hub, "itemCreate", create(json!([]), json!([d]))).await.0, "FORBIDDEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_text_that_is_left_to_translate_can_be_translated() {
    use diesel_async::RunQueryDsl;
    use knowledge_hub::db::statement::Sql;
    use knowledge_hub::graph::id;
    let hub = TestHub::with_sample_data().await;
    let admin = Caller::new(&hub, "admin", None, &[(Right::Administrator, None)]).await;
    let mut conn = hub.db.connection().await.unwrap();
    // One of each sort of field of each kind.
    let fields: Vec<(String, uuid::Uuid, String)> = Sql::new("SELECT DISTINCT ON (n.kind, regexp_replace(t.field, '/[^/]+/', '/*/')) n.kind, n.id, t.field FROM text_origins t JOIN nodes n ON n.id = t.node_id WHERE t.language <> 'de' ORDER BY n.kind, regexp_replace(t.field, '/[^/]+/', '/*/'), n.id")
        .returning::<(diesel::sql_types::Text, diesel::sql_types::Uuid, diesel::sql_types::Text)>()
        .load(&mut conn)
        .await
        .unwrap();
    drop(conn);
    assert!(fields.len() > 30, "{fields:?}");
    for (kind, node, field) in fields {
        let kind: NodeKind = kind.parse().unwrap();
        let input =
            json!({"node": id::encode(kind, node).to_string(), "field": field, "language": "de", "text": "Ein Wort"});
        let payload = admin.payload(&hub, "textTranslate", input, "node { __typename }").await;
        assert_eq!(payload["userErrors"], json!([]), "{kind:?} {field}");
    }
}
