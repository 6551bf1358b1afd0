//! The node interface: anything with a global id.

#![expect(
    missing_docs,
    reason = "the derive writes methods without comments; their descriptions stand in the attribute"
)]

use async_graphql::{Context, ID, Interface, Object};

use crate::domain::community::graph::Community;
use crate::domain::item::graph::Item;
use crate::domain::link::graph::Link;
use crate::domain::membership::graph::Membership;
use crate::domain::organization::graph::Organization;
use crate::domain::person::graph::{Person, note_reading};
use crate::domain::person::record::PersonField;
use crate::domain::project::graph::Project;
use crate::domain::role::graph::Role;
use crate::domain::source::graph::Source;
use crate::domain::topic::graph::Topic;
use crate::error::Fault;
use crate::graph::id;
use crate::graph::page::{self, Connection, Listable};
use crate::graph::scope::Scope;
use crate::graph::text::{Date, DateTime, LanguageTag};
use crate::policy::NodeKind;
use crate::text::identifier;
use crate::text::language;
use crate::text::messages::Message;
use crate::text::statement::Statement;
use crate::text::texts::{Fields, Texts};

/// The most nodes that are looked up at once.
const MAX_NODES: usize = 100;

/// Anything with a global id.
#[expect(clippy::duplicated_attributes, reason = "each field and argument repeats the words ty, name and desc")]
#[derive(Interface)]
#[graphql(
    field(name = "id", ty = "ID", desc = "The global id."),
    field(
        name = "key",
        ty = "Option<&str>",
        desc = "The import key, unique among nodes of this kind; it never changes. Null for people without a slug."
    ),
    field(name = "created_at", ty = "DateTime", desc = "When it came to the hub."),
    field(
        name = "updated_at",
        ty = "Option<DateTime>",
        desc = "When it was last changed; null for people of whom you may not see every field."
    ),
    field(
        name = "verified_on",
        ty = "Option<Date>",
        desc = "The day somebody last verified it; null: not yet verified."
    ),
    field(
        name = "sources",
        ty = "Result<Connection<Source>, Fault>",
        desc = "Where the facts come from, in the order of import.",
        arg(
            name = "first",
            ty = "Option<i32>",
            desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given."
        ),
        arg(name = "after", ty = "Option<String>", desc = "Only what follows this cursor."),
        arg(name = "last", ty = "Option<i32>", desc = "How many from the end, 1 to 100."),
        arg(name = "before", ty = "Option<String>", desc = "Only what precedes this cursor."),
        arg(name = "fields", ty = "Option<Vec<String>>", desc = "Only those that speak of one of these fields.")
    )
)]
pub enum Node {
    /// A topic.
    Topic(Topic),
    /// An organization.
    Organization(Organization),
    /// A community.
    Community(Community),
    /// A person.
    Person(Person),
    /// A role.
    Role(Role),
    /// A membership.
    Membership(Membership),
    /// A project.
    Project(Project),
    /// An item.
    Item(Item),
    /// A link.
    Link(Link),
}

/// The node of a row; null: unknown or hidden.
pub async fn by_id(scope: &Scope, kind: NodeKind, row: uuid::Uuid) -> Result<Option<Node>, Fault> {
    Ok(match kind {
        NodeKind::Topic => page::by_id(scope, row).await?.map(Node::Topic),
        NodeKind::Organization => page::by_id(scope, row).await?.map(Node::Organization),
        NodeKind::Community => page::by_id(scope, row).await?.map(Node::Community),
        NodeKind::Person => page::by_id(scope, row).await?.map(Node::Person),
        NodeKind::Role => page::by_id(scope, row).await?.map(Node::Role),
        NodeKind::Membership => page::by_id(scope, row).await?.map(Node::Membership),
        NodeKind::Project => page::by_id(scope, row).await?.map(Node::Project),
        NodeKind::Item => page::by_id(scope, row).await?.map(Node::Item),
        NodeKind::Link => page::by_id(scope, row).await?.map(Node::Link),
    })
}

/// What people call a node, as the reader is served it; null: unknown, hidden, or of a kind without names.
pub async fn name_of(scope: &Scope, kind: NodeKind, row: uuid::Uuid) -> Result<Option<String>, Fault> {
    let loaders = scope.loaders();
    let serve = |texts: &Texts, original: &language::LanguageTag| scope.serve(texts, original).map(str::to_owned);
    Ok(match kind {
        NodeKind::Topic => {
            loaders.topics.rows.load(row).await?.and_then(|row| serve(&row.name, &row.original_language.0))
        }
        NodeKind::Organization => {
            loaders.organizations.rows.load(row).await?.and_then(|row| serve(&row.name, &row.original_language.0))
        }
        NodeKind::Community => match page::by_id::<Community>(scope, row).await? {
            Some(community) => Some(community.name_or_editorial().await?),
            None => None,
        },
        NodeKind::Person => loaders.people.rows.load(row).await?.map(|row| {
            note_reading(scope, row.id, PersonField::Name, &row.audience);
            row.name.clone()
        }),
        NodeKind::Project => {
            loaders.projects.rows.load(row).await?.and_then(|row| serve(&row.title, &row.original_language.0))
        }
        NodeKind::Item => {
            loaders.items.rows.load(row).await?.and_then(|row| serve(&row.title, &row.original_language.0))
        }
        NodeKind::Role | NodeKind::Membership | NodeKind::Link => None,
    })
}

/// A text of a node in which a match of a search may stand.
pub struct FoundText {
    /// The field, by its path.
    pub field: String,
    /// Its language; null: none in particular.
    pub language: Option<language::LanguageTag>,
    /// The text.
    pub text: String,
}

/// The texts of a node that a search looks at: as the reader is served them, then in every other language; what it says
/// of itself before its name, which the reader sees anyway.
pub async fn found_texts(scope: &Scope, kind: NodeKind, row: uuid::Uuid) -> Result<Vec<FoundText>, Fault> {
    let loaders = scope.loaders();
    let mut found = Vec::new();
    match kind {
        NodeKind::Topic => {
            if let Some(row) = loaders.topics.rows.load(row).await? {
                put_texts(&mut found, &row.texts(), &row.original_language.0, scope);
                for (language, words) in row.synonyms.iter() {
                    let text = words.join(", ");
                    found.push(FoundText { field: "synonyms".to_owned(), language: Some(language.clone()), text });
                }
            }
        }
        NodeKind::Organization => {
            if let Some(row) = loaders.organizations.rows.load(row).await? {
                put_texts(&mut found, &row.texts(), &row.original_language.0, scope);
            }
        }
        NodeKind::Community => {
            if let Some(row) = loaders.communities.rows.load(row).await? {
                put_texts(&mut found, &row.texts(), &row.original_language.0, scope);
            }
        }
        NodeKind::Person => {
            if let Some(row) = loaders.people.rows.load(row).await? {
                note_reading(scope, row.id, PersonField::Name, &row.audience);
                found.push(FoundText { field: "name".to_owned(), language: None, text: row.name.clone() });
            }
        }
        NodeKind::Project => {
            if let Some(row) = loaders.projects.rows.load(row).await? {
                put_texts(&mut found, &row.texts(), &row.original_language.0, scope);
            }
        }
        NodeKind::Item => {
            if let Some(item) = page::by_id::<Item>(scope, row).await? {
                let (original, body) = (item.original_language_tag(), item.written_body().await?);
                put_texts(&mut found, &item.texts_with(&body), original, scope);
                let text = item.byline().await?;
                if !text.is_empty() {
                    found.push(FoundText { field: "authors".to_owned(), language: None, text });
                }
            }
        }
        NodeKind::Role | NodeKind::Membership | NodeKind::Link => {}
    }
    Ok(found)
}

fn put_texts(found: &mut Vec<FoundText>, fields: &Fields<'_>, original: &language::LanguageTag, scope: &Scope) {
    let is_name = |field: &str| matches!(field, "name" | "title");
    let mut order: Vec<(&String, &&Texts)> = fields.iter().collect();
    order.sort_by_key(|(field, _)| is_name(field));
    let mut others = Vec::new();
    for (field, texts) in order {
        let served = texts.look_up(scope.languages(), original).map(|served| served.language);
        for (language, text) in texts.iter() {
            let one = FoundText { field: field.clone(), language: Some(language.clone()), text: text.to_owned() };
            if served == Some(language) { found.push(one) } else { others.push(one) }
        }
    }
    found.extend(others);
}

/// The node with this slug, now or once; null: unknown or hidden, or no slug at all.
pub async fn by_slug<N: Listable>(
    ctx: &Context<'_>,
    kind: NodeKind,
    slug: String,
    languages: Option<Vec<LanguageTag>>,
) -> Result<Option<N>, Fault> {
    let scope = Scope::of_root(ctx, languages)?;
    // What is no slug is nobody's.
    let Ok(slug) = identifier::slug(&slug) else { return Ok(None) };
    match scope.loaders().slugs.ask(kind, slug).await? {
        Some(row) => page::by_id(&scope, row).await,
        None => Ok(None),
    }
}

/// A text that the database holds for every row.
pub fn required(text: Option<&str>) -> Result<&str, Fault> {
    text.ok_or_else(|| Fault::internal("serving a text", "it is empty in every language"))
}

/// The language that a text is served in.
pub fn language_of(texts: &Texts, original: &language::LanguageTag, scope: &Scope) -> Option<LanguageTag> {
    texts.look_up(scope.languages(), original).map(|served| served.language.into())
}

/// Statements as they are served, in their order.
pub fn statements<'a>(list: &'a [Statement], original: &language::LanguageTag, scope: &Scope) -> Vec<&'a str> {
    list.iter().filter_map(|statement| scope.serve(&statement.text, original)).collect()
}

/// The ids of statements as they are served, in their order.
pub fn statement_ids<'a>(list: &'a [Statement], original: &language::LanguageTag, scope: &Scope) -> Vec<&'a str> {
    let served = list.iter().filter(|statement| scope.serve(&statement.text, original).is_some());
    served.map(|statement| statement.id.as_str()).collect()
}

/// Look-ups by global id.
#[derive(Default)]
pub struct NodeQuery;

/// Look-ups by global id.
#[Object]
impl NodeQuery {
    /// The node with this id; null: unknown or hidden. A malformed id is `BAD_USER_INPUT`.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global id.")] id: ID,
        #[graphql(desc = "The languages to serve texts in, best first; null: those of the request.")] languages: Option<
            Vec<LanguageTag>,
        >,
    ) -> Option<Result<Node, Fault>> {
        one(ctx, &id, languages).await.transpose()
    }

    /// The nodes with these ids, in their order, null for each that is unknown or hidden. At most 100; a malformed id
    /// is `BAD_USER_INPUT`.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global ids.")] ids: Vec<ID>,
        #[graphql(desc = "The languages to serve texts in, best first; null: those of the request.")] languages: Option<
            Vec<LanguageTag>,
        >,
    ) -> Result<Vec<Option<Node>>, Fault> {
        if ids.len() > MAX_NODES {
            return Err(Message::new("list-too-long").with("max", MAX_NODES).with("length", ids.len()).into());
        }
        let scope = Scope::of_root(ctx, languages)?;
        let rows: Vec<(NodeKind, uuid::Uuid)> = ids.iter().map(id::decode).collect::<Result<_, _>>()?;
        let loads = rows.into_iter().map(|(kind, row)| by_id(&scope, kind, row));
        futures_util::future::try_join_all(loads).await
    }
}

async fn one(ctx: &Context<'_>, id: &ID, languages: Option<Vec<LanguageTag>>) -> Result<Option<Node>, Fault> {
    let scope = Scope::of_root(ctx, languages)?;
    let (kind, row) = id::decode(id)?;
    by_id(&scope, kind, row).await
}
