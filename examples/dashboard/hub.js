/** The one door to the hub's API. */

import { tag } from "./language.js";

/** Relative, so that the page works at any host, port and folder. To read another hub, write its address here. */
export const API = "../graphql";
const PATIENCE_MS = 20_000;

/** Why there is no answer: the key of a sentence in the catalogue, and what fills it. */
export class Failure extends Error {
  constructor(key, values = {}) {
    super(key);
    this.key = key;
    this.values = values;
  }
}

/**
 * Asks the hub; what comes back is the `data` of its answer. Throws a `Failure`, or the signal's own reason when
 * `signal` ends the request. An answer with errors is a failure: half of the numbers would look like all of them.
 */
export async function ask(query, variables = {}, signal = null) {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const answer = await post({ query, variables }, patience, signal);
  // A request may be ended between its last byte and this line; its answer must not be shown then.
  signal?.throwIfAborted();
  if (answer?.errors?.length) {
    throw new Failure("hub-refused", { message: answer.errors[0].message });
  }
  if (!answer?.data) {
    throw new Failure("hub-unreadable");
  }
  return answer.data;
}

async function post(body, patience, signal) {
  try {
    const response = await fetch(API, {
      method: "POST",
      headers: { "accept": "application/json", "accept-language": tag, "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: signal ? AbortSignal.any([patience, signal]) : patience,
    });
    // Refusals come as JSON too, with another status; what is no JSON did not come from the hub.
    return await response.json();
  } catch (error) {
    signal?.throwIfAborted();
    throw failureOf(error, patience);
  }
}

function failureOf(error, patience) {
  if (patience.aborted) {
    return new Failure("hub-slow", { seconds: PATIENCE_MS / 1000 });
  }
  return new Failure(error instanceof SyntaxError ? "hub-unreadable" : "hub-unreachable");
}
