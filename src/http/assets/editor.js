// Starts the query editor in #graphiql, with the query of the page's address if there is one.
"use strict";

{
  const place = document.getElementById("graphiql");
  const language = document.documentElement.lang;

  // The answer of the hub, or an error in the reader's language where there is no answer in JSON.
  const fetcher = async (request, options) => {
    const headers = new Headers(options?.headers);
    headers.set("Content-Type", "application/json");
    headers.set("Accept", "application/graphql-response+json, application/json;q=0.9");
    if (!headers.has("Accept-Language")) {
      headers.set("Accept-Language", language);
    }
    try {
      const response = await fetch(place.dataset.endpoint, { method: "POST", headers, body: JSON.stringify(request) });
      return await response.json();
    } catch {
      return { errors: [{ message: place.dataset.noAnswer }] };
    }
  };

  const query = new URLSearchParams(location.search).get("query");
  const editor = React.createElement(
    GraphiQL,
    {
      fetcher,
      query: query || undefined,
      defaultQuery: place.dataset.defaultQuery,
      forcedTheme: "system",
      // A header can hold a secret; it lives no longer than the page.
      shouldPersistHeaders: false,
    },
    React.createElement(GraphiQL.Logo, null, "GraphiQL"),
  );
  ReactDOM.createRoot(place).render(editor);

  // Tab leaves a text field and does not indent there: who works by keyboard must not be caught.
  place.addEventListener(
    "keydown",
    (event) => {
      if (event.key === "Tab" && event.target.closest(".CodeMirror")) {
        event.stopPropagation();
      }
    },
    true,
  );
}
