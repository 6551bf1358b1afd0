/** The page's address: what it asks for, and how it keeps what the reader chose, for reloading and sharing. */

const wishes = new URLSearchParams(location.search);

/** What the address asks for under a name; null: nothing. */
export function wish(name) {
  return wishes.get(name);
}

/** Everything that the address asks for under a name. */
export function wishList(name) {
  return wishes.getAll(name);
}

/**
 * Writes the reader's choices into the address and into the links to the other language; an empty list takes one out.
 */
export function remember(choices) {
  for (const [name, values] of Object.entries(choices)) {
    wishes.delete(name);
    values.forEach((value) => wishes.append(name, value));
  }
  history.replaceState(null, "", `?${wishes}${location.hash}`);
  pointSwitch();
}

/** Lets the language links keep what the reader chose. */
export function pointSwitch() {
  for (const link of document.querySelectorAll("[data-switch]")) {
    const other = new URLSearchParams(wishes);
    other.set("lang", link.dataset.switch);
    link.href = `?${other}`;
  }
}
