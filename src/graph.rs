//! The contract: the merged roots, the schema, and its text.

pub mod change;
pub mod completeness;
pub mod edit;
pub mod facets;
pub mod id;
pub mod input;
pub mod limits;
pub mod live;
pub mod mutation;
pub mod node;
pub mod omitted;
pub mod pace;
pub mod page;
pub mod scope;
pub mod text;
pub mod word;

use async_graphql::{MergedObject, MergedSubscription, SDLExportOptions, Schema};

use crate::domain::account::graph::AccountQuery;
use crate::domain::account::graph::grant::GrantMutation;
use crate::domain::account::graph::linking::AccountMutation;
use crate::domain::account::graph::token::TokenMutation;
use crate::domain::community::graph::CommunityQuery;
use crate::domain::community::graph::editing::CommunityMutation;
use crate::domain::contact::graph::ContactMutation;
use crate::domain::item::graph::ItemQuery;
use crate::domain::item::graph::editing::ItemMutation;
use crate::domain::item::graph::published::ItemSubscription;
use crate::domain::link::graph::LinkQuery;
use crate::domain::link::graph::editing::LinkMutation;
use crate::domain::membership::graph::MembershipQuery;
use crate::domain::membership::graph::joining::MembershipMutation;
use crate::domain::organization::graph::OrganizationQuery;
use crate::domain::organization::graph::editing::OrganizationMutation;
use crate::domain::person::graph::PersonQuery;
use crate::domain::person::graph::own::{OwnMutation, OwnQuery};
use crate::domain::project::graph::ProjectQuery;
use crate::domain::project::graph::editing::ProjectMutation;
use crate::domain::role::graph::RoleQuery;
use crate::domain::role::graph::editing::RoleMutation;
use crate::domain::search::graph::SearchQuery;
use crate::domain::site::graph::SiteMutation;
use crate::domain::topic::graph::TopicQuery;
use crate::graph::change::{ChangeQuery, ChangeSubscription};
use crate::graph::edit::NodeMutation;
use crate::graph::node::NodeQuery;

/// Everything that can be asked.
#[derive(MergedObject, Default)]
pub struct Query(
    NodeQuery,
    SearchQuery,
    OrganizationQuery,
    CommunityQuery,
    PersonQuery,
    RoleQuery,
    MembershipQuery,
    ProjectQuery,
    ItemQuery,
    TopicQuery,
    LinkQuery,
    ChangeQuery,
    AccountQuery,
    OwnQuery,
);

/// Everything that can be done.
#[derive(MergedObject, Default)]
pub struct Mutation(
    OwnMutation,
    ContactMutation,
    GrantMutation,
    TokenMutation,
    AccountMutation,
    NodeMutation,
    CommunityMutation,
    MembershipMutation,
    OrganizationMutation,
    ProjectMutation,
    RoleMutation,
    LinkMutation,
    ItemMutation,
    SiteMutation,
);

/// Everything that can be followed.
#[derive(MergedSubscription, Default)]
pub struct Subscription(ChangeSubscription, ItemSubscription);

/// The schema that the hub executes.
pub type HubSchema = Schema<Query, Mutation, Subscription>;

/// Builds the schema.
pub fn schema() -> HubSchema {
    // What a document may ask for is counted before it is executed (limits).
    Schema::build(Query::default(), Mutation::default(), Subscription::default()).finish()
}

/// The contract as text, as `schema.graphql` holds it.
pub fn sdl() -> String {
    let mut text = schema().sdl_with_options(SDLExportOptions::new().prefer_single_line_descriptions());
    let end = text.trim_end().len();
    text.truncate(end);
    text.push('\n');
    text
}
