//! Rights: who gives them, when they begin and end, and what those who follow are told of it.

use chrono::{SubsecRound, TimeDelta};
use knowledge_hub::clock;
use knowledge_hub::db::log::Retention;
use knowledge_hub::http;
use knowledge_hub::policy::{NodeKind, Right};
use serde_json::{Value, json};

use crate::callers::{self, Caller};
use crate::lines::{self, community, consent, membership, organization, person, role};
use crate::support::TestHub;

const PEOPLE: &str = "{ people { nodes { name } } }";

/// Two communities; the people of each show their names to its members, one with a public name a region too.
fn two_communities() -> Vec<Value> {
    let shows = |field, audience| json!({"consents": [consent(field, audience)]});
    vec![
        organization("o", json!({})),
        organization("hidden", json!({"audience": []})),
        community("c", json!({})),
        community("d", json!({})),
        community("secret", json!({"audience": []})),
        person("ann", shows("NAME", "MEMBERS")),
        person("ben", shows("NAME", "COORDINATORS")),
        person(
            "eve",
            json!({"region": "CA-QC", "consents": [consent("NAME", "PUBLIC"), consent("REGION", "MEMBERS")]}),
        ),
        person("dan", shows("NAME", "MEMBERS")),
        membership("ann-c", "ann", "c", json!({})),
        membership("ben-c", "ben", "c", json!({})),
        membership("eve-c", "eve", "c", json!({})),
        membership("dan-d", "dan", "d", json!({})),
    ]
}

fn names(data: &Value) -> Vec<&str> {
    data["people"]["nodes"].as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap()).collect()
}

fn on(key: &str) -> Option<(NodeKind, &str)> {
    Some((NodeKind::Community, key))
}

async fn global_id(hub: &TestHub, root: &str, slug: &str) -> Value {
    hub.data(&format!("{{ {root}(slug: \"{slug}\") {{ id }} }}")).await[root]["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_right_shows_what_it_is_for_and_a_published_role_shows_nothing() {
    let hub = TestHub::with_lines(&two_communities()).await;
    lines::read(&hub.db, &[person("leader", json!({})), role("r", "leader", "community:c")]).await;
    let roled = Caller::new(&hub, "leader", Some("leader"), &[]).await;
    assert_eq!(names(&roled.data(&hub, PEOPLE).await), ["eve", "leader"]);
    for (right, place, seen) in [
        (Right::Member, on("c"), vec!["ann", "eve", "leader"]),
        (Right::Representative, on("c"), vec!["ann", "eve", "leader"]),
        (Right::Reviewer, on("c"), vec!["eve", "leader"]),
        (Right::Coordinator, on("c"), vec!["ann", "ben", "eve", "leader"]),
        (Right::Coordinator, on("d"), vec!["dan", "eve", "leader"]),
        (Right::Administrator, Some((NodeKind::Organization, "o")), vec!["eve", "leader"]),
        (Right::Administrator, None, vec!["ann", "ben", "dan", "eve", "leader"]),
    ] {
        let caller = Caller::new(&hub, &format!("{right:?}{place:?}"), None, &[(right, place)]).await;
        assert_eq!(names(&caller.data(&hub, PEOPLE).await), seen, "{right:?} on {place:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_are_given_by_those_who_run_what_they_are_on() {
    let hub = TestHub::with_lines(&two_communities()).await;
    let coordinator = Caller::new(&hub, "co", None, &[(Right::Coordinator, on("c"))]).await;
    let somebody = Caller::new(&hub, "somebody", None, &[]).await;
    let account = somebody.data(&hub, "{ viewer { accountId } }").await["viewer"]["accountId"].clone();
    let (c, d) = (global_id(&hub, "community", "c").await, global_id(&hub, "community", "d").await);
    let give =
        |right: &str, on: &Value| json!({"account": account, "right": right, "on": on, "reason": "asked by letter"});
    let wanted = "grant { right holds accountId community { key } holder { name } grantedBy { name } endsAt }";
    let given = coordinator.done(&hub, "grantGive", give("REVIEWER", &c), wanted).await["grant"].clone();
    assert_eq!((&given["right"], &given["holds"], &given["accountId"]), (&json!("REVIEWER"), &json!(true), &account));
    for (right, place) in [("REVIEWER", &d), ("ADMINISTRATOR", &Value::Null), ("COORDINATOR", &d)] {
        let refused = coordinator.refused(&hub, "grantGive", give(right, place)).await;
        assert_eq!(refused, ("FORBIDDEN".to_owned(), Value::Null), "{right}");
        let refused = somebody.refused(&hub, "grantGive", give(right, place)).await;
        assert_eq!(refused, ("FORBIDDEN".to_owned(), Value::Null), "{right}");
    }
    let nobody = callers::payload(&hub, None, "grantGive", give("REVIEWER", &c), "grant { right }").await;
    assert_eq!(nobody["userErrors"][0]["code"], "UNAUTHENTICATED");
    for (input, code, field) in [
        (give("ADMINISTRATOR", &c), "BAD_USER_INPUT", json!("right")),
        (
            json!({"account": account, "right": "MEMBER", "on": c, "endsAt": "2020-01-01T00:00:00Z"}),
            "BAD_USER_INPUT",
            json!("endsAt"),
        ),
        (json!({"account": "x", "right": "MEMBER", "on": c}), "BAD_USER_INPUT", Value::Null),
        (give("MEMBER", &account), "BAD_USER_INPUT", Value::Null),
    ] {
        assert_eq!(coordinator.refused(&hub, "grantGive", input.clone()).await, (code.to_owned(), field), "{input}");
    }
    // What others hold there stands in the community's list, and not among one's own.
    let lists =
        "{ viewer { account { grants { nodes { right } } } } community(slug: \"c\") { grants { nodes { right } } } }";
    let listed = coordinator.data(&hub, lists).await;
    assert_eq!(listed["viewer"]["account"]["grants"]["nodes"], json!([{"right": "COORDINATOR"}]));
    assert_eq!(listed["community"]["grants"]["nodes"], json!([{"right": "COORDINATOR"}, {"right": "REVIEWER"}]));
    // Whoever runs it sees and ends what others hold there; whoever does not, does not even learn that there is a right.
    let listed = somebody.data(&hub, "{ viewer { account { grants { nodes { id } } } } }").await;
    let id = listed["viewer"]["account"]["grants"]["nodes"][0]["id"].clone();
    let other = Caller::new(&hub, "other", None, &[(Right::Coordinator, on("d"))]).await;
    assert_eq!(other.refused(&hub, "grantEnd", json!({"grant": id})).await.0, "NOT_FOUND");
    assert_eq!(somebody.refused(&hub, "grantEnd", json!({"grant": id})).await.0, "FORBIDDEN");
    let ended = coordinator.done(&hub, "grantEnd", json!({"grant": id}), "grant { holds endsAt }").await;
    assert_eq!(ended["grant"]["holds"], false);
    assert!(ended["grant"]["endsAt"].is_string());
    assert_eq!(coordinator.refused(&hub, "grantEnd", json!({"grant": id})).await.0, "CONFLICT");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_hidden_and_what_is_not_there_are_refused_alike() {
    let hub = TestHub::with_lines(&two_communities()).await;
    let coordinator = Caller::new(&hub, "co", None, &[(Right::Coordinator, on("c"))]).await;
    let admin = Caller::new(&hub, "admin", None, &[(Right::Administrator, None)]).await;
    let account = coordinator.data(&hub, "{ viewer { accountId } }").await["viewer"]["accountId"].clone();
    let hidden = admin.data(&hub, "{ community(slug: \"secret\") { id } organization(slug: \"hidden\") { id } }").await;
    let absent = |letter: u8| {
        use base64::Engine;
        let bytes = [vec![letter], vec![7; 16]].concat();
        json!(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
    };
    for (hidden, absent, right) in [
        (&hidden["community"]["id"], absent(b'c'), "MEMBER"),
        (&hidden["organization"]["id"], absent(b'o'), "ADMINISTRATOR"),
    ] {
        assert!(hidden.is_string());
        let mut answers = Vec::new();
        for place in [hidden, &absent] {
            let statements = hub.db.statements();
            let input = json!({"account": account, "right": right, "on": place});
            let payload = coordinator.payload(&hub, "grantGive", input, "grant { right }").await;
            answers.push((payload, hub.db.statements() - statements));
        }
        assert_eq!(answers[0], answers[1]);
        assert_eq!(answers[0].0["userErrors"][0]["code"], "NOT_FOUND");
    }
    // Whoever runs the hub gives rights there too, and to nobody who is not there.
    let give = json!({"account": account, "right": "MEMBER", "on": hidden["community"]["id"]});
    admin.done(&hub, "grantGive", give, "grant { community { key } }").await;
    let give = json!({"account": absent(b'A'), "right": "MEMBER", "on": hidden["community"]["id"]});
    assert_eq!(admin.refused(&hub, "grantGive", give).await, ("NOT_FOUND".to_owned(), json!("account")));
    let give = json!({"account": account, "right": "MEMBER", "on": absent(b'c')});
    assert_eq!(admin.refused(&hub, "grantGive", give).await, ("NOT_FOUND".to_owned(), json!("on")));
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_begin_and_end_by_the_clock_and_are_given_on_for_no_longer_than_ones_own() {
    let hub = TestHub::with_lines(&two_communities()).await;
    // The database counts microseconds.
    let soon = (http::now() + TimeDelta::seconds(6)).trunc_subsecs(3);
    let coordinator = Caller::new(&hub, "co", None, &[]).await;
    callers::give(&hub.db, coordinator.account, (Right::Coordinator, on("c")), Some(soon)).await;
    let c = global_id(&hub, "community", "c").await;
    let somebody = Caller::new(&hub, "somebody", None, &[]).await;
    let account = somebody.data(&hub, "{ viewer { accountId } }").await["viewer"]["accountId"].clone();
    let until = |ends_at: Value| json!({"account": account, "right": "MEMBER", "on": c, "endsAt": ends_at});
    let longer = json!((soon + TimeDelta::days(1)).to_rfc3339());
    for ends_at in [Value::Null, longer] {
        let refused = coordinator.refused(&hub, "grantGive", until(ends_at)).await;
        assert_eq!(refused, ("BAD_USER_INPUT".to_owned(), json!("endsAt")));
    }
    // Whoever runs the hub for a while gives no right that outlasts it either.
    let admin = Caller::new(&hub, "admin", None, &[]).await;
    callers::give(&hub.db, admin.account, (Right::Administrator, None), Some(soon)).await;
    let for_ever = json!({"account": account, "right": "ADMINISTRATOR"});
    let refused = admin.refused(&hub, "grantGive", for_ever).await;
    assert_eq!(refused, ("BAD_USER_INPUT".to_owned(), json!("endsAt")));
    assert_eq!(names(&coordinator.data(&hub, PEOPLE).await), ["ann", "ben", "eve"]);
    // What is to come shows nothing yet.
    let begins = http::now() + TimeDelta::seconds(3);
    let to_come = json!({"account": account, "right": "MEMBER", "on": c, "startsAt": begins.to_rfc3339(),
        "endsAt": soon.to_rfc3339()});
    let given = coordinator.done(&hub, "grantGive", to_come, "grant { holds }").await;
    assert_eq!(given["grant"]["holds"], false);
    assert_eq!(names(&somebody.data(&hub, PEOPLE).await), ["eve"]);
    let kept = Retention { age: TimeDelta::days(90), count: 1_000_000 };
    let clock = tokio::spawn(clock::run(hub.db.clone(), kept));
    callers::until(async || names(&somebody.data(&hub, PEOPLE).await) == ["ann", "eve"]).await;
    callers::until(async || names(&somebody.data(&hub, PEOPLE).await) == ["eve"]).await;
    callers::until(async || names(&coordinator.data(&hub, PEOPLE).await) == ["eve"]).await;
    clock.abort();
    assert_eq!(coordinator.refused(&hub, "grantGive", until(Value::Null)).await.0, "FORBIDDEN");
}

/// One short text for each change that a socket is told, as many as there are.
async fn told(socket: &mut crate::socket::Socket, count: usize) -> Vec<String> {
    let mut heard = Vec::new();
    for _ in 0..count {
        let delivery = socket.next().await["data"]["changes"].clone();
        let change = &delivery["change"];
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let fields: Vec<String> = change["fields"].as_array().unwrap().iter().map(text).collect();
        heard.push(format!(
            "{} {} {} {}",
            text(&change["action"]),
            text(&change["kind"]),
            text(&change["node"]["name"]),
            fields.join(",")
        ));
    }
    heard.sort();
    heard
}

const FOLLOW: &str = "subscription($after: String) { changes(after: $after, filter: {kinds: [PERSON]}) { cursor change { action kind fields nodeId node { ... on Person { name region } } } } }";

#[tokio::test(flavor = "multi_thread")]
async fn when_a_right_ends_what_it_showed_is_told_as_removed_and_the_very_next_change_is_withheld() {
    let hub = TestHub::with_lines(&two_communities()).await;
    let caller = Caller::new(&hub, "member", None, &[]).await;
    let start = hub.data("{ changeCursor }").await["changeCursor"].clone();
    let right = callers::give(&hub.db, caller.account, (Right::Member, on("c")), None).await;
    // From before the right: what it showed is told first, as released.
    let mut follower = caller.following(&hub, FOLLOW, json!({"after": start})).await;
    assert_eq!(told(&mut follower, 2).await, ["RELEASED PERSON ann audience", "UPDATED PERSON eve region"]);
    // A field that the members do not see is not told of.
    let edited = person("ann", json!({"honorific": "Dr", "consents": [consent("NAME", "MEMBERS")]}));
    lines::read(&hub.db, &[edited]).await;
    lines::read(&hub.db, &[person("ann", json!({"name": "Ann", "consents": [consent("NAME", "MEMBERS")]}))]).await;
    let change = follower.next().await["data"]["changes"]["change"].clone();
    assert_eq!((&change["action"], &change["node"]["name"]), (&json!("UPDATED"), &json!("Ann")));
    let before_the_end = hub.data("{ changeCursor }").await["changeCursor"].clone();
    callers::end(&hub.db, right).await;
    lines::read(&hub.db, &[person("ann", json!({"name": "Anna", "consents": [consent("NAME", "MEMBERS")]}))]).await;
    lines::read(&hub.db, &[person("zoe", json!({"consents": [consent("NAME", "PUBLIC")]}))]).await;
    let heard = told(&mut follower, 3).await;
    assert_eq!(heard[1..], ["REMOVED PERSON - audience", "UPDATED PERSON eve region"]);
    assert!(heard[0].starts_with("CREATED PERSON zoe "), "{heard:?}");
    // Whoever comes back from before the end is told the same.
    let mut again = caller.following(&hub, FOLLOW, json!({"after": before_the_end})).await;
    let again = told(&mut again, 3).await;
    assert_eq!(again, heard);
    // And so is whoever asks from time to time.
    let list = "query($after: String) { changes(after: $after, first: 1, filter: {kinds: [PERSON]}) { pageInfo { endCursor hasNextPage } nodes { action } } }";
    let (mut after, mut actions) = (before_the_end, Vec::new());
    loop {
        let page = caller.ask(&hub, list, json!({"after": after})).await["data"]["changes"].clone();
        actions
            .extend(page["nodes"].as_array().unwrap().iter().map(|node| node["action"].as_str().unwrap().to_owned()));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    actions.sort();
    assert_eq!(actions, ["CREATED", "REMOVED", "UPDATED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_whose_session_or_token_ends_is_told_nothing_more() {
    let hub = TestHub::with_lines(&two_communities()).await;
    let caller = Caller::new(&hub, "member", None, &[(Right::Member, on("c"))]).await;
    let mut follower = caller.following(&hub, FOLLOW, json!({})).await;
    let id = caller.data(&hub, "{ viewer { tokenId } }").await["viewer"]["tokenId"].clone();
    caller.done(&hub, "tokenRevoke", json!({"token": id}), "token { id }").await;
    let crate::socket::Heard::Said(said) = follower.hear().await else { panic!("the subscription is told of its end") };
    assert_eq!(
        (&said["type"], &said["payload"][0]["extensions"]["code"]),
        (&json!("error"), &json!("UNAUTHENTICATED"))
    );
    // The socket itself asks nothing more by it either.
    follower.subscribe("q", PEOPLE, json!({})).await;
    let crate::socket::Heard::Said(said) = follower.hear().await else { panic!() };
    assert_eq!(said["payload"][0]["extensions"]["code"], "UNAUTHENTICATED");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_members_with_different_rights_never_get_the_same_message() {
    let hub = TestHub::with_lines(&two_communities()).await;
    let of_c = Caller::new(&hub, "c", None, &[(Right::Member, on("c"))]).await;
    let of_d = Caller::new(&hub, "d", None, &[(Right::Member, on("d"))]).await;
    let mut one = of_c.following(&hub, FOLLOW, json!({})).await;
    let mut other = of_d.following(&hub, FOLLOW, json!({})).await;
    let renamed = |key: &str, name: &str| person(key, json!({"name": name, "consents": [consent("NAME", "MEMBERS")]}));
    lines::read(&hub.db, &[renamed("ann", "Ann"), renamed("dan", "Dan")]).await;
    let eve = json!({"name": "Eve", "region": "CA-QC", "consents": [consent("NAME", "PUBLIC"), consent("REGION", "MEMBERS")]});
    lines::read(&hub.db, &[person("eve", eve)]).await;
    for (socket, own, region) in [(&mut one, "Ann", json!("CA-QC")), (&mut other, "Dan", Value::Null)] {
        for expected in [json!({"name": own, "region": null}), json!({"name": "Eve", "region": region})] {
            assert_eq!(socket.next().await["data"]["changes"]["change"]["node"], expected);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_becomes_somebodys_by_invitation_or_approval_and_no_other_way() {
    let hub = TestHub::with_lines(&two_communities()).await;
    let admin = Caller::new(&hub, "admin", None, &[(Right::Administrator, None)]).await;
    let new = Caller::new(&hub, "ann@example.org", None, &[]).await;
    let people = admin.data(&hub, "{ people { nodes { id name } } }").await;
    let id = |name: &str| {
        people["people"]["nodes"].as_array().unwrap().iter().find(|node| node["name"] == name).unwrap()["id"].clone()
    };
    let account = new.data(&hub, "{ viewer { accountId } }").await["viewer"]["accountId"].clone();
    // Nobody links themselves, nor invites.
    let link = json!({"account": account, "person": id("ann")});
    assert_eq!(new.refused(&hub, "accountLink", link.clone()).await.0, "FORBIDDEN");
    assert_eq!(new.refused(&hub, "invitationCreate", json!({"person": id("ann")})).await.0, "NOT_FOUND");
    new.done(&hub, "accountAsk", json!({"note": "I am Ann, a nurse in Québec."}), "account { id }").await;
    let asking = admin
        .data(&hub, "{ accounts(filter: {asksToBeLinked: true}) { totalCount nodes { id subject linkNote } } }")
        .await;
    assert_eq!(asking["accounts"]["totalCount"], 1);
    assert_eq!(asking["accounts"]["nodes"][0]["id"], account);
    assert_eq!(new.data(&hub, "{ accounts { totalCount } }").await["accounts"]["totalCount"], 1, "one's own alone");
    admin.done(&hub, "accountLink", link, "account { id }").await;
    assert_eq!(names(&new.data(&hub, PEOPLE).await), ["ann", "eve"], "what follows from her membership");
    assert_eq!(new.refused(&hub, "accountAsk", json!({"note": "again"})).await.0, "CONFLICT");
    admin.done(&hub, "accountLink", json!({"account": account, "person": null}), "account { id }").await;
    assert_eq!(names(&new.data(&hub, PEOPLE).await), ["eve"]);
    // By invitation, once.
    let made = admin.done(&hub, "invitationCreate", json!({"person": id("dan")}), "invitation").await;
    let invitation = json!({"invitation": made["invitation"]});
    new.done(&hub, "invitationAccept", invitation.clone(), "account { id }").await;
    assert_eq!(names(&new.data(&hub, PEOPLE).await), ["dan", "eve"]);
    let other = Caller::new(&hub, "other", None, &[]).await;
    for invitation in [invitation, json!({"invitation": "khubi_x"}), json!({"invitation": ""})] {
        assert_eq!(other.refused(&hub, "invitationAccept", invitation).await.0, "NOT_FOUND");
    }
}
