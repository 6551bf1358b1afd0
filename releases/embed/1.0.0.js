/**
 * A list of the hub that served this file, in anybody's page:
 *
 *     <knowledge-hub-listing listing="communities-of-organization" organization="hpco">
 *       <a href="…">what is shown while there is no list</a>
 *     </knowledge-hub-listing>
 *
 * It fetches finished HTML, keeps a copy without names of persons for the days on which the hub is away, and never shows an
 * error: without a list and without a copy the page's own content stays. Reads no cookies and asks no other host.
 */

const STYLE = "/* The look of listings, in a shadow root (`:host`) and on pages of their own (`.kh-page`). Every colour is a mixture of three, so that a\n   site sets its own by --knowledge-hub-accent, -text and -ground, and the rest follows. */\n\n.kh {\n  --kh-accent: light-dark(var(--knowledge-hub-accent, #0b5a6b), color-mix(in oklab, var(--knowledge-hub-accent, #2b9db3) 55%, white));\n  --kh-text: var(--knowledge-hub-text, light-dark(#1a2327, #e8eef0));\n  --kh-ground: var(--knowledge-hub-ground, light-dark(#ffffff, #12181b));\n  --kh-muted: color-mix(in oklab, var(--kh-text) 76%, var(--kh-ground));\n  --kh-line: color-mix(in oklab, var(--kh-text) 17%, var(--kh-ground));\n  --kh-tint: color-mix(in oklab, var(--kh-accent) 6%, var(--kh-ground));\n  --kh-radius: var(--knowledge-hub-radius, 10px);\n  box-sizing: border-box;\n  color: var(--kh-text);\n  background: var(--kh-ground);\n  font: var(--knowledge-hub-font, 400 1rem/1.5 system-ui, \"Segoe UI\", Roboto, \"Helvetica Neue\", Arial, sans-serif);\n  text-align: start;\n  overflow-wrap: anywhere;\n  container-type: inline-size;\n}\n\n:host {\n  display: block;\n}\n\n:host([hidden]) {\n  display: none;\n}\n\n/* In somebody's page the colours are light or dark as that page is; a page of its own is light. */\n.kh-page,\n:host([theme=\"light\"]) {\n  color-scheme: light;\n}\n\n:host([theme=\"dark\"]),\n.kh-page[data-theme=\"dark\"] {\n  color-scheme: dark;\n}\n\n:host([theme=\"auto\"]),\n.kh-page[data-theme=\"auto\"] {\n  color-scheme: light dark;\n}\n\n.kh-page body {\n  margin: 0;\n  background: light-dark(#ffffff, #12181b);\n}\n\n.kh-page .kh {\n  padding: 1rem;\n  max-width: 72rem;\n  margin-inline: auto;\n}\n\n.kh *,\n.kh *::before {\n  box-sizing: inherit;\n}\n\n.kh a {\n  color: var(--kh-accent);\n  text-decoration-thickness: 1px;\n  text-underline-offset: 0.18em;\n}\n\n.kh a:hover {\n  text-decoration-thickness: 2px;\n}\n\n.kh a:focus-visible {\n  outline: 3px solid var(--kh-accent);\n  outline-offset: 2px;\n  border-radius: 2px;\n}\n\n:where(.kh) :where(h1, h2, h3, h4, h5, h6, p, ul, dl, dd) {\n  margin: 0;\n}\n\n.kh-title {\n  padding-bottom: 0.75rem;\n  font-size: 1.375rem;\n  font-weight: 680;\n  line-height: 1.25;\n  text-wrap: balance;\n}\n\n.kh-cards {\n  display: grid;\n  gap: 1rem;\n  padding: 0;\n  list-style: none;\n}\n\n.kh-card {\n  display: flex;\n  flex-direction: column;\n  gap: 0.625rem;\n  padding: 1.125rem 1.25rem 0.875rem;\n  border: 1px solid var(--kh-line);\n  border-block-start: 3px solid var(--kh-accent);\n  border-radius: var(--kh-radius);\n  background: var(--kh-ground);\n}\n\n.kh-name {\n  font-size: 1.125rem;\n  font-weight: 650;\n  line-height: 1.3;\n  text-wrap: balance;\n}\n\n.kh-name .kh-link {\n  padding-block: 0.1875rem;\n  text-decoration: none;\n}\n\n.kh-name .kh-link:hover {\n  text-decoration: underline;\n}\n\n.kh-lead {\n  max-width: 44em;\n}\n\n.kh-line,\n.kh-aside,\n.kh-open {\n  color: var(--kh-muted);\n}\n\n.kh-line {\n  font-size: 0.9375rem;\n}\n\n.kh-facts {\n  display: grid;\n  gap: 0.5rem 1.25rem;\n  padding-block-start: 0.25rem;\n  font-size: 0.9375rem;\n}\n\n.kh-facts > div {\n  display: grid;\n  gap: 0 1rem;\n}\n\n.kh-facts dt {\n  color: var(--kh-muted);\n  font-weight: 600;\n}\n\n.kh-facts dd a {\n  display: inline-block;\n  min-block-size: 24px;\n}\n\n.kh-foot {\n  display: flex;\n  flex-wrap: wrap;\n  gap: 0.125rem 1rem;\n  align-items: center;\n  margin-block-start: auto;\n  padding-block-start: 0.625rem;\n  border-block-start: 1px solid var(--kh-line);\n  color: var(--kh-muted);\n  font-size: 0.875rem;\n}\n\n.kh-foot a,\n.kh-credit a,\n.kh-more a {\n  display: inline-block;\n  min-block-size: 24px;\n  padding-block: 1px;\n}\n\n.kh-verified::before {\n  content: \"\";\n  display: inline-block;\n  inline-size: 0.5em;\n  block-size: 0.5em;\n  margin-inline-end: 0.5em;\n  border: 2px solid var(--kh-muted);\n  border-radius: 50%;\n}\n\n.kh-verified[data-verified=\"yes\"]::before {\n  border-color: var(--kh-accent);\n  background: var(--kh-accent);\n}\n\n/* Between the parts of a line where this style sheet is not. */\n.kh-dot {\n  display: none;\n}\n\n.kh-report {\n  margin-inline-start: auto;\n}\n\n.kh-mark {\n  display: inline-block;\n  margin-inline-start: 0.25em;\n  padding: 0 0.3em;\n  border: 1px solid var(--kh-line);\n  border-radius: 4px;\n  color: var(--kh-muted);\n  font-size: 0.6875rem;\n  font-weight: 600;\n  letter-spacing: 0.03em;\n  line-height: 1.35;\n  vertical-align: 0.12em;\n}\n\n.kh-none {\n  padding: 1rem 1.25rem;\n  border: 1px dashed var(--kh-line);\n  border-radius: var(--kh-radius);\n  color: var(--kh-muted);\n}\n\n.kh-away:not([hidden]) {\n  margin-block-end: 0.75rem;\n  padding: 0.5rem 0.875rem;\n  border-inline-start: 3px solid var(--kh-line);\n  background: var(--kh-tint);\n  color: var(--kh-muted);\n  font-size: 0.875rem;\n}\n\n.kh-more,\n.kh-credit {\n  padding-block-start: 0.75rem;\n  font-size: 0.875rem;\n}\n\n.kh-credit a {\n  color: var(--kh-muted);\n}\n\n.kh-hidden {\n  position: absolute;\n  inline-size: 1px;\n  block-size: 1px;\n  overflow: hidden;\n  clip-path: inset(50%);\n  white-space: nowrap;\n}\n\n.kh[data-layout=\"compact\"] .kh-cards {\n  gap: 0;\n}\n\n.kh[data-layout=\"compact\"] .kh-card {\n  gap: 0.125rem;\n  padding: 0.625rem 0 0.5rem;\n  border: 0;\n  border-block-end: 1px solid var(--kh-line);\n  border-radius: 0;\n}\n\n.kh[data-layout=\"compact\"] .kh-name {\n  font-size: 1rem;\n}\n\n.kh[data-layout=\"compact\"] .kh-foot {\n  padding-block-start: 0.125rem;\n  border: 0;\n}\n\n@container (min-width: 34rem) {\n  .kh-facts > div {\n    grid-template-columns: 11rem minmax(0, 1fr);\n  }\n}\n\n@container (min-width: 44rem) {\n  .kh[data-layout=\"cards\"] .kh-cards {\n    grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr));\n  }\n\n  .kh[data-layout=\"cards\"] .kh-facts > div {\n    grid-template-columns: minmax(0, 1fr);\n  }\n}\n\n@media (forced-colors: active) {\n  .kh-card,\n  .kh-mark,\n  .kh-none {\n    border-color: CanvasText;\n  }\n\n  .kh-verified[data-verified=\"yes\"]::before {\n    background: CanvasText;\n  }\n}\n\n@media print {\n  :host .kh,\n  .kh-page .kh,\n  .kh {\n    --kh-text: #000000;\n    --kh-ground: #ffffff;\n    --kh-accent: #000000;\n  }\n\n  .kh-page body {\n    background: #ffffff;\n  }\n\n  .kh-card {\n    break-inside: avoid;\n  }\n}\n";

const NAME = "knowledge-hub-listing";
// Two folders up, so that a hub below a path works, and nobody can point the element at another host.
const HUB = new URL("../..", import.meta.url).href;

// After this long without an answer a copy is better than nothing; then the hub counts as away.
const PATIENCE_MS = 1_500;
const DEADLINE_MS = 15_000;
// The first wait while the hub is away, and the longest. Each is twice the one before.
const FIRST_RETRY_MS = 30_000;
const LAST_RETRY_MS = 15 * 60_000;
// Between a change and the question what it changed: more changes may follow, and other pages ask as well.
const SOONEST_MS = 300;
const LATEST_MS = 1_500;
// What a list has to fit into, and what of it the page's storage may be filled with.
const LONGEST_BYTES = 1_000_000;
const LONGEST_COPY = 200_000;
const COPY_AGE_MS = 7 * 24 * 60 * 60_000;
// A browser tries to mend a stream every second. After so many times in vain it is left alone for a while.
const MOST_CUTS = 5;

const PREFIX = "knowledge-hub:";
// With bookmarks the browser knows where to go on after a cut, even if nothing had changed before.
const CHANGES =
  "subscription($filter: ChangeFilterInput) { changes(filter: $filter, bookmarks: true) { cursor change { __typename } } }";

// Attributes that are not the listing's: those of HTML, and those that this element reads itself.
const RESERVED = new Set(
  ("class id style slot lang dir hidden title role tabindex part exportparts theme accent live listing is " +
    "accesskey autofocus contenteditable draggable inert nonce popover spellcheck translate").split(" "),
);
// A list has none of them. Scripts are the worst, but all can reach out of the list.
const UNWANTED = "script, style, link, meta, base, iframe, object, embed, template";

let sheet;
let policy;
// For pages that may not store anything.
const copies = new Map();

class Listing extends HTMLElement {
  static observedAttributes = ["accent"];
  #root = this.attachShadow({ mode: "open" });
  #shown = document.createElement("slot");
  #status = document.createElement("p");
  #observer = new MutationObserver(() => this.#read());
  #life = null;
  #state = null;
  // Undefined: not in a page; null: the attributes name no list.
  #address = undefined;
  // The last answer, to notice whether another one differs.
  #html = null;
  #request = null;
  #source = null;
  #followed = null;
  #failures = 0;
  #losses = 0;
  #retry = null;
  #refresh = null;
  #isDue = false;

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [sheet];
    this.#status.setAttribute("role", "status");
    this.#status.setAttribute("aria-live", "polite");
    this.#root.append(this.#shown, this.#status);
  }

  /** What is shown: "fresh", a "copy", or the page's own "fallback"; null: not known yet. */
  get state() {
    return this.#state;
  }

  connectedCallback() {
    this.#life = new AbortController();
    const { signal } = this.#life;
    document.addEventListener("visibilitychange", () => this.#look(), { signal });
    addEventListener("online", () => this.#retry !== null && this.#soon(), { signal });
    // Which attributes matter is not known beforehand: each listing has its own.
    this.#observer.observe(this, { attributes: true });
    this.#observer.observe(document.documentElement, { attributeFilter: ["lang"] });
    this.#read();
  }

  disconnectedCallback() {
    this.#life.abort();
    this.#observer.disconnect();
    this.#rest();
    this.#address = undefined;
  }

  attributeChangedCallback(_, former, accent) {
    const [, digits] = /^#?([\da-f]{3}|[\da-f]{6})$/i.exec(accent?.trim() ?? "") ?? [];
    if (digits) {
      this.style.setProperty("--knowledge-hub-accent", `#${digits}`);
    } else if (former !== null) {
      this.style.removeProperty("--knowledge-hub-accent");
    }
  }

  /** Begins anew if the attributes ask for another list by now. */
  #read() {
    const address = addressOf(this);
    if (address === this.#address) {
      this.#listen();
      return;
    }
    this.#rest();
    this.#address = address;
    this.#state = this.#html = null;
    this.#failures = this.#losses = 0;
    if (address) {
      this.#load("default");
    } else {
      this.#show("fallback");
    }
  }

  /** Nobody looks, or somebody does again. */
  #look() {
    if (document.hidden) {
      // A browser has six connections to a host, for all of its tabs.
      this.#hush();
    } else if (this.#isDue || this.hasAttribute("live")) {
      this.#soon();
    }
  }

  async #load(cache) {
    this.#request?.abort();
    clearTimeout(this.#retry);
    this.#retry = null;
    this.#isDue = false;
    const request = new AbortController();
    this.#request = request;
    const late = setTimeout(() => this.#wait(), PATIENCE_MS);
    const end = setTimeout(() => request.abort(), DEADLINE_MS);
    const answer = await ask(this.#address, cache, request.signal).catch(() => ({ status: 0 }));
    clearTimeout(late);
    clearTimeout(end);
    if (this.#request === request) {
      this.#request = null;
      this.#take(answer);
    }
  }

  /** Nothing came so far: what belongs to another address must not stand there any longer. */
  #wait() {
    if (this.#state === "fresh") {
      return;
    }
    this.#showCopy();
    if (this.#state === null) {
      this.#show("fallback");
    }
  }

  #take({ status, html, section }) {
    if (section) {
      this.#failures = 0;
      keep(this.#address, section);
      const isNews = this.#html !== null && this.#html !== html;
      if (isNews || this.#state !== "fresh") {
        this.#html = html;
        this.#show("fresh", section);
      }
      if (isNews) {
        this.#announce(section);
      }
      this.#listen();
    } else if (status >= 400 && status < 500 && ![408, 425, 429].includes(status)) {
      // To ask again would not help. What is gone, hidden or forbidden must not live on in a copy.
      this.#hush();
      if ([403, 404, 410].includes(status)) {
        drop(this.#address);
      }
      this.#html = null;
      this.#show("fallback");
    } else {
      this.#hush();
      this.#failures += 1;
      // Whoever is asked to come later is not told that the hub is away; and what has no copy stays.
      if (status !== 429 || this.#state !== "fresh") {
        this.#showCopy();
      }
      if (this.#state === null) {
        this.#show("fallback");
      }
      this.#later(this.#failures);
    }
  }

  /** Shows the copy with its age, if there is one and it is not there yet. */
  #showCopy() {
    const copy = this.#state === "copy" ? null : copyOf(this.#address);
    if (!copy) {
      return;
    }
    try {
      const section = parse(copy.html);
      const time = section.querySelector("time[data-saved]");
      const saved = new Date(copy.savedAt);
      const format = new Intl.DateTimeFormat(section.lang || undefined, { dateStyle: "long", timeStyle: "short" });
      time.dateTime = saved.toISOString();
      time.textContent = format.format(saved);
      time.closest("[data-away]").hidden = false;
      this.#show("copy", section);
    } catch {
      // A copy that cannot say how old it is would pass for news.
      drop(this.#address);
    }
  }

  #show(state, section = null) {
    if (state === "fallback" && this.#state === state) {
      return;
    }
    const hadFocus = this.matches(":focus-within");
    const href = (this.#root.activeElement ?? this.querySelector(":focus"))?.getAttribute("href");
    const next = section ?? document.createElement("slot");
    this.#shown.replaceWith(next);
    this.#shown = next;
    if (hadFocus) {
      // Who works by keyboard goes on at the same link, or else at the list, and not at the top of the page.
      const links = Array.from((section ?? this).querySelectorAll("a[href]"));
      let place = links.find((link) => link.getAttribute("href") === href);
      if (!place && section) {
        section.tabIndex = -1;
        place = section;
      }
      place?.focus({ preventScroll: true });
    }
    this.#state = state;
    this.dispatchEvent(new CustomEvent("knowledge-hub-state", { bubbles: true, detail: { state } }));
  }

  #announce({ lang, dir, dataset }) {
    const said = dataset.updated ?? "";
    // The same text again would be no change, and so not be read out.
    const text = this.#status.textContent === said ? `${said}\u00a0` : said;
    Object.assign(this.#status, { lang, dir, textContent: text });
  }

  /** Asks again later, the later the more often it failed. Chance keeps pages from coming back at one moment. */
  #later(failures) {
    const wait = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1));
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      if (document.hidden) {
        this.#isDue = true;
      } else {
        this.#load("no-cache");
      }
    }, wait * (0.75 + Math.random() / 2));
  }

  /** Asks whether the list has changed, unless that is about to happen. */
  #soon() {
    this.#refresh ??= setTimeout(
      () => {
        this.#refresh = null;
        if (this.#request) {
          // Its answer may be older than the change.
          this.#soon();
        } else if (this.#address) {
          this.#load("no-cache");
        }
      },
      SOONEST_MS + Math.random() * (LATEST_MS - SOONEST_MS),
    );
  }

  /** Follows what concerns the list, if the page wants that and somebody looks. */
  #listen() {
    const followed = this.hasAttribute("live") ? this.#shown.dataset.follow : null;
    if (this.#source && this.#followed === followed) {
      return;
    }
    this.#hush();
    // Who waits after failures does not come back sooner because the page changed an attribute.
    if (!followed || this.#state !== "fresh" || document.hidden || this.#retry !== null) {
      return;
    }
    const asked = new URLSearchParams({ query: CHANGES, variables: `{"filter":${followed}}` });
    const source = new EventSource(`${HUB}graphql?${asked}`);
    let hasHeard = false;
    let cuts = 0;
    this.#source = source;
    this.#followed = followed;
    source.addEventListener("open", () => {
      // What changed between the answer and the first event is told by nobody; after it the browser goes on from there.
      if (!hasHeard) {
        this.#soon();
      }
    });
    source.addEventListener("next", ({ data }) => {
      const told = changeIn(data);
      if (!told) {
        this.#lose();
        return;
      }
      hasHeard = true;
      cuts = this.#losses = 0;
      if (told.change) {
        this.#soon();
      }
    });
    source.addEventListener("complete", () => this.#lose());
    source.addEventListener("error", () => {
      cuts += 1;
      // After a cut the browser comes back by itself; where it was refused it does not.
      if (source.readyState === EventSource.CLOSED || cuts > MOST_CUTS) {
        this.#lose();
      }
    });
  }

  /** Gives the stream up; the next answer opens another one. */
  #lose() {
    this.#hush();
    this.#losses += 1;
    this.#later(this.#losses);
  }

  #hush() {
    this.#source?.close();
    this.#source = null;
  }

  #rest() {
    this.#hush();
    this.#request?.abort();
    this.#request = null;
    clearTimeout(this.#retry);
    clearTimeout(this.#refresh);
    this.#retry = this.#refresh = null;
    this.#isDue = false;
  }
}

async function ask(address, cache, signal) {
  const options = { cache, signal, mode: "cors", credentials: "omit", referrerPolicy: "no-referrer" };
  const response = await fetch(address, options);
  if (!response.ok) {
    return { status: response.status };
  }
  const html = await textOf(response);
  return { status: response.status, html, section: parse(html) };
}

/** The list in an answer or a copy. Anything else, such as the page of a Wi-Fi that wants a password first, throws. */
function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = policy?.createHTML(html) ?? html;
  const [section, ...others] = template.content.children;
  if (others.length > 0 || !section?.matches("section.kh")) {
    throw new TypeError("This is no listing.");
  }
  section.querySelectorAll(UNWANTED).forEach((element) => element.remove());
  // The hub writes none of this. If somebody gets it in there after all, it does not run in the pages of others.
  for (const element of [section, ...section.querySelectorAll("*")]) {
    for (const { name, value } of Array.from(element.attributes)) {
      if (/^on/i.test(name) || /^javascript:/i.test(value.replace(/[\0-\x20]/g, ""))) {
        element.removeAttribute(name);
      }
    }
  }
  return section;
}

/** Keeps the list for the days on which the hub is away, without persons: nobody could take them out of it again. */
function keep(address, section) {
  const nameless = section.cloneNode(true);
  nameless.querySelectorAll("[data-person]").forEach((element) => element.remove());
  const copy = { savedAt: Date.now(), html: nameless.outerHTML };
  // First, so that nothing older stays where the new copy does not fit.
  drop(address);
  if (copy.html.length <= LONGEST_COPY) {
    copies.set(address, copy);
    guarded((storage) => storage.setItem(PREFIX + address, JSON.stringify(copy)));
  }
}

function copyOf(address) {
  const copy = guarded((storage) => JSON.parse(storage.getItem(PREFIX + address))) ?? copies.get(address);
  return isUsable(copy) ? copy : null;
}

function drop(address) {
  copies.delete(address);
  guarded((storage) => storage.removeItem(PREFIX + address));
}

function addressOf(element) {
  const listing = element.getAttribute("listing") ?? "";
  if (!/^[a-z-]+$/.test(listing)) {
    return null;
  }
  const address = new URL(`embed/${listing}.fragment.html`, HUB);
  for (const { name, value } of element.attributes) {
    if (/^(?!on)[a-z]+$/.test(name) && !RESERVED.has(name) && value) {
      address.searchParams.set(name, value);
    }
  }
  const speaker = element.closest('[lang]:not([lang=""])');
  address.searchParams.set("lang", tagOf(speaker?.getAttribute("lang")) ?? navigator.language);
  // However the page writes it, it is one address in caches and one copy.
  address.searchParams.sort();
  return address.href;
}

/** A language tag as the hub takes it, of what pages write for one; null: it is none. */
function tagOf(written) {
  try {
    return Intl.getCanonicalLocales(written?.trim().replaceAll("_", "-"))[0] ?? null;
  } catch {
    return null;
  }
}

async function textOf(response) {
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let size = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) {
      return text + decoder.decode();
    }
    size += value.length;
    if (size > LONGEST_BYTES) {
      reader.cancel().catch(() => {});
      throw new RangeError("This is too long for a listing.");
    }
    text += decoder.decode(value, { stream: true });
  }
}

/** What an event tells; null: that there is nothing to follow. */
function changeIn(data) {
  try {
    return JSON.parse(data).data?.changes ?? null;
  } catch {
    return null;
  }
}

/** Where a page takes HTML from policies alone, it can allow this one by its name. */
function makePolicy() {
  try {
    return globalThis.trustedTypes?.createPolicy("knowledge-hub", { createHTML: (html) => html });
  } catch {
    return null;
  }
}

/** Does something with the page's storage, which browsers and frames may refuse at each step. */
function guarded(work) {
  try {
    return work(localStorage);
  } catch {
    return null;
  }
}

function isUsable(copy) {
  return typeof copy?.html === "string" && Math.abs(Date.now() - copy.savedAt) <= COPY_AGE_MS;
}

/** Removes what this hub's lists left behind that nobody may show any more, whichever page of the site showed it. */
function forgetOld() {
  for (const key of guarded(Object.keys) ?? []) {
    if (key.startsWith(PREFIX + HUB) && !isUsable(guarded((storage) => JSON.parse(storage.getItem(key))))) {
      guarded((storage) => storage.removeItem(key));
    }
  }
}

// Two versions may be on one page; the first defines the element. Browsers from before 2023, without constructed style
// sheets, keep the page's own content.
if (!customElements.get(NAME) && "adoptedStyleSheets" in Document.prototype) {
  policy = makePolicy();
  // Such a sheet needs no permission from a page's style-src.
  sheet = new CSSStyleSheet();
  sheet.replaceSync(
    `${STYLE}
[role=status] { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%) }`,
  );
  forgetOld();
  customElements.define(NAME, Listing);
}
