//! Joining: by whom, under which rules, by whose decision, and who is told what.

use knowledge_hub::policy::{NodeKind, Right};
use serde_json::{Value, json};

use crate::callers::Caller;
use crate::lines::{self, community, organization, person};
use crate::support::TestHub;

const HERE: Option<(NodeKind, &str)> = Some((NodeKind::Community, "c"));

const WANTED: &str = "membership { id version status tier applications { nodes { id status } } }";

struct Place {
    hub: TestHub,
    coordinator: Caller,
    community: Value,
}

/// A community with these fields, people of two regions and professions, and its coordinator.
async fn place(fields: Value) -> Place {
    let someone =
        |key: &str, profession: &str, region: &str| person(key, json!({"profession": profession, "region": region}));
    let hub = TestHub::with_lines(&[
        organization("o", json!({})),
        organization("hidden", json!({"audience": []})),
        community("c", fields),
        community("d", json!({"joinPolicy": "OPEN"})),
        someone("ann", "NURSE", "CA-ON"),
        someone("ben", "NURSE", "CA-ON"),
        someone("eve", "PHYSICIAN", "CA-QC"),
        person("nil", json!({})),
    ])
    .await;
    let coordinator = Caller::new(&hub, "coordinator", None, &[(Right::Coordinator, HERE)]).await;
    let community = hub.data("{ community(slug: \"c\") { id } }").await["community"]["id"].clone();
    Place { hub, coordinator, community }
}

impl Place {
    async fn somebody(&self, key: &str) -> Caller {
        Caller::new(&self.hub, key, Some(key), &[]).await
    }

    fn to_join(&self, more: Value) -> Value {
        lines::with(json!({ "community": self.community }), more)
    }

    async fn join(&self, who: &Caller, more: Value) -> Value {
        who.done(&self.hub, "membershipApply", self.to_join(more), WANTED).await["membership"].clone()
    }

    async fn refused(&self, who: &Caller, more: Value) -> (String, Value) {
        who.refused(&self.hub, "membershipApply", self.to_join(more)).await
    }

    async fn decide(&self, membership: &Value, more: Value) -> Value {
        let input = lines::with(json!({ "membership": membership["id"] }), more);
        self.coordinator.done(&self.hub, "membershipDecide", input, WANTED).await["membership"].clone()
    }

    async fn active_count(&self) -> Value {
        // 1 to 4 are withheld: asked for anew each time, by the list of those who run it.
        let query = "{ community(slug: \"c\") { memberships(filter: { statuses: [ACTIVE] }) { totalCount } } }";
        self.coordinator.data(&self.hub, query).await["community"]["memberships"]["totalCount"].clone()
    }
}

fn refusal(code: &str, field: &str) -> (String, Value) {
    (code.to_owned(), if field.is_empty() { Value::Null } else { json!(field) })
}

#[tokio::test(flavor = "multi_thread")]
async fn where_joining_is_open_whoever_applies_is_a_member_at_once_and_can_leave_and_come_back() {
    let place = place(json!({"joinPolicy": "OPEN"})).await;
    let ann = place.somebody("ann").await;
    let joined = place.join(&ann, json!({})).await;
    assert_eq!((&joined["status"], &joined["tier"]), (&json!("ACTIVE"), &json!("OPEN")));
    assert_eq!(joined["applications"]["nodes"][0]["status"], "ACCEPTED");
    assert_eq!(place.active_count().await, 1);
    assert_eq!(place.refused(&ann, json!({})).await, refusal("CONFLICT", ""));
    let rights = "{ viewer { account { grants(holds: true) { nodes { right } } } } }";
    let held = ann.data(&place.hub, rights).await["viewer"]["account"]["grants"]["nodes"].clone();
    assert_eq!(held, json!([{"right": "MEMBER"}]));
    let id = json!({ "membership": joined["id"] });
    ann.done(&place.hub, "membershipLeave", id.clone(), WANTED).await;
    assert_eq!(place.active_count().await, 0);
    assert_eq!(ann.data(&place.hub, rights).await["viewer"]["account"]["grants"]["nodes"], json!([]));
    assert_eq!(ann.refused(&place.hub, "membershipLeave", id).await, refusal("CONFLICT", ""));
    let again = place.join(&ann, json!({})).await;
    assert_eq!((&again["id"], &again["status"]), (&joined["id"], &json!("ACTIVE")));
    assert_eq!(again["applications"]["nodes"].as_array().unwrap().len(), 2, "each time is kept");
    // The coordinators know who is a member by their own application, and end it.
    let end = json!({"membership": joined["id"], "reason": "as agreed"});
    let ended = place.coordinator.done(&place.hub, "membershipEnd", end, WANTED).await;
    assert_eq!(ended["membership"], Value::Null, "whoever is no member is not seen by the coordinators any more");
    assert_eq!(place.active_count().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_waits_is_refused_with_a_reason_and_sent_again() {
    let place = place(json!({"joinPolicy": "BY_APPLICATION"})).await;
    let (ann, eve) = (place.somebody("ann").await, place.somebody("eve").await);
    let applied = place.join(&ann, json!({})).await;
    assert_eq!(applied["status"], "APPLIED");
    assert_eq!(place.refused(&ann, json!({})).await, refusal("CONFLICT", ""));
    assert_eq!(place.decide(&applied, json!({"decision": "WAIT"})).await["status"], "WAITING");
    let again = json!({"membership": applied["id"], "decision": "WAIT"});
    assert_eq!(place.coordinator.refused(&place.hub, "membershipDecide", again).await, refusal("CONFLICT", ""));
    for (more, field) in [
        (json!({"decision": "REFUSE"}), "reason"),
        (json!({"decision": "REFUSE", "reason": "OTHER"}), "note"),
        (json!({"decision": "ACCEPT", "reason": "FULL"}), "reason"),
        (
            json!({"decision": "REFUSE", "reason": "FULL", "note": [{"language": "en", "text": "x".repeat(2_001)}]}),
            "note",
        ),
    ] {
        let input = lines::with(json!({ "membership": applied["id"] }), more);
        let refused = place.coordinator.refused(&place.hub, "membershipDecide", input).await;
        assert_eq!(refused, refusal("BAD_USER_INPUT", field));
    }
    let note = json!([{"language": "en", "text": "Try again in spring."}]);
    let refused = place.decide(&applied, json!({"decision": "REFUSE", "reason": "FULL", "note": note})).await;
    assert_eq!(refused["status"], "REFUSED");
    let own = "{ community(slug: \"c\") { applications { nodes { status reason reasonText note decidedAt membership { status person { name } } } } } }";
    let told = ann.data(&place.hub, own).await["community"]["applications"]["nodes"][0].clone();
    assert_eq!((&told["reason"], &told["reasonText"]), (&json!("FULL"), &json!("There is no room at the moment.")));
    assert_eq!((&told["note"], &told["membership"]["person"]["name"]), (&json!("Try again in spring."), &json!("ann")));
    let seen = place.coordinator.data(&place.hub, own).await["community"]["applications"]["nodes"][0].clone();
    assert_eq!(seen["membership"], json!({"status": "REFUSED", "person": null}), "known as long as it matters");
    assert_eq!(eve.data(&place.hub, own).await["community"]["applications"]["nodes"], json!([]));
    let readings = "{ viewer { account { person { readings { nodes { fields } } } } } }";
    let noted = ann.data(&place.hub, readings).await.to_string();
    assert!(noted.contains("applications"), "who read it is known: {noted}");
    let again = place.join(&ann, json!({})).await;
    assert_eq!((&again["id"], &again["status"]), (&applied["id"], &json!("APPLIED")));
    // Whoever takes it back is not seen with it any more.
    let withdraw = json!({ "membership": applied["id"] });
    let gone = ann.done(&place.hub, "membershipWithdraw", withdraw.clone(), WANTED).await;
    assert_eq!(gone["membership"]["status"], "WITHDRAWN");
    let left = place.coordinator.data(&place.hub, own).await["community"]["applications"]["nodes"].clone();
    assert_eq!(left.as_array().unwrap().len(), 1, "what was taken back is the person's own affair");
    assert_eq!(ann.refused(&place.hub, "membershipWithdraw", withdraw.clone()).await, refusal("CONFLICT", ""));
    assert_eq!(eve.refused(&place.hub, "membershipWithdraw", withdraw).await, refusal("NOT_FOUND", ""));
    let decide = json!({"membership": applied["id"], "decision": "ACCEPT"});
    assert_eq!(place.coordinator.refused(&place.hub, "membershipDecide", decide).await, refusal("NOT_FOUND", ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_community_says_for_whom_it_is() {
    let place = place(json!({"joinPolicy": "BY_APPLICATION", "professions": ["PHYSICIAN"]})).await;
    let (ann, eve, nil) = (place.somebody("ann").await, place.somebody("eve").await, place.somebody("nil").await);
    assert_eq!(place.refused(&ann, json!({})).await, refusal("NOT_ELIGIBLE", "community"));
    assert_eq!(place.refused(&nil, json!({})).await, refusal("NOT_ELIGIBLE", "community"));
    assert_eq!(place.refused(&eve, json!({"tier": "APPOINTED"})).await, refusal("BAD_USER_INPUT", "tier"));
    assert_eq!(place.refused(&eve, json!({"charterVersion": 1})).await, refusal("BAD_USER_INPUT", "charterVersion"));
    assert_eq!(place.join(&eve, json!({})).await["status"], "APPLIED");
    let account = Caller::new(&place.hub, "nobody", None, &[]).await;
    assert_eq!(place.refused(&account, json!({})).await, refusal("FORBIDDEN", ""));
    // By invitation, whatever the profession; of somebody whom the coordinators see.
    let people = place.hub.db.clone();
    lines::read(
        &people,
        &[person("ann", json!({"profession": "NURSE", "region": "CA-ON", "consents": lines::public(&["NAME"])}))],
    )
    .await;
    let ids = ann.data(&place.hub, "{ ann: person(slug: \"ann\") { id } }").await;
    let invite = place.to_join(json!({"person": ids["ann"]["id"]}));
    assert_eq!(eve.refused(&place.hub, "membershipInvite", invite.clone()).await, refusal("FORBIDDEN", ""));
    let invited =
        place.coordinator.done(&place.hub, "membershipInvite", invite.clone(), WANTED).await["membership"].clone();
    assert_eq!(invited["status"], "INVITED");
    assert_eq!(
        place.coordinator.refused(&place.hub, "membershipInvite", invite.clone()).await,
        refusal("CONFLICT", "")
    );
    // Whoever declined may be invited again.
    ann.done(&place.hub, "membershipWithdraw", json!({"membership": invited["id"]}), WANTED).await;
    place.coordinator.done(&place.hub, "membershipInvite", invite.clone(), WANTED).await;
    assert_eq!(place.join(&ann, json!({})).await["status"], "ACTIVE");
    let hidden = nil.data(&place.hub, "{ viewer { account { person { id } } } }").await["viewer"]["account"]["person"]
        ["id"]
        .clone();
    let invite = place.to_join(json!({ "person": hidden }));
    assert_eq!(place.coordinator.refused(&place.hub, "membershipInvite", invite).await, refusal("NOT_FOUND", "person"));
}

#[tokio::test(flavor = "multi_thread")]
async fn tiers_are_appointed_or_endorsed_and_a_region_has_so_many() {
    let tiers = json!([{"tier": "OPEN"}, {"tier": "APPOINTED", "maxPerRegion": 1}, {"tier": "ENDORSED"}]);
    let place = place(json!({"joinPolicy": "OPEN", "tiers": tiers})).await;
    let (ann, ben, eve) = (place.somebody("ann").await, place.somebody("ben").await, place.somebody("eve").await);
    let administrator =
        Caller::new(&place.hub, "o", None, &[(Right::Administrator, Some((NodeKind::Organization, "o")))]).await;
    let ids = administrator.data(&place.hub, "{ organization(slug: \"o\") { id } }").await;
    // Endorsed: asked of an organization, which sees who asks and no other application.
    assert_eq!(place.refused(&eve, json!({"tier": "ENDORSED"})).await, refusal("BAD_USER_INPUT", "endorser"));
    let applied = place.join(&eve, json!({"tier": "ENDORSED", "endorser": ids["organization"]["id"]})).await;
    assert_eq!(applied["status"], "APPLIED", "even where joining is open");
    let accept = json!({"membership": applied["id"], "decision": "ACCEPT"});
    assert_eq!(
        place.coordinator.refused(&place.hub, "membershipDecide", accept).await,
        refusal("NOT_ELIGIBLE", "tier")
    );
    let queue = "{ organization(slug: \"o\") { endorsements { totalCount nodes { id tier endorser { key } person { name profession } } } } }";
    assert_eq!(place.coordinator.data(&place.hub, queue).await["organization"]["endorsements"]["totalCount"], 1);
    assert_eq!(ann.data(&place.hub, queue).await["organization"]["endorsements"]["totalCount"], 0);
    let asked = administrator.data(&place.hub, queue).await["organization"]["endorsements"]["nodes"][0].clone();
    assert_eq!(asked["endorser"]["key"], "o");
    assert_eq!(asked["person"], json!({"name": "eve", "profession": "PHYSICIAN"}), "until it is decided");
    let endorse = json!({ "application": asked["id"] });
    assert_eq!(
        place.coordinator.refused(&place.hub, "membershipEndorse", endorse.clone()).await,
        refusal("FORBIDDEN", "")
    );
    assert_eq!(ann.refused(&place.hub, "membershipEndorse", endorse.clone()).await, refusal("NOT_FOUND", ""));
    let endorsed =
        administrator.done(&place.hub, "membershipEndorse", endorse.clone(), "application { endorsedAt }").await;
    assert!(endorsed["application"]["endorsedAt"].is_string());
    let active = place.decide(&applied, json!({"decision": "ACCEPT"})).await;
    assert_eq!((&active["status"], &active["tier"]), (&json!("ACTIVE"), &json!("ENDORSED")));
    let decided = administrator.data(&place.hub, queue).await["organization"]["endorsements"]["nodes"][0].clone();
    assert_eq!(decided["person"], Value::Null);
    assert_eq!(administrator.refused(&place.hub, "membershipEndorse", endorse).await, refusal("CONFLICT", ""));
    // Appointed: by the coordinators alone, one from each region.
    assert_eq!(place.refused(&ann, json!({"tier": "APPOINTED"})).await, refusal("NOT_ELIGIBLE", "tier"));
    lines::read(
        &place.hub.db,
        &["ann", "ben"].map(|key| {
            person(key, json!({"profession": "NURSE", "region": "CA-ON", "consents": lines::public(&["NAME"])}))
        }),
    )
    .await;
    let people = place.hub.data("{ ann: person(slug: \"ann\") { id } ben: person(slug: \"ben\") { id } }").await;
    for key in ["ann", "ben"] {
        let invite = place.to_join(json!({"person": people[key]["id"], "tier": "APPOINTED"}));
        place.coordinator.done(&place.hub, "membershipInvite", invite, WANTED).await;
    }
    assert_eq!(place.join(&ann, json!({})).await["tier"], "APPOINTED");
    assert_eq!(place.refused(&ben, json!({})).await, refusal("NOT_ELIGIBLE", ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charter_has_versions_and_the_one_in_force_is_accepted() {
    let place = place(json!({"joinPolicy": "OPEN"})).await;
    let ann = place.somebody("ann").await;
    let edit = |text: Value| json!({"community": place.community, "fields": {"charter": text}});
    let words = |language: &str, text: &str| json!([{"language": language, "text": text}]);
    let charter = "community { charter { version text } }";
    for (text, version) in
        [(words("en", "Be kind."), 1), (words("fr", "Soyez aimables."), 1), (words("en", "Be kind and brief."), 2)]
    {
        let edited = place.coordinator.done(&place.hub, "communityEdit", edit(text), charter).await;
        assert_eq!(edited["community"]["charter"]["version"], version);
    }
    // A new version has no translation that anybody made of it.
    let french = place
        .hub
        .ask_in(
            "fr",
            "{ community(slug: \"c\") { charter { text } translations(language: \"fr\") { field } } }",
            json!({}),
        )
        .await;
    assert_eq!(french["data"]["community"]["charter"]["text"], "Be kind and brief.");
    assert_eq!(french["data"]["community"]["translations"], json!([{"field": "charters/1/text"}]));
    let only_french = place
        .coordinator
        .refused(
            &place.hub,
            "communityEdit",
            edit(json!([{"language": "en", "text": null}, {"language": "fr", "text": "Rien"}])),
        )
        .await;
    assert_eq!(only_french, refusal("BAD_USER_INPUT", "charter"));
    for version in [json!(1), Value::Null] {
        let refused = place.refused(&ann, json!({ "charterVersion": version })).await;
        assert_eq!(refused, refusal("BAD_USER_INPUT", "charterVersion"));
    }
    place.join(&ann, json!({"charterVersion": 2})).await;
    let kept = ann.data(&place.hub, "{ community(slug: \"c\") { applications { nodes { charterVersion } } } }").await;
    assert_eq!(kept["community"]["applications"]["nodes"], json!([{"charterVersion": 2}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_file_says_of_a_membership_settles_its_application_and_a_retired_person_is_nobodys() {
    let place = place(json!({"joinPolicy": "BY_APPLICATION"})).await;
    let (ann, ben) = (place.somebody("ann").await, place.somebody("ben").await);
    let line = |status: &str| lines::membership("m", "ann", "c", json!({ "status": status }));
    lines::read(&place.hub.db, &[line("ENDED")]).await;
    place.join(&ann, json!({})).await;
    lines::read(&place.hub.db, &[line("ACTIVE")]).await;
    let own = "{ community(slug: \"c\") { applications { nodes { status } } } }";
    let told = ann.data(&place.hub, own).await["community"]["applications"]["nodes"].clone();
    assert_eq!(told, json!([{"status": "ACCEPTED"}]));
    lines::read(&place.hub.db, &[line("REFUSED")]).await;
    assert_eq!(place.join(&ann, json!({})).await["status"], "APPLIED", "nothing stands in the way");
    // Two ways to the same community: the file names the other.
    place.join(&ben, json!({})).await;
    let (_, _, message) = lines::problem(&place.hub.db, &[lines::membership("n", "ben", "c", json!({}))]).await;
    assert_eq!(message, "membership-twice");
    lines::read(&place.hub.db, &[json!({"retire": "person:ben"})]).await;
    let queue = "{ community(slug: \"c\") { applications { nodes { membership { person { name } } } } } }";
    let waiting = place.coordinator.data(&place.hub, queue).await["community"]["applications"]["nodes"].clone();
    let names: Vec<&Value> = waiting.as_array().unwrap().iter().map(|it| &it["membership"]["person"]["name"]).collect();
    assert!(names.iter().all(|name| **name == "ann"), "{waiting}");
}
