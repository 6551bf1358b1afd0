/**
 * Signing in and out in a real browser without scripts, against a hub whose provider signs everybody in at once:
 * HUB_URL=http://127.0.0.1:8080.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { barriers, startBrowser } from "./browser.mjs";
import { HUB } from "./hub.mjs";

const WORDS = {
  en: { signIn: "Sign in with One", known: "You are signed in", out: "Sign out here", everywhere: "Sign out everywhere" },
  fr: { signIn: "Se connecter avec One", known: "Vous êtes en ligne", out: "Se déconnecter ici", everywhere: "Se déconnecter partout" },
};

let browser;
before(async () => {
  browser = await startBrowser();
});
after(() => browser?.close());

for (const [language, words] of Object.entries(WORDS)) {
  test(`one signs in and out without scripts (${language})`, async () => {
    const context = await browser.newContext({ locale: `${language}-CA`, javaScriptEnabled: false });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    for (const button of [words.out, words.everywhere]) {
      await page.goto(`${HUB}/account?lang=${language}`);
      await page.getByRole("link", { name: words.signIn }).click();
      await page.getByRole("heading", { name: words.known }).waitFor();
      assert.equal(page.url(), `${HUB}/account?lang=${language}`);
      const cookies = (await context.cookies(HUB)).filter(({ name }) => name.startsWith("__Host-hub"));
      assert.deepEqual(cookies.map(({ name }) => name), ["__Host-hub-session"]);
      await page.getByRole("button", { name: button }).click();
      await page.getByRole("link", { name: words.signIn }).waitFor();
      const left = (await context.cookies(HUB)).filter(({ name }) => name.startsWith("__Host-hub"));
      assert.deepEqual(left, []);
    }
    // What went wrong says so, and leads back.
    await page.goto(`${HUB}/sign-in/callback?code=x&state=y`);
    await page.locator("main a").click();
    await page.getByRole("link", { name: words.signIn }).waitFor();
    await context.close();
  });
}

test("the account page keeps nobody out", async () => {
  const context = await browser.newContext({ locale: "en-CA" });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  await page.goto(`${HUB}/account`);
  assert.deepEqual(await barriers(page), []);
  await page.getByRole("link", { name: WORDS.en.signIn }).click();
  await page.getByRole("heading", { name: WORDS.en.known }).waitFor();
  assert.deepEqual(await barriers(page), []);
  await page.goto(`${HUB}/sign-in/callback`);
  assert.deepEqual(await barriers(page), []);
  await context.close();
});
