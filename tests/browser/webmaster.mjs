/**
 * The page for webmasters, the page on which a reader reports a mistake, and the start page, in a real browser.
 *
 *     npm ci
 *     HUB_URL=http://127.0.0.1:8080 node webmaster.mjs
 */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { barriers, shoot, startBrowser, tabTo, withPage } from "./browser.mjs";
import { HUB } from "./hub.mjs";

const LANGUAGES = ["en", "fr"];
const AT = { path: "/embed" };
const CHOSEN = "listing=communities-of-organization&organization=hpco";

let browser;
before(async () => {
  browser = await startBrowser();
});
after(() => browser?.close());

for (const language of LANGUAGES) {
  describe(`the page for webmasters in ${language}`, { timeout: 180_000 }, () => {
    test("shows what is chosen, and the snippets for it, without a reload", async () => {
      await withPage(browser, `?lang=${language}`, AT, async (page) => {
        assert.equal(await page.getAttribute("html", "lang"), language);
        await page.evaluate(() => (globalThis.isSamePage = true));
        assert.deepEqual(await visibleFields(page), ["organization"]);
        await page.fill("#organization", "hpco");
        await preview(page).locator("[part=card]").nth(2).waitFor();
        assert.match(await snippet(page, "component"), /<knowledge-hub-listing listing="communities-of-organization" organization="hpco">/);

        await page.selectOption("#listing", "community");
        assert.deepEqual(await visibleFields(page), ["community"]);
        await page.fill("#community", "resot");
        await page.waitForFunction(() => document.querySelector("#result").dataset.title.includes("RÉSOT"));
        await page.selectOption("#theme", "dark");
        await page.selectOption("#layout", "compact");
        await page.waitForFunction(() => document.querySelector("#result code").textContent.includes('theme="dark"'));
        const component = await snippet(page, "component");
        assert.match(component, /listing="community" community="resot".* theme="dark"/);
        assert.doesNotMatch(component, /organization=/);
        assert.match(await snippet(page, "frame"), /^<iframe data-knowledge-hub src="[^"]*community=resot/);
        assert.match(await snippet(page, "html"), /community\.fragment\.html\?community=resot/);
        assert.match(await snippet(page, "pinned"), /integrity="sha384-/);
        assert.match(await page.textContent("#shown"), /RÉSOT/);
        assert.match(page.url(), /community=resot/);
        assert.equal(await page.evaluate(() => globalThis.isSamePage), true);
      });
    });

    test("finds names while one types, and says what is missing", async () => {
      await withPage(browser, `?lang=${language}`, AT, async (page) => {
        assert.equal(await page.locator("#result .empty").count(), 1);
        await page.selectOption("#listing", "communities-by-topic");
        await page.fill("#topic", "palliative");
        await page.waitForFunction(() => document.querySelector('#topic-names option[value="rural-palliative-care"]'));
        await page.fill("#topic", "no-such-topic");
        await page.waitForFunction(() => /no-such-topic/.test(location.search));
        assert.equal(await page.locator("#result .empty").count(), 1);
      });
    });

    test("copies a snippet by keyboard, and tells so", async () => {
      const options = { ...AT, permissions: ["clipboard-read", "clipboard-write"] };
      await withPage(browser, `?lang=${language}&${CHOSEN}`, options, async (page) => {
        await tabTo(page, "[data-copy]");
        await page.keyboard.press("Enter");
        await page.waitForFunction(() => document.querySelector("#shown").textContent !== "");
        const copied = await page.evaluate(() => navigator.clipboard.readText());
        assert.equal(copied, await snippet(page, "component"));
      });
    });

    test("shows it narrow, and as high as it is", async () => {
      await withPage(browser, `?lang=${language}&${CHOSEN}`, AT, async (page) => {
        await preview(page).locator("[part=card]").nth(2).waitFor();
        await page.waitForFunction(() => document.querySelector(".preview iframe").offsetHeight > 480);
        await page.click("[data-width=narrow]");
        await page.waitForFunction(() => document.querySelector(".preview iframe").offsetWidth === 320);
        assert.equal(await page.getAttribute("[data-width=narrow]", "aria-pressed"), "true");
      });
    });

    for (const colorScheme of ["light", "dark"]) {
      for (const width of [1280, 320]) {
        test(`has no barrier and no sideways scrolling at ${width} px in ${colorScheme}`, async () => {
          const options = { ...AT, colorScheme, viewport: { width, height: 900 } };
          await withPage(browser, `?lang=${language}&${CHOSEN}`, options, async (page) => {
            await preview(page).locator("[part=card]").nth(2).waitFor();
            await shoot(page, `webmaster-${language}-${width}-${colorScheme}`);
            assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
            assert.deepEqual(await barriers(page), []);
          });
        });
      }
    }

    test("works without scripts", async () => {
      await withPage(browser, `?lang=${language}`, { ...AT, javaScriptEnabled: false }, async (page) => {
        await page.fill("#organization", "qcroc");
        await page.click("form button[type=submit]");
        assert.equal(await preview(page).locator("[part=card]").count(), 5);
        assert.match(await snippet(page, "component"), /organization="qcroc"/);
        assert.equal(await page.locator("#snippet-oembed").count(), 1);
      });
    });
  });

  describe(`reporting a mistake in ${language}`, { timeout: 60_000 }, () => {
    for (const javaScriptEnabled of [true, false]) {
      test(`leads from a listing to the coordinators ${javaScriptEnabled ? "with" : "without"} scripts`, async () => {
        const options = { path: "/embed/community.html", javaScriptEnabled };
        await withPage(browser, `?community=resot&lang=${language}`, options, async (page) => {
          await page.evaluate(() => {}).catch(() => {});
          const address = await page.getAttribute(".kh-report", "href");
          assert.ok(address.startsWith(`${HUB}/report?`), address);
          await page.click(".kh-report");
          assert.equal(await page.getAttribute("html", "lang"), language);
          if (javaScriptEnabled) {
            assert.deepEqual(await barriers(page), []);
            await shoot(page, `report-${language}`);
          }
          await page.fill("#body", "The number of members is older (sample message).");
          await page.click("form button[type=submit]");
          assert.equal(await page.locator("main [role=status]").count(), 1);
          assert.match(await page.textContent("main [role=status]"), /RÉSOT/);
        });
      });
    }
  });

  describe(`the start page in ${language}`, { timeout: 60_000 }, () => {
    for (const width of [1280, 320]) {
      test(`shows what the hub holds, without a barrier, at ${width} px`, async () => {
        const options = { path: "/", viewport: { width, height: 900 } };
        await withPage(browser, `?lang=${language}`, options, async (page) => {
          assert.equal(await page.locator(".totals li").count(), 6);
          await page.click(".all summary");
          await shoot(page, `home-${language}-${width}`);
          assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
          assert.deepEqual(await barriers(page), []);
          for (const place of ["embed", "dashboard/", "editor"]) {
            assert.equal(await page.locator(`main a[href="${place}?lang=${language}"]`).count(), 1, place);
          }
        });
      });
    }
  });
}

function preview(page) {
  return page.frameLocator(".preview iframe");
}

async function snippet(page, name) {
  return page.textContent(`.example:has(#snippet-${name}) code`);
}

async function visibleFields(page) {
  return page.locator("[data-field]:visible").evaluateAll((fields) => fields.map(({ dataset }) => dataset.field));
}
