/** What the hub says through its API, to compare with what others make of it, and how tests write into it. */

import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { text } from "node:stream/consumers";

const CHANGES = `query($after: String) {
  changes(first: 100, after: $after) {
    edges { cursor node { node { ... on Item { title } } } }
    pageInfo { endCursor }
  }
}`;

/** The hub's address without a slash at its end, from HUB_URL. */
export const HUB = address();

/** The `data` of the hub's answer; any error of it fails the test. */
export async function ask(language, query, variables = {}) {
  const response = await fetch(`${HUB}/graphql`, {
    method: "POST",
    headers: { "accept-language": language, "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(20_000),
  });
  const { data, errors } = await response.json();
  if (errors?.length) {
    throw new Error(`the hub refused: ${errors[0].message}`);
  }
  return data;
}

/**
 * Writes lines into the hub, each in a transaction of its own, in their order, and hands back its acknowledgements.
 * HUB_IMPORT is the shell command that reads lines and acknowledges each.
 */
export async function write(...lines) {
  const command = process.env.HUB_IMPORT;
  if (!command) {
    throw new Error("Set HUB_IMPORT to a command that writes lines, such as: hub import --each - --data-dir folder");
  }
  const program = spawn(command, { shell: true, timeout: 20_000 });
  // It may end before it has read everything; what it says then tells more than a broken pipe.
  program.stdin.on("error", () => {});
  program.stdin.end(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  const [told, complaints] = await Promise.all([text(program.stdout), text(program.stderr)]);
  const acknowledgements = told.trim().split("\n").filter(Boolean).map((line) => JSON.parse(line));
  if (acknowledgements.length !== lines.length) {
    throw new Error(`the hub acknowledged ${acknowledgements.length} of ${lines.length} lines: ${complaints}`);
  }
  return acknowledgements;
}

/** Publishes items, and makes sure that the hub took each. */
export async function publish(...items) {
  const acknowledgements = await write(...items);
  const refused = acknowledgements.filter(({ outcome }) => outcome !== "CREATED");
  if (refused.length > 0) {
    throw new Error(`the hub did not take every item: ${JSON.stringify(refused)}`);
  }
}

/** The lines of so many published items that no other test knows of, with different titles; `more` goes into each. */
export function newItems(count, more = {}) {
  const name = `live-${randomUUID()}`;
  return Array.from({ length: count }, (_, index) => ({
    kind: "item",
    key: `${name}-${index + 1}`,
    originalLanguage: "en",
    itemKind: "TOOL",
    title: { en: `${name}-${index + 1}` },
    status: "PUBLISHED",
    publishedAt: new Date().toISOString(),
    ...more,
  }));
}

/** The titles of such lines. */
export function titlesOf(items) {
  return items.map(({ title }) => title.en);
}

/**
 * A cursor that is later than everything so far. `changeCursor` promises the contrary, that it is not later than what
 * is read with it; so an item is published, and its own cursor looked up.
 */
export async function cursorOfNow() {
  const { changeCursor } = await ask("en", "{ changeCursor }");
  const [mark] = newItems(1);
  await publish(mark);
  const deadline = Date.now() + 20_000;
  for (let after = changeCursor; Date.now() < deadline; ) {
    const { changes } = await ask("en", CHANGES, { after });
    const found = changes.edges.findLast(({ node }) => node.node?.title === mark.title.en);
    if (found) {
      return found.cursor;
    }
    after = changes.pageInfo.endCursor;
  }
  throw new Error("the hub does not list the change that it acknowledged");
}

/** A cursor with another byte at this place: of another log, or of the future. */
export function tampered(cursor, place) {
  const bytes = Buffer.from(cursor, "base64url");
  bytes[place] ^= 0x40;
  return bytes.toString("base64url");
}

/** The page's catalogue of a language. */
export async function catalogue(language) {
  const response = await fetch(`${HUB}/dashboard/texts/${language}.js`);
  // The folder of the page belongs to no package, so Node cannot tell that its files are modules.
  const { default: texts } = await import(`data:text/javascript,${encodeURIComponent(await response.text())}`);
  return texts;
}

function address() {
  if (!process.env.HUB_URL) {
    console.error("Set HUB_URL to the address of a running hub, such as http://127.0.0.1:8080");
    process.exit(2);
  }
  return process.env.HUB_URL.replace(/\/+$/, "");
}
