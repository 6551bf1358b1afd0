/** Lists the newest items, then shows each that is published, once; after a cut it goes on from its last cursor. */
import "./vendor/graphql-ws/graphql-ws.min.js";

const WORDS = {
  en: { heading: "Newly published", following: "Connected.", waiting: "Not connected; trying again…" },
  fr: { heading: "Nouvellement publié", following: "Connecté.", waiting: "Non connecté; nouvel essai…", OTHER: "autre",
    REPORT: "rapport", WEBINAR: "webinaire", CURRICULUM: "programme de formation", STATEMENT: "déclaration",
    TOOL: "outil", STORY: "récit", PRESENTATION: "présentation", WORKSHOP: "atelier", MEETING: "rencontre" },
};
const ITEM = "{ id title language kind url }";
const LIST = `{ changeCursor items(first: 10, orderBy: { field: PUBLISHED_AT, direction: DESC }) { nodes ${ITEM} } }`;
const FEED = `subscription($after: String!) { itemPublished(after: $after, bookmarks: true) { cursor item ${ITEM} } }`;

const wishes = [new URLSearchParams(location.search).get("lang"), ...navigator.languages];
const lang = wishes.map((tag) => tag?.split("-")[0].toLowerCase()).find((tag) => Object.hasOwn(WORDS, tag)) ?? "en";
const [heading, status, list] = ["heading", "status", "items"].map((id) => document.getElementById(id));
document.documentElement.lang = lang;
document.title = heading.textContent = WORDS[lang].heading;

// The cursor and the items up to it are kept in one piece, so that a reload cannot fall between them.
const KEY = `newly-published-${lang}`;
const kept = JSON.parse(localStorage.getItem(KEY)) ?? { cursor: null, items: [] };
let pulse; // Who leaves a ping without an answer for five seconds is gone, even if the network does not say so.
const client = globalThis.graphqlWs.createClient({
  url: new URL("../graphql", location.href).href.replace(/^http/, "ws"),
  retryAttempts: 0, // Its own retries would ask for everything since the first cursor again.
  connectionParams: { acceptLanguage: lang }, lazyCloseTimeout: 5_000, keepAlive: 15_000,
  on: {
    connected: () => { status.textContent = WORDS[lang].following; },
    closed: () => { clearTimeout(pulse); status.textContent = WORDS[lang].waiting; },
    ping: () => { pulse = setTimeout(() => client.terminate(), 5_000); }, pong: () => clearTimeout(pulse),
  },
});

kept.items.forEach(show);
for (let failures = 0; ; failures += 1) {
  try {
    const operation = kept.cursor ? { query: FEED, variables: { after: kept.cursor } } : { query: LIST };
    for await (const { data, errors } of client.iterate(operation)) {
      if (errors) throw errors;
      failures = 0;
      keep(data.itemPublished ?? data);
    }
  } catch (cause) { // A close, or errors. A cursor that leads nowhere is given up, and the list begins anew.
    if (cause[0]?.extensions?.code?.startsWith("CURSOR_")) kept.cursor = null;
  }
  await new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(60_000, 1_000 * 2 ** failures)));
}
function keep({ changeCursor, cursor = changeCursor, items: newest, item }) { // A list, an item, or a bookmark.
  if (newest) list.replaceChildren();
  const known = newest ? [] : kept.items.filter(({ id }) => id !== item?.id);
  const news = newest?.nodes.toReversed() ?? (item ? [item] : []);
  news.forEach(show);
  localStorage.setItem(KEY, JSON.stringify(Object.assign(kept, { cursor, items: [...known, ...news].slice(-50) })));
}
function show({ id, title, language, kind, url }) {
  document.getElementById(id)?.remove();
  const [entry, name] = ["li", /^https?:/.test(url) ? "a" : "span"].map((tag) => document.createElement(tag));
  Object.assign(name, { textContent: title, lang: language ?? "", href: url });
  entry.append(name, ` · ${WORDS[lang][kind] ?? kind.toLowerCase()}`);
  list.prepend(Object.assign(entry, { id }));
}
