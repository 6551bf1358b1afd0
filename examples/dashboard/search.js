/** The search over everything: a form, the results with their matches marked, and further pages. */

import { remember, wish, wishList } from "./address.js";
import { attempt, byId, element, onPress, served } from "./dom.js";
import { ask } from "./hub.js";
import { day, say, valuesOf, word } from "./language.js";
import { SEARCH, editorAddress, literal } from "./queries.js";

const PAGE_SIZE = 10;

const form = byId("search-form");
const input = byId("search-text");
const results = byId("search-results");
const more = byId("search-more");
const status = byId("search-status");
const failure = byId("search-failure");
const division = byId("search-division");
const queryLink = byId("search-query");
let running = new AbortController();
// What was searched for last, and where its next page begins; null: nothing yet.
let current = null;

/** Builds the form, and searches for what the address asks for. */
export function startSearch() {
  const asked = wishList("kind");
  for (const kind of valuesOf("kinds")) {
    const box = element("input", { type: "checkbox", name: "kind", value: kind, checked: asked.includes(kind) });
    byId("search-kinds").append(element("label", {}, box, " ", word("kinds-many", kind)));
  }
  input.value = wish("q") ?? "";
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    search();
  });
  byId("search-kinds").addEventListener("change", () => {
    if (current) {
      search();
    }
  });
  onPress(more, showMore);
  if (input.value.trim()) {
    search();
  }
}

function search() {
  const text = input.value.trim();
  if (!text) {
    status.textContent = say("search-empty");
    input.focus();
    return;
  }
  const kinds = new FormData(form).getAll("kind");
  remember({ q: [text], kind: kinds });
  running.abort();
  running = new AbortController();
  // Null, not an empty list: none ticked means all.
  current = { text, kinds: kinds.length > 0 ? kinds : null, endCursor: null, signal: running.signal };
  pointToEditor(current);
  failure.replaceChildren();
  const searched = current;
  attempt(failure, () => byId("search-heading"), () => showPage(searched, null));
}

function showMore() {
  const known = results.children.length;
  const searched = current;
  // The reader goes on at the first result that is new.
  const target = () => results.children[known]?.querySelector("h3") ?? byId("search-heading");
  return attempt(failure, target, () => showPage(searched, searched.endCursor), true);
}

async function showPage(searched, after) {
  if (!after) {
    status.textContent = say("search-loading");
    division.textContent = "";
    results.replaceChildren();
    more.hidden = true;
  }
  const { text, kinds, signal } = searched;
  try {
    const answer = await ask(SEARCH, { text, kinds, first: PAGE_SIZE, after }, signal);
    addResults(searched, answer.search);
  } catch (error) {
    if (!after && !signal.aborted) {
      status.textContent = "";
    }
    throw error;
  }
}

function addResults(searched, { edges, facets, pageInfo, totalCount }) {
  results.append(...edges.map(result));
  more.hidden = !pageInfo.hasNextPage;
  searched.endCursor = pageInfo.endCursor;
  const found = { count: totalCount, text: searched.text };
  const sentences = [say(totalCount === 0 ? "search-none" : "search-found", found)];
  if (pageInfo.hasNextPage) {
    sentences.push(say("search-shown", { shown: results.children.length }));
  }
  status.textContent = sentences.join(" ");
  division.textContent = facets[0].buckets
    .map(({ value, count }) => say("chart-largest", { label: word("kinds-many", value), count }))
    .join(" · ");
}

function result({ node, snippet }) {
  const name = node.displayName ?? node.title ?? node.name;
  const isName = snippet.parts.map(({ text }) => text).join("") === name;
  // A match in the name is marked in the name itself.
  const title = isName ? marked(snippet.parts) : [name];
  const linked = isWebAddress(node.url) ? [element("a", { href: node.url, rel: "noreferrer" }, ...title)] : title;
  const heading = element("h3", { tabindex: "-1" }, ...served(linked, node.language));
  const made = element("li", {}, heading, element("p", { class: "note" }, about(node)));
  if (!isName && snippet.parts.length > 0) {
    made.append(element("p", { class: "snippet" }, ...served(marked(snippet.parts), snippet.language)));
  }
  return made;
}

/** What kind of thing a result is, such as "Item · guide · published on May 2, 2025". */
function about(node) {
  const words = [word("kinds", node.__typename.toUpperCase())];
  if (node.organizationKind) {
    words.push(word("organization-kinds", node.organizationKind));
  }
  if (node.itemKind) {
    words.push(word("item-kinds", node.itemKind));
  }
  if (node.publishedAt) {
    words.push(say("search-published", { day: day(node.publishedAt) }));
  }
  return words.join(" · ");
}

/** Whether an address leads to the web: one that begins with `javascript:` must never become a link. */
function isWebAddress(address) {
  return Boolean(address) && URL.canParse(address) && /^https?:$/.test(new URL(address).protocol);
}

function marked(parts) {
  return parts.map(({ text, isMatch }) => (isMatch ? element("mark", {}, text) : text));
}

function pointToEditor({ text, kinds }) {
  const values = { text: literal(text), first: PAGE_SIZE };
  queryLink.href = editorAddress(SEARCH, kinds ? { ...values, kinds: `[${kinds.join(", ")}]` } : values);
  queryLink.hidden = false;
}
