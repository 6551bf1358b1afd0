//! What the tests stand on: a database server of their own, a hub per test, and a client.

use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

use diesel_async::SimpleAsyncConnection;
use knowledge_hub::config::{Config, Flags, ProviderSettings};
use knowledge_hub::db::local::LocalPostgres;
use knowledge_hub::db::{Db, migrations};
use knowledge_hub::http::{Hub, server};
use knowledge_hub::policy::Viewer;
use knowledge_hub::transfer::{self, ImportFailure, Input, Mode, Report};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Where the tests look for programs.
#[expect(clippy::disallowed_methods, reason = "the tests are their own start-up")]
pub fn path() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

/// A folder that the database's own user can reach, unlike the private ones of `tempfile`.
pub fn open_folder(prefix: &str) -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix(prefix).tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// The database server of this run. It ends with the run, however that ends: a watchman reads a pipe that only this
/// process holds open.
struct Cluster {
    server: LocalPostgres,
    _watchman: Child,
}

static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| {
    std::thread::spawn(|| {
        let folder = open_folder("hub-tests-").keep();
        let tuning =
            [("fsync", "off"), ("max_connections", "400"), ("shared_buffers", "64MB"), ("deadlock_timeout", "50ms")];
        let server = LocalPostgres::attach(&folder, &path(), &tuning).expect("a database server for the tests");
        let watchman = watch(&folder);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            make_database(&server, "empty", "template0").await;
            migrations::run(&connect(&server, "empty", 1)).await.unwrap();
            make_database(&server, "sample", "empty").await;
            let db = connect(&server, "sample", 1);
            import(&db, transfer::sample_data()).await.unwrap();
        });
        Cluster { server, _watchman: watchman }
    })
    .join()
    .expect("the database server of the tests")
});

/// Starts a process that stops the server and removes its folder once this process is gone.
fn watch(folder: &std::path::Path) -> Child {
    let script = r#"cat >/dev/null
        pid=$(head -n 1 "$1/postgres/postmaster.pid") && kill -QUIT "$pid" && tail --pid="$pid" -f /dev/null
        rm -rf "$1""#;
    Command::new("sh")
        .args(["-c", script, "watchman"])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap()
}

fn connect(server: &LocalPostgres, database: &str, connections: usize) -> Db {
    Db::with_address(&server.connection_string(database), connections).unwrap()
}

async fn make_database(server: &LocalPostgres, name: &str, template: &str) {
    let db = connect(server, "hub", 1);
    let mut connection = db.connection().await.unwrap();
    let sql = format!("CREATE DATABASE {name} TEMPLATE {template} ENCODING 'UTF8'");
    connection.batch_execute(&sql).await.unwrap();
}

/// A new database: `empty` has the tables, `sample` the sample data too.
pub async fn database(template: &str, connections: usize) -> Db {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    // The server is made by whoever comes first; the others wait in a thread of their own.
    tokio::task::spawn_blocking(|| LazyLock::force(&CLUSTER)).await.unwrap();
    let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    make_database(&CLUSTER.server, &name, template).await;
    connect(&CLUSTER.server, &name, connections)
}

/// The address of a database of its own for a `hub` process.
pub async fn address_of_new_database(template: &str) -> String {
    let db = database(template, 1).await;
    CLUSTER.server.connection_string(&name_of(&db).await)
}

/// Other connections to the same database, as another process has.
pub async fn another_pool(db: &Db) -> Db {
    connect(&CLUSTER.server, &name_of(db).await, 1)
}

/// The address of a database, for a `hub` process.
pub async fn address_of(db: &Db) -> String {
    CLUSTER.server.connection_string(&name_of(db).await)
}

/// The whole database as text, as an operator backs it up.
pub fn dump(address: &str) -> String {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let path = path();
    let folders = std::env::split_paths(&path).chain(versions.map(|version| version.path().join("bin")));
    let programs: Vec<PathBuf> =
        folders.map(|folder| folder.join("pg_dump")).filter(|program| program.exists()).collect();
    // Debian's wrapper looks for a cluster of its own; the program of the server comes last.
    let program = programs.last().expect("pg_dump is there with PostgreSQL");
    let output = Command::new(program).args(["--inserts", "--dbname", address]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Copies of a database as it is now, which nothing uses any more; the first is it itself.
pub async fn copies_of(db: Db, count: usize) -> Vec<Db> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = name_of(&db).await;
    drop(db);
    // Nobody may be connected to what is copied; connections of the pool end a moment after it.
    let admin = connect(&CLUSTER.server, "hub", 1);
    let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    let left = format!(
        "DO $$ BEGIN WHILE EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = '{name}') LOOP PERFORM pg_stat_clear_snapshot(); END LOOP; END $$"
    );
    let mut connection = admin.connection().await.unwrap();
    connection.batch_execute(&end).await.unwrap();
    connection.batch_execute(&left).await.unwrap();
    let mut copies = Vec::new();
    for _ in 1..count {
        let copy = format!("copy_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        make_database(&CLUSTER.server, &copy, &name).await;
        copies.push(connect(&CLUSTER.server, &copy, 4));
    }
    copies.insert(0, connect(&CLUSTER.server, &name, 4));
    copies
}

async fn name_of(db: &Db) -> String {
    let mut connection = db.connection().await.unwrap();
    diesel_async::RunQueryDsl::get_result(
        knowledge_hub::db::statement::Sql::new("SELECT current_database()::text")
            .returning::<diesel::sql_types::Text>(),
        &mut connection,
    )
    .await
    .unwrap()
}

/// Reads lines into a database.
pub async fn import(db: &Db, inputs: Vec<Input>) -> Result<Report, ImportFailure> {
    transfer::import(db, Viewer::system("test"), inputs, Mode::Write, Arc::new(|_, _| ())).await
}

/// Lines as a file.
pub fn file(lines: &[Value]) -> Input {
    let mut bytes = Vec::new();
    for line in lines {
        writeln!(bytes, "{line}").unwrap();
    }
    Input { name: "test.jsonl".to_owned(), bytes }
}

/// A client for what is served without TLS, on this machine: reading all that the machine trusts would take longer than most
/// tests.
pub fn client() -> reqwest::Client {
    client_builder().build().unwrap()
}

/// The same before it is built.
pub fn client_builder() -> reqwest::ClientBuilder {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let tls = versions.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    reqwest::Client::builder().tls_backend_preconfigured(tls)
}

/// What these words of a command line say, for a hub that trusts the pages of one partner. Many tests ask from one address, so
/// that nobody's pace is limited unless a word says so.
pub fn config(flags: &[&str]) -> Config {
    #[derive(clap::Parser)]
    struct Words {
        #[command(flatten)]
        flags: Flags,
    }
    let usual = ["hub", "--origins", "https://partner.example", "--limit", "cost_per_minute=0"];
    let words: Words = clap::Parser::parse_from(usual.iter().chain(flags));
    Config::load(&words.flags).unwrap()
}

/// A hub that serves over HTTP until it is dropped, and a client that asks it anonymously.
pub struct TestHub {
    pub db: Db,
    pub address: SocketAddr,
    pub client: reqwest::Client,
    pub hub: Hub,
    _stop: oneshot::Sender<()>,
}

impl TestHub {
    /// A hub with the sample data.
    pub async fn with_sample_data() -> Self {
        Self::over(database("sample", 4).await).await
    }

    /// A hub with these lines alone.
    pub async fn with_lines(lines: &[Value]) -> Self {
        let db = database("empty", 4).await;
        import(&db, vec![file(lines)]).await.unwrap();
        Self::over(db).await
    }

    /// A hub over a database.
    pub async fn over(db: Db) -> Self {
        Self::over_with(db, Vec::new()).await
    }

    /// A hub over a database, with these providers of sign-in. Browsers see it as https://hub.example.
    pub async fn over_with(db: Db, providers: Vec<ProviderSettings>) -> Self {
        Self::seen_as(db, providers, Some("https://hub.example")).await
    }

    /// A hub over a database, with these providers of sign-in; browsers see it at this origin, or else where it listens.
    pub async fn seen_as(db: Db, providers: Vec<ProviderSettings>, public_url: Option<&str>) -> Self {
        let config = Config { providers, public_url: public_url.map(str::to_owned), ..config(&[]) };
        Self::with_config(db, config).await
    }

    /// A hub over a database, with what these words of a command line say.
    pub async fn with_flags(db: Db, flags: &[&str]) -> Self {
        Self::with_config(db, config(flags)).await
    }

    /// A hub over a database, with a configuration.
    pub async fn with_config(db: Db, config: Config) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let hub = Hub::start(db.clone(), config, address).await.unwrap();
        tokio::spawn(server::serve(listener, hub.clone(), async {
            // An error means that the test is over and dropped its end.
            let _ = stopped.await;
        }));
        Self { db, address, client: client(), hub, _stop: stop }
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The whole answer to a document, in English.
    pub async fn ask(&self, query: &str) -> Value {
        self.ask_in("en", query, json!({})).await
    }

    /// The whole answer to a document with variables, for a reader of a language.
    pub async fn ask_in(&self, languages: &str, query: &str, variables: Value) -> Value {
        let request = self.client.post(self.url("/graphql")).header("accept-language", languages);
        let response = request.json(&json!({ "query": query, "variables": variables })).send().await.unwrap();
        response.json().await.unwrap()
    }

    /// The data of a document that must go through without an error.
    pub async fn data(&self, query: &str) -> Value {
        let answer = self.ask(query).await;
        assert!(answer.get("errors").is_none(), "{query}: {answer}");
        answer["data"].clone()
    }

    /// The data of a document, all of it read from the database.
    pub async fn data_anew(&self, query: &str) -> Value {
        let request = self.client.post(self.url("/graphql")).header("accept-language", "en");
        let request = request.header("cache-control", "no-cache").json(&json!({ "query": query }));
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert!(answer.get("errors").is_none(), "{query}: {answer}");
        answer["data"].clone()
    }

    /// The code and sentence of the first error of a document.
    pub async fn error(&self, query: &str) -> (String, String) {
        let answer = self.ask(query).await;
        let error = &answer["errors"][0];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        assert!(!error["message"].is_null(), "{query} has no error: {answer}");
        (text(&error["extensions"]["code"]), text(&error["message"]))
    }
}

/// The `hub` program.
pub fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_hub"))
}
