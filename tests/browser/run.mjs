/**
 * The dashboard in a real browser, against a running hub with the sample data.
 *
 *     npm ci
 *     HUB_URL=http://127.0.0.1:8080 npm test
 *
 * SHOTS=folder keeps pictures of the pages, CHROMIUM=file names another browser than Debian's.
 */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { barriers, settled, shoot, startBrowser, tabTo, withPage } from "./browser.mjs";
import { ask, catalogue } from "./hub.mjs";

const LANGUAGES = ["en", "fr"];
// A word that the sample data has more than one page of results for, in either language.
const WORDS = { en: "sample", fr: "exemple" };
const PAGE_SIZE = 10;

const FACETS = `{
  communities { facets(by: [TOPIC, REGION]) { ...buckets } }
  items { facets(by: [YEAR, LANGUAGE]) { ...buckets } }
}
fragment buckets on Facet { by buckets { value label count node { ... on Topic { language } } } }`;

const SEARCH = `query($text: String!, $kinds: [NodeKind!], $first: Int!) {
  search(text: $text, kinds: $kinds, first: $first) {
    totalCount
    edges { snippet { language parts { text isMatch } } }
  }
}`;

const WITHOUT = `query($language: LanguageTag!, $after: String) {
  topicsWithout(language: $language, first: 100, after: $after) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes { name language }
  }
}`;

let browser;
before(async () => {
  browser = await startBrowser();
});
after(() => browser?.close());

for (const language of LANGUAGES) {
  describe(`the dashboard in ${language}`, { timeout: 240_000 }, () => {
    const asked = `?lang=${language}`;

    test("loads from its own host alone, without a complaint, under a strict policy", async () => {
      await withPage(browser, asked, { reducedMotion: "reduce" }, async (page, response) => {
        await settled(page);
        const policy = response.headers()["content-security-policy"];
        assert.match(policy, /script-src 'self'(;|$)/);
        assert.doesNotMatch(policy, /unsafe/);
        assert.equal(await page.getAttribute("html", "lang"), language);
        assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
        const empty = await page.locator("[data-text]").evaluateAll((places) =>
          places
            .filter(({ textContent, dataset }) => !textContent || textContent === dataset.text)
            .map(({ dataset }) => dataset.text),
        );
        assert.deepEqual(empty, []);
      });
    });

    test("shows the totals that the hub counts", async () => {
      const lists = ["organizations", "communities", "people", "projects", "items", "topics"];
      const expected = await ask(language, `{ ${lists.map((list) => `${list} { totalCount }`).join(" ")} }`);
      await withPage(browser, asked, {}, async (page) => {
        await settled(page);
        for (const list of lists) {
          const shown = await page.textContent(`[data-total="${list}"] dd`);
          assert.equal(digits(shown), expected[list].totalCount, list);
        }
      });
    });

    test("has a table with the hub's numbers below each chart", async () => {
      const texts = await catalogue(language);
      const { communities, items } = await ask(language, FACETS);
      const regionName = ({ value }) => texts.regions[value];
      await withPage(browser, asked, {}, async (page) => {
        await settled(page);
        const years = bucketsOf(items, "YEAR").toSorted((a, b) => a.value - b.value);
        const known = { en: { en: "English", fr: "French" }, fr: { en: "Anglais", fr: "Français" } }[language];
        await checkTable(page, "communities-by-topic", bucketsOf(communities, "TOPIC"), ({ label }) => label);
        await checkTable(page, "communities-by-region", bucketsOf(communities, "REGION"), regionName);
        await checkTable(page, "items-by-year", years, ({ value }) => value);
        await checkTable(page, "items-by-language", bucketsOf(items, "LANGUAGE"), ({ value }) => known[value]);
      });
    });

    test("lists the topics without material in the language one chooses", async () => {
      await withPage(browser, asked, {}, async (page) => {
        await settled(page);
        assert.equal(await page.inputValue("#gaps-language"), "fr");
        await checkTopics(page, language, "fr");
        await page.selectOption("#gaps-language", "en");
        await page.waitForFunction(() => location.search.includes("without=en"));
        await checkTopics(page, language, "en");
      });
    });

    test("searches, marks the matches, and turns pages by keyboard alone", async () => {
      const text = WORDS[language];
      const first = await ask(language, SEARCH, { text, first: PAGE_SIZE });
      const both = await ask(language, SEARCH, { text, first: 2 * PAGE_SIZE });
      assert.ok(first.search.totalCount > PAGE_SIZE, `“${text}” needs more than a page of results`);
      await withPage(browser, asked, {}, async (page) => {
        await settled(page);
        await tabTo(page, "#search-text");
        await page.keyboard.type(text);
        await page.keyboard.press("Enter");
        await results(page, PAGE_SIZE);
        assert.deepEqual(await page.locator("#search-results mark").allTextContents(), matches(first));
        assert.equal(digits((await page.textContent("#search-status")).split(text)[0]), first.search.totalCount);
        await tabTo(page, "#search-more");
        await page.keyboard.press("Enter");
        await results(page, both.search.edges.length);
        assert.deepEqual(await page.locator("#search-results mark").allTextContents(), matches(both));
        // The focus goes on at the first result that is new.
        const focused = await page.evaluate(() => {
          const entries = Array.from(document.querySelectorAll("#search-results li"));
          return entries.findIndex((entry) => entry.contains(document.activeElement));
        });
        assert.equal(focused, PAGE_SIZE);
      });
    });

    test("narrows the search to kinds, and keeps it in the address", async () => {
      const text = WORDS[language];
      const texts = await catalogue(language);
      const { search } = await ask(language, SEARCH, { text, kinds: ["COMMUNITY", "ITEM"], first: PAGE_SIZE });
      const query = `${asked}&q=${text}&kind=COMMUNITY`;
      await withPage(browser, query, {}, async (page) => {
        await page.waitForSelector("#search-results li");
        await tabTo(page, "[value=ITEM]");
        await page.keyboard.press("Space");
        await page.waitForFunction(
          ({ total, word }) => {
            const status = document.querySelector("#search-status").textContent.split(word)[0];
            return Number(status.replace(/\D/g, "")) === total;
          },
          { total: search.totalCount, word: text },
        );
        const kinds = await page.locator("#search-results li .note").allTextContents();
        const known = [texts.kinds.COMMUNITY, texts.kinds.ITEM];
        assert.ok(kinds.every((about) => known.includes(about.split(" · ")[0])), kinds.join("\n"));
        const other = LANGUAGES.find((candidate) => candidate !== language);
        await page.click(`[data-switch=${other}]`);
        await page.waitForSelector(`html[lang=${other}] #search-results li`);
        assert.equal(await page.inputValue("#search-text"), text);
        assert.equal(await page.locator("#search-kinds :checked").count(), 2);
      });
    });

    test("marks what the hub serves in another language", async () => {
      const topics = [
        ["Oncologie", "fr-CA"],
        ["Oncology", "en"],
        ["ᑳᓐᓱ", "iu"],
        ["Onkologie", null],
      ].map(([name, served], index) => ({ id: String(index), name, language: served }));
      const pageInfo = { hasNextPage: false, endCursor: null };
      const data = { topics: { totalCount: 9 }, topicsWithout: { totalCount: topics.length, pageInfo, nodes: topics } };
      await withPage(browser, asked, { before: answering("topicsWithout(", data) }, async (page) => {
        await page.waitForFunction(() => document.querySelectorAll("#gaps-list li").length === 4);
        assert.deepEqual(await listed(page), topics.map(asListed(language)));
        const other = { en: "Oncologie (Canadian French)", fr: "Oncology (anglais)" }[language];
        assert.ok((await page.locator("#gaps-list li").allTextContents()).includes(other));
      });
    });

    test("links a result to the web, and to nothing else", async () => {
      const text = WORDS[language];
      const snippet = { field: "title", language: null, parts: [{ text: "Guide", isMatch: true }] };
      const addresses = ["https://example.org/guide", "javascript:alert(1)", "data:text/html,x", "guide", null];
      const item = { __typename: "Item", title: "Guide", language, itemKind: "GUIDE", publishedAt: null };
      const edges = addresses.map((url, index) => ({ node: { ...item, id: String(index), url }, snippet }));
      const pageInfo = { hasNextPage: false, endCursor: null };
      const data = { search: { totalCount: edges.length, facets: [{ by: "KIND", buckets: [] }], pageInfo, edges } };
      await withPage(browser, `${asked}&q=${text}`, { before: answering("search(", data) }, async (page) => {
        await results(page, edges.length);
        const links = await page.locator("#search-results a").evaluateAll((all) => all.map(({ href }) => href));
        assert.deepEqual(links, ["https://example.org/guide"]);
      });
    });

    test("shows what was typed as text", async () => {
      const hostile = "<img src=x onerror=alert(1)>";
      const query = `${asked}&q=${encodeURIComponent(hostile)}`;
      await withPage(browser, query, {}, async (page) => {
        await page.waitForFunction(
          (typed) => document.querySelector("#search-status").textContent.includes(typed),
          hostile,
        );
        assert.equal(await page.locator("main img").count(), 0);
      });
    });

    for (const colorScheme of ["light", "dark"]) {
      for (const width of [1280, 320]) {
        test(`has no barrier and no sideways scrolling at ${width} px in ${colorScheme}`, async () => {
          const options = { colorScheme, viewport: { width, height: 900 } };
          const query = `${asked}&q=${WORDS[language]}`;
          await withPage(browser, query, options, async (page) => {
            await settled(page);
            await page.waitForSelector("#search-results li");
            await shoot(page, `dashboard-${language}-${width}-${colorScheme}`);
            await page.locator("details").evaluateAll((all) => all.forEach((details) => (details.open = true)));
            assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
            assert.deepEqual(await barriers(page), []);
          });
        });
      }
    }

    test("says so when the hub cannot be reached, and tries again", async () => {
      const texts = await catalogue(language);
      const cut = async (page) => page.route("**/graphql", (route) => route.abort());
      const options = { before: cut, complaints: /Failed to load resource/ };
      await withPage(browser, `${asked}&q=${WORDS[language]}`, options, async (page) => {
        for (const section of ["totals", "gaps", "search"]) {
          await page.waitForSelector(`#${section} .failure`);
          assert.equal(await page.textContent(`#${section} [role=alert]`), texts["hub-unreachable"]);
        }
        assert.deepEqual(await barriers(page), []);
        await shoot(page, `dashboard-${language}-failed`);
        // Still cut: the sentence stays, and so does the focus.
        await tabTo(page, "#overview-failure button");
        await page.keyboard.press("Enter");
        await page.waitForSelector("#overview-failure button:focus:not([aria-disabled=true])");
        await page.unroute("**/graphql");
        await page.keyboard.press("Enter");
        await settledOverview(page);
        assert.equal(await page.evaluate(() => document.activeElement.id), "totals-heading");
        await tabTo(page, "#search-failure button");
        await page.keyboard.press("Enter");
        await page.waitForSelector("#search-results li");
        assert.equal(await page.evaluate(() => document.activeElement.id), "search-heading");
      });
    });

    test("says what the hub says when it refuses, and when its answer is unreadable", async () => {
      const texts = await catalogue(language);
      const refusal = { errors: [{ message: "No <b>room</b> today." }] };
      const answers = [
        [{ status: 200, json: refusal }, texts["hub-refused"].replace("{message}", refusal.errors[0].message)],
        [{ status: 502, contentType: "text/html", body: "<h1>Bad gateway</h1>" }, texts["hub-unreadable"]],
        [{ status: 200, json: {} }, texts["hub-unreadable"]],
      ];
      for (const [answer, sentence] of answers) {
        const before = async (page) => page.route("**/graphql", (route) => route.fulfill(answer));
        await withPage(browser, asked, { before, complaints: /Failed to load resource/ }, async (page) => {
          await page.waitForSelector("#gaps .failure");
          await page.waitForSelector("#totals .failure");
          assert.equal(await page.textContent("#totals [role=alert]"), sentence);
          assert.equal(await page.textContent("#gaps [role=alert]"), sentence);
        });
      }
    });

    test("opens its tables when the charts cannot be drawn", async () => {
      const before = async (page) => page.route("**/vendor/**", (route) => route.abort());
      await withPage(browser, asked, { before, complaints: /Failed to load resource/ }, async (page) => {
        await settled(page);
        assert.equal(await page.locator("canvas").count(), 0);
        assert.equal(await page.locator("details:not([open])").count(), 0);
        assert.ok((await page.locator(".chart tbody tr").count()) > 0);
      });
    });
  });
}

describe("the dashboard in either language", { timeout: 60_000 }, () => {
  test("has the same texts in both, with the same places to fill", async () => {
    const [english, french] = await Promise.all(LANGUAGES.map(catalogue));
    assert.deepEqual(shapeOf(french), shapeOf(english));
  });

  test("speaks the language that the address asks for, else the browser's, else English", async () => {
    const cases = [
      ["", "fr-CA", "fr"],
      ["", "en-US", "en"],
      ["", "de-DE", "en"],
      ["?lang=en", "fr-CA", "en"],
      ["?lang=FR-ca", "en-CA", "fr"],
      ["?lang=de", "fr-CA", "fr"],
      ["?lang=constructor", "fr-CA", "fr"],
    ];
    for (const [query, locale, expected] of cases) {
      await withPage(browser, query, { locale }, async (page) => {
        await page.waitForSelector("[data-switch][aria-current]");
        assert.equal(await page.getAttribute("html", "lang"), expected, `${query} ${locale}`);
        await settled(page);
      });
    }
  });

  test("opens its queries in the hub's editor as they were asked", async () => {
    await withPage(browser, "?lang=fr&q=douleur&kind=ITEM", {}, async (page) => {
      await settled(page);
      await page.waitForSelector("#search-query:not([hidden])");
      for (const id of ["overview-query", "gaps-query", "search-query"]) {
        const address = new URL(await page.evaluate((link) => document.getElementById(link).href, id));
        assert.match(address.pathname, /\/editor$/);
        assert.equal(address.searchParams.get("lang"), "fr");
        // It runs as it stands, without variables.
        await ask("fr", address.searchParams.get("query"));
      }
    });
  });
});

/** Lets the queries that hold `part` be answered with `data`, and all others by the hub. */
function answering(part, data) {
  return (page) =>
    page.route("**/graphql", (route) =>
      route.request().postData().includes(part) ? route.fulfill({ json: { data } }) : route.fallback(),
    );
}

async function settledOverview(page) {
  await page.waitForFunction(() => document.querySelectorAll("#totals-list dd").length === 6);
  await page.waitForFunction(() => document.querySelector("#overview-failure").children.length === 0);
}

function bucketsOf({ facets }, by) {
  return facets.find((facet) => facet.by === by).buckets;
}

/** Compares a chart's table with the hub's buckets; where `labelOf` knows no label the count alone is compared. */
async function checkTable(page, id, buckets, labelOf) {
  assert.ok(buckets.length > 0, `${id} needs something to count`);
  const rows = await page.locator(`#${id} tbody tr`).evaluateAll((all) =>
    all.map((row) => {
      const name = row.querySelector("th");
      const marked = name.querySelector("[lang]");
      const count = row.querySelector("td").textContent;
      return { label: (marked ?? name).textContent, language: marked?.lang, count };
    }),
  );
  const language = await page.getAttribute("html", "lang");
  assert.deepEqual(
    rows.map(({ label, language: marked, count }) => [label, marked, digits(count)]),
    buckets.map((bucket, index) => [
      labelOf(bucket) ?? rows[index]?.label,
      marking(bucket.node?.language, language),
      bucket.count,
    ]),
    id,
  );
  const picture = page.locator(`#${id} canvas`);
  assert.equal(await picture.getAttribute("role"), "img");
  assert.ok((await picture.getAttribute("aria-label")).includes(await page.textContent(`#${id} h3`)));
  const isDrawn = await picture.evaluate((canvas) =>
    canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0),
  );
  assert.ok(isDrawn, `${id} is blank`);
}

/** Compares the list of topics, on all its pages, with the hub's. */
async function checkTopics(page, language, without) {
  const expected = [];
  for (let after = null; after !== undefined; ) {
    const { topicsWithout } = await ask(language, WITHOUT, { language: without, after });
    expected.push(...topicsWithout.nodes);
    after = topicsWithout.pageInfo.hasNextPage ? topicsWithout.pageInfo.endCursor : undefined;
  }
  await page.waitForFunction(() => !document.querySelector("#gaps-status").textContent.endsWith("…"));
  let shown = await page.locator("#gaps-list li").count();
  while (shown < expected.length) {
    await page.click("#gaps-more");
    await page.waitForFunction((known) => document.querySelectorAll("#gaps-list li").length > known, shown);
    shown = await page.locator("#gaps-list li").count();
  }
  assert.equal(await page.locator("#gaps-more").isVisible(), false);
  assert.deepEqual(await listed(page), expected.map(asListed(language)));
}

/** The topics in the list, each with the language that it is marked with. */
function listed(page) {
  return page.locator("#gaps-list li").evaluateAll((all) =>
    all.map((topic) => {
      const marked = topic.querySelector("[lang]");
      return [(marked ?? topic).textContent, marked?.lang];
    }),
  );
}

/** What the page lists for a topic. */
function asListed(language) {
  return (topic) => [topic.name, marking(topic.language, language)];
}

/** How the page marks a text that the hub serves in a language. */
function marking(served, language) {
  return served && served.split("-")[0] !== language ? served : undefined;
}

async function results(page, count) {
  await page.waitForFunction((wanted) => document.querySelectorAll("#search-results li").length === wanted, count);
}

function matches({ search }) {
  const parts = search.edges.flatMap(({ snippet }) => snippet.parts);
  const marked = parts.filter(({ isMatch }) => isMatch).map(({ text }) => text);
  assert.ok(marked.length > 0, "the hub marked no match");
  return marked;
}

/** A catalogue with its texts cut down to their places to fill, in the order of the alphabet. */
function shapeOf(value) {
  if (typeof value === "string") {
    assert.ok(value.trim(), "a text is empty");
    return (value.match(/\{\w+\}/g) ?? []).toSorted();
  }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shapeOf(inner)]));
}

function digits(text) {
  return Number(text.replace(/\D/g, ""));
}
