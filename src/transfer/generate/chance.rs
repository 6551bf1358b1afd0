//! Chance that is the same everywhere and for ever: SplitMix64, with draws of our own on top.
//!
//! A stream of numbers belongs to one row of one kind, so any row can be made anew without making those before it.
//! Nothing here uses a function that a mathematical library may round in its own way: only the four operations and
//! square roots, which IEEE 754 defines to the last bit.

/// 2^64 divided by the golden ratio, the step of SplitMix64 (Steele, Lea and Flood, 2014).
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// What a stream of chance is for. Rows of different kinds with the same number have nothing in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Topics.
    Topic,
    /// Organizations.
    Organization,
    /// Communities.
    Community,
    /// People, without their memberships.
    Person,
    /// Which memberships a person has.
    Membership,
    /// Projects.
    Project,
    /// Items.
    Item,
    /// Roles.
    Role,
    /// Links.
    Link,
    /// Authors of items.
    Author,
    /// People in projects.
    Participant,
    /// The random part of ids.
    Id,
}

/// A stream of chance.
#[derive(Clone, Debug)]
pub struct Chance {
    state: u64,
}

impl Chance {
    /// The stream of one row.
    pub fn of(seed: u64, stream: Stream, row: u64) -> Self {
        let kind = mix(seed.wrapping_add(STEP.wrapping_mul(stream as u64 + 1)));
        Self { state: mix(kind ^ row.wrapping_mul(STEP)) }
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        mix(self.state)
    }

    /// A number below `end`, each as likely as the others; 0 when there is none.
    pub fn below(&mut self, end: usize) -> usize {
        let wide = u128::from(self.bits()) * (end as u128);
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    /// A number from `first` to `last`, both included.
    pub fn between(&mut self, first: usize, last: usize) -> usize {
        first + self.below(last.saturating_sub(first) + 1)
    }

    /// A share of one, 1 excluded.
    pub fn share(&mut self) -> f64 {
        // 53 bits are what the number can hold.
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, cases: usize) -> bool {
        self.below(100) < cases
    }

    /// A number below `end`, the small ones more often: half of all are in the first quarter.
    pub fn skewed(&mut self, end: usize) -> usize {
        let share = self.share();
        ((share * share * end as f64) as usize).min(end.saturating_sub(1))
    }

    /// One of a list, the first ones more often.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        // `skewed` stays below the length; the lists of this module are never empty.
        &list[self.skewed(list.len())]
    }

    /// One of a list by its weight in percent; the last one takes what is left.
    pub fn weighed<T: Copy>(&mut self, list: &[(usize, T)], last: T) -> T {
        let drawn = self.below(100);
        let mut passed = 0;
        for (weight, value) in list {
            passed += weight;
            if drawn < passed {
                return *value;
            }
        }
        last
    }
}

fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Ranks with a heavy tail: a few are drawn very often, most of them rarely.
#[derive(Clone, Debug)]
pub struct HeavyTail {
    /// Summed weights, in parts of 2^52.
    ends: Vec<u64>,
}

impl HeavyTail {
    /// Rank r (from 0) weighs (r + shift + 1)^-1.5. A greater shift makes the first ranks less dominant: with 24
    /// the first of 3,000 ranks has about 2 % of all draws.
    pub fn new(ranks: usize, shift: usize) -> Self {
        let mut ends = Vec::with_capacity(ranks);
        let mut sum = 0;
        for rank in 0..ranks {
            let place = (rank + shift + 1) as f64;
            sum += ((1_u64 << 52) as f64 / (place * place.sqrt())) as u64;
            ends.push(sum);
        }
        Self { ends }
    }

    /// One rank.
    pub fn draw(&self, chance: &mut Chance) -> usize {
        let total = self.ends.last().copied().unwrap_or(0);
        let drawn = (u128::from(chance.bits()) * u128::from(total)) >> 64;
        let rank = self.ends.partition_point(|end| u128::from(*end) <= drawn);
        rank.min(self.ends.len().saturating_sub(1))
    }

    /// Different ranks in the order in which they were drawn, after those that `drawn` holds already; fewer when there
    /// are not so many.
    pub fn draw_more(&self, chance: &mut Chance, mut drawn: Vec<usize>, count: usize) -> Vec<usize> {
        let wanted = count.min(self.ends.len());
        let mut tries = 0;
        while drawn.len() < wanted {
            let mut rank = self.draw(chance);
            tries += 1;
            // Where nearly all have to be taken, chance alone would take too long to find the last ones.
            if tries > 20 * wanted {
                rank = (0..self.ends.len()).find(|rank| !drawn.contains(rank)).unwrap_or(rank);
            }
            if !drawn.contains(&rank) {
                drawn.push(rank);
            }
        }
        drawn
    }

    /// Different ranks in the order in which they were drawn.
    pub fn draw_some(&self, chance: &mut Chance, count: usize) -> Vec<usize> {
        self.draw_more(chance, Vec::new(), count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_stream_are_the_same_for_ever() {
        // The first numbers that SplitMix64 is known to begin with from this state.
        let mut chance = Chance { state: 1_234_567 };
        let known = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([chance.bits(), chance.bits(), chance.bits()], known);
        let first = Chance::of(1, Stream::Item, 7).bits();
        assert_eq!(first, 1_078_834_336_072_164_488);
        assert_ne!(Chance::of(1, Stream::Person, 7).bits(), first);
        assert_ne!(Chance::of(2, Stream::Item, 7).bits(), first);
        assert_ne!(Chance::of(1, Stream::Item, 8).bits(), first);
    }

    #[test]
    fn draws_stay_in_their_bounds_and_reach_them() {
        let mut chance = Chance::of(1, Stream::Item, 1);
        let mut seen = [false; 6];
        for _ in 0..1_000 {
            seen[chance.between(1, 5)] = true;
            assert!(chance.skewed(3) < 3 && chance.share() < 1.0);
        }
        assert_eq!(seen, [false, true, true, true, true, true]);
        assert_eq!((chance.below(0), chance.below(1), chance.skewed(1)), (0, 0, 0));
    }

    #[test]
    fn the_first_rank_of_many_has_about_two_percent() {
        let ranks = HeavyTail::new(3_000, 24);
        let mut chance = Chance::of(1, Stream::Membership, 1);
        let firsts = (0..100_000).filter(|_| ranks.draw(&mut chance) == 0).count();
        assert!((1_800..2_400).contains(&firsts), "{firsts}");
    }

    #[test]
    fn different_ranks_are_drawn_as_far_as_there_are_some() {
        let ranks = HeavyTail::new(4, 0);
        for row in 0..50 {
            let mut drawn = ranks.draw_some(&mut Chance::of(1, Stream::Item, row), 9);
            drawn.sort_unstable();
            assert_eq!(drawn, [0, 1, 2, 3]);
        }
        assert_eq!(ranks.draw_more(&mut Chance::of(1, Stream::Item, 1), vec![2], 1), [2]);
        assert!(HeavyTail::new(0, 0).draw_some(&mut Chance::of(1, Stream::Item, 1), 3).is_empty());
    }
}
