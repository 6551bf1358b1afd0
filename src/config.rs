//! The configuration: flag, else environment, else file, else default.

use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use etcetera::BaseStrategy;
use serde::Deserialize;

use crate::text::language::{LanguageTag, Languages};
use crate::text::messages::Message;

/// Where root keeps the data: an ordinary user's home may be closed to the database's own user.
const DATA_DIR_OF_ROOT: &str = "/var/lib/knowledge-hub";

/// Connections to the database: 4 are enough for two cores, 16 were slower (measured with the reference queries).
const DEFAULT_CONNECTIONS: usize = 4;

/// How many days changes are kept: a partner's mirror that was forgotten over a season still finds its way.
const DEFAULT_KEPT_DAYS: i64 = 90;

/// How many changes are kept at the most: at some 400 bytes each, 2 GB.
const DEFAULT_KEPT: i64 = 5_000_000;

/// What the command line and the environment say.
#[derive(Args, Clone, Debug, Default)]
pub struct Flags {
    /// The folder that holds the hub's own database.
    #[arg(long, env = "HUB_DATA_DIR", global = true)]
    pub data_dir: Option<PathBuf>,
    /// The address to serve on.
    #[arg(long, env = "HUB_LISTEN", global = true)]
    pub listen: Option<String>,
    /// A PostgreSQL database to use instead of the hub's own: postgres://user:password@host/database.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, global = true)]
    pub database_url: Option<DatabaseAddress>,
    /// How many connections to the database to use at the most.
    #[arg(long, env = "HUB_DATABASE_CONNECTIONS", global = true)]
    pub database_connections: Option<usize>,
    /// The language to serve when a reader wishes none that is there.
    #[arg(long, env = "HUB_DEFAULT_LANGUAGE", global = true)]
    pub default_language: Option<String>,
    /// How many days a change is kept in the change log.
    #[arg(long, env = "HUB_KEEP_CHANGES_DAYS", global = true)]
    pub keep_changes_days: Option<i64>,
    /// How many changes the change log keeps at the most.
    #[arg(long, env = "HUB_KEEP_CHANGES", global = true)]
    pub keep_changes: Option<i64>,
    /// Origins of pages that may open WebSockets here, besides the hub's own: https://partner.example, several with commas.
    #[arg(long, env = "HUB_ORIGINS", global = true, value_delimiter = ',')]
    pub origins: Option<Vec<String>>,
    /// A file with the same settings in TOML.
    #[arg(long, env = "HUB_CONFIG", global = true)]
    pub config: Option<PathBuf>,
    /// Where programs are looked for.
    #[arg(long, env = "PATH", hide = true, global = true)]
    pub path: Option<OsString>,
    /// The language of the terminal.
    #[arg(long, env = "LC_ALL", hide = true, global = true)]
    pub lc_all: Option<String>,
    /// The language of the terminal, unless LC_ALL says otherwise.
    #[arg(long, env = "LANG", hide = true, global = true)]
    pub lang: Option<String>,
}

/// The address of a database, which may hold a password: it cannot be printed.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct DatabaseAddress(String);

impl DatabaseAddress {
    /// The address itself, for connecting.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DatabaseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseAddress(…)")
    }
}

impl From<&str> for DatabaseAddress {
    fn from(address: &str) -> Self {
        Self(address.to_owned())
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    data_dir: Option<PathBuf>,
    listen: Option<String>,
    database_url: Option<DatabaseAddress>,
    database_connections: Option<usize>,
    default_language: Option<String>,
    keep_changes_days: Option<i64>,
    keep_changes: Option<i64>,
    origins: Option<Vec<String>>,
}

/// The settings in force, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder that holds the hub's own database.
    pub data_dir: PathBuf,
    /// The address to serve on.
    pub listen: SocketAddr,
    /// The database to use; null: the hub's own.
    pub database_url: Option<DatabaseAddress>,
    /// The most connections to the database.
    pub database_connections: usize,
    /// The language to serve when a reader wishes none that is there.
    pub default_language: LanguageTag,
    /// How long changes are kept, in days, at least 1.
    pub keep_changes_days: i64,
    /// How many changes are kept at the most, at least 1,000.
    pub keep_changes: i64,
    /// The origins of pages, besides the hub's own, that may open WebSockets.
    pub origins: Vec<String>,
    /// Where programs are looked for.
    pub path: OsString,
}

impl Config {
    /// Brings the settings together and checks them.
    pub fn load(flags: &Flags) -> Result<Self, Message> {
        let file = flags.config.as_deref().map(read_file).transpose()?.unwrap_or_default();
        let listen = flags.listen.clone().or(file.listen).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
        let language = flags.default_language.clone().or(file.default_language);
        let connections = flags.database_connections.or(file.database_connections).unwrap_or(DEFAULT_CONNECTIONS);
        if !(1..=100).contains(&connections) {
            return Err(Message::new("config-connections").with("given", connections));
        }
        let keep_changes_days = flags.keep_changes_days.or(file.keep_changes_days).unwrap_or(DEFAULT_KEPT_DAYS);
        let keep_changes = flags.keep_changes.or(file.keep_changes).unwrap_or(DEFAULT_KEPT);
        if !(1..=36_500).contains(&keep_changes_days) || keep_changes < 1_000 {
            return Err(Message::new("config-retention"));
        }
        Ok(Self {
            keep_changes_days,
            keep_changes,
            data_dir: match flags.data_dir.clone().or(file.data_dir) {
                Some(folder) => folder,
                None => default_data_dir()?,
            },
            listen: listen.parse().map_err(|_| Message::new("config-listen").with("given", listen.as_str()))?,
            database_url: flags.database_url.clone().or(file.database_url),
            database_connections: connections,
            default_language: language.map_or(Ok(LanguageTag::english()), |tag| LanguageTag::parse(&tag))?,
            origins: origins(flags.origins.clone().or(file.origins).unwrap_or_default())?,
            path: flags.path.clone().unwrap_or_default(),
        })
    }
}

impl Flags {
    /// The languages of the terminal: `fr_CA.UTF-8` is fr-CA.
    pub fn languages(&self) -> Languages {
        let setting = self.lc_all.as_deref().filter(|setting| !setting.is_empty()).or(self.lang.as_deref());
        let name = setting.unwrap_or_default().split(['.', '@']).next().unwrap_or_default().replace('_', "-");
        let wanted = LanguageTag::parse(&name).into_iter().collect();
        Languages::new(wanted, LanguageTag::english())
    }
}

/// Origins as browsers write them: scheme, host and port.
fn origins(given: Vec<String>) -> Result<Vec<String>, Message> {
    let parse = |text: &String| match url::Url::parse(text) {
        Ok(url) if url.origin().is_tuple() && url.path() == "/" => Ok(url.origin().ascii_serialization()),
        Ok(_) | Err(_) => Err(Message::new("config-origin").with("given", text.as_str())),
    };
    given.iter().map(parse).collect()
}

fn read_file(path: &Path) -> Result<File, Message> {
    let unusable = |reason: String| {
        Message::new("config-file-unusable").with("file", path.display().to_string()).with("reason", reason)
    };
    let text = std::fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
    toml::from_str(&text).map_err(|error| unusable(error.message().to_owned()))
}

fn default_data_dir() -> Result<PathBuf, Message> {
    if nix::unistd::geteuid().is_root() {
        return Ok(PathBuf::from(DATA_DIR_OF_ROOT));
    }
    let home = etcetera::choose_base_strategy().map_err(|_| Message::new("config-no-home"))?;
    Ok(home.data_dir().join("knowledge-hub"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(listen: &str) -> Flags {
        Flags { listen: Some(listen.to_owned()), data_dir: Some("/tmp/x".into()), ..Flags::default() }
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hub.toml");
        std::fs::write(&path, "listen = \"127.0.0.1:1\"\ndefault_language = \"fr\"\n").unwrap();
        let with_flag = Config::load(&Flags { config: Some(path.clone()), ..flags("127.0.0.1:2") }).unwrap();
        assert_eq!(with_flag.listen.port(), 2);
        assert_eq!(with_flag.default_language.as_str(), "fr");
        let from_file = Config::load(&Flags { config: Some(path), listen: None, ..flags("") }).unwrap();
        assert_eq!(from_file.listen.port(), 1);
        let default = Config::load(&Flags { listen: None, ..flags("") }).unwrap();
        assert_eq!(default.listen.to_string(), "127.0.0.1:8080");
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        assert_eq!(Config::load(&flags("nowhere")).unwrap_err().id(), "config-listen");
        let connections = Flags { database_connections: Some(0), ..flags("127.0.0.1:1") };
        assert_eq!(Config::load(&connections).unwrap_err().id(), "config-connections");
        for origin in ["partner.example", "https://partner.example/page", "null"] {
            let origins = Flags { origins: Some(vec![origin.to_owned()]), ..flags("127.0.0.1:1") };
            assert_eq!(Config::load(&origins).unwrap_err().id(), "config-origin", "{origin}");
        }
        let origins = Flags { origins: Some(vec!["https://Partner.example:443/".to_owned()]), ..flags("127.0.0.1:1") };
        assert_eq!(Config::load(&origins).unwrap().origins, ["https://partner.example"]);
        for (days, count) in [(0, 5_000), (40_000, 5_000), (10, 999)] {
            let kept = Flags { keep_changes_days: Some(days), keep_changes: Some(count), ..flags("127.0.0.1:1") };
            assert_eq!(Config::load(&kept).unwrap_err().id(), "config-retention");
        }
        let missing = Flags { config: Some("/nowhere/hub.toml".into()), ..flags("127.0.0.1:1") };
        assert_eq!(Config::load(&missing).unwrap_err().id(), "config-file-unusable");
    }

    #[test]
    fn a_database_address_is_never_printed() {
        let address = DatabaseAddress::from("postgres://user:secret@host/db");
        assert!(!format!("{address:?}").contains("secret"));
    }

    #[test]
    fn the_terminal_says_its_language() {
        let french = Flags { lang: Some("fr_CA.UTF-8".to_owned()), ..Flags::default() };
        assert_eq!(french.languages().wanted().first().map(LanguageTag::as_str), Some("fr-CA"));
        let overridden = Flags { lc_all: Some("C".to_owned()), ..french };
        assert!(overridden.languages().wanted().is_empty());
    }
}
