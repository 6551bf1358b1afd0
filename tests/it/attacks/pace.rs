//! Those who ask for more than their share.

use reqwest::{RequestBuilder, Response};
use serde_json::json;

use super::{ELSEWHERE, Target, code, read};
use crate::support;

/// A query that is costly, but less so than a minute's share.
const COSTLY: &str = "{ topics(first: 100) { nodes { key name description } } }";

const SHARE: [&str; 2] = ["--limit", "cost_per_minute=3000"];

impl Target {
    fn costly(&self, client: &reqwest::Client) -> RequestBuilder {
        client.post(self.url("/graphql")).json(&json!({ "query": COSTLY }))
    }

    /// Asks until the share is used up; the answer is the refusal.
    async fn used_up(&self, ask: impl Fn() -> RequestBuilder) -> Response {
        for _ in 0..200 {
            let response = ask().send().await.unwrap();
            if response.status() != 200 {
                return response;
            }
        }
        panic!("200 costly queries went through");
    }
}

async fn is_refused(response: Response) {
    let after = response.headers().get("retry-after").expect("it says when to come back").to_str().unwrap().to_owned();
    assert!((1..=61).contains(&after.parse::<u64>().unwrap()), "{after}");
    let (status, answer) = read(response).await;
    assert_eq!((status, code(&answer)), (429, "RATE_LIMITED"), "{answer}");
    assert!(answer.get("data").is_none(), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_used_up_their_share_waits_and_nobody_else_does() {
    let target = Target::serve(&SHARE).await;
    // Somebody else asks from elsewhere all the while, and has a share of their own.
    let elsewhere = support::client_builder().local_address(std::net::IpAddr::from([127, 0, 0, 3])).build().unwrap();
    is_refused(target.used_up(|| target.costly(&target.client)).await).await;
    assert_eq!(target.costly(&elsewhere).send().await.unwrap().status(), 200);
    // Nobody is believed who says where they ask from.
    for name in ["x-forwarded-for", "forwarded", "x-real-ip"] {
        is_refused(target.costly(&target.client).header(name, "203.0.113.9").send().await.unwrap()).await;
    }
    let refused = target.client.get(target.url("/graphql")).query(&[("query", COSTLY)]).send().await.unwrap();
    is_refused(refused).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_one_address_keeps_nobody_else_waiting() {
    let target = Target::serve(&["--limit", "cost_per_minute=100000"]).await;
    target
        .under(async {
            let mut refused = 0;
            for _ in 0..20 {
                let all = (0..50).map(|_| target.costly(&target.client).header("cache-control", "no-cache").send());
                let all = futures_util::future::join_all(all).await;
                refused += all.into_iter().filter(|response| response.as_ref().unwrap().status() == 429).count();
            }
            assert!(refused > 100, "{refused} of 1,000 were refused");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_made_up_listings_sites_and_reports_keeps_nobody_else_waiting() {
    let target = Target::serve(&["--limit", "cost_per_minute=300000"]).await;
    let listing = "/embed/communities-by-language.html?language=en&lang=en";
    target
        .under(async {
            let mut refused = 0;
            for round in 0..20 {
                let asked = (0..50).map(|at| {
                    let number = round * 50 + at;
                    match at % 5 {
                        // A page that nobody asked for before, a site that nobody registered, and what is sent to people.
                        0 => target.client.get(target.url(&format!("{listing}&site=WAAAAAAAAAAAAAAAAAA{number:04}"))),
                        1 => target.client.get(target.url("/oembed?url=https%3A%2F%2Fevil.example%2F")),
                        2 => target.client.post(target.url("/report")).body("community=resot&body=flood"),
                        _ => target.client.get(target.url(&format!("{listing}&accent={number:06x}"))),
                    }
                });
                let all = futures_util::future::join_all(asked.map(RequestBuilder::send)).await;
                refused += all.into_iter().filter(|response| response.as_ref().unwrap().status() == 429).count();
            }
            assert!(refused > 100, "{refused} of 1,000 were refused");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_that_is_believed_each_client_has_a_share() {
    let target = Target::serve(&[&SHARE[..], &["--proxies", "127.0.0.1"]].concat()).await;
    let from = |forwarded: &'static str| target.costly(&target.client).header("x-forwarded-for", forwarded);
    is_refused(target.used_up(|| from("203.0.113.1")).await).await;
    assert_eq!(from("203.0.113.2").send().await.unwrap().status(), 200);
    assert_eq!(from("2001:db8::1").send().await.unwrap().status(), 200);
    // What stands before the last address anybody may have written.
    for forwarded in ["203.0.113.77, 203.0.113.1", "nonsense,203.0.113.1", ", ,203.0.113.1 ", "203.0.113.1, 127.0.0.1"]
    {
        is_refused(from(forwarded).send().await.unwrap()).await;
    }
    // Whoever has one address of a network of 64 bits has all of them.
    is_refused(target.used_up(|| from("2001:db8::2")).await).await;
    is_refused(from("2001:db8::3:4:5:6").send().await.unwrap()).await;
    for forwarded in
        ["", "nonsense", "203.0.113.999", "[::1", "::ffff:203.0.113.5", "203.0.113.6:8080", "\"_hidden\"", "unknown"]
    {
        let status = from(forwarded).send().await.unwrap().status().as_u16();
        assert!([200, 429].contains(&status), "{forwarded}: {status}");
    }
    // Whoever does not come by the proxy is not believed.
    let elsewhere = support::client_builder().local_address(ELSEWHERE).build().unwrap();
    is_refused(target.used_up(|| target.costly(&elsewhere)).await).await;
    is_refused(target.costly(&elsewhere).header("x-forwarded-for", "203.0.113.3").send().await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_costs_more_than_a_whole_share_is_paid_with_all_of_it_or_refused() {
    let target = Target::serve(&["--limit", "cost_per_minute=200"]).await;
    let (status, answer) = read(target.costly(&target.client).send().await.unwrap()).await;
    assert!(status == 200 || (status, code(&answer)) == (429, "RATE_LIMITED"), "{status} {answer}");
    is_refused(target.costly(&target.client).send().await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_widest_queries_that_one_may_send_keep_nobody_waiting() {
    let target = Target::serve(&["--limit", "cost_per_minute=0"]).await;
    let wide = "{ communities(first: 100) { nodes { items(first: 30) { nodes { title topics(first: 20) { nodes { key name } } } } } } }";
    target
        .under(async {
            let all = (0..40).map(|_| {
                let request = target.client.post(target.url("/graphql")).header("cache-control", "no-cache");
                request.json(&json!({ "query": wide })).send()
            });
            for response in futures_util::future::join_all(all).await {
                // Whoever waits for a turn too long is told to come back.
                let (status, answer) = read(response.unwrap()).await;
                assert!(status == 200 && answer.get("errors").is_none() || status == 503, "{status} {answer}");
            }
        })
        .await;
}
