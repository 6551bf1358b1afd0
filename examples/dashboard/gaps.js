/** The topics without material in the language that the reader chooses. */

import { remember, wish } from "./address.js";
import { attempt, byId, element, onPress, served } from "./dom.js";
import { ask } from "./hub.js";
import { languageName, languageTitle, say } from "./language.js";
import { TOPICS_WITHOUT, editorAddress, literal } from "./queries.js";

const PAGE_SIZE = 30;
const DEFAULT_LANGUAGE = "fr";

const choice = byId("gaps-language");
const list = byId("gaps-list");
const more = byId("gaps-more");
const status = byId("gaps-status");
const failure = byId("gaps-failure");
let running = new AbortController();
let endCursor = null;

/** Shows the list for the language in the address, else for French. */
export function startGaps() {
  offerLanguages(["fr", "en", wish("without")]);
  choice.value = wish("without") ?? DEFAULT_LANGUAGE;
  choice.addEventListener("change", () => {
    remember({ without: [choice.value] });
    startList();
  });
  onPress(more, showMore);
  return startList();
}

/** Adds languages to the choice, such as those that items are in. */
export function offerLanguages(languages) {
  const known = new Set(Array.from(choice.options, (option) => option.value));
  for (const language of languages) {
    if (language && !known.has(language)) {
      known.add(language);
      choice.append(element("option", { value: language }, languageTitle(language)));
    }
  }
}

function startList() {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  byId("gaps-query").href = editorAddress(TOPICS_WITHOUT, { language: literal(choice.value), first: PAGE_SIZE });
  failure.replaceChildren();
  return attempt(failure, () => byId("gaps-heading"), () => showPage(null, signal));
}

function showMore() {
  const known = list.children.length;
  const { signal } = running;
  // The reader goes on at the first topic that is new.
  const target = () => list.children[known] ?? byId("gaps-heading");
  return attempt(failure, target, () => showPage(endCursor, signal), true);
}

async function showPage(after, signal) {
  const language = choice.value;
  if (!after) {
    status.textContent = say("gaps-loading");
    list.replaceChildren();
    more.hidden = true;
  }
  try {
    const answer = await ask(TOPICS_WITHOUT, { language, first: PAGE_SIZE, after }, signal);
    addTopics(answer, language);
  } catch (error) {
    if (!after && !signal.aborted) {
      status.textContent = "";
    }
    throw error;
  }
}

function addTopics({ topics, topicsWithout }, language) {
  const { nodes, pageInfo, totalCount } = topicsWithout;
  list.append(...nodes.map((topic) => element("li", { tabindex: "-1" }, ...served([topic.name], topic.language))));
  more.hidden = !pageInfo.hasNextPage;
  endCursor = pageInfo.endCursor;
  const values = { count: totalCount, all: topics.totalCount, language: languageName(language) };
  const sentences = [say(totalCount === 0 ? "gaps-none" : "gaps-found", values)];
  if (pageInfo.hasNextPage) {
    sentences.push(say("gaps-shown", { shown: list.children.length }));
  }
  status.textContent = sentences.join(" ");
}
