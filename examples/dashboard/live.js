/** Keeps the numbers up to date: hears of changes from the hub, and has them counted anew. */

import { API } from "./hub.js";
import { CHANGES } from "./queries.js";

// The least between two counts, and the most that a page waits after failures. Chance adds up to as much again, so that
// the pages of all readers do not ask at the same moment.
const EVERY_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;

// What counts anew.
let count = null;
let source = null;
// Where to follow from; null: has to be asked for anew.
let cursor = null;
let failures = 0;
let isDue = false;
let timer = null;

/**
 * Follows the changes from a cursor. After some, `recount` is called, at most once a second; its promise is of a cursor
 * that is not later than what was counted.
 */
export function followChanges(from, recount) {
  cursor = from;
  count = recount;
  // A browser has six connections to a host, for all of its tabs: those that nobody sees must not take them.
  document.addEventListener("visibilitychange", () => (document.hidden ? fallSilent() : listen()));
  listen();
}

function listen() {
  if (source || !cursor || document.hidden) {
    return;
  }
  const asked = new URLSearchParams({ query: CHANGES, variables: JSON.stringify({ after: cursor }) });
  // After a cut the browser comes back by itself, with the id of the last event, which is its cursor.
  source = new EventSource(`${API}?${asked}`);
  source.addEventListener("next", hear);
  source.addEventListener("complete", beginAnew);
  source.addEventListener("error", ({ target }) => {
    // Refused, and not just cut: the browser gives up.
    if (target.readyState === EventSource.CLOSED) {
      beginAnew();
    }
  });
}

function fallSilent() {
  source?.close();
  source = null;
}

function hear({ data }) {
  const told = JSON.parse(data);
  if (told.errors) {
    beginAnew();
    return;
  }
  failures = 0;
  cursor = told.data.changes.cursor;
  // Without a change it is a bookmark.
  if (told.data.changes.change) {
    countSoon();
  }
}

/** Gives up the cursor, which may be useless; the next count brings one. */
function beginAnew() {
  fallSilent();
  cursor = null;
  failures += 1;
  countSoon();
}

function countSoon() {
  isDue = true;
  const wait = Math.min(LONGEST_WAIT_MS, EVERY_MS * 2 ** failures);
  timer ??= setTimeout(countNow, wait * (1 + Math.random()));
}

async function countNow() {
  isDue = false;
  try {
    const counted = await count();
    // Who still listens is at a later cursor by now, or soon will be.
    cursor = source ? cursor : counted;
    listen();
  } catch {
    // What was counted before stays, with its time; the change must not be forgotten.
    isDue = true;
    failures += 1;
  }
  timer = null;
  if (isDue) {
    countSoon();
  }
}
