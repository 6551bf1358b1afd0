//! What webmasters and readers are offered around listings: snippets, oEmbed, scripts, the report of mistakes, the start page.

use knowledge_hub::policy::{NodeKind, Right};
use serde_json::{Value, json};

use crate::callers::Caller;
use crate::embed::{get, world};
use crate::lines::item;
use crate::support::TestHub;

#[tokio::test(flavor = "multi_thread")]
async fn a_pasted_address_becomes_a_listing_by_oembed() {
    let hub = TestHub::with_lines(&world()).await;
    let page = get(&hub, "/embed/community.html?community=c&lang=fr&layout=cards").await.text;
    let discovered = |kind: &str| {
        let link = page.split(&format!("type=\"{kind}\" href=\"")).nth(1).unwrap().split('"').next().unwrap();
        link.replace("&amp;", "&").replace("https://hub.example", "")
    };
    let json = get(&hub, &discovered("application/json+oembed")).await;
    assert_eq!(json.header("content-type"), "application/json; charset=utf-8");
    let answer: Value = serde_json::from_str(&json.text).unwrap();
    assert_eq!(
        (&answer["type"], &answer["version"], &answer["title"]),
        (&json!("rich"), &json!("1.0"), &json!("Community C"))
    );
    assert_eq!((&answer["width"], &answer["height"], &answer["cache_age"]), (&json!(640), &json!(600), &json!(300)));
    let html = answer["html"].as_str().unwrap();
    let src = "src=\"https://hub.example/embed/community.html?community=c&amp;layout=cards&amp;lang=fr\"";
    assert!(html.starts_with("<iframe ") && html.contains(src) && html.contains("title=\"Community C\""), "{html}");
    let dressed = get(&hub, "/embed/community.html?community=c&theme=dark&accent=a00&heading=2").await.text;
    assert!(
        dressed.contains("community%3Dc%26theme%3Ddark%26accent%3Daa0000%26heading%3D2&amp;format=json"),
        "{dressed}"
    );
    let xml = get(&hub, &format!("{}&maxwidth=300&maxheight=10", discovered("text/xml+oembed"))).await;
    assert_eq!(xml.header("content-type"), "text/xml; charset=utf-8");
    assert!(
        xml.text.contains("<width>300</width><height>10</height>") && xml.text.contains("<html>&lt;iframe "),
        "{}",
        xml.text
    );
    let of = |url: &str, more: &str| {
        let url: String =
            reqwest::Url::parse_with_params("http://x/", [("url", url)]).unwrap().query().unwrap().to_owned();
        format!("/oembed?{url}{more}")
    };
    let own = "https://hub.example/embed/community.html?community=c";
    for (path, status) in [
        (of(own, ""), 200),
        (of(&format!("{own}#?secret=1"), "&format=json"), 200),
        (of(own, "&format=yaml"), 501),
        ("/oembed".to_owned(), 400),
        (of("https://evil.example/embed/community.html?community=c", ""), 404),
        (of("https://hub.example.evil.example/embed/community.html?community=c", ""), 404),
        (of("https://hub.example/embed/community.fragment.html?community=c", ""), 404),
        (of("https://hub.example/embed/community.html?community=none", ""), 404),
        (of("https://hub.example/embed/community.html", ""), 400),
    ] {
        assert_eq!(get(&hub, &path).await.status, status, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_for_webmasters_hands_out_snippets_of_what_is_chosen() {
    let hub = TestHub::with_lines(&world()).await;
    let empty = get(&hub, "/embed?lang=fr").await;
    assert_eq!(empty.status, 200);
    assert!(
        empty.text.contains("puis appuyez sur «\u{a0}Afficher\u{a0}»")
            && empty.text.contains("<option value=\"o\">Organisme O</option>")
    );
    let chosen = "/embed?listing=community&community=c&in=fr&layout=cards&theme=dark&accent=%23ffdd00&live=on&lang=en";
    let got = get(&hub, chosen).await;
    assert_eq!(got.status, 200);
    let named =
        get(&hub, "/embed?listing=community&community=c&onmouseover=alert(1)&x%3E%3Cscript+src=y&lang=en").await.text;
    assert!(
        !named.contains("onmouseover") && !named.contains("script src=&quot;y"),
        "a name is not put into the snippet: {named}"
    );
    for part in [
        "&lt;knowledge-hub-listing listing=&quot;community&quot; community=&quot;c&quot; lang=&quot;fr&quot; layout=&quot;cards&quot; theme=&quot;dark&quot; accent=&quot;ffdd00&quot; live&gt;",
        "src=&quot;https://hub.example/embed/v1/listing.js&quot;",
        "integrity=&quot;sha384-",
        "https://hub.example/embed/community.fragment.html?community=c&amp;lang=fr&amp;layout=cards",
        "&lt;iframe data-knowledge-hub src=&quot;https://hub.example/embed/community.html?community=c&amp;amp;lang=fr",
        "The contrast of this accent with white is 1.",
        "within one second",
    ] {
        assert!(got.text.contains(part), "{part}: {}", got.text);
    }
    let hostile =
        get(&hub, "/embed?listing=community&community=%22%3E%3Cscript%3E&site=%22%3E%3Cb%3E&accent=%22&lang=%3Cb%3E")
            .await;
    assert_eq!(hostile.status, 200);
    assert!(!hostile.text.contains("\"><script>") && !hostile.text.contains("\"><b>"), "{}", hostile.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pinned_script_never_changes_and_the_floating_one_is_the_newest() {
    let hub = TestHub::with_lines(&world()).await;
    let configurator = get(&hub, "/embed?listing=community&community=c&lang=en").await.text;
    let scripts = configurator.split("https://hub.example/embed/v").skip(1);
    let version = scripts.filter_map(|rest| rest.split_once("/listing.js&quot; integrity=")).next().unwrap().0;
    let path = format!("/embed/v{version}/listing.js");
    let script = get(&hub, &path).await;
    assert_eq!((script.status, script.header("cache-control")), (200, "public, max-age=31536000, immutable"), "{path}");
    assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
    let floating = get(&hub, "/embed/v1/listing.js").await;
    assert_eq!(floating.text, script.text);
    assert!(floating.header("cache-control").starts_with("public, max-age=3600"));
    assert_eq!(floating.header("access-control-allow-origin"), "*");
    assert_eq!(floating.header("cross-origin-resource-policy"), "cross-origin");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_that_is_reported_reaches_the_coordinators_alone() {
    let mut lines = world();
    lines.push(item("i", json!({"communities": ["c"], "title": {"en": "Sample guide"}})));
    let hub = TestHub::with_lines(&lines).await;
    let form = get(&hub, "/report?community=c&lang=fr").await;
    assert_eq!((form.status, form.header("content-language")), (200, "fr"));
    assert!(
        form.text.contains("Community C") && form.text.contains("action=\"report?community=c&amp;lang=fr\""),
        "{}",
        form.text
    );
    let send = async |body: &str| {
        let request = hub.client.post(hub.url("/report?community=c&lang=fr"));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body.to_owned());
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let (status, text) = send("community=c&body=").await;
    assert_eq!(status, 422, "{text}");
    assert!(text.contains("role=\"alert\""), "{text}");
    let (status, text) = send("community=c&body=The+name+is+wrong%0D%0Ahere&reply_to=me%40example.org").await;
    assert_eq!(status, 200, "{text}");
    assert!(text.contains("Merci."), "{text}");
    let forged = hub.client.post(hub.url("/report?community=c&lang=en")).header("origin", "https://evil.example");
    let forged = forged.header("content-type", "application/x-www-form-urlencoded").body("community=c&body=forged");
    assert_eq!(forged.send().await.unwrap().status(), 403);
    let messages = "{ community(slug: \"c\") { messages { nodes { body replyTo language } } } }";
    assert_eq!(hub.data(messages).await["community"]["messages"]["nodes"], json!([]));
    let coordinator = Caller::new(&hub, "k", None, &[(Right::Coordinator, Some((NodeKind::Community, "c")))]).await;
    let seen = coordinator.data(&hub, messages).await;
    let expected = json!([{"body": "The name is wrong\nhere", "replyTo": "me@example.org", "language": "fr"}]);
    assert_eq!(seen["community"]["messages"]["nodes"], expected);
    // Of one thing of it, by its title, which takes some of the room.
    let about = get(&hub, "/report?community=c&item=i&lang=en&body=forged").await.text;
    assert!(
        about.contains("of Sample guide?") && about.contains("maxlength=\"1986\"") && !about.contains("forged"),
        "{about}"
    );
    assert_eq!(send(&format!("community=c&item=i&body={}", "x".repeat(1_986))).await.0, 200);
    assert_eq!(send(&format!("community=c&item=i&body={}", "x".repeat(1_987))).await.0, 422);
    let newest = "{ community(slug: \"c\") { messages(first: 1) { nodes { body } } } }";
    let body = coordinator.data(&hub, newest).await["community"]["messages"]["nodes"][0]["body"].clone();
    assert!(body.as_str().unwrap().starts_with("Sample guide\n\nxxx"), "{body}");
    let mut last = 200;
    for _ in 0..20 {
        last = send("community=c&body=again").await.0;
    }
    assert_eq!(last, 429, "nobody fills the coordinators' list");
    assert_eq!(get(&hub, "/report?community=none&lang=en").await.status, 404);
    assert_eq!(get(&hub, "/report").await.status, 404);
    assert_eq!(send(&format!("community=c&body={}", "x".repeat(40_000))).await.0, 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_start_page_tells_what_the_hub_holds_in_both_languages() {
    let hub = TestHub::with_lines(&world()).await;
    for (language, parts) in [
        ("en", ["<strong>1</strong> community of practice", "What it holds", "href=\"embed?lang=en\""]),
        ("fr", ["<strong>1</strong> communauté de pratique", "Ce qu’elle contient", "href=\"dashboard/?lang=fr\""]),
    ] {
        let got = get(&hub, &format!("/?lang={language}")).await;
        assert_eq!((got.status, got.header("content-language")), (200, language));
        for part in parts {
            assert!(got.text.contains(part), "{part}: {}", got.text);
        }
    }
}
