//! What lists of communities are narrowed and ordered by, in the contract.

use async_graphql::{ID, InputObject};

use crate::db::page::Direction;
use crate::domain::community::record::{ActivityKind, CommunityStatus, JoinPolicy};
use crate::domain::community::store::{Communities, CommunityFilter, CommunityOrder};
use crate::domain::person::record::Profession;
use crate::error::Fault;
use crate::graph::id;
use crate::graph::page::{OrderDirection, Selection};
use crate::graph::text::{self, DateRangeInput, LanguageTag};
use crate::graph::word::{self, Word};
use crate::policy::NodeKind;

/// Narrows a list of communities; everything that is given must hold, any value of a list will do.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "CommunityFilter")]
pub struct CommunityFilterInput {
    /// About one of these topics or a narrower one.
    topics: Option<Vec<ID>>,
    /// Linked to one of these organizations.
    organizations: Option<Vec<ID>>,
    /// At work in one of these regions (ISO 3166-2) or countries (ISO 3166-1 alpha-2), or linked to an organization
    /// there.
    regions: Option<Vec<String>>,
    /// Working in one of these languages.
    languages: Option<Vec<LanguageTag>>,
    /// With one of these statuses.
    statuses: Option<Vec<Word<CommunityStatus>>>,
    /// That one joins in one of these ways.
    join_policies: Option<Vec<Word<JoinPolicy>>>,
    /// Doing one of these things.
    activities: Option<Vec<Word<ActivityKind>>>,
    /// Open to one of these professions.
    professions: Option<Vec<Word<Profession>>>,
    /// Launched then.
    launched_between: Option<DateRangeInput>,
    /// These words in the name, domain, purpose or what else it says of itself, as `search` finds them; at most 200
    /// characters.
    text_contains: Option<String>,
}

/// Orders a list of communities.
#[derive(Clone, Debug, InputObject)]
#[graphql(name = "CommunityOrder")]
pub struct CommunityOrderInput {
    /// By what.
    field: Word<CommunityOrder>,
    /// Which way; null: ascending.
    direction: Option<Word<OrderDirection>>,
}

/// The list that the arguments ask for.
pub fn community_selection(
    filter: Option<CommunityFilterInput>,
    order: Option<CommunityOrderInput>,
) -> Result<Selection<Communities>, Fault> {
    let filter = filter.unwrap_or_default();
    let filter = CommunityFilter {
        topics: filter.topics.map(|ids| id::decode_all(NodeKind::Topic, ids)).transpose()?,
        organizations: filter.organizations.map(|ids| id::decode_all(NodeKind::Organization, ids)).transpose()?,
        regions: filter.regions.map(text::filter_regions).transpose()?,
        languages: filter.languages.map(text::filter_tags).transpose()?,
        statuses: filter.statuses.map(word::words),
        join_policies: filter.join_policies.map(word::words),
        activities: filter.activities.map(word::words),
        professions: filter.professions.map(word::words),
        launched: filter.launched_between.map(DateRangeInput::check).transpose()?,
        text_contains: filter.text_contains.map(text::search_text).transpose()?,
    };
    let direction = order.as_ref().and_then(|order| order.direction).map_or(Direction::Ascending, |word| word.0.into());
    Ok(Selection { filter, order: order.map_or(CommunityOrder::Name, |order| order.field.0), direction })
}
