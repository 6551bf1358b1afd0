/** In the page of a partner: gives the frames of the hub that served this file the height of what they show. */

const HUB = new URL(import.meta.url).origin;
const FRAMES = "iframe[data-knowledge-hub]";
// A list is not taller, in CSS pixels; whoever says so wants the page to himself.
const TALLEST = 20_000;

addEventListener("message", ({ origin, source, data }) => {
  if (origin !== HUB || data?.type !== "knowledge-hub:height") {
    return;
  }
  const { height } = data;
  if (!Number.isFinite(height) || height <= 0 || height > TALLEST) {
    return;
  }
  const frame = framesOfHub().find(({ contentWindow }) => contentWindow === source);
  // By a property and not an attribute, which a page's style-src may forbid.
  frame?.style.setProperty("height", `${height}px`);
});

// `load` does not rise, but it sinks: so frames that are added later are heard of too.
document.addEventListener("load", ({ target }) => target.matches?.(FRAMES) && isOfHub(target) && greet(target), true);

// What is there already. To a frame that is still empty nothing can be said, and the browser would complain.
framesOfHub()
  .filter(({ contentDocument }) => contentDocument?.URL !== "about:blank")
  .forEach(greet);

/** Asks for the height; nobody but the hub gets to read it. */
function greet(frame) {
  frame.contentWindow?.postMessage({ type: "knowledge-hub:hello" }, HUB);
}

function framesOfHub() {
  return Array.from(document.querySelectorAll(FRAMES)).filter(isOfHub);
}

function isOfHub({ src }) {
  try {
    return new URL(src).origin === HUB;
  } catch {
    return false;
  }
}
