/** What the hub says through its API, to compare the page with. */

/** The hub's address without a slash at its end, from HUB_URL. */
export const HUB = address();

/** The `data` of the hub's answer; any error of it fails the test. */
export async function ask(language, query, variables = {}) {
  const response = await fetch(`${HUB}/graphql`, {
    method: "POST",
    headers: { "accept-language": language, "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(20_000),
  });
  const { data, errors } = await response.json();
  if (errors?.length) {
    throw new Error(`the hub refused: ${errors[0].message}`);
  }
  return data;
}

/** The page's catalogue of a language. */
export async function catalogue(language) {
  const response = await fetch(`${HUB}/dashboard/texts/${language}.js`);
  // The folder of the page belongs to no package, so Node cannot tell that its files are modules.
  const { default: texts } = await import(`data:text/javascript,${encodeURIComponent(await response.text())}`);
  return texts;
}

function address() {
  if (!process.env.HUB_URL) {
    console.error("Set HUB_URL to the address of a running hub, such as http://127.0.0.1:8080");
    process.exit(2);
  }
  return process.env.HUB_URL.replace(/\/+$/, "");
}
