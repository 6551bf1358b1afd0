//! What one document may ask for, counted before anything walks it.
//!
//! Named fragments that spread each other twice expand to 2^n selections, and the library walks them without a memo
//! before any of its own limits: 31 levels in one kilobyte of text would hold a core for a quarter of an hour. So the
//! expanded selections are counted here first, each fragment once.

pub mod tokens;

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet};
use async_graphql::{Name, Variables};
use async_graphql_value::Value;

use crate::config::limits::Limits;
use crate::error::{Exceeded, Fault};
use crate::graph::limits::tokens::Tokens;
use crate::graph::page::{DEFAULT_SIZE, MAX_SIZE};

/// The deepest that selections and fragments may spread into each other before a document is refused unread: what
/// walks them recurses.
const MAX_RECURSION: usize = 64;

/// The most brackets within brackets of a document: whatever reads, checks or forgets a value or a selection recurses, and some
/// thousands overflow the stack.
const MAX_NESTING: u64 = 128;

/// The connections of the contract, by the names of their fields; a test compares them with the contract.
pub const LISTS: [&str; 27] = [
    "accounts",
    "applications",
    "authors",
    "changes",
    "children",
    "communities",
    "endorsements",
    "expertise",
    "grants",
    "items",
    "links",
    "memberships",
    "messages",
    "organizations",
    "parents",
    "people",
    "projects",
    "readings",
    "roles",
    "search",
    "sessions",
    "sites",
    "sources",
    "tokens",
    "topics",
    "topicsWithout",
    "translationWork",
];

/// What dividing a list, or looking for its texts, counts as, in lists: it reads the whole list, and facets do so for
/// each of their dimensions.
const WHOLE_LIST_IN_LISTS: u64 = 10;

/// What describing the whole contract counts as, in lists.
const INTROSPECTION_IN_LISTS: u64 = 25;

/// What a document asks for.
#[derive(Clone, Copy, Default)]
struct Asked {
    depth: u64,
    selections: u64,
    aliases: u64,
    directives: u64,
    lists: u64,
    fields: u64,
}

impl Asked {
    const TOO_MUCH: Self = Self {
        depth: u64::MAX,
        selections: u64::MAX,
        aliases: u64::MAX,
        directives: u64::MAX,
        lists: u64::MAX,
        fields: u64::MAX,
    };

    /// Both side by side.
    fn plus(self, other: Self) -> Self {
        Self {
            depth: self.depth.max(other.depth),
            selections: self.selections.saturating_add(other.selections),
            aliases: self.aliases.saturating_add(other.aliases),
            directives: self.directives.saturating_add(other.directives),
            lists: self.lists.saturating_add(other.lists),
            fields: self.fields.saturating_add(other.fields),
        }
    }

    /// Either one or the other: what validation walks adds up, what is executed does not.
    fn or(self, other: Self) -> Self {
        Self { lists: self.lists.max(other.lists), fields: self.fields.max(other.fields), ..self.plus(other) }
    }
}

/// Refuses documents with more tokens, or with more brackets in brackets, than one may have, before they are parsed.
pub fn check_text(document: &str, limits: &Limits) -> Result<(), Fault> {
    let Tokens { count, nesting } = tokens::of(document);
    within("tokens", count, u64::try_from(limits.tokens).unwrap_or(u64::MAX))?;
    within("nesting", nesting, MAX_NESTING)
}

/// Refuses documents that ask for more than one request may; the answer is the cost of the operation of that name, else of the
/// most costly one: how many fields it resolves when every page is full.
pub fn check(
    document: &ExecutableDocument,
    name: Option<&str>,
    variables: &Variables,
    limits: &Limits,
) -> Result<u64, Fault> {
    let mut total = Asked::default();
    let mut cost = None;
    let mut used: HashSet<Name> = HashSet::new();
    for (called, operation) in document.operations.iter() {
        let mut counter = Counter { document, operation: &operation.node, variables, memo: HashMap::new() };
        let asked = counter.count_operation();
        if name.is_some() && called.map(Name::as_str) == name {
            cost = Some(asked.fields);
        }
        total = total.or(asked);
        used.extend(counter.memo.into_keys().map(|(name, _)| name));
    }
    // Fragments that nothing uses are walked by validation all the same.
    if let Some((_, operation)) = document.operations.iter().next() {
        let mut counter = Counter { document, operation: &operation.node, variables, memo: HashMap::new() };
        for fragment in document.fragments.keys().filter(|name| !used.contains(*name)) {
            let unused = counter.of_fragment(fragment, 1, 0);
            total = total.plus(Asked { lists: 0, fields: 0, ..unused });
        }
    }
    within("depth", total.depth, u64::try_from(limits.depth).unwrap_or(u64::MAX))?;
    within("selections", total.selections, limits.selections)?;
    within("aliases", total.aliases, limits.aliases)?;
    within("directives", total.directives, limits.directives)?;
    within("lists", total.lists, limits.lists)?;
    within("cost", total.fields, limits.cost)?;
    Ok(cost.unwrap_or(total.fields))
}

fn within(limit: &'static str, asked: u64, allowed: u64) -> Result<(), Fault> {
    if asked <= allowed { Ok(()) } else { Err(Fault::beyond(Exceeded { limit, asked, allowed })) }
}

/// How many deliveries of a subscription may be executed at once: all of them together resolve no more fields than one
/// request may.
pub fn at_once(document: &ExecutableDocument, variables: &Variables, limits: &Limits) -> usize {
    let fields = document.operations.iter().map(|(_, operation)| {
        let mut counter = Counter { document, operation: &operation.node, variables, memo: HashMap::new() };
        counter.count_operation().fields
    });
    usize::try_from(limits.cost / fields.max().unwrap_or(1).max(1)).unwrap_or(usize::MAX).max(1)
}

struct Counter<'a> {
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    memo: HashMap<(Name, u64), Asked>,
}

impl Counter<'_> {
    fn count_operation(&mut self) -> Asked {
        let operation = self.operation;
        let of_variables = operation.variable_definitions.iter().map(|definition| definition.node.directives.len());
        let directives = of_variables.fold(operation.directives.len(), usize::saturating_add);
        self.count(&operation.selection_set.node, 1, 0).plus(directed(directives))
    }

    /// `page` is the size of the page whose connection the set is of: its nodes and edges are that many.
    fn count(&mut self, set: &SelectionSet, page: u64, depth: usize) -> Asked {
        if depth > MAX_RECURSION {
            return Asked::TOO_MUCH;
        }
        let depth = depth.saturating_add(1);
        let mut total = Asked::default();
        for selection in &set.items {
            let (within, directives) = match &selection.node {
                Selection::Field(field) => (self.of_field(&field.node, page, depth), &field.node.directives),
                Selection::InlineFragment(fragment) => {
                    (self.count(&fragment.node.selection_set.node, page, depth), &fragment.node.directives)
                }
                Selection::FragmentSpread(spread) => {
                    (self.of_fragment(&spread.node.fragment_name.node, page, depth), &spread.node.directives)
                }
            };
            total = total.plus(within).plus(Asked { selections: 1, ..directed(directives.len()) });
        }
        total
    }

    fn of_field(&mut self, field: &Field, page: u64, depth: usize) -> Asked {
        let name = field.name.node.as_str();
        let times = match name {
            "nodes" | "edges" if field.arguments.is_empty() => page,
            "nodes" => largest_page(),
            _ => usual_length(name),
        };
        let lists = match name {
            "__schema" | "__type" => INTROSPECTION_IN_LISTS,
            "facets" => WHOLE_LIST_IN_LISTS.saturating_mul(dimensions_of(field)),
            "completeness" => WHOLE_LIST_IN_LISTS,
            _ => u64::from(LISTS.contains(&name)),
        };
        let within = self.count(&field.selection_set.node, self.page_of(field), depth);
        let fields = within.fields.saturating_add(1).saturating_mul(times);
        Asked {
            depth: within.depth.saturating_add(1),
            aliases: within.aliases.saturating_add(u64::from(field.alias.is_some())),
            lists: within.lists.saturating_add(lists),
            fields,
            ..within
        }
    }

    /// The size of the page that a field asks for: the larger where it asks from both ends, the largest where it cannot
    /// be told.
    fn page_of(&self, field: &Field) -> u64 {
        let sizes = ["first", "last"].iter().filter_map(|name| self.size_of(&field.get_argument(name)?.node));
        sizes.max().unwrap_or(u64::from(DEFAULT_SIZE.unsigned_abs()))
    }

    /// The size that an argument gives; null when it gives none.
    fn size_of(&self, argument: &Value) -> Option<u64> {
        match argument {
            Value::Null => None,
            Value::Number(number) => Some(number.as_u64().unwrap_or(largest_page()).clamp(1, largest_page())),
            Value::Variable(name) => {
                let definition = self.operation.variable_definitions.iter().find(|it| it.node.name.node == *name);
                let default = definition.and_then(|definition| Some(&definition.node.default_value.as_ref()?.node));
                // A variable that is given, be it as null, stands before its default.
                let value = self.variables.get(name).or(default)?;
                self.size_of(&value.clone().into_value())
            }
            Value::String(_)
            | Value::Boolean(_)
            | Value::Binary(_)
            | Value::Enum(_)
            | Value::List(_)
            | Value::Object(_) => Some(largest_page()),
        }
    }

    fn of_fragment(&mut self, name: &Name, page: u64, depth: usize) -> Asked {
        let key = (name.clone(), page);
        if let Some(asked) = self.memo.get(&key) {
            return *asked;
        }
        // A fragment that spreads itself counts as nothing inside itself; validation refuses it.
        self.memo.insert(key.clone(), Asked::default());
        let asked = match self.document.fragments.get(name) {
            Some(fragment) => {
                let directives = fragment.node.directives.len();
                self.count(&fragment.node.selection_set.node, page, depth).plus(directed(directives))
            }
            None => Asked::default(),
        };
        self.memo.insert(key, asked);
        asked
    }
}

fn directed(directives: usize) -> Asked {
    Asked { directives: u64::try_from(directives).unwrap_or(u64::MAX), ..Asked::default() }
}

/// How many dimensions a field of facets asks for; as many as there are where it cannot be told.
fn dimensions_of(field: &Field) -> u64 {
    match field.get_argument("by").map(|by| &by.node) {
        Some(Value::List(dimensions)) => u64::try_from(dimensions.len()).unwrap_or(u64::MAX),
        _ => 7,
    }
}

fn largest_page() -> u64 {
    u64::from(MAX_SIZE.unsigned_abs())
}

/// How long a list without pages usually is: of the contract's description, and affiliations at their longest.
fn usual_length(field: &str) -> u64 {
    match field {
        "types" => 100,
        "fields" => 10,
        "inputFields" | "enumValues" | "possibleTypes" => 6,
        "args" => 4,
        "interfaces" => 2,
        "affiliations" => 50,
        "consents" => 50,
        "facets" => 7,
        "buckets" => 100,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn checked(document: &ExecutableDocument, variables: &Variables) -> Result<u64, Fault> {
        check(document, None, variables, &Limits::default())
    }

    fn asked(text: impl Into<String>) -> Result<u64, Fault> {
        checked(&async_graphql::parser::parse_query(text.into()).unwrap(), &Variables::default())
    }

    fn limit(text: impl Into<String>) -> &'static str {
        asked(text).unwrap_err().exceeded().unwrap().limit
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
        assert!(checked(&doubling(10), &Variables::default()).is_ok());
        let fault = checked(&doubling(31), &Variables::default()).unwrap_err();
        assert_eq!(fault.code(), Code::QueryTooComplex);
        assert!(checked(&doubling(300), &Variables::default()).is_err());
    }

    #[test]
    fn fragments_in_a_circle_are_left_to_validation() {
        let text = "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a __typename }";
        assert!(asked(text).is_ok());
    }

    #[test]
    fn a_flat_document_is_held_to_the_same_number() {
        let fields = |count: usize| format!("{{ {} }}", "__typename ".repeat(count));
        let limit = usize::try_from(Limits::default().selections).unwrap();
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
    fn the_larger_a_delivery_is_the_fewer_are_executed_at_once() {
        let at_once = |text: &str| {
            at_once(&async_graphql::parser::parse_query(text).unwrap(), &Variables::default(), &Limits::default())
        };
        assert!(at_once("subscription { itemPublished { cursor item { key title } } }") > 10_000);
        let wide = "subscription { itemPublished { item { authors(first: 100) { nodes { person { communities(first: 100) { nodes { id } } } } } } } }";
        assert!((2..=24).contains(&at_once(wide)), "{}", at_once(wide));
    }

    #[test]
    fn what_reads_whole_lists_counts_for_many() {
        let asked_for =
            |count: usize| asked(format!("{{ {} }}", "items { facets(by: [KIND, YEAR]) { by } } ".repeat(count)));
        assert!(asked_for(23).is_ok());
        assert!(asked_for(24).is_err());
        let all = "query Q($by: [FacetDimension!]!) { a: items { facets(by: $by) { by } } b: items { facets(by: $by) { by } } \
            c: items { facets(by: $by) { by } } d: items { facets(by: $by) { by } } e: items { facets(by: $by) { by } } \
            f: items { facets(by: $by) { by } } g: items { facets(by: $by) { by } } h: items { facets(by: $by) { by } } }";
        assert!(asked(all).is_err(), "what cannot be told counts as all dimensions");
        assert!(
            asked(format!("{{ {} }}", "items { completeness(language: \"fr\") { language } } ".repeat(46))).is_err()
        );
    }

    #[test]
    fn a_page_size_in_a_variable_or_a_fragment_counts_as_it_is() {
        let text = "query Q($n: Int = 100) { topics(first: $n) { ...t } } \
            fragment t on TopicConnection { nodes { parents(first: $n) { nodes { children(first: $n) { nodes { id } } } } } }";
        let document = async_graphql::parser::parse_query(text).unwrap();
        let with = |n: serde_json::Value| checked(&document, &Variables::from_json(serde_json::json!({ "n": n })));
        assert!(with(serde_json::json!(10)).is_ok());
        assert!(with(serde_json::json!(100)).is_err());
        assert!(checked(&document, &Variables::default()).is_err(), "the default counts when nothing is given");
    }

    #[test]
    fn a_long_chain_of_fragments_is_refused_before_it_overflows_anything() {
        let chain = |length: usize| {
            let links: String = (0..length).map(|n| format!(" fragment f{n} on Query {{ ...f{} }}", n + 1)).collect();
            format!("{{ ...f0 }} {links} fragment f{length} on Query {{ __typename }}")
        };
        assert!(asked(chain(40)).is_ok());
        assert!(asked(chain(10_000)).is_err());
        assert!(asked(format!("{{ a {} }}", chain(10_000).replacen("{ ...f0 }", "", 1))).is_err(), "unused ones too");
    }

    #[test]
    fn pages_cannot_be_made_smaller_than_they_are() {
        let text = "query Q($n: Int = 1) { topics(first: $n) { nodes { parents(first: $n) { nodes { parents(first: $n) { \
            nodes { parents(first: $n) { nodes { parents(first: $n) { nodes { id } } } } } } } } } } }";
        let document = async_graphql::parser::parse_query(text).unwrap();
        let with = |n: serde_json::Value| checked(&document, &Variables::from_json(serde_json::json!({ "n": n })));
        assert!(checked(&document, &Variables::default()).is_ok());
        assert!(with(serde_json::Value::Null).is_err(), "null is the usual page, not the default of the variable");
        let both = "{ topics(first: null, last: 100) { nodes { parents(first: null, last: 100) { nodes { \
            parents(first: null, last: 100) { nodes { id } } } } } } }";
        assert!(asked(both).is_err());
        let hidden = format!(
            "{{ {} }} fragment F on TopicConnection {{ totalCount }}",
            (0..501).map(|n| format!("a{n}: topics {{ ...F }} ")).collect::<String>()
        );
        assert!(asked(hidden).is_err(), "a list is one whatever is selected of it");
        let affiliated = "{ people(first: 100) { nodes { affiliations { organization { people(first: 100) { nodes { id } } } } } } }";
        assert!(asked(affiliated).is_err());
    }

    #[test]
    fn the_contract_cannot_be_described_in_circles() {
        let open = "possibleTypes { interfaces { ".repeat(5);
        let text = format!("{{ __schema {{ types {{ {open} name {} }} }} }}", "} }".repeat(5));
        assert!(asked(text).is_err());
    }

    #[test]
    fn each_limit_is_named_with_what_was_asked_and_what_is_allowed() {
        let nested = |levels: usize| format!("{}{}", "{ a ".repeat(levels), "}".repeat(levels));
        assert!(asked(nested(15)).is_ok());
        assert_eq!(limit(nested(16)), "depth");
        let exceeded = asked(nested(16)).unwrap_err().exceeded().unwrap();
        assert_eq!((exceeded.asked, exceeded.allowed), (16, 15));
        let spread = "{ a { ...f } } fragment f on A { b { c { d { e { f { g { h { i { j { k { l { m { n { o } } } } } } } } } } } } } }";
        assert_eq!(asked(spread).unwrap(), 15);
        assert_eq!(limit(spread.replace("{ a {", "{ x { a {").replace("} } fragment", "} } } fragment")), "depth");
        let aliased: String = (0..501).map(|n| format!("a{n}: __typename ")).collect();
        assert_eq!(limit(format!("{{ {aliased} }}")), "aliases");
        assert_eq!(limit(format!("{{ __typename {} }}", "@skip(if: false) ".repeat(101))), "directives");
        assert_eq!(limit(format!("query {} {{ __typename }}", "@x ".repeat(101))), "directives");
        assert_eq!(limit(format!("{{ ...f }} fragment f on Query {} {{ a }}", "@x ".repeat(101))), "directives");
        assert_eq!(limit(format!("{{ {} }}", "topics(first: 1) { nodes { id } } ".repeat(501))), "lists");
        let text = "a ".repeat(20_001);
        assert_eq!(check_text(&text, &Limits::default()).unwrap_err().exceeded().unwrap().limit, "tokens");
    }

    #[test]
    fn the_cost_is_that_of_the_operation_that_is_asked_for() {
        let text = "query One { a } query Many { topics(first: 100) { nodes { id } } }";
        let document = async_graphql::parser::parse_query(text).unwrap();
        let cost = |name| check(&document, name, &Variables::default(), &Limits::default()).unwrap();
        assert_eq!((cost(Some("One")), cost(Some("Many")), cost(None)), (1, 201, 201));
    }
}
