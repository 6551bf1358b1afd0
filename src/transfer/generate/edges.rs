//! Synthetic roles, and the links between communities and organizations.

use crate::domain::link::record::LinkRecord;
use crate::domain::link::rules::LinkKind;
use crate::domain::record::NodeReference;
use crate::domain::role::record::{RoleKind, RoleRecord};
use crate::error::Fault;
use crate::policy::{NodeKind, PUBLIC};
use crate::text::imprecise_date::ImpreciseDate;
use crate::text::texts::Fields;
use crate::transfer::generate::Maker;
use crate::transfer::generate::chance::Stream;
use crate::transfer::generate::made::{self, Made};
use crate::transfer::generate::rows::{Batch, Stamp, Table};
use crate::transfer::generate::world::{HeldIn, Post};
use crate::transfer::generate::{communities, organizations, people};

/// Writes the role with this place among the posts.
pub fn write_role(maker: &Maker, row: usize, batch: &mut Batch) -> Result<(), Fault> {
    let world = &maker.world;
    let Some(post) = world.posts.get(row) else { return Ok(()) };
    let mut chance = world.chance(Stream::Role, row);
    let role_kind = match (post.of, post.is_first) {
        (HeldIn::Community(_), true) => RoleKind::Leader,
        (HeldIn::Community(_), false) => {
            chance.weighed(&[(60, RoleKind::Coordinator), (25, RoleKind::Champion)], RoleKind::Representative)
        }
        (HeldIn::Organization(_), _) => chance.weighed(&[(50, RoleKind::Chair)], RoleKind::Advisor),
    };
    let year = chance.between(2012, 2025);
    let from = ImpreciseDate::new(Some(&year.to_string()), None)?;
    // The first one in a community still leads it.
    let has_ended = role_kind != RoleKind::Leader && chance.percent(20);
    let until = ImpreciseDate::new(Some(&(year + 1).to_string()), None)?;
    let (of, community, organization) = ends(maker, post);
    let record = RoleRecord {
        person: people::key(post.person),
        of,
        role_kind,
        title: None,
        from: Some(from).filter(|_| chance.percent(80)),
        until: Some(until).filter(|_| has_ended),
    };
    let audience = people::audience_of_post(maker, post);
    let made_at = world.made_at(row, world.posts.len());
    let made = Made {
        id: world.id(Stream::Role, row, made_at, 0),
        stamp: Stamp::of(made_at),
        header: made::header(format!("synthetic-role-{}", row + 1), maker.tags.english.clone()),
        record: &record,
        audience: &audience,
        communities: community.into_iter().collect(),
        topics: Vec::new(),
    };
    let hash = made.write(batch, &Fields::new(), None)?;
    made.head(batch, Table::Roles, &hash)
        .plain(world.person(post.person))
        .id(community)
        .id(organization)
        .plain(record.role_kind.as_ref())
        .imprecise(record.from.as_ref())?
        .imprecise(record.until.as_ref())?
        .end();
    Ok(())
}

/// What a role is held in: by key, and by id as a community or as an organization.
fn ends(maker: &Maker, post: &Post) -> (NodeReference, Option<uuid::Uuid>, Option<uuid::Uuid>) {
    match post.of {
        HeldIn::Community(row) => {
            let of = NodeReference { kind: NodeKind::Community, key: communities::key(row) };
            (of, Some(maker.world.community(row)), None)
        }
        HeldIn::Organization(row) => {
            let of = NodeReference { kind: NodeKind::Organization, key: organizations::key(row) };
            (of, None, Some(maker.world.organization(row)))
        }
    }
}

/// Writes the links of one community: its host, and for four of ten also who coordinates it.
pub fn write_links(maker: &Maker, row: usize, batch: &mut Batch) -> Result<(), Fault> {
    let world = &maker.world;
    let mut chance = world.chance(Stream::Link, row);
    let count = if chance.percent(40) { 2 } else { 1 };
    for (place, organization) in world.organizations.draw_some(&mut chance, count).into_iter().enumerate() {
        let link_kind = if place == 0 { LinkKind::Hosts } else { LinkKind::CoordinatedBy };
        let community = NodeReference { kind: NodeKind::Community, key: communities::key(row) };
        let other = NodeReference { kind: NodeKind::Organization, key: organizations::key(organization) };
        let ids = (world.community(row), world.organization(organization));
        let ((from, from_id), (to, to_id)) =
            if place == 0 { ((other, ids.1), (community, ids.0)) } else { ((community, ids.0), (other, ids.1)) };
        let since = ImpreciseDate::new(Some(&chance.between(2000, 2025).to_string()), None)?;
        let record = LinkRecord {
            link_kind,
            from,
            to,
            since: Some(since).filter(|_| chance.percent(50)),
            until: None,
            note: None,
        };
        // The organization is public: the link is as visible as the community. Twin of link_audience.
        let audience = communities::audience(maker, row);
        debug_assert!(audience.is_empty() || audience == [PUBLIC]);
        let made_at = world.made_at(row, world.counts.communities);
        let made = Made {
            id: world.id(Stream::Link, row, made_at, place),
            stamp: Stamp::of(made_at),
            header: made::header(format!("synthetic-link-{}-{}", row + 1, place + 1), maker.tags.english.clone()),
            record: &record,
            audience: &audience,
            communities: vec![ids.0],
            topics: Vec::new(),
        };
        let hash = made.write(batch, &Fields::new(), None)?;
        made.head(batch, Table::Links, &hash)
            .plain(record.link_kind.as_ref())
            .plain(from_id)
            .plain(record.from.kind.as_ref())
            .plain(to_id)
            .plain(record.to.kind.as_ref())
            .imprecise(record.since.as_ref())?
            .end();
    }
    Ok(())
}
