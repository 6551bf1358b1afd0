//! How mutations write nodes: what is named is looked up, the line is changed, the store writes it. And what is done to nodes
//! of every kind alike.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use futures_util::FutureExt;
use uuid::Uuid;

use crate::db::text_origins::TextOrigin;
use crate::db::write::Tx;
use crate::domain::editing::{self, Name, Named, Target};
use crate::domain::kinds::{Edited, Editor, NewText, PerKind};
use crate::domain::node::{Line, Stored};
use crate::domain::permission;
use crate::domain::record::{Header, Record};
use crate::error::Fault;
use crate::graph::id;
use crate::graph::input::{self, SourceInput};
use crate::graph::mutation::{self, Call, Outcome, UserError};
use crate::graph::node::{self, Node};
use crate::graph::scope::Scope;
use crate::graph::text::LanguageTag;
use crate::graph::word::Word;
use crate::policy::NodeKind;

/// The fields of a kind that an input holds.
pub trait Fields<K: Stored>: Send + 'static {
    /// The nodes that they name.
    fn names(&self) -> Result<Vec<Name>, Fault>;

    /// Writes them into a line, with the keys of what they name.
    fn write(self, line: &mut Line<K::Record>, named: &Named) -> Result<(), Fault>;
}

/// What an edit says besides its fields.
#[derive(Debug)]
pub struct Edit<'a> {
    /// Which node: the field of the input that names it, and its id.
    pub node: (&'static str, &'a ID),
    /// The version that whoever edits it has seen; null: whichever there is.
    pub expected_version: Option<i32>,
    /// Its new slug; null: as it is.
    pub slug: Option<String>,
    /// Sources to add; null: none.
    pub sources: Option<Vec<SourceInput>>,
}

/// What is said of a new node besides its fields.
#[derive(Debug)]
pub struct New {
    /// The language that it is written in.
    pub original_language: LanguageTag,
    /// Its slug; null: made by the hub.
    pub slug: Option<String>,
    /// Where it comes from; null: nobody says.
    pub sources: Option<Vec<SourceInput>>,
}

/// Changes a node.
pub async fn edit<K: Stored>(
    scope: &Scope,
    call: Call,
    edit: Edit<'_>,
    fields: impl Fields<K>,
) -> Result<Outcome<Uuid>, Fault> {
    let Edit { node: (field, id), expected_version, slug, sources } = edit;
    let asked = || {
        let (_, _, id) = input::named(field, K::Record::KIND, id)?;
        Ok((Target { id, expected_version }, fields.names()?, input::sources(sources)?))
    };
    let (target, names, sources) = match asked() {
        Ok(asked) => asked,
        Err(fault) => return mutation::mended(scope, Err(fault)),
    };
    mutation::run(scope, call, move |tx| {
        async move {
            permission::require_known(tx).await?;
            let named = editing::look_up(tx, &names).await?;
            let change = move |line: &mut Line<K::Record>| {
                line.header.change(slug, sources);
                fields.write(line, &named)
            };
            editing::edit::<K>(tx, target, change).await
        }
        .boxed()
    })
    .await
}

/// Writes a new node, from a record of which nothing is stated yet.
pub async fn create<K: Stored>(
    scope: &Scope,
    call: Call,
    new: New,
    record: Result<K::Record, Fault>,
    fields: impl Fields<K>,
) -> Result<Outcome<Uuid>, Fault> {
    let asked = || {
        let language = input::language(&new.original_language, "originalLanguage")?;
        let header = Header::new(language, new.slug, input::sources(new.sources)?);
        Ok((fields.names()?, Line { header, record: record? }))
    };
    let (names, mut line) = match asked() {
        Ok(asked) => asked,
        Err(fault) => return mutation::mended(scope, Err(fault)),
    };
    mutation::run(scope, call, move |tx| {
        async move {
            permission::require_known(tx).await?;
            let named = editing::look_up(tx, &names).await?;
            fields.write(&mut line, &named)?;
            editing::create::<K>(tx, line).await
        }
        .boxed()
    })
    .await
}

/// Does something to a node that a field of an input names, and that somebody may have seen in a version.
pub async fn act(
    scope: &Scope,
    call: Call,
    (field, kind, id): (&'static str, NodeKind, &ID),
    expected_version: Option<i32>,
    work: impl for<'t> FnOnce(&'t mut Tx, Target) -> Edited<'t> + Send + 'static,
) -> Result<Outcome<Uuid>, Fault> {
    match input::named(field, kind, id) {
        Ok((_, _, id)) => {
            let target = Target { id, expected_version };
            mutation::run(scope, call, move |tx| work(tx, target)).await
        }
        Err(fault) => mutation::mended(scope, Err(fault)),
    }
}

/// Retires a node that a field of an input names.
pub async fn retire(
    scope: &Scope,
    call: Call,
    node: (&'static str, NodeKind, &ID),
    expected_version: Option<i32>,
) -> Result<Outcome<Uuid>, Fault> {
    act(scope, call, node, expected_version, Editor::of(node.1).retire).await
}

/// Says that a node was checked.
#[derive(Clone, Debug, InputObject)]
pub struct NodeVerifyInput {
    /// The node.
    node: ID,
    /// The version that you have checked; if it is another one by now, nothing is done (`CONFLICT`). Null: whichever there is.
    expected_version: Option<i32>,
    /// Why, for the audit; at most 300 characters.
    reason: Option<String>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// Adds or replaces one text of a node in one language.
#[derive(Clone, Debug, InputObject)]
pub struct TextTranslateInput {
    /// The node.
    node: ID,
    /// The field, by its path as `translations` has it (`name`, `aims/1/text`); there is a text in some language already.
    field: String,
    /// The language, another one than the original.
    language: LanguageTag,
    /// The text.
    text: String,
    /// Where it comes from; not ORIGINAL.
    #[graphql(default_with = "Word(TextOrigin::Human)")]
    origin: Word<TextOrigin>,
    /// The version that you have seen; if it is another one by now, nothing is done (`CONFLICT`). Null: whichever there is.
    expected_version: Option<i32>,
    /// Why, for the audit; at most 300 characters.
    reason: Option<String>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// What came of doing something to a node.
#[derive(SimpleObject)]
pub struct NodePayload {
    /// The node as it is now; null: nothing was done.
    node: Option<Node>,
    /// What is to be mended; empty: it was done.
    user_errors: Vec<UserError>,
}

/// What is done to nodes of every kind.
#[derive(Default)]
pub struct NodeMutation;

/// What is done to nodes of every kind.
#[Object]
impl NodeMutation {
    /// Says that a node was checked and is right today, by whoever may edit it. `verifiedOn` moves by nothing else.
    async fn node_verify(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: NodeVerifyInput,
    ) -> Result<NodePayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key, input.reason)?;
        let outcome = match id::decode(&input.node).map_err(|fault| fault.of_field("node")) {
            Ok((kind, id)) => {
                let target = Target { id, expected_version: input.expected_version };
                let outcome = mutation::run(&scope, call, move |tx| (Editor::of(kind).verify)(tx, target)).await?;
                outcome.map(|id| (kind, id))
            }
            Err(fault) => mutation::mended(&scope, Err(fault))?,
        };
        payload(&scope, outcome).await
    }

    /// Adds or replaces one text of a node in one language, by whoever may edit it. It is told from then on where the
    /// translation comes from; when its original changes, it is stale.
    async fn text_translate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: TextTranslateInput,
    ) -> Result<NodePayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key, input.reason)?;
        let asked = || -> Result<_, Fault> {
            let (kind, id) = id::decode(&input.node).map_err(|fault| fault.of_field("node"))?;
            let target = Target { id, expected_version: input.expected_version };
            let language = input.language.check().map_err(|fault| fault.of_field("language"))?;
            Ok((kind, target, NewText { field: input.field, language, text: input.text, origin: input.origin.0 }))
        };
        let outcome = match asked() {
            Ok((kind, target, text)) => {
                let outcome =
                    mutation::run(&scope, call, move |tx| (Editor::of(kind).translate)(tx, target, text)).await?;
                outcome.map(|id| (kind, id))
            }
            Err(fault) => mutation::mended(&scope, Err(fault))?,
        };
        payload(&scope, outcome).await
    }
}

async fn payload(scope: &Scope, outcome: Outcome<(NodeKind, Uuid)>) -> Result<NodePayload, Fault> {
    Ok(match outcome {
        Ok((kind, id)) => NodePayload { node: node::by_id(scope, kind, id).await?, user_errors: Vec::new() },
        Err(user_errors) => NodePayload { node: None, user_errors },
    })
}
