//! The database over TLS: what each `sslmode` promises holds, and nothing less.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use diesel::sql_types::Bool;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use knowledge_hub::db::Db;
use knowledge_hub::db::local::LocalPostgres;
use knowledge_hub::db::statement::Sql;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::{Value, json};
use tokio::net::{TcpListener, UnixStream};
use tokio_postgres::config::Host;

use crate::{processes, support};

/// How long anything may take before a test gives up on it.
const DEADLINE: Duration = Duration::from_secs(30);

/// Who may come how: `plain` without TLS alone, the others with it alone, `guarded` with a password besides.
const HBA: &str = "local all all trust
hostnossl all plain 127.0.0.1/32 trust
hostssl all guarded 127.0.0.1/32 scram-sha-256
hostssl all hub 127.0.0.1/32 trust
";

/// A server of PostgreSQL that speaks TLS on a port of its own, for the host `localhost`, and ends with the value.
struct Encrypted {
    server: LocalPostgres,
    folder: tempfile::TempDir,
    port: u16,
}

fn issuer(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Writes a file that the server may read; its private key nobody else may.
fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    if nix::unistd::geteuid().is_root() {
        let user = ["postgres", "nobody"].iter().find_map(|name| nix::unistd::User::from_name(name).unwrap()).unwrap();
        std::os::unix::fs::chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
    }
}

impl Encrypted {
    /// A server whose certificate the issuer in `ca.pem` issued; `other.pem` holds one who did not.
    fn start() -> Self {
        let folder = support::open_folder("hub-tls-");
        let (ca, key) = (issuer("The issuer"), KeyPair::generate().unwrap());
        let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &ca).unwrap();
        let file = |name: &str| folder.path().join(name);
        std::fs::write(file("ca.pem"), ca.pem()).unwrap();
        std::fs::write(file("other.pem"), issuer("Another").pem()).unwrap();
        write(&file("server.pem"), &certificate.pem());
        write(&file("server.key"), &key.serialize_pem());
        write(&file("hba.conf"), HBA);
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        let (certificate, key, hba) = (text(file("server.pem")), text(file("server.key")), text(file("hba.conf")));
        let port_text = port.to_string();
        let tuning = [
            ("fsync", "off"),
            ("ssl", "on"),
            ("ssl_cert_file", &certificate),
            ("ssl_key_file", &key),
            ("hba_file", &hba),
            ("listen_addresses", "127.0.0.1"),
            ("port", &port_text),
        ];
        let server = LocalPostgres::attach(&folder.path().join("data"), &support::path(), &tuning).unwrap();
        Self { server, folder, port }
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn address(&self, user: &str, host: &str, parameters: &str) -> String {
        format!("postgres://{user}@{host}:{}/hub?{parameters}", self.port)
    }
}

async fn is_encrypted(conn: &mut AsyncPgConnection) -> bool {
    let own = Sql::new("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
    own.returning::<Bool>().get_result(conn).await.unwrap()
}

/// Whether a connection is encrypted, or why there is none. All ways to connect agree.
async fn connected(address: &str) -> Result<bool, String> {
    let db = Db::with_address(address, 1).unwrap();
    let cause = |fault: knowledge_hub::error::Fault| fault.cause().unwrap().to_owned();
    let raw = db.raw().await;
    let encrypted = match db.dedicated().await {
        Ok(mut conn) => is_encrypted(&mut conn).await,
        Err(fault) => {
            let cause = cause(fault);
            assert_eq!(raw.map(|_| ()).map_err(|fault| fault.cause().unwrap().to_owned()), Err(cause.clone()));
            assert!(db.connection().await.is_err(), "{address}");
            return Err(cause);
        }
    };
    assert_eq!(is_encrypted(&mut db.connection().await.unwrap()).await, encrypted);
    let row = raw.unwrap().query_one("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", &[]).await.unwrap();
    assert_eq!(row.get::<_, bool>(0), encrypted);
    Ok(encrypted)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mode_promises_what_it_promises_with_libpq() {
    let server = tokio::task::spawn_blocking(Encrypted::start).await.unwrap();
    let db = Db::with_address(&server.server.connection_string("hub"), 1).unwrap();
    let roles = "CREATE ROLE plain LOGIN; CREATE ROLE guarded LOGIN PASSWORD 'a ''word'";
    db.connection().await.unwrap().batch_execute(roles).await.unwrap();
    let (ca, other) = (server.file("ca.pem"), server.file("other.pem"));
    let (by_ca, by_other) = (format!("sslrootcert={ca}"), format!("sslrootcert={other}"));
    let (unknown, misnamed) = ("UnknownIssuer", "not valid for name");
    for (user, host, parameters, expected) in [
        ("hub", "localhost", "sslmode=require".to_owned(), Ok(true)),
        ("hub", "127.0.0.1", "sslmode=require".to_owned(), Ok(true)),
        ("hub", "localhost", "sslmode=prefer".to_owned(), Ok(true)),
        ("hub", "localhost", String::new(), Ok(true)),
        ("plain", "localhost", "sslmode=disable".to_owned(), Ok(false)),
        ("hub", "localhost", "sslmode=disable".to_owned(), Err("no encryption")),
        ("plain", "localhost", "sslmode=require".to_owned(), Err("SSL encryption")),
        // With an issuer, the certificate has to be by that one.
        ("hub", "127.0.0.1", format!("sslmode=require&{by_ca}"), Ok(true)),
        ("hub", "localhost", format!("sslmode=require&{by_other}"), Err(unknown)),
        ("hub", "localhost", format!("{by_other}&sslmode=prefer"), Err(unknown)),
        ("hub", "127.0.0.1", format!("sslmode=verify-ca&{by_ca}"), Ok(true)),
        ("hub", "localhost", format!("sslmode=verify-ca&{by_other}"), Err(unknown)),
        ("hub", "localhost", format!("sslmode=verify-full&{by_ca}"), Ok(true)),
        ("hub", "127.0.0.1", format!("sslmode=verify-full&{by_ca}"), Err(misnamed)),
        ("hub", "localhost", format!("sslmode=verify-full&{by_other}"), Err(unknown)),
        // No machine trusts an issuer that a test made.
        ("hub", "localhost", "sslmode=verify-full".to_owned(), Err("certificate")),
        ("hub", "localhost", "sslrootcert=system".to_owned(), Err("certificate")),
    ] {
        let found = connected(&server.address(user, host, &parameters)).await;
        match (&found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(*found, expected, "{user}@{host} {parameters}"),
            (Err(cause), Err(expected)) => assert!(cause.contains(expected), "{user}@{host} {parameters}: {cause}"),
            _ => panic!("{user}@{host} {parameters}: {found:?}"),
        }
    }
    let pairs =
        format!("host=localhost port={} user=hub dbname=hub sslmode=verify-full sslrootcert='{ca}'", server.port);
    assert_eq!(connected(&pairs).await, Ok(true));
    let by_number = format!("hostaddr=127.0.0.1 port={} user=hub dbname=hub sslmode=require", server.port);
    assert_eq!(connected(&by_number).await, Ok(true));
    a_password_is_asked_for_and_never_shown(&server).await;
    a_certificate_without_an_issuer_is_trusted_by_name(&server).await;
}

async fn a_password_is_asked_for_and_never_shown(server: &Encrypted) {
    let right = connected(&server.address("guarded:a%20%27word", "localhost", "sslmode=require")).await;
    assert_eq!(right, Ok(true));
    let wrong = connected(&server.address("guarded:another", "localhost", "sslmode=require")).await.unwrap_err();
    assert!(wrong.contains("password") && !wrong.contains("another"), "{wrong}");
}

/// As most are made that nobody pays for: the server's own certificate is the one that its clients are given.
async fn a_certificate_without_an_issuer_is_trusted_by_name(server: &Encrypted) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    write(&server.folder.path().join("server.key"), &made.signing_key.serialize_pem());
    write(&server.folder.path().join("server.pem"), &made.cert.pem());
    std::fs::write(server.file("own.pem"), made.cert.pem()).unwrap();
    let db = Db::with_address(&server.server.connection_string("hub"), 1).unwrap();
    db.connection().await.unwrap().batch_execute("SELECT pg_reload_conf()").await.unwrap();
    let own = server.file("own.pem");
    let began = Instant::now();
    while let Err(cause) =
        connected(&server.address("hub", "localhost", &format!("sslmode=verify-full&sslrootcert={own}"))).await
    {
        assert!(began.elapsed() < DEADLINE, "{cause}");
    }
    for (host, mode, expected) in
        [("localhost", "require", true), ("127.0.0.1", "verify-ca", true), ("127.0.0.1", "verify-full", false)]
    {
        let found = connected(&server.address("hub", host, &format!("sslmode={mode}&sslrootcert={own}"))).await;
        assert_eq!(found.is_ok(), expected, "{host} {mode}: {found:?}");
    }
    assert_eq!(connected(&server.address("hub", "localhost", "sslmode=require")).await, Ok(true));
    let ca = server.file("ca.pem");
    let by_ca = connected(&server.address("hub", "localhost", &format!("sslmode=verify-ca&sslrootcert={ca}"))).await;
    assert!(by_ca.is_err(), "its issuer is another by now");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_serves_from_a_database_that_it_verified() {
    let server = tokio::task::spawn_blocking(Encrypted::start).await.unwrap();
    let start = |file: &str| {
        let parameters = format!("sslmode=verify-full&sslrootcert={}", server.file(file));
        let mut command = processes::hub(&["demo", "--listen", "127.0.0.1:0"]);
        command.env("DATABASE_URL", server.address("hub", "localhost", &parameters));
        command
    };
    let refused = start("other.pem").output().unwrap();
    let sentence = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(2) && sentence.contains("UnknownIssuer"), "{sentence}");
    let running = processes::start(start("ca.pem"));
    let request = support::client().post(format!("http://{}/graphql", running.address));
    let answer = request.json(&json!({ "query": "{ organizations { totalCount } }" })).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    assert!(answer["data"]["organizations"]["totalCount"].as_i64() >= Some(10), "{answer}");
    // The one that listens for changes too.
    let db = Db::with_address(&server.server.connection_string("hub"), 1).unwrap();
    let all = Sql::new(
        "SELECT bool_and(ssl) AND bool_or(query LIKE 'LISTEN%' OR query LIKE '%change%') FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
         WHERE client_addr IS NOT NULL",
    );
    let mut conn = db.connection().await.unwrap();
    assert!(all.returning::<Bool>().get_result::<bool>(&mut conn).await.unwrap());
    processes::stop(running);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_is_taken_where_it_is_merely_preferred() {
    // PostgreSQL offers no TLS on its socket, whoever carries it there.
    let db = support::database("empty", 1).await;
    let socket: tokio_postgres::Config = support::address_of(&db).await.parse().unwrap();
    let [Host::Unix(folder)] = socket.get_hosts() else { panic!("it is on a socket") };
    let path = folder.join(format!(".s.PGSQL.{}", socket.get_ports()[0]));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let carrier = tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut server = UnixStream::connect(&path).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut client, &mut server).await });
        }
    });
    let database = socket.get_dbname().unwrap();
    let address = |parameters: &str| format!("postgres://hub@localhost:{port}/{database}?{parameters}");
    for parameters in ["", "sslmode=prefer", "sslmode=disable"] {
        assert!(Db::with_address(&address(parameters), 1).unwrap().check().await.is_ok(), "{parameters}");
    }
    for parameters in ["sslmode=require", "sslmode=verify-full"] {
        let refused = Db::with_address(&address(parameters), 1).unwrap().check().await.unwrap_err();
        assert!(refused.cause().unwrap().contains("does not support TLS"), "{parameters}: {refused}");
    }
    carrier.abort();
}
