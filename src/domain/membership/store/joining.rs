//! How people join communities and leave them: what they send, what the coordinators decide, what an organization endorses.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::column::{Json, Word};
use crate::db::listing;
use crate::db::log::{Change, ChangeAction};
use crate::db::schema::{applications, memberships};
use crate::db::statement::Sql;
use crate::db::write::Tx;
use crate::domain::community::record::{CommunityRecord, Question};
use crate::domain::community::store::Communities;
use crate::domain::editing::{self, Target};
use crate::domain::membership::record::{Answer, MembershipRecord, MembershipStatus, MembershipTier};
use crate::domain::membership::rules::{self, Step};
use crate::domain::membership::store::applications::{ApplicationRow, ApplicationStatus, Applications, RefusalReason};
use crate::domain::membership::store::{self, By, MembershipRow, Memberships};
use crate::domain::node::{self, Line};
use crate::domain::organization::store::Organizations;
use crate::domain::owners;
use crate::domain::permission;
use crate::domain::person;
use crate::domain::person::store::{People, PersonRow};
use crate::domain::record::Header;
use crate::error::{Code, Fault};
use crate::policy::{self, Action, NodeKind, Subject, Viewer};
use crate::text::imprecise_date::ImpreciseDate;
use crate::text::language::LanguageTag;
use crate::text::messages::{self, Message};
use crate::text::texts::Texts;

/// The longest note to an application, in characters.
const MAX_NOTE_CHARS: usize = 2_000;

/// An application that is sent.
#[derive(Clone, Debug)]
pub struct NewApplication {
    /// To which community.
    pub community: Uuid,
    /// For which tier; null: the usual one.
    pub tier: Option<MembershipTier>,
    /// The answers.
    pub answers: Vec<NewAnswer>,
    /// The version of the charter that is accepted; null: none.
    pub charter_version: Option<i32>,
    /// The organization that is asked to endorse it; null: none.
    pub endorser: Option<Uuid>,
    /// The language in which whoever applies reads the hub.
    pub language: LanguageTag,
}

/// An answer that is sent.
#[derive(Clone, Debug)]
pub struct NewAnswer {
    /// The question, by its id.
    pub question: String,
    /// In words.
    pub text: Option<String>,
    /// By choices.
    pub choices: Vec<String>,
    /// Yes or no.
    pub yes: Option<bool>,
}

/// What is decided of an application.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Accept, wait or refuse.
    pub step: Step,
    /// The tier that is given; null: the one that was applied for.
    pub tier: Option<MembershipTier>,
    /// Why it is refused; null: it is not.
    pub reason: Option<RefusalReason>,
    /// What is said to it; null: nothing.
    pub note: Option<Texts>,
}

/// A membership as its line states it.
struct Standing {
    id: Uuid,
    line: Line<MembershipRecord>,
    import_hash: Option<String>,
    /// Null: there is none yet.
    status: Option<MembershipStatus>,
}

/// Applies for a membership in one's own name, or takes up an invitation. Whoever applies lets the coordinators see their
/// name, profession and region until it is decided and while they are a member, and the endorser until it is decided.
pub async fn apply(tx: &mut Tx, new: NewApplication) -> Result<Uuid, Fault> {
    let own = permission::own_person(tx).await?;
    let community = seen_community(tx, new.community).await?;
    hold_room(tx, new.community, &community.record).await?;
    let person = lock_person(tx, own).await?;
    let mut standing = standing(tx, (&person, new.community), &community.header.key, new.language.clone()).await?;
    let rules = &community.record;
    let is_invited = standing.status == Some(MembershipStatus::Invited);
    let wanted = if is_invited { standing.line.record.tier.or(new.tier) } else { new.tier };
    rules::check_eligible(rules, person.profession.map(|word| word.0), is_invited)
        .map_err(|fault| fault.of_field("community"))?;
    let tier = rules::tier(rules, wanted, is_invited)?;
    let charter_version = rules::accepted(rules.charter(), new.charter_version)?;
    let answers = answers_of(&rules.questions, new.answers)?;
    rules::check_answers(&rules.questions, &answers)?;
    require_endorser(tx, new.endorser, tier == MembershipTier::Endorsed && !is_invited).await?;
    let status = rules::next(standing.status, Step::Apply { at_once: rules::is_open(rules, tier) })?;
    let is_active = status == MembershipStatus::Active;
    if is_active {
        require_room(tx, (new.community, rules), tier, &person).await?;
        begin(&mut standing.line.record, tx.now().date_naive())?;
    }
    (standing.line.record.status, standing.line.record.tier) = (status, Some(tier));
    write(tx, By::Person, &standing, true).await?;
    let row = ApplicationRow {
        id: tx.new_id(),
        membership_id: standing.id,
        community_id: new.community,
        person_id: own,
        audience: audience(new.community, own, new.endorser),
        status: Word(if is_active { ApplicationStatus::Accepted } else { ApplicationStatus::Pending }),
        tier: Word(tier),
        answers: Json::new(answers),
        charter_version,
        applied_at: tx.now(),
        endorser_id: new.endorser,
        endorsed_at: None,
        decided_at: Some(tx.now()).filter(|_| is_active),
        reason: None,
        note: None,
        original_language: Word(community.header.original_language),
    };
    diesel::insert_into(applications::table).values(&row).execute(tx.conn()).await.map_err(doing)?;
    if new.endorser.is_some() {
        // Whoever is to endorse somebody has to know whom.
        person::audiences::recompute(tx, vec![own], Vec::new()).await?;
    }
    Ok(standing.id)
}

/// Invites somebody whom the coordinators see, who then joins by applying, whatever the community's rules.
pub async fn invite(
    tx: &mut Tx,
    community_id: Uuid,
    invited: Uuid,
    tier: Option<MembershipTier>,
) -> Result<Uuid, Fault> {
    permission::renew(tx).await?;
    let community = seen_community(tx, community_id).await?;
    let owners = owners::of_any(tx.conn(), vec![community_id]).await?;
    // Whoever sees the community may know that it has members.
    let audience = [policy::PUBLIC.to_owned()];
    let subject = Subject::Node { kind: NodeKind::Membership, audience: &audience, owners: &owners };
    permission::allow(&tx.viewer(), Action::Write, subject)?;
    let viewer = tx.viewer();
    let seen = listing::by_ids::<People>(tx.conn(), &viewer, vec![invited]).await?;
    seen.get(&invited).ok_or_else(|| permission::absent().of_field("person"))?;
    let person = lock_person(tx, invited).await?;
    let language = community.header.original_language.clone();
    let mut standing = standing(tx, (&person, community_id), &community.header.key, language).await?;
    let tier = rules::tier(&community.record, tier, true)?;
    standing.line.record.status = rules::next(standing.status, Step::Invite)?;
    standing.line.record.tier = Some(tier);
    write(tx, By::Inviter, &standing, false).await?;
    Ok(standing.id)
}

/// Decides an application, by the coordinators.
pub async fn decide(tx: &mut Tx, target: Target, decision: Decision) -> Result<Uuid, Fault> {
    check_reason(&decision)?;
    // Whoever leaves or withdraws locks the person first too: nobody waits for each other.
    let row = seen_row(tx, target.id).await?;
    let community = seen_community(tx, row.community_id).await?;
    hold_room(tx, row.community_id, &community.record).await?;
    let person = lock_person(tx, row.person_id).await?;
    let (line, import_hash) = editing::open::<Memberships>(tx, target).await?;
    let status = rules::next(Some(line.record.status), decision.step)?;
    let application = open_application(tx, target.id).await?;
    let mut standing = Standing { id: target.id, status: Some(line.record.status), line, import_hash };
    if decision.step == Step::Accept {
        rules::check_eligible(&community.record, None, true)?;
        let tier = rules::tier(&community.record, decision.tier.or(standing.line.record.tier), true)?;
        rules::check_endorsed(tier, application.as_ref().is_some_and(|it| it.endorsed_at.is_some()))?;
        require_room(tx, (row.community_id, &community.record), tier, &person).await?;
        standing.line.record.tier = Some(tier);
        begin(&mut standing.line.record, tx.now().date_naive())?;
    }
    standing.line.record.status = status;
    write(tx, By::Owners, &standing, false).await?;
    let Some(application) = application else { return Ok(target.id) };
    let decided = ApplicationRow {
        status: Word(match status {
            MembershipStatus::Active => ApplicationStatus::Accepted,
            MembershipStatus::Waiting => ApplicationStatus::Waiting,
            MembershipStatus::Refused => ApplicationStatus::Refused,
            MembershipStatus::Applied
            | MembershipStatus::Invited
            | MembershipStatus::Withdrawn
            | MembershipStatus::Ended => application.status.0,
        }),
        tier: standing.line.record.tier.map_or(application.tier, Word),
        decided_at: Some(tx.now()),
        reason: decision.reason.map(Word),
        note: decision.note.map(Json::new),
        ..application
    };
    save_application(tx, &decided).await?;
    Ok(target.id)
}

/// Endorses an application, by the administrators of the organization that is asked to.
pub async fn endorse(tx: &mut Tx, application: Uuid) -> Result<Uuid, Fault> {
    permission::renew(tx).await?;
    let row = locked_application(tx, application).await?.ok_or_else(permission::absent)?;
    let organization = row.endorser_id.ok_or_else(permission::absent)?;
    let subject = Subject::Endorsement { organization, audience: &row.audience };
    permission::allow(&tx.viewer(), Action::Write, subject)?;
    match row.status.0 {
        ApplicationStatus::Pending | ApplicationStatus::Waiting => {}
        ApplicationStatus::Accepted | ApplicationStatus::Refused | ApplicationStatus::Withdrawn => {
            return Err(Fault::new(Code::Conflict, Message::new("membership-not-pending")));
        }
    }
    if row.endorsed_at.is_none() {
        tx.record(Change {
            action: ChangeAction::Updated,
            kind: NodeKind::Membership,
            node_id: row.membership_id,
            fields: vec!["applications".to_owned()],
            communities: vec![row.community_id],
            topics: Vec::new(),
            languages: Vec::new(),
            audiences: None,
        });
        let endorsed = ApplicationRow { endorsed_at: Some(tx.now()), ..row };
        save_application(tx, &endorsed).await?;
    }
    Ok(application)
}

/// Takes an application of one's own back, or declines an invitation.
pub async fn withdraw(tx: &mut Tx, target: Target) -> Result<Uuid, Fault> {
    let standing = own_standing(tx, target).await?;
    step(tx, By::Person, standing, Step::Withdraw).await
}

/// Leaves a community.
pub async fn leave(tx: &mut Tx, target: Target) -> Result<Uuid, Fault> {
    let standing = own_standing(tx, target).await?;
    step(tx, By::Person, standing, Step::End).await
}

/// Ends the membership of somebody, by the coordinators.
pub async fn end(tx: &mut Tx, target: Target) -> Result<Uuid, Fault> {
    let row = seen_row(tx, target.id).await?;
    lock_person(tx, row.person_id).await?;
    let (line, import_hash) = editing::open::<Memberships>(tx, target).await?;
    let standing = Standing { id: target.id, status: Some(line.record.status), line, import_hash };
    step(tx, By::Owners, standing, Step::End).await
}

async fn step(tx: &mut Tx, by: By, mut standing: Standing, step: Step) -> Result<Uuid, Fault> {
    standing.line.record.status = rules::next(standing.status, step)?;
    write(tx, by, &standing, false).await?;
    Ok(standing.id)
}

/// Writes a membership and all that follows from it: who sees whom, and the rights of members.
async fn write(tx: &mut Tx, by: By, standing: &Standing, applies: bool) -> Result<(), Fault> {
    let keys = editing::keys_of(tx, &standing.line.record).await?;
    let (id, hash) = (standing.id, standing.import_hash.as_deref());
    let owed = store::save(tx, (id, by), &standing.line, hash, &keys).await?;
    if applies {
        let now = tx.now();
        let applied = diesel::update(memberships::table.find(id)).set(memberships::applied_at.eq(now));
        applied.execute(tx.conn()).await.map_err(doing)?;
    }
    editing::settle(tx, HashMap::new(), owed).await
}

/// Says that a membership begins today.
fn begin(record: &mut MembershipRecord, today: NaiveDate) -> Result<(), Fault> {
    record.since = Some(ImpreciseDate::new(Some(&today.to_string()), None)?);
    Ok(())
}

/// A community, as far as whoever writes sees it.
async fn seen_community(tx: &mut Tx, id: Uuid) -> Result<Line<CommunityRecord>, Fault> {
    let viewer = tx.viewer();
    let line = node::line_of::<Communities>(tx.conn(), &viewer, id).await?;
    line.filter(|line| !line.header.retired).ok_or_else(|| permission::absent().of_field("community"))
}

/// Refuses an organization that whoever applies does not see, and none where one has to endorse.
async fn require_endorser(tx: &mut Tx, endorser: Option<Uuid>, is_needed: bool) -> Result<(), Fault> {
    match endorser {
        Some(endorser) => {
            let viewer = tx.viewer();
            let found = listing::by_ids::<Organizations>(tx.conn(), &viewer, vec![endorser]).await?;
            found.get(&endorser).map(|_| ()).ok_or_else(|| permission::absent().of_field("endorser"))
        }
        None if is_needed => Err(Fault::bad_input(Message::new("membership-endorser-missing")).of_field("endorser")),
        None => Ok(()),
    }
}

/// A person; nobody else writes what is theirs before the transaction ends.
async fn lock_person(tx: &mut Tx, id: Uuid) -> Result<PersonRow, Fault> {
    person::audiences::lock(tx, vec![id]).await?;
    let system = Viewer::system("joining");
    let person = listing::by_ids::<People>(tx.conn(), &system, vec![id]).await?.remove(&id);
    person.filter(|person| !person.retired).ok_or_else(permission::absent)
}

/// A membership, as far as whoever writes sees it.
async fn seen_row(tx: &mut Tx, id: Uuid) -> Result<MembershipRow, Fault> {
    permission::renew(tx).await?;
    let viewer = tx.viewer();
    let row = listing::by_ids::<Memberships>(tx.conn(), &viewer, vec![id]).await?.remove(&id);
    row.ok_or_else(permission::absent)
}

async fn row_of(tx: &mut Tx, id: Uuid) -> Result<MembershipRow, Fault> {
    let system = Viewer::system("joining");
    let row = listing::by_ids::<Memberships>(tx.conn(), &system, vec![id]).await?.remove(&id);
    row.filter(|row| !row.retired).ok_or_else(permission::absent)
}

/// The membership that a person has in a community, or a new one.
async fn standing(
    tx: &mut Tx,
    (person, community): (&PersonRow, Uuid),
    community_key: &str,
    language: LanguageTag,
) -> Result<Standing, Fault> {
    // SQL: by memberships_person.
    let found: Vec<Uuid> = Sql::new("SELECT id FROM memberships WHERE NOT retired AND person_id = ")
        .uuid(person.id)
        .push(" AND community_id = ")
        .uuid(community)
        .returning::<SqlUuid>()
        .load(tx.conn())
        .await
        .map_err(doing)?;
    if let Some(id) = found.into_iter().next() {
        return standing_of(tx, id).await;
    }
    let id = tx.new_id();
    let mut header = Header::new(language, None, Vec::new());
    header.key = id.to_string();
    let record = MembershipRecord::new(person.key.clone(), community_key.to_owned());
    Ok(Standing { id, line: Line { header, record }, import_hash: None, status: None })
}

async fn standing_of(tx: &mut Tx, id: Uuid) -> Result<Standing, Fault> {
    let system = Viewer::system("joining");
    let row = row_of(tx, id).await?;
    let line = node::line_of::<Memberships>(tx.conn(), &system, id).await?.ok_or_else(permission::absent)?;
    Ok(Standing { id, line, import_hash: row.import_hash, status: Some(row.status.0) })
}

/// A membership of whoever writes; of others, `NOT_FOUND`.
async fn own_standing(tx: &mut Tx, target: Target) -> Result<Standing, Fault> {
    let own = permission::own_person(tx).await?;
    lock_person(tx, own).await?;
    let row = row_of(tx, target.id).await?;
    if row.person_id != own {
        return Err(permission::absent());
    }
    editing::require_version(target, row.version)?;
    standing_of(tx, target.id).await
}

/// Has whoever else decides wait, where a region has only so much room. Before the person, as edits of the community lock it
/// before the people who hold roles in it.
async fn hold_room(tx: &mut Tx, id: Uuid, community: &CommunityRecord) -> Result<(), Fault> {
    if community.tiers.iter().all(|rule| rule.max_per_region.is_none()) {
        return Ok(());
    }
    // SQL: by primary key.
    Sql::new("SELECT id FROM communities WHERE id = ")
        .uuid(id)
        .push(" FOR NO KEY UPDATE")
        .returning::<SqlUuid>()
        .load::<Uuid>(tx.conn())
        .await
        .map(|_| ())
        .map_err(doing)
}

/// Refuses another member of a tier from a region that has enough.
async fn require_room(
    tx: &mut Tx,
    (id, community): (Uuid, &CommunityRecord),
    tier: MembershipTier,
    person: &PersonRow,
) -> Result<(), Fault> {
    let rule = community.tiers.iter().find(|rule| rule.tier == tier && rule.max_per_region.is_some());
    let Some(rule) = rule else { return Ok(()) };
    // SQL: memberships by memberships_community, people by primary key.
    let there: i64 = Sql::new("SELECT count(*) FROM memberships m JOIN people p ON p.id = m.person_id WHERE m.status = 'ACTIVE' AND NOT m.retired AND m.community_id = ")
        .uuid(id)
        .push(" AND m.tier = ")
        .text(tier.as_ref())
        .push(" AND p.region = ")
        .text(person.region.clone().unwrap_or_default())
        .push(" AND p.id <> ")
        .uuid(person.id)
        .returning::<BigInt>()
        .get_result(tx.conn())
        .await
        .map_err(doing)?;
    rules::check_quota(rule, person.region.as_deref(), there)
}

fn answers_of(questions: &[Question], answers: Vec<NewAnswer>) -> Result<Vec<Answer>, Fault> {
    let mut fitted = Vec::new();
    for answer in answers {
        let question = questions.iter().find(|question| question.id == answer.question);
        let Some(question) = question.cloned() else {
            let field = format!("answers/{}", messages::excerpt(&answer.question));
            return Err(Fault::bad_input(Message::new("answer-unasked")).of_field(&field));
        };
        fitted.push(Answer { question, text: answer.text, choices: answer.choices, yes: answer.yes });
    }
    Ok(fitted)
}

fn check_reason(decision: &Decision) -> Result<(), Fault> {
    if let Some(note) = &decision.note {
        note.check(MAX_NOTE_CHARS).map_err(|message| Fault::bad_input(message).of_field("note"))?;
    }
    match (decision.step == Step::Refuse, decision.reason) {
        (true, None) => Err(Fault::bad_input(Message::new("refusal-without-reason")).of_field("reason")),
        (true, Some(RefusalReason::Other)) if decision.note.as_ref().is_none_or(Texts::is_empty) => {
            Err(Fault::bad_input(Message::new("refusal-without-note")).of_field("note"))
        }
        (false, Some(_)) => Err(Fault::bad_input(Message::new("reason-without-refusal")).of_field("reason")),
        (true, Some(_)) | (false, None) => Ok(()),
    }
}

/// Who sees an application: atoms, sorted.
fn audience(community: Uuid, person: Uuid, endorser: Option<Uuid>) -> Vec<String> {
    let admin = endorser.map(|id| format!("admin:{id}"));
    admin.into_iter().chain([format!("coordinator:{community}"), format!("self:{person}")]).collect()
}

/// The application that is still to be decided; null: none, as the membership came from elsewhere.
async fn open_application(tx: &mut Tx, membership: Uuid) -> Result<Option<ApplicationRow>, Fault> {
    // SQL: by applications_open.
    let open: Vec<Uuid> =
        Sql::new("SELECT id FROM applications WHERE status IN ('PENDING', 'WAITING') AND membership_id = ")
            .uuid(membership)
            .returning::<SqlUuid>()
            .load(tx.conn())
            .await
            .map_err(doing)?;
    match open.into_iter().next() {
        Some(id) => locked_application(tx, id).await,
        None => Ok(None),
    }
}

/// An application; nobody else writes it before the transaction ends.
async fn locked_application(tx: &mut Tx, id: Uuid) -> Result<Option<ApplicationRow>, Fault> {
    // SQL: by primary key.
    Sql::new("SELECT id FROM applications WHERE id = ")
        .uuid(id)
        .push(" FOR UPDATE")
        .returning::<SqlUuid>()
        .load::<Uuid>(tx.conn())
        .await
        .map_err(doing)?;
    let system = Viewer::system("joining");
    Ok(listing::by_ids::<Applications>(tx.conn(), &system, vec![id]).await?.remove(&id))
}

async fn save_application(tx: &mut Tx, row: &ApplicationRow) -> Result<(), Fault> {
    let saved = diesel::update(applications::table.find(row.id)).set(row).execute(tx.conn()).await;
    saved.map(|_| ()).map_err(doing)
}

fn doing(error: diesel::result::Error) -> Fault {
    Fault::database("writing an application", error)
}
