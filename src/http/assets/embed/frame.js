/** In a page of the hub that somebody framed: tells the page around it how tall it is, once that has asked. */

// Who asked, and so the only one that is told.
let asker = null;
let told = 0;

if (window.parent !== window) {
  addEventListener("message", ({ source, origin, data }) => {
    // A page without an origin, such as one from a disk, cannot be addressed alone.
    if (source === window.parent && origin !== "null" && data?.type === "knowledge-hub:hello") {
      asker = origin;
      told = 0;
      tell();
    }
  });
  new ResizeObserver(tell).observe(document.documentElement);
}

function tell() {
  const height = heightNow();
  if (asker && height !== told) {
    told = height;
    window.parent.postMessage({ type: "knowledge-hub:height", height }, asker);
  }
}

function heightNow() {
  const page = document.documentElement;
  // The scroll height is never less than the frame's own, so that a frame could not become smaller again.
  const isCut = page.scrollHeight > page.clientHeight;
  return Math.ceil(isCut ? page.scrollHeight : page.getBoundingClientRect().height);
}
