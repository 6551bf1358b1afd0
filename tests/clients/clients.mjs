/** The clients that others use, and what they tell of an operation. */

import { EventEmitter, once } from "node:events";

import { createClient as createSseClient } from "graphql-sse";
import { createClient as createWsClient } from "graphql-ws";
import WebSocket from "ws";

import { HUB } from "../browser/hub.mjs";

// Every wait of a test ends after this long.
const DEADLINE_MS = 20_000;

/** Makes a client of each library by its name; it speaks English, or another language, and never retries by itself. */
export const CLIENTS = {
  "graphql-ws": (options = {}, language = "en") =>
    createWsClient({
      url: `${HUB.replace(/^http/, "ws")}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { acceptLanguage: language },
      retryAttempts: 0,
      // So that one operation after the other finds the same socket.
      lazyCloseTimeout: 5_000,
      ...options,
    }),
  "graphql-sse": (options = {}, language = "en") =>
    createSseClient({
      url: `${HUB}/graphql`,
      headers: { "accept-language": language },
      retryAttempts: 0,
      ...options,
    }),
};

/** Does `use` with a client of a library, which is gone afterwards. */
export async function withClient(library, use, options = {}, language = "en") {
  const client = CLIENTS[library](options, language);
  try {
    return await use(client);
  } finally {
    await client.dispose();
  }
}

/** Begins an operation, and notes all that the client tells of it. */
export function begin(client, query, variables = {}) {
  return new Operation(client, query, variables);
}

/** The `data` of an operation that has one result. */
export async function result(client, query, variables = {}) {
  const operation = begin(client, query, variables);
  await operation.ended();
  if (operation.failure || operation.results.length !== 1 || operation.results[0].errors) {
    throw new Error(`no result but ${JSON.stringify([operation.failure, operation.results])}`);
  }
  return operation.results[0].data;
}

class Operation {
  /** The results so far. */
  results = [];
  /** What the client gave to `error`; null: nothing. */
  failure = null;
  /** Whether the client said that there is no more. */
  isComplete = false;
  #told = new EventEmitter();

  constructor(client, query, variables) {
    const tell = (change) => (value) => {
      change(value);
      this.#told.emit("told");
    };
    /** Ends the operation, as its reader. */
    this.stop = client.subscribe(
      { query, variables },
      {
        next: tell((one) => this.results.push(one)),
        error: tell((failure) => (this.failure = failure)),
        complete: tell(() => (this.isComplete = true)),
      },
    );
  }

  /** Waits for so many results; what comes back are the `data` of all that are there. */
  async data(count) {
    await this.#until(() => this.results.length >= count, `${count} results`);
    return this.results.map(({ data, errors }) => {
      if (errors) {
        throw new Error(`a result has errors: ${JSON.stringify(errors)}`);
      }
      return data;
    });
  }

  /** Waits for the end, whichever it is. */
  async ended() {
    await this.#until(() => this.isComplete || this.failure, "an end");
  }

  async #until(isThere, what) {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    while (!isThere()) {
      if (this.failure || this.isComplete || signal.aborted) {
        const { results, failure, isComplete } = this;
        throw new Error(`waited for ${what} in vain: ${JSON.stringify({ results, failure, isComplete })}`);
      }
      // At the deadline the loop goes on, and says what there is instead.
      await once(this.#told, "told", { signal }).catch(() => {});
    }
  }
}
