//! Days in the life of the partners, through HTTP alone: what a community asks, who joins, what members hear first; a leader who
//! changes; a text that gets its translation.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use knowledge_hub::clock;
use knowledge_hub::db::log::Retention;
use knowledge_hub::db::{Db, due};
use knowledge_hub::policy::{NodeKind, Right};
use serde_json::{Value, json};

use crate::callers::{self, Caller};
use crate::support::TestHub;

const KEPT: Retention = Retention { age: TimeDelta::days(90), count: 1_000_000 };

fn moment(at: DateTime<Utc>) -> Value {
    json!(at.to_rfc3339_opts(SecondsFormat::Millis, true))
}

async fn now(db: &Db) -> DateTime<Utc> {
    due::now(&mut db.connection().await.unwrap()).await.unwrap()
}

fn both(en: &str, fr: &str) -> Value {
    json!([{"language": "en", "text": en}, {"language": "fr", "text": fr}])
}

/// The data of a document as somebody reads it in a language.
async fn read(hub: &TestHub, token: Option<&str>, language: &str, query: &str, variables: Value) -> Value {
    let mut request = hub.client.post(hub.url("/graphql")).header("accept-language", language);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let response = request.json(&json!({ "query": query, "variables": variables })).send().await.unwrap();
    let answer: Value = response.json().await.unwrap();
    assert!(answer.get("errors").is_none(), "{query}: {answer}");
    answer["data"].clone()
}

/// The payload of a mutation as it is told in a language.
async fn write(hub: &TestHub, who: &Caller, language: &str, mutation: &str, input: &Value, wanted: &str) -> Value {
    let mut type_name = mutation.to_owned();
    type_name[..1].make_ascii_uppercase();
    let query = format!(
        "mutation M($input: {type_name}Input!) {{ {mutation}(input: $input) {{ {wanted} userErrors {{ code field message }} }} }}"
    );
    read(hub, Some(&who.token), language, &query, json!({ "input": input })).await[mutation].clone()
}

async fn id_of_slug(hub: &TestHub, root: &str, slug: &str) -> Value {
    hub.data(&format!("{{ {root}(slug: \"{slug}\") {{ id }} }}")).await[root]["id"].clone()
}

/// Everything by which an item can be met, as somebody sees it: lists, counts, facets, search, its id and the change log.
async fn ways_to(hub: &TestHub, token: Option<&str>, item: &Value, after: &Value) -> Value {
    let query = "query($id: ID!, $after: String) { node(id: $id) { id } \
        items(filter: { textContains: \"Symposium\" }) { totalCount facets(by: [KIND]) { buckets { count } } } \
        community(slug: \"hcc-acp\") { items(filter: { textContains: \"Symposium\" }) { totalCount } } \
        search(text: \"Symposium\", kinds: [ITEM]) { totalCount } \
        changes(first: 100, after: $after, filter: { kinds: [ITEM] }) { nodes { action nodeId } } }";
    let data = read(hub, token, "en", query, json!({ "id": item, "after": after })).await;
    let changes = data["changes"]["nodes"].as_array().unwrap().iter();
    let actions: Vec<&Value> = changes.filter(|it| it["nodeId"] == *item).map(|it| &it["action"]).collect();
    json!({
        "node": !data["node"].is_null(),
        "listed": data["items"]["totalCount"],
        "facets": data["items"]["facets"][0]["buckets"].as_array().unwrap().len(),
        "inCommunity": data["community"]["items"]["totalCount"],
        "found": data["search"]["totalCount"],
        "changes": actions,
    })
}

fn seen(is_seen: bool, changes: &[&str]) -> Value {
    let count = i32::from(is_seen);
    json!({"node": is_seen, "listed": count, "facets": count, "inCommunity": count, "found": count, "changes": changes})
}

/// What the HPCO communities ask of those who want to join.
fn rules() -> Value {
    json!({
        "joinPolicy": "BY_APPLICATION",
        "charter": both("We share what we know and name our sources.", "Nous partageons ce que nous savons et nommons nos sources."),
        "questions": [
            {"kind": "LONG_TEXT", "text": both("Why do you want to join?", "Pourquoi souhaitez-vous participer?"), "isRequired": true},
            {"kind": "SEVERAL_OF", "text": both("What could you contribute?", "Que pourriez-vous apporter?"),
             "choices": [{"id": "talks", "text": both("Talks", "Exposés")}, {"id": "reviews", "text": both("Reviews", "Relectures")}]},
            {"kind": "YES_OR_NO", "text": both("May we write to you?", "Pouvons-nous vous écrire?"), "isRequired": true},
        ],
    })
}

async fn a_day_of_hpco(language: &str) {
    let hub = TestHub::with_sample_data().await;
    let here = Some((NodeKind::Community, "hcc-acp"));
    let hpco = Caller::new(&hub, "hpco", None, &[(Right::Administrator, Some((NodeKind::Organization, "hpco")))]).await;
    let coordinator = Caller::new(&hub, "coordinator", None, &[(Right::Coordinator, here)]).await;
    let applicant = Caller::new(&hub, "applicant", Some("sample-member-3"), &[]).await;
    let stranger = Caller::new(&hub, "stranger", Some("sample-member-14"), &[]).await;
    let community = id_of_slug(&hub, "community", "hcc-acp").await;
    let is_french = language == "fr";

    // HPCO says how one joins.
    let edit = json!({"community": community, "expectedVersion": 1, "fields": rules(), "sources": [{"publisher": "HPCO", "title": both("Terms of reference (synthetic)", "Mandat (synthétique)")}]});
    let payload = write(
        &hub,
        &hpco,
        "en",
        "communityEdit",
        &edit,
        "community { version joinPolicy verifiedOn sources { totalCount } }",
    )
    .await;
    assert_eq!(payload["userErrors"], json!([]));
    assert_eq!(payload["community"]["version"], 2);
    assert_eq!(payload["community"]["verifiedOn"], Value::Null, "an edit verifies nothing");

    // Somebody reads it in their language and applies; what is missing is told in that language.
    let asked = read(&hub, Some(&applicant.token), language, "{ community(slug: \"hcc-acp\") { charter { version text } questions { id kind text isRequired choices { id text } } } }", json!({})).await;
    let questions = &asked["community"]["questions"];
    assert_eq!(
        questions[0]["text"],
        if is_french { "Pourquoi souhaitez-vous participer?" } else { "Why do you want to join?" }
    );
    assert_eq!(questions[1]["choices"][1]["text"], if is_french { "Relectures" } else { "Reviews" });
    let mut input = json!({"community": community, "charterVersion": 1, "answers": [
        {"question": questions[0]["id"], "text": "Pour apprendre / to learn"},
        {"question": questions[1]["id"], "choices": ["talks"]},
    ]});
    let refused = write(&hub, &applicant, language, "membershipApply", &input, "membership { id }").await;
    assert_eq!(refused["userErrors"][0]["field"], format!("answers/{}", questions[2]["id"].as_str().unwrap()));
    assert_eq!(
        refused["userErrors"][0]["message"],
        if is_french { "Cette question demande une réponse." } else { "This question has to be answered." }
    );
    input["answers"].as_array_mut().unwrap().push(json!({"question": questions[2]["id"], "yes": true}));
    let applied = write(&hub, &applicant, language, "membershipApply", &input, "membership { id version status applications { nodes { status statusText answers { question { text } text choices { text } yes } } } }").await;
    assert_eq!(applied["userErrors"], json!([]));
    let (membership, application) = (&applied["membership"]["id"], &applied["membership"]["applications"]["nodes"][0]);
    assert_eq!((&applied["membership"]["status"], &application["status"]), (&json!("APPLIED"), &json!("PENDING")));
    assert_eq!(application["answers"][1]["choices"][0]["text"], if is_french { "Exposés" } else { "Talks" });

    // The coordinator finds it in the queue, and nobody else does.
    let queue = "query($filter: ApplicationFilter) { community(slug: \"hcc-acp\") { applications(filter: $filter) { totalCount nodes { id membership { id version person { name region profession } } } } } }";
    let person = applicant.data(&hub, "{ viewer { account { person { region profession } } } }").await["viewer"]["account"]["person"].clone();
    let pending = json!({"filter": {"statuses": ["PENDING"], "waitingLongerThanDays": 0, "regions": [person["region"]], "professions": [person["profession"]]}});
    let found =
        read(&hub, Some(&coordinator.token), language, queue, pending.clone()).await["community"]["applications"]
            .clone();
    assert_eq!(found["totalCount"], 1, "{found}");
    assert_eq!(found["nodes"][0]["membership"]["person"]["region"], person["region"]);
    for filter in [json!({"waitingLongerThanDays": 7}), json!({"regions": ["CA-NU"]}), json!({"statuses": ["REFUSED"]})]
    {
        let none = read(&hub, Some(&coordinator.token), language, queue, json!({ "filter": filter })).await;
        assert_eq!(none["community"]["applications"]["totalCount"], 0, "{filter}");
    }
    for token in [None, Some(stranger.token.as_str()), Some(hpco.token.as_str())] {
        let none = read(&hub, token, language, queue, json!({})).await;
        assert_eq!(none["community"]["applications"]["totalCount"], 0);
    }
    assert_eq!(
        write(
            &hub,
            &applicant,
            language,
            "membershipDecide",
            &json!({"membership": membership, "decision": "ACCEPT"}),
            "__typename"
        )
        .await["userErrors"][0]["code"],
        "FORBIDDEN"
    );

    // Accepted: the applicant is told in their language.
    let decide = json!({"membership": membership, "expectedVersion": applied["membership"]["version"], "decision": "ACCEPT", "note": both("Welcome!", "Bienvenue!")});
    let decided =
        write(&hub, &coordinator, language, "membershipDecide", &decide, "membership { status since { edtf } }").await;
    assert_eq!((&decided["userErrors"], &decided["membership"]["status"]), (&json!([]), &json!("ACTIVE")));
    let own = "query($id: ID!) { node(id: $id) { ... on Membership { status applications { nodes { status statusText note } } } } }";
    let told = read(&hub, Some(&applicant.token), language, own, json!({ "id": membership })).await["node"]["applications"]["nodes"][0].clone();
    assert_eq!(told["status"], "ACCEPTED");
    assert_eq!(
        told["statusText"],
        if is_french { "La demande a été acceptée." } else { "The application was accepted." }
    );
    assert_eq!(told["note"], if is_french { "Bienvenue!" } else { "Welcome!" });

    members_hear_first(&hub, language, &coordinator, &applicant, membership).await;
}

/// An item comes before members, then before everybody; who leaves sees what is for members no more.
async fn members_hear_first(hub: &TestHub, language: &str, coordinator: &Caller, member: &Caller, membership: &Value) {
    let community = id_of_slug(hub, "community", "hcc-acp").await;
    let start = hub.data("{ changeCursor }").await["changeCursor"].clone();
    let create = |en: &str, fr: &str| json!({"originalLanguage": "en", "fields": {"kind": "WEBINAR", "title": both(en, fr), "communities": [community]}});
    let made = coordinator
        .done(
            hub,
            "itemCreate",
            create("Symposium on consent (synthetic)", "Symposium sur le consentement (synthétique)"),
            "item { id version status } itemId",
        )
        .await;
    let item = made["itemId"].clone();
    assert_eq!((&made["item"]["status"], &made["item"]["id"]), (&json!("DRAFT"), &item));
    let (anybody, by_member, by_coordinator) = (None, Some(member.token.as_str()), Some(coordinator.token.as_str()));
    assert_eq!(ways_to(hub, by_member, &item, &start).await, seen(false, &[]));
    assert_eq!(ways_to(hub, by_coordinator, &item, &start).await, seen(true, &["CREATED"]));

    let clock = tokio::spawn(clock::run(hub.db.clone(), KEPT));
    let stream = "subscription { itemPublished { item { title } } }";
    let mut heard_by_member = member.following(hub, stream, json!({})).await;
    let mut heard_by_all = callers::follow(crate::socket::Socket::begun(hub.address).await, stream, json!({})).await;
    let members_at = now(&hub.db).await + TimeDelta::milliseconds(700);
    let times = json!({"item": item, "membersAt": moment(members_at), "publicAt": "2050-01-01T00:00:00Z", "idempotencyKey": "publish"});
    for _ in 0..2 {
        let published = coordinator.done(hub, "itemPublish", times.clone(), "item { status version }").await;
        assert_eq!((&published["item"]["status"], &published["item"]["version"]), (&json!("PUBLISHED"), &json!(2)));
    }
    assert_eq!(ways_to(hub, by_member, &item, &start).await, seen(false, &[]), "held back until its time");
    let title = "Symposium on consent (synthetic)";
    assert_eq!(heard_by_member.next().await["data"]["itemPublished"]["item"]["title"], title);
    assert!(now(&hub.db).await >= members_at);
    assert_eq!(ways_to(hub, by_member, &item, &start).await, seen(true, &["PUBLISHED"]), "members first");
    assert_eq!(ways_to(hub, anybody, &item, &start).await, seen(false, &[]), "and nobody else");
    // It comes before everybody sooner than it was to.
    let public_at = now(&hub.db).await + TimeDelta::milliseconds(700);
    let sooner = json!({"item": item, "publicAt": moment(public_at)});
    coordinator.done(hub, "itemPublish", sooner, "item { version }").await;
    assert_eq!(heard_by_all.next().await["data"]["itemPublished"]["item"]["title"], title);
    assert!(now(&hub.db).await >= public_at);
    assert_eq!(ways_to(hub, anybody, &item, &start).await, seen(true, &["RELEASED"]));
    assert_eq!(ways_to(hub, by_member, &item, &start).await, seen(true, &["PUBLISHED", "UPDATED", "UPDATED"]));
    let french = read(
        hub,
        None,
        "fr",
        "query($id: ID!) { node(id: $id) { ... on Item { title language } } }",
        json!({ "id": item }),
    )
    .await;
    assert_eq!(french["node"], json!({"title": "Symposium sur le consentement (synthétique)", "language": "fr"}));

    // Something that stays with the members; whoever leaves sees it no more, and is told so.
    let second = coordinator
        .done(hub, "itemCreate", create("Minutes (synthetic)", "Procès-verbal (synthétique)"), "itemId")
        .await["itemId"]
        .clone();
    let soon = json!({"item": second, "membersAt": moment(now(&hub.db).await + TimeDelta::milliseconds(500))});
    coordinator.done(hub, "itemPublish", soon, "item { id }").await;
    assert_eq!(heard_by_member.next().await["data"]["itemPublished"]["item"]["title"], "Minutes (synthetic)");
    let one = "query($id: ID!) { node(id: $id) { id } }";
    let is_seen =
        async |token: Option<&str>| !read(hub, token, language, one, json!({ "id": second })).await["node"].is_null();
    assert!(is_seen(by_member).await && !is_seen(anybody).await);
    let follow = "subscription { changes(filter: { kinds: [ITEM] }) { change { action nodeId } } }";
    let mut told = member.following(hub, follow, json!({})).await;
    let left =
        write(hub, member, language, "membershipLeave", &json!({ "membership": membership }), "membership { status }")
            .await;
    assert_eq!((&left["userErrors"], &left["membership"]["status"]), (&json!([]), &json!("ENDED")));
    assert_eq!(told.next().await["data"]["changes"]["change"], json!({"action": "REMOVED", "nodeId": second}));
    assert!(!is_seen(by_member).await && is_seen(by_coordinator).await);
    // What is left of the member for the coordinators is what everybody sees.
    let person = "query($id: ID!) { node(id: $id) { ... on Membership { status person { name } } } }";
    let kept = read(hub, by_coordinator, language, person, json!({ "id": membership })).await;
    assert_eq!(kept, read(hub, anybody, language, person, json!({ "id": membership })).await);
    clock.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_in_the_life_of_the_hpco_communities_in_english() {
    a_day_of_hpco("en").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_in_the_life_of_the_hpco_communities_in_french() {
    a_day_of_hpco("fr").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_of_a_q_croc_community_changes_and_dashboards_see_both_in_history() {
    let hub = TestHub::with_sample_data().await;
    let here = Some((NodeKind::Community, "resot"));
    let coordinator = Caller::new(&hub, "coordinator", None, &[(Right::Coordinator, here)]).await;
    let elsewhere =
        Caller::new(&hub, "elsewhere", None, &[(Right::Coordinator, Some((NodeKind::Community, "melanoma")))]).await;
    let history = "{ community(slug: \"resot\") { id roles(filter: { kinds: [LEADER] }) { totalCount nodes { id version since { edtf } until { edtf } person { name } sources { totalCount } } } \
        now: roles(filter: { kinds: [LEADER], hasEnded: false }) { nodes { person { name } } } } }";
    let before = hub.data(history).await["community"].clone();
    assert_eq!(before["roles"]["totalCount"], 1);
    let old = before["roles"]["nodes"][0].clone();
    let follow = "subscription { changes(filter: { kinds: [ROLE] }) { change { action fields node { ... on Role { person { name } } } } } }";
    let mut told = callers::follow(crate::socket::Socket::begun(hub.address).await, follow, json!({})).await;

    // The old role ends, the new one begins; whoever does not run the community changes nothing.
    let ends = json!({"role": old["id"], "expectedVersion": old["version"], "fields": {"until": {"edtf": "2026-11", "label": both("in November 2026 (synthetic)", "en novembre 2026 (synthétique)")}}, "sources": [{"publisher": "Sample bulletin (synthetic)"}]});
    assert_eq!(elsewhere.refused(&hub, "roleEdit", ends.clone()).await.0, "FORBIDDEN");
    coordinator.done(&hub, "roleEdit", ends.clone(), "role { version }").await;
    assert_eq!(coordinator.refused(&hub, "roleEdit", ends).await, ("CONFLICT".to_owned(), json!("expectedVersion")));
    let person = id_of_slug(&hub, "person", "sample-member-12").await;
    let mut begins = json!({"person": person, "of": before["id"], "kind": "LEADER", "originalLanguage": "en", "fields": {"since": {"edtf": "2026-12"}}, "sources": []});
    assert_eq!(
        coordinator.refused(&hub, "roleCreate", begins.clone()).await,
        ("BAD_USER_INPUT".to_owned(), json!("sources"))
    );
    begins["sources"] = json!([{"publisher": "Sample bulletin (synthetic)"}]);
    assert_eq!(elsewhere.refused(&hub, "roleCreate", begins.clone()).await.0, "FORBIDDEN");
    coordinator.done(&hub, "roleCreate", begins, "role { id }").await;

    for change in [("UPDATED", &old["person"]["name"]), ("CREATED", &json!("Sample member 12"))] {
        let heard = told.next().await["data"]["changes"]["change"].clone();
        assert_eq!((&heard["action"], &heard["node"]["person"]["name"]), (&json!(change.0), change.1));
    }
    let after = hub.data(history).await["community"].clone();
    let of = |name: &Value| {
        after["roles"]["nodes"].as_array().unwrap().iter().find(|it| it["person"]["name"] == *name).unwrap()
    };
    assert_eq!(after["roles"]["totalCount"], 2);
    let (ended, begun) = (of(&old["person"]["name"]), of(&json!("Sample member 12")));
    assert_eq!((&ended["until"]["edtf"], &ended["since"]), (&json!("2026-11"), &old["since"]));
    assert_eq!(ended["sources"]["totalCount"].as_i64(), old["sources"]["totalCount"].as_i64().map(|count| count + 1));
    assert_eq!((&begun["since"]["edtf"], &begun["until"]), (&json!("2026-12"), &Value::Null));
    assert_eq!(after["now"]["nodes"], json!([{"person": {"name": "Sample member 12"}}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_english_item_of_ipos_gets_its_french_text_and_the_embed_changes_its_language() {
    let hub = TestHub::with_sample_data().await;
    let ipos = Caller::new(&hub, "ipos", None, &[(Right::Administrator, Some((NodeKind::Organization, "ipos")))]).await;
    let organization = id_of_slug(&hub, "organization", "ipos").await;
    let english = |text: &str| json!([{"language": "en", "text": text}]);
    let community = ipos.done(&hub, "communityCreate", json!({"originalLanguage": "en", "slug": "ipos-sample", "fields": {"name": english("Sample interest group (synthetic)"), "managedBy": organization}}), "community { id managedBy { key } }").await["community"].clone();
    assert_eq!(community["managedBy"]["key"], "ipos");
    let create = json!({"originalLanguage": "en", "slug": "ipos-sample-statement", "fields": {"kind": "STATEMENT", "title": english("Sample statement (synthetic)"), "summary": english("On distress (synthetic)."), "communities": [community["id"]]}});
    let item = ipos.done(&hub, "itemCreate", create, "itemId").await["itemId"].clone();
    ipos.done(&hub, "itemPublish", json!({ "item": item }), "item { publishedAt }").await;
    // As an embed asks for it.
    let embed = "query($id: ID!) { node(id: $id) { ... on Item { title language fallbackFields { field language } version translations(language: \"fr\") { field text origin isStale } } } }";
    let shown = async || read(&hub, None, "fr", embed, json!({ "id": item })).await["node"].clone();
    let work = "query($states: [TranslationState!]) { organization(slug: \"ipos\") { translationWork(language: \"fr\", filter: { states: $states, kinds: [ITEM] }) { totalCount nodes { node { id } gaps(language: \"fr\") { field state } } } } }";
    let left = async |states: Value| {
        read(&hub, None, "en", work, json!({ "states": states })).await["organization"]["translationWork"].clone()
    };
    let before = shown().await;
    assert_eq!((&before["title"], &before["language"]), (&json!("Sample statement (synthetic)"), &json!("en")));
    let missing = left(Value::Null).await;
    assert_eq!(
        missing["nodes"][0]["gaps"],
        json!([{"field": "summary", "state": "MISSING"}, {"field": "title", "state": "MISSING"}])
    );

    let translate = |field: &str, text: &str, origin: &str| json!({"node": item, "field": field, "language": "fr", "text": text, "origin": origin});
    ipos.done(&hub, "textTranslate", translate("title", "Énoncé exemple (synthétique)", "HUMAN"), "node { id }").await;
    ipos.done(&hub, "textTranslate", translate("summary", "Sur la détresse (synthétique).", "MACHINE"), "node { id }")
        .await;
    let after = shown().await;
    assert_eq!(
        (&after["title"], &after["language"], &after["fallbackFields"]),
        (&json!("Énoncé exemple (synthétique)"), &json!("fr"), &json!([]))
    );
    assert_eq!(
        after["translations"],
        json!([
            {"field": "summary", "text": "Sur la détresse (synthétique).", "origin": "MACHINE", "isStale": false},
            {"field": "title", "text": "Énoncé exemple (synthétique)", "origin": "HUMAN", "isStale": false},
        ])
    );
    assert_eq!(left(Value::Null).await["totalCount"], 0);

    // The original changes: its translation is stale, until somebody says that it still holds.
    ipos.done(&hub, "itemEdit", json!({"item": item, "expectedVersion": after["version"], "fields": {"title": english("Another statement (synthetic)")}}), "item { version }").await;
    assert_eq!(shown().await["translations"][1]["isStale"], true);
    assert_eq!(left(json!(["STALE"])).await["nodes"][0]["gaps"], json!([{"field": "title", "state": "STALE"}]));
    assert_eq!(left(json!(["MISSING"])).await["totalCount"], 0);
    ipos.done(&hub, "textTranslate", translate("title", "Énoncé exemple (synthétique)", "HUMAN"), "node { id }").await;
    assert_eq!(shown().await["translations"][1]["isStale"], false);

    // What is no translation, or of nothing.
    for (input, field) in [
        (json!({"node": item, "field": "title", "language": "en", "text": "x"}), "language"),
        (json!({"node": item, "field": "aims/1/text", "language": "fr", "text": "x"}), "field"),
        (json!({"node": item, "field": "issued", "language": "fr", "text": "x"}), "field"),
        (json!({"node": item, "field": "title", "language": "fr", "text": " "}), "text"),
        (translate("title", "x", "ORIGINAL"), "origin"),
        (translate("title", &"x".repeat(301), "HUMAN"), "text"),
    ] {
        assert_eq!(ipos.refused(&hub, "textTranslate", input).await, ("BAD_USER_INPUT".to_owned(), json!(field)));
    }
    let nobody = callers::payload(&hub, None, "textTranslate", translate("title", "x", "HUMAN"), "__typename").await;
    assert_eq!(nobody["userErrors"][0]["code"], "UNAUTHENTICATED");
}
