//! Topics and organizations have parents, and none of them is above itself.
//!
//! ```text
//! wider ◀── parent ── node ◀── parent ── narrower        (never back to where it started)
//! ```

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

/// A node that is above itself, if there is one among those given. `parents` holds every edge from child to parent
/// that can be reached from them.
pub fn above_itself(starts: &[Uuid], parents: &HashMap<Uuid, Vec<Uuid>>) -> Option<Uuid> {
    starts.iter().copied().find(|start| {
        let mut seen = HashSet::new();
        let mut open: Vec<Uuid> = parents.get(start).cloned().unwrap_or_default();
        while let Some(node) = open.pop() {
            if node == *start {
                return true;
            }
            if seen.insert(node) {
                open.extend(parents.get(&node).into_iter().flatten());
            }
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(u128, u128)]) -> HashMap<Uuid, Vec<Uuid>> {
        let mut parents: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
        for (child, parent) in edges {
            parents.entry(Uuid::from_u128(*child)).or_default().push(Uuid::from_u128(*parent));
        }
        parents
    }

    #[test]
    fn a_loop_of_any_length_is_found_from_each_of_its_members() {
        for length in 1..5 {
            let edges: Vec<(u128, u128)> = (0..length).map(|n| (n, (n + 1) % length)).collect();
            for start in 0..length {
                let start = Uuid::from_u128(start);
                assert_eq!(above_itself(&[start], &graph(&edges)), Some(start));
            }
        }
    }

    #[test]
    fn two_ways_up_to_one_topic_are_no_loop() {
        let edges = graph(&[(1, 2), (1, 3), (2, 4), (3, 4)]);
        assert_eq!(above_itself(&[Uuid::from_u128(1)], &edges), None);
    }

    #[test]
    fn a_loop_above_a_topic_is_not_its_own() {
        let edges = graph(&[(1, 2), (2, 3), (3, 2)]);
        assert_eq!(above_itself(&[Uuid::from_u128(1)], &edges), None);
    }
}
