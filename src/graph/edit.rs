//! How mutations write nodes: what is named is looked up, the line is changed, the store writes it. And what is done to nodes
//! of every kind alike.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use futures_util::FutureExt;
use uuid::Uuid;

use crate::db::text_origins::TextOrigin;
use crate::domain::editing::{self, Name, Named, Target};
use crate::domain::kinds::{Editor, NewText};
use crate::domain::node::{Line, Stored};
use crate::domain::permission;
use crate::domain::record::{Header, SourceRecord};
use crate::error::Fault;
use crate::graph::id;
use crate::graph::input::{self, SourceInput};
use crate::graph::mutation::{self, Call, Outcome, UserError};
use crate::graph::node::{self, Node};
use crate::graph::scope::Scope;
use crate::graph::text::LanguageTag;
use crate::graph::word::Word;
use crate::policy::NodeKind;

/// An edit of a node, besides its fields.
#[derive(Debug)]
pub struct Edit {
    /// Which node.
    pub target: Target,
    /// The nodes that the input names.
    pub names: Vec<Name>,
    /// Its new slug; null: as it is.
    pub slug: Option<String>,
    /// Sources to add.
    pub sources: Vec<SourceRecord>,
}

impl Edit {
    /// The edit of a node that a field of an input names.
    pub fn of(
        (field, kind, id): (&'static str, NodeKind, &ID),
        expected_version: Option<i32>,
        names: Vec<Name>,
        sources: Option<Vec<SourceInput>>,
    ) -> Result<Self, Fault> {
        let (_, _, id) = input::named(field, kind, id)?;
        let target = Target { id, expected_version };
        Ok(Self { target, names, slug: None, sources: input::sources(sources)? })
    }

    /// The same with a new slug; null: as it is.
    pub fn with_slug(self, slug: Option<String>) -> Self {
        Self { slug, ..self }
    }
}

/// Changes a node; `change` writes the fields of the input into its record.
pub async fn edit<K: Stored>(
    scope: &Scope,
    call: Call,
    asked: Result<Edit, Fault>,
    change: impl FnOnce(&mut Line<K::Record>, &Named) -> Result<(), Fault> + Send + 'static,
) -> Result<Outcome<Uuid>, Fault> {
    let edit = match asked {
        Ok(edit) => edit,
        Err(fault) => return mutation::mended(scope, Err(fault)),
    };
    mutation::run(scope, call, move |tx| {
        async move {
            permission::require_known(tx).await?;
            let named = editing::look_up(tx, &edit.names).await?;
            let change = move |line: &mut Line<K::Record>| {
                line.header.change(edit.slug, edit.sources);
                change(line, &named)
            };
            editing::edit::<K>(tx, edit.target, change).await
        }
        .boxed()
    })
    .await
}

/// Writes a new node; `change` writes the fields of the input into its record.
pub async fn create<K: Stored>(
    scope: &Scope,
    call: Call,
    asked: Result<(Vec<Name>, Header, K::Record), Fault>,
    change: impl FnOnce(&mut Line<K::Record>, &Named) -> Result<(), Fault> + Send + 'static,
) -> Result<Outcome<Uuid>, Fault> {
    let (names, header, record) = match asked {
        Ok(asked) => asked,
        Err(fault) => return mutation::mended(scope, Err(fault)),
    };
    mutation::run(scope, call, move |tx| {
        async move {
            permission::require_known(tx).await?;
            let named = editing::look_up(tx, &names).await?;
            let mut line = Line { header, record };
            change(&mut line, &named)?;
            editing::create::<K>(tx, line).await
        }
        .boxed()
    })
    .await
}

/// Retires a node of a kind.
pub async fn retire(
    scope: &Scope,
    call: Call,
    kind: NodeKind,
    target: Result<Target, Fault>,
) -> Result<Outcome<Uuid>, Fault> {
    match target {
        Ok(target) => mutation::run(scope, call, move |tx| (Editor::of(kind).retire)(tx, target)).await,
        Err(fault) => mutation::mended(scope, Err(fault)),
    }
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
        let call = Call::of(ctx, input.idempotency_key.clone(), input.reason.clone())?;
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
