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

/** Reads and shows the overview; calls `then` with the hub's answer. */
export async function startOverview(then) {
  byId("overview-query").href = editorAddress(OVERVIEW);
  await attempt(byId("overview-failure"), () => byId("totals-heading"), async () => {
    then(await showOverview());
  });
}

async function showOverview() {
  const status = byId("overview-status");
  status.textContent = say("overview-loading");
  try {
    const overview = await ask(OVERVIEW);
    showTotals(overview);
    await Promise.all(CHARTS.map((chart) => show(chart, overview)));
    status.textContent = say("overview-read", { moment: moment(new Date()) });
    return overview;
  } catch (error) {
    status.textContent = "";
    CHARTS.forEach(({ id }) => showNoChart(id));
    throw error;
  }
}

function showTotals(overview) {
  const totals = TOTALS.map((name) =>
    element(
      "div",
      { "data-total": name },
      element("dt", {}, say(`total-${name}`)),
      element("dd", {}, number(overview[name].totalCount)),
    ),
  );
  byId("totals-list").replaceChildren(...totals);
}

function show({ id, list, by, name, inTime = false }, overview) {
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
  return showChart(id, { rows, columns, notes, inTime });
}
