//! The configuration: flag, else environment, else file, else default.

pub mod limits;

use std::ffi::OsString;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use etcetera::BaseStrategy;
use ipnet::IpNet;
use serde::Deserialize;

use crate::config::limits::Limits;
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

/// From when on an operation counts as slow, in milliseconds: what people notice.
const DEFAULT_SLOW_MS: u64 = 1_000;

/// This machine.
const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1"];

/// The name in addresses of the provider that the command line names.
const FLAGS_PROVIDER: &str = "oidc";

/// The longest name of a provider, in bytes: it stands in addresses.
const MAX_NAME_BYTES: usize = 40;

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
    /// Origins of pages that may ask as whoever is signed in, besides the hub's own; several with commas.
    #[arg(long, env = "HUB_ORIGINS_WITH_CREDENTIALS", global = true, value_delimiter = ',')]
    pub origins_with_credentials: Option<Vec<String>>,
    /// Networks of the proxies whose X-Forwarded-For is believed: 10.0.0.0/8 or an address, several with commas.
    #[arg(long, env = "HUB_PROXIES", global = true, value_delimiter = ',')]
    pub proxies: Option<Vec<String>>,
    /// Networks from which /metrics may be read: 10.0.0.0/8 or an address, several with commas.
    #[arg(long, env = "HUB_METRICS_FROM", global = true, value_delimiter = ',')]
    pub metrics_from: Option<Vec<String>>,
    /// A limit, such as depth=12; several with commas or again. README has their names and defaults.
    #[arg(long = "limit", env = "HUB_LIMITS", global = true, value_delimiter = ',')]
    pub limits: Vec<String>,
    /// A folder of documents that clients may name instead of sending them: each file NAME.graphql is one.
    #[arg(long, env = "HUB_DOCUMENTS", global = true)]
    pub documents: Option<PathBuf>,
    /// Execute nothing but these documents for whoever is not signed in.
    #[arg(long, env = "HUB_ONLY_DOCUMENTS", global = true)]
    pub only_documents: bool,
    /// Do not serve the query editor.
    #[arg(long, env = "HUB_NO_EDITOR", global = true)]
    pub no_editor: bool,
    /// How the log is written: as lines of JSON, or for people.
    #[arg(long, env = "HUB_LOG", global = true, value_enum)]
    pub log: Option<LogForm>,
    /// From how many milliseconds on an operation counts as slow and is logged with what it read.
    #[arg(long, env = "HUB_SLOW_MS", global = true)]
    pub slow_ms: Option<u64>,
    /// Where traces are sent, by OpenTelemetry's protocol over HTTP: http://collector.example:4318.
    #[arg(long, env = "HUB_TRACES", global = true)]
    pub traces: Option<String>,
    /// The hub's origin as browsers see it: https://hub.example.
    #[arg(long, env = "HUB_PUBLIC_URL", global = true)]
    pub public_url: Option<String>,
    /// The issuer of an OpenID Connect provider by whom people sign in; several are named in the settings file.
    #[arg(long, env = "HUB_OIDC_ISSUER", global = true)]
    pub oidc_issuer: Option<String>,
    /// What that provider calls the hub.
    #[arg(long, env = "HUB_OIDC_CLIENT_ID", global = true)]
    pub oidc_client_id: Option<String>,
    /// The secret that the hub shares with that provider; better in the environment, as others see a command line.
    #[arg(long, env = "HUB_OIDC_CLIENT_SECRET", hide_env_values = true, global = true)]
    pub oidc_client_secret: Option<ClientSecret>,
    /// What that provider is called on the page where people sign in.
    #[arg(long, env = "HUB_OIDC_LABEL", global = true)]
    pub oidc_label: Option<String>,
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

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogForm {
    /// For people.
    #[default]
    Pretty,
    /// One JSON object per line.
    Json,
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

/// What the hub shows a provider to be known by: it cannot be printed.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct ClientSecret(String);

impl ClientSecret {
    /// The secret itself, for the provider.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(…)")
    }
}

impl From<&str> for ClientSecret {
    fn from(secret: &str) -> Self {
        Self(secret.to_owned())
    }
}

/// An OpenID Connect provider, by whom people sign in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSettings {
    /// Its name in addresses: small letters, digits and hyphens.
    pub name: String,
    /// What it is called on the page where people sign in.
    pub label: String,
    /// Its issuer, exactly as it writes it itself.
    pub issuer: String,
    /// What it calls the hub.
    pub client_id: String,
    /// The secret that it shares with the hub.
    pub client_secret: ClientSecret,
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
    origins_with_credentials: Option<Vec<String>>,
    proxies: Option<Vec<String>>,
    metrics_from: Option<Vec<String>>,
    limits: Option<toml::Table>,
    documents: Option<PathBuf>,
    #[serde(default)]
    only_documents: bool,
    #[serde(default)]
    no_editor: bool,
    log: Option<LogForm>,
    slow_ms: Option<u64>,
    traces: Option<String>,
    public_url: Option<String>,
    #[serde(default)]
    providers: Vec<ProviderSettings>,
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
    /// The origins of pages, besides the hub's own, that may ask as whoever is signed in.
    pub origins_with_credentials: Vec<String>,
    /// The proxies whose `X-Forwarded-For` is believed.
    pub proxies: Vec<IpNet>,
    /// From where `/metrics` may be read.
    pub metrics_from: Vec<IpNet>,
    /// What strangers may ask for, hold open and use up.
    pub limits: Limits,
    /// The folder of documents that clients may name; null: there is none.
    pub documents: Option<PathBuf>,
    /// Whether whoever is not signed in may have nothing executed but these.
    pub only_documents: bool,
    /// Whether the query editor is served.
    pub has_editor: bool,
    /// How the log is written.
    pub log: LogForm,
    /// From when on an operation counts as slow.
    pub slow: Duration,
    /// Where traces are sent; null: nowhere.
    pub traces: Option<String>,
    /// The hub's origin as browsers see it; null: the address that it listens on, over HTTP.
    pub public_url: Option<String>,
    /// By whom people sign in, in the order of the page; names and issuers differ.
    pub providers: Vec<ProviderSettings>,
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
        let providers = providers(flags, file.providers)?;
        let public_url = match flags.public_url.clone().or(file.public_url) {
            Some(given) => Some(public_url(&given, !providers.is_empty())?),
            None => None,
        };
        let only_documents = flags.only_documents || file.only_documents;
        let documents = flags.documents.clone().or(file.documents);
        if only_documents && documents.is_none() {
            return Err(Message::new("config-only-documents"));
        }
        let traces = flags.traces.clone().or(file.traces);
        if let Some(address) = traces.as_deref().filter(|address| !is_web(address)) {
            return Err(Message::new("config-traces").with("given", address));
        }
        let with_credentials = flags.origins_with_credentials.clone().or(file.origins_with_credentials);
        let metrics_from = flags.metrics_from.clone().or(file.metrics_from);
        Ok(Self {
            origins_with_credentials: origins(with_credentials.unwrap_or_default())?,
            proxies: networks(flags.proxies.clone().or(file.proxies).unwrap_or_default())?,
            metrics_from: networks(metrics_from.unwrap_or_else(|| LOOPBACK.map(str::to_owned).to_vec()))?,
            limits: Limits::load(file.limits, &flags.limits)?,
            documents,
            only_documents,
            has_editor: !(flags.no_editor || file.no_editor),
            log: flags.log.or(file.log).unwrap_or_default(),
            slow: Duration::from_millis(flags.slow_ms.or(file.slow_ms).unwrap_or(DEFAULT_SLOW_MS)),
            traces,
            public_url,
            providers,
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

/// Networks, or addresses as networks of one.
fn networks(given: Vec<String>) -> Result<Vec<IpNet>, Message> {
    let network = |text: &String| {
        let text = text.trim();
        let parsed = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        parsed.map_err(|_| Message::new("config-network").with("given", text))
    };
    given.iter().map(network).collect()
}

fn is_web(address: &str) -> bool {
    url::Url::parse(address).is_ok_and(|url| ["http", "https"].contains(&url.scheme()) && url.has_host())
}

/// Origins as browsers write them: scheme, host and port.
fn origins(given: Vec<String>) -> Result<Vec<String>, Message> {
    given.iter().map(|text| origin(text)).collect()
}

fn origin(text: &str) -> Result<String, Message> {
    match url::Url::parse(text) {
        Ok(url) if url.origin().is_tuple() && url.path() == "/" => Ok(url.origin().ascii_serialization()),
        Ok(_) | Err(_) => Err(Message::new("config-origin").with("given", text)),
    }
}

/// The hub's own origin. Browsers keep the cookies of a sign-in for origins that nobody listens to on the way alone.
fn public_url(given: &str, has_providers: bool) -> Result<String, Message> {
    let origin = origin(given)?;
    let is_private = url::Url::parse(&origin).is_ok_and(|url| is_private(&url));
    if has_providers && !is_private {
        return Err(Message::new("config-public-url").with("given", given));
    }
    Ok(origin)
}

/// Whether nobody on the way reads or changes what is sent there: over TLS, or on this machine.
pub fn is_private(url: &url::Url) -> bool {
    let is_here = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && is_here)
}

/// The providers of the file, and the one of the command line after them, each checked.
fn providers(flags: &Flags, mut providers: Vec<ProviderSettings>) -> Result<Vec<ProviderSettings>, Message> {
    match (&flags.oidc_issuer, &flags.oidc_client_id, &flags.oidc_client_secret) {
        (Some(issuer), Some(client_id), Some(client_secret)) => providers.push(ProviderSettings {
            name: FLAGS_PROVIDER.to_owned(),
            label: flags.oidc_label.clone().unwrap_or_else(|| host_of(issuer)),
            issuer: issuer.clone(),
            client_id: client_id.clone(),
            client_secret: client_secret.clone(),
        }),
        (None, None, None) if flags.oidc_label.is_none() => {}
        (_, _, _) => return Err(Message::new("config-oidc-incomplete")),
    }
    for (index, provider) in providers.iter().enumerate() {
        check(provider)?;
        let mut earlier = providers.iter().take(index);
        if earlier.any(|other| other.name == provider.name || other.issuer == provider.issuer) {
            return Err(Message::new("config-provider-twice").with("name", provider.name.as_str()));
        }
    }
    Ok(providers)
}

fn check(provider: &ProviderSettings) -> Result<(), Message> {
    let name = provider.name.as_str();
    let is_of_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !(1..=MAX_NAME_BYTES).contains(&name.len()) || !name.bytes().all(is_of_name) {
        return Err(Message::new("config-provider-name").with("given", name));
    }
    let issuer = provider.issuer.as_str();
    let is_issuer =
        url::Url::parse(issuer).is_ok_and(|url| is_private(&url) && url.query().is_none() && url.fragment().is_none());
    if !is_issuer {
        return Err(Message::new("config-provider-issuer").with("name", name).with("given", issuer));
    }
    let parts = [provider.label.as_str(), provider.client_id.as_str(), provider.client_secret.reveal()];
    if parts.iter().any(|part| part.trim().is_empty()) {
        return Err(Message::new("config-provider-incomplete").with("name", name));
    }
    Ok(())
}

/// What a provider without a label is called.
fn host_of(issuer: &str) -> String {
    let url = url::Url::parse(issuer).ok();
    url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| issuer.to_owned())
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
    fn a_database_address_and_a_client_secret_are_never_printed() {
        let address = DatabaseAddress::from("postgres://user:secret@host/db");
        assert!(!format!("{address:?}").contains("secret"));
        let provider = provider("one", "https://issuer.example");
        assert!(!format!("{provider:?}").contains("hidden"));
    }

    fn provider(name: &str, issuer: &str) -> ProviderSettings {
        let (name, label, issuer) = (name.to_owned(), "One".to_owned(), issuer.to_owned());
        ProviderSettings { name, label, issuer, client_id: "hub".to_owned(), client_secret: "hidden".into() }
    }

    #[test]
    fn providers_come_from_the_file_and_one_from_the_command_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hub.toml");
        let text = "public_url = \"https://Hub.example/\"\n[[providers]]\nname = \"one\"\nlabel = \"One\"\n\
                    issuer = \"https://issuer.example/\"\nclient_id = \"hub\"\nclient_secret = \"hidden\"\n";
        std::fs::write(&path, text).unwrap();
        let with_flags = Flags {
            config: Some(path),
            oidc_issuer: Some("http://127.0.0.1:9/".to_owned()),
            oidc_client_id: Some("hub".to_owned()),
            oidc_client_secret: Some("hidden".into()),
            ..flags("127.0.0.1:1")
        };
        let config = Config::load(&with_flags).unwrap();
        assert_eq!(config.public_url.as_deref(), Some("https://hub.example"));
        let named: Vec<_> = config.providers.iter().map(|one| (one.name.as_str(), one.label.as_str())).collect();
        assert_eq!(named, [("one", "One"), ("oidc", "127.0.0.1")]);
        let half = Flags { oidc_client_secret: None, ..with_flags.clone() };
        assert_eq!(Config::load(&half).unwrap_err().id(), "config-oidc-incomplete");
        let plain = Flags { public_url: Some("http://hub.example".to_owned()), ..with_flags };
        assert_eq!(Config::load(&plain).unwrap_err().id(), "config-public-url");
    }

    #[test]
    fn providers_that_cannot_be_used_are_named() {
        let refused = |given: Vec<ProviderSettings>| providers(&Flags::default(), given).unwrap_err().id();
        let fine = || provider("one", "https://issuer.example");
        for name in ["", "One", "a/b", "é"] {
            assert_eq!(refused(vec![provider(name, "https://issuer.example")]), "config-provider-name", "{name}");
        }
        for issuer in ["", "issuer.example", "http://issuer.example", "https://issuer.example/?a", "ftp://localhost"] {
            assert_eq!(refused(vec![provider("one", issuer)]), "config-provider-issuer", "{issuer}");
        }
        assert_eq!(refused(vec![fine(), provider("one", "https://b.example")]), "config-provider-twice");
        assert_eq!(refused(vec![fine(), provider("two", "https://issuer.example")]), "config-provider-twice");
        let nameless = ProviderSettings { label: " ".to_owned(), ..fine() };
        assert_eq!(refused(vec![nameless]), "config-provider-incomplete");
        assert_eq!(
            refused(vec![ProviderSettings { client_secret: "".into(), ..fine() }]),
            "config-provider-incomplete"
        );
    }

    #[test]
    fn the_terminal_says_its_language() {
        let french = Flags { lang: Some("fr_CA.UTF-8".to_owned()), ..Flags::default() };
        assert_eq!(french.languages().wanted().first().map(LanguageTag::as_str), Some("fr-CA"));
        let overridden = Flags { lc_all: Some("C".to_owned()), ..french };
        assert!(overridden.languages().wanted().is_empty());
    }
}
