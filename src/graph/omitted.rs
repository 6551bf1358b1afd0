//! What a mutation leaves out by a variable: a field of an input whose variable is not sent counts as left out, not as null
//! (GraphQL, section 3.10), or an edit would take away what nobody spoke of. The library gives null.

use std::collections::HashSet;

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, Selection, SelectionSet, VariableDefinition,
};
use async_graphql::{Name, Variables};
use async_graphql_value::Value;

use crate::graph::live;

/// The document without what is left out by variables that may be null and are neither sent nor have a default in the operation
/// that runs: fields of inputs, and arguments.
pub fn taken_out(document: &ExecutableDocument, name: Option<&str>, variables: &Variables) -> ExecutableDocument {
    let is_missing = |it: &VariableDefinition| {
        it.default_value.is_none() && it.var_type.node.nullable && !variables.contains_key(&it.name.node)
    };
    let definitions = live::operation(document, name).map(|operation| operation.variable_definitions.as_slice());
    let definitions = definitions.unwrap_or_default().iter().filter(|it| is_missing(&it.node));
    let missing: HashSet<Name> = definitions.map(|it| it.node.name.node.clone()).collect();
    let mut document = document.clone();
    if missing.is_empty() {
        return document;
    }
    match &mut document.operations {
        DocumentOperations::Single(operation) => clean_operation(&mut operation.node, &missing),
        DocumentOperations::Multiple(operations) => {
            operations.values_mut().for_each(|operation| clean_operation(&mut operation.node, &missing));
        }
    }
    document.fragments.values_mut().for_each(|fragment| clean(&mut fragment.node.selection_set.node, &missing));
    document
}

fn clean_operation(operation: &mut OperationDefinition, missing: &HashSet<Name>) {
    operation.variable_definitions.retain(|it| !missing.contains(&it.node.name.node));
    clean(&mut operation.selection_set.node, missing);
}

fn clean(selections: &mut SelectionSet, missing: &HashSet<Name>) {
    for selection in &mut selections.items {
        match &mut selection.node {
            Selection::Field(field) => {
                field.node.arguments.retain(|(_, value)| !is_of(&value.node, missing));
                for (_, value) in &mut field.node.arguments {
                    clean_value(&mut value.node, missing);
                }
                clean(&mut field.node.selection_set.node, missing);
            }
            Selection::InlineFragment(fragment) => clean(&mut fragment.node.selection_set.node, missing),
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn is_of(value: &Value, missing: &HashSet<Name>) -> bool {
    matches!(value, Value::Variable(name) if missing.contains(name))
}

fn clean_value(value: &mut Value, missing: &HashSet<Name>) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !is_of(value, missing));
            fields.values_mut().for_each(|value| clean_value(value, missing));
        }
        // What is left out of a list is null there.
        Value::List(values) => values.iter_mut().for_each(|value| match is_of(value, missing) {
            true => *value = Value::Null,
            false => clean_value(value, missing),
        }),
        Value::Variable(_)
        | Value::Null
        | Value::Number(_)
        | Value::String(_)
        | Value::Boolean(_)
        | Value::Binary(_)
        | Value::Enum(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use async_graphql::value;

    use super::*;

    #[test]
    fn what_is_not_sent_is_left_out_and_what_is_null_stays() {
        let query = "mutation($a: Int, $b: Int, $c: Int = 1, $e: Int!) { edit(input: {a: $a, b: $b, c: $c, list: [{a: $a}, $a], d: null, e: $e}, other: $a) { id } }";
        let sent = Variables::from_value(value!({"b": null}));
        let document = taken_out(&parse_query(query).unwrap(), None, &sent);
        let (_, operation) = document.operations.iter().next().unwrap();
        let Selection::Field(field) = &operation.node.selection_set.node.items[0].node else { panic!() };
        assert_eq!(field.node.arguments[0].1.node.to_string(), "{b: $b, c: $c, list: [{}, null], d: null, e: $e}");
        assert_eq!(field.node.arguments.len(), 1);
        let declared = operation.node.variable_definitions.iter().map(|it| it.node.name.node.as_str());
        assert_eq!(declared.collect::<Vec<_>>(), ["b", "c", "e"]);
    }
}
