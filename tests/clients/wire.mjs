/**
 * One socket of graphql-transport-ws, and one stream of events, as they are on the wire: nothing is interpreted. What an
 * operation costs, which its one result tells beside the data, is left out: these tests are not about that.
 */

import { EventEmitter, once } from "node:events";

import WebSocket from "ws";

import { HUB } from "../browser/hub.mjs";

// The subprotocol, as clients name it.
const PROTOCOL = "graphql-transport-ws";

// Every wait of a test ends after this long: longer than the hub waits for a client that says nothing.
const DEADLINE_MS = 20_000;

/** A socket that tells every message it heard, and how it was closed. */
export class Socket {
  /** All that was heard so far, in its order. */
  heard = [];
  /** The code and the reason with which the hub closed it; null: it is open. */
  closing = null;
  #taken = 0;
  #told = new EventEmitter();
  #socket;

  constructor(protocols, headers) {
    this.#socket = new WebSocket(`${HUB.replace(/^http/, "ws")}/graphql`, protocols, { headers });
    this.#socket.on("message", (data, isBinary) => {
      this.heard.push(isBinary ? data : withoutCost(JSON.parse(data.toString())));
      this.#told.emit("told");
    });
    this.#socket.on("close", (code, reason) => {
      this.closing = { code, reason: reason.toString() };
      this.#told.emit("told");
    });
  }

  /** A socket that may speak, and did not yet. */
  static async open(protocols = [PROTOCOL], headers = {}) {
    const socket = new Socket(protocols, headers);
    await once(socket.#socket, "open", { signal: AbortSignal.timeout(DEADLINE_MS) });
    return socket;
  }

  /** A socket whose connection was acknowledged. */
  static async begun() {
    const socket = await Socket.open();
    socket.say({ type: "connection_init" });
    await socket.next();
    return socket;
  }

  /** Says messages one right after the other. */
  say(...messages) {
    messages.forEach((message) => this.write(JSON.stringify(message)));
  }

  /** Writes a text, or bytes, as they are. */
  write(data) {
    this.#socket.send(data);
  }

  /** The message that was heard next. */
  async next() {
    await this.#until(() => this.heard.length > this.#taken, "a message");
    this.#taken += 1;
    return this.heard[this.#taken - 1];
  }

  /** So many of the messages that were heard next. */
  async take(count) {
    const taken = [];
    while (taken.length < count) {
      taken.push(await this.next());
    }
    return taken;
  }

  /**
   * What was heard until the hub has surely read all that was said, and has told the result of a query that was asked
   * after it.
   */
  async settled() {
    const id = `mark ${this.#taken}`;
    this.say(subscribe(id, "{ changeCursor }"));
    const heard = [];
    for (;;) {
      const message = await this.next();
      if (message.id !== id) {
        heard.push(message);
      } else if (message.type === "complete") {
        return heard;
      }
    }
  }

  /** How the hub closed it, whatever is said before. */
  async closed() {
    await this.#until(() => this.closing, "the end of the socket", () => true);
    return this.closing;
  }

  /** Sends a ping of the WebSocket itself, and hands back what the pong holds. */
  async pinged(data) {
    const pong = once(this.#socket, "pong", { signal: AbortSignal.timeout(DEADLINE_MS) });
    this.#socket.ping(data);
    const [answer] = await pong;
    return answer.toString();
  }

  /** Says goodbye, unless the hub did. */
  async close() {
    this.#socket.close(1000);
    return this.closed();
  }

  async #until(isThere, what, isEndFine = () => false) {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    while (!isThere()) {
      if ((this.closing && !isEndFine()) || signal.aborted) {
        throw new Error(`waited for ${what} in vain: ${JSON.stringify([this.closing, this.heard])}`);
      }
      // At the deadline the loop goes on, and says what there is instead.
      await once(this.#told, "told", { signal }).catch(() => {});
    }
  }
}

/** A message whose result does not say what it cost. */
function withoutCost(message) {
  const { cost, ...extensions } = message.payload?.extensions ?? {};
  if (cost === undefined) {
    return message;
  }
  const payload = { ...message.payload, extensions };
  if (Object.keys(extensions).length === 0) {
    delete payload.extensions;
  }
  return { ...message, payload };
}

/** The message that asks for an operation. */
export function subscribe(id, query, more = {}) {
  return { id, type: "subscribe", payload: { query, ...more } };
}

/** Asks by POST, or by GET where `method` says so, for what the headers accept. */
export async function request(parameters, { method = "POST", accept = "text/event-stream", headers = {} } = {}) {
  const url = new URL(`${HUB}/graphql`);
  const options = { method, headers: { accept, ...headers }, signal: AbortSignal.timeout(DEADLINE_MS) };
  if (method === "GET") {
    Object.entries(parameters).forEach(([name, value]) => {
      url.searchParams.set(name, typeof value === "string" ? value : JSON.stringify(value));
    });
    return fetch(url, options);
  }
  options.headers["content-type"] ??= "application/json";
  return fetch(url, { ...options, body: JSON.stringify(parameters) });
}

/** The events of a stream as a browser's EventSource reads them; what it would not tell is not told here. */
export async function* eventsOf(response) {
  let text = "";
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    text += piece;
    const blocks = text.split("\n\n");
    // The last one is not at its end.
    text = blocks.pop();
    for (const block of blocks) {
      const event = { event: "message", data: [] };
      for (const line of block.split("\n")) {
        const [, field, value] = /^([^:]*)(?:: ?(.*))?$/.exec(line);
        if (field === "data") {
          event.data.push(value ?? "");
        } else if (field) {
          event[field] = value ?? "";
        }
      }
      if (event.data.length > 0) {
        const data = event.data.join("\n");
        const told = data === "" ? "" : JSON.stringify(withoutCost({ payload: JSON.parse(data) }).payload);
        yield { ...event, data: told };
      }
    }
  }
  if (text !== "") {
    throw new Error(`the stream broke off in the middle of an event: ${text}`);
  }
}
