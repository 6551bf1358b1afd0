//! How somebody shows who they are: secrets that are shown once, and sign-in with OpenID Connect.

pub mod oidc;
pub mod secret;
pub mod web;
