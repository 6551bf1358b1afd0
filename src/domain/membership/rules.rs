//! How a membership comes to be and ends, and who can have one.
//!
//! ```text
//! none, REFUSED, WITHDRAWN, ENDED ──apply──▶ APPLIED; ACTIVE at once where joining is open
//! none, REFUSED, WITHDRAWN, ENDED, APPLIED, WAITING ──invite──▶ INVITED ──apply──▶ ACTIVE
//! APPLIED, WAITING ──accept──▶ ACTIVE      ──refuse──▶ REFUSED      ──wait──▶ WAITING
//! APPLIED, WAITING, INVITED ──withdraw──▶ WITHDRAWN
//! ACTIVE ──leave, or the coordinators end it──▶ ENDED
//! ```
//!
//! Who applies is of a profession that the community is for, accepts its charter and answers its questions. A tier by
//! appointment is had by invitation or by decision, an endorsed one once its organization has endorsed it, and of either there
//! may be no more from a region than the community says.

use crate::domain::community::record::{
    Charter, CommunityRecord, CommunityStatus, JoinPolicy, Question, QuestionKind, TierRule,
};
use crate::domain::membership::record::{Answer, MembershipStatus, MembershipTier};
use crate::domain::person::record::Profession;
use crate::error::{Code, Fault};
use crate::text::messages::{self, Message};
use crate::text::texts;

/// The longest line that answers a question, in characters.
const MAX_LINE_CHARS: usize = 200;

/// The longest text that answers a question, in characters.
const MAX_TEXT_CHARS: usize = 2_000;

/// The most answers of one application, and choices of one answer.
const MAX_ANSWERS: usize = 50;

/// What is done to a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The person applies, or takes up an invitation; `at_once` where nobody has to decide.
    Apply {
        /// Whether joining is open.
        at_once: bool,
    },
    /// The coordinators invite the person.
    Invite,
    /// The coordinators accept the application.
    Accept,
    /// They put it on the waiting list.
    Wait,
    /// They refuse it.
    Refuse,
    /// The person takes it back, or declines an invitation.
    Withdraw,
    /// The person leaves, or the coordinators end the membership.
    End,
}

/// Where a membership stands after a step; null: there is none yet. What does not go from there is `CONFLICT`.
pub fn next(from: Option<MembershipStatus>, step: Step) -> Result<MembershipStatus, Fault> {
    use MembershipStatus::{Active, Applied, Ended, Invited, Refused, Waiting, Withdrawn};
    let refused = |message| Err(Fault::new(Code::Conflict, message));
    match (step, from) {
        (Step::Apply { at_once }, None | Some(Refused | Withdrawn | Ended)) => {
            Ok(if at_once { Active } else { Applied })
        }
        (Step::Apply { .. }, Some(Invited)) => Ok(Active),
        (Step::Apply { .. }, Some(Applied | Waiting | Active)) => refused(Message::new("membership-there")),
        (Step::Invite, None | Some(Refused | Withdrawn | Ended | Applied | Waiting)) => Ok(Invited),
        (Step::Invite, Some(Invited | Active)) => refused(Message::new("membership-there")),
        (Step::Accept, Some(Applied | Waiting)) => Ok(Active),
        (Step::Wait, Some(Applied)) => Ok(Waiting),
        (Step::Refuse, Some(Applied | Waiting)) => Ok(Refused),
        (Step::Accept | Step::Wait | Step::Refuse, _) => refused(Message::new("membership-not-pending")),
        (Step::Withdraw, Some(Applied | Waiting | Invited)) => Ok(Withdrawn),
        (Step::Withdraw, _) => refused(Message::new("membership-not-pending")),
        (Step::End, Some(Active)) => Ok(Ended),
        (Step::End, _) => refused(Message::new("membership-not-active")),
    }
}

/// Refuses whoever cannot apply to a community as it is. Whom its coordinators invited need not be eligible.
pub fn check_eligible(
    community: &CommunityRecord,
    profession: Option<Profession>,
    is_invited: bool,
) -> Result<(), Fault> {
    if community.status == CommunityStatus::Closed {
        return Err(not_eligible(Message::new("membership-closed")));
    }
    if is_invited {
        return Ok(());
    }
    match community.join_policy {
        Some(JoinPolicy::Open | JoinPolicy::ByApplication) => {}
        Some(JoinPolicy::ByInvitation) => return Err(not_eligible(Message::new("membership-by-invitation"))),
        None => return Err(not_eligible(Message::new("membership-elsewhere"))),
    }
    let is_meant = |it: Profession| community.professions.iter().any(|meant| it.is(*meant));
    if community.professions.is_empty() || profession.is_some_and(is_meant) {
        Ok(())
    } else {
        Err(not_eligible(match profession {
            Some(_) => Message::new("membership-profession"),
            None => Message::new("membership-profession-unknown"),
        }))
    }
}

/// The tier that somebody has who wants one, or the usual one; refused where the community has none such, or gives it by
/// appointment to whom it did not invite.
pub fn tier(
    community: &CommunityRecord,
    wanted: Option<MembershipTier>,
    is_appointed: bool,
) -> Result<MembershipTier, Fault> {
    let usual = community.tiers.first().map_or(MembershipTier::Open, |rule| rule.tier);
    let tier = wanted.unwrap_or(usual);
    if tier != usual && !community.tiers.iter().any(|rule| rule.tier == tier) {
        return Err(Fault::bad_input(Message::new("membership-no-such-tier")).of_field("tier"));
    }
    match tier {
        MembershipTier::Appointed if !is_appointed => {
            Err(not_eligible(Message::new("membership-by-appointment")).of_field("tier"))
        }
        MembershipTier::Open | MembershipTier::Appointed | MembershipTier::Endorsed => Ok(tier),
    }
}

/// Whether whoever applies for a tier is a member at once.
pub fn is_open(community: &CommunityRecord, tier: MembershipTier) -> bool {
    community.join_policy == Some(JoinPolicy::Open) && tier == MembershipTier::Open
}

/// Refuses another member of a tier from a region that has as many as there may be; null: the region is not known.
pub fn check_quota(rule: &TierRule, region: Option<&str>, members_there: i64) -> Result<(), Fault> {
    let Some(max) = rule.max_per_region else { return Ok(()) };
    let Some(region) = region else { return Err(not_eligible(Message::new("membership-region-unknown"))) };
    if members_there < i64::from(max) {
        return Ok(());
    }
    let message = Message::new("membership-quota").with("region", region).with("max", i64::from(max));
    Err(Fault::new(Code::NotEligible, message))
}

/// Refuses a membership that an organization has to endorse and has not.
pub fn check_endorsed(tier: MembershipTier, is_endorsed: bool) -> Result<(), Fault> {
    match tier {
        MembershipTier::Endorsed if !is_endorsed => {
            Err(not_eligible(Message::new("membership-not-endorsed")).of_field("tier"))
        }
        MembershipTier::Open | MembershipTier::Appointed | MembershipTier::Endorsed => Ok(()),
    }
}

/// The version of the charter that whoever joins accepts: the one in force, if there is one.
pub fn accepted(charter: Option<&Charter>, version: Option<i32>) -> Result<Option<i32>, Fault> {
    let in_force = charter.map(Charter::version);
    match version {
        version if version == in_force => Ok(version),
        _ => {
            let message = match in_force {
                Some(in_force) => Message::new("charter-to-accept").with("version", in_force),
                None => Message::new("charter-none"),
            };
            Err(Fault::bad_input(message).of_field("charterVersion"))
        }
    }
}

/// Refuses answers that are none to the questions of a community, or leave a required one out.
pub fn check_answers(questions: &[Question], answers: &[Answer]) -> Result<(), Fault> {
    if answers.len() > MAX_ANSWERS {
        let message = Message::new("list-too-long").with("max", MAX_ANSWERS).with("length", answers.len());
        return Err(Fault::bad_input(message).of_field("answers"));
    }
    let mut problems = Vec::new();
    for (index, answer) in answers.iter().enumerate() {
        let id = &answer.question.id;
        let is_again = answers.iter().take(index).any(|other| other.question.id == *id);
        if is_again || !questions.iter().any(|question| question.id == *id) {
            problems.push((field(id), Message::new("answer-unasked")));
        } else if let Err(message) = check_answer(answer) {
            problems.push((field(id), message));
        }
    }
    for question in questions.iter().filter(|question| question.required) {
        if !answers.iter().any(|answer| answer.question.id == question.id) {
            problems.push((field(&question.id), Message::new("answer-missing")));
        }
    }
    match Fault::bad_fields(problems) {
        Some(fault) => Err(fault),
        None => Ok(()),
    }
}

fn field(question: &str) -> String {
    format!("answers/{}", messages::excerpt(question))
}

fn check_answer(answer: &Answer) -> Result<(), Message> {
    let Answer { question, text, choices, yes } = answer;
    let is_choice = |id: &String| question.choices.iter().any(|choice| choice.id == *id);
    let are_choices = choices.iter().all(is_choice)
        && choices.iter().enumerate().all(|(index, id)| !choices.iter().take(index).any(|other| other == id));
    match (question.question_kind, text, choices.len(), yes) {
        (QuestionKind::ShortText, Some(text), 0, None) => texts::check_plain(text, MAX_LINE_CHARS, false),
        (QuestionKind::LongText, Some(text), 0, None) => texts::check_plain(text, MAX_TEXT_CHARS, true),
        (QuestionKind::OneOf, None, 1, None) | (QuestionKind::SeveralOf, None, 1.., None) if are_choices => Ok(()),
        (QuestionKind::YesOrNo, None, 0, Some(_)) => Ok(()),
        (
            QuestionKind::ShortText
            | QuestionKind::LongText
            | QuestionKind::OneOf
            | QuestionKind::SeveralOf
            | QuestionKind::YesOrNo,
            ..,
        ) => Err(Message::new("answer-unfit").with("kind", question.question_kind.as_ref())),
    }
}

fn not_eligible(message: Message) -> Fault {
    Fault::new(Code::NotEligible, message)
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::*;
    use crate::text::statement::Statement;
    use crate::text::texts::Texts;

    #[test]
    fn every_step_goes_from_where_the_diagram_says_and_from_nowhere_else() {
        use MembershipStatus::{Active, Applied, Ended, Invited, Refused, Waiting, Withdrawn};
        let outside = [None, Some(Refused), Some(Withdrawn), Some(Ended)];
        let pending = [Some(Applied), Some(Waiting)];
        let steps = [
            (Step::Apply { at_once: false }, outside.to_vec(), Applied),
            (Step::Apply { at_once: true }, [&outside[..], &[Some(Invited)]].concat(), Active),
            (Step::Invite, [&outside[..], &pending].concat(), Invited),
            (Step::Accept, pending.to_vec(), Active),
            (Step::Wait, vec![Some(Applied)], Waiting),
            (Step::Refuse, pending.to_vec(), Refused),
            (Step::Withdraw, [&pending[..], &[Some(Invited)]].concat(), Withdrawn),
            (Step::End, vec![Some(Active)], Ended),
        ];
        for (step, from, to) in steps {
            let all = MembershipStatus::VARIANTS.iter().copied().map(Some).chain([None]);
            for status in all {
                match next(status, step) {
                    Ok(reached) if status == Some(Invited) && step == (Step::Apply { at_once: false }) => {
                        assert_eq!(reached, Active);
                    }
                    Ok(reached) => assert!(from.contains(&status) && reached == to, "{step:?} from {status:?}"),
                    Err(fault) => {
                        assert!(!from.contains(&status), "{step:?} from {status:?}");
                        assert_eq!(fault.code(), Code::Conflict);
                    }
                }
            }
        }
    }

    #[test]
    fn a_community_takes_whom_it_is_for_as_it_says() {
        let open = |policy, professions: &[Profession]| CommunityRecord {
            join_policy: policy,
            professions: professions.to_vec(),
            ..CommunityRecord::blank()
        };
        let (nurse, policy) = (Some(Profession::Nurse), Some(JoinPolicy::ByApplication));
        for (community, profession, invited, taken) in [
            (open(policy, &[]), None, false, true),
            (open(policy, &[Profession::Nurse]), nurse, false, true),
            (open(policy, &[Profession::HealthcarePractitioner]), nurse, false, true),
            (open(policy, &[Profession::HealthcarePractitioner]), Some(Profession::Manager), false, false),
            (open(policy, &[Profession::Nurse]), Some(Profession::HealthcarePractitioner), false, false),
            (open(policy, &[Profession::Nurse]), None, false, false),
            (open(policy, &[Profession::Physician]), nurse, false, false),
            (open(policy, &[Profession::Physician]), nurse, true, true),
            (open(Some(JoinPolicy::ByInvitation), &[]), nurse, false, false),
            (open(Some(JoinPolicy::ByInvitation), &[]), nurse, true, true),
            (open(None, &[]), nurse, false, false),
            (CommunityRecord { status: CommunityStatus::Closed, ..open(policy, &[]) }, nurse, true, false),
        ] {
            let checked = check_eligible(&community, profession, invited);
            assert_eq!(checked.is_ok(), taken, "{:?} {profession:?} {invited}", community.join_policy);
            assert!(checked.err().is_none_or(|fault| fault.code() == Code::NotEligible));
        }
    }

    #[test]
    fn tiers_are_had_by_their_own_ways_and_so_many_from_a_region() {
        use MembershipTier::{Appointed, Endorsed, Open};
        let rule = |tier, max_per_region| TierRule { tier, max_per_region };
        let plain = CommunityRecord::blank();
        let tiered =
            CommunityRecord { tiers: vec![rule(Endorsed, None), rule(Appointed, Some(2))], ..CommunityRecord::blank() };
        assert_eq!(tier(&plain, None, false).unwrap(), Open);
        assert_eq!(tier(&tiered, None, false).unwrap(), Endorsed);
        assert_eq!(tier(&tiered, Some(Appointed), true).unwrap(), Appointed);
        assert_eq!(tier(&tiered, Some(Appointed), false).unwrap_err().code(), Code::NotEligible);
        assert_eq!(tier(&tiered, Some(Open), true).unwrap_err().code(), Code::BadUserInput);
        assert!(check_endorsed(Endorsed, false).is_err() && check_endorsed(Endorsed, true).is_ok());
        assert!(check_endorsed(Open, false).is_ok());
        assert!(check_quota(&tiered.tiers[1], Some("CA-ON"), 1).is_ok());
        assert!(check_quota(&tiered.tiers[1], Some("CA-ON"), 2).is_err());
        assert!(check_quota(&tiered.tiers[1], None, 0).is_err());
        assert!(check_quota(&tiered.tiers[0], None, 900).is_ok());
    }

    #[test]
    fn the_charter_in_force_is_accepted_and_no_other() {
        let charter = Charter { id: "2".to_owned(), text: Texts::default() };
        assert_eq!(accepted(Some(&charter), Some(2)).unwrap(), Some(2));
        assert_eq!(accepted(None, None).unwrap(), None);
        for (charter, version) in [(Some(&charter), Some(1)), (Some(&charter), None), (None, Some(1))] {
            assert_eq!(accepted(charter, version).unwrap_err().field(), Some("charterVersion"));
        }
    }

    #[test]
    fn answers_fit_their_questions_and_none_that_is_required_is_missing() {
        let question = |id: &str, question_kind, required| Question {
            id: id.to_owned(),
            question_kind,
            text: Texts::default(),
            choices: ["a", "b"].map(|id| Statement { id: id.to_owned(), text: Texts::default() }).to_vec(),
            required,
        };
        let questions = [
            question("short", QuestionKind::ShortText, true),
            question("long", QuestionKind::LongText, false),
            question("one", QuestionKind::OneOf, false),
            question("several", QuestionKind::SeveralOf, false),
            question("yes", QuestionKind::YesOrNo, false),
        ];
        let answer = |index: usize, text: Option<&str>, choices: &[&str], yes| Answer {
            question: questions[index].clone(),
            text: text.map(str::to_owned),
            choices: choices.iter().map(|choice| (*choice).to_owned()).collect(),
            yes,
        };
        let short = answer(0, Some("x"), &[], None);
        let fits = |more: Answer| check_answers(&questions, &[short.clone(), more]).is_ok();
        assert!(check_answers(&questions, std::slice::from_ref(&short)).is_ok());
        for fitting in [
            answer(1, Some("x\ny"), &[], None),
            answer(2, None, &["a"], None),
            answer(3, None, &["b", "a"], None),
            answer(4, None, &[], Some(false)),
        ] {
            assert!(fits(fitting.clone()), "{fitting:?}");
        }
        for unfit in [
            answer(1, None, &["a"], None),
            answer(1, Some(" "), &[], None),
            answer(1, Some(&"x".repeat(2_001)), &[], None),
            answer(2, None, &["a", "b"], None),
            answer(2, None, &["c"], None),
            answer(3, None, &[], None),
            answer(3, None, &["a", "a"], None),
            answer(4, Some("yes"), &[], None),
            answer(4, None, &[], None),
            answer(0, Some("again"), &[], None),
        ] {
            assert!(!fits(unfit.clone()), "{unfit:?}");
        }
        let missing = check_answers(&questions, &[]).unwrap_err();
        assert_eq!((missing.field(), missing.others().len()), (Some("answers/short"), 0));
    }
}
