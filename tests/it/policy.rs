//! The permission table, and its twins in SQL.

use std::collections::HashMap;
use std::fmt::Write;

use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use knowledge_hub::changes::rights;
use knowledge_hub::db::listing::{self, Listed};
use knowledge_hub::db::statement::Sql;
use knowledge_hub::domain::account::store::grants::Grants;
use knowledge_hub::domain::account::store::rows::Accounts;
use knowledge_hub::domain::account::store::sessions::Sessions;
use knowledge_hub::domain::account::store::tokens::Tokens;
use knowledge_hub::domain::audit::store::Readings;
use knowledge_hub::domain::contact::store::Messages;
use knowledge_hub::domain::membership::store::applications::Applications;
use knowledge_hub::domain::person::record::PersonField;
use knowledge_hub::domain::site::store::Sites;
use knowledge_hub::policy::token_scope::TokenScope;
use knowledge_hub::policy::{
    self, Action, Credential, Grant, Identity, NodeKind, On, Owners, Reason, Right, Subject, Verdict, Viewer,
};
use serde_json::json;
use strum::VariantArray;
use uuid::Uuid;

use crate::support;
use crate::{callers, lines};

const HERE: Uuid = Uuid::from_u128(1);
const ELSEWHERE: Uuid = Uuid::from_u128(2);
const PERSON: Uuid = Uuid::from_u128(3);
const ACCOUNT: Uuid = Uuid::from_u128(4);
const OTHER: Uuid = Uuid::from_u128(5);

fn known(account: Uuid, person: Option<Uuid>, grants: &[Grant], scopes: Option<Vec<TokenScope>>) -> Viewer {
    let credential = match &scopes {
        Some(_) => Credential::Token(Uuid::from_u128(9)),
        None => Credential::Session(Uuid::from_u128(8)),
    };
    let atoms = policy::atoms_of(grants, person);
    Viewer::Known(Box::new(Identity::new((account, credential), person, grants.to_vec(), scopes, atoms)))
}

/// Every grant that there is, here and elsewhere.
fn all_grants() -> Vec<Grant> {
    let mut grants = Vec::new();
    for right in Right::VARIANTS {
        for on in [
            On::Hub,
            On::Organization(HERE),
            On::Community(HERE),
            On::Organization(ELSEWHERE),
            On::Community(ELSEWHERE),
        ] {
            grants.push(Grant { right: *right, on });
        }
    }
    grants.retain(|grant| grant.exists());
    grants
}

fn name_of(grant: Grant) -> String {
    let place = match grant.on {
        On::Hub => "hub".to_owned(),
        On::Organization(id) => format!("organization {}", if id == HERE { "here" } else { "elsewhere" }),
        On::Community(id) => format!("community {}", if id == HERE { "here" } else { "elsewhere" }),
    };
    format!("{} {place}", grant.right.as_ref().to_lowercase())
}

/// Everybody there is: nobody in particular, each grant alone, a person, tokens of every scope, and the hub.
fn viewers() -> Vec<(String, Viewer)> {
    let mut viewers = vec![
        ("anonymous".to_owned(), Viewer::Anonymous),
        ("account".to_owned(), known(ACCOUNT, None, &[], None)),
        ("the person".to_owned(), known(ACCOUNT, Some(PERSON), &[], None)),
    ];
    for grant in all_grants() {
        viewers.push((name_of(grant), known(ACCOUNT, None, &[grant], None)));
    }
    // By an account that could do everything, so that the token alone decides.
    let all = all_grants();
    let scopes = [
        ("token: everything", TokenScope::ActAsAccount),
        ("token: public", TokenScope::ReadPublic),
        ("token: as member", TokenScope::ReadAsMemberOf(HERE)),
        ("token: write items", TokenScope::WriteItemsOf(HERE)),
        ("token: organization", TokenScope::AdministerOrganization(HERE)),
    ];
    for (name, scope) in scopes {
        viewers.push((name.to_owned(), known(ACCOUNT, Some(PERSON), &all, Some(vec![scope]))));
        viewers.push((format!("{name}, not held"), known(OTHER, None, &[], Some(vec![scope]))));
    }
    viewers.push(("system".to_owned(), Viewer::system("test")));
    viewers
}

/// Every shape of audience, and combinations of them.
fn audiences() -> Vec<Vec<String>> {
    let atoms = [
        policy::PUBLIC.to_owned(),
        format!("member:{HERE}"),
        format!("coordinator:{HERE}"),
        format!("reviewer:{HERE}"),
        format!("admin:{HERE}"),
        format!("self:{PERSON}"),
        format!("member:{ELSEWHERE}"),
    ];
    let mut audiences = vec![Vec::new()];
    audiences.extend(atoms.iter().map(|atom| vec![atom.clone()]));
    audiences.push(atoms.to_vec());
    audiences.push(atoms[1..].to_vec());
    audiences
}

/// Who writes nodes of a kind here: those who run what it belongs to, and authors.
fn owners(kind: NodeKind) -> Owners {
    match kind {
        NodeKind::Topic | NodeKind::Person => Owners::default(),
        NodeKind::Organization | NodeKind::Project => Owners::of([On::Organization(HERE)]),
        NodeKind::Community | NodeKind::Role | NodeKind::Membership | NodeKind::Link => {
            Owners::of_community(HERE, Some(HERE))
        }
        NodeKind::Item => Owners { authors: vec![PERSON], ..Owners::of_community(HERE, None) },
    }
}

fn subjects<'a>(
    public: &'a [String],
    members: &'a [String],
    all: &'a [(NodeKind, Owners)],
) -> Vec<(String, Subject<'a>)> {
    let mut subjects = Vec::new();
    for (kind, owners) in all {
        for (seen, audience) in [("public", public), ("for members", members), ("for nobody", &[])] {
            let subject = Subject::Node { kind: *kind, audience, owners };
            subjects.push((format!("{} {seen}", kind.as_ref().to_lowercase()), subject));
        }
    }
    for grant in all_grants().into_iter().filter(|grant| !name_of(*grant).ends_with("elsewhere")) {
        subjects.push((format!("right: {}", name_of(grant)), Subject::Grant { grant, of: OTHER, managed_by: None }));
    }
    let managed = Grant { right: Right::Coordinator, on: On::Community(ELSEWHERE) };
    let managed = Subject::Grant { grant: managed, of: OTHER, managed_by: Some(HERE) };
    subjects.push(("right: coordinator of what is managed".to_owned(), managed));
    let own = Grant { right: Right::Reviewer, on: On::Community(ELSEWHERE) };
    subjects.push(("right of one's own".to_owned(), Subject::Grant { grant: own, of: ACCOUNT, managed_by: None }));
    subjects.push(("own account".to_owned(), Subject::Account(ACCOUNT)));
    subjects.push(("other account".to_owned(), Subject::Account(OTHER)));
    subjects.push(("own tokens".to_owned(), Subject::Tokens(ACCOUNT)));
    subjects.push(("others' tokens".to_owned(), Subject::Tokens(OTHER)));
    subjects.push(("personal data".to_owned(), Subject::PersonalData(PERSON)));
    let endorsement = |audience| Subject::Endorsement { organization: HERE, audience };
    subjects.push(("endorsement".to_owned(), endorsement(public)));
    subjects.push(("endorsement hidden".to_owned(), endorsement(&[])));
    subjects.push(("messages".to_owned(), Subject::Messages { community: HERE, audience: public }));
    subjects.push(("messages hidden".to_owned(), Subject::Messages { community: HERE, audience: &[] }));
    let sites = |on, managed_by, audience| Subject::Sites { on, managed_by, audience };
    subjects.push(("sites of an organization".to_owned(), sites(On::Organization(HERE), None, public)));
    subjects.push(("sites of a community".to_owned(), sites(On::Community(HERE), None, public)));
    subjects.push(("sites of a managed community".to_owned(), sites(On::Community(ELSEWHERE), Some(HERE), public)));
    subjects.push(("sites of a hidden community".to_owned(), sites(On::Community(HERE), None, &[])));
    subjects
}

#[test]
fn the_permission_table_is_the_reviewed_one() {
    let (public, members) = (vec![policy::PUBLIC.to_owned()], vec![format!("member:{HERE}")]);
    let all: Vec<(NodeKind, Owners)> = NodeKind::VARIANTS.iter().map(|kind| (*kind, owners(*kind))).collect();
    let mut table = String::from("A allowed, - hidden, r refused for want of a right, s refused until signed in\n\n");
    for (column, (name, _)) in (1..).zip(viewers()) {
        writeln!(table, "{column:2} {name}").unwrap();
    }
    let columns = (1..=viewers().len()).map(|column| format!("{column:3}")).collect::<String>();
    writeln!(table, "\n{:50}{columns}", "").unwrap();
    for (name, subject) in subjects(&public, &members, &all) {
        for action in Action::VARIANTS {
            let verdict = |(_, viewer): &(String, Viewer)| match policy::can(viewer, *action, subject) {
                Verdict::Allow => "  A",
                Verdict::Hide => "  -",
                Verdict::Refuse(Reason::Right) => "  r",
                Verdict::Refuse(Reason::SignIn) => "  s",
            };
            let verdicts: String = viewers().iter().map(verdict).collect();
            writeln!(table, "{:50}{verdicts}", format!("{action:?} {name}")).unwrap();
        }
    }
    insta::with_settings!({ snapshot_path => "../golden", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("policy", table);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sql_twin_agrees_with_the_policy_for_every_viewer_and_audience() {
    let db = support::database("empty", 1).await;
    let mut conn = db.connection().await.unwrap();
    conn.batch_execute(
        "CREATE TABLE things (id uuid, audience text[], \
         is_public boolean GENERATED ALWAYS AS ('public' = ANY (audience)) STORED)",
    )
    .await
    .unwrap();
    let mut rows = HashMap::new();
    for audience in audiences() {
        let id = Uuid::from_u128(rows.len() as u128 + 1);
        let insert = Sql::new("INSERT INTO things (id, audience) VALUES (").uuid(id).push(", ").texts(audience.clone());
        insert.push(")").returning::<()>().execute(&mut conn).await.unwrap();
        rows.insert(id, audience);
    }
    let (nobody, mut seen_by_somebody) = (Owners::default(), 0);
    for (name, viewer) in viewers() {
        let seen: Vec<Uuid> = Sql::new("SELECT id FROM things WHERE ")
            .append(listing::visible_to(&viewer, "things.is_public", "things.audience"))
            .returning::<diesel::sql_types::Uuid>()
            .load(&mut conn)
            .await
            .unwrap();
        seen_by_somebody += seen.len();
        for (id, audience) in &rows {
            let subject = Subject::Node { kind: NodeKind::Organization, audience, owners: &nobody };
            let allowed = policy::can(&viewer, Action::Read, subject) == Verdict::Allow;
            assert_eq!(seen.contains(id), allowed, "{name} and {audience:?}");
        }
    }
    assert!(seen_by_somebody > 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_an_account_a_person_or_a_community_is_listed_as_the_policy_says_for_every_viewer() {
    let db = support::database("empty", 1).await;
    lines::read(&db, &[lines::community("managed", json!({}))]).await;
    let managed = callers::id_of(&db, NodeKind::Community, "managed").await;
    let mut conn = db.connection().await.unwrap();
    // Rights on and messages to nodes that are not there: what is compared is who may list them.
    let script = format!(
        "ALTER TABLE grants DROP CONSTRAINT grants_organization_id_fkey, DROP CONSTRAINT grants_community_id_fkey; \
         INSERT INTO accounts (id, service_name) VALUES ('{ACCOUNT}', 'own'), ('{OTHER}', 'other'); \
         INSERT INTO tokens (id, account_id, secret_hash, name, scopes, expires_at) \
           SELECT gen_random_uuid(), id, id::text::bytea, 't', '{{READ_PUBLIC}}', now() + interval '1 day' FROM accounts; \
         INSERT INTO sessions (id, account_id, secret_hash, expires_at) \
           SELECT gen_random_uuid(), id, id::text::bytea, now() + interval '1 day' FROM accounts; \
         ALTER TABLE messages DROP CONSTRAINT messages_community_id_fkey; \
         INSERT INTO messages (id, community_id, body, language) \
           SELECT gen_random_uuid(), c, 'b', 'en' FROM unnest('{{{HERE}, {ELSEWHERE}}}'::uuid[]) AS c; \
         ALTER TABLE applications DROP CONSTRAINT applications_membership_id_fkey, \
           DROP CONSTRAINT applications_community_id_fkey, DROP CONSTRAINT applications_person_id_fkey; \
         INSERT INTO applications (id, membership_id, community_id, person_id, audience, status, tier, answers, applied_at, original_language) \
           SELECT gen_random_uuid(), gen_random_uuid(), '{HERE}', '{PERSON}', ARRAY[a], 'PENDING', 'OPEN', '[]', now(), 'en' \
           FROM unnest('{{coordinator:{HERE},self:{PERSON},admin:{HERE},coordinator:{ELSEWHERE},member:{HERE}}}'::text[]) AS a; \
         ALTER TABLE communities DROP CONSTRAINT communities_managed_by_fkey; \
         UPDATE communities SET managed_by = '{HERE}'; \
         ALTER TABLE sites DROP CONSTRAINT sites_organization_id_fkey, DROP CONSTRAINT sites_community_id_fkey; \
         INSERT INTO sites (id, organization_id, name, origins, listings) \
           SELECT gen_random_uuid(), o, 's', '{{}}', '{{}}' FROM unnest('{{{HERE}, {ELSEWHERE}}}'::uuid[]) AS o; \
         INSERT INTO sites (id, community_id, name, origins, listings) \
           SELECT gen_random_uuid(), c, 's', '{{}}', '{{}}' FROM unnest('{{{HERE}, {ELSEWHERE}, {managed}}}'::uuid[]) AS c; \
         INSERT INTO audit (act, kind, fields, person_id, why) \
           SELECT 'READ', 'PERSON', '{{region}}', p, '' FROM unnest('{{{PERSON}, {OTHER}}}'::uuid[]) AS p;"
    );
    conn.batch_execute(&script).await.unwrap();
    for (number, grant) in (1..).zip(all_grants()) {
        for (of, offset) in [(ACCOUNT, 100), (OTHER, 200)] {
            let (organization, community) = match grant.on {
                On::Hub => (None, None),
                On::Organization(id) => (Some(id), None),
                On::Community(id) => (None, Some(id)),
            };
            let insert = Sql::new("INSERT INTO grants (id, account_id, held_right, organization_id, community_id, starts_at, holds) VALUES (")
                .uuid(Uuid::from_u128(number + offset))
                .push(", ")
                .uuid(of)
                .push(", ")
                .text(grant.right.as_ref())
                .push(", ")
                .uuid_or_null(organization)
                .push(", ")
                .uuid_or_null(community)
                .push(", now(), TRUE)");
            insert.returning::<()>().execute(&mut conn).await.unwrap();
        }
    }
    let system = Viewer::system("test");
    for (name, viewer) in viewers() {
        agree::<Grants>(&mut conn, &name, &viewer, &system, |row| Subject::Grant {
            grant: row.grant(),
            of: row.account_id,
            managed_by: None,
        })
        .await;
        agree::<Tokens>(&mut conn, &name, &viewer, &system, |row| Subject::Tokens(row.account_id)).await;
        agree::<Sessions>(&mut conn, &name, &viewer, &system, |row| Subject::Account(row.account_id)).await;
        agree::<Accounts>(&mut conn, &name, &viewer, &system, |row| Subject::Account(row.id)).await;
        agree::<Readings>(&mut conn, &name, &viewer, &system, |row| Subject::PersonalData(row.person_id.unwrap()))
            .await;
        agree::<Applications>(&mut conn, &name, &viewer, &system, |row| {
            let audience = Box::leak(row.audience.clone().into_boxed_slice());
            Subject::Endorsement { organization: HERE, audience }
        })
        .await;
        agree::<Messages>(&mut conn, &name, &viewer, &system, |row| Subject::Messages {
            community: row.community_id,
            audience: &[],
        })
        .await;
        agree::<Sites>(&mut conn, &name, &viewer, &system, |row| {
            let community = row.community_id.map(On::Community);
            let on = community.or(row.organization_id.map(On::Organization)).unwrap();
            let managed_by = row.community_id.filter(|id| *id == managed).map(|_| HERE);
            Subject::Sites { on, managed_by, audience: &[] }
        })
        .await;
    }
}

async fn agree<K: Listed>(
    conn: &mut AsyncPgConnection,
    name: &str,
    viewer: &Viewer,
    system: &Viewer,
    subject: impl Fn(&K::Row) -> Subject<'static>,
) {
    let ids: Vec<Uuid> =
        Sql::new("SELECT id FROM ").push(K::TABLE).returning::<diesel::sql_types::Uuid>().load(conn).await.unwrap();
    let all = listing::by_ids::<K>(conn, system, ids.clone()).await.unwrap();
    let seen = listing::by_ids::<K>(conn, viewer, ids).await.unwrap();
    assert!(!all.is_empty());
    for (id, row) in &all {
        let allowed = policy::can(viewer, Action::Read, subject(row)) == Verdict::Allow;
        assert_eq!(seen.contains_key(id), allowed, "{name}: {} {id}", K::TABLE);
    }
}

#[test]
fn a_field_that_a_change_of_rights_shows_is_named_as_in_the_contract() {
    for field in PersonField::VARIANTS {
        assert_eq!(rights::name_of(field.as_ref()), field.name());
    }
}

#[test]
fn a_scope_of_a_token_is_written_and_read() {
    for scope in [
        TokenScope::ActAsAccount,
        TokenScope::ReadPublic,
        TokenScope::ReadAsMemberOf(HERE),
        TokenScope::WriteItemsOf(HERE),
        TokenScope::AdministerOrganization(HERE),
    ] {
        assert_eq!(TokenScope::read(&scope.write()), Some(scope));
    }
    for text in ["", "READ_PUBLIC:x", "READ_AS_MEMBER_OF", "READ_AS_MEMBER_OF:x", "EVERYTHING"] {
        assert_eq!(TokenScope::read(text), None, "{text}");
    }
}
