//! The rows of consents: what people let be shown, to whom, since when, and by which wording.
//!
//! What somebody decided by their own account stands: an import changes nothing of that field any more.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::sql_types::Text;
use diesel::{Insertable, Queryable, Selectable, SelectableHelper};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use strum::VariantArray;
use uuid::Uuid;

use crate::db::column::Word;
use crate::db::log::{Change, ChangeAction};
use crate::db::schema::consents;
use crate::db::statement::{Rows, Sql};
use crate::db::write::Tx;
use crate::domain::permission;
use crate::domain::person::audiences;
use crate::domain::person::record::{CONSENTS, Consent, ConsentAudience, PersonField};
use crate::error::Fault;
use crate::policy::{self, Action, NodeKind, Subject, Verdict, Viewer};
use crate::text::language::LanguageTag;
use crate::text::messages::Message;

/// A consent as it is stored.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = consents, check_for_backend(Pg))]
pub struct ConsentRow {
    /// Whose it is.
    pub person_id: Uuid,
    /// What may be shown.
    pub field: Word<PersonField>,
    /// To whom.
    pub audience: Word<ConsentAudience>,
    /// Which wording was agreed to.
    pub text_version: String,
    /// When it was given.
    pub given_at: DateTime<Utc>,
    /// When it was taken back; null: it stands.
    pub withdrawn_at: Option<DateTime<Utc>>,
    /// In which language the wording was; null: not known.
    pub text_language: Option<String>,
    /// Whether the person decided it by their own account.
    pub is_own: bool,
}

/// The wording that somebody agrees to.
#[derive(Clone, Debug)]
pub struct Wording {
    /// Which one.
    pub version: String,
    /// In which language.
    pub language: LanguageTag,
}

/// The consents of many people, in the order in which they were given; for the hub itself.
pub async fn of_people(conn: &mut AsyncPgConnection, people: Vec<Uuid>) -> Result<HashMap<Uuid, Vec<Consent>>, Fault> {
    let mut grouped: HashMap<Uuid, Vec<Consent>> = HashMap::new();
    for row in rows_of(conn, people).await? {
        let text_language = row.text_language.map(|tag| LanguageTag::parse(&tag)).transpose()?;
        grouped.entry(row.person_id).or_default().push(Consent {
            field: row.field.0,
            audience: row.audience.0,
            given_at: row.given_at,
            text_version: row.text_version,
            text_language,
            withdrawn_at: row.withdrawn_at,
        });
    }
    Ok(grouped)
}

/// The consents of those of these people whose data the viewer may read, in the order in which they were given.
pub async fn seen(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    mut people: Vec<Uuid>,
) -> Result<HashMap<Uuid, Vec<ConsentRow>>, Fault> {
    people.retain(|person| policy::can(viewer, Action::Read, Subject::PersonalData(*person)) == Verdict::Allow);
    let mut grouped: HashMap<Uuid, Vec<ConsentRow>> = HashMap::new();
    for row in rows_of(conn, people).await? {
        grouped.entry(row.person_id).or_default().push(row);
    }
    Ok(grouped)
}

async fn rows_of(conn: &mut AsyncPgConnection, people: Vec<Uuid>) -> Result<Vec<ConsentRow>, Fault> {
    // SQL: by primary key.
    let rows = Rows {
        selection: ConsentRow::as_select(),
        table: "consents",
        condition: Sql::new("consents.person_id = ANY (").uuids(people).push(")"),
        order: Sql::new(" ORDER BY consents.person_id, consents.given_at, consents.field COLLATE \"C\""),
    };
    rows.load(conn).await.map_err(|error| Fault::database("reading consents", error))
}

/// Puts what a line says in the place of what lines said before, but for the fields that the person decided on.
pub async fn replace_imported(conn: &mut AsyncPgConnection, person: Uuid, stated: &[Consent]) -> Result<(), Fault> {
    let doing = |error: diesel::result::Error| Fault::database("writing consents", error);
    // SQL: by primary key.
    Sql::new("DELETE FROM consents WHERE NOT is_own AND person_id = ")
        .uuid(person)
        .returning::<()>()
        .execute(conn)
        .await
        .map_err(doing)?;
    let decided: Vec<String> = Sql::new("SELECT DISTINCT field FROM consents WHERE person_id = ")
        .uuid(person)
        .returning::<Text>()
        .load(conn)
        .await
        .map_err(doing)?;
    let rows: Vec<ConsentRow> = stated
        .iter()
        .filter(|consent| !decided.iter().any(|field| field == consent.field.as_ref()))
        .map(|consent| ConsentRow {
            person_id: person,
            field: Word(consent.field),
            audience: Word(consent.audience),
            text_version: consent.text_version.clone(),
            given_at: consent.given_at,
            withdrawn_at: consent.withdrawn_at,
            text_language: consent.text_language.as_ref().map(ToString::to_string),
            is_own: false,
        })
        .collect();
    diesel::insert_into(consents::table).values(rows).execute(conn).await.map(|_| ()).map_err(doing)
}

/// Decides for the writer's own person to whom a field, or all of them, is shown from now on. What was decided before is
/// kept as what it was: the answer is whose it is.
pub async fn decide(
    tx: &mut Tx,
    field: Option<PersonField>,
    audience: ConsentAudience,
    wording: &Wording,
) -> Result<Uuid, Fault> {
    let doing = |error: diesel::result::Error| Fault::database("writing consents", error);
    let person = permission::own_person(tx).await?;
    let fields: Vec<PersonField> = field.map_or_else(|| PersonField::VARIANTS.to_vec(), |field| vec![field]);
    let is_for_some = matches!(audience, ConsentAudience::Members | ConsentAudience::Coordinators);
    if fields == [PersonField::Bylines] && is_for_some {
        return Err(Fault::bad_input(Message::new("consent-bylines")).of_field("audience"));
    }
    audiences::lock(tx, vec![person]).await?;
    for field in fields {
        // SQL: by primary key. One that was to begin later never does.
        Sql::new("UPDATE consents SET is_own = TRUE, withdrawn_at = CASE WHEN withdrawn_at <= now() THEN withdrawn_at ELSE greatest(given_at, now()) END WHERE person_id = ")
            .uuid(person)
            .push(" AND field = ")
            .text(field.as_ref())
            .returning::<()>()
            .execute(tx.conn())
            .await
            .map_err(doing)?;
        let row = ConsentRow {
            person_id: person,
            field: Word(field),
            audience: Word(audience),
            text_version: wording.version.clone(),
            given_at: tx.now(),
            withdrawn_at: None,
            text_language: Some(wording.language.to_string()),
            is_own: true,
        };
        diesel::insert_into(consents::table).values(&row).execute(tx.conn()).await.map_err(doing)?;
    }
    forget_oldest(tx, person).await?;
    // SQL: by primary key.
    Sql::new("UPDATE people SET version = version + 1, updated_at = now() WHERE id = ")
        .uuid(person)
        .returning::<()>()
        .execute(tx.conn())
        .await
        .map_err(doing)?;
    tx.record(Change {
        action: ChangeAction::Updated,
        kind: NodeKind::Person,
        node_id: person,
        fields: vec!["consents".to_owned()],
        communities: Vec::new(),
        topics: Vec::new(),
        languages: Vec::new(),
        audiences: None,
    });
    audiences::recompute(tx, vec![person], Vec::new()).await?;
    Ok(person)
}

/// Whoever changes their mind that often does not need the oldest of it any more.
async fn forget_oldest(tx: &mut Tx, person: Uuid) -> Result<(), Fault> {
    // SQL: by primary key.
    Sql::new("DELETE FROM consents WHERE withdrawn_at IS NOT NULL AND person_id = ")
        .uuid(person)
        .push(" AND (field, given_at) NOT IN (SELECT field, given_at FROM consents WHERE person_id = ")
        .uuid(person)
        .push(" ORDER BY given_at DESC, field")
        .limit(i64::try_from(CONSENTS).unwrap_or(i64::MAX))
        .push(")")
        .returning::<()>()
        .execute(tx.conn())
        .await
        .map(|_| ())
        .map_err(|error| Fault::database("forgetting old consents", error))
}
