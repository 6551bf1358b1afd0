//! How organizations are written, in the contract.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use uuid::Uuid;

use crate::domain::editing::{Name, Named};
use crate::domain::node::Line;
use crate::domain::organization::graph::Organization;
use crate::domain::organization::record::{
    Address, ExternalIdentifier, IdentifierScheme, OrganizationKind, OrganizationRecord, OrganizationStatus,
};
use crate::domain::organization::store::Organizations;
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

/// A postal address.
#[derive(Clone, Debug, InputObject)]
pub struct AddressInput {
    /// Street lines.
    #[graphql(default)]
    lines: Vec<String>,
    /// The city, town or village.
    locality: Option<String>,
    /// ISO 3166-2, for example CA-ON.
    region: Option<String>,
    /// The postal code.
    postal_code: Option<String>,
    /// ISO 3166-1 alpha-2, for example CA.
    country: Option<String>,
}

/// An identifier that others gave an organization.
#[derive(Clone, Debug, InputObject)]
pub struct ExternalIdentifierInput {
    /// Whose numbering it is.
    scheme: Word<IdentifierScheme>,
    /// The identifier, with or without an address around it.
    value: String,
}

/// The fields of an organization. What is left out stays as it is; null takes away what a field held; a list takes the place
/// of the list that was there.
#[derive(Clone, Debug, InputObject)]
pub struct OrganizationFieldsInput {
    /// What sort of organization it is; null: as it is.
    kind: Option<Word<OrganizationKind>>,
    /// What it is called, at most 300 characters; null: as it is.
    name: Option<Vec<TextInput>>,
    /// Other names and acronyms.
    aliases: MaybeUndefined<Vec<StatementInput>>,
    /// What it is, in a few sentences.
    summary: MaybeUndefined<Vec<TextInput>>,
    /// The state of the world it works for.
    vision: MaybeUndefined<Vec<TextInput>>,
    /// What it does towards its vision.
    mission: MaybeUndefined<Vec<TextInput>>,
    /// Its aims, in its own order.
    aims: MaybeUndefined<Vec<StatementInput>>,
    /// When it was founded.
    founded: MaybeUndefined<ImpreciseDateInput>,
    /// Where it is.
    addresses: MaybeUndefined<Vec<AddressInput>>,
    /// Telephone.
    phone: MaybeUndefined<String>,
    /// Fax.
    fax: MaybeUndefined<String>,
    /// The e-mail address of a role, never of a person.
    email: MaybeUndefined<String>,
    /// Its own site.
    website: MaybeUndefined<String>,
    /// Identifiers that others gave it.
    identifiers: MaybeUndefined<Vec<ExternalIdentifierInput>>,
    /// The organization it is part of.
    parent: MaybeUndefined<ID>,
    /// The languages it works in.
    languages: MaybeUndefined<Vec<LanguageTag>>,
    /// Whether it is at work; null: as it is.
    status: Option<Word<OrganizationStatus>>,
}

/// Changes an organization.
#[derive(Clone, Debug, InputObject)]
pub struct OrganizationEditInput {
    /// The organization.
    organization: ID,
    /// The version that you have seen; if it is another one by now, nothing is done (`CONFLICT`). Null: whichever there is.
    expected_version: Option<i32>,
    /// Its new name in addresses; the old one keeps leading to it. Null: as it is.
    slug: Option<String>,
    /// What is to change.
    fields: OrganizationFieldsInput,
    /// Where what you write comes from; added to the sources that are there.
    sources: Option<Vec<SourceInput>>,
    /// Why, for the audit; at most 300 characters.
    reason: Option<String>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// Writes a new organization.
#[derive(Clone, Debug, InputObject)]
pub struct OrganizationCreateInput {
    /// Its name in addresses; null: made by the hub.
    slug: Option<String>,
    /// The language that it is written in.
    original_language: LanguageTag,
    /// Its fields. It has a name; its kind is OTHER and its status ACTIVE unless they say otherwise.
    fields: OrganizationFieldsInput,
    /// Where what you write comes from.
    sources: Option<Vec<SourceInput>>,
    /// Why, for the audit; at most 300 characters.
    reason: Option<String>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// What came of writing an organization.
#[derive(SimpleObject)]
pub struct OrganizationPayload {
    /// The organization as it is now; null: nothing was done.
    organization: Option<Organization>,
    /// What is to be mended; empty: it was done.
    user_errors: Vec<UserError>,
}

impl Fields<Organizations> for OrganizationFieldsInput {
    fn names(&self) -> Result<Vec<Name>, Fault> {
        match &self.parent {
            MaybeUndefined::Value(parent) => Ok(vec![input::named("parent", NodeKind::Organization, parent)?]),
            MaybeUndefined::Null | MaybeUndefined::Undefined => Ok(Vec::new()),
        }
    }

    fn write(self, line: &mut Line<OrganizationRecord>, named: &Named) -> Result<(), Fault> {
        let record = &mut line.record;
        record.organization_kind = self.kind.map_or(record.organization_kind, |kind| kind.0);
        input::change_required_text(&mut record.name, self.name, "name")?;
        input::change_statements(&mut record.aliases, self.aliases, "aliases")?;
        input::change_text(&mut record.summary, self.summary, "summary")?;
        input::change_text(&mut record.vision, self.vision, "vision")?;
        input::change_text(&mut record.mission, self.mission, "mission")?;
        input::change_statements(&mut record.aims, self.aims, "aims")?;
        input::change_date(&mut record.founded, self.founded, "founded")?;
        if let Some(addresses) = input::list(self.addresses, "addresses")? {
            record.addresses = (1..).zip(addresses).map(|(number, address)| address.into_record(number)).collect();
        }
        input::change(&mut record.phone, self.phone);
        input::change(&mut record.fax, self.fax);
        input::change(&mut record.email, self.email);
        input::change(&mut record.website, self.website);
        if let Some(identifiers) = input::list(self.identifiers, "identifiers")? {
            let one = |it: ExternalIdentifierInput| ExternalIdentifier { scheme: it.scheme.0, value: it.value };
            record.identifiers = identifiers.into_iter().map(one).collect();
        }
        let parent = self.parent.map_value(|id| named.key(id::decode_as(NodeKind::Organization, &id)?));
        input::change(&mut record.parent, parent.transpose()?);
        input::change_languages(&mut record.languages, self.languages, "languages")?;
        record.status = self.status.map_or(record.status, |status| status.0);
        Ok(())
    }
}

impl AddressInput {
    fn into_record(self, number: usize) -> Address {
        Address {
            id: format!("{number}"),
            lines: self.lines,
            locality: self.locality,
            region: self.region,
            postal_code: self.postal_code,
            country: self.country,
        }
    }
}

/// Organizations at the root.
#[derive(Default)]
pub struct OrganizationMutation;

/// Organizations at the root.
#[Object]
impl OrganizationMutation {
    /// Writes a new organization, by administrators of the hub.
    async fn organization_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: OrganizationCreateInput,
    ) -> Result<OrganizationPayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key, input.reason)?;
        let new = New { original_language: input.original_language, slug: input.slug, sources: input.sources };
        let record = Ok(OrganizationRecord::blank());
        let outcome = edit::create::<Organizations>(&scope, call, new, record, input.fields).await?;
        payload(&scope, outcome).await
    }

    /// Changes an organization, by its administrators.
    async fn organization_edit(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: OrganizationEditInput,
    ) -> Result<OrganizationPayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key, input.reason)?;
        let edit = Edit {
            node: ("organization", &input.organization),
            expected_version: input.expected_version,
            slug: input.slug,
            sources: input.sources,
        };
        let outcome = edit::edit::<Organizations>(&scope, call, edit, input.fields).await?;
        payload(&scope, outcome).await
    }
}

async fn payload(scope: &Scope, outcome: Outcome<Uuid>) -> Result<OrganizationPayload, Fault> {
    Ok(match outcome {
        Ok(id) => OrganizationPayload { organization: page::by_id(scope, id).await?, user_errors: Vec::new() },
        Err(user_errors) => OrganizationPayload { organization: None, user_errors },
    })
}
