//! How many of everything there are, which id each has, and who belongs to what.
//!
//! Ids follow from kind and number alone, so that rows can name each other in whatever order they are made.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::transfer::generate::Plan;
use crate::transfer::generate::chance::{Chance, HeavyTail, Stream};

/// 2026-11-01T00:00:00Z, in seconds: synthetic data know nothing later.
const BASE: i64 = 1_793_491_200;

/// Ten years, in seconds: synthetic data know nothing earlier.
const SPAN: i64 = 10 * 365 * 24 * 60 * 60;

/// The point in time that the data are of.
pub fn base() -> DateTime<Utc> {
    seconds_before_base(0)
}

/// A point in time before the base.
pub fn seconds_before_base(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(BASE.saturating_sub(seconds), 0).unwrap_or_default()
}

/// The end of the time in which everything happened.
pub fn end() -> DateTime<Utc> {
    seconds_before_base(0)
}

/// A point in time in the ten years before the base; recent ones are more frequent: half of all are of the last two
/// and a half years.
pub fn recent(chance: &mut Chance) -> DateTime<Utc> {
    // The span fits.
    let before = chance.skewed(usize::try_from(SPAN).unwrap_or(usize::MAX));
    seconds_before_base(i64::try_from(before).unwrap_or(SPAN))
}

/// How many there are of each kind.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    /// Topics.
    pub topics: usize,
    /// Organizations.
    pub organizations: usize,
    /// Communities.
    pub communities: usize,
    /// People.
    pub people: usize,
    /// Memberships; a few less where there are not enough communities to choose from.
    pub memberships: usize,
    /// Projects.
    pub projects: usize,
    /// Items.
    pub items: usize,
}

impl Counts {
    fn of(scale: f64) -> Self {
        let scaled = |full: f64, least: usize| ((full * scale).round() as usize).max(least);
        Self {
            topics: scaled(400.0, 24),
            organizations: scaled(300.0, 6),
            communities: scaled(3_000.0, 12),
            people: scaled(100_000.0, 40),
            memberships: scaled(600_000.0, 120),
            projects: scaled(10_000.0, 10),
            items: scaled(200_000.0, 60),
        }
    }
}

/// What somebody is to a community or an organization.
#[derive(Clone, Copy, Debug)]
pub enum HeldIn {
    /// The community with this number.
    Community(usize),
    /// The organization with this number.
    Organization(usize),
}

/// A role that somebody holds.
#[derive(Clone, Copy, Debug)]
pub struct Post {
    /// The number of the person.
    pub person: usize,
    /// In what.
    pub of: HeldIn,
    /// Whether it is the first role in it.
    pub is_first: bool,
}

/// The whole of the data, as far as one row has to know of others.
pub struct World {
    /// What chance is drawn from.
    pub seed: u64,
    /// How many there are.
    pub counts: Counts,
    /// Communities by how many members and items they have.
    pub communities: HeavyTail,
    /// Organizations by how much they host and lead.
    pub organizations: HeavyTail,
    /// Topics by how often they are chosen.
    pub topics: HeavyTail,
    /// Who holds a role.
    pub posts: Vec<Post>,
    /// The places in `posts` of each person who holds one.
    posts_of: HashMap<usize, Vec<usize>>,
    /// For each person, how many memberships those before have.
    memberships_before: Vec<u32>,
}

impl World {
    /// Decides what there will be.
    pub fn new(plan: Plan) -> Self {
        let counts = Counts::of(plan.scale);
        let posts = posts(plan.seed, &counts);
        let mut posts_of: HashMap<usize, Vec<usize>> = HashMap::new();
        for (place, post) in posts.iter().enumerate() {
            posts_of.entry(post.person).or_default().push(place);
        }
        Self {
            seed: plan.seed,
            counts,
            communities: HeavyTail::new(counts.communities, 24),
            organizations: HeavyTail::new(counts.organizations, 12),
            topics: HeavyTail::new(counts.topics, 40),
            posts,
            posts_of,
            memberships_before: memberships_before(plan.seed, &counts),
        }
    }

    /// The stream of chance of a row.
    pub fn chance(&self, stream: Stream, row: usize) -> Chance {
        Chance::of(self.seed, stream, row as u64)
    }

    /// When the row with this number came to the hub: row by row over the ten years.
    pub fn made_at(&self, row: usize, rows: usize) -> DateTime<Utc> {
        let step = SPAN * 1_000 / i64::try_from(rows + 1).unwrap_or(i64::MAX);
        let passed = i64::try_from(row + 1).unwrap_or(0).saturating_mul(step);
        DateTime::from_timestamp_millis((BASE - SPAN) * 1_000 + passed).unwrap_or_default()
    }

    /// The id of a row that came to the hub then. Ids ascend by time, then by place.
    pub fn id(&self, stream: Stream, row: usize, made_at: DateTime<Utc>, place: usize) -> Uuid {
        // The place has the twelve bits beside the version; chance those beside the variant (RFC 9562, section 5.7).
        let place = place as u64 & 0xfff;
        let time = u64::try_from(made_at.timestamp_millis()).unwrap_or(0);
        let own = Chance::of(self.chance(stream, row).bits(), Stream::Id, place).bits();
        Uuid::from_u64_pair(time << 16 | 0x7000 | place, own >> 2 | 1 << 63)
    }

    fn numbered(&self, stream: Stream, row: usize, rows: usize) -> Uuid {
        self.id(stream, row, self.made_at(row, rows), 0)
    }

    /// The id of a topic.
    pub fn topic(&self, row: usize) -> Uuid {
        self.numbered(Stream::Topic, row, self.counts.topics)
    }

    /// The id of an organization.
    pub fn organization(&self, row: usize) -> Uuid {
        self.numbered(Stream::Organization, row, self.counts.organizations)
    }

    /// The id of a community.
    pub fn community(&self, row: usize) -> Uuid {
        self.numbered(Stream::Community, row, self.counts.communities)
    }

    /// The id of a person.
    pub fn person(&self, row: usize) -> Uuid {
        self.numbered(Stream::Person, row, self.counts.people)
    }

    /// The id of a project.
    pub fn project(&self, row: usize) -> Uuid {
        self.numbered(Stream::Project, row, self.counts.projects)
    }

    /// The id of an item.
    pub fn item(&self, row: usize) -> Uuid {
        self.numbered(Stream::Item, row, self.counts.items)
    }

    /// Whether a community is not shown to anybody yet: one in two hundred, and the last one.
    pub fn is_hidden(&self, community: usize) -> bool {
        community % 200 == 199 || community + 1 == self.counts.communities
    }

    /// The places in `posts` of the roles that a person holds.
    pub fn posts_of(&self, person: usize) -> &[usize] {
        self.posts_of.get(&person).map(Vec::as_slice).unwrap_or_default()
    }

    /// The communities that a person holds a role in, each once.
    pub fn led_by(&self, person: usize) -> Vec<usize> {
        let mut led: Vec<usize> = Vec::new();
        for place in self.posts_of(person) {
            if let Some(Post { of: HeldIn::Community(community), .. }) = self.posts.get(*place)
                && !led.contains(community)
            {
                led.push(*community);
            }
        }
        led
    }

    /// The communities that a person belongs to; whoever holds a role in one belongs to it.
    pub fn communities_of(&self, person: usize) -> Vec<usize> {
        let before = |person: usize| self.memberships_before.get(person).copied().unwrap_or_default();
        let count = before(person + 1).saturating_sub(before(person)) as usize;
        let mut chance = self.chance(Stream::Membership, person);
        self.communities.draw_more(&mut chance, self.led_by(person), count)
    }
}

/// Nearly every community has a leader, some have a second role; so does every third organization.
fn posts(seed: u64, counts: &Counts) -> Vec<Post> {
    let mut posts = Vec::new();
    let holder = |chance: &mut Chance| chance.skewed(counts.people);
    for community in 0..counts.communities {
        let mut chance = Chance::of(seed, Stream::Role, community as u64);
        if chance.percent(92) {
            posts.push(Post { person: holder(&mut chance), of: HeldIn::Community(community), is_first: true });
        }
        if chance.percent(30) {
            posts.push(Post { person: holder(&mut chance), of: HeldIn::Community(community), is_first: false });
        }
    }
    for organization in 0..counts.organizations {
        let mut chance = Chance::of(seed, Stream::Role, (counts.communities + organization) as u64);
        if chance.percent(33) {
            posts.push(Post { person: holder(&mut chance), of: HeldIn::Organization(organization), is_first: true });
        }
    }
    posts
}

/// Most people have few memberships, some have many: shares of the whole, rounded so that the sum is exact.
fn memberships_before(seed: u64, counts: &Counts) -> Vec<u32> {
    let mut sums = vec![0_u64];
    let mut sum = 0_u64;
    for person in 0..counts.people {
        let mut chance = Chance::of(seed, Stream::Person, person as u64);
        sum += 100 + 10 * chance.skewed(160) as u64;
        sums.push(sum);
    }
    let total = counts.memberships as u64;
    sums.into_iter().map(|before| u32::try_from(before * total / sum.max(1)).unwrap_or(u32::MAX)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world(scale: f64) -> World {
        World::new(Plan { scale, seed: 1 })
    }

    #[test]
    fn counts_follow_the_scale_and_are_never_none() {
        let counts = Counts::of(1.0);
        assert_eq!((counts.topics, counts.organizations, counts.communities), (400, 300, 3_000));
        assert_eq!((counts.people, counts.memberships), (100_000, 600_000));
        assert_eq!((counts.projects, counts.items), (10_000, 200_000));
        assert_eq!(Counts::of(0.5).items, 100_000);
        assert!(Counts::of(f64::MIN_POSITIVE).projects > 1);
    }

    #[test]
    fn ids_ascend_and_are_of_version_7() {
        let world = world(0.01);
        let ids: Vec<Uuid> = (0..world.counts.items).map(|row| world.item(row)).collect();
        assert!(ids.is_sorted_by(|one, next| one < next));
        assert!(ids.iter().all(|id| id.get_version_num() == 7 && id.get_variant() == uuid::Variant::RFC4122));
        let made_at = world.made_at(3, world.counts.people);
        let places: Vec<Uuid> = (0..20).map(|place| world.id(Stream::Membership, 3, made_at, place)).collect();
        assert!(places.is_sorted_by(|one, next| one < next));
        assert_ne!(world.topic(1), World::new(Plan { scale: 0.01, seed: 2 }).topic(1));
    }

    #[test]
    fn everything_happened_in_the_ten_years_before_the_base() {
        let world = world(0.01);
        let first = seconds_before_base(SPAN);
        for row in [0, 1, 1_999] {
            assert!((first..=base()).contains(&world.made_at(row, world.counts.items)));
        }
        for row in 0..1_000 {
            assert!((first..=base()).contains(&recent(&mut world.chance(Stream::Item, row))));
        }
    }

    #[test]
    fn the_largest_community_has_about_two_percent_of_all_memberships() {
        let world = world(0.3);
        let mut sizes = vec![0_usize; world.counts.communities];
        for person in 0..world.counts.people {
            let communities = world.communities_of(person);
            for (place, community) in communities.iter().enumerate() {
                assert!(!communities[..place].contains(community));
                sizes[*community] += 1;
            }
        }
        let all: usize = sizes.iter().sum();
        assert!(all.abs_diff(world.counts.memberships) < 200, "{all}");
        assert!((150..250).contains(&(sizes[0] * 10_000 / all)), "{} of {all}", sizes[0]);
        sizes.sort_unstable();
        assert!(sizes[sizes.len() / 2] < all / sizes.len(), "most are small");
    }

    #[test]
    fn whoever_holds_a_role_in_a_community_belongs_to_it() {
        let world = world(0.01);
        for post in &world.posts {
            if let HeldIn::Community(community) = post.of {
                assert!(world.communities_of(post.person).contains(&community));
            }
        }
    }
}
