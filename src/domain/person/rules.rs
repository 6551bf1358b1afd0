//! Who may see which field of a person.
//!
//! ```text
//! no consent, no public role ──▶ the person alone
//! consent for a field        ──▶ whom the consent names, until it is withdrawn
//! a role that others see     ──▶ name, honorific, profession and home organization, for those who see the role
//! an application of one's own ──▶ name, honorific, profession and region, for the coordinators, until it comes to nothing
//! retired                    ──▶ nobody
//! ```

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::domain::person::record::{Consent, ConsentAudience, PersonField};
use crate::policy::{self, PUBLIC};

/// Who may see each field: atoms, sorted.
pub type FieldAudiences = BTreeMap<PersonField, Vec<String>>;

/// The fields that a role shows.
const SHOWN_BY_ROLE: [PersonField; 4] =
    [PersonField::Name, PersonField::Honorific, PersonField::Profession, PersonField::HomeOrganization];

/// The fields that coordinators see of whoever applies to their community by their own account, as long as it is not decided
/// and while they are a member, and an organization that is asked to endorse it until it is decided: whoever applies is told so.
const SHOWN_BY_APPLYING: [PersonField; 4] =
    [PersonField::Name, PersonField::Honorific, PersonField::Profession, PersonField::Region];

/// What decides who may see a person.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// What the person agreed to.
    pub consents: &'a [Consent],
    /// The communities that the person is an active member of.
    pub communities: &'a [Uuid],
    /// Who has to know whoever applied by their own account: the coordinators, and who is to endorse it, as atoms.
    pub applied: &'a [String],
    /// The audiences of the person's roles.
    pub roles: &'a [Vec<String>],
}

/// Decides who may see each field of a person.
pub fn field_audiences(person: Uuid, known: &Known<'_>, now: DateTime<Utc>) -> FieldAudiences {
    let Known { consents, communities, applied, roles } = *known;
    let mut audiences = FieldAudiences::new();
    for field in &PersonField::SHOWN {
        let mut atoms = BTreeSet::from([format!("self:{person}")]);
        for consent in consents.iter().filter(|consent| covers(consent.field, *field) && stands(consent, now)) {
            atoms.extend(atoms_of(consent.audience, communities));
        }
        if SHOWN_BY_ROLE.contains(field) {
            atoms.extend(roles.iter().flatten().cloned());
        }
        if SHOWN_BY_APPLYING.contains(field) {
            atoms.extend(applied.iter().cloned());
        }
        audiences.insert(*field, atoms.into_iter().collect());
    }
    audiences
}

/// What is seen of somebody who was retired: nothing, by nobody.
pub fn of_nobody() -> FieldAudiences {
    PersonField::SHOWN.iter().map(|field| (*field, Vec::new())).collect()
}

/// The fields of a person that changed, by the audiences that they had before and have after: an entry of the change
/// log for each, so that nobody learns that a field changed which they could see neither before nor after.
///
/// `touched` are the fields of the record that differ. A field whose audience changed counts as changed. Consents are
/// for the person alone, and so are sources, which may speak of hidden fields; what belongs to the whole record goes
/// with the name.
pub fn changed_fields(
    person: Uuid,
    before: &FieldAudiences,
    after: &FieldAudiences,
    touched: &[String],
) -> BTreeMap<(Vec<String>, Vec<String>), Vec<String>> {
    let mut changed: BTreeMap<(Vec<String>, Vec<String>), Vec<String>> = BTreeMap::new();
    let of = |audiences: &FieldAudiences, field: PersonField| audiences.get(&field).cloned().unwrap_or_default();
    // Nobody sees a field of somebody whose name they may not know.
    let seen = |audiences: &FieldAudiences, field: PersonField| {
        policy::meet(&of(audiences, field), &of(audiences, PersonField::Name))
    };
    for field in &PersonField::SHOWN {
        let is_moved = of(before, *field) != of(after, *field);
        if is_moved || touched.iter().any(|name| name == field.name()) {
            let audiences = (seen(before, *field), seen(after, *field));
            changed.entry(audiences).or_default().push(field.name().to_owned());
        }
    }
    for name in touched.iter().filter(|name| PersonField::SHOWN.iter().all(|field| field.name() != name.as_str())) {
        let audiences = if name == "consents" || name == "sources" {
            let oneself = vec![format!("self:{person}")];
            (if before.is_empty() { Vec::new() } else { oneself.clone() }, oneself)
        } else {
            (of(before, PersonField::Name), of(after, PersonField::Name))
        };
        changed.entry(audiences).or_default().push(name.clone());
    }
    changed
}

/// A consent to show all affiliations shows the home organization too.
fn covers(consented: PersonField, field: PersonField) -> bool {
    consented == field || (consented == PersonField::Affiliations && field == PersonField::HomeOrganization)
}

/// When the next consent begins or ends; null: never.
pub fn next_turn(consents: &[Consent], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let turns = consents.iter().flat_map(|consent| [Some(consent.given_at), consent.withdrawn_at]);
    turns.flatten().filter(|turn| *turn > now).min()
}

fn stands(consent: &Consent, now: DateTime<Utc>) -> bool {
    consent.given_at <= now && consent.withdrawn_at.is_none_or(|withdrawn_at| withdrawn_at > now)
}

fn atoms_of(audience: ConsentAudience, communities: &[Uuid]) -> Vec<String> {
    match audience {
        ConsentAudience::Public => vec![PUBLIC.to_owned()],
        ConsentAudience::Members => communities
            .iter()
            .flat_map(|community| [format!("member:{community}"), format!("coordinator:{community}")])
            .collect(),
        ConsentAudience::Coordinators => {
            communities.iter().map(|community| format!("coordinator:{community}")).collect()
        }
        ConsentAudience::Oneself => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERSON: Uuid = Uuid::from_u128(7);
    const COMMUNITY: Uuid = Uuid::from_u128(9);

    fn at(day: u32) -> DateTime<Utc> {
        chrono::NaiveDate::from_ymd_opt(2026, 1, day).unwrap().and_hms_opt(0, 0, 0).unwrap().and_utc()
    }

    fn consent(field: PersonField, audience: ConsentAudience, withdrawn_at: Option<DateTime<Utc>>) -> Consent {
        Consent { field, audience, given_at: at(2), text_version: "1".to_owned(), text_language: None, withdrawn_at }
    }

    fn audiences(consents: &[Consent], roles: &[Vec<String>], now: DateTime<Utc>) -> FieldAudiences {
        let known = Known { consents, communities: &[COMMUNITY], applied: &[], roles };
        field_audiences(PERSON, &known, now)
    }

    #[test]
    fn without_consent_and_role_every_field_is_for_the_person_alone() {
        let expected = vec![format!("self:{PERSON}")];
        let audiences = audiences(&[], &[], at(5));
        assert_eq!(audiences.len(), PersonField::SHOWN.len());
        assert!(audiences.values().all(|atoms| *atoms == expected));
    }

    #[test]
    fn a_public_role_shows_four_fields_and_no_more() {
        let audiences = audiences(&[], &[vec![PUBLIC.to_owned()]], at(5));
        for (field, atoms) in audiences {
            let shown = atoms.contains(&PUBLIC.to_owned());
            assert_eq!(shown, SHOWN_BY_ROLE.contains(&field), "{field:?}");
        }
    }

    #[test]
    fn whoever_applies_is_known_to_the_coordinators_and_no_further() {
        let known =
            Known { consents: &[], communities: &[], applied: &[format!("coordinator:{COMMUNITY}")], roles: &[] };
        for (field, atoms) in field_audiences(PERSON, &known, at(5)) {
            let shown = atoms == [format!("coordinator:{COMMUNITY}"), format!("self:{PERSON}")];
            assert_eq!(shown, SHOWN_BY_APPLYING.contains(&field), "{field:?}: {atoms:?}");
            assert!(shown || atoms == [format!("self:{PERSON}")]);
        }
    }

    #[test]
    fn each_level_of_consent_names_its_atoms() {
        let cases = [
            (ConsentAudience::Public, vec![PUBLIC.to_owned(), format!("self:{PERSON}")]),
            (
                ConsentAudience::Members,
                vec![format!("coordinator:{COMMUNITY}"), format!("member:{COMMUNITY}"), format!("self:{PERSON}")],
            ),
            (ConsentAudience::Coordinators, vec![format!("coordinator:{COMMUNITY}"), format!("self:{PERSON}")]),
            (ConsentAudience::Oneself, vec![format!("self:{PERSON}")]),
        ];
        for (audience, expected) in cases {
            let audiences = audiences(&[consent(PersonField::Region, audience, None)], &[], at(5));
            assert_eq!(audiences[&PersonField::Region], expected);
            assert_eq!(audiences[&PersonField::Name], vec![format!("self:{PERSON}")]);
        }
    }

    #[test]
    fn a_consent_counts_from_when_it_is_given_until_it_is_withdrawn() {
        let consents = [consent(PersonField::Name, ConsentAudience::Public, Some(at(4)))];
        for (day, public) in [(1, false), (2, true), (3, true), (4, false), (5, false)] {
            let atoms = &audiences(&consents, &[], at(day))[&PersonField::Name];
            assert_eq!(atoms.contains(&PUBLIC.to_owned()), public, "day {day}");
        }
    }

    #[test]
    fn consent_to_affiliations_shows_the_home_organization() {
        let consents = [consent(PersonField::Affiliations, ConsentAudience::Public, None)];
        let audiences = audiences(&consents, &[], at(5));
        assert!(audiences[&PersonField::HomeOrganization].contains(&PUBLIC.to_owned()));
        assert!(!audiences[&PersonField::Name].contains(&PUBLIC.to_owned()));
    }

    #[test]
    fn a_change_names_each_field_to_its_own_audience_alone() {
        let public = consent(PersonField::Name, ConsentAudience::Public, None);
        let before = audiences(std::slice::from_ref(&public), &[], at(5));
        let members = consent(PersonField::Region, ConsentAudience::Members, None);
        let after = audiences(&[public, members], &[], at(5));
        let touched = ["consents", "orcid", "slug"].map(str::to_owned);
        let changed = changed_fields(PERSON, &before, &after, &touched);
        let oneself = vec![format!("self:{PERSON}")];
        let seen_by_all = after[&PersonField::Name].clone();
        let expected = BTreeMap::from([
            ((oneself.clone(), oneself.clone()), vec!["orcid".to_owned(), "consents".to_owned()]),
            ((oneself, after[&PersonField::Region].clone()), vec!["region".to_owned()]),
            ((seen_by_all.clone(), seen_by_all), vec!["slug".to_owned()]),
        ]);
        assert_eq!(changed, expected);
    }
}
