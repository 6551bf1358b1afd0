/** The totals and the four charts. */

import { showChart, showNoChart } from "./charts.js";
import { attempt, byId, element } from "./dom.js";
import { ask } from "./hub.js";
import { languageTitle, moment, number, regionName, say } from "./language.js";
import { OVERVIEW, editorAddress } from "./queries.js";

const TOTALS = ["organizations", "communities", "people", "projects", "items", "topics"];

// The facet that each chart shows, and what it calls a bucket.
const CHARTS = [
  { id: "communities-by-topic", list: "communities", by: "TOPIC", name: ({ label }) => label },
  { id: "communities-by-region", list: "communities", by: "REGION", name: ({ value }) => regionName(value) },
  { id: "items-by-year", list: "items", by: "YEAR", name: ({ value }) => value, inTime: true },
  { id: "items-by-language", list: "items", by: "LANGUAGE", name: ({ value }) => languageTitle(value) },
];

// How long "just now" is said, in milliseconds.
const JUST_NOW_MS = 60_000;

// What is shown, to leave alone what did not change.
const shown = new Map();
let fading = null;

/** Reads and shows the overview; calls `then` with the hub's answer. */
export async function startOverview(then) {
  byId("overview-query").href = editorAddress(OVERVIEW);
  await attempt(byId("overview-failure"), () => byId("totals-heading"), async () => {
    then(await showOverview());
  });
}

/** Reads the overview once more, shows what is different now, and says so; what comes back is the hub's answer. */
export async function renewOverview() {
  const overview = await ask(OVERVIEW);
  if (await showNumbers(overview)) {
    sayCounted(element("span", {}, say("overview-updated")), " ");
  }
  return overview;
}

async function showOverview() {
  const status = byId("overview-status");
  status.textContent = say("overview-loading");
  try {
    const overview = await ask(OVERVIEW);
    await showNumbers(overview);
    sayCounted();
    return overview;
  } catch (error) {
    status.textContent = "";
    shown.clear();
    CHARTS.forEach(({ id }) => showNoChart(id));
    throw error;
  }
}

/** Says when the numbers were counted, after `news`. */
function sayCounted(...news) {
  const status = byId("overview-status");
  status.replaceChildren(...news, say("overview-read", { moment: moment(new Date()) }));
  clearTimeout(fading);
  // What goes away is not read out.
  fading = setTimeout(() => news.forEach((part) => part.remove?.()), JUST_NOW_MS);
}

/** Shows the numbers that are different from before; the answer is whether there were any. */
async function showNumbers(overview) {
  const parts = [showTotals(overview), ...CHARTS.map((chart) => show(chart, overview))];
  const changed = await Promise.all(parts);
  return changed.includes(true);
}

/** Whether a part of the page shows something else than these facts; from now on it shows them. */
function isNew(part, facts) {
  const text = JSON.stringify(facts);
  const isOther = shown.get(part) !== text;
  shown.set(part, text);
  return isOther;
}

function showTotals(overview) {
  if (!isNew("totals", TOTALS.map((name) => overview[name].totalCount))) {
    return false;
  }
  const totals = TOTALS.map((name) =>
    element(
      "div",
      { "data-total": name },
      element("dt", {}, say(`total-${name}`)),
      element("dd", {}, number(overview[name].totalCount)),
    ),
  );
  byId("totals-list").replaceChildren(...totals);
  return true;
}

async function show({ id, list, by, name, inTime = false }, overview) {
  const facet = overview[list].facets.find((candidate) => candidate.by === by);
  const rows = facet.buckets.map((bucket) => ({
    label: name(bucket),
    language: bucket.node?.language ?? null,
    count: bucket.count,
  }));
  if (inTime) {
    rows.sort((a, b) => Number(a.label) - Number(b.label));
  }
  const notes = [say(`${id}-note`)].concat(facet.isCut ? say("chart-cut", { count: rows.length }) : []);
  const columns = [say(`column-${by.toLowerCase()}`), say(`column-${list}`)];
  if (!isNew(id, { rows, notes })) {
    return false;
  }
  await showChart(id, { rows, columns, notes, inTime });
  return true;
}
