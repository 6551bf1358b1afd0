//! What strangers may ask for, hold open and use up. Every limit has a name, a default and a smallest value; README has the table.

use serde::Deserialize;

use crate::text::messages::Message;

/// The longest that anything may be waited for: a day.
const MAX_SECONDS: u64 = 24 * 60 * 60;

/// The limits in force.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The largest request body and the largest message on a WebSocket, in bytes.
    pub body_bytes: usize,
    /// The most lexical tokens in a document.
    pub tokens: usize,
    /// The deepest that fields may nest; the standard introspection query takes 15.
    pub depth: usize,
    /// The most selections once fragments are written out.
    pub selections: u64,
    /// The most aliases once fragments are written out.
    pub aliases: u64,
    /// The most directives once fragments are written out.
    pub directives: u64,
    /// The most lists; each takes a statement or two.
    pub lists: u64,
    /// The most fields that an operation may resolve when every page is full: its cost.
    pub cost: u64,
    /// The most errors that one answer holds.
    pub errors: usize,
    /// How long an operation may take, in seconds.
    pub operation_seconds: u64,
    /// How long one statement may take in the database, in seconds.
    pub statement_seconds: u64,
    /// How long a statement may wait for a lock in the database, in seconds.
    pub lock_seconds: u64,
    /// How long an operation may wait for a connection to the database, in seconds.
    pub connection_wait_seconds: u64,
    /// How long a client may take to send the head of a request, in seconds; also how long an idle connection is kept.
    pub header_seconds: u64,
    /// How long a client may take to send the body of a request, in seconds.
    pub body_seconds: u64,
    /// The most connections of clients.
    pub connections: usize,
    /// The most connections from one address; those of proxies that are believed are not counted.
    pub connections_per_address: usize,
    /// The most WebSockets and event streams.
    pub streams: usize,
    /// The most WebSockets and event streams of those who ask from one address and are not signed in.
    pub streams_per_address: usize,
    /// The most WebSockets and event streams of one account.
    pub streams_per_account: usize,
    /// The most operations at once on one WebSocket.
    pub operations_per_socket: usize,
    /// The cost that one account, or one address of those who are not signed in, may use in a minute, and one address for being
    /// let in; 0: as much as they like.
    pub cost_per_minute: u32,
    /// How much room automatic persisted queries have, in bytes; 0: they are off.
    pub persisted_bytes: u64,
    /// How long open requests may take to end when the hub is told to stop, in seconds.
    pub drain_seconds: u64,
    /// How much space has to be free where the hub keeps its own database, in bytes, for anything to be written; 0: any.
    pub free_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 256 * 1024,
            tokens: 20_000,
            depth: 15,
            selections: 20_000,
            aliases: 500,
            directives: 100,
            lists: 500,
            // 100,000 nodes took a second in a debug build.
            cost: 250_000,
            errors: 100,
            operation_seconds: 30,
            statement_seconds: 25,
            lock_seconds: 10,
            connection_wait_seconds: 10,
            header_seconds: 10,
            body_seconds: 20,
            connections: 55_000,
            connections_per_address: 2_000,
            // Each takes a file descriptor and some 10 KB.
            streams: 50_000,
            // A hospital may have one address for all who work there.
            streams_per_address: 1_000,
            streams_per_account: 100,
            operations_per_socket: 100,
            // Eight of the most costly operations, or a thousand ordinary ones.
            cost_per_minute: 2_000_000,
            persisted_bytes: 1024 * 1024,
            drain_seconds: 10,
            free_bytes: 256 * 1024 * 1024,
        }
    }
}

impl Limits {
    /// The limits of a settings file, overridden by pairs such as `depth=12`; what neither names has its default.
    pub fn load(file: Option<toml::Table>, pairs: &[String]) -> Result<Self, Message> {
        let mut table = file.unwrap_or_default();
        for pair in pairs {
            let ill_formed = || Message::new("config-limit-ill-formed").with("given", pair.as_str());
            let (name, value) = pair.split_once('=').ok_or_else(ill_formed)?;
            let value: i64 = value.trim().parse().map_err(|_| ill_formed())?;
            table.insert(name.trim().to_owned(), toml::Value::Integer(value));
        }
        let limits: Self = table
            .try_into()
            .map_err(|error: toml::de::Error| Message::new("config-limit").with("reason", error.message()))?;
        limits.check()?;
        Ok(limits)
    }

    /// Nothing that has to be at least one is nothing, and nothing is waited for longer than a day.
    fn check(&self) -> Result<(), Message> {
        let counts = [
            ("body_bytes", self.body_bytes == 0),
            ("tokens", self.tokens == 0),
            ("depth", self.depth == 0),
            ("selections", self.selections == 0),
            ("lists", self.lists == 0),
            ("cost", self.cost == 0),
            ("errors", self.errors == 0),
            ("connections", self.connections == 0),
            ("connections_per_address", self.connections_per_address == 0),
            ("streams", self.streams == 0),
            ("streams_per_address", self.streams_per_address == 0),
            ("streams_per_account", self.streams_per_account == 0),
            ("operations_per_socket", self.operations_per_socket == 0),
        ];
        if let Some((name, _)) = counts.into_iter().find(|(_, is_nothing)| *is_nothing) {
            return Err(Message::new("config-limit-nothing").with("name", name));
        }
        let times = [
            ("operation_seconds", self.operation_seconds),
            ("statement_seconds", self.statement_seconds),
            ("lock_seconds", self.lock_seconds),
            ("connection_wait_seconds", self.connection_wait_seconds),
            ("header_seconds", self.header_seconds),
            ("body_seconds", self.body_seconds),
            ("drain_seconds", self.drain_seconds),
        ];
        match times.into_iter().find(|(_, seconds)| !(1..=MAX_SECONDS).contains(seconds)) {
            Some((name, _)) => Err(Message::new("config-limit-time").with("name", name)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(pairs: &[&str]) -> Result<Limits, Message> {
        Limits::load(None, &pairs.iter().map(|pair| (*pair).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_pair_wins_over_the_file_and_the_file_over_the_default() {
        let file: toml::Table = toml::from_str("depth = 9\naliases = 7").unwrap();
        let limits = Limits::load(Some(file), &["depth=12".to_owned()]).unwrap();
        assert_eq!((limits.depth, limits.aliases), (12, 7));
        assert_eq!(limits, Limits { depth: 12, aliases: 7, ..Limits::default() });
    }

    #[test]
    fn what_is_no_limit_is_named() {
        assert_eq!(pairs(&["depth"]).unwrap_err().id(), "config-limit-ill-formed");
        assert_eq!(pairs(&["depth=many"]).unwrap_err().id(), "config-limit-ill-formed");
        assert_eq!(pairs(&["height=3"]).unwrap_err().id(), "config-limit");
        assert_eq!(pairs(&["depth=-1"]).unwrap_err().id(), "config-limit");
        assert_eq!(pairs(&["depth=0"]).unwrap_err().id(), "config-limit-nothing");
        for time in ["header_seconds=0", "drain_seconds=86401", "body_seconds=9223372036854775807"] {
            assert_eq!(pairs(&[time]).unwrap_err().id(), "config-limit-time", "{time}");
        }
        assert_eq!(pairs(&["free_bytes=0", "cost_per_minute=0"]).unwrap().free_bytes, 0);
    }

    proptest! {
        #[test]
        fn a_pair_is_a_limit_or_refused(text in "\\PC{0,30}", name in "depth|cost|aliases|[a-z_]{0,9}", number in any::<i128>()) {
            for pair in [text, format!("{name}={number}")] {
                if let Err(message) = pairs(&[&pair]) {
                    prop_assert!(message.id().starts_with("config-limit"), "{}", message);
                }
            }
        }
    }
}
