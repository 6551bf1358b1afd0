//! Where the database is, and how a connection to it is protected: an address, read as libpq reads it.
//!
//! | `sslmode` | encrypted | the server's certificate |
//! |---|---|---|
//! | `disable` | never | |
//! | `prefer` (the default) | if the server can | as for `require` |
//! | `require` | always | any; with `sslrootcert`, as for `verify-ca` |
//! | `verify-ca` | always | issued by one of `sslrootcert` |
//! | `verify-full` | always | issued by one of `sslrootcert`, else by whom the machine trusts, for this very host |
//!
//! Connections over a socket of this machine are never encrypted.

mod tls;

use std::borrow::Cow;
use std::path::PathBuf;

use diesel::ConnectionError;
use diesel_async::AsyncPgConnection;
use futures_util::FutureExt;
use percent_encoding::percent_decode_str;
use strum::EnumString;
use tokio_postgres::config::{ChannelBinding, Host, SslMode, SslNegotiation};
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use self::tls::Trust;
use crate::db::local::keyword_value;
use crate::text::messages::Message;

/// What an address with a scheme begins with.
const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// The parameters that the driver reads.
const OF_DRIVER: [&str; 18] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "options",
    "password",
    "port",
    "sslnegotiation",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

/// Parameters of libpq that mean nothing here. They are named when they are refused; other words may be a piece of a password.
const OF_LIBPQ: [&str; 24] = [
    "client_encoding",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "keepalives_count",
    "krbsrvname",
    "passfile",
    "replication",
    "require_auth",
    "requirepeer",
    "requiressl",
    "service",
    "servicefile",
    "sslcert",
    "sslcertmode",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslpassword",
    "sslsni",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
];

/// The word of `sslrootcert` for what the machine trusts.
pub const SYSTEM: &str = "system";

/// How a connection is protected, as `sslmode` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString)]
#[strum(serialize_all = "kebab-case")]
enum Mode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// Where a database is and how it is reached.
pub struct Address {
    config: Config,
    /// Null: nothing is encrypted.
    tls: Option<MakeRustlsConnect>,
    mode: Option<Mode>,
    root: Option<String>,
}

impl Address {
    /// Reads an address, in the form of a URL or of `key=value` pairs, and the certificates that it names. No sentence about what
    /// is wrong shows a part of it that may be a password.
    pub fn read(address: &str) -> Result<Self, Message> {
        let Parts { rest, mode, root } = Parts::of(address)?;
        let mut config: Config = rest.parse().map_err(|error| ill_formed(&error))?;
        if config.get_channel_binding() == ChannelBinding::Require {
            // tokio-postgres-rustls 0.13 reads no certificate for it, so that no server would do.
            return Err(Message::new("database-address-unsupported").with("name", "channel_binding=require"));
        }
        if config.get_hosts().is_empty() {
            // Whatever the certificate is looked at for, the driver wants a name.
            for address in config.get_hostaddrs().to_vec() {
                config.host(address.to_string());
            }
        }
        let trust = trust(mode, root.clone())?;
        let on_socket = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
        let Some(trust) = trust.filter(|_| !on_socket) else {
            config.ssl_mode(SslMode::Disable);
            return Ok(Self { config, tls: None, mode, root });
        };
        let may_be_plain = matches!(mode, Some(Mode::Prefer) | None) && !matches!(trust, Trust::Machine);
        config.ssl_mode(if may_be_plain { SslMode::Prefer } else { SslMode::Require });
        let is_direct = config.get_ssl_negotiation() == SslNegotiation::Direct;
        let tls = Some(tls::connector(trust, is_direct)?);
        Ok(Self { config, tls, mode, root })
    }

    /// All but how the connection is protected.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// How the connection is protected, in libpq's word.
    pub fn mode(&self) -> &'static str {
        match (&self.tls, self.mode) {
            (None, _) | (_, Some(Mode::Disable)) => "disable",
            (Some(_), Some(Mode::Require)) => "require",
            (Some(_), Some(Mode::VerifyCa)) => "verify-ca",
            (Some(_), Some(Mode::VerifyFull)) => "verify-full",
            (Some(_), None) if self.root.as_deref() == Some(SYSTEM) => "verify-full",
            (Some(_), None | Some(Mode::Prefer)) => "prefer",
        }
    }

    /// The file of those whose certificates are accepted, or [`SYSTEM`] for those whom the machine trusts; null: anybody's are.
    pub fn root(&self) -> Option<&str> {
        let of_machine = (self.mode() == "verify-full").then_some(SYSTEM);
        self.root.as_deref().or(of_machine)
    }

    /// A new connection for statements.
    pub async fn connection(&self) -> Result<AsyncPgConnection, ConnectionError> {
        let bad = |error| ConnectionError::BadConnection(reason(&error));
        match &self.tls {
            None => {
                let (client, driver) = self.config.connect(NoTls).await.map_err(bad)?;
                AsyncPgConnection::try_from_client_and_connection(client, driver).await
            }
            Some(tls) => {
                let (client, driver) = self.config.connect(tls.clone()).await.map_err(bad)?;
                AsyncPgConnection::try_from_client_and_connection(client, driver).await
            }
        }
    }

    /// A new connection as the driver has it. It ends with the client.
    pub async fn client(&self) -> Result<Client, String> {
        let reason = |error| reason(&error);
        match &self.tls {
            None => {
                let (client, driver) = self.config.connect(NoTls).await.map_err(reason)?;
                // What breaks the connection, every statement on it tells.
                tokio::spawn(driver.map(drop));
                Ok(client)
            }
            Some(tls) => {
                let (client, driver) = self.config.connect(tls.clone()).await.map_err(reason)?;
                tokio::spawn(driver.map(drop));
                Ok(client)
            }
        }
    }
}

/// An address without what the driver does not know.
#[derive(Debug, PartialEq, Eq)]
struct Parts {
    rest: String,
    mode: Option<Mode>,
    root: Option<String>,
}

impl Parts {
    fn of(address: &str) -> Result<Self, Message> {
        match SCHEMES.iter().find_map(|scheme| address.strip_prefix(scheme)) {
            Some(after) => Self::of_url(address, after),
            None => Self::of_pairs(address),
        }
    }

    /// `after` is what follows the scheme. The driver ends the password at the first @.
    fn of_url(address: &str, after: &str) -> Result<Self, Message> {
        let after = after.split_once('@').map_or(after, |(_, after)| after);
        let Some((_, parameters)) = after.split_once('?') else {
            return Ok(Self { rest: address.to_owned(), mode: None, root: None });
        };
        // Up to the question mark, which is one byte.
        let place = address.len().saturating_sub(parameters.len()).saturating_sub(1);
        let mut parts = Self { rest: address.get(..place).unwrap_or_default().to_owned(), mode: None, root: None };
        let mut sign = '?';
        for (index, parameter) in parameters.split('&').filter(|parameter| !parameter.is_empty()).enumerate() {
            let (name, value) = parameter.split_once('=').ok_or_else(unreadable)?;
            let (name, value) = (decoded(name)?, decoded_bytes(value));
            if !parts.took(&name, &value, index)? {
                parts.rest.push(sign);
                parts.rest.push_str(parameter);
                sign = '&';
            }
        }
        Ok(parts)
    }

    fn of_pairs(address: &str) -> Result<Self, Message> {
        let mut parts = Self { rest: String::new(), mode: None, root: None };
        for (index, (name, value)) in pairs(address).ok_or_else(unreadable)?.into_iter().enumerate() {
            if !parts.took(&name, value.as_bytes(), index)? {
                parts.rest.push_str(&format!("{name}={} ", keyword_value(&value)));
            }
        }
        Ok(parts)
    }

    /// Takes a parameter that is not the driver's; the others are left to it.
    fn took(&mut self, name: &str, value: &[u8], index: usize) -> Result<bool, Message> {
        let text = || std::str::from_utf8(value).map_err(|_| unreadable());
        match name {
            "sslmode" => {
                self.mode = Some(text()?.parse().map_err(|_| Message::new("database-ssl-mode"))?);
                Ok(true)
            }
            "sslrootcert" => {
                self.root = Some(text()?.to_owned()).filter(|file| !file.is_empty());
                Ok(true)
            }
            name if OF_DRIVER.contains(&name) => Ok(false),
            name if OF_LIBPQ.contains(&name) => Err(Message::new("database-address-unsupported").with("name", name)),
            _ => Err(Message::new("database-address-unknown").with("place", index.saturating_add(1))),
        }
    }
}

/// Whose certificate is accepted; null: nothing is encrypted.
fn trust(mode: Option<Mode>, root: Option<String>) -> Result<Option<Trust>, Message> {
    match (mode, root.as_deref()) {
        (Some(Mode::Disable), _) => Ok(None),
        (None | Some(Mode::VerifyFull), Some(SYSTEM)) | (Some(Mode::VerifyFull), None) => Ok(Some(Trust::Machine)),
        // Everybody gets a certificate from somebody whom the machine trusts; without the name it shows nothing.
        (Some(Mode::Prefer | Mode::Require | Mode::VerifyCa), Some(SYSTEM)) => Err(Message::new("database-ssl-system")),
        (Some(Mode::VerifyCa), None) => Err(Message::new("database-ssl-no-root")),
        (None | Some(Mode::Prefer | Mode::Require), None) => Ok(Some(Trust::Anybody)),
        (None | Some(Mode::Prefer | Mode::Require | Mode::VerifyCa), Some(file)) => {
            Ok(Some(Trust::IssuedBy { file: PathBuf::from(file), for_host: false }))
        }
        (Some(Mode::VerifyFull), Some(file)) => Ok(Some(Trust::IssuedBy { file: PathBuf::from(file), for_host: true })),
    }
}

/// The pairs of `key=value`, with quotes and backslashes undone; null: it is not of that form.
fn pairs(address: &str) -> Option<Vec<(String, String)>> {
    let mut letters = address.chars().peekable();
    let mut pairs = Vec::new();
    loop {
        while letters.next_if(|letter| letter.is_whitespace()).is_some() {}
        if letters.peek().is_none() {
            return Some(pairs);
        }
        let mut name = String::new();
        while let Some(letter) = letters.next_if(|letter| !letter.is_whitespace() && *letter != '=') {
            name.push(letter);
        }
        while letters.next_if(|letter| letter.is_whitespace()).is_some() {}
        letters.next_if_eq(&'=')?;
        while letters.next_if(|letter| letter.is_whitespace()).is_some() {}
        let is_quoted = letters.next_if_eq(&'\'').is_some();
        let mut value = String::new();
        let ends = |letter: &char| if is_quoted { *letter == '\'' } else { letter.is_whitespace() };
        while let Some(letter) = letters.next_if(|letter| !ends(letter)) {
            if letter == '\\' { value.extend(letters.next()) } else { value.push(letter) }
        }
        if is_quoted {
            letters.next_if_eq(&'\'')?;
        }
        pairs.push((name, value));
    }
}

fn decoded(text: &str) -> Result<String, Message> {
    percent_decode_str(text).decode_utf8().map(Cow::into_owned).map_err(|_| unreadable())
}

/// A password need not be UTF-8.
fn decoded_bytes(text: &str) -> Vec<u8> {
    percent_decode_str(text).collect()
}

fn unreadable() -> Message {
    Message::new("database-address-unreadable")
}

/// What the driver says of an address; where it may quote the address, it is kept.
fn ill_formed(error: &tokio_postgres::Error) -> Message {
    let reason = reason(error);
    if reason.starts_with("invalid value for option `") {
        return Message::new("database-address-ill-formed").with("reason", reason);
    }
    unreadable()
}

/// The library's own text names the layer; what a person needs is the cause behind it.
fn reason(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => source.to_string(),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(rest: &str, mode: Option<Mode>, root: Option<&str>) -> Result<Parts, Message> {
        Ok(Parts { rest: rest.to_owned(), mode, root: root.map(str::to_owned) })
    }

    #[test]
    fn what_concerns_tls_is_taken_out_of_an_address_and_the_rest_stays_as_it_is() {
        let full = Some(Mode::VerifyFull);
        for (address, expected) in [
            ("postgres://u:p@h/d", parts("postgres://u:p@h/d", None, None)),
            ("postgres://u:p@h/d?sslmode=verify-full", parts("postgres://u:p@h/d", full, None)),
            (
                "postgresql://u:p%40@h:1,[::1]:2/d?options=-c%20a%3Db&sslmode=verify-full&sslrootcert=%2Fa%20b.pem&connect_timeout=3",
                parts("postgresql://u:p%40@h:1,[::1]:2/d?options=-c%20a%3Db&connect_timeout=3", full, Some("/a b.pem")),
            ),
            ("postgres:///d?host=/run&sslmode=disable", parts("postgres:///d?host=/run", Some(Mode::Disable), None)),
            ("postgres://u?p@h?sslmode=prefer&sslmode=require", parts("postgres://u?p@h", Some(Mode::Require), None)),
            (
                r"host=h password='a \' b\\' sslmode = verify-ca sslrootcert='/a b' user=a\ b",
                parts(r"host='h' password='a \' b\\' user='a b' ", Some(Mode::VerifyCa), Some("/a b")),
            ),
            ("", parts("", None, None)),
        ] {
            assert_eq!(Parts::of(address), expected, "{address}");
        }
    }

    #[test]
    fn the_driver_reads_what_is_left() {
        for address in
            ["postgres://u:p%40w@h:7/d?sslmode=require", "user=u password='p@w' host=h port=7 dbname=d sslmode=require"]
        {
            let read = Address::read(address).unwrap();
            let config = &read.config;
            assert_eq!((config.get_user(), config.get_password()), (Some("u"), Some(&b"p@w"[..])), "{address}");
            assert_eq!((config.get_dbname(), config.get_ports()), (Some("d"), &[7][..]), "{address}");
            assert_eq!((config.get_ssl_mode(), read.tls.is_some()), (SslMode::Require, true), "{address}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_said_without_the_password() {
        for (address, id) in [
            ("postgres://u:secret@h/d?sslmode=full", "database-ssl-mode"),
            ("postgres://u:secret@h/d?sslmode=", "database-ssl-mode"),
            ("host=h password=secret sslmode=VERIFY-FULL", "database-ssl-mode"),
            ("postgres://u:secret@h/d?sslmode=require&sslrootcert=system", "database-ssl-system"),
            ("postgres://u:secret@h/d?sslmode=verify-ca", "database-ssl-no-root"),
            ("postgres://u:secret@h/d?sslrootcert=/nowhere.pem", "database-ssl-root-unreadable"),
            ("postgres://u:secret@h/d?sslkey=/key.pem", "database-address-unsupported"),
            ("postgres://u:secret@h/d?channel_binding=require", "database-address-unsupported"),
            ("postgres://u:p@?secret=secret@h/d", "database-address-unknown"),
            ("postgres://u:secret@h/d?secret", "database-address-unreadable"),
            ("postgres://u:secret@h:port/d", "database-address-ill-formed"),
            ("postgres://u:secret@[h/d", "database-address-ill-formed"),
            ("mysql://u:secret=@h", "database-address-unknown"),
            ("host=h password=se cret", "database-address-unreadable"),
            ("host=h password='secret", "database-address-unreadable"),
            ("secret", "database-address-unreadable"),
        ] {
            let Err(message) = Address::read(address) else { panic!("{address} can be used") };
            assert_eq!(message.id(), id, "{address}");
            let sentence = message.to_string();
            assert!(!sentence.contains("secret") && !sentence.contains("cret"), "{address}: {sentence}");
        }
    }

    #[test]
    fn who_is_trusted_follows_from_the_mode_and_the_certificates() {
        let trusted =
            |address: &str| Address::read(address).map(|read| (read.config.get_ssl_mode(), read.tls.is_some()));
        for (address, expected) in [
            ("host=h", (SslMode::Prefer, true)),
            ("host=h sslmode=prefer", (SslMode::Prefer, true)),
            ("host=h sslmode=disable", (SslMode::Disable, false)),
            ("host=h sslmode=disable sslrootcert=/nowhere", (SslMode::Disable, false)),
            ("host=h sslmode=verify-full", (SslMode::Require, true)),
            ("host=h sslrootcert=system", (SslMode::Require, true)),
            ("host=h sslrootcert=system sslmode=verify-full", (SslMode::Require, true)),
            ("hostaddr=127.0.0.1 sslmode=require", (SslMode::Require, true)),
            // On a socket of this machine nothing is encrypted, whatever is asked for, as with libpq.
            ("host=/run sslmode=verify-full sslrootcert=/nowhere", (SslMode::Disable, false)),
        ] {
            assert_eq!(trusted(address).map_err(|message| message.to_string()), Ok(expected), "{address}");
        }
    }
}
