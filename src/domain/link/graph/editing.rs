//! How links are written, in the contract.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use uuid::Uuid;

use crate::domain::editing::{Name, Named};
use crate::domain::link::graph::Link;
use crate::domain::link::record::LinkRecord;
use crate::domain::link::rules::LinkKind;
use crate::domain::link::store::Links;
use crate::domain::node::Line;
use crate::domain::record::NodeReference;
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

/// The fields of a link that change. What is left out stays as it is; null takes away what a field held.
#[derive(Clone, Debug, InputObject)]
pub struct LinkFieldsInput {
    /// Since when.
    since: MaybeUndefined<ImpreciseDateInput>,
    /// Until when; null: not stated, or it goes on.
    until: MaybeUndefined<ImpreciseDateInput>,
    /// What else the source says.
    note: MaybeUndefined<Vec<TextInput>>,
}

/// Links two nodes.
#[derive(Clone, Debug, InputObject)]
pub struct LinkCreateInput {
    /// What the link says.
    kind: Word<LinkKind>,
    /// Where it starts.
    from: ID,
    /// Where it leads.
    to: ID,
    /// The language that it is written in.
    original_language: LanguageTag,
    /// The rest of it.
    fields: LinkFieldsInput,
    /// Where it comes from.
    sources: Option<Vec<SourceInput>>,
    /// Why, for the audit; at most 300 characters.
    reason: Option<String>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// Changes a link, such as when it ended. What it joins does not change: that is another link.
#[derive(Clone, Debug, InputObject)]
pub struct LinkEditInput {
    /// The link.
    link: ID,
    /// The version that you have seen; if it is another one by now, nothing is done (`CONFLICT`). Null: whichever there is.
    expected_version: Option<i32>,
    /// What is to change.
    fields: LinkFieldsInput,
    /// Where what you write comes from; added to the sources that are there.
    sources: Option<Vec<SourceInput>>,
    /// Why, for the audit; at most 300 characters.
    reason: Option<String>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// Retires a link: it keeps its place in the log, and nobody sees it any more.
#[derive(Clone, Debug, InputObject)]
pub struct LinkRetireInput {
    /// The link.
    link: ID,
    /// The version that you have seen; if it is another one by now, nothing is done (`CONFLICT`). Null: whichever there is.
    expected_version: Option<i32>,
    /// Why, for the audit; at most 300 characters.
    reason: Option<String>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// What came of writing a link.
#[derive(SimpleObject)]
pub struct LinkPayload {
    /// The link as it is now; null: nothing was done, or it was retired.
    link: Option<Link>,
    /// What is to be mended; empty: it was done.
    user_errors: Vec<UserError>,
}

impl Fields<Links> for LinkFieldsInput {
    fn names(&self) -> Result<Vec<Name>, Fault> {
        Ok(Vec::new())
    }

    fn write(self, line: &mut Line<LinkRecord>, _named: &Named) -> Result<(), Fault> {
        let record = &mut line.record;
        input::change_date(&mut record.since, self.since, "since")?;
        input::change_date(&mut record.until, self.until, "until")?;
        input::change_text(&mut record.note, self.note, "note")
    }
}

/// The fields of a new link, with its ends.
struct NewLink {
    from: ID,
    to: ID,
    fields: LinkFieldsInput,
}

impl Fields<Links> for NewLink {
    fn names(&self) -> Result<Vec<Name>, Fault> {
        let end = |field, id: &ID| -> Result<Name, Fault> {
            let (kind, id) = id::decode(id).map_err(|fault| fault.of_field(field))?;
            Ok((field, kind, id))
        };
        Ok(vec![end("from", &self.from)?, end("to", &self.to)?])
    }

    fn write(self, line: &mut Line<LinkRecord>, named: &Named) -> Result<(), Fault> {
        line.record.from.key = named.key(id::decode(&self.from)?.1)?;
        line.record.to.key = named.key(id::decode(&self.to)?.1)?;
        self.fields.write(line, named)
    }
}

/// Links at the root.
#[derive(Default)]
pub struct LinkMutation;

/// Links at the root.
#[Object]
impl LinkMutation {
    /// Links two nodes. What is linked to an organization is listed with it: its administrators say so, or those who run what it
    /// manages; between two organizations those of either, else those who run the end where the link starts.
    async fn link_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: LinkCreateInput,
    ) -> Result<LinkPayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key, input.reason)?;
        let end = |field, id: &ID| -> Result<_, Fault> {
            let (kind, _) = id::decode(id).map_err(|fault| fault.of_field(field))?;
            Ok(NodeReference { kind, key: String::new() })
        };
        let ends = end("from", &input.from).and_then(|from| Ok((from, end("to", &input.to)?)));
        let record = ends.map(|(from, to)| LinkRecord::new(input.kind.0, from, to));
        let new = New { original_language: input.original_language, slug: None, sources: input.sources };
        let fields = NewLink { from: input.from, to: input.to, fields: input.fields };
        let outcome = edit::create::<Links>(&scope, call, new, record, fields).await?;
        payload(&scope, outcome).await
    }

    /// Changes a link, by those who run either of its ends: to say when it ended, for one.
    async fn link_edit(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: LinkEditInput,
    ) -> Result<LinkPayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key, input.reason)?;
        let edit = Edit {
            node: ("link", &input.link),
            expected_version: input.expected_version,
            slug: None,
            sources: input.sources,
        };
        let outcome = edit::edit::<Links>(&scope, call, edit, input.fields).await?;
        payload(&scope, outcome).await
    }

    /// Takes a link back, by those who run either of its ends: it was an error. One that ended has an `until` instead.
    async fn link_retire(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: LinkRetireInput,
    ) -> Result<LinkPayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key, input.reason)?;
        let node = ("link", NodeKind::Link, &input.link);
        let outcome = edit::retire(&scope, call, node, input.expected_version).await?;
        payload(&scope, outcome).await
    }
}

async fn payload(scope: &Scope, outcome: Outcome<Uuid>) -> Result<LinkPayload, Fault> {
    Ok(match outcome {
        Ok(id) => LinkPayload { link: page::by_id(scope, id).await?, user_errors: Vec::new() },
        Err(user_errors) => LinkPayload { link: None, user_errors },
    })
}
