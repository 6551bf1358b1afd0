/**
 * What follows the hub in a real browser: the dashboard, the browser's own EventSource, and the example of a page that
 * follows. The hub that runs is written into:
 *
 *     npm ci
 *     HUB_URL=http://127.0.0.1:8080 HUB_IMPORT="hub import --each - --data-dir folder" node live.mjs
 */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { barriers, settled, shoot, startBrowser, withPage } from "./browser.mjs";
import { makeDoor } from "./door.mjs";
import { ask, catalogue, cursorOfNow, newItems, publish, tampered, titlesOf } from "./hub.mjs";

const LANGUAGES = ["en", "fr"];
// What the browser itself says when a connection is cut.
const CUT = /Failed to load resource|WebSocket connection to .* failed/;
// The byte of a cursor that belongs to the name of its log.
const LOG = 5;

let browser;
before(async () => {
  browser = await startBrowser();
});
after(() => browser?.close());

describe("the dashboard, while the hub changes", { timeout: 240_000 }, () => {
  for (const language of LANGUAGES) {
    test(`counts what is published without a reload, and says so, in ${language}`, async () => {
      const texts = await catalogue(language);
      await withPage(browser, `?lang=${language}`, {}, async (page) => {
        await settled(page);
        await page.evaluate(() => (globalThis.isSamePage = true));
        const known = await itemCount();
        await counted(page, known);
        assert.ok(!(await page.textContent("#overview-status")).includes(texts["overview-updated"]));
        await publish(...newItems(1));
        await counted(page, known + 1);
        await page.waitForFunction(
          (sentence) => document.querySelector("#overview-status[role=status]").textContent.includes(sentence),
          texts["overview-updated"],
        );
        await publish(...newItems(2));
        await counted(page, known + 3);
        assert.equal(await page.evaluate(() => globalThis.isSamePage), true);
        assert.deepEqual(await barriers(page), []);
      });
    });
  }

  test("leaves open tables, the focus and a search as they are", async () => {
    await withPage(browser, "?q=sample", {}, async (page) => {
      await settled(page);
      await page.waitForSelector("#search-results li");
      const results = await page.locator("#search-results li").allTextContents();
      const known = await itemCount();
      await page.click("#items-by-language summary");
      await page.evaluate(() => document.querySelector("#search-results li").classList.add("same"));
      const table = await page.textContent("#items-by-language tbody");
      await publish(...newItems(1, { contentLanguages: ["en"] }));
      await counted(page, known + 1);
      await page.waitForFunction(
        (former) => document.querySelector("#items-by-language tbody").textContent !== former,
        table,
      );
      assert.equal(await page.locator("#items-by-language details[open]").count(), 1);
      assert.equal(await page.locator("#items-by-language summary:focus").count(), 1);
      assert.equal(await page.locator("#communities-by-topic details[open]").count(), 0);

      await page.fill("#search-text", "half a wo");
      await page.evaluate(() => document.querySelector("#search-text").setSelectionRange(4, 6));
      await publish(...newItems(1));
      await counted(page, known + 2);
      const input = await page.evaluate(() => {
        const { id, value, selectionStart, selectionEnd } = document.activeElement;
        return { id, value, selectionStart, selectionEnd };
      });
      assert.deepEqual(input, { id: "search-text", value: "half a wo", selectionStart: 4, selectionEnd: 6 });
      assert.deepEqual(await page.locator("#search-results li").allTextContents(), results);
      assert.equal(await page.locator("#search-results li.same").count(), 1);
    });
  });

  test("catches up by itself after a cut", async () => {
    const door = await makeDoor();
    try {
      await withPage(browser, "", { origin: door.origin, complaints: CUT }, async (page) => {
        await settled(page);
        const known = await itemCount();
        // Only what listens already can be cut.
        await publish(...newItems(1));
        await counted(page, known + 1);
        door.shut();
        await publish(...newItems(1));
        door.open();
        await counted(page, known + 2);
      });
    } finally {
      await door.close();
    }
  });

  test("counts anew and follows from there when the hub does not know its cursor any more", async () => {
    let askedFor = 0;
    const before = (page) =>
      page.route(/\/graphql\?/, (route) => {
        askedFor += 1;
        const address = new URL(route.request().url());
        const { after: cursor } = JSON.parse(address.searchParams.get("variables"));
        const other = askedFor === 1 ? tampered(cursor, LOG) : cursor;
        address.searchParams.set("variables", JSON.stringify({ after: other }));
        return route.continue({ url: address.href });
      });
    await withPage(browser, "", { before }, async (page) => {
      await settled(page);
      const known = await itemCount();
      await publish(...newItems(1));
      await counted(page, known + 1);
      // The first may be among what was counted anew; this one is heard of.
      await publish(...newItems(1));
      await counted(page, known + 2);
      assert.equal(askedFor, 2);
    });
  });

  test("holds no connection while nobody sees it, and catches up once somebody does", async () => {
    await withPage(browser, "", {}, async (page) => {
      await settled(page);
      const known = await itemCount();
      const isLeft = page.waitForEvent("requestfailed", (request) => request.url().includes("/graphql?"));
      await setHidden(page, true);
      await isLeft;
      await publish(...newItems(1));
      await setHidden(page, false);
      await counted(page, known + 1);
    });
  });
});

describe("the browser's own EventSource", { timeout: 120_000 }, () => {
  test("lists, then follows: what is published meanwhile and later arrives once and in order", async () => {
    await withPage(browser, "", { path: "/" }, async (page) => {
      const items = newItems(5);
      const cursor = await cursorOfNow();
      await publish(...items.slice(0, 2));
      await follow(page, cursor);
      const meanwhile = await heard(page, 2);
      assert.deepEqual(titles(meanwhile), titlesOf(items.slice(0, 2)));
      await publish(...items.slice(2));
      const all = await heard(page, 5);
      assert.deepEqual(titles(all), titlesOf(items));
      assert.deepEqual(all.map(({ id }) => id), all.map(({ cursor: place }) => place));
      assert.equal(new Set(all.map(({ id }) => id)).size, 5);
    });
  });

  test("goes on from a cursor after it was closed: nothing is missed, nothing comes again", async () => {
    await withPage(browser, "", { path: "/" }, async (page) => {
      const items = newItems(6);
      await follow(page, await cursorOfNow());
      await publish(...items.slice(0, 2));
      const [first, second] = await heard(page, 2);
      await page.evaluate(() => globalThis.source.close());
      await publish(...items.slice(2, 4));
      await follow(page, second.cursor);
      await publish(...items.slice(4));
      assert.deepEqual(titles(await heard(page, 4)), titlesOf(items.slice(2)));
      // From further back, that comes again which the cursor says.
      await page.evaluate(() => globalThis.source.close());
      await follow(page, first.cursor);
      assert.deepEqual(titles(await heard(page, 5)), titlesOf(items.slice(1)));
    });
  });

  test("comes back by itself after a cut, from its last event and not from where it began", async () => {
    const door = await makeDoor();
    try {
      const options = { origin: door.origin, path: "/", complaints: CUT };
      await withPage(browser, "", options, async (page) => {
        const items = newItems(6);
        await follow(page, await cursorOfNow());
        await publish(...items.slice(0, 2));
        await heard(page, 2);
        door.shut();
        await page.waitForFunction(() => globalThis.cuts > 0);
        await publish(...items.slice(2, 5));
        door.open();
        await heard(page, 5);
        await publish(items[5]);
        assert.deepEqual(titles(await heard(page, 6)), titlesOf(items));
        assert.equal(await page.evaluate(() => globalThis.source.readyState), 1);
      });
    } finally {
      await door.close();
    }
  });

  test("is told of a cursor of another log in an event, and then that there is no more", async () => {
    await withPage(browser, "", { path: "/" }, async (page) => {
      await follow(page, tampered(await cursorOfNow(), LOG));
      await page.waitForFunction(() => globalThis.isComplete);
      const [{ errors }] = await page.evaluate(() => globalThis.refused);
      assert.equal(errors[0].extensions.code, "CURSOR_EXPIRED");
    });
  });
});

describe("the page that follows", { timeout: 240_000 }, () => {
  for (const language of LANGUAGES) {
    test(`lists the newest, then shows what is published, once, in ${language}`, async () => {
      const items = newItems(4, { title: undefined });
      items.forEach((item, index) => {
        const url = index === 1 ? undefined : `https://example.org/${item.key}`;
        const itemKind = "TOOL";
        Object.assign(item, { title: { en: item.key, fr: `${item.key} en français` }, url, itemKind });
      });
      const inLanguage = items.map(({ title }) => title[language]);
      const kind = { en: "tool", fr: "outil" }[language];
      await publish(items[0]);
      await withPage(browser, `?lang=${language}`, { path: "/follow/", locale: "en-CA" }, async (page, response) => {
        assert.match(response.headers()["content-security-policy"], /script-src 'self'(;|$)/);
        await shows(page, inLanguage[0]);
        assert.equal(await page.locator("#items li").count(), 10);
        assert.deepEqual((await listed(page))[0], `${inLanguage[0]} · ${kind}`);
        await publish(...items.slice(1));
        await shows(page, inLanguage[3]);
        assert.deepEqual((await listed(page)).slice(0, 4), inLanguage.map((title) => `${title} · ${kind}`).reverse());
        assert.equal(new Set(await listed(page)).size, 13);
        const links = await page.locator("#items a").evaluateAll((all) => all.map(({ href }) => href));
        const known = items.flatMap(({ url }) => url ?? []).reverse();
        assert.deepEqual(links.filter((link) => known.includes(link)), known);
        assert.equal(await page.locator("#items li").nth(2).locator("a").count(), 0);
        assert.equal(await page.getAttribute("html", "lang"), language);
        assert.equal(await page.getAttribute("#items", "aria-live"), "polite");
        assert.equal(await page.title(), await page.textContent("h1"));
        assert.deepEqual(await barriers(page), []);
        await shoot(page, `follow-${language}`);
      });
    });
  }

  test("speaks the language of the browser when the address asks for none", async () => {
    for (const [query, locale, expected] of [["", "fr-CA", "fr"], ["", "de-DE", "en"], ["?lang=en", "fr-CA", "en"]]) {
      await withPage(browser, query, { path: "/follow/", locale }, async (page) => {
        await page.waitForSelector("#items li");
        assert.equal(await page.getAttribute("html", "lang"), expected, `${query} ${locale}`);
      });
    }
  });

  test("goes on from its cursor when it is opened again: nothing is missed, nothing is shown twice", async () => {
    const items = newItems(14);
    await withPage(browser, "", { path: "/follow/" }, async (page) => {
      await page.waitForSelector("#items li");
      await publish(items[0]);
      await shows(page, titlesOf(items)[0]);
      const address = page.url();
      await page.goto("about:blank");
      // More than the page would list if it began anew.
      await publish(...items.slice(1));
      await page.goto(address);
      await shows(page, titlesOf(items)[13]);
      const titlesShown = (await listed(page)).map((text) => text.split(" · ")[0]);
      assert.deepEqual(titlesShown.slice(0, 14), titlesOf(items).reverse());
      assert.equal(new Set(titlesShown).size, titlesShown.length);
    });
  });

  test("goes on from its cursor after a cut", async () => {
    const door = await makeDoor();
    try {
      const items = newItems(14);
      const options = { path: "/follow/", origin: door.origin, complaints: CUT };
      await withPage(browser, "", options, async (page) => {
        await page.waitForSelector("#items li");
        await publish(items[0]);
        await shows(page, titlesOf(items)[0]);
        const connected = await page.textContent("#status");
        door.shut();
        await page.waitForFunction((text) => document.querySelector("#status").textContent !== text, connected);
        await publish(...items.slice(1, 13));
        door.open();
        await shows(page, titlesOf(items)[12]);
        await publish(items[13]);
        await shows(page, titlesOf(items)[13]);
        assert.equal(await page.textContent("#status"), connected);
        const titlesShown = (await listed(page)).map((text) => text.split(" · ")[0]);
        assert.deepEqual(titlesShown.slice(0, 14), titlesOf(items).reverse());
        assert.equal(new Set(titlesShown).size, titlesShown.length);
      });
    } finally {
      await door.close();
    }
  });

  test("lists anew when the hub does not know its cursor any more", async () => {
    const cursor = tampered(await cursorOfNow(), LOG);
    const [listedItem, later] = newItems(2);
    await publish(listedItem);
    const before = (page) =>
      page.addInitScript((kept) => {
        if (!localStorage.getItem("newly-published-en")) {
          localStorage.setItem("newly-published-en", JSON.stringify({ cursor: kept, items: [] }));
        }
      }, cursor);
    await withPage(browser, "?lang=en", { path: "/follow/", before }, async (page) => {
      await shows(page, titlesOf([listedItem])[0]);
      assert.equal(await page.locator("#items li").count(), 10);
      await publish(later);
      await shows(page, titlesOf([later])[0]);
    });
  });
});

async function itemCount() {
  const { items } = await ask("en", "{ items { totalCount } }");
  return items.totalCount;
}

/** Waits until the dashboard shows so many items. */
async function counted(page, count) {
  await page.waitForFunction(
    (wanted) => Number(document.querySelector('[data-total="items"] dd').textContent.replace(/\D/g, "")) === wanted,
    count,
  );
}

/** Lets the page believe that its tab is in the background, or not any more. */
async function setHidden(page, isHidden) {
  await page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event("visibilitychange"));
  }, isHidden);
}

/** Opens an EventSource in the page that follows the published items after a cursor. */
async function follow(page, cursor) {
  await page.evaluate((from) => {
    const query = "subscription($after: String) { itemPublished(after: $after) { cursor item { title } } }";
    const asked = new URLSearchParams({ query, variables: JSON.stringify({ after: from }) });
    Object.assign(globalThis, { heard: [], refused: [], cuts: 0, isComplete: false });
    globalThis.source = new EventSource(`/graphql?${asked}`);
    globalThis.source.addEventListener("next", ({ data, lastEventId }) => {
      const { data: told, errors } = JSON.parse(data);
      if (errors) {
        globalThis.refused.push({ errors });
      } else {
        const { cursor: place, item } = told.itemPublished;
        globalThis.heard.push({ id: lastEventId, cursor: place, title: item.title });
      }
    });
    globalThis.source.addEventListener("complete", () => {
      globalThis.source.close();
      globalThis.isComplete = true;
    });
    globalThis.source.addEventListener("error", () => (globalThis.cuts += 1));
  }, cursor);
}

/** What was heard, as soon as it is so much. */
async function heard(page, count) {
  await page.waitForFunction((wanted) => globalThis.heard.length >= wanted, count);
  return page.evaluate(() => globalThis.heard);
}

function titles(events) {
  return events.map(({ title }) => title);
}

/** Waits until the page that follows shows a title. */
async function shows(page, title) {
  await page.waitForFunction(
    (wanted) => Array.from(document.querySelectorAll("#items li > *")).some((name) => name.textContent === wanted),
    title,
  );
}

function listed(page) {
  return page.locator("#items li").allTextContents();
}
