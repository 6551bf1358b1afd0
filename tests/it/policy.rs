//! The permission table, and its twin in SQL.

use std::collections::HashMap;
use std::fmt::Write;

use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use knowledge_hub::db::listing;
use knowledge_hub::db::statement::Sql;
use knowledge_hub::policy::{self, Action, NodeKind, Subject, Verdict, Viewer};
use strum::VariantArray;
use uuid::Uuid;

use crate::support;

fn viewers() -> Vec<(&'static str, Viewer)> {
    vec![("anonymous", Viewer::Anonymous), ("system", Viewer::system("test"))]
}

/// Every shape of audience, and combinations of them.
fn audiences() -> Vec<Vec<String>> {
    let community = Uuid::from_u128(1);
    let atoms = [
        policy::PUBLIC.to_owned(),
        format!("member:{community}"),
        format!("coordinator:{community}"),
        format!("reviewer:{community}"),
        format!("admin:{community}"),
        format!("self:{community}"),
    ];
    let mut audiences = vec![Vec::new()];
    audiences.extend(atoms.iter().map(|atom| vec![atom.clone()]));
    audiences.push(atoms.to_vec());
    audiences.push(atoms[1..].to_vec());
    audiences
}

#[test]
fn the_permission_table_is_the_reviewed_one() {
    let mut table = String::new();
    for kind in NodeKind::VARIANTS {
        for action in Action::VARIANTS {
            for (name, viewer) in viewers() {
                for (audience, atoms) in [("public", vec![policy::PUBLIC.to_owned()]), ("not public", Vec::new())] {
                    let verdict = policy::can(&viewer, *action, Subject { kind: *kind, audience: &atoms });
                    writeln!(table, "{:12} {action:5?} {name:9} {audience:10} {verdict:?}", kind.as_ref()).unwrap();
                }
            }
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
    for (name, viewer) in viewers() {
        let seen: Vec<Uuid> = Sql::new("SELECT id FROM things WHERE ")
            .append(listing::visible_to(&viewer, "things.is_public", "things.audience"))
            .returning::<diesel::sql_types::Uuid>()
            .load(&mut conn)
            .await
            .unwrap();
        for (id, audience) in &rows {
            let subject = Subject { kind: NodeKind::Organization, audience };
            let allowed = policy::can(&viewer, Action::Read, subject) == Verdict::Allow;
            assert_eq!(seen.contains(id), allowed, "{name} and {audience:?}");
        }
    }
}
