//! Websites that show the hub's listings, in the contract.

use std::sync::Arc;

use async_graphql::connection::EmptyFields;
use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use futures_util::FutureExt;
use uuid::Uuid;

use crate::db::page::Direction;
use crate::domain::account::graph::grant::place;
use crate::domain::community::graph::Community;
use crate::domain::editing::Target;
use crate::domain::organization::graph::Organization;
use crate::domain::site::rules::{self, Written};
use crate::domain::site::store::{self, SiteFilter, SiteOrder, SiteRow, Sites, UseRow};
use crate::error::Fault;
use crate::graph::id::Thing;
use crate::graph::mutation::{self, Call, Outcome, UserError};
use crate::graph::page::{self, Listable, Selection};
use crate::graph::scope::Scope;
use crate::graph::text::{Date, DateTime};
use crate::loaders::Loaders;
use crate::loaders::lists::Lists;

/// A website that is registered to show the hub's listings.
pub struct Site {
    row: Arc<SiteRow>,
    scope: Scope,
}

/// A website that is registered to show the hub's listings. Those who run what it is registered for see it here; its id, its
/// origins and its listings can be told from its pages by anybody.
#[Object]
impl Site {
    /// The id of the site. It is public: it goes into the addresses of what the site embeds.
    async fn id(&self) -> ID {
        Thing::Site.encode(self.row.id)
    }

    /// What it is called.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// The organization for which it is registered; null: it is for a community.
    async fn organization(&self) -> Option<Result<Organization, Fault>> {
        page::by_id(&self.scope, self.row.organization_id?).await.transpose()
    }

    /// The community for which it is registered; null: it is for an organization.
    async fn community(&self) -> Option<Result<Community, Fault>> {
        page::by_id(&self.scope, self.row.community_id?).await.transpose()
    }

    /// The origins of its pages, such as https://www.example.org, in the order in which they were given: where browsers may show
    /// what it embeds.
    async fn origins(&self) -> &[String] {
        &self.row.origins
    }

    /// The names of the listings that it may show, in the order in which they were given; empty: every one.
    async fn listings(&self) -> &[String] {
        &self.row.listings
    }

    /// How often it was written: what `expectedVersion` is compared with.
    async fn version(&self) -> i32 {
        self.row.version
    }

    /// When it was registered.
    async fn created_at(&self) -> DateTime {
        DateTime(self.row.created_at)
    }

    /// How often it was served what, one for each day and listing on which there was any, earliest first, then by the listing.
    /// No reader is followed: nothing but these sums is kept. What browsers and caches answered by themselves is not counted.
    /// At most 366 days, not backwards: else `BAD_USER_INPUT`.
    async fn uses(
        &self,
        #[graphql(desc = "The first day, in UTC; null: 29 days before the last one.")] from: Option<Date>,
        #[graphql(desc = "The last day, in UTC; null: today.")] to: Option<Date>,
    ) -> Result<Vec<SiteUse>, Fault> {
        let day = |day: Option<Date>| day.map(|day| day.check()).transpose();
        let days = rules::days(day(from)?, day(to)?, self.scope.now().date_naive())?;
        let rows = self.scope.loaders().site_uses.ask(days, self.row.id).await?;
        Ok(rows.iter().map(SiteUse::of).collect())
    }
}

/// How often a site was served a listing on a day.
#[derive(SimpleObject)]
pub struct SiteUse {
    /// The day, in UTC.
    day: Date,
    /// The name of the listing.
    listing: String,
    /// How often it was served by the hub, 2147483647 at the most.
    count: i32,
}

impl SiteUse {
    fn of(row: &UseRow) -> Self {
        let count = i32::try_from(row.count).unwrap_or(i32::MAX);
        Self { day: Date::from(row.day), listing: row.listing.clone(), count }
    }
}

impl Listable for Site {
    type Kind = Sites;
    type EdgeFields = EmptyFields;
    const NAME: &'static str = "Site";

    fn new(row: Arc<SiteRow>, scope: &Scope) -> Self {
        Self { row, scope: scope.clone() }
    }

    fn lists(loaders: &Loaders) -> &Lists<Sites> {
        &loaders.sites
    }

    fn edge_fields(_row: &Arc<SiteRow>, _scope: &Scope, _parent: Option<Uuid>) -> EmptyFields {
        EmptyFields
    }
}

/// All sites, the earliest first.
pub fn site_selection() -> Selection<Sites> {
    Selection { filter: SiteFilter, order: SiteOrder::Registered, direction: Direction::Ascending }
}

/// Registers a website that is to show the hub's listings.
#[derive(Debug, InputObject)]
pub struct SiteRegisterInput {
    /// The organization or the community that it is registered for.
    on: ID,
    /// What it is called, at most 100 characters.
    name: String,
    /// The origins of its pages, 1 to 20, such as https://www.example.org: scheme, host and perhaps a port. `https`, or `http` for
    /// `localhost`, `127.0.0.1` and `[::1]`; without a path, a query, a user name or `*`. They are kept as browsers write them,
    /// each once.
    origins: Vec<String>,
    /// The names of the listings that it may show, as addresses of `/embed` have them, such as `community`; at most 20 of lower-case
    /// letters, digits and hyphens. Null or empty: every one.
    listings: Option<Vec<String>>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// Changes a website that shows the hub's listings.
#[derive(Debug, InputObject)]
pub struct SiteEditInput {
    /// The site.
    site: ID,
    /// The version that you have seen; if it is another one by now, nothing is done (`CONFLICT`). Null: whichever there is.
    expected_version: Option<i32>,
    /// What it is to be called, at most 100 characters; null: as it is.
    name: Option<String>,
    /// The origins of its pages, all of them, as for `siteRegister`; null: as they are.
    origins: Option<Vec<String>>,
    /// The names of the listings that it may show, all of them, at most 20; empty: every one. Null: as they are.
    listings: Option<Vec<String>>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// Removes a website that shows the hub's listings.
#[derive(Debug, InputObject)]
pub struct SiteRemoveInput {
    /// The site.
    site: ID,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// What came of writing a site.
#[derive(SimpleObject)]
pub struct SitePayload {
    /// The site as it is now; null: nothing was done, or it is removed.
    site: Option<Site>,
    /// What is to be mended; empty: it was done.
    user_errors: Vec<UserError>,
}

/// Sites at the root.
#[derive(Default)]
pub struct SiteMutation;

/// Sites at the root.
#[Object]
impl SiteMutation {
    /// Registers a website that is to show the hub's listings, by those who run what it is for: the coordinators of a community
    /// and the administrators of the organization that manages it, or the administrators of an organization. What you cannot see
    /// is `NOT_FOUND`, as if it were not there.
    async fn site_register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: SiteRegisterInput,
    ) -> Result<SitePayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let SiteRegisterInput { on, name, origins, listings, idempotency_key } = input;
        let call = Call::of(ctx, idempotency_key, None)?;
        let written = Written { name: Some(name), origins: Some(origins), listings };
        let outcome = match place(Some(&on)).map_err(|fault| fault.of_field("on")) {
            Ok(on) => mutation::run(&scope, call, move |tx| store::register(tx, on, written).boxed()).await?,
            Err(fault) => mutation::mended(&scope, Err(fault))?,
        };
        payload(&scope, outcome).await
    }

    /// Changes a website that shows the hub's listings, by those who run what it is registered for. Its pages show what it may
    /// show from then on, as soon as caches and browsers ask again.
    async fn site_edit(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: SiteEditInput,
    ) -> Result<SitePayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let SiteEditInput { site, expected_version, name, origins, listings, idempotency_key } = input;
        let call = Call::of(ctx, idempotency_key, None)?;
        let written = Written { name, origins, listings };
        let outcome = match Thing::Site.decode(&site).map_err(|fault| fault.of_field("site")) {
            Ok(id) => {
                let target = Target { id, expected_version };
                mutation::run(&scope, call, move |tx| store::edit(tx, target, written).boxed()).await?
            }
            Err(fault) => mutation::mended(&scope, Err(fault))?,
        };
        payload(&scope, outcome).await
    }

    /// Removes a website that shows the hub's listings, with what was counted of it, by those who run what it is registered for.
    async fn site_remove(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: SiteRemoveInput,
    ) -> Result<SitePayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key, None)?;
        let outcome = match Thing::Site.decode(&input.site).map_err(|fault| fault.of_field("site")) {
            Ok(id) => mutation::run(&scope, call, move |tx| store::remove(tx, id).boxed()).await?,
            Err(fault) => mutation::mended(&scope, Err(fault))?,
        };
        payload(&scope, outcome).await
    }
}

async fn payload(scope: &Scope, outcome: Outcome<Uuid>) -> Result<SitePayload, Fault> {
    Ok(match outcome {
        Ok(id) => SitePayload { site: page::by_id(scope, id).await?, user_errors: Vec::new() },
        Err(user_errors) => SitePayload { site: None, user_errors },
    })
}
