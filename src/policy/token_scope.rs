//! What tokens may be used for.

use strum::{AsRefStr, EnumMessage, EnumString, VariantArray};
use uuid::Uuid;

use crate::policy::{Grant, On, Right};
use crate::text::vocabulary::Vocabulary;

/// What a token may be used for. It never gives what its account has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TokenScope {
    /// Everything that its account may.
    ActAsAccount,
    /// Reading what is public.
    ReadPublic,
    /// Reading what is for the members of a community.
    ReadAsMemberOf(Uuid),
    /// Writing items of a community.
    WriteItemsOf(Uuid),
    /// Running an organization.
    AdministerOrganization(Uuid),
}

/// What a token may be used for, without what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsRefStr, EnumString, EnumMessage, VariantArray)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum TokenScopeKind {
    /// Everything that its account may.
    ActAsAccount,
    /// Reading what is public.
    ReadPublic,
    /// Reading what is for the members of a community.
    ReadAsMemberOf,
    /// Writing items of a community.
    WriteItemsOf,
    /// Running an organization.
    AdministerOrganization,
}

impl Vocabulary for TokenScopeKind {
    const NAME: &'static str = "TokenScopeKind";
    const ABOUT: &'static str = "What a token may be used for. It never gives what its account has not.";
}

impl TokenScope {
    /// The scope of a kind for a community or an organization; null: the two do not go together.
    pub fn of(kind: TokenScopeKind, on: On) -> Option<Self> {
        match (kind, on) {
            (TokenScopeKind::ActAsAccount, On::Hub) => Some(Self::ActAsAccount),
            (TokenScopeKind::ReadPublic, On::Hub) => Some(Self::ReadPublic),
            (TokenScopeKind::ReadAsMemberOf, On::Community(id)) => Some(Self::ReadAsMemberOf(id)),
            (TokenScopeKind::WriteItemsOf, On::Community(id)) => Some(Self::WriteItemsOf(id)),
            (TokenScopeKind::AdministerOrganization, On::Organization(id)) => Some(Self::AdministerOrganization(id)),
            (TokenScopeKind::ActAsAccount | TokenScopeKind::ReadPublic, On::Organization(_) | On::Community(_))
            | (TokenScopeKind::ReadAsMemberOf | TokenScopeKind::WriteItemsOf, On::Hub | On::Organization(_))
            | (TokenScopeKind::AdministerOrganization, On::Hub | On::Community(_)) => None,
        }
    }

    /// Its kind, and what it is for.
    pub fn parts(self) -> (TokenScopeKind, On) {
        match self {
            Self::ActAsAccount => (TokenScopeKind::ActAsAccount, On::Hub),
            Self::ReadPublic => (TokenScopeKind::ReadPublic, On::Hub),
            Self::ReadAsMemberOf(id) => (TokenScopeKind::ReadAsMemberOf, On::Community(id)),
            Self::WriteItemsOf(id) => (TokenScopeKind::WriteItemsOf, On::Community(id)),
            Self::AdministerOrganization(id) => (TokenScopeKind::AdministerOrganization, On::Organization(id)),
        }
    }

    /// The scope as it is stored: a word, and the id of what it is for.
    pub fn write(self) -> String {
        let (kind, on) = self.parts();
        match on {
            On::Hub => kind.as_ref().to_owned(),
            On::Organization(id) | On::Community(id) => format!("{}:{id}", kind.as_ref()),
        }
    }

    /// The scope that a text stands for; null: none.
    pub fn read(text: &str) -> Option<Self> {
        let (word, id) = text.split_once(':').map_or((text, None), |(word, id)| (word, Some(id)));
        let kind: TokenScopeKind = word.parse().ok()?;
        let Some(id) = id else { return Self::of(kind, On::Hub) };
        let id = id.parse().ok()?;
        Self::of(kind, On::Community(id)).or_else(|| Self::of(kind, On::Organization(id)))
    }

    /// The right that an account has to hold for the scope to be worth anything; null: none.
    pub fn needs(self) -> Option<Grant> {
        match self {
            Self::ActAsAccount | Self::ReadPublic => None,
            Self::ReadAsMemberOf(id) => Some(Grant { right: Right::Member, on: On::Community(id) }),
            Self::WriteItemsOf(id) => Some(Grant { right: Right::Coordinator, on: On::Community(id) }),
            Self::AdministerOrganization(id) => Some(Grant { right: Right::Administrator, on: On::Organization(id) }),
        }
    }
}
