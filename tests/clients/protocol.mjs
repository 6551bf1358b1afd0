/**
 * The protocols graphql-transport-ws and graphql-sse, rule by rule, message by message, against a running hub that is
 * written into:
 *
 *     npm ci
 *     HUB_URL=http://127.0.0.1:8080 HUB_IMPORT="hub import --each - --data-dir folder" node protocol.mjs
 *
 * The rules stand in PROTOCOL.md of the npm packages graphql-ws and graphql-sse. What is no message at all, origins,
 * languages and cursors are in tests/it/websocket.rs; what the clients of these packages make of the hub is in run.mjs.
 */

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, test } from "node:test";

import { HUB, cursorOfNow, newItems, publish } from "../browser/hub.mjs";
import { Socket, eventsOf, request, subscribe } from "./wire.mjs";

const INIT = { type: "connection_init" };
const SAME = "the same";
const NAME = "{ __typename }";
const PUBLISHED = "subscription { itemPublished { item { title } } }";
// The same from a cursor on: nothing is missed, however long it takes to begin.
const FOLLOW = "subscription($after: String) { itemPublished(after: $after) { item { title } } }";
const TOPIC = "query($slug: String!) { topic(slug: $slug) { id } }";
// Takes the hub to its database, and a while.
const LONG = "{ items(first: 100) { nodes { title topics { nodes { name } } authors { nodes { byline } } } } }";
const MUTATION = 'mutation { tokenRevoke(input: { token: "none" }) { userErrors { code } } }';

// What is refused before anything runs, with what else is sent along.
const REFUSED = {
  "a document that cannot be read": ["{"],
  "a document of nothing": [""],
  "a document without an operation": ["fragment F on Query { __typename }"],
  "a field that there is not": ["{ nothing }"],
  "a field of a subscription that there is not": ["subscription { nothing }"],
  "a variable without its value": ["query($id: ID!) { node(id: $id) { id } }", { variables: { id: null } }],
  "the name of no operation": ["query A { __typename } query B { __typename }", { operationName: "C" }],
  "several operations and no name": ["query A { __typename } query B { __typename }"],
};

// What of it is no request to execute anything, so that it is refused before there is a stream.
const UNREADABLE = ["a document that cannot be read", "a document of nothing", "a document without an operation"];

// By which code a socket is closed, because of which sentence of the protocol, and for what. `heard` is all that it was
// told before. A reason that is null is the hub's to word.
const CLOSES = [
  {
    code: 4400,
    rule:
      "Receiving a message of a type or format which is not specified in this document will result in an immediate " +
      "socket closure with the event 4400: <error-message>.",
    reason: null,
    open: () => Socket.begun(),
    heard: ["connection_ack"],
    cases: {
      "a message of a server, connection_ack": [{ type: "connection_ack" }],
      "a message of a server, next": [{ id: "1", type: "next", payload: { data: null } }],
      "a message of a server, error": [{ id: "1", type: "error", payload: [{ message: "none" }] }],
      "a type that is no text": [{ type: 7 }],
      "a type in another case": [{ type: "PING" }],
      "an id that is no text": [{ ...subscribe("1", NAME), id: 7 }],
      "an operation that is no object": [{ id: "1", type: "subscribe", payload: NAME }],
      "a document that is no text": [subscribe("1", 7)],
      "the name of an operation that is no text": [subscribe("1", NAME, { operationName: 7 })],
      "variables that are no object": [subscribe("1", NAME, { variables: "none" })],
      "variables that are a list": [subscribe("1", NAME, { variables: [1] })],
      "extensions that are no object": [subscribe("1", NAME, { extensions: "none" })],
      "a complete without an id": [{ type: "complete" }],
      "a complete whose id is no text": [{ type: "complete", id: 7 }],
      "the payload of a ping that is no object": [{ type: "ping", payload: "none" }],
      "the payload of a ping that is a list": [{ type: "ping", payload: [1] }],
      "the payload of a pong that is no object": [{ type: "pong", payload: "none" }],
      "the payload of a pong that is a list": [{ type: "pong", payload: [1] }],
    },
  },
  {
    code: 4400,
    rule: "It is the same before the connection is acknowledged.",
    reason: null,
    heard: [],
    cases: {
      "a type that there is not, at the beginning": [{ type: "start" }],
      "the payload of connection_init that is a list": [{ ...INIT, payload: [1] }],
      "the payload of connection_init that is no object": [{ ...INIT, payload: "none" }],
    },
  },
  {
    code: 4401,
    rule:
      "Executing operations is allowed only after the server has acknowledged the connection through the " +
      "ConnectionAck message, if the connection is not acknowledged, the socket will be closed immediately with the " +
      "event 4401: Unauthorized.",
    reason: "Unauthorized",
    heard: [],
    cases: {
      "a query before the acknowledgement": [subscribe("1", NAME), INIT],
      "a mutation before the acknowledgement": [subscribe("1", MUTATION), INIT],
      "a subscription before the acknowledgement": [subscribe("1", PUBLISHED), INIT],
      "a query after a pong alone": [{ type: "pong" }, subscribe("1", NAME)],
    },
  },
  {
    code: 4403,
    rule:
      "If the server wishes to reject the connection, for example during authentication, it is recommended to close " +
      "the socket with 4403: Forbidden.",
    reason: "Forbidden",
    heard: [],
    cases: {
      "a token that is none": [{ ...INIT, payload: { authorization: "Bearer none" } }],
      "a token that is no text": [{ ...INIT, payload: { authorization: 7 } }],
    },
  },
  {
    code: 4406,
    rule: "The WebSocket sub-protocol for this specification is: graphql-transport-ws.",
    reason: "Subprotocol not acceptable",
    open: () => Socket.open([]),
    heard: [],
    cases: { "a client that names no protocol": [INIT] },
  },
  {
    code: 4406,
    rule: "The protocol of another package is none of it, whatever it calls its messages.",
    reason: "Subprotocol not acceptable",
    // Named by hand: the package hangs up by itself when none of its protocols is taken.
    open: () => Socket.open([], { "sec-websocket-protocol": "graphql-ws" }),
    heard: [],
    cases: { "a client of the older protocol": [INIT] },
  },
  {
    code: 4408,
    rule:
      "If the client does not request a connection within the allowed timeout, the server will close the socket with " +
      "the event: 4408: Connection initialisation timeout.",
    reason: "Connection initialisation timeout",
    heard: ["pong"],
    cases: { "a client that pings and never begins": [{ type: "ping" }] },
  },
  {
    code: 4409,
    rule:
      "If there is already an active subscriber for an operation matching the provided ID, regardless of the " +
      "operation type, the server must close the socket immediately with the event 4409: Subscriber for " +
      "<unique-operation-id> already exists.",
    reason: `Subscriber for ${SAME} already exists`,
    open: () => Socket.begun(),
    heard: ["connection_ack"],
    cases: {
      "two subscriptions of one id": [subscribe(SAME, PUBLISHED), subscribe(SAME, PUBLISHED)],
      "a query of the id of a subscription": [subscribe(SAME, PUBLISHED), subscribe(SAME, NAME)],
      "a mutation of the id of a subscription": [subscribe(SAME, PUBLISHED), subscribe(SAME, MUTATION)],
      "a subscription of the id of a query": [subscribe(SAME, LONG), subscribe(SAME, PUBLISHED)],
      "two queries of one id": [subscribe(SAME, LONG), subscribe(SAME, LONG)],
    },
  },
  {
    code: 4429,
    rule:
      "If the server receives more than one ConnectionInit message at any given time, the server will close the " +
      "socket with the event 4429: Too many initialisation requests.",
    reason: "Too many initialisation requests",
    open: () => Socket.begun(),
    heard: ["connection_ack"],
    cases: {
      "a second connection_init": [INIT],
      "a second connection_init with another payload": [{ ...INIT, payload: { acceptLanguage: "fr" } }],
      "a second connection_init after an operation": [subscribe("1", PUBLISHED), INIT],
    },
  },
];

describe("graphql-transport-ws closes the socket", { timeout: 60_000, concurrency: true }, () => {
  for (const { code, rule, reason, open = () => Socket.open(), heard, cases } of CLOSES) {
    for (const [name, messages] of Object.entries(cases)) {
      test(`with ${code} for ${name}`, async () => {
        const socket = await open();
        try {
          socket.say(...messages);
          const closing = await socket.closed();
          assert.equal(closing.code, code, rule);
          assert.equal(closing.reason, reason ?? closing.reason, rule);
          assert.notEqual(closing.reason, "", rule);
          assert.deepEqual(socket.heard.map(({ type }) => type), heard, rule);
        } finally {
          await socket.close();
        }
      });
    }
  }

  test("with every code that the protocol has", () => {
    const codes = new Set(CLOSES.map(({ code }) => code));
    assert.deepEqual([...codes], [4400, 4401, 4403, 4406, 4408, 4409, 4429]);
  });
});

describe("a connection of graphql-transport-ws", { timeout: 60_000 }, () => {
  for (const payload of [undefined, null, {}, { anything: [1] }]) {
    test(`is begun with a payload of ${JSON.stringify(payload)}`, async () => {
      await withSocket(await Socket.open(), async (socket) => {
        socket.say({ ...INIT, payload });
        assert.deepEqual(await socket.next(), { type: "connection_ack" });
      });
    });
  }

  test("is acknowledged once, whatever is asked afterwards", async () => {
    await withSocket(await Socket.begun(), async (socket) => {
      socket.say(subscribe("1", PUBLISHED), subscribe("2", MUTATION), { type: "ping" }, { id: "1", type: "complete" });
      const told = await upToComplete(socket, "2");
      // The pong comes before the mutation is over or after it.
      told.push(...(await socket.settled()));
      assert.deepEqual(told.map(({ type }) => type).toSorted(), ["complete", "next", "pong"]);
      assert.equal(socket.heard[0].type, "connection_ack");
      assert.equal(socket.heard.filter(({ type }) => type === "connection_ack").length, 1);
    });
  });

  test("answers each ping with its payload, before it is acknowledged and while operations run", async () => {
    await withSocket(await Socket.open(), async (socket) => {
      const payloads = [undefined, {}, { a: 1 }, { text: "é ✓ \" \\ \n", list: [null, { b: [] }], number: 1.5 }];
      const pings = payloads.map((payload) => ({ type: "ping", payload }));
      const pongs = payloads.map((payload) => (payload ? { type: "pong", payload } : { type: "pong" }));
      socket.say(...pings);
      assert.deepEqual(await socket.take(pongs.length), pongs);
      socket.say({ type: "ping", payload: null });
      assert.deepEqual(await socket.next(), { type: "pong" });
      socket.say(INIT, subscribe("1", PUBLISHED), ...pings);
      assert.deepEqual(await socket.take(1 + pongs.length), [{ type: "connection_ack" }, ...pongs]);
    });
  });

  test("takes a pong that nobody asked for and says nothing to it", async () => {
    await withSocket(await Socket.open(), async (socket) => {
      const pongs = [{ type: "pong" }, { type: "pong", payload: null }, { type: "pong", payload: { a: 1 } }];
      socket.say(...pongs, INIT, ...pongs);
      assert.deepEqual(await socket.next(), { type: "connection_ack" });
      assert.deepEqual(await socket.settled(), []);
    });
  });

  test("answers a ping of the WebSocket itself with what it holds", async () => {
    await withSocket(await Socket.open(), async (socket) => {
      assert.equal(await socket.pinged("one"), "one");
      socket.say(INIT);
      await socket.next();
      assert.equal(await socket.pinged(""), "");
      assert.deepEqual(await socket.settled(), []);
    });
  });

  test("passes over what a message has besides", async () => {
    await withSocket(await Socket.begun(), async (socket) => {
      const asked = subscribe("1", NAME, { extensions: { a: 1 }, more: true });
      socket.say({ type: "ping", id: "1", more: true }, { ...asked, more: true });
      assert.deepEqual(await socket.take(3), [{ type: "pong" }, ...oneResult("1", { data: { __typename: "Query" } })]);
    });
  });

  test("is closed by the client with 1000, and answered with the same", async () => {
    const socket = await Socket.begun();
    socket.say(subscribe("1", PUBLISHED));
    assert.equal((await socket.close()).code, 1000);
    assert.equal(socket.heard.length, 1);
  });
});

describe("an operation of graphql-transport-ws", { timeout: 60_000 }, () => {
  test("that is a query or a mutation is one next and one complete, and nothing follows", async () => {
    await withSocket(await Socket.begun(), async (socket) => {
      const asked = [
        [NAME, {}, { __typename: "Query" }],
        ["mutation { __typename }", {}, { __typename: "Mutation" }],
        [MUTATION, {}, { tokenRevoke: { userErrors: [{ code: "BAD_USER_INPUT" }] } }],
        ["query A { a: __typename } query B { b: __typename }", { operationName: "B" }, { b: "Query" }],
        [NAME, { operationName: null, variables: null, extensions: null }, { __typename: "Query" }],
        [TOPIC, { variables: { slug: "none" } }, { topic: null }],
      ];
      for (const [query, more, data] of asked) {
        socket.say(subscribe("1", query, more));
        assert.deepEqual(await upToComplete(socket, "1"), oneResult("1", { data }), query);
        assert.deepEqual(await socket.settled(), [], query);
      }
    });
  });

  test("is told by its own id, whichever letters that has", async () => {
    await withSocket(await Socket.begun(), async (socket) => {
      for (const id of ["0", " ", "é ✓ 🦀", 'a"b\\c', "a\nb\u0000", "__proto__", crypto.randomUUID()]) {
        socket.say(subscribe(id, NAME));
        assert.deepEqual(await socket.take(2), oneResult(id, { data: { __typename: "Query" } }));
      }
    });
  });

  test("that fails while it runs has a result with errors, and its end", async () => {
    await withSocket(await Socket.begun(), async (socket) => {
      socket.say(subscribe("1", "{ topics(first: 0) { totalCount } }"));
      const [{ payload, ...next }, complete] = await upToComplete(socket, "1");
      assert.deepEqual([next, complete], [{ id: "1", type: "next" }, { id: "1", type: "complete" }]);
      assert.equal(payload.data, null);
      assert.deepEqual(payload.errors.map(({ path }) => path), [["topics"]]);
      assert.deepEqual(await socket.settled(), []);
    });
  });

  for (const [name, [query, more]] of Object.entries(REFUSED)) {
    test(`is answered by one error and nothing else for ${name}, and its id is free`, async () => {
      await withSocket(await Socket.begun(), async (socket) => {
        socket.say(subscribe("1", query, more));
        const { payload, ...error } = await socket.next();
        assert.deepEqual(error, { id: "1", type: "error" });
        assertErrors(payload);
        // A complete that crosses it is passed over.
        socket.say({ id: "1", type: "complete" });
        assert.deepEqual(await socket.settled(), []);
        socket.say(subscribe("1", NAME));
        assert.deepEqual(await socket.take(2), oneResult("1", { data: { __typename: "Query" } }));
        assert.deepEqual(await socket.settled(), []);
      });
    });
  }

  test("that was given up is silent ever after, and the others are not", async () => {
    await withSocket(await Socket.begun(), async (socket) => {
      const variables = { after: await cursorOfNow() };
      socket.say(subscribe("given up", FOLLOW, { variables }), subscribe("kept", FOLLOW, { variables }));
      const [one, other, last] = newItems(3);
      await publish(one);
      const told = await socket.take(2);
      assert.deepEqual(told.map(({ id, type }) => `${type} ${id}`).sort(), ["next given up", "next kept"]);
      socket.say({ id: "given up", type: "complete" });
      assert.deepEqual(await socket.settled(), []);
      await publish(other, last);
      assert.deepEqual(
        await socket.take(2),
        [other, last].map(({ title }) => published("kept", title.en)),
      );
      assert.deepEqual(await socket.settled(), []);
    });
  });

  test("takes an id anew as soon as it was given up", async () => {
    await withSocket(await Socket.begun(), async (socket) => {
      const complete = { id: "1", type: "complete" };
      for (let time = 0; time < 20; time += 1) {
        socket.say(subscribe("1", PUBLISHED), complete);
      }
      socket.say(subscribe("1", NAME));
      assert.deepEqual(await socket.take(2), oneResult("1", { data: { __typename: "Query" } }));
      assert.deepEqual(await socket.settled(), []);
    });
  });

  test("that has one result has none when it was given up before, and its id is free", async () => {
    await withSocket(await Socket.begun(), async (socket) => {
      socket.say(subscribe("1", LONG), { id: "1", type: "complete" }, subscribe("1", NAME));
      assert.deepEqual(await socket.take(2), oneResult("1", { data: { __typename: "Query" } }));
      // The same takes its time again, so that the former would have been told by now.
      socket.say(subscribe("2", LONG));
      const told = await upToComplete(socket, "2");
      assert.deepEqual(told.map(({ id, type }) => `${type} ${id}`), ["next 2", "complete 2"]);
    });
  });

  test("that nobody knows, or that is over, can be completed without a word", async () => {
    await withSocket(await Socket.open(), async (socket) => {
      const complete = { id: "1", type: "complete" };
      socket.say(complete, INIT, complete);
      assert.deepEqual(await socket.next(), { type: "connection_ack" });
      socket.say(subscribe("1", NAME));
      await socket.take(2);
      socket.say(complete, complete);
      assert.deepEqual(await socket.settled(), []);
    });
  });

  test("that was given up makes room for another", async () => {
    await withSocket(await Socket.begun(), async (socket) => {
      const ids = Array.from({ length: 100 }, (_, index) => `s${index}`);
      socket.say(...ids.map((id) => subscribe(id, PUBLISHED)));
      socket.say(subscribe("more", PUBLISHED), { id: "s7", type: "complete" }, subscribe("more", NAME));
      const [{ id, type }, ...told] = await socket.take(3);
      assert.deepEqual({ id, type }, { id: "more", type: "error" });
      assert.deepEqual(told, oneResult("more", { data: { __typename: "Query" } }));
      assert.deepEqual(await socket.settled(), []);
    });
  });
});

describe("a stream of graphql-sse", { timeout: 60_000 }, () => {
  for (const method of ["POST", "GET"]) {
    test(`of a query is one next and the end (${method})`, async () => {
      for (const [parameters, data] of [
        [{ query: NAME }, { __typename: "Query" }],
        [{ query: "query A { a: __typename } query B { b: __typename }", operationName: "B" }, { b: "Query" }],
        [{ query: TOPIC, variables: { slug: "none" } }, { topic: null }],
      ]) {
        assert.deepEqual(await streamed(parameters, { method }), [nextEvent({ data }), COMPLETE]);
      }
    });

    test(`of a query that fails while it runs holds the errors (${method})`, async () => {
      const [next, ...rest] = await streamed({ query: "{ topics(first: 0) { totalCount } }" }, { method });
      const { data, errors } = JSON.parse(next.data);
      assert.equal(next.event, "next");
      assert.equal(data, null);
      assert.deepEqual(errors.map(({ path }) => path), [["topics"]]);
      assert.deepEqual(rest, [COMPLETE]);
    });

    test(`of a subscription tells what happens as it happens, until the client leaves (${method})`, async () => {
      const variables = { after: await cursorOfNow() };
      const response = await request({ query: FOLLOW, variables }, { method });
      assertStream(response);
      const events = eventsOf(response);
      for (const item of newItems(2)) {
        await publish(item);
        const { value } = await events.next();
        assert.equal(value.event, "next");
        assert.deepEqual(JSON.parse(value.data), { data: { itemPublished: { item: { title: item.title.en } } } });
      }
      await events.return();
    });

    for (const [name, [query, more]] of Object.entries(REFUSED).filter(([name]) => !UNREADABLE.includes(name))) {
      test(`of ${name} tells its errors, and the end (${method})`, async () => {
        const [next, ...rest] = await streamed({ query, ...more }, { method });
        const { errors, ...others } = JSON.parse(next.data);
        assertErrors(errors);
        assert.deepEqual([next.event, others, rest], ["next", {}, [COMPLETE]]);
      });
    }

    for (const name of UNREADABLE) {
      test(`does not begin for ${name}: that is an ordinary answer (${method})`, async () => {
        const response = await request({ query: REFUSED[name][0] }, { method });
        assert.equal(response.status, 400);
        assert.match(response.headers.get("content-type"), /^application\/json(;|$)/);
        const { errors, ...rest } = await response.json();
        assertErrors(errors);
        assert.deepEqual(rest, {});
      });
    }
  }

  test("of a mutation is one next and the end by POST, and does not begin by GET", async () => {
    const data = { tokenRevoke: { userErrors: [{ code: "BAD_USER_INPUT" }] } };
    assert.deepEqual(await streamed({ query: MUTATION }), [nextEvent({ data }), COMPLETE]);
    const response = await request({ query: MUTATION }, { method: "GET" });
    assert.equal(response.status, 405);
    assert.equal(response.headers.get("allow"), "POST");
    assert.equal((await response.json()).errors.length, 1);
  });

  test("begins when it is what the client likes best, and only then", async () => {
    for (const [accept, mediaType] of [
      ["text/event-stream", "text/event-stream"],
      ["Text/Event-Stream", "text/event-stream"],
      ["text/event-stream; charset=utf-8", "text/event-stream"],
      ["text/event-stream, application/json;q=0.9", "text/event-stream"],
      ["application/json;q=0.5, text/event-stream", "text/event-stream"],
      ["application/json; q=0.2 , text/event-stream; q=0.8", "text/event-stream"],
      ["text/html, text/event-stream;q=0.1", "text/event-stream"],
      ["application/json, text/event-stream;q=0.9", "application/json"],
      ["text/event-stream;q=0.1, application/graphql-response+json", "application/graphql-response+json"],
      ["text/event-stream;q=0, application/json;q=0.1", "application/json"],
      ["application/json", "application/json"],
    ]) {
      const response = await request({ query: NAME }, { accept });
      assert.equal(response.status, 200, accept);
      assert.equal(response.headers.get("content-type").split(";")[0], mediaType, accept);
      await response.text();
    }
    const refused = await request({ query: NAME }, { accept: "text/event-stream;q=0" });
    assert.equal(refused.status, 406);
    const unasked = await request({ query: PUBLISHED }, { accept: "application/json" });
    assert.equal(unasked.status, 400);
    assert.match((await unasked.json()).errors[0].message, /text\/event-stream/);
  });

  test("does not begin for a request that is not well-formed", async () => {
    const url = new URL(`${HUB}/graphql`);
    const headers = { accept: "text/event-stream", "content-type": "application/json" };
    const post = (body, more = {}) => fetch(url, { method: "POST", headers: { ...headers, ...more }, body });
    for (const [asked, status] of [
      [post("{"), 400],
      [post("[]"), 400],
      [post(JSON.stringify({})), 400],
      [post(JSON.stringify({ query: 7 })), 400],
      [post(JSON.stringify({ query: NAME, variables: "none" })), 400],
      [post(JSON.stringify({ query: NAME }), { "content-type": "text/plain" }), 415],
      [request({}, { method: "GET" }), 400],
      [request({ query: NAME, variables: "{" }, { method: "GET" }), 400],
    ]) {
      const response = await asked;
      assert.equal(response.status, status);
      assert.match(response.headers.get("content-type"), /^application\/json(;|$)/);
      assert.equal((await response.json()).errors.length, 1);
    }
  });

  test("is let go when its client hangs up, and the others go on", async () => {
    const variables = { after: await cursorOfNow() };
    const others = eventsOf(await request({ query: FOLLOW, variables }));
    const { hostname, port, host } = new URL(HUB);
    const socket = connect({ host: hostname, port, allowHalfOpen: true });
    const query = encodeURIComponent(PUBLISHED);
    socket.write(`GET /graphql?query=${query} HTTP/1.1\r\nhost: ${host}\r\naccept: text/event-stream\r\n\r\n`);
    const signal = AbortSignal.timeout(20_000);
    const [head] = await once(socket, "data", { signal });
    assert.match(head.toString(), /^HTTP\/1\.1 200 .*content-type: text\/event-stream/s);
    // The connection is half closed by this; the hub closes its half only when it has given the stream up.
    socket.end();
    socket.resume();
    await once(socket, "end", { signal });
    const [item] = newItems(1);
    await publish(item);
    const { value } = await others.next();
    assert.equal(JSON.parse(value.data).data.itemPublished.item.title, item.title.en);
    await others.return();
  });
});

// The end of an operation. Its data are empty and there: without them a browser's EventSource would not tell it.
const COMPLETE = { event: "complete", data: "" };

function nextEvent(payload) {
  return { event: "next", data: JSON.stringify(payload) };
}

/** All events of a response, which has to be a stream that ends. */
async function streamed(parameters, options) {
  const response = await request(parameters, options);
  assertStream(response);
  const events = [];
  for await (const event of eventsOf(response)) {
    events.push(event);
  }
  return events;
}

/** Makes sure that there are errors, each with its sentence. */
function assertErrors(errors) {
  assert.ok(Array.isArray(errors) && errors.length > 0);
  assert.ok(errors.every(({ message }) => typeof message === "string" && message !== ""));
}

function assertStream(response) {
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-type"), /^text\/event-stream(;|$)/);
}

/** The messages of an operation that has one result. */
function oneResult(id, payload) {
  return [
    { id, type: "next", payload },
    { id, type: "complete" },
  ];
}

/** The message that an item was published. */
function published(id, title) {
  return { id, type: "next", payload: { data: { itemPublished: { item: { title } } } } };
}

/** All that is heard up to the end of an operation. */
async function upToComplete(socket, id) {
  const heard = [];
  while (heard.at(-1)?.id !== id || heard.at(-1).type !== "complete") {
    heard.push(await socket.next());
  }
  return heard;
}

/** Does `use` with a socket, which is open until then and gone afterwards. */
async function withSocket(socket, use) {
  try {
    await use(socket);
    assert.equal(socket.closing, null);
  } finally {
    await socket.close();
  }
}
