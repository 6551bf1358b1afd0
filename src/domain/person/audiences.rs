//! Who may see what of people, decided anew after what it depends on was written.

use std::collections::HashMap;

use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::column::Json;
use crate::db::due::{self, DueAction};
use crate::db::listing;
use crate::db::log::{Audiences, Change, ChangeAction};
use crate::db::schema::people;
use crate::db::statement::Sql;
use crate::db::write::Tx;
use crate::domain::person::record::PersonField;
use crate::domain::person::rules::{self, Known};
use crate::domain::person::store::{People, consents};
use crate::error::Fault;
use crate::policy::{NodeKind, Viewer};

/// Decides anew who may see what of these people and of those with a role in these communities and organizations.
/// Owed after any write to a person, a consent, a role or a membership, or to the audience of what a role is held in.
pub async fn recompute(tx: &mut Tx, people_ids: Vec<Uuid>, held_in: Vec<Uuid>) -> Result<(), Fault> {
    let doing = |error: diesel::result::Error| Fault::database("deciding who sees a person", error);
    // Whoever writes need not see everybody of whom it follows.
    let viewer = Viewer::system("audiences");
    // SQL: people by primary key; roles by community and by organization.
    let affected: Vec<Uuid> = Sql::new("SELECT id FROM people WHERE id = ANY (")
        .uuids(people_ids)
        .push(") UNION SELECT person_id FROM roles WHERE community_id = ANY (")
        .uuids(held_in.clone())
        .push(") OR organization_id = ANY (")
        .uuids(held_in)
        .push(")")
        .returning::<SqlUuid>()
        .load(tx.conn())
        .await
        .map_err(doing)?;
    lock(tx, affected.clone()).await?;
    let rows = listing::by_ids::<People>(tx.conn(), &viewer, affected.clone()).await?;
    let mut consents = consents::of_people(tx.conn(), affected.clone()).await?;
    // SQL: roles by person.
    let held: Vec<(Uuid, Vec<String>)> = Sql::new("SELECT person_id, audience FROM roles WHERE person_id = ANY (")
        .uuids(affected.clone())
        .push(")")
        .returning::<(SqlUuid, Array<Text>)>()
        .load(tx.conn())
        .await
        .map_err(doing)?;
    // SQL: memberships by memberships_person.
    let belongs: Vec<(Uuid, Uuid)> = Sql::new(
        "SELECT person_id, community_id FROM memberships WHERE status = 'ACTIVE' AND NOT retired AND person_id = ANY (",
    )
    .uuids(affected.clone())
    .push(") ORDER BY community_id")
    .returning::<(SqlUuid, SqlUuid)>()
    .load(tx.conn())
    .await
    .map_err(doing)?;
    let mut communities = grouped(belongs);
    // SQL: memberships by memberships_person_all, applications by applications_person.
    let applied: Vec<(Uuid, String)> = Sql::new("SELECT person_id, 'coordinator:' || community_id FROM memberships WHERE applied_at IS NOT NULL AND status IN ('APPLIED', 'WAITING', 'ACTIVE') AND NOT retired AND person_id = ANY (")
        .uuids(affected.clone())
        .push(") UNION SELECT person_id, 'admin:' || endorser_id FROM applications WHERE endorser_id IS NOT NULL AND status IN ('PENDING', 'WAITING') AND person_id = ANY (")
        .uuids(affected.clone())
        .push(")")
        .returning::<(SqlUuid, Text)>()
        .load(tx.conn())
        .await
        .map_err(doing)?;
    let mut applied = grouped(applied);
    let mut roles: HashMap<Uuid, Vec<Vec<String>>> = HashMap::new();
    for (person, audience) in held {
        roles.entry(person).or_default().push(audience);
    }
    let mut saved: HashMap<Uuid, Change> =
        tx.take_changes(NodeKind::Person).into_iter().map(|change| (change.node_id, change)).collect();
    for (id, row) in rows {
        let consents = consents.remove(&id).unwrap_or_default();
        let roles = roles.remove(&id).unwrap_or_default();
        let communities = communities.remove(&id).unwrap_or_default();
        let applied = applied.remove(&id).unwrap_or_default();
        let audiences = if row.retired {
            rules::of_nobody()
        } else {
            let known = Known { consents: &consents, communities: &communities, applied: &applied, roles: &roles };
            rules::field_audiences(id, &known, tx.now())
        };
        // The clock looks again when the next of them begins or ends.
        let next = Some(&consents).filter(|_| !row.retired).and_then(|consents| rules::next_turn(consents, tx.now()));
        let due_id = tx.new_id();
        due::keep(tx.conn(), id, DueAction::Consent, next, due_id).await?;
        let saved = saved.remove(&id);
        let touched = saved.as_ref().map(|change| change.fields.as_slice()).unwrap_or_default();
        for ((before, after), fields) in rules::changed_fields(id, &row.field_audiences, &audiences, touched) {
            // A person's only texts in several languages are the titles of affiliations.
            let has_texts = fields.iter().any(|name| name == PersonField::Affiliations.name());
            let languages = saved.as_ref().filter(|_| has_texts).map(|change| change.languages.clone());
            tx.record(Change {
                action: saved.as_ref().map_or(ChangeAction::Updated, |change| change.action),
                kind: NodeKind::Person,
                node_id: id,
                fields,
                communities: Vec::new(),
                topics: Vec::new(),
                languages: languages.unwrap_or_default(),
                audiences: Some(Audiences { before, after }),
            });
        }
        if audiences != *row.field_audiences {
            let audience = audiences.get(&PersonField::Name).cloned().unwrap_or_default();
            diesel::update(people::table.find(id))
                .set((people::field_audiences.eq(Json::new(audiences)), people::audience.eq(audience)))
                .execute(tx.conn())
                .await
                .map_err(doing)?;
        }
    }
    Ok(())
}

fn grouped<T>(pairs: Vec<(Uuid, T)>) -> HashMap<Uuid, Vec<T>> {
    let mut groups: HashMap<Uuid, Vec<T>> = HashMap::new();
    for (one, other) in pairs {
        groups.entry(one).or_default().push(other);
    }
    groups
}

/// Locks people in the order of their ids: whoever decides who sees them goes by what is committed, one after the other.
pub async fn lock(tx: &mut Tx, people: Vec<Uuid>) -> Result<(), Fault> {
    // SQL: by primary key.
    Sql::new("SELECT id FROM people WHERE id = ANY (")
        .uuids(people)
        .push(") ORDER BY id FOR UPDATE")
        .returning::<SqlUuid>()
        .load::<Uuid>(tx.conn())
        .await
        .map(|_| ())
        .map_err(|error| Fault::database("deciding who sees a person", error))
}
