/** Small helpers to build the page. Texts are set as text, never as HTML: nothing that the hub serves can run. */

import { Failure } from "./hub.js";
import { foreign, languageName, say } from "./language.js";

/** The element with this id, which index.html holds. */
export function byId(id) {
  return document.getElementById(id);
}

/** A new element. Attributes that are null or false are left out, true ones are empty. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) {
      made.setAttribute(attribute, value === true ? "" : value);
    }
  }
  made.append(...children);
  return made;
}

/** A text of the hub. In another language than the page's it is marked for screen readers and named for everybody. */
export function served(content, language) {
  const other = foreign(language);
  if (!other) {
    return [...content];
  }
  const name = element("span", { class: "language" }, say("in-language", { language: languageName(other) }));
  return [element("span", { lang: other }, ...content), " ", name];
}

/** Does `work` when a button is pressed, and nothing while it is still at it. */
export function onPress(button, work) {
  button.addEventListener("click", async () => {
    if (button.ariaDisabled !== "true") {
      // Not `disabled`, which would take the focus away.
      button.ariaDisabled = "true";
      await work();
      button.ariaDisabled = "false";
    }
  });
}

/**
 * Does `work`. When it fails, `slot` says why and offers to try again. When it goes well and the reader had `pressed` a
 * button for it, what `target` gives takes the focus: the button may be gone by then.
 */
export async function attempt(slot, target, work, pressed = false) {
  try {
    await work();
  } catch (error) {
    // An aborted request has a successor, which reports for both.
    if (error.name !== "AbortError") {
      showFailure(slot, error, () => attempt(slot, target, work, true));
    }
    return;
  }
  slot.replaceChildren();
  if (pressed) {
    target().focus();
  }
}

function showFailure(slot, error, again) {
  if (!(error instanceof Failure)) {
    // Not an answer but a mistake in this page, or a hub that speaks another version of the contract.
    console.error(error);
  }
  const sentence = error instanceof Failure ? say(error.key, error.values) : say("hub-unreadable");
  const hadFocus = slot.contains(document.activeElement);
  const button = element("button", { class: "button", type: "button" }, say("retry"));
  onPress(button, again);
  slot.replaceChildren(element("div", { class: "failure" }, element("p", { role: "alert" }, sentence), button));
  if (hadFocus) {
    button.focus();
  }
}
