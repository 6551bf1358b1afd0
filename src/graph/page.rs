//! Connections: pages of lists as Relay describes them, with cursors that know which list they belong to.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use async_graphql::connection::PageInfo;
use async_graphql::{Object, ObjectType, OutputType, TypeName};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use strum::{AsRefStr, EnumMessage, EnumString, VariantArray};
use uuid::Uuid;

use crate::db::facets::Dimension;
use crate::db::listing::{List, Listed};
use crate::db::page::{Direction, Page, Place, SortColumn};
use crate::error::Fault;
use crate::graph::completeness::{self, ListCompleteness};
use crate::graph::facets::{self, Facet};
use crate::graph::scope::Scope;
use crate::graph::text::LanguageTag;
use crate::graph::word::Word;
use crate::loaders::Loaders;
use crate::loaders::lists::{Lists, PageRows, Parent};
use crate::text::language::{self, Languages};
use crate::text::messages::Message;
use crate::text::vocabulary::Vocabulary;

/// The page size when none is asked for.
pub const DEFAULT_SIZE: i32 = 20;

/// The largest page.
pub const MAX_SIZE: i32 = 100;

/// The longest cursor, in bytes: two served names of 300 four-byte characters fit.
const MAX_CURSOR_BYTES: usize = 8_000;

/// Which way a list runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsRefStr, EnumString, EnumMessage, VariantArray)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum OrderDirection {
    /// From the least to the greatest, nulls last.
    Asc,
    /// From the greatest to the least, nulls last.
    Desc,
}

impl Vocabulary for OrderDirection {
    const NAME: &'static str = "OrderDirection";
    const ABOUT: &'static str = "Which way a list runs. Nulls come last both ways.";
}

impl From<OrderDirection> for Direction {
    fn from(direction: OrderDirection) -> Self {
        match direction {
            OrderDirection::Asc => Self::Ascending,
            OrderDirection::Desc => Self::Descending,
        }
    }
}

/// The four arguments of every connection.
#[derive(Clone, Debug, Default)]
pub struct PageArguments {
    /// How many from the start.
    pub first: Option<i32>,
    /// Only what follows this cursor.
    pub after: Option<String>,
    /// How many from the end.
    pub last: Option<i32>,
    /// Only what precedes this cursor.
    pub before: Option<String>,
}

/// What a list is narrowed and ordered by.
pub struct Selection<K: Listed> {
    /// The filter.
    pub filter: K::Filter,
    /// The order.
    pub order: K::Order,
    /// Which way.
    pub direction: Direction,
}

/// A type of the contract that is listed.
pub trait Listable: OutputType + 'static {
    /// The kind of row behind it.
    type Kind: Listed<Order: AsRef<str>>;
    /// What an edge says besides its node.
    type EdgeFields: ObjectType;
    /// Its name in the contract.
    const NAME: &'static str;

    /// The node of a row.
    fn new(row: Arc<<Self::Kind as Listed>::Row>, scope: &Scope) -> Self;
    /// The loaders of its kind.
    fn lists(loaders: &Loaders) -> &Lists<Self::Kind>;
    /// The edge of a row, seen from the node that the list hangs on.
    fn edge_fields(row: &Arc<<Self::Kind as Listed>::Row>, scope: &Scope, parent: Option<Uuid>) -> Self::EdgeFields;
}

/// The node of a row by id; null: unknown or hidden.
///
/// In a box, as are pages of nodes: whatever is asked of a node, its future is as large as that of its largest field, and
/// a wide query has thousands of them.
pub fn by_id<N: Listable>(scope: &Scope, id: Uuid) -> BoxFuture<'_, Result<Option<N>, Fault>> {
    async move {
        let row = N::lists(scope.loaders()).rows.load(id).await?;
        Ok(row.map(|row| N::new(row, scope)))
    }
    .boxed()
}

/// A page of the whole list of a kind.
pub fn all<N: Listable>(
    scope: &Scope,
    arguments: PageArguments,
    selection: Selection<N::Kind>,
) -> BoxFuture<'_, Result<Connection<N>, Fault>> {
    page(scope, None, arguments, selection)
}

/// A page of the list that hangs on a node.
pub fn of<N: Listable>(
    scope: &Scope,
    parent: (<N::Kind as Listed>::Of, Uuid),
    arguments: PageArguments,
    selection: Selection<N::Kind>,
) -> BoxFuture<'_, Result<Connection<N>, Fault>> {
    page(scope, Some(parent), arguments, selection)
}

fn page<N: Listable>(
    scope: &Scope,
    parent: Parent<N::Kind>,
    arguments: PageArguments,
    selection: Selection<N::Kind>,
) -> BoxFuture<'_, Result<Connection<N>, Fault>> {
    async move {
        let list = Arc::new(list_of::<N>(scope, arguments, selection)?);
        let rows = N::lists(scope.loaders()).page(parent, list.clone()).await?;
        Ok(Connection::new(scope, parent, list, &rows))
    }
    .boxed()
}

/// The rows of the first page of the list that hangs on a node.
pub async fn rows_of<N: Listable>(
    scope: &Scope,
    parent: (<N::Kind as Listed>::Of, Uuid),
    selection: Selection<N::Kind>,
) -> Result<Vec<Arc<<N::Kind as Listed>::Row>>, Fault> {
    let list = Arc::new(list_of::<N>(scope, PageArguments::default(), selection)?);
    let rows = N::lists(scope.loaders()).page(Some(parent), list).await?;
    Ok(rows.iter().take(usize::try_from(DEFAULT_SIZE).unwrap_or(usize::MAX)).cloned().collect())
}

fn list_of<N: Listable>(
    scope: &Scope,
    arguments: PageArguments,
    selection: Selection<N::Kind>,
) -> Result<List<N::Kind>, Fault> {
    let page = if arguments.after.is_none() && arguments.before.is_none() {
        bare_page(&arguments)?
    } else {
        let stamp =
            Stamp::of_list::<N::Kind>(&selection.filter, selection.order, selection.direction, scope.languages());
        let columns = <N::Kind as Listed>::columns(selection.order, scope.languages());
        page_of(arguments, &stamp, &columns)?
    };
    Ok(List {
        page,
        filter: Arc::new(selection.filter),
        order: selection.order,
        direction: selection.direction,
        languages: scope.languages().clone(),
    })
}

/// The page that the arguments ask for.
pub fn page_of(arguments: PageArguments, stamp: &Stamp, columns: &[SortColumn]) -> Result<Page, Fault> {
    let page = bare_page(&arguments)?;
    let place = |cursor: Option<String>| cursor.map(|cursor| stamp.read(&cursor, columns)).transpose();
    Ok(Page { after: place(arguments.after)?, before: place(arguments.before)?, ..page })
}

/// The size and end of a page, whatever cursors it has.
fn bare_page(arguments: &PageArguments) -> Result<Page, Fault> {
    let size = |size: i32| match size {
        1..=MAX_SIZE => Ok(i64::from(size)),
        _ => Err(Fault::bad_input(Message::new("page-size-out-of-range").with("max", MAX_SIZE).with("size", size))),
    };
    let (size, backward) = match (arguments.first, arguments.last) {
        (Some(_), Some(_)) => return Err(Message::new("page-first-and-last").into()),
        (first, None) => (size(first.unwrap_or(DEFAULT_SIZE))?, false),
        (None, Some(last)) => (size(last)?, true),
    };
    Ok(Page { size, backward, after: None, before: None })
}

/// What a cursor says of the list that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    version: u8,
    order: String,
    direction: Direction,
    wanted: Vec<language::LanguageTag>,
    filter: String,
}

#[derive(Serialize, Deserialize)]
struct Cursor<S> {
    stamp: S,
    place: Place,
}

impl Stamp {
    const VERSION: u8 = 1;

    fn of_list<K: Listed<Order: AsRef<str>>>(
        filter: &K::Filter,
        order: K::Order,
        direction: Direction,
        languages: &Languages,
    ) -> Self {
        Self::with(format!("{}.{}", K::TABLE, order.as_ref()), direction, languages.wanted(), filter)
    }

    /// The stamp of a list in this order and direction, for a reader who wants these languages, under this filter.
    pub fn with(
        order: String,
        direction: Direction,
        wanted: &[language::LanguageTag],
        filter: &impl Serialize,
    ) -> Self {
        // A filter is plain data, which always serializes.
        let filter = serde_json::to_vec(filter).unwrap_or_default();
        let digest = Sha256::digest(&filter);
        let filter = URL_SAFE_NO_PAD.encode(digest.iter().take(9).copied().collect::<Vec<u8>>());
        Self { version: Self::VERSION, order, direction, wanted: wanted.to_vec(), filter }
    }

    /// The cursor of a place.
    pub fn write(&self, place: Place) -> String {
        // A cursor is plain data, which always serializes.
        let json = serde_json::to_vec(&Cursor { stamp: self, place }).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(json)
    }

    fn read(&self, cursor: &str, columns: &[SortColumn]) -> Result<Place, Fault> {
        let malformed = || Fault::bad_input(Message::new("cursor-malformed"));
        if cursor.len() > MAX_CURSOR_BYTES {
            return Err(malformed());
        }
        let json = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| malformed())?;
        let read: Cursor<Self> = serde_json::from_slice(&json).map_err(|_| malformed())?;
        if read.stamp != *self {
            return Err(Message::new("cursor-of-another-list").into());
        }
        let fit = columns.iter().zip(&read.place.keys).all(|(column, key)| column.fits(key));
        if read.place.keys.len() != columns.len() || !fit {
            return Err(malformed());
        }
        Ok(read.place)
    }
}

/// A page of a list.
pub struct Connection<N: Listable> {
    shared: Arc<Shared<N>>,
    edges: Vec<Arc<<N::Kind as Listed>::Row>>,
    has_more: bool,
}

struct Shared<N: Listable> {
    scope: Scope,
    parent: Parent<N::Kind>,
    list: Arc<List<N::Kind>>,
    /// Made for the first cursor that is asked for: most nested lists are read without any.
    stamp: OnceLock<Stamp>,
}

impl<N: Listable> Shared<N> {
    fn cursor(&self, row: &<N::Kind as Listed>::Row) -> String {
        let keys = N::Kind::keys(row, self.list.order, &self.list.languages);
        let List { filter, order, direction, languages, .. } = &*self.list;
        let stamp = self.stamp.get_or_init(|| Stamp::of_list::<N::Kind>(filter, *order, *direction, languages));
        stamp.write(Place { keys, id: N::Kind::id(row) })
    }
}

impl<N: Listable> Connection<N> {
    fn new(scope: &Scope, parent: Parent<N::Kind>, list: Arc<List<N::Kind>>, rows: &PageRows<N::Kind>) -> Self {
        let size = usize::try_from(list.page.size).unwrap_or(usize::MAX);
        let mut edges: Vec<_> = rows.iter().take(size).cloned().collect();
        if list.page.backward {
            edges.reverse();
        }
        let shared = Arc::new(Shared { scope: scope.clone(), parent, list, stamp: OnceLock::new() });
        Self { shared, edges, has_more: rows.len() > size }
    }
}

impl<N: Listable> TypeName for Connection<N> {
    fn type_name() -> Cow<'static, str> {
        Cow::Owned(format!("{}Connection", N::NAME))
    }
}

/// A page of a list, with what is needed to turn it.
#[Object(name_type)]
impl<N: Listable> Connection<N> {
    /// The nodes with their places in the list.
    async fn edges(&self) -> Vec<Edge<N>> {
        self.edges.iter().map(|row| Edge { shared: self.shared.clone(), row: row.clone() }).collect()
    }

    /// The nodes alone.
    async fn nodes(&self) -> Vec<N> {
        self.edges.iter().map(|row| N::new(row.clone(), &self.shared.scope)).collect()
    }

    /// Where the page begins and ends, and whether the list goes on.
    async fn page_info(&self) -> PageInfo {
        let page = &self.shared.list.page;
        PageInfo {
            has_previous_page: if page.backward { self.has_more } else { page.after.is_some() },
            has_next_page: if page.backward { page.before.is_some() } else { self.has_more },
            start_cursor: self.edges.first().map(|row| self.shared.cursor(row)),
            end_cursor: self.edges.last().map(|row| self.shared.cursor(row)),
        }
    }

    /// The number of nodes in the whole list that you can see. Counted only when it is asked for.
    async fn total_count(&self) -> Result<i64, Fault> {
        let Shared { scope, parent, list, .. } = &*self.shared;
        N::lists(scope.loaders()).count(*parent, list.filter.clone()).await
    }

    /// How the whole list divides, under the same filter. A dimension that its nodes do not have is `BAD_USER_INPUT`.
    async fn facets(
        &self,
        #[graphql(desc = "By what; each once.")] by: Vec<Word<Dimension>>,
    ) -> Result<Vec<Facet>, Fault> {
        futures_util::future::try_join_all(facets::dimensions(by).into_iter().map(|by| self.facet(by))).await
    }

    /// Which texts of the nodes of the whole list are there in a language, under the same filter.
    async fn completeness(
        &self,
        #[graphql(desc = "The language to look for.")] language: LanguageTag,
    ) -> Result<ListCompleteness, Fault> {
        let language = language.check()?;
        let Shared { scope, parent, list, .. } = &*self.shared;
        let lists = N::lists(scope.loaders());
        let coverage = lists.coverage(*parent, list.filter.clone(), language.clone()).await?;
        Ok(completeness::of_list::<N::Kind>(&language, &coverage))
    }
}

impl<N: Listable> Connection<N> {
    async fn facet(&self, by: Dimension) -> Result<Facet, Fault> {
        let Shared { scope, parent, list, .. } = &*self.shared;
        if N::Kind::values(by, scope.viewer()).is_none() {
            return Err(facets::lacks(N::NAME, by));
        }
        let buckets = N::lists(scope.loaders()).facet(*parent, list.filter.clone(), by).await?;
        Ok(Facet::new(by, buckets, scope))
    }
}

/// A node and its place in a list.
pub struct Edge<N: Listable> {
    shared: Arc<Shared<N>>,
    row: Arc<<N::Kind as Listed>::Row>,
}

impl<N: Listable> TypeName for Edge<N> {
    fn type_name() -> Cow<'static, str> {
        Cow::Owned(format!("{}Edge", N::NAME))
    }
}

/// A node and its place in a list.
#[Object(name_type)]
impl<N: Listable> Edge<N> {
    /// The place, for `after` and `before` of the same list in the same order.
    async fn cursor(&self) -> String {
        self.shared.cursor(&self.row)
    }

    /// The node.
    async fn node(&self) -> N {
        N::new(self.row.clone(), &self.shared.scope)
    }

    #[graphql(flatten)]
    async fn edge_fields(&self) -> N::EdgeFields {
        N::edge_fields(&self.row, &self.shared.scope, self.shared.parent.map(|(_, parent)| parent))
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::db::page::SortKey;
    use crate::db::statement::Sql;
    use crate::error::Code;

    fn columns() -> Vec<SortColumn> {
        vec![
            SortColumn::nullable_text(Sql::new("name")),
            SortColumn::nullable_date(Sql::new("founded")),
            SortColumn::number(Sql::new("rank")),
            SortColumn::time(Sql::new("created_at")),
        ]
    }

    fn stamp() -> Stamp {
        let wanted = [language::LanguageTag::english()];
        Stamp::with("organizations.NAME".to_owned(), Direction::Ascending, &wanted, &["a filter"])
    }

    fn place(name: Option<String>, day: Option<i32>, rank: i32, second: i64, id: u128) -> Place {
        let day = day.and_then(chrono::NaiveDate::from_num_days_from_ce_opt);
        let moment = chrono::DateTime::from_timestamp(second, 0).unwrap();
        let keys = vec![SortKey::Text(name), SortKey::Date(day), SortKey::Number(rank), SortKey::Time(moment)];
        Place { keys, id: Uuid::from_u128(id) }
    }

    /// Whether a cursor is read as a place that is written and read the same, or refused as what it is.
    fn is_place_or_refused(cursor: &str) -> bool {
        match stamp().read(cursor, &columns()) {
            Ok(place) => stamp().read(&stamp().write(place.clone()), &columns()).unwrap() == place,
            Err(fault) => fault.code() == Code::BadUserInput && fault.message().id().starts_with("cursor-"),
        }
    }

    proptest! {
        #[test]
        fn every_cursor_comes_back_and_leads_to_no_other_list(
            name in prop::option::of("[^\0]{0,40}"), day in prop::option::of(-1_000_000..1_000_000), rank: i32,
            second in -1_000_000_000_000..1_000_000_000_000_i64, id: u128,
        ) {
            let place = place(name, day, rank, second, id);
            let cursor = stamp().write(place.clone());
            let other = Stamp { direction: Direction::Descending, ..stamp() };
            prop_assert_eq!(other.read(&cursor, &columns()).unwrap_err().message().id(), "cursor-of-another-list");
            prop_assert!(stamp().read(&cursor, &columns()[..3]).is_err());
            // The years that the database cannot hold are refused, whoever wrote them.
            match stamp().read(&cursor, &columns()) {
                Ok(read) => prop_assert_eq!(read, place),
                Err(fault) => prop_assert_eq!(fault.message().id(), "cursor-malformed"),
            }
        }

        #[test]
        fn no_text_and_no_bytes_panic_or_pass_for_a_cursor(text in "\\PC{0,80}", bytes in vec(any::<u8>(), 0..80)) {
            prop_assert!(is_place_or_refused(&text));
            prop_assert!(is_place_or_refused(&URL_SAFE_NO_PAD.encode(&bytes)));
        }

        #[test]
        fn a_mended_cursor_is_a_place_or_refused(
            at in 0..300_usize, byte: u8, cut in 0..300_usize, with in "[0-9e.:{}\\[\\]\"a-zA-Z+-]{0,12}",
        ) {
            let json = URL_SAFE_NO_PAD.decode(stamp().write(place(Some("é".to_owned()), Some(1), -1, 1, 1))).unwrap();
            let mut flipped = json.clone();
            if let Some(found) = flipped.get_mut(at) {
                *found = byte;
            }
            prop_assert!(is_place_or_refused(&URL_SAFE_NO_PAD.encode(&flipped)));
            let cut = cut.min(json.len());
            let spliced = [&json[..cut], with.as_bytes(), &json[at.clamp(cut, json.len())..]].concat();
            prop_assert!(is_place_or_refused(&URL_SAFE_NO_PAD.encode(spliced)));
        }

        #[test]
        fn a_page_has_one_end_and_a_size_that_is_allowed(first: Option<i32>, last: Option<i32>) {
            let arguments = PageArguments { first, last, ..PageArguments::default() };
            match page_of(arguments, &stamp(), &columns()) {
                Ok(page) => {
                    let asked = first.or(last).unwrap_or(DEFAULT_SIZE);
                    prop_assert_eq!((page.size, page.backward), (i64::from(asked), last.is_some()));
                    prop_assert!((1..=MAX_SIZE).contains(&asked) && (first.is_none() || last.is_none()));
                }
                Err(fault) => prop_assert_eq!(fault.code(), Code::BadUserInput),
            }
        }
    }
}
