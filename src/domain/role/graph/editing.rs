//! How roles are written, in the contract.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use uuid::Uuid;

use crate::domain::editing::{Name, Named};
use crate::domain::node::Line;
use crate::domain::record::NodeReference;
use crate::domain::role::graph::Role;
use crate::domain::role::record::{RoleKind, RoleRecord};
use crate::domain::role::store::Roles;
use crate::error::Fault;
use crate::graph::edit::{self, Edit, Fields, New};
use crate::graph::id;
use crate::graph::input::{self, ImpreciseDateInput, SourceInput, TextInput};
use crate::graph::mutation::{Call, Outcome, UserError};
use crate::graph::page;
use crate::graph::scope::Scope;
use crate::graph::text::LanguageTag;
use crate::graph::word::Word;
use crate::policy::NodeKind;
use crate::text::messages::Message;

/// The fields of a role that change. What is left out stays as it is; null takes away what a field held.
#[derive(Clone, Debug, InputObject)]
pub struct RoleFieldsInput {
    /// What the source calls it.
    title: MaybeUndefined<Vec<TextInput>>,
    /// Since when.
    since: MaybeUndefined<ImpreciseDateInput>,
    /// Until when; null: not stated, or it goes on.
    until: MaybeUndefined<ImpreciseDateInput>,
}

/// Publishes that somebody holds a role.
#[derive(Clone, Debug, InputObject)]
pub struct RoleCreateInput {
    /// The person. A role shows their name, honorific, profession and home organization to whoever sees the community or
    /// organization, whatever they consented to.
    person: ID,
    /// The community or organization.
    of: ID,
    /// What the person is to it.
    kind: Word<RoleKind>,
    /// The language that it is written in.
    original_language: LanguageTag,
    /// The rest of it.
    fields: RoleFieldsInput,
    /// Where it was published: at least one source.
    sources: Vec<SourceInput>,
    /// Why, for the audit; at most 300 characters.
    reason: Option<String>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// Changes a role, such as when it ended. Who holds which role in what does not change: that is another role.
#[derive(Clone, Debug, InputObject)]
pub struct RoleEditInput {
    /// The role.
    role: ID,
    /// The version that you have seen; if it is another one by now, nothing is done (`CONFLICT`). Null: whichever there is.
    expected_version: Option<i32>,
    /// What is to change.
    fields: RoleFieldsInput,
    /// Where what you write comes from; added to the sources that are there.
    sources: Option<Vec<SourceInput>>,
    /// Why, for the audit; at most 300 characters.
    reason: Option<String>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// Retires a role: it keeps its place in the log, and nobody sees it any more.
#[derive(Clone, Debug, InputObject)]
pub struct RoleRetireInput {
    /// The role.
    role: ID,
    /// The version that you have seen; if it is another one by now, nothing is done (`CONFLICT`). Null: whichever there is.
    expected_version: Option<i32>,
    /// Why, for the audit; at most 300 characters.
    reason: Option<String>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// What came of writing a role.
#[derive(SimpleObject)]
pub struct RolePayload {
    /// The role as it is now; null: nothing was done, or it was retired.
    role: Option<Role>,
    /// What is to be mended; empty: it was done.
    user_errors: Vec<UserError>,
}

impl Fields<Roles> for RoleFieldsInput {
    fn names(&self) -> Result<Vec<Name>, Fault> {
        Ok(Vec::new())
    }

    fn write(self, line: &mut Line<RoleRecord>, _named: &Named) -> Result<(), Fault> {
        let record = &mut line.record;
        input::change_text(&mut record.title, self.title, "title")?;
        input::change_date(&mut record.from, self.since, "since")?;
        input::change_date(&mut record.until, self.until, "until")
    }
}

/// The fields of a new role, with whose it is and where.
struct NewRole {
    person: ID,
    of: ID,
    fields: RoleFieldsInput,
}

impl Fields<Roles> for NewRole {
    fn names(&self) -> Result<Vec<Name>, Fault> {
        let person = input::named("person", NodeKind::Person, &self.person)?;
        let (kind, id) = id::decode(&self.of).map_err(|fault| fault.of_field("of"))?;
        Ok(vec![person, ("of", kind, id)])
    }

    fn write(self, line: &mut Line<RoleRecord>, named: &Named) -> Result<(), Fault> {
        line.record.person = named.key(id::decode(&self.person)?.1)?;
        line.record.of.key = named.key(id::decode(&self.of)?.1)?;
        self.fields.write(line, named)
    }
}

/// Roles at the root.
#[derive(Default)]
pub struct RoleMutation;

/// Roles at the root.
#[Object]
impl RoleMutation {
    /// Publishes that somebody holds a role, by those who run the community or organization. A role is a published fact, and
    /// gives no right.
    async fn role_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: RoleCreateInput,
    ) -> Result<RolePayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key, input.reason)?;
        let record = || -> Result<_, Fault> {
            if input.sources.is_empty() {
                return Err(Fault::bad_input(Message::new("role-without-source")).of_field("sources"));
            }
            let (kind, _) = id::decode(&input.of).map_err(|fault| fault.of_field("of"))?;
            Ok(RoleRecord::new(NodeReference { kind, key: String::new() }, input.kind.0))
        };
        let record = record();
        let new = New { original_language: input.original_language, slug: None, sources: Some(input.sources) };
        let fields = NewRole { person: input.person, of: input.of, fields: input.fields };
        let outcome = edit::create::<Roles>(&scope, call, new, record, fields).await?;
        payload(&scope, outcome).await
    }

    /// Changes a role, by those who run the community or organization: to say when it ended, for one.
    async fn role_edit(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: RoleEditInput,
    ) -> Result<RolePayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key, input.reason)?;
        let edit = Edit {
            node: ("role", &input.role),
            expected_version: input.expected_version,
            slug: None,
            sources: input.sources,
        };
        let outcome = edit::edit::<Roles>(&scope, call, edit, input.fields).await?;
        payload(&scope, outcome).await
    }

    /// Takes back that somebody held a role, by those who run the community or organization: it was an error. One that ended
    /// has an `until` instead.
    async fn role_retire(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: RoleRetireInput,
    ) -> Result<RolePayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key, input.reason)?;
        let node = ("role", NodeKind::Role, &input.role);
        let outcome = edit::retire(&scope, call, node, input.expected_version).await?;
        payload(&scope, outcome).await
    }
}

async fn payload(scope: &Scope, outcome: Outcome<Uuid>) -> Result<RolePayload, Fault> {
    Ok(match outcome {
        Ok(id) => RolePayload { role: page::by_id(scope, id).await?, user_errors: Vec::new() },
        Err(user_errors) => RolePayload { role: None, user_errors },
    })
}
