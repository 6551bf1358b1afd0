//! How projects are written, in the contract.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use uuid::Uuid;

use crate::domain::editing::{Name, Named};
use crate::domain::node::Line;
use crate::domain::project::graph::Project;
use crate::domain::project::record::{ProjectPersonRecord, ProjectRecord, ProjectRole, ProjectStatus};
use crate::domain::project::store::Projects;
use crate::error::Fault;
use crate::graph::edit::{self, Edit, Fields, New};
use crate::graph::id;
use crate::graph::input::{self, ImpreciseDateInput, SourceInput, StatementInput, TextInput};
use crate::graph::mutation::{Call, Outcome, UserError};
use crate::graph::page;
use crate::graph::scope::Scope;
use crate::graph::text::LanguageTag;
use crate::graph::word::Word;
use crate::policy::NodeKind;

/// Somebody who works in a project.
#[derive(Clone, Debug, InputObject)]
pub struct ProjectPersonInput {
    /// The person.
    person: ID,
    /// What the person does in it.
    role: Word<ProjectRole>,
}

/// The fields of a project. What is left out stays as it is; null takes away what a field held
/// that may hold nothing, and empties a list; a list takes the place of the one that was there.
#[derive(Clone, Debug, InputObject)]
pub struct ProjectFieldsInput {
    /// What it is called, at most 300 characters; null: as it is.
    title: Option<Vec<TextInput>>,
    /// What it is about.
    summary: MaybeUndefined<Vec<TextInput>>,
    /// Where it stands.
    status: MaybeUndefined<Word<ProjectStatus>>,
    /// When it began.
    started: MaybeUndefined<ImpreciseDateInput>,
    /// When it ended, or is to end.
    ended: MaybeUndefined<ImpreciseDateInput>,
    /// What came of it, besides its KT items.
    outputs: MaybeUndefined<Vec<StatementInput>>,
    /// The organization that leads it.
    lead: MaybeUndefined<ID>,
    /// The organizations that work in it.
    partners: MaybeUndefined<Vec<ID>>,
    /// The organizations that pay for it.
    funders: MaybeUndefined<Vec<ID>>,
    /// Who works in it, in its own order.
    people: MaybeUndefined<Vec<ProjectPersonInput>>,
    /// The communities that it belongs to.
    communities: MaybeUndefined<Vec<ID>>,
    /// The organization whose administrators may edit it. You have to run it, and the one that did so before; where none did,
    /// administrators of the hub say so.
    managed_by: MaybeUndefined<ID>,
}

/// Changes a project.
#[derive(Clone, Debug, InputObject)]
pub struct ProjectEditInput {
    /// The project.
    project: ID,
    /// The version that you have seen; if it is another one by now, nothing is done (`CONFLICT`). Null: whichever there is.
    expected_version: Option<i32>,
    /// Its new name in addresses; the old one keeps leading to it. Null: as it is.
    slug: Option<String>,
    /// What is to change.
    fields: ProjectFieldsInput,
    /// Where what you write comes from; added to the sources that are there.
    sources: Option<Vec<SourceInput>>,
    /// Why, for the audit; at most 300 characters.
    reason: Option<String>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// Writes a new project.
#[derive(Clone, Debug, InputObject)]
pub struct ProjectCreateInput {
    /// Its name in addresses; null: made by the hub.
    slug: Option<String>,
    /// The language that it is written in.
    original_language: LanguageTag,
    /// Its fields; it has a title.
    fields: ProjectFieldsInput,
    /// Where what you write comes from.
    sources: Option<Vec<SourceInput>>,
    /// Why, for the audit; at most 300 characters.
    reason: Option<String>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// What came of writing a project.
#[derive(SimpleObject)]
pub struct ProjectPayload {
    /// The project as it is now; null: nothing was done.
    project: Option<Project>,
    /// What is to be mended; empty: it was done.
    user_errors: Vec<UserError>,
}

impl Fields<Projects> for ProjectFieldsInput {
    fn names(&self) -> Result<Vec<Name>, Fault> {
        let mut names = Vec::new();
        for (field, organization) in [("lead", &self.lead), ("managedBy", &self.managed_by)] {
            if let MaybeUndefined::Value(organization) = organization {
                names.push(input::named(field, NodeKind::Organization, organization)?);
            }
        }
        names.extend(input::all_named("partners", NodeKind::Organization, &self.partners)?);
        names.extend(input::all_named("funders", NodeKind::Organization, &self.funders)?);
        names.extend(input::all_named("communities", NodeKind::Community, &self.communities)?);
        let people = self.people.value().map(Vec::as_slice).unwrap_or_default();
        input::bounded(people, "people")?;
        for one in people {
            names.push(input::named("people", NodeKind::Person, &one.person)?);
        }
        Ok(names)
    }

    fn write(self, line: &mut Line<ProjectRecord>, named: &Named) -> Result<(), Fault> {
        let record = &mut line.record;
        let organization = |id: ID| named.key(id::decode_as(NodeKind::Organization, &id)?);
        input::change_required_text(&mut record.title, self.title, "title")?;
        input::change_text(&mut record.summary, self.summary, "summary")?;
        input::change_word(&mut record.status, self.status);
        input::change_date(&mut record.started, self.started, "started")?;
        input::change_date(&mut record.ended, self.ended, "ended")?;
        input::change_statements(&mut record.outputs, self.outputs, "outputs")?;
        input::change(&mut record.lead, self.lead.map_value(organization).transpose()?);
        input::change_keys(&mut record.partners, self.partners, ("partners", NodeKind::Organization), named)?;
        input::change_keys(&mut record.funders, self.funders, ("funders", NodeKind::Organization), named)?;
        if let Some(people) = input::list(self.people, "people")? {
            record.people.clear();
            for one in people {
                let person = named.key(id::decode_as(NodeKind::Person, &one.person)?)?;
                record.people.push(ProjectPersonRecord { person, role: one.role.0 });
            }
        }
        input::change_keys(&mut record.communities, self.communities, ("communities", NodeKind::Community), named)?;
        input::change(&mut record.managed_by, self.managed_by.map_value(organization).transpose()?);
        Ok(())
    }
}

/// Projects at the root.
#[derive(Default)]
pub struct ProjectMutation;

/// Projects at the root.
#[Object]
impl ProjectMutation {
    /// Writes a new project, by administrators of the organization that manages it, or of the hub.
    async fn project_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ProjectCreateInput,
    ) -> Result<ProjectPayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key, input.reason)?;
        let new = New { original_language: input.original_language, slug: input.slug, sources: input.sources };
        let record = Ok(ProjectRecord::blank());
        let outcome = edit::create::<Projects>(&scope, call, new, record, input.fields).await?;
        payload(&scope, outcome).await
    }

    /// Changes a project, by administrators of the organization that manages it.
    async fn project_edit(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ProjectEditInput,
    ) -> Result<ProjectPayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key, input.reason)?;
        let edit = Edit {
            node: ("project", &input.project),
            expected_version: input.expected_version,
            slug: input.slug,
            sources: input.sources,
        };
        let outcome = edit::edit::<Projects>(&scope, call, edit, input.fields).await?;
        payload(&scope, outcome).await
    }
}

async fn payload(scope: &Scope, outcome: Outcome<Uuid>) -> Result<ProjectPayload, Fault> {
    Ok(match outcome {
        Ok(id) => ProjectPayload { project: page::by_id(scope, id).await?, user_errors: Vec::new() },
        Err(user_errors) => ProjectPayload { project: None, user_errors },
    })
}
