//! A GraphQL knowledge-exchange hub: the facts of communities of practice, held once, served everywhere.
//!
//! # The map
//!
//! From the bottom up; nothing imports upwards, which a test checks.
//!
//! | module | what it is for |
//! |---|---|
//! | [`config`], [`error`], [`policy`], [`text`] | settings; what can go wrong; who may see and do what; words and what they mean |
//! | [`auth`] | how somebody shows who they are: secrets, and sign-in with OpenID Connect |
//! | [`db`] | connections, lists, the write transaction, the change log's table, migrations, the hub's own PostgreSQL |
//! | [`changes`] | the change log as it is followed: cursors, what a viewer is told, the tail in memory |
//! | [`domain`] | a folder for each noun: its record, its rules, its store, its part of the contract |
//! | [`loaders`], [`clock`] | what one operation loads in batches; what becomes due |
//! | [`graph`] | the contract: roots, scope, ids, pages, limits, how a subscription is executed |
//! | [`transfer`] | seed, import, export and synthetic data: one JSON Lines format |
//! | [`http`] | the router and its handlers: GraphQL by POST and GET, WebSocket and event stream; who follows what |
//!
//! Ten minutes: this page, then [`graph`], then `domain/community/{record,store,graph}.rs`, then [`loaders`], then
//! `tests/it/listing.rs`.
//!
//! # Invariants
//!
//! - **Invariant:** rows are read by the functions of [`db::listing`] and of the stores alone; each takes the viewer and
//!   applies the SQL twin of [`policy::can`]. Look-ups of keys answer with ids alone, which show nothing. No
//!   field of the contract guards anything.
//! - **Invariant:** every change of data goes through [`db::write::write`], and its entry is in the change log when it
//!   is visible, at a position after all that were visible before.
//! - **Invariant:** the row in `nodes` is written by a trigger of its kind's table, never by a statement.
//! - **Invariant:** what is derived follows: the audience of a link or a role in the database itself, that of a person
//!   by `person::audiences::recompute`, owed after any write to a person, a role, a membership, or what a role is held
//!   in; that of a membership in the database again.
//! - **Invariant:** what a node is found by (`search_documents`) is written by `domain::node::keep` from the view
//!   `searchable`, and its audience by a trigger; a person is found by the name alone.
//! - **Invariant:** a connection costs the same number of statements for one parent as for a thousand.
//! - **Invariant:** [`loaders`] belong to one operation and are never shared; what operations share is a shelf.
//! - **Invariant:** what a follower is told is decided from the two audiences of an entry and the viewer, never from what
//!   the node is by now; nothing that was made before something was taken from somebody is given afterwards.
//! - **Invariant:** nothing that a follower needs to come back lives in a process: a cursor and the table are enough.
//! - **Invariant:** who sees what never depends on the time of reading; the [`clock`] changes stored audiences.
//! - **Invariant:** an answer that is kept (`http::kept`) is an anonymous reader's, and is given only while the change log
//!   ends where it ended before the answer was made. What lies on a shelf (`loaders::shelf`) was loaded for an anonymous
//!   reader, while the log ended there or later, and is given only to one who asked before it went on.
//! - **Invariant:** a node is written from its line, under a lock on its row, by the store's one `save`, whoever writes: a file,
//!   a feed or a mutation (`domain::editing`). A mutation that comes again with its idempotency key is done once.
//! - **Invariant:** a write reads the rights of whoever writes anew, in its own transaction (`domain::permission`); what may
//!   not be known of is answered as what is not there, with the same bytes and as many statements.
//! - **Invariant:** which atoms an account has is stored (`accounts.atoms`) and follows its grants, its person and their
//!   memberships in the same transaction, which tells the change log what was lost and gained; followers go by the rights
//!   that they had at their place in the log, while what they are shown is read with the rights of the moment.
//! - **Invariant:** what was read of people that is not for everybody is in the audit before it is given away.
//! - **Invariant:** a secret is kept as its hash alone, and its type cannot be printed.
//! - **Invariant:** an account of somebody who signs in is an issuer and a subject, never an address; a sign-in ends once,
//!   in the browser that began it.
//! - **Invariant:** what a document asks for is counted before anything walks, executes or pays for it (`graph::limits`), by every
//!   transport alike; what is refused costs no statement.
//! - **Invariant:** what is noted of an operation (`http::operations`) is its name, names of the program's own and numbers; never
//!   a document, values, addresses or anything by which somebody is known. What a client makes up is no label of a number.
//! - **Invariant:** no sentence about the address of the database holds a part of it that may be a password.
//! - **Invariant:** values reach SQL as bound parameters; text of statements is `&'static str`.
//! - **Invariant:** no time, chance or environment is read below `main.rs`, `config.rs` and `http.rs`.
//! - **Absent on purpose:** no second database dialect, no cache that has to be told what a change touches, no
//!   guard on a field, no `allow`.

pub mod auth;
pub mod changes;
pub mod clock;
pub mod config;
pub mod db;
pub mod domain;
pub mod error;
pub mod graph;
pub mod http;
pub mod loaders;
pub mod policy;
pub mod text;
pub mod transfer;
