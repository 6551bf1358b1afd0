/** Starts the page: writes its texts, then fills its sections, each on its own. */

import { pointSwitch } from "./address.js";
import { repaint } from "./charts.js";
import { offerLanguages, startGaps } from "./gaps.js";
import { say, tag } from "./language.js";
import { startOverview } from "./overview.js";
import { startSearch } from "./search.js";

writeTexts();
pointSwitch();
startOverview((overview) => {
  const languages = overview.items.facets.find(({ by }) => by === "LANGUAGE");
  offerLanguages(languages.buckets.map(({ value }) => value));
});
startGaps();
startSearch();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);

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
