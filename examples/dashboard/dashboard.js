/** Starts the page: writes its texts, then fills its sections, each on its own. */

import { pointSwitch } from "./address.js";
import { repaint } from "./charts.js";
import { offerLanguages, startGaps } from "./gaps.js";
import { say, tag } from "./language.js";
import { followChanges } from "./live.js";
import { renewOverview, startOverview } from "./overview.js";
import { startSearch } from "./search.js";

writeTexts();
pointSwitch();
startOverview((overview) => {
  followChanges(useOverview(overview), async () => useOverview(await renewOverview()));
});
startGaps();
startSearch();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);

/** Offers the languages that items are in; what comes back is the cursor of the numbers. */
function useOverview({ changeCursor, items }) {
  const languages = items.facets.find(({ by }) => by === "LANGUAGE");
  offerLanguages(languages.buckets.map(({ value }) => value));
  return changeCursor;
}

function writeTexts() {
  document.documentElement.lang = tag;
  document.title = say("page-title");
  for (const place of document.querySelectorAll("[data-text]")) {
    place.textContent = say(place.dataset.text);
  }
  for (const place of document.querySelectorAll("[data-label]")) {
    place.ariaLabel = say(place.dataset.label);
  }
  // The hub's other pages open in this page's language.
  for (const link of document.querySelectorAll("[data-page]")) {
    link.href = `${link.dataset.page}?lang=${tag}`;
  }
  document.querySelector(`[data-switch="${tag}"]`).ariaCurrent = "true";
}
