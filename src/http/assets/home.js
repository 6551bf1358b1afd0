// Adds a copy button to each example; without this file the queries are selected and copied by hand.
"use strict";

for (const example of document.querySelectorAll(".example")) {
  const button = example.querySelector("button");
  const query = example.querySelector("code");
  const status = document.getElementById("copy-status");
  button.hidden = false;
  button.addEventListener("click", async () => {
    status.textContent = "";
    try {
      // Browsers offer the clipboard only over HTTPS and on the reader's own machine.
      await navigator.clipboard.writeText(query.textContent);
      status.textContent = button.dataset.copied;
      button.textContent = button.dataset.copied;
    } catch {
      getSelection().selectAllChildren(query);
      status.textContent = button.dataset.selected;
      button.textContent = button.dataset.selected;
    }
  });
}
