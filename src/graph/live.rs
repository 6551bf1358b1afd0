//! How a subscription is executed: once to learn what it asks for, then once for each delivery.
//!
//! The library resolves a stream strictly one message after the other, so the loads of a chunk would never come together.
//! A document is therefore opened by an execution whose root field hands over its arguments and streams nothing; each
//! delivery is an execution of its own, which finds the delivery and the chunk's scope in its request.

use std::sync::{Arc, Mutex};

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Context, Name, Positioned};
use async_graphql_value::Value;
use futures_util::stream;

use crate::changes::Told;
use crate::changes::cursor::Cursor;
use crate::changes::routes::Filter;
use crate::domain::item::store::ItemFilter;
use crate::error::{Code, Fault};
use crate::graph::scope::Scope;
use crate::graph::text::LanguageTag;
use crate::text::messages::Message;

/// What a root field of a subscription asks for.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The cursor to begin after; null: from now on.
    pub after: Option<String>,
    /// Whether the cursor is to be moved while nothing happens.
    pub bookmarks: bool,
    /// What is followed.
    pub what: What,
}

/// What a subscription follows.
#[derive(Clone, Debug)]
pub enum What {
    /// Changes.
    Changes(Filter),
    /// Items that come before the viewer for the first time.
    Items(ItemFilter),
}

/// Where an opening execution leaves what it was asked for.
pub type Slot = Arc<Mutex<Option<Opening>>>;

/// What one execution delivers.
#[derive(Clone, Debug)]
pub struct Delivery {
    cursor: String,
    told: Option<Told>,
}

impl Delivery {
    /// The delivery of a change, or of a bookmark when there is none.
    pub fn new(cursor: Cursor, told: Option<Told>) -> Self {
        Self { cursor: cursor.write(), told }
    }

    /// The place in the log.
    pub fn cursor(&self) -> &str {
        &self.cursor
    }

    /// The change; null: a bookmark.
    pub fn told(&self) -> Option<&Told> {
        self.told.as_ref()
    }
}

/// The stream of a root field: in an opening execution nothing, as `opening` is left in its slot; in the execution of a
/// delivery the message that `make` makes of it.
pub fn stream<T>(
    ctx: &Context<'_>,
    languages: Option<Vec<LanguageTag>>,
    opening: impl FnOnce() -> Result<Opening, Fault>,
    make: impl FnOnce(Delivery, Scope) -> T,
) -> Result<stream::Iter<std::option::IntoIter<T>>, Fault> {
    let scope = Scope::of_root(ctx, languages)?;
    let message = match (ctx.data_opt::<Delivery>(), ctx.data_opt::<Slot>()) {
        (Some(delivery), _) => Some(make(delivery.clone(), scope)),
        (None, Some(slot)) => {
            let opening = opening()?;
            if let Ok(mut slot) = slot.lock() {
                slot.replace(opening);
            }
            None
        }
        (None, None) => return Err(Fault::internal("resolving", "a subscription was executed as if it were a query")),
    };
    Ok(stream::iter(message))
}

/// The operation that is asked for; null where the name leads to none.
pub fn operation<'a>(document: &'a ExecutableDocument, name: Option<&str>) -> Option<&'a OperationDefinition> {
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Some(&operation.node),
        (DocumentOperations::Single(_), Some(_)) => None,
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name).map(|operation| &operation.node),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => {
            operations.values().next().map(|operation| &operation.node)
        }
        (DocumentOperations::Multiple(_), None) => None,
    }
}

/// The name of the only operation; null: it has none, or there are several.
pub fn name_of_only(document: &ExecutableDocument) -> Option<String> {
    match &document.operations {
        DocumentOperations::Multiple(operations) if operations.len() == 1 => {
            operations.keys().next().map(ToString::to_string)
        }
        DocumentOperations::Multiple(_) | DocumentOperations::Single(_) => None,
    }
}

/// A subscription alone, with its one root field written out; the library passes over fragments at the root and merges
/// several fields into one stream. Anything but one field is `GRAPHQL_VALIDATION_FAILED`.
pub fn with_one_root_field(document: &ExecutableDocument, name: Option<&str>) -> Result<ExecutableDocument, Fault> {
    let refused = || Fault::new(Code::GraphqlValidationFailed, Message::new("subscription-one-field"));
    let operation = operation(document, name).filter(|it| it.ty == OperationType::Subscription).ok_or_else(refused)?;
    let mut fields: Vec<Positioned<Field>> = Vec::new();
    root_fields(document, &operation.selection_set.node, 0, &mut fields).ok_or_else(refused)?;
    let mut fields = fields.into_iter();
    let mut field = fields.next().ok_or_else(refused)?;
    for other in fields {
        let (one, other) = (&mut field.node, other.node);
        let is_same = one.alias == other.alias && one.name == other.name && one.arguments == other.arguments;
        if !is_same || !other.directives.is_empty() {
            return Err(refused());
        }
        one.selection_set.node.items.extend(other.selection_set.node.items);
    }
    if field.node.name.node.starts_with("__") || !field.node.directives.is_empty() {
        return Err(refused());
    }
    let mut operation = operation.clone();
    operation.selection_set.node.items = vec![Positioned::new(Selection::Field(field.clone()), field.pos)];
    let mut used = Vec::new();
    fragments_of(document, &operation.selection_set.node, &mut used);
    let mut document = document.clone();
    document.fragments.retain(|name, _| used.contains(name));
    document.operations = DocumentOperations::Single(Positioned::new(operation, field.pos));
    Ok(document)
}

/// The fields at the root, those of fragments too; null: a fragment that does not belong there, or that depends on
/// something.
fn root_fields(
    document: &ExecutableDocument,
    set: &SelectionSet,
    depth: usize,
    fields: &mut Vec<Positioned<Field>>,
) -> Option<()> {
    // Deeper than any document that is written by hand; a fragment that spreads itself ends here too.
    if depth > 16 {
        return None;
    }
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => fields.push(field.clone()),
            Selection::InlineFragment(fragment) => {
                let on = fragment.node.type_condition.as_ref().map(|condition| condition.node.on.node.as_str());
                if on.is_some_and(|on| on != "Subscription") || !fragment.node.directives.is_empty() {
                    return None;
                }
                root_fields(document, &fragment.node.selection_set.node, depth.saturating_add(1), fields)?;
            }
            Selection::FragmentSpread(spread) => {
                let fragment = &document.fragments.get(&spread.node.fragment_name.node)?.node;
                let is_plain = spread.node.directives.is_empty() && fragment.directives.is_empty();
                if fragment.type_condition.node.on.node != "Subscription" || !is_plain {
                    return None;
                }
                root_fields(document, &fragment.selection_set.node, depth.saturating_add(1), fields)?;
            }
        }
    }
    Some(())
}

/// The fragments that a selection spreads, by whatever way, each once.
fn fragments_of(document: &ExecutableDocument, set: &SelectionSet, used: &mut Vec<Name>) {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => fragments_of(document, &field.node.selection_set.node, used),
            Selection::InlineFragment(fragment) => fragments_of(document, &fragment.node.selection_set.node, used),
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                if !used.contains(name) {
                    used.push(name.clone());
                    if let Some(fragment) = document.fragments.get(name) {
                        fragments_of(document, &fragment.node.selection_set.node, used);
                    }
                }
            }
        }
    }
}

/// The variable that the root field's `after` is bound to; null: none. Whoever else follows the same from another cursor
/// can be delivered the same messages.
pub fn after_variable(document: &ExecutableDocument) -> Option<String> {
    let operation = operation(document, None)?;
    let Selection::Field(field) = &operation.selection_set.node.items.first()?.node else { return None };
    match &field.node.get_argument("after")?.node {
        Value::Variable(name) => Some(name.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Option<String> {
        let document = async_graphql::parser::parse_query(text).unwrap();
        let document = with_one_root_field(&document, None).ok()?;
        let operation = operation(&document, None).unwrap();
        let mut names = Vec::new();
        for selection in &operation.selection_set.node.items {
            let Selection::Field(field) = &selection.node else { panic!("only fields are left at the root") };
            names.push(field.node.name.node.to_string());
            names.extend(field.node.selection_set.node.items.iter().map(|_| "+".to_owned()));
        }
        let mut fragments: Vec<String> = document.fragments.keys().map(ToString::to_string).collect();
        fragments.sort();
        Some(format!("{} {}", names.concat(), fragments.join(",")).trim().to_owned())
    }

    #[test]
    fn fragments_at_the_root_are_written_out_and_fields_merged() {
        assert_eq!(one("subscription { changes { cursor } }").unwrap(), "changes+");
        assert_eq!(one("subscription { ... { changes { cursor } } }").unwrap(), "changes+");
        assert_eq!(one("subscription { ... on Subscription { changes { cursor } } }").unwrap(), "changes+");
        let spread = "subscription { ...a } fragment a on Subscription { changes { ...b } } fragment b on ChangeDelivery { cursor }";
        assert_eq!(one(spread).unwrap(), "changes+ b");
        assert_eq!(one("subscription { changes { cursor } changes { change { action } } }").unwrap(), "changes++");
    }

    #[test]
    fn anything_but_one_root_field_is_refused() {
        for text in [
            "subscription { changes { cursor } itemPublished { cursor } }",
            "subscription { a: changes { cursor } b: changes { cursor } }",
            "subscription { changes(after: \"x\") { cursor } changes { cursor } }",
            "subscription { __typename }",
            "subscription { changes @skip(if: true) { cursor } }",
            "subscription { ... @include(if: true) { changes { cursor } } }",
            "subscription { ... on Query { changes { cursor } } }",
            "subscription { ...a } fragment a on Subscription { ...a }",
            "subscription { ...missing }",
            "{ changes { nodes { action } } }",
        ] {
            assert_eq!(one(text), None, "{text}");
        }
    }

    #[test]
    fn the_variable_of_the_cursor_is_found() {
        let of = |text: &str| after_variable(&async_graphql::parser::parse_query(text).unwrap());
        assert_eq!(of("subscription S($from: String) { changes(after: $from) { cursor } }").unwrap(), "from");
        assert_eq!(of("subscription S { changes(after: \"x\") { cursor } }"), None);
        assert_eq!(of("subscription S { changes { cursor } }"), None);
    }
}
