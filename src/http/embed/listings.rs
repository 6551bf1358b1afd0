//! The kinds of listing. Each is two files in `listings/`: NAME.graphql, the document that it is made of, and NAME.html, the
//! template that it is written by; and its sentences in the catalogues. `parts/` holds what several of them share.
//!
//! The variables of the document are what an address may ask for, by their own names.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use async_graphql::Name;
use async_graphql::parser::parse_query;
use async_graphql::parser::types::{BaseType, DocumentOperations, OperationDefinition};
use minijinja::{Environment, UndefinedBehavior};
use rust_embed::Embed;

use crate::http::embed::words;

#[derive(Embed)]
#[folder = "src/http/embed/listings"]
struct Files;

/// What a document begins with for each file that it takes fragments from.
const IMPORT: &str = "#import \"";

static LISTINGS: LazyLock<BTreeMap<String, Listing>> = LazyLock::new(|| {
    let names = Files::iter().filter_map(|file| file.strip_suffix(".graphql").map(str::to_owned));
    let listings = names.filter(|name| !name.contains('/')).map(|name| (name.clone(), Listing::read(name)));
    listings.collect()
});

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    words::add_to(&mut environment);
    for file in Files::iter().filter(|file| file.ends_with(".html")) {
        // The templates are compiled in, and the tests render every one.
        environment.add_template_owned(file.to_string(), text_of(&file)).expect("a template is well-formed");
    }
    environment
});

/// A kind of listing.
pub struct Listing {
    name: String,
    document: String,
    operation: String,
    variables: Vec<Variable>,
}

/// What an address may ask a listing for.
pub struct Variable {
    /// Its name, in the address as in the document.
    pub name: String,
    /// How its value is written.
    pub form: Form,
    /// Whether nothing can be listed without it.
    pub is_required: bool,
}

/// How a value is written in an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As it is.
    Text,
    /// A whole number.
    Whole,
    /// Several texts with commas between them.
    Several,
}

/// Every kind of listing, by name.
pub fn all() -> impl Iterator<Item = &'static Listing> {
    LISTINGS.values()
}

/// The kind of this name; null: there is none.
pub fn by_name(name: &str) -> Option<&'static Listing> {
    LISTINGS.get(name)
}

/// The templates of all listings.
pub fn templates() -> &'static Environment<'static> {
    &TEMPLATES
}

impl Listing {
    /// Its name in addresses.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The trusted document.
    pub fn document(&self) -> &str {
        &self.document
    }

    /// The name of its operation.
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// What an address may ask for, in the document's order.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    fn read(name: String) -> Self {
        let text = text_of(&format!("{name}.graphql"));
        let imported = text.lines().filter_map(|line| line.strip_prefix(IMPORT)?.strip_suffix('"'));
        let fragments: Vec<String> = imported.map(text_of).collect();
        let document = format!("{text}{}", fragments.concat());
        // The documents are compiled in, and the tests execute every one.
        let parsed = parse_query(&document).expect("a document is well-formed");
        // The same.
        let (operation, definition) = only_operation(&parsed.operations).expect("a document has one named operation");
        let variables = definition.variable_definitions.iter().map(|variable| {
            let form = match &variable.node.var_type.node.base {
                BaseType::List(_) => Form::Several,
                BaseType::Named(name) if name == "Int" => Form::Whole,
                BaseType::Named(_) => Form::Text,
            };
            let is_required = !variable.node.var_type.node.nullable && variable.node.default_value.is_none();
            Variable { name: variable.node.name.node.to_string(), form, is_required }
        });
        Self { variables: variables.collect(), operation: operation.to_string(), name, document }
    }
}

fn only_operation(operations: &DocumentOperations) -> Option<(&Name, &OperationDefinition)> {
    match operations {
        DocumentOperations::Single(_) => None,
        DocumentOperations::Multiple(operations) => {
            let (name, operation) = operations.iter().next()?;
            Some((name, &operation.node))
        }
    }
}

/// A file of the folder; empty where there is none, which no document and no template can be made of.
fn text_of(file: &str) -> String {
    Files::get(file).map(|file| String::from_utf8_lossy(&file.data).into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_listing_has_a_document_a_template_and_what_it_needs() {
        let names: Vec<&str> = all().map(Listing::name).collect();
        let expected = [
            "communities-by-language",
            "communities-by-topic",
            "communities-of-organization",
            "community",
            "items-of-community",
            "projects-of-organization",
        ];
        assert_eq!(names, expected);
        for listing in all() {
            assert!(templates().get_template(&format!("{}.html", listing.name())).is_ok(), "{}", listing.name());
            let required = listing.variables().iter().filter(|variable| variable.is_required).count();
            assert_eq!(required, 1, "{}", listing.name());
        }
        let of_organization = by_name("communities-of-organization").unwrap();
        let forms: Vec<Form> = of_organization.variables().iter().map(|variable| variable.form).collect();
        assert_eq!(forms, [Form::Text, Form::Whole, Form::Text]);
        assert!(by_name("frame").is_none() && by_name("parts/community").is_none());
    }
}
