/** Debian's Chromium, and pages that are watched while a test uses them. */

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";

import { chromium } from "playwright-core";

import { HUB } from "./hub.mjs";

// Every wait of a test ends after this long.
const DEADLINE_MS = 20_000;

const CHROMIUM = {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Starts the browser, with a fresh profile that is removed with it. */
export function startBrowser() {
  return chromium.launch(CHROMIUM);
}

/**
 * Opens the dashboard with a query part such as `?lang=fr`, lets `use` do with the page what it likes, and then checks
 * that the page complained about nothing and asked no other host. `options` are those of a browser context, and:
 * `before`, called with the page ahead of its first request; `complaints`, a pattern of what may be complained about;
 * `origin` and `path`, where to look for a page instead of the dashboard of the hub; `hosts`, other origins that it may
 * ask.
 */
export async function withPage(browser, query, options, use) {
  const { before, complaints, hosts = [], origin = HUB, path: place = "/dashboard/", ...contextOptions } = options;
  const usual = { locale: "en-CA", viewport: { width: 1280, height: 900 } };
  const context = await browser.newContext({ ...usual, ...contextOptions });
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(DEADLINE_MS);
    const heard = watch(page, [origin, ...hosts]);
    await before?.(page);
    const response = await page.goto(`${origin}${place}${query}`);
    await use(page, response);
    assert.deepEqual(heard.hosts, [], "the page asked other hosts");
    assert.deepEqual(heard.complaints.filter((text) => !complaints?.test(text)), [], "the page complained");
  } finally {
    await context.close();
  }
}

/** Waits until the overview, the charts and the list of topics are there. */
export async function settled(page) {
  await page.waitForFunction(
    () =>
      document.querySelectorAll("#totals-list dd").length === 6 &&
      Array.from(document.querySelectorAll(".chart")).every((chart) => chart.children.length > 1) &&
      /\d/.test(document.querySelector("#overview-status").textContent) &&
      document.querySelector("#gaps-query").href !== "" &&
      !document.querySelector("#gaps-status").textContent.endsWith("…"),
  );
}

/** Presses Tab until the element has the focus, as somebody without a mouse does. */
export async function tabTo(page, selector) {
  // More stops than the page has, with its tables closed.
  for (let stop = 0; stop < 120; stop += 1) {
    await page.keyboard.press("Tab");
    if (await page.evaluate((wanted) => document.activeElement.matches(wanted), selector)) {
      return;
    }
  }
  assert.fail(`Tab does not reach ${selector}`);
}

/** What axe-core finds against WCAG 2.2 AA and its own best practices, in a page or a frame. */
export async function barriers(page) {
  // Not by a script element: the page's policy would refuse it.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run(document, {
      // What is framed is looked at by itself; it would not answer across origins.
      iframes: false,
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }),
  );
  return violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

/** Puts a picture of the whole page into the folder SHOTS, if that is set. */
export async function shoot(page, name) {
  if (process.env.SHOTS) {
    await mkdir(process.env.SHOTS, { recursive: true });
    await page.screenshot({ path: path.join(process.env.SHOTS, `${name}.png`), fullPage: true });
  }
}

function watch(page, own) {
  const origins = own.map((address) => new URL(address).origin);
  const heard = { complaints: [], hosts: [] };
  page.on("console", (message) => {
    // What the content security policy forbids is reported as an error here, too.
    if (["error", "warning"].includes(message.type())) {
      heard.complaints.push(message.text());
    }
  });
  page.on("pageerror", (error) => heard.complaints.push(String(error)));
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== "data:" && !origins.includes(origin)) {
      heard.hosts.push(request.url());
    }
  });
  return heard;
}
