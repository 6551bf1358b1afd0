//! Secrets of tokens, sessions and invitations: made here, shown once, kept as a hash alone.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::error::Fault;

/// How many random bytes a secret has: nobody guesses one, so that its hash needs no salt.
const RANDOM_BYTES: usize = 32;

/// What a secret is for. Each has a beginning of its own, by which scanners for leaked secrets find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A token of a service or a person's own program.
    Token,
    /// A browser that is signed in.
    Session,
    /// A sign-in that is under way.
    SignIn,
    /// An invitation to say who of the hub's people one is.
    Invitation,
}

impl Purpose {
    fn prefix(self) -> &'static str {
        match self {
            Self::Token => "khub_",
            Self::Session => "khubs_",
            Self::SignIn => "khubo_",
            Self::Invitation => "khubi_",
        }
    }
}

/// A secret. It cannot be printed, only revealed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// A new one, from the machine's random numbers.
    pub fn fresh(purpose: Purpose) -> Result<Self, Fault> {
        let mut bytes = [0_u8; RANDOM_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| Fault::internal("making a secret", error))?;
        Ok(Self(format!("{}{}", purpose.prefix(), URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// A secret as somebody sent it; null: this is none.
    pub fn read(purpose: Purpose, text: &str) -> Option<Self> {
        let random = text.strip_prefix(purpose.prefix())?;
        let is_whole = URL_SAFE_NO_PAD.decode(random).is_ok_and(|bytes| bytes.len() == RANDOM_BYTES);
        is_whole.then(|| Self(text.to_owned()))
    }

    /// What is kept of it.
    pub fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.0.as_bytes()).to_vec()
    }

    /// The secret itself, for whoever it is made for.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed_and_comes_back_as_what_it_is_for_alone() {
        let secret = Secret::fresh(Purpose::Token).unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(Secret::read(Purpose::Token, secret.reveal()), Some(secret.clone()));
        for purpose in [Purpose::Session, Purpose::SignIn, Purpose::Invitation] {
            assert_eq!(Secret::read(purpose, secret.reveal()), None);
        }
        assert_ne!(Secret::fresh(Purpose::Token).unwrap(), secret);
    }

    #[test]
    fn what_is_no_secret_is_not_looked_up() {
        let whole = format!("khub_{}", "A".repeat(43));
        assert!(Secret::read(Purpose::Token, &whole).is_some());
        for text in ["", "khub_", "khub_short", &whole[..47], &format!("{whole}A"), &whole.replace('A', "é")] {
            assert_eq!(Secret::read(Purpose::Token, text), None, "{text}");
        }
    }
}
