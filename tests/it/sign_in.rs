//! Signing in with a provider of OpenID Connect, which runs beside the test, and out again.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use diesel_async::SimpleAsyncConnection;
use knowledge_hub::config::ProviderSettings;
use reqwest::Response;
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use crate::callers;
use crate::socket::{Heard, Socket};
use crate::support::{self, TestHub};

/// Where the providers send browsers back to: the hub as browsers see it.
const CALLBACK: &str = "https://hub.example/sign-in/callback";

const WHO: &str = "{ viewer { accountId account { issuer subject } } }";

const FOLLOW: &str = "subscription { changes { cursor change { fields } } }";

/// A provider that lives as long as the test.
pub struct Provider {
    child: Child,
    issuer: String,
}

impl Drop for Provider {
    fn drop(&mut self) {
        // An error means that it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Provider {
    /// Starts one, which knows the hub as browsers see it.
    pub async fn start() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/provider");
        assert!(folder.join("node_modules").is_dir(), "run `make test`, which installs what these tests need");
        let starting = tokio::task::spawn_blocking(move || {
            let mut child = Command::new("node")
                .arg("provider.mjs")
                .current_dir(folder)
                .env_clear()
                .env("PATH", support::path())
                .env("REDIRECT_URI", CALLBACK)
                // It ends when this pipe does, however the test ends.
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let mut issuer = String::new();
            BufReader::new(child.stdout.take().unwrap()).read_line(&mut issuer).unwrap();
            Self { child, issuer: issuer.trim().to_owned() }
        });
        starting.await.unwrap()
    }

    /// How a hub is told of it.
    pub fn settings(&self, name: &str, label: &str) -> ProviderSettings {
        ProviderSettings {
            name: name.to_owned(),
            label: label.to_owned(),
            issuer: self.issuer.clone(),
            client_id: "hub".to_owned(),
            client_secret: "a-secret-of-the-tests-that-is-long-enough-to-sign-with".into(),
        }
    }

    /// Changes something about it.
    pub async fn told(&self, what: &str) {
        let response = support::client().post(format!("{}/control/{what}", self.issuer)).send().await.unwrap();
        assert_eq!(response.status(), 204);
    }
}

async fn hub_with(providers: Vec<ProviderSettings>) -> TestHub {
    TestHub::over_with(support::database("empty", 4).await, providers).await
}

/// A provider and a hub whose people sign in by it.
async fn hub_and_provider() -> (TestHub, Provider) {
    let provider = Provider::start().await;
    (hub_with(vec![provider.settings("one", "One")]).await, provider)
}

/// A browser: it keeps cookies, and follows no redirect by itself.
struct Browser {
    client: reqwest::Client,
    cookies: BTreeMap<String, String>,
    language: &'static str,
}

impl Browser {
    fn new() -> Self {
        let client = support::client_builder().redirect(Policy::none()).build().unwrap();
        Self { client, cookies: BTreeMap::new(), language: "en" }
    }

    fn cookie_header(&self) -> String {
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    /// Sends a request with the cookies, and keeps those that come back.
    async fn send(&mut self, request: reqwest::RequestBuilder) -> Response {
        let request = request.header("accept-language", self.language).header("cookie", self.cookie_header());
        let response = request.send().await.unwrap();
        for set in set_cookies(&response) {
            let (pair, attributes) = set.split_once(';').unwrap_or((&set, ""));
            let (name, value) = pair.split_once('=').unwrap();
            if value.is_empty() || attributes.contains("Max-Age=0;") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        response
    }

    async fn open(&mut self, hub: &TestHub, path: &str) -> Response {
        let request = self.client.get(hub.url(path));
        self.send(request).await
    }

    /// Sends a form of a page of this origin.
    async fn press(&mut self, hub: &TestHub, path: &str, origin: Option<&str>) -> Response {
        let request = self.client.post(hub.url(path));
        let request = match origin {
            Some(origin) => request.header("origin", origin),
            None => request,
        };
        self.send(request).await
    }

    /// Leaves for a provider, is known there as somebody, and is sent back to this path of the hub.
    async fn leave(&mut self, hub: &TestHub, provider: &str, who: &str) -> String {
        let response = self.open(hub, &format!("/sign-in?provider={provider}&return_to=/editor")).await;
        assert_eq!(response.status(), 303);
        let address = location(&response);
        self.authorize(&address, who).await
    }

    /// What somebody does at the provider: its cookies are its own.
    async fn authorize(&self, address: &str, who: &str) -> String {
        let mut there = Self::new();
        let origin = address.split("/auth").next().unwrap().to_owned();
        let mut next = format!("{address}&login_hint={who}");
        loop {
            let request = there.client.get(&next);
            let response = there.send(request).await;
            assert_eq!(response.status(), 303, "{next}");
            let location = location(&response);
            match location.strip_prefix("https://hub.example") {
                Some(path) => return path.to_owned(),
                None if location.starts_with('/') => next = format!("{origin}{location}"),
                None => next = location,
            }
        }
    }

    /// A whole sign-in.
    async fn sign_in(&mut self, hub: &TestHub, provider: &str, who: &str) {
        let path = self.leave(hub, provider, who).await;
        let response = self.open(hub, &path).await;
        assert_eq!(response.status(), 303, "{}", response.text().await.unwrap());
        assert_eq!(location(&response), "/editor");
    }

    /// The same that is refused: the status and the page.
    async fn refused(&mut self, hub: &TestHub, path: &str) -> (u16, String) {
        let response = self.open(hub, path).await;
        let status = response.status().as_u16();
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert!(set_cookies(&response).iter().all(|set| !set.starts_with("__Host-hub-session=khub")));
        (status, text_of(&response.text().await.unwrap()))
    }

    /// The answer to a document.
    async fn ask(&mut self, hub: &TestHub, query: &str) -> Value {
        let request = self.client.post(hub.url("/graphql")).json(&json!({ "query": query }));
        self.send(request).await.json().await.unwrap()
    }

    async fn account(&mut self, hub: &TestHub) -> Value {
        self.ask(hub, WHO).await["data"]["viewer"]["account"].clone()
    }

    /// A socket that a page of the hub begins.
    async fn socket(&self, hub: &TestHub) -> Socket {
        let (cookie, origin) = (self.cookie_header(), hub.url(""));
        let headers = [("sec-websocket-protocol", "graphql-transport-ws"), ("cookie", &cookie), ("origin", &origin)];
        let mut socket = Socket::try_open(hub.address, &headers).await.unwrap();
        socket.say(&json!({ "type": "connection_init" })).await;
        assert_eq!(socket.hear().await, Heard::Said(json!({ "type": "connection_ack" })));
        socket
    }
}

fn set_cookies(response: &Response) -> Vec<String> {
    let lines = response.headers().get_all("set-cookie").iter();
    lines.map(|value| value.to_str().unwrap().to_owned()).collect()
}

fn location(response: &Response) -> String {
    response.headers()["location"].to_str().unwrap().to_owned()
}

/// What a page says, as it is read.
fn text_of(html: &str) -> String {
    html.replace("&#39;", "'").replace("&amp;", "&")
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_signs_in_is_known_by_their_cookie_over_http_and_sockets() {
    let (hub, provider) = hub_and_provider().await;
    let mut browser = Browser::new();
    let page = text_of(&browser.open(&hub, "/account?lang=en").await.text().await.unwrap());
    assert!(
        page.contains("href=\"sign-in?provider=one&return_to=%2Faccount%3Flang%3Den&lang=en\">Sign in with One</a>")
    );
    let response = browser.open(&hub, "/sign-in?provider=one&return_to=/account?lang=fr").await;
    let address = location(&response);
    for part in ["response_type=code", "scope=openid&", "code_challenge_method=S256", "nonce=", "state=khubo_"] {
        assert!(address.contains(part), "{part}: {address}");
    }
    assert!(!address.contains("email"));
    let state = browser.cookies["__Host-hub-sign-in"].clone();
    let attributes = "Path=/; HttpOnly; Secure; SameSite=Lax";
    assert_eq!(set_cookies(&response), [format!("__Host-hub-sign-in={state}; Max-Age=600; {attributes}")]);
    let path = browser.authorize(&address, "ann").await;
    let response = browser.open(&hub, &path).await;
    assert_eq!((response.status().as_u16(), location(&response)), (303, "/account?lang=fr".to_owned()));
    let session = browser.cookies["__Host-hub-session"].clone();
    assert!(session.starts_with("khubs_"));
    let expected = [
        format!("__Host-hub-session={session}; Max-Age=1209600; {attributes}"),
        format!("__Host-hub-sign-in=; Max-Age=0; {attributes}"),
    ];
    assert_eq!(set_cookies(&response), expected);
    assert_eq!(response.headers()["cache-control"], "no-store");
    let account = json!({ "issuer": provider.issuer, "subject": "ann" });
    assert_eq!(browser.account(&hub).await, account);
    let mut socket = browser.socket(&hub).await;
    socket.subscribe("q", "{ viewer { account { issuer subject } } }", json!({})).await;
    assert_eq!(socket.next().await["data"]["viewer"]["account"], account);
    // A page of another site speaks for nobody.
    for origin in ["https://evil.example", "null", "https://partner.example"] {
        let request = browser.client.post(hub.url("/graphql")).header("origin", origin).json(&json!({ "query": WHO }));
        assert_eq!(browser.send(request).await.status(), 403, "{origin}");
    }
    let cookie = browser.cookie_header();
    let headers =
        [("sec-websocket-protocol", "graphql-transport-ws"), ("cookie", &cookie), ("origin", "https://evil.example")];
    assert_eq!(Socket::try_open(hub.address, &headers).await.err(), Some(403));
    // Nothing that is secret is kept as it is.
    let mut conn = hub.db.connection().await.unwrap();
    let kept = format!(
        "DO $$ BEGIN ASSERT NOT EXISTS (SELECT FROM sign_ins), 'a row'; ASSERT (SELECT count(*) = 1 FROM sessions WHERE secret_hash = sha256('{session}')), 'no hash'; END $$"
    );
    conn.batch_execute(&kept).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_account_page_says_who_one_is_in_both_languages() {
    let (hub, provider) = hub_and_provider().await;
    let mut browser = Browser::new();
    browser.sign_in(&hub, "one", "ann").await;
    let id = callers::account(&hub.db, "ann", None).await;
    assert!(!id.is_nil(), "another issuer's ann is another account");
    let grant = "INSERT INTO grants (id, account_id, held_right, starts_at, holds) SELECT id, id, 'ADMINISTRATOR', now(), true FROM accounts WHERE issuer LIKE 'http:%'";
    hub.db.connection().await.unwrap().batch_execute(grant).await.unwrap();
    for (lang, sentences) in [
        (
            "en",
            [
                "You are signed in",
                "Administrator – the whole hub",
                "In 1 browser, this one.",
                "None yet.",
                "Sign out here",
                "Sign out everywhere",
            ],
        ),
        (
            "fr",
            [
                "Vous êtes en ligne",
                "Administration – toute la plateforme",
                "Dans 1 navigateur, celui-ci.",
                "Aucune pour le moment.",
                "Se déconnecter ici",
                "Se déconnecter partout",
            ],
        ),
    ] {
        let response = browser.open(&hub, &format!("/account?lang={lang}")).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-language"], lang);
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(response.headers()["vary"], "Accept-Language, Cookie, Authorization");
        // With none at all, browsers would send the forms from the origin "null".
        assert_eq!(response.headers()["referrer-policy"], "same-origin");
        let page = text_of(&response.text().await.unwrap());
        for sentence in sentences {
            assert!(page.contains(sentence), "{sentence}: {page}");
        }
        assert!(page.contains(&format!("<dd>{}</dd>", provider.issuer)) && page.contains("<dd>ann</dd>"));
        assert!(page.contains("<form action=\"sign-out\" method=\"post\">"));
        assert!(!page.contains("<script") && !page.contains("khubs_"));
    }
    for path in ["/", "/editor"] {
        let page = text_of(&browser.open(&hub, path).await.text().await.unwrap());
        assert!(page.contains("href=\"account?lang=en\""), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_a_provider_changed_are_fetched_anew() {
    let (hub, provider) = hub_and_provider().await;
    Browser::new().sign_in(&hub, "one", "ann").await;
    for _ in 0..2 {
        provider.told("rotate").await;
        let mut browser = Browser::new();
        browser.sign_in(&hub, "one", "ann").await;
        assert_eq!(browser.account(&hub).await["subject"], "ann");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_ends_once_and_in_the_browser_that_began_it() {
    let (hub, _provider) = hub_and_provider().await;
    let mut browser = Browser::new();
    let path = browser.leave(&hub, "one", "ann").await;
    // Another browser, with no sign-in of its own and with one.
    let mut other = Browser::new();
    let (status, page) = other.refused(&hub, &path).await;
    assert!(status == 400 && page.contains("This sign-in was begun in another browser"), "{page}");
    assert!(page.contains("href=\"../account?lang=en\"") && page.contains("href=\"../assets/hub.css?"), "{page}");
    let path_of_other = other.leave(&hub, "one", "eve").await;
    let (status, page) = other.refused(&hub, &path).await;
    assert!(status == 400 && page.contains("another browser"), "{page}");
    let forged = path.replace(&browser.cookies["__Host-hub-sign-in"], &format!("khubo_{}", "A".repeat(43)));
    assert_ne!(forged, path);
    assert_eq!(browser.refused(&hub, &forged).await.0, 400);
    // Nothing of that spoiled either of them.
    let held = browser.cookies.clone();
    assert_eq!(browser.open(&hub, &path).await.status(), 303);
    assert_eq!(other.open(&hub, &path_of_other).await.status(), 303);
    // The same once more, by whoever has the cookie too.
    let mut thief = Browser { cookies: held, ..Browser::new() };
    let (status, page) = thief.refused(&hub, &path).await;
    assert!(status == 400 && page.contains("This sign-in is over"), "{page}");
    // The code once more, in a sign-in of one's own: the provider refuses it.
    let mut thief = Browser::new();
    let own = thief.leave(&hub, "one", "eve").await;
    let code = |path: &str| path.split(['?', '&']).find(|part| part.starts_with("code=")).unwrap().to_owned();
    let (status, page) = thief.refused(&hub, &own.replace(&code(&own), &code(&path))).await;
    assert!(status == 400 && page.contains("This sign-in is over"), "{page}");
    assert!(thief.cookies.is_empty(), "it is over for the browser too");
    // Too late.
    let mut late = Browser::new();
    let path = late.leave(&hub, "one", "ann").await;
    let mut conn = hub.db.connection().await.unwrap();
    conn.batch_execute("UPDATE sign_ins SET created_at = now() - interval '601 seconds'").await.unwrap();
    assert_eq!(late.refused(&hub, &path).await.0, 400);
    // What is too old is swept away by whoever begins.
    late.leave(&hub, "one", "ann").await;
    let swept = "DO $$ BEGIN ASSERT (SELECT count(*) = 1 FROM sign_ins), 'not swept'; END $$";
    conn.batch_execute(swept).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_for_this_sign_in_is_refused() {
    let (hub, provider) = hub_and_provider().await;
    let mut conn = hub.db.connection().await.unwrap();
    for (tampered, status, sentence) in [
        ("nonce = 'another'", 403, "is not to be trusted"),
        ("verifier = 'khubo_another-verifier-that-is-long-enough-to-be-one'", 400, "This sign-in is over"),
        ("provider = 'gone'", 404, "There is no provider with this name"),
    ] {
        let mut browser = Browser::new();
        let path = browser.leave(&hub, "one", "ann").await;
        conn.batch_execute(&format!("UPDATE sign_ins SET {tampered}")).await.unwrap();
        let (got, page) = browser.refused(&hub, &path).await;
        assert!(got == status && page.contains(sentence), "{tampered}: {got} {page}");
        assert_eq!(browser.account(&hub).await, Value::Null);
    }
    // Another provider in the place of this one, or one that does not say who it is.
    for replaced in ["&iss=https%3A%2F%2Fevil.example", ""] {
        let mut browser = Browser::new();
        let path = browser.leave(&hub, "one", "ann").await;
        let start = path.find("&iss=").unwrap();
        let (status, page) = browser.refused(&hub, &format!("{}{replaced}", &path[..start])).await;
        assert!(status == 403 && page.contains("is not to be trusted"), "{page}");
    }
    // What is signed with a secret that others have too.
    provider.told("sign?with=HS256").await;
    let mut browser = Browser::new();
    let path = browser.leave(&hub, "one", "ann").await;
    let (status, page) = browser.refused(&hub, &path).await;
    assert!(status == 403 && page.contains("is not to be trusted"), "{page}");
    provider.told("sign?with=RS256").await;
    // A hub that the provider does not know.
    let wrong = ProviderSettings { client_secret: "another".into(), ..provider.settings("one", "One") };
    let hub = hub_with(vec![wrong]).await;
    let mut browser = Browser::new();
    let path = browser.leave(&hub, "one", "ann").await;
    let (status, page) = browser.refused(&hub, &path).await;
    assert!(status == 403 && page.contains("One does not take this hub for the one that it knows"), "{page}");
    assert!(page.contains("please quote the reference") && !page.contains("invalid_client"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_that_differ_are_told() {
    let (hub, provider) = hub_and_provider().await;
    for shift_s in [600, -600, 90] {
        provider.told(&format!("clock?shift_s={shift_s}")).await;
        let mut browser = Browser::new();
        let path = browser.leave(&hub, "one", "ann").await;
        let (status, page) = browser.refused(&hub, &path).await;
        assert!(status == 403 && page.contains("The clock of One and the hub’s differ"), "{shift_s}: {page}");
        assert_eq!(browser.account(&hub).await, Value::Null);
    }
    let mut browser = Browser { language: "fr", ..Browser::new() };
    let path = browser.leave(&hub, "one", "ann").await;
    let (_, page) = browser.refused(&hub, &path).await;
    assert!(page.contains("L’horloge de One et celle de la plateforme diffèrent"), "{page}");
    for shift_s in [30, -30] {
        provider.told(&format!("clock?shift_s={shift_s}")).await;
        Browser::new().sign_in(&hub, "one", "ann").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_the_session_and_what_follows_by_it() {
    let (hub, _provider) = hub_and_provider().await;
    let (mut browser, mut other) = (Browser::new(), Browser::new());
    browser.sign_in(&hub, "one", "ann").await;
    other.sign_in(&hub, "one", "ann").await;
    let mut follower = callers::follow(browser.socket(&hub).await, FOLLOW, json!({})).await;
    let own = hub.url("");
    // No page, no site and no other page signs anybody out.
    for origin in [None, Some("https://evil.example"), Some("null")] {
        for path in ["/sign-out", "/sign-out-everywhere"] {
            let response = browser.press(&hub, path, origin).await;
            assert_eq!(response.status(), 403, "{origin:?} {path}");
        }
    }
    let request = browser.client.post(hub.url("/sign-out")).header("sec-fetch-site", "cross-site");
    assert_eq!(browser.send(request).await.status(), 403);
    assert_eq!(browser.open(&hub, "/sign-out").await.status(), 405);
    assert_eq!(browser.account(&hub).await["subject"], "ann");
    let stolen = browser.cookies.clone();
    let response = browser.press(&hub, "/sign-out", Some(&own)).await;
    assert_eq!((response.status().as_u16(), location(&response)), (303, "/account".to_owned()));
    let gone = "__Host-hub-session=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax";
    assert_eq!(set_cookies(&response), [gone]);
    assert_eq!(ended(&mut follower).await, "UNAUTHENTICATED");
    let mut thief = Browser { cookies: stolen, ..Browser::new() };
    assert_eq!(thief.ask(&hub, WHO).await["data"]["viewer"], Value::Null);
    let page = thief.open(&hub, "/account").await.text().await.unwrap();
    assert!(page.contains("Sign in with One"), "{page}");
    // The other browser is signed in all the same, and signs out by what its browser says of the page alone.
    assert_eq!(other.account(&hub).await["subject"], "ann");
    let request = other.client.post(hub.url("/sign-out")).header("sec-fetch-site", "same-origin");
    assert_eq!(other.send(request).await.status(), 303);
    assert_eq!(other.account(&hub).await, Value::Null);
    // Whoever is not signed in signs out without a word.
    assert_eq!(other.press(&hub, "/sign-out-everywhere", Some(&own)).await.status(), 303);
}

/// The code with which an operation ends.
async fn ended(socket: &mut Socket) -> String {
    loop {
        let Heard::Said(said) = socket.hear().await else { panic!("the subscription is told of its end") };
        if said["type"] == "error" {
            return said["payload"][0]["extensions"]["code"].as_str().unwrap().to_owned();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_everywhere_ends_every_session_of_the_account_alone() {
    let (hub, _provider) = hub_and_provider().await;
    let (mut one, mut two, mut eve) = (Browser::new(), Browser::new(), Browser::new());
    one.sign_in(&hub, "one", "ann").await;
    two.sign_in(&hub, "one", "ann").await;
    eve.sign_in(&hub, "one", "eve").await;
    let page = two.open(&hub, "/account").await.text().await.unwrap();
    assert!(page.contains("In 2 browsers, this one among them."), "{page}");
    let mut follower = callers::follow(two.socket(&hub).await, FOLLOW, json!({})).await;
    assert_eq!(one.press(&hub, "/sign-out-everywhere", Some(&hub.url(""))).await.status(), 303);
    assert_eq!(ended(&mut follower).await, "UNAUTHENTICATED");
    assert_eq!(two.account(&hub).await, Value::Null);
    assert_eq!(eve.account(&hub).await["subject"], "eve");
    // Signing in again in the same browser ends what it had.
    let earlier = eve.cookies.clone();
    eve.sign_in(&hub, "one", "eve").await;
    let mut earlier = Browser { cookies: earlier, ..Browser::new() };
    assert_eq!(earlier.account(&hub).await, Value::Null);
    let page = eve.open(&hub, "/account").await.text().await.unwrap();
    assert!(page.contains("In 1 browser, this one."), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_name_and_address_at_another_provider_is_somebody_else() {
    let (one, two) = (Provider::start().await, Provider::start().await);
    let hub = hub_with(vec![one.settings("one", "One"), two.settings("two", "Two & Sons")]).await;
    let page = text_of(&Browser::new().open(&hub, "/account").await.text().await.unwrap());
    let (first, second) = (page.find("Sign in with One").unwrap(), page.find("Sign in with Two & Sons").unwrap());
    assert!(first < second);
    let mut seen = Vec::new();
    for (name, provider) in [("one", &one), ("two", &two), ("one", &one)] {
        let mut browser = Browser::new();
        browser.sign_in(&hub, name, "ann").await;
        let viewer = browser.ask(&hub, WHO).await["data"]["viewer"].clone();
        assert_eq!(viewer["account"], json!({ "issuer": provider.issuer, "subject": "ann" }));
        seen.push(viewer["accountId"].clone());
    }
    assert_eq!(seen[0], seen[2]);
    assert_ne!(seen[0], seen[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_led_to_no_other_site() {
    let (hub, _provider) = hub_and_provider().await;
    let mut browser = Browser::new();
    for to in
        ["//evil.example", "/%5Cevil.example", "https://evil.example/", "/%09/evil.example", "evil", "/.//evil.example"]
    {
        let (status, page) = browser.refused(&hub, &format!("/sign-in?provider=one&return_to={to}")).await;
        assert!(status == 400 && page.contains("a page of this hub alone"), "{to}: {page}");
        assert!(!page.contains("evil"), "{to}: {page}");
    }
    for query in ["", "?provider=none", "?provider=one%00", "?return_to=/"] {
        let (status, page) = browser.refused(&hub, &format!("/sign-in{query}")).await;
        assert!(status == 404 && page.contains("There is no provider with this name"), "{query}: {page}");
    }
    for query in ["", "?state=x&code=y", "?code=%00&state=%ff", "?error=%3Cscript%3E"] {
        assert_eq!(browser.refused(&hub, &format!("/sign-in/callback{query}")).await.0, 400, "{query}");
    }
    assert!(browser.cookies.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_agree_or_finds_nobody_is_told_so() {
    let (hub, mut provider) = hub_and_provider().await;
    provider.told("deny").await;
    let mut browser = Browser { language: "fr", ..Browser::new() };
    let path = browser.leave(&hub, "one", "ann").await;
    assert!(path.contains("error=access_denied"), "{path}");
    let (status, page) = browser.refused(&hub, &path).await;
    assert!(status == 403 && page.contains("One indique que vous n’avez pas accepté"), "{page}");
    assert!(!page.contains("not today"), "what the provider says is not shown: {page}");
    // The provider goes away while somebody is there.
    let mut browser = Browser::new();
    let path = browser.leave(&hub, "one", "ann").await;
    provider.child.kill().unwrap();
    provider.child.wait().unwrap();
    let (status, page) = browser.refused(&hub, &path).await;
    assert!(status == 503 && page.contains("One cannot be reached"), "{page}");
    assert!(!page.contains("127.0.0.1"), "no internals: {page}");
    // And before the hub knows it.
    let hub = hub_with(vec![provider.settings("one", "One")]).await;
    assert_eq!(browser.refused(&hub, "/sign-in?provider=one").await.0, 503);
    let hub = hub_with(Vec::new()).await;
    let page = browser.open(&hub, "/account").await.text().await.unwrap();
    assert!(page.contains("Nobody can sign in here yet") && !page.contains("sign-in?"), "{page}");
}
