//! What a community asks of those who want to join, in the contract.

use async_graphql::SimpleObject;

use crate::domain::community::record::{self, QuestionKind};
use crate::domain::membership::record::MembershipTier;
use crate::graph::scope::Scope;
use crate::graph::word::Word;
use crate::text::language::LanguageTag;
use crate::text::statement::Statement;

/// What a community asks of those who want to join.
#[derive(Clone, SimpleObject)]
pub struct Question {
    /// Unique within the community; answers name it.
    id: String,
    /// How it is answered.
    kind: Word<QuestionKind>,
    /// What is asked.
    text: String,
    /// What there is to choose from; empty: the answer is a text, or yes or no.
    choices: Vec<Choice>,
    /// Whether it has to be answered.
    is_required: bool,
}

/// One of the choices of a question.
#[derive(Clone, SimpleObject)]
pub struct Choice {
    /// Unique within the question; answers name it.
    id: String,
    /// What is chosen.
    text: String,
}

/// What those who join a community accept.
#[derive(SimpleObject)]
pub struct Charter {
    /// The version, from 1; send it along with an application.
    version: i32,
    /// What it says.
    text: String,
}

/// What holds for memberships of a tier.
#[derive(SimpleObject)]
pub struct TierRule {
    /// The tier.
    tier: Word<MembershipTier>,
    /// How many active members there may be from a region; null: any number.
    max_per_region: Option<u32>,
}

impl Question {
    /// A question as the reader is served it.
    pub fn new(question: &record::Question, original: &LanguageTag, scope: &Scope) -> Self {
        let choices = question.choices.iter().map(|choice| Choice::new(choice, original, scope)).collect();
        Self {
            id: question.id.clone(),
            kind: Word(question.question_kind),
            text: scope.serve(&question.text, original).unwrap_or_default().to_owned(),
            choices,
            is_required: question.required,
        }
    }
}

impl Choice {
    /// A choice as the reader is served it.
    pub fn new(choice: &Statement, original: &LanguageTag, scope: &Scope) -> Self {
        Self { id: choice.id.clone(), text: scope.serve(&choice.text, original).unwrap_or_default().to_owned() }
    }
}

impl Charter {
    /// A charter as the reader is served it.
    pub fn new(charter: &record::Charter, original: &LanguageTag, scope: &Scope) -> Self {
        Self { version: charter.version(), text: scope.serve(&charter.text, original).unwrap_or_default().to_owned() }
    }
}

impl TierRule {
    /// A rule of a community.
    pub fn new(rule: &record::TierRule) -> Self {
        Self { tier: Word(rule.tier), max_per_region: rule.max_per_region }
    }
}
