//! What one document may ask for, counted before anything walks it.
//!
//! Named fragments that spread each other twice expand to 2^n selections, and the library walks them without a memo
//! before any of its own limits: 31 levels in one kilobyte of text would hold a core for a quarter of an hour. So the
//! expanded selections are counted here first, each fragment once.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use async_graphql::{Name, Positioned};

use crate::error::{Code, Fault};
use crate::text::messages::Message;

/// The deepest a query may nest; the standard introspection query takes 13.
pub const MAX_DEPTH: usize = 15;

/// The most selections a document may expand to.
pub const MAX_SELECTIONS: u64 = 20_000;

/// Refuses documents that expand to more selections than one request may ask for.
pub fn check(document: &ExecutableDocument) -> Result<(), Fault> {
    let mut counter = Counter { document, memo: HashMap::new() };
    let mut total: u64 = 0;
    for (_, operation) in document.operations.iter() {
        total = total.saturating_add(counter.count(&operation.node.selection_set.node));
    }
    // Fragments that nothing uses are walked by validation all the same.
    for fragment in document.fragments.keys() {
        total = total.saturating_add(counter.of_fragment(fragment));
    }
    if total > MAX_SELECTIONS {
        let max = i64::try_from(MAX_SELECTIONS).unwrap_or(i64::MAX);
        return Err(Fault::new(Code::QueryTooComplex, Message::new("query-too-complex").with("max", max)));
    }
    Ok(())
}

struct Counter<'a> {
    document: &'a ExecutableDocument,
    memo: HashMap<Name, u64>,
}

impl Counter<'_> {
    fn count(&mut self, set: &SelectionSet) -> u64 {
        let mut total: u64 = 0;
        for selection in &set.items {
            let within = match &selection.node {
                Selection::Field(field) => self.count(&field.node.selection_set.node),
                Selection::InlineFragment(fragment) => self.count(&fragment.node.selection_set.node),
                Selection::FragmentSpread(spread) => self.of_fragment(&spread.node.fragment_name.node),
            };
            total = total.saturating_add(1).saturating_add(within);
        }
        total
    }

    fn of_fragment(&mut self, name: &Name) -> u64 {
        if let Some(count) = self.memo.get(name) {
            return *count;
        }
        // A fragment that spreads itself counts as nothing inside itself; validation refuses it.
        self.memo.insert(name.clone(), 0);
        let fragment: Option<&Positioned<_>> = self.document.fragments.get(name);
        let count = match fragment {
            Some(fragment) => self.count(&fragment.node.selection_set.node),
            None => 0,
        };
        self.memo.insert(name.clone(), count);
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(check(&doubling(10)).is_ok());
        let fault = check(&doubling(31)).unwrap_err();
        assert_eq!(fault.code(), Code::QueryTooComplex);
        assert!(check(&doubling(300)).is_err());
    }

    #[test]
    fn fragments_in_a_circle_are_left_to_validation() {
        let text = "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a __typename }";
        assert!(check(&async_graphql::parser::parse_query(text).unwrap()).is_ok());
    }

    #[test]
    fn a_flat_document_is_held_to_the_same_number() {
        let fields = |count: usize| format!("{{ {} }}", "__typename ".repeat(count));
        let limit = usize::try_from(MAX_SELECTIONS).unwrap();
        assert!(check(&async_graphql::parser::parse_query(fields(limit)).unwrap()).is_ok());
        assert!(check(&async_graphql::parser::parse_query(fields(limit + 1)).unwrap()).is_err());
    }
}
