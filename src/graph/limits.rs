//! What one document may ask for, counted before anything walks it.
//!
//! Named fragments that spread each other twice expand to 2^n selections, and the library walks them without a memo
//! before any of its own limits: 31 levels in one kilobyte of text would hold a core for a quarter of an hour. So the
//! expanded selections are counted here first, each fragment once.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet};
use async_graphql::{Name, Variables};
use async_graphql_value::Value;

use crate::error::{Code, Fault};
use crate::graph::page::{DEFAULT_SIZE, MAX_SIZE};
use crate::text::messages::Message;

/// The deepest a query may nest; the standard introspection query takes 15.
pub const MAX_DEPTH: usize = 15;

/// The most selections a document may hold once its fragments are written out.
pub const MAX_SELECTIONS: u64 = 20_000;

/// The most lists a document may ask for: each takes a statement or two.
pub const MAX_LISTS: u64 = 500;

/// The most fields a document may resolve when every page is full: 100,000 nodes took a second in a debug build.
pub const MAX_FIELDS: u64 = 250_000;

/// What describing the whole contract counts as, in lists.
const INTROSPECTION_IN_LISTS: u64 = 25;

/// What a document asks for.
#[derive(Clone, Copy, Default)]
struct Cost {
    selections: u64,
    lists: u64,
    fields: u64,
}

impl Cost {
    fn plus(self, other: Self) -> Self {
        Self {
            selections: self.selections.saturating_add(other.selections),
            lists: self.lists.saturating_add(other.lists),
            fields: self.fields.saturating_add(other.fields),
        }
    }
}

/// Refuses documents that ask for more than one request may.
pub fn check(document: &ExecutableDocument, variables: &Variables) -> Result<(), Fault> {
    let mut total = Cost::default();
    for (_, operation) in document.operations.iter() {
        let mut counter = Counter { document, operation: &operation.node, variables, memo: HashMap::new() };
        total = total.plus(counter.count(&operation.node.selection_set.node, 1));
        // Fragments that nothing uses are walked by validation all the same.
        for fragment in document.fragments.keys() {
            let unused = Cost { lists: 0, fields: 0, ..counter.of_fragment(fragment, 1) };
            total = total.plus(unused);
        }
    }
    for (asked, max) in [(total.selections, MAX_SELECTIONS), (total.lists, MAX_LISTS), (total.fields, MAX_FIELDS)] {
        if asked > max {
            let message = Message::new("query-too-complex")
                .with("selections", i64::try_from(MAX_SELECTIONS).unwrap_or(i64::MAX))
                .with("lists", i64::try_from(MAX_LISTS).unwrap_or(i64::MAX))
                .with("fields", i64::try_from(MAX_FIELDS).unwrap_or(i64::MAX));
            return Err(Fault::new(Code::QueryTooComplex, message));
        }
    }
    Ok(())
}

struct Counter<'a> {
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    memo: HashMap<(Name, u64), Cost>,
}

impl Counter<'_> {
    /// `page` is the size of the page whose connection the set is of: its nodes and edges are that many.
    fn count(&mut self, set: &SelectionSet, page: u64) -> Cost {
        let mut total = Cost::default();
        for selection in &set.items {
            let within = match &selection.node {
                Selection::Field(field) => self.of_field(&field.node, page),
                Selection::InlineFragment(fragment) => self.count(&fragment.node.selection_set.node, page),
                Selection::FragmentSpread(spread) => self.of_fragment(&spread.node.fragment_name.node, page),
            };
            total = total.plus(within).plus(Cost { selections: 1, lists: 0, fields: 0 });
        }
        total
    }

    fn of_field(&mut self, field: &Field, page: u64) -> Cost {
        let times = match field.name.node.as_str() {
            "nodes" | "edges" if field.arguments.is_empty() => page,
            "nodes" => u64::from(MAX_SIZE.unsigned_abs()),
            _ => 1,
        };
        let lists = match field.name.node.as_str() {
            "__schema" | "__type" => INTROSPECTION_IN_LISTS,
            _ => u64::from(is_list(field)),
        };
        let within = self.count(&field.selection_set.node, self.page_of(field));
        let fields = within.fields.saturating_add(1).saturating_mul(times);
        Cost { fields, lists: within.lists.saturating_add(lists), ..within }
    }

    /// The size of the page that a field asks for; the largest where it cannot be told.
    fn page_of(&self, field: &Field) -> u64 {
        let size = ["first", "last"].iter().find_map(|name| field.get_argument(name));
        let largest = u64::from(MAX_SIZE.unsigned_abs());
        match size.map(|size| &size.node) {
            None | Some(Value::Null) => u64::from(DEFAULT_SIZE.unsigned_abs()),
            Some(Value::Number(number)) => number.as_u64().unwrap_or(largest).clamp(1, largest),
            Some(Value::Variable(name)) => {
                let default = || {
                    let definition =
                        self.operation.variable_definitions.iter().find(|it| it.node.name.node == *name)?;
                    definition.node.default_value.as_ref()?.node.clone().into_json().ok()?.as_u64()
                };
                let given = self.variables.get(name).and_then(|value| value.clone().into_json().ok()?.as_u64());
                given.or_else(default).unwrap_or(largest).clamp(1, largest)
            }
            Some(_) => largest,
        }
    }

    fn of_fragment(&mut self, name: &Name, page: u64) -> Cost {
        let key = (name.clone(), page);
        if let Some(cost) = self.memo.get(&key) {
            return *cost;
        }
        // A fragment that spreads itself counts as nothing inside itself; validation refuses it.
        self.memo.insert(key.clone(), Cost::default());
        let cost = match self.document.fragments.get(name) {
            Some(fragment) => self.count(&fragment.node.selection_set.node, page),
            None => Cost::default(),
        };
        self.memo.insert(key, cost);
        cost
    }
}

/// Whether a field is a connection, by what is selected of it or asked of it.
fn is_list(field: &Field) -> bool {
    let of_list = |name: &str| matches!(name, "nodes" | "edges" | "totalCount" | "pageInfo");
    let selected = field.selection_set.node.items.iter().any(|selection| match &selection.node {
        Selection::Field(inner) => of_list(inner.node.name.node.as_str()),
        Selection::FragmentSpread(_) | Selection::InlineFragment(_) => false,
    });
    selected || field.arguments.iter().any(|(name, _)| matches!(name.node.as_str(), "first" | "last"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: impl Into<String>) -> Result<(), Fault> {
        check(&async_graphql::parser::parse_query(text.into()).unwrap(), &Variables::default())
    }

    fn doubling(levels: usize) -> ExecutableDocument {
        let mut text = String::from("{ ...f0 }");
        for level in 0..levels {
            text.push_str(&format!(" fragment f{level} on Query {{ ...f{0} ...f{0} }}", level + 1));
        }
        text.push_str(&format!(" fragment f{levels} on Query {{ __typename }}"));
        async_graphql::parser::parse_query(text).unwrap()
    }

    #[test]
    fn fragments_that_double_are_counted_without_being_walked() {
        assert!(check(&doubling(10), &Variables::default()).is_ok());
        let fault = check(&doubling(31), &Variables::default()).unwrap_err();
        assert_eq!(fault.code(), Code::QueryTooComplex);
        assert!(check(&doubling(300), &Variables::default()).is_err());
    }

    #[test]
    fn fragments_in_a_circle_are_left_to_validation() {
        let text = "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a __typename }";
        assert!(asked(text).is_ok());
    }

    #[test]
    fn a_flat_document_is_held_to_the_same_number() {
        let fields = |count: usize| format!("{{ {} }}", "__typename ".repeat(count));
        let limit = usize::try_from(MAX_SELECTIONS).unwrap();
        assert!(asked(fields(limit)).is_ok());
        assert!(asked(fields(limit + 1)).is_err());
    }

    #[test]
    fn pages_within_pages_multiply_and_pages_side_by_side_add_up() {
        let nested = |sizes: &[u32]| {
            let open: String = sizes.iter().map(|size| format!("topics(first: {size}) {{ nodes {{ ")).collect();
            format!("{{ {open} id {} }}", "} }".repeat(sizes.len()))
        };
        assert!(asked(nested(&[100, 100, 10])).is_ok());
        assert!(asked(nested(&[100, 100, 100])).is_err());
        assert!(asked(nested(&[20, 100, 100, 100, 100])).is_err());
        let beside = |count: usize| format!("{{ {} }}", "topics(first: 1) { nodes { id } } ".repeat(count));
        assert!(asked(beside(500)).is_ok());
        assert!(asked(beside(501)).is_err());
        assert!(asked(format!("{{ {} }}", "__schema { types { name } } ".repeat(21))).is_err());
    }

    #[test]
    fn a_page_size_in_a_variable_or_a_fragment_counts_as_it_is() {
        let text = "query Q($n: Int = 100) { topics(first: $n) { ...t } } \
            fragment t on TopicConnection { nodes { parents(first: $n) { nodes { children(first: $n) { nodes { id } } } } } }";
        let document = async_graphql::parser::parse_query(text).unwrap();
        let with = |n: serde_json::Value| check(&document, &Variables::from_json(serde_json::json!({ "n": n })));
        assert!(with(serde_json::json!(10)).is_ok());
        assert!(with(serde_json::json!(100)).is_err());
        assert!(check(&document, &Variables::default()).is_err(), "the default counts when nothing is given");
    }
}
