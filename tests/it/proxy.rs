//! Behind nginx, as the example configuration has it: everything passes that has to, and at once.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode};
use axum::routing::any;
use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::callers;
use crate::socket::{DEADLINE, Events};
use crate::support::{self, TestHub};

/// An nginx of its own, which ends with this process, however that ends.
struct Nginx {
    folder: tempfile::TempDir,
    port: u16,
    plain_port: u16,
    watchman: Child,
    stop: Option<ChildStdin>,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.stop.take();
        // It ends when what it reads does.
        let _ = self.watchman.wait();
    }
}

impl Nginx {
    /// Starts nginx with the text of the example, in front of what listens at an address.
    fn start(upstream: SocketAddr, ports: [u16; 2]) -> Self {
        let folder = support::open_folder("hub-nginx-");
        let [port, plain_port] = ports;
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        fs::write(folder.path().join("certificate.pem"), made.cert.pem()).unwrap();
        fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        fs::write(folder.path().join("hub.conf"), Self::example(folder.path(), upstream, ports)).unwrap();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|name| format!("{name}_temp_path {}/{name};\n", folder.path().display()))
            .collect();
        // One process, which the watchman can end. Errors of the start are read by the test.
        let main = format!(
            "daemon off;\nmaster_process off;\npid {0}/nginx.pid;\nerror_log stderr;\nevents {{ worker_connections 256; }}\n\
             http {{\n{temporary}include {0}/hub.conf;\n}}\n",
            folder.path().display()
        );
        fs::write(folder.path().join("nginx.conf"), main).unwrap();
        let script =
            "\"$0\" -e stderr -p \"$1\" -c \"$1/nginx.conf\" </dev/null & cat >/dev/null; kill -TERM $!; wait $!";
        let mut watchman = Command::new("sh")
            .args(["-c", script])
            .arg(program())
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stop = watchman.stdin.take();
        let mut said = BufReader::new(watchman.stderr.take().unwrap());
        let nginx = Self { folder, port, plain_port, watchman, stop };
        let begun = std::time::Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if begun.elapsed() > DEADLINE {
                let mut line = String::new();
                let _ = said.read_line(&mut line);
                panic!("nginx does not start: {line}");
            }
            std::thread::yield_now();
        }
        // What it complains of is read on, or it would wait.
        std::thread::spawn(move || said.lines().for_each(drop));
        nginx
    }

    /// The text of the example with other ports, names and files.
    fn example(folder: &Path, upstream: SocketAddr, [port, plain_port]: [u16; 2]) -> String {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/nginx/hub.conf");
        let text = fs::read_to_string(file).unwrap();
        let at = |name: &str| folder.join(name).display().to_string();
        let replaced = [
            ("https://hub.example", format!("https://localhost:{port}")),
            ("/etc/letsencrypt/live/hub.example/fullchain.pem", at("certificate.pem")),
            ("/etc/letsencrypt/live/hub.example/privkey.pem", at("key.pem")),
            ("/var/log/nginx/hub.log", at("hub.log")),
            ("/var/log/nginx/hub.error.log", at("hub.error.log")),
            ("server_name hub.example", "server_name localhost".to_owned()),
            ("server 127.0.0.1:8080", format!("server {upstream}")),
            ("listen 443 ", format!("listen 127.0.0.1:{port} ")),
            ("listen 80;", format!("listen 127.0.0.1:{plain_port};")),
        ];
        let mut text: String =
            text.lines().filter(|line| !line.contains("listen [::]:")).map(|line| format!("{line}\n")).collect();
        for (old, new) in replaced {
            assert!(text.contains(old), "the example has no {old}");
            text = text.replace(old, &new);
        }
        text
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    /// A client that trusts this nginx alone.
    fn client(&self) -> reqwest::Client {
        let mut roots = rustls::RootCertStore::empty();
        let pem = fs::read(self.certificate()).unwrap();
        roots.add(rustls::pki_types::CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let tls = versions.unwrap().with_root_certificates(roots).with_no_client_auth();
        let redirects = reqwest::redirect::Policy::none();
        reqwest::Client::builder().tls_backend_preconfigured(tls).redirect(redirects).build().unwrap()
    }

    async fn ask(&self, query: &str) -> Value {
        let request = self.client().post(self.url("/graphql")).json(&json!({ "query": query }));
        request.send().await.unwrap().json().await.unwrap()
    }
}

/// Where nginx is: Debian keeps it from the `PATH` of ordinary users.
fn program() -> PathBuf {
    let path = support::path();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    let mut programs = folders.map(|folder| folder.join("nginx"));
    programs.find(|program| program.is_file()).expect("./needs.sh test installs nginx")
}

/// Ports that nobody listens on.
fn free_ports() -> [u16; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// A hub behind nginx, which believes it.
async fn hub_behind_nginx() -> (TestHub, Nginx) {
    let ports = free_ports();
    let public = format!("https://localhost:{}", ports[0]);
    let db = support::database("sample", 4).await;
    let hub = TestHub::with_flags(db, &["--public-url", &public, "--proxies", "127.0.0.1"]).await;
    let nginx = Nginx::start(hub.address, ports);
    (hub, nginx)
}

/// Gives a topic a name.
async fn rename(hub: &TestHub, name: &str) {
    let line = json!({"kind": "topic", "key": "behind-nginx", "originalLanguage": "en", "name": {"en": name}});
    support::import(&hub.db, vec![support::file(&[line])]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_pass_over_both_versions_of_http_and_what_is_inside_stays_inside() {
    let (hub, nginx) = hub_behind_nginx().await;
    let query = "{ organizations { totalCount } }";
    let direct = hub.data(query).await;
    assert_eq!(nginx.ask(query).await["data"], direct);
    // Kept connections are used again, also for what comes after a pause of a moment.
    let client = nginx.client();
    for _ in 0..20 {
        let request = client.post(nginx.url("/graphql")).json(&json!({ "query": query }));
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["data"], direct);
    }
    let curl = Command::new("curl")
        .args([
            "--silent",
            "--http2",
            "--cacert",
            nginx.certificate().to_str().unwrap(),
            "--write-out",
            "\n%{http_version}",
        ])
        .args(["--header", "content-type: application/json", "--data", &json!({ "query": query }).to_string()])
        .arg(nginx.url("/graphql"))
        .output()
        .unwrap();
    let said = String::from_utf8(curl.stdout).unwrap();
    let (answer, version) = said.rsplit_once('\n').unwrap();
    assert_eq!(version, "2", "{said}");
    assert_eq!(serde_json::from_str::<Value>(answer).unwrap()["data"], direct);
    // However it is written, what is for those who run the hub is not there.
    for path in ["/metrics", "/livez", "/readyz", "/%6detrics", "//metrics", "/a/../metrics"] {
        assert_eq!(client.get(nginx.url(path)).send().await.unwrap().status(), 404, "{path}");
    }
    let large = json!({ "query": format!("{{ __typename }} # {}", "x".repeat(256 * 1024)) });
    let answer = client.post(nginx.url("/graphql")).json(&large).send().await.unwrap();
    assert_eq!(answer.status(), 413);
    let plain = support::client_builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let moved = plain.get(format!("http://localhost:{}/editor?a=b", nginx.plain_port)).send().await.unwrap();
    assert_eq!(
        (moved.status().as_u16(), moved.headers()["location"].to_str().unwrap()),
        (301, nginx.url("/editor?a=b").as_str())
    );
    // A page passes with what it is made of, and nothing that is asked is written down.
    let asked = client.get(nginx.url("/graphql?query=%7B__typename%7D&secret=1")).send().await.unwrap();
    assert_eq!(asked.status(), 200);
    let log = nginx.folder.path().join("hub.log");
    callers::until(async || {
        tokio::task::yield_now().await;
        fs::read_to_string(&log).unwrap().contains("\"GET /graphql\" 200")
    })
    .await;
    assert!(!fs::read_to_string(&log).unwrap().contains("secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_and_an_event_stream_tell_at_once_what_happens() {
    let (hub, nginx) = hub_behind_nginx().await;
    let query = "subscription { changes { change { action node { ... on Topic { name } } } } }";
    let request = nginx
        .client()
        .get(nginx.url("/graphql"))
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("origin", nginx.url(""))
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("sec-websocket-protocol", "graphql-transport-ws");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 101);
    assert_eq!(response.headers()["sec-websocket-protocol"], "graphql-transport-ws");
    let mut socket = WebSocketStream::from_raw_socket(response.upgrade().await.unwrap(), Role::Client, None).await;
    let mut say = async |message: Value| socket.send(Message::text(message.to_string())).await.unwrap();
    say(json!({ "type": "connection_init" })).await;
    say(json!({ "id": "1", "type": "subscribe", "payload": { "query": query } })).await;
    // Answered once the hub has heard all that came before.
    say(json!({ "id": "2", "type": "subscribe", "payload": { "query": "{ __typename }" } })).await;
    let mut hear = async || loop {
        match timeout(DEADLINE, socket.next()).await.expect("nothing was said in time").unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str::<Value>(&text).unwrap(),
            Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Close(_) | Message::Frame(_) => {}
        }
    };
    assert_eq!(hear().await["type"], "connection_ack");
    assert_eq!(hear().await["id"], "2");
    assert_eq!(hear().await["type"], "complete");
    let cursor = hub.data("{ changeCursor }").await["changeCursor"].clone();
    let streamed = query.replace("changes ", &format!("changes(after: {cursor}) "));
    let request = nginx.client().post(nginx.url("/graphql")).json(&json!({ "query": streamed }));
    let mut events = Events::open(request).await;
    for name in ["First", "Second"] {
        rename(&hub, name).await;
        let heard = hear().await;
        assert_eq!(heard["payload"]["data"]["changes"]["change"]["node"]["name"], name, "{heard}");
        // The stream has not ended, and tells it all the same.
        let event = events.next().await.unwrap();
        let data: Value = serde_json::from_str(&event.data).unwrap();
        assert_eq!(data["data"]["changes"]["change"]["node"]["name"], name, "{event:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hub_is_told_the_address_of_the_client_and_not_what_the_client_says() {
    // What is behind it answers with the headers that it was sent.
    let echo = any(|headers: HeaderMap| async move {
        let text = |value: &axum::http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
        let pairs: Vec<Value> = headers.iter().map(|(name, value)| json!([name.as_str(), text(value)])).collect();
        (StatusCode::OK, Value::Array(pairs).to_string())
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(echo)).await.unwrap() });
    let nginx = Nginx::start(upstream, free_ports());
    let request =
        nginx.client().get(nginx.url("/")).header("x-forwarded-for", "192.0.2.1").header("x-forwarded-for", "10.0.0.1");
    let text = request.send().await.unwrap().text().await.unwrap();
    let headers: Vec<(String, String)> = serde_json::from_str(&text).unwrap();
    let of = |name: &str| -> Vec<&str> {
        headers.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str()).collect()
    };
    assert_eq!(of("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(of("host"), [format!("localhost:{}", nginx.port)]);
    // Nothing asks the hub to close the connection.
    assert_eq!((of("connection"), of("upgrade")), (vec![], vec![]));
    server.abort();
}
