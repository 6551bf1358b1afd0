//! What is not yours and what is not there answer alike: for everybody, and by every way that the contract has.
//!
//! A hub with hidden things of every kind is compared with a copy in which, for each viewer, whatever they may not see was
//! deleted: the same bytes, and as many statements. The documents are made from the contract; a field that they do not reach,
//! or an argument that nobody gave a value for, fails the test: whoever adds one places it here.

use std::collections::{BTreeMap, BTreeSet};

use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use futures_util::FutureExt;
use knowledge_hub::changes::cursor::Cursor;
use knowledge_hub::db::Db;
use knowledge_hub::db::listing::{Listed, visible_to};
use knowledge_hub::db::log;
use knowledge_hub::db::statement::Sql;
use knowledge_hub::db::write;
use knowledge_hub::domain::permission;
use knowledge_hub::domain::person::audiences;
use knowledge_hub::domain::site::store::Sites;
use knowledge_hub::graph::id;
use knowledge_hub::policy::token_scope::TokenScope;
use knowledge_hub::policy::{NodeKind, Right, Viewer};
use serde_json::{Value, json};
use strum::VariantArray;
use uuid::Uuid;

use crate::callers;
use crate::lines::{self, community, consent, item, membership, organization, person, project, role, topic};
use crate::socket::Socket;
use crate::support::{self, TestHub};

/// The tables of nodes that lines can be hidden in, with the kind of line.
const HIDEABLE: [(&str, NodeKind); 5] = [
    ("topics", NodeKind::Topic),
    ("organizations", NodeKind::Organization),
    ("communities", NodeKind::Community),
    ("projects", NodeKind::Project),
    ("items", NodeKind::Item),
];

/// All tables of nodes, those that hang on others last.
const TABLES: [&str; 9] =
    ["items", "projects", "links", "memberships", "roles", "people", "communities", "organizations", "topics"];

/// The shapes of audience that a thing is hidden by, as words of its key.
const SHAPES: [&str; 6] = ["nobody", "member", "coordinator", "reviewer", "admin", "self"];

/// The types of the contract.
pub struct Contract {
    types: BTreeMap<String, Value>,
}

impl Contract {
    /// As the hub tells it.
    pub async fn of(hub: &TestHub) -> Self {
        let query = "{ __schema { types { kind name fields { name args { name defaultValue type { ...t } } type { ...t } } \
            inputFields { name type { ...t } } enumValues { name } } } } \
            fragment t on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";
        let data = hub.data(query).await;
        let types = data["__schema"]["types"].as_array().unwrap().iter();
        Self { types: types.map(|it| (it["name"].as_str().unwrap().to_owned(), it.clone())).collect() }
    }

    /// The fields of a type.
    pub fn fields(&self, name: &str) -> &[Value] {
        self.types[name]["fields"].as_array().map_or(&[], Vec::as_slice)
    }
}

fn named(mut kind: &Value) -> &str {
    while !kind["ofType"].is_null() {
        kind = &kind["ofType"];
    }
    kind["name"].as_str().unwrap()
}

/// The arguments that a field has to have, and what else makes it small; the test fails for one that is not known.
fn arguments(owner: &str, field: &Value) -> String {
    let name = field["name"].as_str().unwrap();
    let mut given = Vec::new();
    for argument in field["args"].as_array().unwrap() {
        let (argument_name, is_required) = (
            argument["name"].as_str().unwrap(),
            argument["type"]["kind"] == "NON_NULL" && argument["defaultValue"].is_null(),
        );
        match argument_name {
            "first" => given.push("first: 2".to_owned()),
            "language" => given.push("language: \"fr\"".to_owned()),
            _ if is_required => panic!("{owner}.{name} needs {argument_name}: say what the matrix is to give"),
            _ => {}
        }
    }
    if given.is_empty() { String::new() } else { format!("({})", given.join(", ")) }
}

/// What is asked of a type: everything, each type once in a document.
fn selection(contract: &Contract, name: &str, seen: &mut BTreeSet<String>, reached: &mut BTreeSet<String>) -> String {
    let kind = contract.types[name]["kind"].as_str().unwrap();
    if kind == "INTERFACE" || kind == "UNION" {
        return "{ __typename id }".to_owned();
    }
    let is_first = seen.insert(name.to_owned());
    let mut parts = vec!["__typename".to_owned()];
    for field in contract.fields(name) {
        let (field_name, of) = (field["name"].as_str().unwrap(), named(&field["type"]));
        // Each dimension is asked for by itself: not every list has each.
        if field_name == "facets" {
            continue;
        }
        let is_leaf = matches!(contract.types[of]["kind"].as_str().unwrap(), "SCALAR" | "ENUM");
        if !is_leaf && !is_first {
            continue;
        }
        reached.insert(format!("{name}.{field_name}"));
        let inner = if is_leaf { String::new() } else { selection(contract, of, seen, reached) };
        parts.push(format!("{field_name}{} {inner}", arguments(name, field)));
    }
    format!("{{ {} }}", parts.join(" "))
}

/// A value for a field of a filter; the test fails for one of a type that is not known.
fn filter_value(contract: &Contract, field: &Value, hidden: &BTreeMap<NodeKind, Vec<String>>) -> String {
    let of = named(&field["type"]);
    let name = field["name"].as_str().unwrap();
    let ids = |kind: NodeKind| {
        format!("[{}]", hidden[&kind].iter().map(|id| format!("\"{id}\"")).collect::<Vec<_>>().join(", "))
    };
    match of {
        "ID" => match name {
            "topics" | "below" => ids(NodeKind::Topic),
            "organizations" | "parents" | "leads" | "partners" | "funders" => ids(NodeKind::Organization),
            "communities" => ids(NodeKind::Community),
            "people" | "authors" => ids(NodeKind::Person),
            "projects" => ids(NodeKind::Project),
            "from" | "to" => ids(NodeKind::Community),
            _ => panic!("the filter {name} takes ids: say of which kind"),
        },
        "String" if name == "textContains" => "\"hidden\"".to_owned(),
        "String" if name == "regions" => "[\"CA-NU\"]".to_owned(),
        "String" if name == "dois" => "[\"10.1000/1\"]".to_owned(),
        "LanguageTag" => "[\"iu\"]".to_owned(),
        "Boolean" => "true".to_owned(),
        "DateRangeInput" | "DateRange" => "{from: \"1990-01-01\"}".to_owned(),
        _ => match contract.types[of]["enumValues"][0]["name"].as_str() {
            Some(word) => format!("[{word}]"),
            None => panic!("the filter {name} is of type {of}: say what the matrix is to give"),
        },
    }
}

/// Everything that is asked, as documents, each under a name.
fn documents(contract: &Contract, hidden: &BTreeMap<NodeKind, Vec<String>>, slugs: &[String]) -> Vec<(String, String)> {
    let mut documents = Vec::new();
    let mut reached = BTreeSet::new();
    let quoted =
        |ids: &[String]| format!("[{}]", ids.iter().map(|id| format!("\"{id}\"")).collect::<Vec<_>>().join(", "));
    let all_hidden: Vec<String> = hidden.values().flatten().cloned().collect();
    for field in contract.fields("Query") {
        let (name, of) = (field["name"].as_str().unwrap(), named(&field["type"]));
        reached.insert(format!("Query.{name}"));
        let whole = selection(contract, of, &mut BTreeSet::new(), &mut reached);
        let argument = |wanted: &str| field["args"].as_array().unwrap().iter().find(|it| it["name"] == wanted);
        match name {
            "node" => {
                for ids in all_hidden.chunks(40) {
                    let one = |(n, id): (usize, &String)| format!("n{n}: node(id: \"{id}\") {{ id }} ");
                    documents.push((
                        name.to_owned(),
                        format!("{{ {} }}", ids.iter().enumerate().map(one).collect::<String>()),
                    ));
                }
            }
            "nodes" => {
                for ids in all_hidden.chunks(100) {
                    documents.push((name.to_owned(), format!("{{ nodes(ids: {}) {{ id }} }}", quoted(ids))));
                }
            }
            "search" => {
                documents.push((name.to_owned(), format!("{{ search(text: \"hidden\", first: 50) {whole} }}")));
            }
            "topicsWithout" => {
                documents.push((name.to_owned(), format!("{{ topicsWithout(language: \"fr\", first: 50) {whole} }}")));
            }
            "changes" => documents.push((name.to_owned(), format!("{{ changes(first: 100) {whole} }}"))),
            "changeCursor" => {}
            "viewer" | "consentWording" => documents.push((name.to_owned(), format!("{{ {name} {whole} }}"))),
            _ if argument("slug").is_some() => {
                let one = |(n, slug): (usize, &String)| format!("s{n}: {name}(slug: \"{slug}\") {{ id }} ");
                documents.push((
                    name.to_owned(),
                    format!("{{ {} }}", slugs.iter().enumerate().map(one).collect::<String>()),
                ));
            }
            _ => {
                assert!(of.ends_with("Connection"), "Query.{name} is new: say how the matrix is to ask it");
                documents.push((name.to_owned(), format!("{{ {name}(first: 20) {whole} }}")));
                let mut ways = Vec::new();
                if let Some(filter) = argument("filter") {
                    for field in contract.types[named(&filter["type"])]["inputFields"].as_array().unwrap() {
                        let value = filter_value(contract, field, hidden);
                        ways.push(format!("filter: {{{}: {value}}}", field["name"].as_str().unwrap()));
                    }
                }
                if let Some(order) = argument("orderBy") {
                    let fields = contract.types[named(&order["type"])]["inputFields"].as_array().unwrap();
                    let order = named(&fields.iter().find(|it| it["name"] == "field").unwrap()["type"]);
                    for word in contract.types[order]["enumValues"].as_array().unwrap() {
                        for direction in ["ASC", "DESC"] {
                            ways.push(format!(
                                "orderBy: {{field: {}, direction: {direction}}}",
                                word["name"].as_str().unwrap()
                            ));
                        }
                    }
                }
                let one = |(n, way): (usize, &String)| {
                    format!(
                        "w{n}: {name}(first: 30, {way}) {{ totalCount edges {{ cursor node {{ id }} }} pageInfo {{ hasNextPage endCursor }} }} "
                    )
                };
                documents.push((
                    format!("{name} by"),
                    format!("{{ {} }}", ways.iter().enumerate().map(one).collect::<String>()),
                ));
            }
        }
        if contract.fields(of).iter().any(|field| field["name"] == "facets") {
            reached.insert(format!("{of}.facets"));
            let call = if name == "search" {
                "search(text: \"hidden\")"
            } else if name == "topicsWithout" {
                "topicsWithout(language: \"fr\")"
            } else {
                name
            };
            let dimensions = contract.types["FacetDimension"]["enumValues"].as_array().unwrap();
            for dimension in dimensions {
                let facet = selection(contract, "Facet", &mut BTreeSet::new(), &mut reached);
                let by = dimension["name"].as_str().unwrap();
                documents.push((format!("{name} {by}"), format!("{{ {call} {{ facets(by: [{by}]) {facet} }} }}")));
            }
        }
    }
    let mut missed = Vec::new();
    for (name, kind) in &contract.types {
        let is_output = kind["kind"] == "OBJECT" && !name.starts_with("__");
        let is_answer = name.ends_with("Payload")
            || matches!(
                name.as_str(),
                "Mutation" | "Subscription" | "UserError" | "ExportedFile" | "ChangeDelivery" | "ItemPublication"
            );
        for field in contract.fields(name).iter().filter(|_| is_output && !is_answer) {
            let field = field["name"].as_str().unwrap();
            let way = format!("{name}.{field}");
            if !reached.contains(&way) && field != "facets" {
                missed.push(way);
            }
        }
    }
    assert!(missed.is_empty(), "no document of the matrix reaches {missed:?}, which are new");
    documents
}

/// Things of every kind, most of them hidden, joined in every way.
pub async fn world() -> Db {
    let mut all = vec![
        organization("o", json!({})),
        topic("t", json!({})),
        community("c", json!({"topics": ["t"]})),
        person(
            "ann",
            json!({"region": "CA-NU", "languages": ["iu"], "expertise": ["t"], "consents": [consent("REGION", "MEMBERS")]}),
        ),
        person(
            "pub",
            json!({"consents": [consent("NAME", "PUBLIC"), consent("EXPERTISE", "MEMBERS"), consent("REGION", "COORDINATORS"), consent("MEMBERSHIPS", "MEMBERS"), consent("AFFILIATIONS", "COORDINATORS"), consent("PROJECTS", "MEMBERS")], "region": "CA-NU", "expertise": ["t"],
            "affiliations": [{"id": "1", "organization": "o", "home": true}]}),
        ),
        membership("m-pub", "pub", "c", json!({})),
        membership("m-ann", "ann", "c", json!({"status": "APPLIED"})),
        item(
            "i",
            json!({"communities": ["c"], "topics": ["t"], "authors": [{"byline": "Ann", "person": "ann"}, {"byline": "Pub", "person": "pub"}]}),
        ),
        project(
            "p",
            json!({"lead": "o", "communities": ["c"], "people": [{"person": "ann", "role": "CO_INVESTIGATOR"}, {"person": "pub", "role": "CO_INVESTIGATOR"}]}),
        ),
    ];
    for shape in SHAPES {
        let key = |kind: &str| format!("hidden-{kind}-{shape}");
        let title = json!({"en": format!("hidden {shape}"), "fr": format!("caché {shape}")});
        all.extend([
            topic(&key("topic"), json!({"name": title, "parents": ["t"]})),
            organization(&key("organization"), json!({"name": title, "parent": "o"})),
            community(&key("community"), json!({"name": title, "topics": ["t", key("topic")]})),
            project(&key("project"), json!({"title": title, "lead": key("organization"), "communities": ["c", key("community")], "people": [{"person": "pub", "role": "CO_INVESTIGATOR"}]})),
            item(&key("item"), json!({"title": title, "communities": ["c", key("community")], "topics": ["t", key("topic")], "project": key("project"), "authors": [{"byline": "hidden", "person": "pub"}]})),
            role(&key("role"), "pub", &format!("community:{}", key("community"))),
            json!({"kind": "link", "key": key("link"), "originalLanguage": "en", "linkKind": "HOSTS", "from": "organization:o", "to": format!("community:{}", key("community"))}),
            membership(&key("membership"), "pub", &key("community"), json!({})),
        ]);
    }
    for audience in ["SELF", "MEMBERS", "COORDINATORS"] {
        let key = format!("hidden-person-{}", audience.to_lowercase());
        let more = json!({"name": format!("hidden {audience}"), "region": "CA-NU", "expertise": ["t"], "consents": [consent("NAME", audience)], "affiliations": [{"id": "1", "organization": "o", "home": true}]});
        all.extend([person(&key, more), membership(&format!("m-{audience}").to_lowercase(), &key, "c", json!({}))]);
    }
    let db = support::database("empty", 4).await;
    support::import(&db, vec![support::file(&all)]).await.unwrap();
    let (c, o, ann) = (
        callers::id_of(&db, NodeKind::Community, "c").await,
        callers::id_of(&db, NodeKind::Organization, "o").await,
        callers::id_of(&db, NodeKind::Person, "ann").await,
    );
    apply(&db, c, ann).await;
    register_sites(&db, c, o).await;
    let mut conn = db.connection().await.unwrap();
    for (table, _) in HIDEABLE {
        for shape in SHAPES {
            let audience = match shape {
                "nobody" => String::new(),
                "admin" => format!("admin:{o}"),
                "self" => format!("self:{ann}"),
                shape => format!("{shape}:{c}"),
            };
            let hide = format!("UPDATE {table} SET audience = '{{{audience}}}' WHERE key LIKE 'hidden-%-{shape}'");
            conn.batch_execute(&hide).await.unwrap();
        }
    }
    log::ensure_epoch(&mut conn, Uuid::from_u128(1)).await.unwrap();
    // Committed rows hold no audience before; what the log says of it is another test's.
    conn.batch_execute("UPDATE nodes SET audience_before = NULL").await.unwrap();
    drop(conn);
    lines::read(&db, &[topic("later", json!({})), item("last", json!({}))]).await;
    db
}

/// Has somebody apply by their own account: the coordinators see who it is.
async fn apply(db: &Db, community: Uuid, person: Uuid) {
    let script = format!(
        "UPDATE memberships SET applied_at = now() WHERE community_id = '{community}' AND person_id = '{person}'; \
         INSERT INTO applications (id, membership_id, community_id, person_id, audience, status, tier, answers, applied_at, original_language) \
           SELECT gen_random_uuid(), id, community_id, person_id, ARRAY['coordinator:{community}', 'self:{person}'], 'PENDING', 'OPEN', '[]', now(), 'en' \
           FROM memberships WHERE community_id = '{community}' AND person_id = '{person}'"
    );
    db.connection().await.unwrap().batch_execute(&script).await.unwrap();
    write::write(db, Viewer::system("test"), move |tx| {
        async move { audiences::recompute(tx, vec![person], Vec::new()).await }.boxed()
    })
    .await
    .unwrap();
}

/// Registers sites for what everybody sees and for what nobody sees: who is told of them is not who sees what they are for.
async fn register_sites(db: &Db, community: Uuid, organization: Uuid) {
    let hidden = callers::id_of(db, NodeKind::Community, "hidden-community-nobody").await;
    let script = format!(
        "INSERT INTO sites (id, community_id, name, origins, listings) \
           SELECT gen_random_uuid(), c, 'Site', '{{https://www.example.org}}', '{{items}}' FROM unnest('{{{community}, {hidden}}}'::uuid[]) AS c; \
         INSERT INTO sites (id, organization_id, name, origins, listings) \
           SELECT gen_random_uuid(), '{organization}', 'Site', '{{https://www.example.org}}', '{{}}'; \
         INSERT INTO site_uses (site_id, day, listing, use_count) SELECT id, current_date, 'items', 3 FROM sites"
    );
    db.connection().await.unwrap().batch_execute(&script).await.unwrap();
}

/// The token of everybody there is, and who it makes them.
pub async fn everybody(db: &Db) -> Vec<(String, Option<String>)> {
    let c = Some((NodeKind::Community, "c"));
    let o = Some((NodeKind::Organization, "o"));
    let mut all = vec![("anonymous".to_owned(), None)];
    for (name, person, rights) in [
        ("account", None, vec![]),
        ("ann", Some("ann"), vec![]),
        ("member", None, vec![(Right::Member, c)]),
        ("representative", None, vec![(Right::Representative, c)]),
        ("coordinator", None, vec![(Right::Coordinator, c)]),
        ("reviewer", None, vec![(Right::Reviewer, c)]),
        ("administrator", None, vec![(Right::Administrator, o)]),
    ] {
        let account = callers::account(db, name, person).await;
        for held in rights {
            callers::give(db, account, held, None).await;
        }
        all.push((name.to_owned(), Some(callers::token(db, account, vec![TokenScope::ActAsAccount]).await)));
    }
    let member = callers::account(db, "member", None).await;
    let scope = TokenScope::ReadAsMemberOf(callers::id_of(db, NodeKind::Community, "c").await);
    all.push(("token".to_owned(), Some(callers::token(db, member, vec![scope]).await)));
    all
}

async fn viewer_of(hub: &TestHub, token: Option<&str>) -> Viewer {
    use knowledge_hub::auth::secret::{Purpose, Secret};
    use knowledge_hub::domain::account::store;
    let Some(token) = token else { return Viewer::Anonymous };
    let secret = Secret::read(Purpose::Token, token).unwrap();
    let mut conn = hub.db.connection().await.unwrap();
    let seen =
        store::by_secret(&mut conn, Purpose::Token, &secret).await.unwrap().ok_or_else(permission::ended).unwrap();
    Viewer::Known(Box::new(seen.identity))
}

/// Deletes what a viewer may not see.
async fn delete_hidden(db: &Db, viewer: &Viewer) -> usize {
    let mut conn = db.connection().await.unwrap();
    let mut deleted = 0;
    for table in TABLES {
        let hidden = Sql::new("DELETE FROM ").push(table).push(" t WHERE NOT (");
        let hidden = hidden.append(visible_to(viewer, "t.is_public", "t.audience")).push(")");
        deleted += hidden.returning::<()>().execute(&mut conn).await.unwrap();
    }
    let sites = Sql::new("DELETE FROM sites WHERE NOT (").append(Sites::visible(viewer)).push(")");
    sites.returning::<()>().execute(&mut conn).await.unwrap();
    deleted
}

/// What the streams of the whole log say, up to what was written last.
async fn followed(hub: &TestHub, token: Option<&str>) -> Vec<String> {
    let start = Cursor::at(Uuid::from_u128(1), 0).write();
    let mut heard = Vec::new();
    for (stream, last) in [("changes", "later"), ("itemPublished", "last")] {
        let inner = match stream {
            "changes" => "change { action kind nodeId fields languages node { id ... on Topic { key } } }",
            _ => "item { key authors { nodes { byline person { name } } } communities { nodes { key } } }",
        };
        let query = format!("subscription {{ {stream}(after: \"{start}\") {{ cursor {inner} }} }}");
        let mut socket = Socket::open(hub.address).await;
        let payload = token.map_or(json!({}), |token| json!({"authorization": format!("Bearer {token}")}));
        socket.say(&json!({"type": "connection_init", "payload": payload})).await;
        socket.hear().await;
        socket.subscribe("1", &query, json!({})).await;
        loop {
            let delivery = socket.next().await["data"][stream].clone();
            heard.push(delivery.to_string());
            if delivery["change"]["node"]["key"] == last || delivery["item"]["key"] == last {
                break;
            }
        }
    }
    heard
}

/// An answer and how many statements it took.
pub async fn answer(hub: &TestHub, token: Option<&str>, document: &str, variables: &Value) -> (String, u64) {
    let before = hub.db.statements();
    let mut request =
        hub.client.post(hub.url("/graphql")).header("accept-language", "en").header("cache-control", "no-cache");
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let body = json!({"query": document, "variables": variables});
    let text = request.json(&body).send().await.unwrap().text().await.unwrap();
    (text, hub.db.statements() - before)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_yours_and_what_is_not_there_answer_alike_for_everybody_by_every_way() {
    let db = world().await;
    let everybody = everybody(&db).await;
    let mut copies = support::copies_of(db, everybody.len() + 1).await;
    for copy in &copies {
        // Their logs are one log, so that cursors are the same.
        let same = "UPDATE log_epoch SET log_oid = 'changes'::regclass::oid::bigint, \
            database_oid = (SELECT oid::bigint FROM pg_database WHERE datname = current_database())";
        copy.connection().await.unwrap().batch_execute(same).await.unwrap();
    }
    let hub = TestHub::over(copies.remove(0)).await;
    let contract = Contract::of(&hub).await;
    let mut hidden: BTreeMap<NodeKind, Vec<String>> = BTreeMap::new();
    for kind in NodeKind::VARIANTS {
        let mut conn = hub.db.connection().await.unwrap();
        let ids: Vec<Uuid> = Sql::new("SELECT id FROM nodes WHERE NOT is_public AND kind = ")
            .text(kind.as_ref())
            .push(" ORDER BY key")
            .returning::<diesel::sql_types::Uuid>()
            .load(&mut conn)
            .await
            .unwrap();
        assert!(ids.len() > 2, "{kind:?} is hidden in no way");
        hidden.insert(*kind, ids.into_iter().map(|id| id::encode(*kind, id).to_string()).collect());
    }
    let kinds = ["topic", "organization", "community", "project", "item", "person"];
    let mut slugs: Vec<String> =
        kinds.iter().flat_map(|kind| SHAPES.iter().map(move |shape| format!("hidden-{kind}-{shape}"))).collect();
    slugs.extend(["self", "members", "coordinators"].map(|audience| format!("hidden-person-{audience}")));
    let documents = documents(&contract, &hidden, &slugs);
    assert!(documents.len() > 80);
    let mut compared = 0;
    for ((name, token), without) in everybody.iter().zip(copies) {
        let viewer = viewer_of(&hub, token.as_deref()).await;
        assert!(delete_hidden(&without, &viewer).await > 10, "something is hidden from {name}");
        let without = TestHub::over(without).await;
        for hub in [&hub, &without] {
            // So that the day of the token's use is noted in both.
            answer(hub, token.as_deref(), "{ viewer { accountId } }", &json!({})).await;
        }
        let (left, right) = (followed(&hub, token.as_deref()).await, followed(&without, token.as_deref()).await);
        assert_eq!(left, right, "{name} follows");
        assert!(left.len() > 10, "{name} is told of what everybody sees");
        for (way, document) in &documents {
            let (left, left_statements) = answer(&hub, token.as_deref(), document, &json!({})).await;
            let (right, right_statements) = answer(&without, token.as_deref(), document, &json!({})).await;
            if left != right {
                let at = left.bytes().zip(right.bytes()).take_while(|(one, other)| one == other).count();
                let near = |text: &str| text.chars().skip(at.saturating_sub(120)).take(240).collect::<String>();
                panic!("{name}, {way}:\n{}\n{}\n{document}", near(&left), near(&right));
            }
            assert_eq!(left_statements, right_statements, "{name}, {way}: {document}");
            compared += 1;
        }
    }
    assert!(compared > 700, "{compared}");
}
