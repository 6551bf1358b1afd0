//! Markdown as people write it, as HTML that can be put into any page.

use std::collections::HashMap;

use comrak::{Options, markdown_to_html};

/// Renders CommonMark with tables, and takes away whatever could run, load or look like something else: scripts,
/// styles, frames, forms, pictures, and links that are not to the web or a mailbox. Links carry
/// `rel="noopener noreferrer nofollow"`.
pub fn html(markdown: &str) -> String {
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.strikethrough = true;
    options.extension.autolink = true;
    // Raw HTML in the text goes through the same list of what is allowed as everything else.
    options.render.r#unsafe = true;
    let rendered = markdown_to_html(markdown, &options);
    ammonia::Builder::default()
        .rm_tags(["img", "map", "area", "span", "div", "bdi", "bdo", "details", "summary", "figure", "figcaption"])
        .url_schemes(["http", "https", "mailto"].into())
        .url_relative(ammonia::UrlRelative::Deny)
        .generic_attributes(["lang"].into())
        .tag_attributes(HashMap::from([("a", ["href", "title"].into()), ("ol", ["start"].into())]))
        .tag_attribute_values(HashMap::from([
            ("th", HashMap::from([("align", ["left", "center", "right"].into())])),
            ("td", HashMap::from([("align", ["left", "center", "right"].into())])),
        ]))
        .link_rel(Some("noopener noreferrer nofollow"))
        .clean(&rendered)
        .to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn headings_lists_tables_and_links_are_rendered() {
        let text = "# Guide\n\n- one\n- **two**\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n[more](https://example.org/x)";
        let html = html(text);
        for part in [
            "<h1>Guide</h1>",
            "<li>one</li>",
            "<strong>two</strong>",
            "<table>",
            "<td align=\"right\">2</td>",
            "<a href=\"https://example.org/x\" rel=\"noopener noreferrer nofollow\">more</a>",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
    }

    #[test]
    fn nothing_that_runs_loads_or_pretends_is_left() {
        let text = "<script>alert(1)</script>\n\n<img src=x onerror=alert(1)>\n\n[x](javascript:alert(1))\n\n\
            <a href=\"https://example.org\" onclick=\"alert(1)\" style=\"position:fixed\">y</a>\n\n\
            <iframe src=https://example.org></iframe><form action=/x><input></form>\n\n![p](https://example.org/p.png)\n\n\
            [relative](/admin) [data](data:text/html,x)\n\n<style>*{display:none}</style><p class=\"x\" id=\"y\">z</p>";
        let html = html(text);
        for part in [
            "script",
            "onerror",
            "onclick",
            "javascript",
            "style",
            "iframe",
            "form",
            "input",
            "img",
            "href=\"/",
            "data:",
            "class=",
            "id=",
            "alert(1)</",
        ] {
            assert!(!html.contains(part), "{part} in {html}");
        }
        assert!(html.contains("<a href=\"https://example.org\"") && html.contains("<p>z</p>"), "{html}");
    }

    proptest! {
        #[test]
        fn no_text_panics_or_opens_a_script(text in "(\\PC|[<>\\[\\]()*#|\"'=\n]){0,200}") {
            prop_assert!(!html(&text).to_lowercase().contains("<script"));
        }
    }

    /// The attributes of every tag of a rendered text, as name and value; the text is refused where it is no HTML as it is
    /// written by the renderer.
    fn attributes(html: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for tag in html.split('<').skip(1) {
            let name: String = tag.chars().take_while(|char| !" >".contains(*char)).collect();
            assert!(
                !name.is_empty() && name.trim_start_matches('/').chars().all(|char| char.is_ascii_alphanumeric()),
                "{html}"
            );
            assert!(
                ![
                    "script", "style", "iframe", "img", "svg", "math", "form", "input", "object", "embed", "link",
                    "base"
                ]
                .contains(&name.trim_start_matches('/')),
                "{html}"
            );
            let mut rest = &tag[name.len()..];
            while let Some(attribute) = rest.strip_prefix(' ') {
                let (name, after) = attribute.split_once("=\"").expect(html);
                let (value, after) = after.split_once('"').expect(html);
                found.push((name.to_owned(), value.to_owned()));
                rest = after;
            }
            assert!(rest.starts_with('>'), "{html}");
        }
        found
    }

    fn is_harmless(markdown: &str) {
        for (name, value) in attributes(&html(markdown)) {
            match name.as_str() {
                "href" => assert!(
                    ["http:", "https:", "mailto:"].iter().any(|scheme| value.to_lowercase().starts_with(scheme)),
                    "{markdown}: {value}"
                ),
                "rel" | "title" | "lang" | "align" | "start" => {}
                _ => panic!("{markdown} has the attribute {name}"),
            }
        }
    }

    /// Pieces that do harm when they come together in the right way.
    const PIECES: [&str; 44] = [
        "<script>",
        "</script>",
        "<script src=//x>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "<svg>",
        "<math>",
        "<mtext>",
        "<style>",
        "</style>",
        "<title>",
        "<noscript>",
        "<template>",
        "<textarea>",
        "<![CDATA[",
        "<!--",
        "--!>",
        "-->",
        "<a href=",
        "<a href='",
        "javascript:",
        "JaVa\tScRiPt:",
        "&#106;avascript:",
        "&Tab;",
        "data:text/html,x",
        "vbscript:",
        "//x.example",
        "https://x.example/",
        "[x](",
        "[x](<",
        ")",
        "![x](",
        "[x]: ",
        "[x]",
        "<https://x>",
        "\"",
        "'",
        "`",
        "\n",
        "\n\n",
        " onclick=alert(1) ",
        "|a|\n|-|\n|",
        "\\",
        ">",
    ];

    proptest! {
        #[test]
        fn nothing_that_runs_comes_of_pieces_put_together(
            pieces in prop::collection::vec(prop_oneof![4 => prop::sample::select(PIECES.to_vec()).prop_map(str::to_owned), 1 => "\\PC{0,4}"], 0..12),
        ) {
            is_harmless(&pieces.concat());
        }
    }
}
