//! The workflow of a KT item, and who sees it.
//!
//! ```text
//! DRAFT ──publish──▶ PUBLISHED        a draft is for nobody; what is published, for whom its line says
//! ```
//!
//! Whatever is retired is for nobody, in every state.

use crate::domain::item::record::ItemStatus;

/// Who sees an item in this state, when its line says so much.
pub fn audience(status: ItemStatus, retired: bool, stated: Vec<String>) -> Vec<String> {
    match (status, retired) {
        (ItemStatus::Published, false) => stated,
        (ItemStatus::Published, true) | (ItemStatus::Draft, true | false) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_published_and_not_retired_is_seen() {
        let everybody = vec!["public".to_owned()];
        for (status, retired, seen) in [
            (ItemStatus::Published, false, true),
            (ItemStatus::Published, true, false),
            (ItemStatus::Draft, false, false),
            (ItemStatus::Draft, true, false),
        ] {
            let expected = if seen { everybody.clone() } else { Vec::new() };
            assert_eq!(audience(status, retired, everybody.clone()), expected, "{status:?}, retired: {retired}");
        }
    }
}
