// Keeps the preview and the snippets at what is chosen. Without this file the form asks for the page anew, which answers the same.

const form = document.getElementById("choices");
const shown = document.getElementById("shown");
const result = () => document.getElementById("result");

// How long to wait after the last key, in milliseconds: names are longer than one letter.
const PAUSE_MS = 350;
// The lists in which names are found while one types.
const LISTS = { organization: "organizations", community: "communities", topic: "topics" };

let waiting;
let asking;

form.querySelector("button[type=submit]").hidden = true;
form.addEventListener("input", (event) => {
  showFields();
  if (event.target.list && LISTS[event.target.name]) {
    offerNames(event.target);
  }
  clearTimeout(waiting);
  waiting = setTimeout(refresh, PAUSE_MS);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  refresh();
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.width) {
    setWidth(button);
  } else if (button && "copy" in button.dataset) {
    copy(button);
  }
});
showFields();
equip();

/** Shows the fields that the chosen listing needs, and takes the others out of the form. */
function showFields() {
  const needed = form.listing.selectedOptions[0].dataset.fields.split(" ");
  for (const field of form.querySelectorAll("[data-field]")) {
    field.hidden = !needed.includes(field.dataset.field);
    field.querySelector("input").disabled = field.hidden;
  }
}

/** Asks the hub for the same page with what is chosen now, and takes the result out of it. */
async function refresh() {
  asking?.abort();
  asking = new AbortController();
  const address = `embed?${new URLSearchParams(new FormData(form))}`;
  try {
    const response = await fetch(address, { signal: asking.signal, headers: { accept: "text/html" } });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.getElementById("result");
    if (!response.ok || !fresh) {
      // The snippets that stand there are not those of the choice any more.
      const sentence = page.querySelector("main p")?.textContent ?? "";
      result().replaceChildren(Object.assign(document.createElement("p"), { className: "empty", textContent: sentence }));
      shown.textContent = sentence;
      return;
    }
    result().replaceWith(document.adoptNode(fresh));
    history.replaceState(null, "", address);
    equip();
    const { title } = fresh.dataset;
    shown.textContent = title
      ? form.dataset.shown.replace("{title}", title)
      : (fresh.querySelector(".empty")?.textContent ?? "");
  } catch {
    // Overtaken by the next choice, or the hub is away: what is shown stays.
  }
}

/** Shows what works with scripts alone. */
function equip() {
  for (const part of result().querySelectorAll("[data-copy], .widths")) {
    part.hidden = false;
  }
}

function setWidth(chosen) {
  for (const button of chosen.parentElement.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button === chosen));
  }
  result().querySelector(".preview").dataset.width = chosen.dataset.width;
}

async function copy(button) {
  const code = button.closest(".example").querySelector("code");
  shown.textContent = "";
  try {
    // Browsers offer the clipboard only over HTTPS and on the reader's own machine.
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = button.dataset.copied;
  } catch {
    getSelection().selectAllChildren(code);
    button.textContent = button.dataset.selected;
  }
  shown.textContent = button.textContent;
}

/** Offers the names that what was typed is found in. */
async function offerNames(input) {
  const text = input.value.trim();
  if (!text || input.list.querySelector(`option[value="${CSS.escape(text)}"]`)) {
    return;
  }
  const list = LISTS[input.name];
  const name = input.name === "community" ? "name: displayName" : "name";
  const query = `query EmbedNames($text: String!) { ${list}(first: 50, filter: { textContains: $text }) { nodes { slug ${name} } } }`;
  try {
    const response = await fetch("graphql", {
      method: "POST",
      headers: { "content-type": "application/json", "accept-language": document.documentElement.lang },
      body: JSON.stringify({ query, variables: { text } }),
    });
    const { data } = await response.json();
    const known = new Set(Array.from(input.list.options, (option) => option.value));
    for (const node of data[list].nodes) {
      if (!known.has(node.slug)) {
        input.list.append(new Option(node.name, node.slug));
      }
    }
  } catch {
    // The names that are offered already stay.
  }
}
