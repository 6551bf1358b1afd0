//! How items are written, published and retired, in the contract.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use chrono::SubsecRound;
use futures_util::FutureExt;
use uuid::Uuid;

use crate::domain::editing::{Name, Named};
use crate::domain::item::graph::Item;
use crate::domain::item::record::{AuthorRecord, EvidenceLevel, ItemKind, ItemRecord, Readership};
use crate::domain::item::store::{self, Items};
use crate::domain::node::Line;
use crate::error::Fault;
use crate::graph::edit::{self, Edit, Fields, New};
use crate::graph::id;
use crate::graph::input::{self, ImpreciseDateInput, SourceInput, TextInput};
use crate::graph::mutation::{Call, Outcome, UserError};
use crate::graph::page;
use crate::graph::scope::Scope;
use crate::graph::text::{DateTime, LanguageTag};
use crate::graph::word::Word;
use crate::policy::NodeKind;

/// An author of an item.
#[derive(Clone, Debug, InputObject)]
pub struct AuthorInput {
    /// The name as printed; it is shown whoever may see the person.
    byline: String,
    /// The person; null: the hub does not know them.
    person: Option<ID>,
}

/// The fields of a KT item. What is left out stays as it is; null takes away what a field held
/// that may hold nothing, and empties a list; a list takes the place of the one that was there.
#[derive(Clone, Debug, InputObject)]
pub struct ItemFieldsInput {
    /// What sort of thing it is; null: as it is.
    kind: Option<Word<ItemKind>>,
    /// What it is called, at most 300 characters; null: as it is.
    title: Option<Vec<TextInput>>,
    /// What it says, in a paragraph.
    summary: MaybeUndefined<Vec<TextInput>>,
    /// Where it is.
    url: MaybeUndefined<String>,
    /// The thing itself, in Markdown; at most 50,000 characters. Nothing about patients, please.
    body: MaybeUndefined<Vec<TextInput>>,
    /// Whom it is written for.
    intended_for: MaybeUndefined<Vec<Word<Readership>>>,
    /// The licence it is under, best as an SPDX identifier.
    licence: MaybeUndefined<String>,
    /// The languages that the thing itself is in.
    content_languages: MaybeUndefined<Vec<LanguageTag>>,
    /// Who made it, in the order of the byline. People among them may edit it, by their accounts.
    authors: MaybeUndefined<Vec<AuthorInput>>,
    /// The communities that it belongs to: those that you belong to, one at least.
    communities: MaybeUndefined<Vec<ID>>,
    /// The project that it came out of.
    project: MaybeUndefined<ID>,
    /// Its topics.
    topics: MaybeUndefined<Vec<ID>>,
    /// The DOI.
    doi: MaybeUndefined<String>,
    /// What its findings rest on.
    evidence_level: MaybeUndefined<Word<EvidenceLevel>>,
    /// When it was issued or took place.
    issued: MaybeUndefined<ImpreciseDateInput>,
}

/// Writes a new item, as a draft.
#[derive(Clone, Debug, InputObject)]
pub struct ItemCreateInput {
    /// Its name in addresses; null: made by the hub.
    slug: Option<String>,
    /// The language that it is written in.
    original_language: LanguageTag,
    /// Its fields. It has a title; its kind is OTHER unless they say otherwise.
    fields: ItemFieldsInput,
    /// Where the item comes from.
    sources: Option<Vec<SourceInput>>,
    /// Why, for the audit; at most 300 characters.
    reason: Option<String>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// Changes an item.
#[derive(Clone, Debug, InputObject)]
pub struct ItemEditInput {
    /// The item.
    item: ID,
    /// The version that you have seen; if it is another one by now, nothing is done (`CONFLICT`). Null: whichever there is.
    expected_version: Option<i32>,
    /// Its new name in addresses; the old one keeps leading to it. Null: as it is.
    slug: Option<String>,
    /// What is to change.
    fields: ItemFieldsInput,
    /// Where what you write comes from; added to the sources that are there.
    sources: Option<Vec<SourceInput>>,
    /// Why, for the audit; at most 300 characters.
    reason: Option<String>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// Publishes an item: at once, or at times to come. Sent again before everybody sees it, it changes the times.
#[derive(Clone, Debug, InputObject)]
pub struct ItemPublishInput {
    /// The item.
    item: ID,
    /// The version that you have seen; if it is another one by now, nothing is done (`CONFLICT`). Null: whichever there is.
    expected_version: Option<i32>,
    /// From when the members of its communities see it; null: with everybody else.
    members_at: Option<DateTime>,
    /// From when everybody sees it; null: at once, or with `membersAt` not before it is published again.
    public_at: Option<DateTime>,
    /// Why, for the audit; at most 300 characters.
    reason: Option<String>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// Retires an item: it keeps its place in the log, and nobody sees it any more.
#[derive(Clone, Debug, InputObject)]
pub struct ItemRetireInput {
    /// The item.
    item: ID,
    /// The version that you have seen; if it is another one by now, nothing is done (`CONFLICT`). Null: whichever there is.
    expected_version: Option<i32>,
    /// Why, for the audit; at most 300 characters.
    reason: Option<String>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// What came of writing an item.
#[derive(SimpleObject)]
pub struct ItemPayload {
    /// The item as it is now; null: nothing was done, it was retired, or you may write it and not see it, by a token that is
    /// for writing alone.
    item: Option<Item>,
    /// The id of the item, also for such a token; null: nothing was done.
    item_id: Option<ID>,
    /// What is to be mended; empty: it was done.
    user_errors: Vec<UserError>,
}

impl Fields<Items> for ItemFieldsInput {
    fn names(&self) -> Result<Vec<Name>, Fault> {
        let authors = self.authors.value().map(Vec::as_slice).unwrap_or_default();
        input::bounded(authors, "authors")?;
        let people = authors.iter().filter_map(|author| author.person.as_ref());
        let mut names: Vec<Name> =
            people.map(|person| input::named("authors", NodeKind::Person, person)).collect::<Result<_, _>>()?;
        names.extend(input::all_named("communities", NodeKind::Community, &self.communities)?);
        names.extend(input::all_named("topics", NodeKind::Topic, &self.topics)?);
        if let MaybeUndefined::Value(project) = &self.project {
            names.push(input::named("project", NodeKind::Project, project)?);
        }
        Ok(names)
    }

    fn write(self, line: &mut Line<ItemRecord>, named: &Named) -> Result<(), Fault> {
        let record = &mut line.record;
        record.item_kind = self.kind.map_or(record.item_kind, |kind| kind.0);
        input::change_required_text(&mut record.title, self.title, "title")?;
        input::change_text(&mut record.summary, self.summary, "summary")?;
        input::change(&mut record.url, self.url);
        input::change_text(&mut record.body, self.body, "body")?;
        input::change_words(&mut record.intended_for, self.intended_for, "intendedFor")?;
        input::change(&mut record.licence, self.licence);
        input::change_languages(&mut record.content_languages, self.content_languages, "contentLanguages")?;
        if let Some(authors) = input::list(self.authors, "authors")? {
            record.authors.clear();
            for author in authors {
                let person = author.person.map(|id| named.key(id::decode_as(NodeKind::Person, &id)?)).transpose()?;
                record.authors.push(AuthorRecord { byline: author.byline, person });
            }
        }
        input::change_keys(&mut record.communities, self.communities, ("communities", NodeKind::Community), named)?;
        let project = self.project.map_value(|id| named.key(id::decode_as(NodeKind::Project, &id)?));
        input::change(&mut record.project, project.transpose()?);
        input::change_keys(&mut record.topics, self.topics, ("topics", NodeKind::Topic), named)?;
        input::change(&mut record.doi, self.doi);
        input::change_word(&mut record.evidence_level, self.evidence_level);
        input::change_date(&mut record.issued, self.issued, "issued")
    }
}

/// Items at the root.
#[derive(Default)]
pub struct ItemMutation;

/// Items at the root.
#[Object]
impl ItemMutation {
    /// Writes a new item as a draft, which its authors and the coordinators of its communities see. By the coordinators of one
    /// of its communities, or by a member who is among its authors.
    async fn item_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ItemCreateInput,
    ) -> Result<ItemPayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key, input.reason)?;
        let new = New { original_language: input.original_language, slug: input.slug, sources: input.sources };
        let record = Ok(ItemRecord::blank());
        let outcome = edit::create::<Items>(&scope, call, new, record, input.fields).await?;
        payload(&scope, outcome).await
    }

    /// Changes an item, by its authors or the coordinators of one of its communities.
    async fn item_edit(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ItemEditInput,
    ) -> Result<ItemPayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key, input.reason)?;
        let edit = Edit {
            node: ("item", &input.item),
            expected_version: input.expected_version,
            slug: input.slug,
            sources: input.sources,
        };
        let outcome = edit::edit::<Items>(&scope, call, edit, input.fields).await?;
        payload(&scope, outcome).await
    }

    /// Publishes an item, by its authors or the coordinators of one of its communities: at once, or for members first.
    async fn item_publish(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ItemPublishInput,
    ) -> Result<ItemPayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key, input.reason)?;
        // As exact as the database keeps it.
        let moment = |at: DateTime| at.0.trunc_subsecs(6);
        let times = (input.members_at.map(moment), input.public_at.map(moment));
        let node = ("item", NodeKind::Item, &input.item);
        let outcome = edit::act(&scope, call, node, input.expected_version, move |tx, target| {
            store::publish(tx, target, times).boxed()
        })
        .await?;
        payload(&scope, outcome).await
    }

    /// Retires an item, by its authors or the coordinators of one of its communities. Whoever follows is told.
    async fn item_retire(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ItemRetireInput,
    ) -> Result<ItemPayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key, input.reason)?;
        let node = ("item", NodeKind::Item, &input.item);
        let outcome = edit::retire(&scope, call, node, input.expected_version).await?;
        payload(&scope, outcome).await
    }
}

async fn payload(scope: &Scope, outcome: Outcome<Uuid>) -> Result<ItemPayload, Fault> {
    Ok(match outcome {
        Ok(id) => ItemPayload {
            item: page::by_id(scope, id).await?,
            item_id: Some(id::encode(NodeKind::Item, id)),
            user_errors: Vec::new(),
        },
        Err(user_errors) => ItemPayload { item: None, item_id: None, user_errors },
    })
}
