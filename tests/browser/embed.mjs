/**
 * What the hub puts into the pages of others, in a real browser: the pages in examples/partner-site, each on the server
 * of a partner with a policy of its own, and the listings as whole pages. The hub that runs is written into:
 *
 *     npm ci
 *     HUB_URL=http://127.0.0.1:8080 HUB_IMPORT="hub import --each - --data-dir folder" node embed.mjs
 */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import http from "node:http";
import path from "node:path";
import { after, before, describe, test } from "node:test";

import { barriers, shoot, startBrowser, withPage } from "./browser.mjs";
import { makeDoor } from "./door.mjs";
import { HUB, write } from "./hub.mjs";

const PAGES = new URL("../../examples/partner-site/", import.meta.url);
// The address that the example pages have for the hub.
const EXAMPLE_HUB = "http://127.0.0.1:8080";
const TYPES = { ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8" };

const ELEMENT = "knowledge-hub-listing";
const CARDS = ".kh [part=card]";
const NAMES = ".kh [part=name]";
const HPCO = ["(HCC ACP CoP)", "(RHPC CoP)", "(CC CoP)"];
// Who leads the communities of Q-CROC, in the sample data.
const LEADERS = /Daaboul|Bahary|Jamal|Aubin/;

const LANGUAGES = ["en", "fr"];
const THEMES = ["light", "dark"];
const WIDTHS = [320, 1280];
const LISTINGS = {
  "communities-of-organization": "organization=qcroc",
  "communities-by-topic": "topic=oncology-clinical-research",
  "communities-by-language": "language=fr",
  "community": "community=resot",
  "projects-of-organization": "organization=cpop",
  "items-of-community": "community=sample-community-1",
};

// As strict as a page can be that shows the element, or the frame.
const STRICT = (hub) => `default-src 'none'; script-src ${hub}; connect-src ${hub}; style-src 'self'`;
const TRUSTED_TYPES = (hub) => `${STRICT(hub)}; require-trusted-types-for 'script'; trusted-types knowledge-hub`;
const FRAMED = (hub) => `default-src 'none'; script-src ${hub}; frame-src ${hub}; style-src 'self'`;
const NO_SCRIPT = () => "default-src 'none'; style-src 'self'";

// What the browser itself says of an answer that is none.
const NO_ANSWER = /Failed to load resource/;
const CROSS_ORIGIN = { "access-control-allow-origin": "*" };
const FRAGMENTS = /\.fragment\.html/;

/**
 * What axe cannot see: each is looked at in a listing as it is shown, in the element and on a page of its own.
 * `options` are those of the browser that it takes.
 */
const BEYOND_AXE = [
  {
    name: "by keyboard every link is reached, in order, and one sees where one is",
    check: async (page) => {
      const links = await page.locator(".kh a[href]").evaluateAll((all) => all.map((link) => link.href));
      const stops = await walk(page, links.length);
      assert.deepEqual(stops.map(({ href }) => href), links);
      assert.deepEqual(stops.filter(({ isSeen }) => !isSeen), []);
    },
  },
  {
    name: "a link is at least 24 by 24 pixels, or stands in a sentence",
    check: async (page) => {
      const small = await page.locator(".kh :is(a[href], button, summary)").evaluateAll((all) =>
        all.filter((target) => {
          const { width, height } = target.getBoundingClientRect();
          const isInText = target.parentElement.textContent.trim() !== target.textContent.trim();
          const isInline = getComputedStyle(target).display === "inline" && isInText;
          return !isInline && (width < 24 || height < 24);
        }).map((target) => target.outerHTML),
      );
      assert.deepEqual(small, []);
    },
  },
  {
    name: "nothing is wider than a screen of 320 pixels, or of 640 with letters twice as large",
    options: { viewport: { width: 320, height: 700 } },
    check: async (page) => {
      await fits(page, 320);
      await page.setViewportSize({ width: 640, height: 700 });
      await page.evaluate(() => document.documentElement.style.setProperty("font-size", "200%"));
      await fits(page, 640);
    },
  },
  {
    name: "with more space between lines, words and letters nothing is cut off",
    options: { viewport: { width: 320, height: 700 } },
    check: async (page) => {
      await page.locator(".kh").first().evaluate((listing) => {
        // WCAG 1.4.12. By a constructed sheet, which every policy lets through.
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(`.kh, .kh * { line-height: 1.5 !important; letter-spacing: 0.12em !important;
          word-spacing: 0.16em !important } .kh p { margin-bottom: 2em !important }`);
        listing.getRootNode().adoptedStyleSheets.push(sheet);
      });
      await fits(page, 320);
      const cut = await page.locator(".kh *").evaluateAll((all) =>
        all.filter((element) => {
          const { overflowY, clipPath, position } = getComputedStyle(element);
          // What is for screen readers alone is cut off for everybody.
          const isForEars = position === "absolute" || clipPath !== "none";
          return !isForEars && overflowY !== "visible" && element.scrollHeight > element.clientHeight + 1;
        }).map((element) => element.outerHTML),
      );
      assert.deepEqual(cut, []);
    },
  },
  {
    name: "with forced colors texts can be read, and a card still has an edge",
    options: { forcedColors: "active" },
    check: async (page) => {
      const faint = await page.locator(".kh :is(h1, h2, h3, p, dt, dd, a)").evaluateAll((all) =>
        all.filter((element) => getComputedStyle(element).color === getComputedStyle(document.body).backgroundColor)
          .map((element) => element.outerHTML),
      );
      assert.deepEqual(faint, []);
      const edgeless = await page.locator(CARDS).evaluateAll((all) =>
        all.filter((card) => {
          const style = getComputedStyle(card);
          const sides = ["Top", "Right", "Bottom", "Left"].map((side) => style[`border${side}Style`]);
          return [...sides, style.outlineStyle].every((line) => line === "none");
        }).length,
      );
      assert.equal(edgeless, 0);
    },
  },
  {
    name: "nothing moves for those who want it still",
    options: { reducedMotion: "reduce" },
    check: async (page) => {
      const moving = await page.locator(".kh, .kh *").evaluateAll((all) =>
        all.filter((element) => {
          const { animationName, transitionDuration, scrollBehavior } = getComputedStyle(element);
          const isStill = transitionDuration.split(", ").every((duration) => parseFloat(duration) < 0.01);
          return animationName !== "none" || !isStill || scrollBehavior === "smooth";
        }).map((element) => element.outerHTML),
      );
      assert.deepEqual(moving, []);
      assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
    },
  },
  {
    name: "a name in another language says in which, so that it is pronounced so",
    check: async (page) => {
      const [name, ...others] = await page.locator(NAMES, { hasText: "Melanoma Community of Practice" }).all();
      assert.deepEqual(others, []);
      const spoken = await name.evaluate((element) => {
        const texts = Array.from(element.querySelectorAll("*")).filter(({ children }) => children.length === 0);
        const text = texts.find(({ textContent }) => textContent.includes("Melanoma")) ?? element;
        return text.closest("[lang]").lang;
      });
      assert.equal(spoken, "en");
    },
  },
  {
    name: "it says in which language it is itself, and what it is",
    check: async (page) => {
      const about = await page.locator(".kh").evaluate((listing) => ({
        lang: listing.lang,
        title: listing.querySelector("[part=title]").textContent,
        name: listing.ariaLabel,
      }));
      assert.equal(about.lang, "fr");
      assert.ok(about.title.includes("Q-CROC") || about.title.includes("qcroc"), about.title);
      assert.ok(about.name, "a screen reader lists it by name");
    },
  },
  {
    name: "on paper is everything that is on the screen",
    check: async (page) => {
      const shown = () =>
        page.locator(".kh :is([part=card], [part=name], dt, dd, a)").evaluateAll((all) =>
          all.map((element) => [element.textContent.trim(), element.checkVisibility({ visibilityProperty: true })]),
        );
      const onScreen = await shown();
      await page.emulateMedia({ media: "print" });
      assert.deepEqual(await shown(), onScreen);
    },
  },
];

let browser;
before(async () => {
  browser = await startBrowser();
});
after(() => browser?.close());

describe("the element in a page of WordPress", { timeout: 240_000 }, () => {
  for (const [name, policy] of Object.entries({ STRICT, TRUSTED_TYPES })) {
    for (const colorScheme of THEMES) {
      test(`lists the three communities of HPCO in French, ${colorScheme}, under the policy ${name}`, async () => {
        await withSite({ path: "/wordpress.html", policy, colorScheme }, async (page, response) => {
          assert.equal(response.headers()["content-security-policy"], policy(HUB));
          await reaches(page, "fresh");
          const names = await page.locator(NAMES).allTextContents();
          assert.equal(names.length, HPCO.length);
          for (const known of HPCO) {
            assert.ok(names.some((text) => text.includes(known)), `${known} in ${names.join(", ")}`);
          }
          assert.equal(await page.getAttribute(".kh", "lang"), "fr");
          assert.ok(!(await page.isVisible(`${ELEMENT} > p`)), "the page's own link has made room");
          assert.equal(await page.locator(".kh [data-away]").isVisible(), false);
          assert.deepEqual(await page.context().cookies(), []);
          assert.deepEqual(await barriers(page), []);
          await shoot(page, `partner-wordpress-${colorScheme}-${name}`);
        });
      });
    }
  }

  test("runs by the pinned script, whose digest the page for webmasters hands out, and by no other bytes", async () => {
    const page = await (await fetch(`${HUB}/embed?listing=community&community=resot&lang=en`)).text();
    const [, version, digest] = /embed\/v([\d.]+)\/listing\.js&quot; integrity=&quot;(sha384-[\w+/=]+)&quot;/.exec(page);
    const pinned = (integrity) => (hub) =>
      pageWith(hub, `listing="community" community="resot"`).replace(
        /<script [^>]*>/,
        `<script type="module" src="${hub}/embed/v${version}/listing.js" integrity="${integrity}" crossorigin="anonymous">`,
      );
    await withSite({ html: pinned(digest), policy: STRICT }, async (opened) => {
      await reaches(opened, "fresh");
      assert.equal(await opened.locator(CARDS).count(), 1);
    });
    const other = `sha384-${Buffer.alloc(48).toString("base64")}`;
    await withSite({ html: pinned(other), policy: STRICT, complaints: /integrity/ }, async (opened) => {
      assert.ok(await opened.isVisible(`${ELEMENT} > *`), "the page's own content stays");
      assert.equal(await opened.evaluate((name) => customElements.get(name) === undefined, ELEMENT), true);
    });
  });

  for (const language of LANGUAGES) {
    for (const theme of THEMES) {
      test(`has no barriers and fits every width in ${language} and ${theme}`, async () => {
        const listing = `listing="communities-of-organization" organization="qcroc" layout="cards"`;
        const html = (hub) => pageWith(hub, `${listing} lang="${language}" theme="${theme}"`);
        for (const width of WIDTHS) {
          await withSite({ html, viewport: { width, height: 800 } }, async (page) => {
            await reaches(page, "fresh");
            assert.equal(await page.locator(CARDS).count(), 5);
            assert.deepEqual(await barriers(page), []);
            await fits(page, width);
            await shoot(page, `partner-element-${language}-${theme}-${width}`);
          });
        }
      });
    }
  }

  test("speaks the language of its attribute, or of the page, or else of the browser", async () => {
    const listing = `listing="community" community="resot"`;
    for (const [own, around, expected] of [["fr", "en", "fr"], ["", "fr-CA", "fr"], ["", "", "en"]]) {
      const html = (hub) => pageWith(hub, `${listing} lang="${own}"`, { lang: around });
      await withSite({ html, locale: "en-CA" }, async (page) => {
        await reaches(page, "fresh");
        assert.equal(await page.getAttribute(".kh", "lang"), expected, `${own} in ${around}`);
      });
    }
  });

  test("takes a color from its attribute, if it is one", async () => {
    const accents = { "#0b5a6b": "#0b5a6b", "a0b": "#a0b", "red": "", "#12345": "", "#fff;color:red": "" };
    for (const [accent, expected] of Object.entries(accents)) {
      const html = (hub) => pageWith(hub, `listing="community" community="resot" accent="${accent}"`);
      await withSite({ html }, async (page) => {
        await reaches(page, "fresh");
        const taken = await page.locator(ELEMENT).evaluate((element) =>
          element.style.getPropertyValue("--knowledge-hub-accent"),
        );
        assert.equal(taken, expected, accent);
      });
    }
  });

  test("follows its attributes, and the page that moves it, takes it out and puts it back", async () => {
    const html = (hub) => pageWith(hub, `listing="community" community="resot"`);
    await withSite({ html }, async (page) => {
      await lists(page, "RÉSOT");
      await page.locator(ELEMENT).evaluate((element) => element.setAttribute("community", "melanoma"));
      await lists(page, "Melanoma");
      await page.evaluate(() => document.documentElement.setAttribute("lang", "fr"));
      await page.waitForSelector(`${ELEMENT} .kh[lang=fr]`);
      await page.locator(ELEMENT).evaluate((element) => {
        document.body.prepend(element);
        element.remove();
        element.setAttribute("community", "resot");
        document.querySelector("main").append(element);
      });
      await lists(page, "RÉSOT");
      // Half of an address is no list, and no error.
      await page.locator(ELEMENT).evaluate((element) => element.setAttribute("listing", "../graphql"));
      await reaches(page, "fallback");
    });
  });

  test("sends what its attributes say, nothing of HTML's, and neither a cookie nor where it is", async () => {
    const sent = `listing="community" community="resot" layout="compact" heading="3"`;
    const kept = `class="wide" id="list" title="t" nonce="x" data-a="1" onclick="0" theme="dark" accent="fff"`;
    const html = (hub) => pageWith(hub, `${sent} ${kept}`);
    const asked = [];
    const before = async (page) => {
      await page.context().addCookies([{ name: "known", value: "1", url: HUB }]);
      page.on("request", (request) => FRAGMENTS.test(request.url()) && asked.push(request));
    };
    await withSite({ html, before }, async (page) => {
      await reaches(page, "fresh");
      assert.equal(asked.length, 1);
      const { search, pathname } = new URL(asked[0].url());
      assert.ok(pathname.endsWith("/embed/community.fragment.html"));
      assert.equal(search, "?community=resot&heading=3&lang=en&layout=compact");
      const headers = await asked[0].allHeaders();
      assert.deepEqual([headers.cookie, headers.referer], [undefined, undefined]);
    });
  });

  test("shows a list even where the page may store nothing", async () => {
    const before = (page) =>
      page.addInitScript(() =>
        Object.defineProperty(globalThis, "localStorage", {
          get: () => {
            throw new DOMException("no", "SecurityError");
          },
        }),
      );
    await withSite({ path: "/wordpress.html", policy: STRICT, before }, async (page) => {
      await reaches(page, "fresh");
      assert.equal(await page.locator(CARDS).count(), 3);
    });
  });

  test("lets nothing run that somebody got into a list", async () => {
    const hostile = `<section class="kh" lang="en"><script>globalThis.ran = 1</script>
      <img src="data:," onerror="globalThis.ran = 2"><a part="link" href=" java&#10;script:globalThis.ran = 3">x</a>
      <svg onload="globalThis.ran = 4"></svg><iframe srcdoc="x"></iframe></section>`;
    const before = (page) => page.route(FRAGMENTS, answer(200, hostile));
    await withSite({ html: (hub) => pageWith(hub, `listing="community" community="resot"`), before }, async (page) => {
      await reaches(page, "fresh");
      await page.locator("[part=link]").click();
      assert.equal(await page.evaluate(() => globalThis.ran), undefined);
      assert.equal(await page.locator(".kh :is(script, iframe)").count(), 0);
    });
  });
});

describe("the element while the hub is away", { timeout: 240_000 }, () => {
  const qcroc = `listing="communities-of-organization" organization="qcroc" lang="fr"`;
  const html = (hub) => pageWith(hub, qcroc);

  test("shows the copy with its date and without a person's name, after a first visit", async () => {
    const door = await makeDoor();
    try {
      await withSite({ html, hub: door.origin, complaints: NO_ANSWER }, async (page) => {
        await reaches(page, "fresh");
        assert.match(await page.textContent(`${ELEMENT} .kh`), LEADERS);
        assert.doesNotMatch((await copies(page)).join(), LEADERS);
        await keepScripts(page, door.origin);
        door.shut();
        await page.goto(page.url());
        await reaches(page, "copy");
        assert.equal(await page.locator(CARDS).count(), 5);
        assert.doesNotMatch(await page.textContent(`${ELEMENT} .kh`), LEADERS);
        assert.ok(await page.isVisible(".kh [data-away]"));
        const time = page.locator(".kh time[data-saved]");
        assert.ok(Math.abs(Date.now() - Date.parse(await time.getAttribute("datetime"))) < 120_000);
        const month = new Intl.DateTimeFormat("fr", { month: "long" }).format(new Date());
        assert.ok((await time.textContent()).includes(month), await time.textContent());
        assert.deepEqual(await barriers(page), []);
        await shoot(page, "partner-copy-fr");
        // It comes back by itself once the network says so.
        door.open();
        await page.evaluate(() => dispatchEvent(new Event("online")));
        await reaches(page, "fresh");
        assert.equal(await page.isVisible(".kh [data-away]"), false);
      });
    } finally {
      await door.close();
    }
  });

  test("leaves the page's own link where there was no first visit, with and without the script", async () => {
    for (const isKept of [false, true]) {
      const door = await makeDoor();
      try {
        const before = async (page) => {
          if (isKept) {
            await keepScripts(page, door.origin);
          }
          door.shut();
        };
        const where = { path: "/wordpress.html", policy: STRICT, hub: door.origin, complaints: NO_ANSWER, before };
        await withSite(where, async (page) => {
          if (isKept) {
            await reaches(page, "fallback");
          }
          const link = page.locator(`${ELEMENT} > p > a`);
          assert.ok(await link.isVisible());
          assert.match(await link.getAttribute("href"), /communities-of-organization\.html\?organization=hpco/);
          assert.deepEqual(await barriers(page), []);
        });
      } finally {
        await door.close();
      }
    }
  });

  test("leaves the page's own link while a first answer takes long, and then lists", async () => {
    const gate = makeGate();
    const before = (page) => page.route(FRAGMENTS, gate.hold);
    await withSite({ path: "/wordpress.html", policy: STRICT, before }, async (page) => {
      await gate.isReached;
      assert.ok(await page.isVisible(`${ELEMENT} > p > a`));
      await page.focus(`${ELEMENT} > p > a`);
      gate.open();
      await reaches(page, "fresh");
      assert.equal(await page.locator(CARDS).count(), 3);
      // Who was at the link that made room is at the list now.
      assert.ok(await page.locator(".kh").evaluate((listing) => listing.matches(":focus")));
    });
  });

  test("shows the copy while a later answer takes long, and then lists", async () => {
    await withSite({ html }, async (page) => {
      await reaches(page, "fresh");
      const gate = makeGate();
      await page.route(FRAGMENTS, gate.hold);
      await page.goto(page.url());
      await reaches(page, "copy");
      assert.ok(await page.isVisible(".kh [data-away]"));
      gate.open();
      await reaches(page, "fresh");
      assert.equal(await page.isVisible(".kh [data-away]"), false);
      assert.match(await page.textContent(`${ELEMENT} .kh`), LEADERS);
    });
  });

  const stranger = "<p>Welcome to this network. Please sign in.</p>";
  const endless = `<section class="kh" lang="fr">${"<p>more</p>".repeat(100_000)}</section>`;
  for (const [name, status, state, keepsCopy, body = stranger] of [
    ["keeps the copy when the hub is overloaded", 503, "copy", true],
    ["keeps the copy when the hub asks to come less often", 429, "copy", true],
    ["keeps the copy when something else answers in the place of the hub", 200, "copy", true],
    ["keeps the copy when the answer is longer than any list", 200, "copy", true, endless],
    ["shows no copy when it asks for what cannot be", 400, "fallback", true],
    ["forgets the copy when the list may not be shown", 403, "fallback", false],
    ["forgets the copy when the list is not there", 404, "fallback", false],
    ["forgets the copy when the list is gone", 410, "fallback", false],
  ]) {
    test(name, async () => {
      await withSite({ html, complaints: NO_ANSWER }, async (page) => {
        await reaches(page, "fresh");
        await page.route(FRAGMENTS, answer(status, body));
        await page.goto(page.url());
        await reaches(page, state);
        assert.equal((await copies(page)).length, keepsCopy ? 1 : 0);
        assert.equal(await page.isVisible(`${ELEMENT} > a`), state === "fallback");
        assert.deepEqual(await barriers(page), []);
      });
    });
  }

  test("shows no copy of more than seven days, and removes those of other pages", async () => {
    await withSite({ html, complaints: NO_ANSWER }, async (page) => {
      await reaches(page, "fresh");
      await page.evaluate(() => {
        const [key, text] = Object.entries(localStorage).find(([name]) => name.startsWith("knowledge-hub:"));
        const old = JSON.stringify({ ...JSON.parse(text), savedAt: Date.now() - 7 * 24 * 3_600_000 - 1_000 });
        localStorage.setItem(key, old);
        localStorage.setItem(`${key}&site=other`, old);
        localStorage.setItem("knowledge-hub:https://hub.example/", old);
      });
      await page.route(FRAGMENTS, answer(503, ""));
      await page.goto(page.url());
      await reaches(page, "fallback");
      const left = await page.evaluate(() => Object.keys(localStorage));
      // Another hub's are its own business.
      assert.deepEqual(left, ["knowledge-hub:https://hub.example/"]);
    });
  });
});

describe("the element that follows", { timeout: 120_000 }, () => {
  test("shows a change without a reload, says so, and keeps the focus", async () => {
    const community = await newCommunity({ en: "Followed community (synthetic)" });
    const { streams, before } = noteStreams();
    const html = (hub) => pageWith(hub, `listing="community" community="${community.key}" live`);
    await withSite({ html, policy: STRICT, before }, async (page) => {
      await lists(page, "Followed community");
      await page.evaluate(() => (globalThis.isSamePage = true));
      await page.locator(".kh [part=link]").focus();
      await write({ ...community, name: { en: "Renamed community (synthetic)" } });
      await lists(page, "Renamed community");
      const status = page.locator(`${ELEMENT} [role=status]`);
      assert.equal((await status.textContent()).trim(), await page.getAttribute(".kh", "data-updated"));
      assert.equal(await status.getAttribute("aria-live"), "polite");
      assert.ok(await page.locator(".kh [part=link]").evaluate((link) => link.matches(":focus")));
      assert.equal(await page.evaluate(() => globalThis.isSamePage), true);
      assert.equal(streams.length, 1);
      assert.deepEqual(await barriers(page), []);
    });
  });

  test("holds no connection while nobody sees it, and catches up once somebody does", async () => {
    const community = await newCommunity({ en: "Hidden community (synthetic)" });
    const html = (hub) => pageWith(hub, `listing="community" community="${community.key}" live`);
    const { streams, before } = noteStreams();
    await withSite({ html, policy: STRICT, before }, async (page) => {
      await until(() => streams.length === 1);
      const isLeft = page.waitForEvent("requestfailed", isStream);
      await setHidden(page, true);
      await isLeft;
      await write({ ...community, name: { en: "Seen community (synthetic)" } });
      await setHidden(page, false);
      await lists(page, "Seen community");
    });
  });

  test("is as fresh after a cut as before", async () => {
    const community = await newCommunity({ en: "Cut community (synthetic)" });
    const door = await makeDoor();
    try {
      const html = (hub) => pageWith(hub, `listing="community" community="${community.key}" live`);
      const { streams, before } = noteStreams();
      await withSite({ html, hub: door.origin, before, complaints: NO_ANSWER }, async (page) => {
        await until(() => streams.length === 1);
        door.shut();
        await write({ ...community, name: { en: "Whole community (synthetic)" } });
        door.open();
        await lists(page, "Whole community");
        assert.equal(await page.locator(ELEMENT).evaluate(({ state }) => state), "fresh");
      });
    } finally {
      await door.close();
    }
  });

  test("keeps its list where it cannot be followed", async () => {
    const { streams, before: note } = noteStreams();
    const before = async (page) => {
      note(page);
      await page.route(/\/graphql\?/, answer(503, ""));
    };
    const html = (hub) => pageWith(hub, `listing="community" community="resot" live`);
    await withSite({ html, before, complaints: NO_ANSWER }, async (page) => {
      await until(() => streams.length === 1);
      assert.equal((await streams[0].response()).status(), 503);
      await lists(page, "RÉSOT");
      // It waits for half a minute before it tries again, whatever the page does to its attributes.
      await page.locator(ELEMENT).evaluate((element) => element.setAttribute("class", "wide"));
      await page.evaluate(() => new Promise(requestAnimationFrame));
      assert.equal(streams.length, 1);
      assert.equal(await page.locator(ELEMENT).evaluate(({ state }) => state), "fresh");
    });
  });

  test("opens nothing without the attribute, and closes what is open when it goes", async () => {
    const { streams, before } = noteStreams();
    await withSite({ html: (hub) => pageWith(hub, `listing="community" community="resot"`), before }, async (page) => {
      await lists(page, "RÉSOT");
      assert.deepEqual(streams, []);
      const isOpen = page.waitForRequest(isStream);
      await page.locator(ELEMENT).evaluate((element) => element.setAttribute("live", ""));
      await isOpen;
      const isLeft = page.waitForEvent("requestfailed", isStream);
      await page.locator(ELEMENT).evaluate((element) => element.removeAttribute("live"));
      await isLeft;
    });
  });
});

describe("the frame in a page of Drupal", { timeout: 120_000 }, () => {
  const where = { path: "/drupal.html", policy: FRAMED };

  test("lists the five communities of Q-CROC and grows to its content", async () => {
    for (const width of WIDTHS) {
      await withSite({ ...where, viewport: { width, height: 800 } }, async (page) => {
        const frame = await grown(page);
        assert.equal(await frame.locator(CARDS).count(), 5);
        await page.waitForFunction(
          (height) => document.querySelector("iframe").clientHeight === height,
          await frame.evaluate(() => document.documentElement.scrollHeight),
        );
        await fits(page, width);
        assert.deepEqual(await barriers(page), []);
        assert.deepEqual(await barriers(frame), []);
        assert.deepEqual(await page.context().cookies(), []);
        await shoot(page, `partner-drupal-${width}`);
      });
    }
  });

  test("becomes lower again where there is more room", async () => {
    await withSite({ ...where, viewport: { width: 320, height: 800 } }, async (page) => {
      await grown(page);
      const narrow = await heightOf(page);
      await page.setViewportSize({ width: 1280, height: 800 });
      await page.waitForFunction((height) => document.querySelector("iframe").clientHeight < height, narrow);
    });
  });

  test("grows if it is added later", async () => {
    await withSite(where, async (page) => {
      await grown(page);
      await page.evaluate(() => {
        const later = document.querySelector("iframe").cloneNode();
        Object.assign(later, { id: "later", loading: "eager" }).removeAttribute("style");
        document.querySelector("main").append(later);
      });
      await page.waitForFunction(() => document.querySelector("#later").style.height !== "");
    });
  });

  test("lets nobody else say how high it is, and the hub nothing that cannot be", async () => {
    await withSite(where, async (page) => {
      const frame = await grown(page);
      const height = await heightOf(page);
      const claim = (value) => ({ type: "knowledge-hub:height", height: value });
      await page.evaluate(
        ([hub, data]) => {
          const frame = document.querySelector("iframe");
          globalThis.heights = [];
          const note = () => globalThis.heights.push(frame.style.height);
          new MutationObserver(note).observe(frame, { attributes: true });
          // The page itself, and somebody who has the hub's origin but is not the frame.
          window.postMessage(data, "*");
          dispatchEvent(new MessageEvent("message", { data, origin: hub, source: window }));
          dispatchEvent(new MessageEvent("message", { data, origin: hub, source: null }));
          // The frame, but with another page in it.
          const source = frame.contentWindow;
          dispatchEvent(new MessageEvent("message", { data, origin: "https://hub.example", source }));
        },
        [HUB, claim(4_321)],
      );
      const hostile = [0, -1, NaN, Infinity, 20_001, "500", null, undefined, { valueOf: 1 }, "1px; color: red"];
      for (const value of hostile) {
        await frame.evaluate((data) => window.parent.postMessage(data, "*"), claim(value));
      }
      await frame.evaluate(() => window.parent.postMessage(null, "*"));
      // Messages arrive in order: when this one is there, the others were.
      await frame.evaluate((data) => window.parent.postMessage(data, "*"), claim(height + 7));
      const last = `${height + 7}px`;
      await page.waitForFunction((wanted) => document.querySelector("iframe").style.height === wanted, last);
      assert.deepEqual(await page.evaluate(() => globalThis.heights), [last]);
    });
  });

  test("tells its height to nobody who does not ask, and to the page around it alone", async () => {
    const heard = [];
    const html = (hub) => `<!doctype html><html lang="en"><title>Site</title><main><h1>Site</h1>
      <iframe title="list" src="${hub}/embed/community.html?community=resot"></iframe></main></html>`;
    const before = async (page) => {
      await page.exposeFunction("note", (data) => heard.push(data));
      await page.addInitScript(() => {
        if (window === top) {
          addEventListener("message", ({ data }) => globalThis.note(data));
        }
      });
    };
    await withSite({ html, before }, async (page) => {
      const frame = page.frames()[1];
      await frame.waitForSelector(CARDS);
      // Not from the page around it, and so none of its business.
      await frame.evaluate(() => window.postMessage({ type: "knowledge-hub:hello" }, "*"));
      await frame.evaluate(() => window.parent.postMessage("last", "*"));
      await until(() => heard.includes("last"));
      assert.deepEqual(heard, ["last"]);
      await page.evaluate((hub) => frames[0].postMessage({ type: "knowledge-hub:hello" }, hub), HUB);
      await until(() => heard.length === 2);
      assert.equal(heard[1].type, "knowledge-hub:height");
      assert.ok(heard[1].height > 100);
    });
  });
});

describe("without scripts", { timeout: 120_000 }, () => {
  const javaScriptEnabled = false;

  test("the element leaves the page's own link", async () => {
    await withSite({ path: "/wordpress.html", policy: STRICT, javaScriptEnabled }, async (page) => {
      const link = page.locator(`${ELEMENT} > p > a`);
      assert.ok(await link.isVisible());
      await link.click();
      await page.locator(CARDS).first().waitFor();
      assert.equal(await page.locator(CARDS).count(), 3);
    });
  });

  test("the frame lists the five communities of Q-CROC", async () => {
    await withSite({ path: "/drupal.html", policy: FRAMED, javaScriptEnabled }, async (page) => {
      const cards = page.frameLocator("iframe").locator(CARDS);
      await cards.first().waitFor();
      assert.equal(await cards.count(), 5);
    });
  });

  test("the page whose server includes the list has it in both languages", async () => {
    await withSite({ path: "/plain.html", policy: NO_SCRIPT, javaScriptEnabled }, async (page) => {
      for (const language of LANGUAGES) {
        const listing = page.locator(`#${language} .kh`);
        assert.equal(await listing.getAttribute("lang"), language);
        assert.equal(await listing.locator("[part=card]").count(), 1);
        assert.match(await listing.locator("[part=name]").textContent(), /CPOPonline/);
      }
    });
  });

  test("that page has no barriers, in any light and at any width", async () => {
    for (const colorScheme of THEMES) {
      for (const width of WIDTHS) {
        const viewport = { width, height: 800 };
        await withSite({ path: "/plain.html", policy: NO_SCRIPT, colorScheme, viewport }, async (page) => {
          assert.deepEqual(await barriers(page), []);
          await fits(page, width);
          await shoot(page, `partner-plain-${colorScheme}-${width}`);
        });
      }
    }
  });
});

describe("a listing on a page of its own", { timeout: 300_000 }, () => {
  for (const [listing, parameters] of Object.entries(LISTINGS)) {
    for (const language of LANGUAGES) {
      test(`${listing} has no barriers and fits every width in ${language}`, async () => {
        for (const theme of THEMES) {
          for (const width of WIDTHS) {
            const query = `?${parameters}&lang=${language}&theme=${theme}`;
            const options = { origin: HUB, path: `/embed/${listing}.html`, viewport: { width, height: 800 } };
            await withPage(browser, query, options, async (page) => {
              assert.ok((await page.locator(CARDS).count()) > 0, "there is something to look at");
              assert.deepEqual(await barriers(page), []);
              await fits(page, width);
              await shoot(page, `listing-${listing}-${language}-${theme}-${width}`);
            });
          }
        }
      });
    }
  }

  test("what is written in Arabic is marked as such, and runs from right to left", async () => {
    const community = await newCommunity({ ar: "مجتمع ممارسة تجريبي (بيانات اصطناعية)" });
    for (const language of LANGUAGES) {
      for (const theme of THEMES) {
        for (const width of WIDTHS) {
          const query = `?community=${community.key}&lang=${language}&theme=${theme}`;
          const options = { origin: HUB, path: "/embed/community.html", viewport: { width, height: 800 } };
          await withPage(browser, query, options, async (page) => {
            const text = page.locator(`${NAMES} [lang=ar]`);
            assert.equal(await text.count(), 1);
            assert.equal((await text.textContent()).trim(), community.name.ar);
            assert.equal(await text.evaluate((element) => getComputedStyle(element).direction), "rtl");
            assert.equal(await page.locator(".kh").evaluate((element) => getComputedStyle(element).direction), "ltr");
            assert.deepEqual(await barriers(page), []);
            await fits(page, width);
            await shoot(page, `listing-arabic-${language}-${theme}-${width}`);
          });
        }
      }
    }
  });
});

describe("what axe cannot see", { timeout: 240_000 }, () => {
  const parameters = LISTINGS["communities-of-organization"];
  const listing = `listing="communities-of-organization" organization="qcroc" lang="fr" layout="cards"`;
  const html = (hub) => pageWith(hub, listing);
  for (const { name, options = {}, check } of BEYOND_AXE) {
    test(`${name}: in the element`, async () => {
      await withSite({ html, ...options }, async (page) => {
        await reaches(page, "fresh");
        await check(page);
      });
    });

    test(`${name}: on a page of its own`, async () => {
      const whole = { origin: HUB, path: "/embed/communities-of-organization.html", ...options };
      await withPage(browser, `?${parameters}&lang=fr`, whole, check);
    });
  }
});

/**
 * Opens a page on the server of a partner and checks it as `withPage` does: an example page by its `path`, or the one
 * that `html` makes for the hub's address. `policy` makes a Content-Security-Policy for it, and `hub` is where the page
 * looks for the hub.
 */
async function withSite({ path: place = "/", html, policy, hub = HUB, ...options }, use) {
  const site = http.createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://site");
    const headers = policy ? { "content-security-policy": policy(hub) } : {};
    try {
      const text = pathname === "/" ? html(hub) : await examplePage(pathname, hub);
      const type = TYPES[path.extname(pathname)] ?? TYPES[".html"];
      response.writeHead(200, { ...headers, "content-type": type }).end(text);
    } catch {
      // Such as an icon, which browsers ask for by themselves.
      response.writeHead(204).end();
    }
  });
  await new Promise((resolve) => site.listen(0, "127.0.0.1", resolve));
  try {
    const origin = `http://127.0.0.1:${site.address().port}`;
    await withPage(browser, "", { ...options, origin, path: place, hosts: [hub] }, use);
  } finally {
    site.closeAllConnections();
    await new Promise((resolve) => site.close(resolve));
  }
}

/** The file as its site serves it: with the hub's address, and with what the server includes. */
async function examplePage(pathname, hub) {
  let text = await readFile(new URL(path.basename(pathname), PAGES), "utf8");
  for (const [marker, address] of text.matchAll(/<!--#include virtual="\/hub(\/[^"]*)" -->/g)) {
    const response = await fetch(`${HUB}${address}`);
    assert.equal(response.status, 200, address);
    text = text.replace(marker, await response.text());
  }
  return text.replaceAll(EXAMPLE_HUB, hub);
}

/** A page with the element, and a link of the page's own in it. */
function pageWith(hub, attributes, { lang = "en" } = {}) {
  return `<!doctype html><html lang="${lang}"><head><meta charset="utf-8"><title>Site</title>
    <meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
    <script type="module" src="${hub}/embed/v1/listing.js"></script></head>
    <body><main><h1>Site</h1><${ELEMENT} ${attributes}><a href="${hub}/">The hub</a></${ELEMENT}></main></body></html>`;
}

/** Waits until the element shows a fresh list, a copy, or what the page has in it. */
async function reaches(page, state) {
  await page.waitForFunction(
    ([element, wanted]) => document.querySelector(element)?.state === wanted,
    [ELEMENT, state],
  );
}

/** Waits until the element lists something of this name. */
function lists(page, name) {
  return page.locator(`${ELEMENT} ${NAMES}`, { hasText: name }).waitFor();
}

/** The copies that the page keeps, as texts. */
function copies(page) {
  return page.evaluate(() =>
    Object.entries(localStorage).flatMap(([key, text]) => (key.startsWith("knowledge-hub:") ? [text] : [])),
  );
}

/** Has the browser keep the script, as it does for some time by itself, so that it runs while the hub is away. */
async function keepScripts(page, hub) {
  const response = await fetch(`${hub}/embed/v1/listing.js`);
  const body = await response.text();
  const headers = { ...CROSS_ORIGIN, "content-type": "text/javascript" };
  await page.route(/\/listing\.js$/, (route) => route.fulfill({ body, headers }));
}

/** Answers in the place of the hub. */
function answer(status, body) {
  return (route) => route.fulfill({ status, body, headers: { ...CROSS_ORIGIN, "content-type": "text/html" } });
}

/** Holds requests back until it is opened; `isReached` once there is one. */
function makeGate() {
  const gate = {};
  const isOpen = new Promise((resolve) => (gate.open = resolve));
  gate.isReached = new Promise((reached) => {
    gate.hold = async (route) => {
      reached();
      await isOpen;
      await route.continue();
    };
  });
  return gate;
}

/** Presses Tab until so many links of the list had the focus: where it was, and whether one could see that. */
async function walk(page, count) {
  const stops = [];
  for (let press = 0; stops.length < count && press < count + 20; press += 1) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(() => {
      let place = document.activeElement;
      while (place.shadowRoot?.activeElement) {
        place = place.shadowRoot.activeElement;
      }
      const { outlineStyle, outlineWidth } = getComputedStyle(place);
      const isSeen = outlineStyle !== "none" && parseFloat(outlineWidth) > 0;
      return place.closest(".kh") && { href: place.href, isSeen };
    });
    stops.push(...(stop ? [stop] : []));
  }
  return stops;
}

/** Makes sure that one need not scroll sideways. */
async function fits(page, width) {
  const widest = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(widest <= width, `${widest} pixels in ${width}`);
  // What is for screen readers alone stands nowhere.
  const outside = await page.locator(".kh :not(.kh-hidden, .kh-hidden *)").evaluateAll(
    (all, limit) =>
      all.filter((element) => element.getBoundingClientRect().right > limit + 1).map((element) => element.outerHTML),
    width,
  );
  assert.deepEqual(outside, []);
}

/** The frame, once it has grown to its content. */
async function grown(page) {
  await page.locator("iframe").scrollIntoViewIfNeeded();
  await page.waitForFunction(() => document.querySelector("iframe").style.height !== "");
  return page.frames()[1];
}

function heightOf(page) {
  return page.evaluate(() => document.querySelector("iframe").clientHeight);
}

async function until(isTrue) {
  const deadline = Date.now() + 20_000;
  while (!isTrue()) {
    assert.ok(Date.now() < deadline, "it does not come");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Collects the event streams that a page asks for. */
function noteStreams() {
  const streams = [];
  const before = (page) => {
    page.on("request", (request) => isStream(request) && streams.push(request));
  };
  return { streams, before };
}

function isStream(request) {
  return request.url().includes("/graphql?");
}

/** Lets the page believe that its tab is in the background, or not any more. */
async function setHidden(page, isHidden) {
  await page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event("visibilitychange"));
  }, isHidden);
}

/** Imports a community that no other test knows of, with a name in its own language, and hands back its line. */
async function newCommunity(name) {
  const [language] = Object.keys(name);
  const line = {
    kind: "community",
    key: `embed-${randomUUID()}`,
    originalLanguage: language,
    name,
    languages: [language],
    status: "ACTIVE",
    sources: [{ title: { en: "Sample source of a test (synthetic)" } }],
  };
  const [{ outcome }] = await write(line);
  assert.equal(outcome, "CREATED");
  return line;
}
