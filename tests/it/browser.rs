//! What Node runs: the example pages in headless Chromium, the clients that real consumers use and the audits of the
//! protocols, each against a hub with the sample data, and the comparison of the contract with the last release.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::sign_in::Provider;
use crate::support::{self, TestHub};

/// Runs a suite of Node's test runner against a hub of its own.
async fn run(folder: &str, suite: &'static str) {
    run_against(&TestHub::with_sample_data().await, folder, suite).await;
}

/// Runs a suite against a hub.
async fn run_against(hub: &TestHub, folder: &str, suite: &'static str) {
    let database = support::address_of(&hub.db).await;
    let import = format!("'{}' import --each - --database-url '{database}'", support::program().display());
    run_with(folder, suite, vec![("HUB_URL", hub.url("")), ("HUB_IMPORT", import)]).await;
}

/// Runs a suite that is told this by its environment and nothing else, and judges it by how it ends and what it counts.
async fn run_with(folder: &str, suite: &'static str, environment: Vec<(&'static str, String)>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    assert!(folder.join("node_modules").is_dir(), "run `make test`, which installs what these tests need");
    let run = tokio::task::spawn_blocking(move || {
        Command::new("node")
            .arg(suite)
            .current_dir(folder)
            .env_clear()
            .env("PATH", support::path())
            .envs(environment)
            .stdin(Stdio::null())
            .output()
    });
    let output = run.await.unwrap().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("# fail 0") || told.contains("ℹ fail 0"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_shows_what_the_api_says_in_both_languages() {
    run("tests/browser", "run.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_what_is_published_and_come_back_after_a_cut() {
    run("tests/browser", "live.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn partners_pages_show_listings_that_stay_right_whatever_becomes_of_the_hub() {
    let db = support::database("sample", 4).await;
    run_against(&TestHub::seen_as(db, Vec::new(), None).await, "tests/browser", "embed.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webmaster_chooses_a_listing_and_a_reader_reports_a_mistake_in_both_languages() {
    let db = support::database("sample", 4).await;
    run_against(&TestHub::seen_as(db, Vec::new(), None).await, "tests/browser", "webmaster.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_without_scripts_signs_in_and_out_in_both_languages() {
    let provider = Provider::start().await;
    let db = support::database("empty", 4).await;
    let hub = TestHub::seen_as(db, vec![provider.settings("one", "One")], None).await;
    provider.told(&format!("hub?at={}", hub.url(""))).await;
    run_against(&hub, "tests/browser", "account.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_of_both_protocols_miss_nothing_and_repeat_nothing() {
    run("tests/clients", "run.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_official_audit_of_graphql_over_http_passes() {
    run("tests/clients", "http.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_protocols_of_subscriptions_are_kept_rule_by_rule() {
    run("tests/clients", "protocol.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_keeps_what_the_last_release_promised() {
    run_with("tests/clients", "contract.mjs", Vec::new()).await;
}
