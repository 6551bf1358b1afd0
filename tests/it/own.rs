//! People's own data: what they let be shown, who read it, what they are handed out, and how they are erased.

use std::time::Instant;

use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use knowledge_hub::db::Db;
use knowledge_hub::db::statement::Sql;
use knowledge_hub::domain::person::store::exporting::PLACES;
use knowledge_hub::policy::{NodeKind, Right};
use serde_json::{Value, json};

use crate::callers::{self, Caller};
use crate::lines::{self, community, consent, item, membership, organization, person, project, role};
use crate::socket::Socket;
use crate::support::{self, TestHub};

fn on(key: &str) -> Option<(NodeKind, &str)> {
    Some((NodeKind::Community, key))
}

async fn texts(db: &Db, query: &'static str) -> Vec<String> {
    let mut conn = db.connection().await.unwrap();
    Sql::new(query).returning::<Text>().load(&mut conn).await.unwrap()
}

/// A hub where Ann is a member of a community, and consented to nothing.
async fn private_hub() -> TestHub {
    TestHub::with_lines(&[
        community("c", json!({})),
        community("d", json!({})),
        person("ann", json!({"name": "Ann Unlikely", "region": "CA-QC", "honorific": "Dr"})),
        membership("m", "ann", "c", json!({})),
    ])
    .await
}

async fn give(ann: &Caller, hub: &TestHub, field: &str, audience: &str) -> Value {
    let input = json!({"field": field, "audience": audience, "wordingVersion": "2026-11", "wordingLanguage": "en"});
    ann.done(
        hub,
        "consentGive",
        input,
        "person { consents { field audience withdrawnAt wordingVersion wordingLanguage isOwn } }",
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_field_is_shown_to_those_whom_its_person_chose_and_nobody_else() {
    let hub = private_hub().await;
    let ann = Caller::new(&hub, "ann", Some("ann"), &[]).await;
    let member = Caller::new(&hub, "member", None, &[(Right::Member, on("c"))]).await;
    let elsewhere = Caller::new(&hub, "elsewhere", None, &[(Right::Coordinator, on("d"))]).await;
    let coordinator = Caller::new(&hub, "coordinator", None, &[(Right::Coordinator, on("c"))]).await;
    let query = "{ people { totalCount nodes { name region honorific consents { field } readings { totalCount } } } }";
    let seen = |region: Value| {
        let node = json!({"name": "Ann Unlikely", "region": region, "honorific": null, "consents": [], "readings": {"totalCount": 0}});
        json!({"totalCount": 1, "nodes": [node]})
    };
    let nothing = json!({"totalCount": 0, "nodes": []});
    let own = ann.data(&hub, "{ people { nodes { name region honorific } } }").await;
    assert_eq!(own["people"]["nodes"], json!([{"name": "Ann Unlikely", "region": "CA-QC", "honorific": "Dr"}]));
    give(&ann, &hub, "NAME", "MEMBERS").await;
    let payload = give(&ann, &hub, "REGION", "COORDINATORS").await;
    let stands = |field: &str, audience: &str| json!({"field": field, "audience": audience, "withdrawnAt": null, "wordingVersion": "2026-11", "wordingLanguage": "en", "isOwn": true});
    assert_eq!(payload["person"]["consents"], json!([stands("NAME", "MEMBERS"), stands("REGION", "COORDINATORS")]));
    assert_eq!(member.data(&hub, query).await["people"], seen(Value::Null));
    assert_eq!(coordinator.data(&hub, query).await["people"], seen(json!("CA-QC")));
    assert_eq!(elsewhere.data(&hub, query).await["people"], nothing);
    assert_eq!(hub.data(query).await["people"], nothing);
    // Nor is anybody found by what they may not see.
    let by_region = "{ people(filter: {regions: [\"CA-QC\"]}) { totalCount } }";
    assert_eq!(member.data(&hub, by_region).await["people"]["totalCount"], 0);
    assert_eq!(coordinator.data(&hub, by_region).await["people"]["totalCount"], 1);
    give(&ann, &hub, "NAME", "PUBLIC").await;
    assert_eq!(
        hub.data("{ people { nodes { name region } } }").await["people"]["nodes"],
        json!([{"name": "Ann Unlikely", "region": null}])
    );
    // An import knows nothing of what she decided, and changes nothing of it.
    let edited = json!({"name": "Ann Unlikely", "honorific": "Prof", "region": "CA-QC", "consents": [consent("NAME", "SELF"), consent("HONORIFIC", "PUBLIC")]});
    lines::read(&hub.db, &[person("ann", edited)]).await;
    let public = hub.data("{ people { nodes { name honorific } } }").await;
    assert_eq!(public["people"]["nodes"], json!([{"name": "Ann Unlikely", "honorific": "Prof"}]));
    for (input, code, field) in [
        (
            json!({"field": "NAME", "audience": "PUBLIC", "wordingVersion": "1", "wordingLanguage": "en"}),
            "BAD_USER_INPUT",
            json!("wordingVersion"),
        ),
        (
            json!({"field": "NAME", "audience": "PUBLIC", "wordingVersion": "2026-11", "wordingLanguage": "de"}),
            "BAD_USER_INPUT",
            json!("wordingVersion"),
        ),
        (
            json!({"field": "BYLINES", "audience": "MEMBERS", "wordingVersion": "2026-11", "wordingLanguage": "fr"}),
            "BAD_USER_INPUT",
            json!("audience"),
        ),
    ] {
        assert_eq!(ann.refused(&hub, "consentGive", input).await, (code.to_owned(), field));
    }
    let input = json!({"field": "NAME", "audience": "PUBLIC", "wordingVersion": "2026-11", "wordingLanguage": "fr-CA"});
    assert_eq!(member.refused(&hub, "consentGive", input.clone()).await.0, "FORBIDDEN");
    let nobody = callers::payload(&hub, None, "consentGive", input, "person { name }").await;
    assert_eq!(nobody["userErrors"][0]["code"], "UNAUTHENTICATED");
    let wording = hub.ask_in("fr-CA", "{ consentWording { version language text } }", json!({})).await;
    assert_eq!(wording["data"]["consentWording"]["language"], "fr");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_that_is_taken_back_takes_effect_everywhere_within_a_second() {
    let hub = private_hub().await;
    let ann = Caller::new(&hub, "ann", Some("ann"), &[]).await;
    let member = Caller::new(&hub, "member", None, &[(Right::Member, on("c"))]).await;
    for field in ["NAME", "REGION", "MEMBERSHIPS"] {
        give(&ann, &hub, field, "PUBLIC").await;
    }
    let everywhere = "{ people { totalCount nodes { name } } person(slug: \"ann\") { region } search(text: \"unlikely\") { totalCount } \
        c: community(slug: \"c\") { memberships { totalCount nodes { person { name } } } } \
        people2: people(filter: {regions: [\"CA-QC\"]}) { totalCount } facets: people { facets(by: [REGION]) { buckets { value } } } }";
    let shown = hub.data(everywhere).await;
    assert_eq!((&shown["people"]["totalCount"], &shown["search"]["totalCount"]), (&json!(1), &json!(1)), "{shown}");
    assert_eq!(shown["c"]["memberships"]["totalCount"], 1);
    let follow = "subscription { changes { change { action kind nodeId node { ... on Person { name } } } } }";
    let mut anonymous = Socket::begun(hub.address).await;
    anonymous.subscribe("1", follow, json!({})).await;
    anonymous.subscribe("heard", "{ __typename }", json!({})).await;
    anonymous.hear().await;
    anonymous.hear().await;
    let mut known = member.following(&hub, follow, json!({})).await;
    ann.done(&hub, "consentWithdraw", json!({}), "person { name }").await;
    let begun = Instant::now();
    let hidden = hub.data(everywhere).await;
    for socket in [&mut anonymous, &mut known] {
        let mut told = Vec::new();
        for _ in 0..2 {
            let change = socket.next().await["data"]["changes"]["change"].clone();
            assert_eq!((&change["action"], &change["node"]), (&json!("REMOVED"), &Value::Null), "{change}");
            told.push(change["kind"].as_str().unwrap().to_owned());
        }
        told.sort();
        assert_eq!(told, ["MEMBERSHIP", "PERSON"]);
    }
    assert!(begun.elapsed().as_millis() < 1_000, "{:?}", begun.elapsed());
    let none = json!({"totalCount": 0});
    assert_eq!(hidden["people"], json!({"totalCount": 0, "nodes": []}));
    assert_eq!((&hidden["person"], &hidden["search"], &hidden["people2"]), (&Value::Null, &none, &none));
    assert_eq!(hidden["c"]["memberships"], json!({"totalCount": 0, "nodes": []}));
    assert_eq!(hidden["facets"]["facets"], json!([{"buckets": []}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_what_is_not_for_everybody_is_seen_reading_it() {
    let hub = private_hub().await;
    let ann = Caller::new(&hub, "ann", Some("ann"), &[]).await;
    give(&ann, &hub, "NAME", "MEMBERS").await;
    give(&ann, &hub, "REGION", "COORDINATORS").await;
    let coordinator = Caller::new(&hub, "co", None, &[(Right::Coordinator, on("c"))]).await;
    let query = "query WhoIsThere { people { nodes { name region orcid } } community(slug: \"c\") { memberships { nodes { person { name } } } } }";
    coordinator.data(&hub, query).await;
    let mut follower = coordinator
        .following(
            &hub,
            "subscription Live { changes(filter: {kinds: [PERSON]}) { change { node { ... on Person { name } } } } }",
            json!({}),
        )
        .await;
    let renamed = json!({"name": "Ann Probable", "region": "CA-QC"});
    lines::read(&hub.db, &[person("ann", renamed)]).await;
    assert_eq!(follower.next().await["data"]["changes"]["change"]["node"]["name"], "Ann Probable");
    let own = "{ viewer { person { readings { totalCount nodes { fields readerAccount isByToken operation } } } } }";
    let seen = ann.data(&hub, own).await["viewer"]["person"]["readings"].clone();
    let reading = |fields: Value, operation: Value| json!({"fields": fields, "readerAccount": "https://issuer.example co", "isByToken": true, "operation": operation});
    assert_eq!(
        seen["nodes"],
        json!([reading(json!(["name"]), json!("Live")), reading(json!(["name", "region"]), json!("WhoIsThere"))])
    );
    // What is for everybody, and what is one's own, is read without a note.
    give(&ann, &hub, "NAME", "PUBLIC").await;
    hub.data("{ people { nodes { name } } }").await;
    coordinator.data(&hub, "{ people { nodes { name } } }").await;
    assert_eq!(ann.data(&hub, own).await["viewer"]["person"]["readings"]["totalCount"], 2);
    // Nobody else learns who reads whom.
    let others = coordinator.data(&hub, "{ people { nodes { readings { totalCount } consents { field } } } }").await;
    assert_eq!(others["people"]["nodes"], json!([{"readings": {"totalCount": 0}, "consents": []}]));
    let changed: Vec<String> = texts(&hub.db, "SELECT concat_ws(' ', act, kind, why, account_id IS NOT NULL) FROM audit WHERE person_id IS NOT NULL AND act <> 'READ' ORDER BY created_at").await;
    assert!(
        changed.contains(&"CREATED PERSON test f".to_owned()) && changed.contains(&"UPDATED PERSON  t".to_owned()),
        "{changed:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_handed_out_everything_that_the_hub_holds_on_them() {
    let hub = private_hub().await;
    lines::read(
        &hub.db,
        &[
            project("p", json!({"people": [{"person": "ann", "role": "CO_INVESTIGATOR"}]})),
            item("i", json!({"authors": [{"byline": "A. Unlikely", "person": "ann"}]})),
            role("r", "ann", "community:c"),
        ],
    )
    .await;
    let ann = Caller::new(&hub, "ann", Some("ann"), &[]).await;
    let c = hub.data("{ community(slug: \"c\") { id } }").await["community"]["id"].clone();
    ann.done(&hub, "contactSend", json!({"community": c, "body": "A word from Ann."}), "isSent").await;
    let payload = ann.done(&hub, "personExport", json!({"reason": "mine"}), "file { name mediaType content }").await;
    let document: Value = serde_json::from_str(payload["file"]["content"].as_str().unwrap()).unwrap();
    assert_eq!(document["line"]["record"]["name"], "Ann Unlikely");
    for (place, length) in [
        ("person", 1),
        ("memberships", 1),
        ("roles", 1),
        ("projects", 1),
        ("authorships", 1),
        ("accounts", 1),
        ("tokens", 1),
        ("grants", 1),
        ("messages", 1),
        ("slugs", 1),
        ("foundBy", 1),
    ] {
        assert_eq!(document[place].as_array().map(Vec::len), Some(length), "{place}");
    }
    let content = payload["file"]["content"].as_str().unwrap();
    assert!(
        content.contains("A. Unlikely") && content.contains("A word from Ann.") && !content.contains("secret_hash")
    );
    let other = Caller::new(&hub, "other", None, &[(Right::Coordinator, on("c"))]).await;
    let id = ann.data(&hub, "{ viewer { person { id } } }").await["viewer"]["person"]["id"].clone();
    assert_eq!(other.refused(&hub, "personExport", json!({"person": id})).await.0, "NOT_FOUND");
    assert_eq!(other.refused(&hub, "personExport", json!({})).await.0, "FORBIDDEN");
    let admin = Caller::new(&hub, "admin", None, &[(Right::Administrator, None)]).await;
    admin.done(&hub, "personExport", json!({"person": id}), "file { name }").await;
    let readings =
        ann.data(&hub, "{ viewer { person { readings { nodes { fields readerAccount operation } } } } }").await;
    let all = &readings["viewer"]["person"]["readings"]["nodes"];
    assert_eq!(all[0]["fields"], json!(["all"]), "{all}");
    assert_eq!(all[0]["readerAccount"], "https://issuer.example admin");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_that_names_people_or_accounts_is_handed_out() {
    let db = support::database("empty", 1).await;
    let naming = "SELECT DISTINCT c.conrelid::regclass::text FROM pg_constraint c WHERE c.contype = 'f' AND c.confrelid IN ('people'::regclass, 'accounts'::regclass) \
        UNION SELECT table_name::text FROM information_schema.columns WHERE table_schema = 'public' AND column_name IN ('person_id', 'account_id') ORDER BY 1";
    let tables = texts(&db, naming).await;
    assert!(tables.len() > 12);
    for table in tables {
        assert!(PLACES.iter().any(|(_, known, _)| *known == table), "{table} names people and is not handed out");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_erased_leaves_no_trace_but_that_somebody_was() {
    let hub = TestHub::with_lines(&[]).await;
    let ann_line = || {
        let details = json!({"name": "Ann Unlikely", "honorific": "Dame", "region": "CA-NU", "orcid": "0000-0002-1825-0097",
            "languages": ["iu"], "slug": "ann-unlikely", "formerSlugs": ["ann-once"], "expertise": [],
            "affiliations": [{"id": "1", "organization": "o", "title": {"en": "Chief Unlikeliness Officer"}, "home": true}],
            "sources": [{"title": {"en": "The unlikely source"}, "field": "name"}],
            "consents": [consent("NAME", "PUBLIC"), consent("MEMBERSHIPS", "PUBLIC")]});
        person("ann-key", details)
    };
    let works = || {
        vec![
            project("p", json!({"people": [{"person": "ann-key", "role": "CO_INVESTIGATOR"}]})),
            item("i", json!({"authors": [{"byline": "A. N. Unlikely", "person": "ann-key"}, {"byline": "B. Likely"}]})),
            lines::draft("d", json!({"authors": [{"byline": "B. Likely", "person": "ann-key"}]})),
        ]
    };
    let all = [vec![organization("o", json!({})), community("c", json!({})), ann_line(), membership("ann-membership", "ann-key", "c", json!({})), role("ann-role", "ann-key", "community:c"),
        json!({"kind": "link", "key": "ann-link", "originalLanguage": "en", "linkKind": "ENDORSES", "from": "organization:o", "to": "community:c"})], works()].concat();
    lines::read(&hub.db, &all).await;
    let ann = Caller::new(&hub, "subject-of-ann", Some("ann-key"), &[]).await;
    let admin = Caller::new(&hub, "admin", None, &[(Right::Administrator, None)]).await;
    let c = hub.data("{ community(slug: \"c\") { id } }").await["community"]["id"].clone();
    let message = json!({"community": c, "body": "Words of Ann.", "replyTo": "ann@unlikely.example"});
    ann.done(&hub, "contactSend", message, "isSent").await;
    give(&ann, &hub, "REGION", "PUBLIC").await;
    admin.data(&hub, "query ReadingAnnUnlikely { people { nodes { name honorific } } }").await;
    let id = ann.data(&hub, "{ viewer { person { id } } }").await["viewer"]["person"]["id"].clone();
    const COUNT: &str = "SELECT active_members::text FROM community_counts";
    assert_eq!(texts(&hub.db, COUNT).await, ["1"]);
    let cursor = hub.data("{ changeCursor }").await["changeCursor"].clone();
    let traces = [
        "Unlikely",
        "unlikely",
        "ann-key",
        "ann-once",
        "0000-0002-1825-0097",
        "Dame",
        "CA-NU",
        "subject-of-ann",
        "Words of Ann",
        "ann-membership",
        "ann-role",
        &ann.account.to_string(),
    ];
    let before = support::dump(&support::address_of(&hub.db).await);
    for trace in traces {
        assert!(before.contains(trace), "{trace} is there before");
    }
    let mut follower = Socket::begun(hub.address).await;
    follower
        .subscribe(
            "1",
            "subscription($after: String) { changes(after: $after) { change { action kind nodeId } } }",
            json!({"after": cursor}),
        )
        .await;
    let mut own = ann.following(&hub, "subscription { changes { change { action } } }", json!({})).await;
    // Nobody else erases her, and she not by mistake.
    let other = Caller::new(&hub, "other", None, &[(Right::Coordinator, on("c"))]).await;
    assert_eq!(other.refused(&hub, "personErase", json!({"person": id, "isMeant": true})).await.0, "NOT_FOUND");
    assert_eq!(
        ann.refused(&hub, "personErase", json!({"isMeant": false})).await,
        ("BAD_USER_INPUT".to_owned(), json!("isMeant"))
    );
    let payload = ann.done(&hub, "personErase", json!({"isMeant": true}), "isErased").await;
    assert_eq!(payload["isErased"], true);
    let after = support::dump(&support::address_of(&hub.db).await);
    // But for the one entry by which those who followed as her learned that it is over: a bare id too.
    let after: Vec<&str> = after.lines().filter(|line| !line.contains("'VIEWER'")).collect();
    for trace in traces {
        let line = after.iter().find(|line| line.contains(trace));
        assert_eq!(line, None, "{trace}");
    }
    const MAKERS: &str = "SELECT audience::text FROM items WHERE status = 'DRAFT' UNION ALL SELECT a::text FROM changes c, \
        unnest(ARRAY[c.audience_before::text, c.audience_after::text]) a WHERE c.kind = 'ITEM' AND a LIKE '%self:%'";
    assert_eq!(texts(&hub.db, MAKERS).await, ["{}"], "a draft of hers is nobody's");
    // What hung on her is told to be gone, each with its bare id.
    let mut gone = Vec::new();
    while gone.len() < 5 {
        let change = follower.next().await["data"]["changes"]["change"].clone();
        gone.push(format!("{} {}", change["action"].as_str().unwrap(), change["kind"].as_str().unwrap()));
        if change["kind"] == "PERSON" {
            assert_eq!(change["nodeId"], id);
        }
    }
    gone.sort();
    assert_eq!(gone, ["REMOVED MEMBERSHIP", "REMOVED PERSON", "REMOVED ROLE", "UPDATED ITEM", "UPDATED PROJECT"]);
    let crate::socket::Heard::Said(said) = own.hear().await else { panic!() };
    assert_eq!(said["payload"][0]["extensions"]["code"], "UNAUTHENTICATED");
    let left = hub.data("{ community(slug: \"c\") { roles { totalCount } } item(slug: \"i\") { authors { nodes { byline } } } search(text: \"unlikely\") { totalCount } }").await;
    assert_eq!(left["community"], json!({"roles": {"totalCount": 0}}));
    assert_eq!(texts(&hub.db, COUNT).await, ["0"]);
    assert_eq!(left["item"]["authors"]["nodes"], json!([{"byline": "B. Likely"}]));
    assert_eq!(left["search"]["totalCount"], 0);
    // Whoever asks for what happened before meets no tombstone.
    let log = admin.data(&hub, "{ changes(first: 100) { nodes { action kind nodeId } } }").await;
    let told = log["changes"]["nodes"].as_array().unwrap();
    assert_eq!(told.iter().filter(|change| change["kind"] == "PERSON").count(), 1, "{told:?}");
    // The audit keeps the act.
    assert_eq!(texts(&hub.db, "SELECT act FROM audit WHERE act = 'ERASED'").await, ["ERASED"]);
    // No file brings her back, and what it says of others is read.
    let again = [
        vec![
            ann_line(),
            membership("ann-membership", "ann-key", "c", json!({})),
            community("c", json!({"name": {"en": "C anew"}})),
            // What was never there because it names her, and what leads to that.
            project("q", json!({"people": [{"person": "ann-key", "role": "CO_INVESTIGATOR"}]})),
            item("of-q", json!({"project": "q"})),
        ],
        works(),
    ]
    .concat();
    let report = support::import(&hub.db, vec![support::file(&again)]).await.unwrap();
    assert_eq!((report.withheld, report.updated, report.created), (7, 1, 0));
    assert!(!support::dump(&support::address_of(&hub.db).await).contains("Unlikely"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_printed_name_stays_where_its_person_consented_to_it() {
    let hub = private_hub().await;
    lines::read(&hub.db, &[item("i", json!({"authors": [{"byline": "A. Unlikely", "person": "ann"}]}))]).await;
    let ann = Caller::new(&hub, "ann", Some("ann"), &[]).await;
    give(&ann, &hub, "BYLINES", "PUBLIC").await;
    ann.done(&hub, "personErase", json!({"isMeant": true}), "isErased").await;
    let left = hub.data("{ item(slug: \"i\") { authors { nodes { byline person { name } } } } search(text: \"unlikely\") { totalCount } }").await;
    assert_eq!(left["item"]["authors"]["nodes"], json!([{"byline": "A. Unlikely", "person": null}]));
    assert_eq!(left["search"]["totalCount"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_reach_the_coordinators_of_a_community_and_nobody_else_and_not_too_often() {
    let hub = private_hub().await;
    let coordinator = Caller::new(&hub, "co", None, &[(Right::Coordinator, on("c"))]).await;
    let ann = Caller::new(&hub, "ann", Some("ann"), &[]).await;
    let c = hub.data("{ community(slug: \"c\") { id } }").await["community"]["id"].clone();
    let message = |body: &str| json!({"community": c, "body": body, "replyTo": "me@example.org"});
    let list = "{ community(slug: \"c\") { messages { totalCount nodes { body replyTo language sender { name } } } } }";
    let sent = callers::payload(&hub, None, "contactSend", message("The date is wrong."), "isSent").await;
    assert_eq!(sent, json!({"isSent": true, "userErrors": []}));
    ann.done(&hub, "contactSend", message("So is the name."), "isSent").await;
    let seen = coordinator.data(&hub, list).await["community"]["messages"].clone();
    let node = |body: &str| json!({"body": body, "replyTo": "me@example.org", "language": "en", "sender": null});
    assert_eq!(seen, json!({"totalCount": 2, "nodes": [node("So is the name."), node("The date is wrong.")]}));
    let elsewhere =
        Caller::new(&hub, "elsewhere", None, &[(Right::Coordinator, on("d")), (Right::Member, on("c"))]).await;
    for caller in [&elsewhere, &ann] {
        assert_eq!(caller.data(&hub, list).await["community"]["messages"]["totalCount"], 0);
    }
    assert_eq!(hub.data(list).await["community"]["messages"]["totalCount"], 0);
    for (input, code) in [(message(""), "BAD_USER_INPUT"), (json!({"community": "x", "body": "x"}), "BAD_USER_INPUT")] {
        let payload = callers::payload(&hub, None, "contactSend", input, "isSent").await;
        assert_eq!(payload["userErrors"][0]["code"], code);
    }
    for _ in 0..3 {
        callers::payload(&hub, None, "contactSend", message("Again."), "isSent").await;
    }
    let payload = callers::payload(&hub, None, "contactSend", message("And again."), "isSent").await;
    assert_eq!((&payload["isSent"], &payload["userErrors"][0]["code"]), (&json!(false), &json!("RATE_LIMITED")));
    ann.done(&hub, "contactSend", message("Others may still."), "isSent").await;
}
