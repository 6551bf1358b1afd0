//! Mutations refuse what is not yours as what is not there: for everybody, and for every id that an input takes.

use knowledge_hub::policy::{NodeKind, Right};
use serde_json::{Value, json};

use crate::callers::Caller;
use crate::matrix::{Contract, answer, everybody, world};
use crate::support::TestHub;

/// The input of a mutation with an id in it.
type Input = Box<dyn Fn(&Value) -> Value>;

#[tokio::test(flavor = "multi_thread")]
async fn every_mutation_refuses_what_is_not_yours_as_what_is_not_there() {
    let db = world().await;
    let everybody = everybody(&db).await;
    let hub = TestHub::over(db).await;
    let contract = Contract::of(&hub).await;
    let other =
        Caller::new(&hub, "other", None, &[(Right::Reviewer, Some((NodeKind::Community, "hidden-community-nobody")))])
            .await;
    let admin = Caller::new(&hub, "root", None, &[(Right::Administrator, None)]).await;
    for (_, token) in &everybody {
        // So that the day of its use is noted.
        answer(&hub, token.as_deref(), "{ viewer { accountId } }", &json!({})).await;
    }
    let own = other
        .data(&hub, "{ viewer { accountId account { tokens { nodes { id } } grants { nodes { id } } } } }")
        .await["viewer"]
        .clone();
    let there = admin.data(&hub, "{ community(slug: \"hidden-community-nobody\") { id roles { nodes { id } } links { nodes { id } } memberships { nodes { id } } sites { nodes { id } } } organization(slug: \"hidden-organization-nobody\") { id } person(slug: \"hidden-person-self\") { id } project(slug: \"hidden-project-nobody\") { id } item(slug: \"hidden-item-nobody\") { id } topic(slug: \"hidden-topic-nobody\") { id } public: person(slug: \"pub\") { id } c: community(slug: \"c\") { id applications { nodes { id } } } }").await;
    let (role, link) = (&there["community"]["roles"]["nodes"][0]["id"], &there["community"]["links"]["nodes"][0]["id"]);
    let (project, item, topic) = (&there["project"]["id"], &there["item"]["id"], &there["topic"]["id"]);
    let (organization, belongs) = (&there["organization"]["id"], &there["community"]["memberships"]["nodes"][0]["id"]);
    let (public, c) = (there["public"]["id"].clone(), there["c"]["id"].clone());
    let words = json!([{"language": "en", "text": "A word"}]);
    let absent = |id: &Value| {
        use base64::Engine;
        let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let mut bytes = engine.decode(id.as_str().unwrap()).unwrap();
        bytes[1..].fill(7);
        json!(engine.encode(bytes))
    };
    for field in contract.fields("Mutation") {
        let mutation = field["name"].as_str().unwrap();
        let (person, community) = (&there["person"]["id"], &there["community"]["id"]);
        // The ids that the mutation takes, and the input with one of them.
        let inputs: Vec<(&Value, Input)> = match mutation {
            "consentGive" | "consentWithdraw" | "tokenCreate" | "accountAsk" | "invitationAccept" => Vec::new(),
            "personExport" => vec![(person, Box::new(|id| json!({"person": id})))],
            "personErase" => vec![(person, Box::new(|id| json!({"person": id, "isMeant": true})))],
            "invitationCreate" => vec![(person, Box::new(|id| json!({"person": id})))],
            "contactSend" => vec![(community, Box::new(|id| json!({"community": id, "body": "A word."})))],
            "accountLink" => vec![(&own["accountId"], Box::new(|id| json!({"account": id, "person": null})))],
            "grantEnd" => vec![(&own["account"]["grants"]["nodes"][0]["id"], Box::new(|id| json!({"grant": id})))],
            "tokenRevoke" => vec![(&own["account"]["tokens"]["nodes"][0]["id"], Box::new(|id| json!({"token": id})))],
            // A session that is not yours is none of those that end.
            "sessionEnd" => Vec::new(),
            "grantGive" => {
                let account = own["accountId"].clone();
                let give = move |id: &Value| json!({"account": account, "right": "REPRESENTATIVE", "on": id});
                vec![(community, Box::new(give.clone())), (&there["organization"]["id"], Box::new(give))]
            }
            "nodeVerify" => [person, community, organization, project, item, topic, role, link, belongs]
                .map(|id| -> (&Value, Input) { (id, Box::new(|id| json!({"node": id}))) })
                .into(),
            "textTranslate" => [community, organization, item]
                .map(|id| -> (&Value, Input) {
                    (id, Box::new(|id| json!({"node": id, "field": "name", "language": "fr", "text": "Un mot"})))
                })
                .into(),
            "communityCreate" => vec![
                (organization, Box::new(|id| json!({"originalLanguage": "en", "fields": {"managedBy": id}}))),
                (topic, Box::new(|id| json!({"originalLanguage": "en", "fields": {"topics": [id]}}))),
            ],
            "communityEdit" => vec![(community, Box::new(|id| json!({"community": id, "fields": {}})))],
            "organizationCreate" => {
                vec![(organization, Box::new(|id| json!({"originalLanguage": "en", "fields": {"parent": id}})))]
            }
            "organizationEdit" => vec![(organization, Box::new(|id| json!({"organization": id, "fields": {}})))],
            "projectCreate" => {
                let fields = |fields: Value| json!({"originalLanguage": "en", "fields": fields});
                vec![
                    (organization, Box::new(move |id| fields(json!({"lead": id})))),
                    (community, Box::new(move |id| fields(json!({"communities": [id]})))),
                    (person, Box::new(move |id| fields(json!({"people": [{"person": id, "role": "TRAINEE"}]})))),
                ]
            }
            "projectEdit" => vec![(project, Box::new(|id| json!({"project": id, "fields": {}})))],
            "roleCreate" => {
                let (public, c) = (public.clone(), c.clone());
                let (title, again) = (words.clone(), words.clone());
                let create = |person: &Value, of: &Value, title: &Value| json!({"person": person, "of": of, "kind": "LEADER", "originalLanguage": "en", "fields": {}, "sources": [{"title": title}]});
                vec![
                    (community, Box::new(move |id| create(&public, id, &title))),
                    (person, Box::new(move |id| create(id, &c, &again))),
                ]
            }
            "roleEdit" => vec![(role, Box::new(|id| json!({"role": id, "fields": {}})))],
            "roleRetire" => vec![(role, Box::new(|id| json!({"role": id})))],
            "linkCreate" => {
                let c = c.clone();
                let create = move |id: &Value| json!({"kind": "DERIVES_FROM", "from": c, "to": id, "originalLanguage": "en", "fields": {}});
                vec![(community, Box::new(create))]
            }
            "linkEdit" => vec![(link, Box::new(|id| json!({"link": id, "fields": {}})))],
            "linkRetire" => vec![(link, Box::new(|id| json!({"link": id})))],
            "itemCreate" => {
                let title = words.clone();
                let create = move |id: &Value| json!({"originalLanguage": "en", "fields": {"title": title, "communities": [id]}});
                vec![(community, Box::new(create))]
            }
            "itemEdit" => vec![(item, Box::new(|id| json!({"item": id, "fields": {}})))],
            "itemPublish" | "itemRetire" => vec![(item, Box::new(|id| json!({"item": id})))],
            "membershipApply" => vec![(community, Box::new(|id| json!({"community": id})))],
            "membershipInvite" => {
                let (public, c) = (public.clone(), c.clone());
                vec![
                    (community, Box::new(move |id| json!({"community": id, "person": public}))),
                    (person, Box::new(move |id| json!({"community": c, "person": id}))),
                ]
            }
            "membershipDecide" => {
                vec![(belongs, Box::new(|id| json!({"membership": id, "decision": "ACCEPT"})))]
            }
            "membershipWithdraw" | "membershipLeave" | "membershipEnd" => {
                vec![(belongs, Box::new(|id| json!({"membership": id})))]
            }
            "membershipEndorse" => {
                let application = &there["c"]["applications"]["nodes"][0]["id"];
                vec![(application, Box::new(|id| json!({"application": id})))]
            }
            "siteRegister" => {
                let register = |id: &Value| json!({"on": id, "name": "A site", "origins": ["https://www.example.org"]});
                vec![(community, Box::new(register)), (organization, Box::new(register))]
            }
            "siteEdit" | "siteRemove" => {
                vec![(&there["community"]["sites"]["nodes"][0]["id"], Box::new(|id| json!({"site": id})))]
            }
            _ => panic!("{mutation} is new: say which ids it takes"),
        };
        for (id, input) in inputs {
            assert!(id.is_string(), "{mutation}");
            for (name, token) in &everybody {
                let mut answers = Vec::new();
                for id in [id, &absent(id)] {
                    let mut type_name = mutation.to_owned();
                    type_name[..1].make_ascii_uppercase();
                    let document = format!(
                        "mutation M($input: {type_name}Input!) {{ {mutation}(input: $input) {{ userErrors {{ code field message }} }} }}"
                    );
                    answers.push(answer(&hub, token.as_deref(), &document, &json!({"input": input(id)})).await);
                }
                assert_eq!(answers[0], answers[1], "{mutation} by {name}");
                assert!(
                    !answers[0].0.contains("\"errors\":") && answers[0].0.contains("\"code\":"),
                    "{mutation} by {name}: {}",
                    answers[0].0
                );
            }
        }
    }
}
