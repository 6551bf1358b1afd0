/**
 * The clients of others, as they are published, against a running hub that is written into:
 *
 *     npm ci
 *     HUB_URL=http://127.0.0.1:8080 HUB_IMPORT="hub import --each - --data-dir folder" npm test
 */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { NetworkError } from "graphql-sse";

import { ask, cursorOfNow, newItems, publish, tampered, titlesOf, write } from "../browser/hub.mjs";
import { CLIENTS, begin, result, withClient } from "./clients.mjs";

const LIST = `{
  changeCursor
  items(first: 100, orderBy: { field: CREATED_AT, direction: DESC }) { nodes { title } }
}`;
const PUBLISHED = `subscription Published($after: String) {
  itemPublished(after: $after) { cursor item { id title } }
}`;
const CHANGES = `subscription Changes($after: String) {
  changes(after: $after, filter: { kinds: [ITEM] }) { cursor change { action nodeId node { ... on Item { title } } } }
}`;

// Bytes of a cursor: one of the name of its log, and one of its place in it, near the top.
const LOG = 5;
const PLACE = 19;

for (const library of Object.keys(CLIENTS)) {
  describe(`the client ${library}`, { timeout: 120_000 }, () => {
    test("lists, then follows: what is published meanwhile and later arrives once and in order", async () => {
      await withClient(library, async (client) => {
        const items = newItems(5);
        await publish(items[0]);
        const { changeCursor, items: list } = await result(client, LIST);
        const listed = list.nodes.map(({ title }) => title);
        assert.equal(listed[0], titlesOf(items)[0]);
        await publish(...items.slice(1, 3));
        const following = begin(client, PUBLISHED, { after: changeCursor });
        await upTo(following, items[2]);
        await publish(...items.slice(3));
        const told = await upTo(following, items[4]);
        // The cursor is not later than the list: the last of it may come again.
        assert.deepEqual(titles(told).filter((title) => !listed.includes(title)), titlesOf(items.slice(1)));
        assert.equal(new Set(titles(told)).size, told.length);
        assert.equal(new Set(told.map(({ itemPublished }) => itemPublished.cursor)).size, told.length);
      });
    });

    test("misses nothing between the list and the stream while items are being published", async () => {
      await withClient(library, async (client) => {
        const items = newItems(60);
        const isPublished = publish(...items);
        const { changeCursor, items: list } = await result(client, LIST);
        const following = begin(client, PUBLISHED, { after: changeCursor });
        await isPublished;
        const [last] = newItems(1);
        await publish(last);
        const told = titles(await upTo(following, last)).filter((title) => titlesOf([...items, last]).includes(title));
        const listed = list.nodes.map(({ title }) => title).filter((title) => titlesOf(items).includes(title));
        // The list comes first; a little of it may come again, and nothing else does.
        const unlisted = told.filter((title) => !listed.includes(title));
        assert.deepEqual([...listed.toReversed(), ...unlisted], titlesOf([...items, last]));
        assert.deepEqual(told, titlesOf([...items, last]).slice(-told.length));
      });
    });

    test("is never told of what was rolled back", async () => {
      await withClient(library, async (client) => {
        const [first, unknownCommunity, unknownKind, last] = newItems(4);
        unknownCommunity.communities = ["there-is-no-such-community"];
        unknownKind.itemKind = "NO_SUCH_KIND";
        const after = await cursorOfNow();
        const following = begin(client, PUBLISHED, { after });
        const changes = begin(client, CHANGES, { after });
        const acknowledged = await write(first, unknownCommunity, unknownKind, last);
        assert.deepEqual(
          acknowledged.map(({ outcome }) => outcome),
          ["CREATED", "REFUSED", "REFUSED", "CREATED"],
        );
        assert.deepEqual(titles(await upTo(following, last)), titlesOf([first, last]));
        const told = await until(changes, ({ changes: { change } }) => change.node?.title === last.title.en);
        const named = new Set(told.map(({ changes: { change } }) => change.node?.title));
        assert.deepEqual([...named], titlesOf([first, last]));
      });
    });

    test("goes on from a cursor after it was closed: nothing is missed, nothing comes again", async () => {
      const items = newItems(7);
      const start = await cursorOfNow();
      const [first, second] = await withClient(library, async (client) => {
        const following = begin(client, PUBLISHED, { after: start });
        await publish(...items.slice(0, 2));
        return following.data(2);
      });
      await publish(...items.slice(2, 5));
      await withClient(library, async (client) => {
        const following = begin(client, PUBLISHED, { after: second.itemPublished.cursor });
        await following.data(3);
        await publish(...items.slice(5));
        assert.deepEqual(titles(await upTo(following, items[6])), titlesOf(items.slice(2)));
        // Whoever goes further back is told again, and of the same cursors.
        const further = begin(client, PUBLISHED, { after: first.itemPublished.cursor });
        const told = await upTo(further, items[6]);
        assert.deepEqual(titles(told), titlesOf(items.slice(1)));
        assert.deepEqual(told[0], second);
      });
    });

    test("has several operations side by side, and the end of one leaves the others", async () => {
      const items = newItems(4);
      await withClient(library, async (client) => {
        const after = await cursorOfNow();
        const [one, other] = [begin(client, PUBLISHED, { after }), begin(client, CHANGES, { after })];
        await publish(items[0]);
        await one.data(1);
        await other.data(1);
        const { items: list } = await result(client, LIST);
        assert.equal(list.nodes[0].title, titlesOf(items)[0]);
        one.stop();
        await one.ended();
        assert.equal(one.failure, null);
        await publish(items[1]);
        await until(other, ({ changes: { change } }) => change.node?.title === titlesOf(items)[1]);
        assert.equal(other.isComplete, false);
        assert.deepEqual(titles(await one.data(1)), [titlesOf(items)[0]]);
        assert.equal(typeof (await result(client, "{ changeCursor }")).changeCursor, "string");
      });
    });

    test("tells the code of a cursor that cannot be followed", async () => {
      const cursor = await cursorOfNow();
      const cases = [
        ["no cursor at all", "CURSOR_MALFORMED"],
        [tampered(cursor, PLACE), "CURSOR_AHEAD"],
        [tampered(cursor, LOG), "CURSOR_EXPIRED"],
      ];
      await withClient(library, async (client) => {
        for (const [after, code] of cases) {
          for (const query of [PUBLISHED, CHANGES]) {
            const refused = begin(client, query, { after });
            await refused.ended();
            const [error] = errorsOf(library, refused);
            assert.equal(error.extensions.code, code, query);
            assert.ok(error.message.length > 10);
          }
        }
        // Nothing else suffers from it.
        assert.equal(typeof (await result(client, "{ changeCursor }")).changeCursor, "string");
      });
    });

    test("is refused a document that is not valid, before anything runs", async () => {
      const documents = [
        ["subscription { noSuchField }", "GRAPHQL_VALIDATION_FAILED"],
        ["subscription { itemPublished { cursor } changes { cursor } }", "GRAPHQL_VALIDATION_FAILED"],
        ["{ noSuchField }", "GRAPHQL_VALIDATION_FAILED"],
        ["subscription {", "GRAPHQL_PARSE_FAILED"],
      ];
      await withClient(library, async (client) => {
        for (const [query, code] of documents) {
          const refused = begin(client, query);
          await refused.ended();
          const errors = await refusalOf(library, refused);
          assert.equal(errors[0].extensions.code, code, query);
        }
        assert.equal(typeof (await result(client, "{ changeCursor }")).changeCursor, "string");
      });
    });

    test("is told that a retired item was removed, without the item", async () => {
      await withClient(library, async (client) => {
        const [item, last] = newItems(2);
        const after = await cursorOfNow();
        const [published, changes] = [begin(client, PUBLISHED, { after }), begin(client, CHANGES, { after })];
        await publish(item);
        const [{ itemPublished }] = await published.data(1);
        await changes.data(1);
        assert.equal((await write({ retire: `item:${item.key}` }))[0].outcome, "RETIRED");
        const told = await until(changes, ({ changes: { change } }) => change.action === "REMOVED");
        assert.deepEqual(told.at(-1).changes.change, { action: "REMOVED", nodeId: itemPublished.item.id, node: null });
        const { node } = await ask("en", "query($id: ID!) { node(id: $id) { id } }", { id: itemPublished.item.id });
        assert.equal(node, null);
        await publish(last);
        assert.deepEqual(titles(await upTo(published, last)), titlesOf([item, last]));
      });
    });

    test("is told the texts in the language that it asks for", async () => {
      const [item] = newItems(1);
      item.title.fr = `${item.title.en} en français`;
      await withClient(
        library,
        async (client) => {
          const following = begin(client, PUBLISHED, { after: await cursorOfNow() });
          await publish(item);
          assert.deepEqual(titles(await following.data(1)), [item.title.fr]);
        },
        {},
        "fr",
      );
    });
  });
}

describe("the client graphql-ws on its socket", { timeout: 60_000 }, () => {
  test("has room for many operations on one, which outlives each of them", async () => {
    const sockets = new Set();
    const closes = [];
    const on = { opened: (socket) => sockets.add(socket), closed: (event) => closes.push(event) };
    const [item, last] = newItems(2);
    await withClient(
      "graphql-ws",
      async (client) => {
        const after = await cursorOfNow();
        const followings = Array.from({ length: 20 }, () => begin(client, PUBLISHED, { after }));
        await publish(item);
        for (const following of followings) {
          assert.deepEqual(titles(await following.data(1)), titlesOf([item]));
        }
        const stopped = followings.splice(0, 19);
        stopped.forEach((following) => following.stop());
        await publish(last);
        assert.deepEqual(titles(await followings[0].data(2)), titlesOf([item, last]));
        assert.ok(stopped.every(({ results }) => results.length === 1));
        assert.equal(sockets.size, 1);
        assert.deepEqual(closes, []);
      },
      { on },
    );
  });

  test("is answered when it says goodbye, so that the next operation opens another socket", async () => {
    const closes = [];
    const on = { closed: ({ code, wasClean }) => closes.push({ code, wasClean }) };
    const options = { on, lazyCloseTimeout: 0 };
    await withClient(
      "graphql-ws",
      async (client) => {
        for (let time = 0; time < 3; time += 1) {
          assert.equal(typeof (await result(client, "{ changeCursor }")).changeCursor, "string");
        }
        assert.deepEqual(closes, [
          { code: 1000, wasClean: true },
          { code: 1000, wasClean: true },
        ]);
      },
      options,
    );
  });
});

/** The titles of the items that were told. */
function titles(told) {
  return told.map(({ itemPublished }) => itemPublished.item.title);
}

/** All that was told up to an item, which has to be the last. */
async function upTo(following, { title }) {
  return until(following, ({ itemPublished }) => itemPublished.item.title === title.en);
}

/** All that was told up to a message that fits. */
async function until(operation, fits) {
  for (let count = 1; ; count += 1) {
    const told = await operation.data(count);
    const index = told.findIndex(fits);
    if (index >= 0) {
      return told.slice(0, index + 1);
    }
    count = told.length;
  }
}

/** The errors of a stream that could not begin, where the client's protocol has them. */
function errorsOf(library, { results, failure, isComplete }) {
  if (library === "graphql-ws") {
    assert.deepEqual(results, []);
    return failure;
  }
  assert.equal(failure, null);
  assert.equal(isComplete, true);
  assert.equal(results.length, 1);
  return results[0].errors;
}

/** The errors of a document that did not run, where the client's protocol has them. */
async function refusalOf(library, { results, failure }) {
  if (library === "graphql-ws") {
    assert.deepEqual(results, []);
    return failure;
  }
  if (failure === null) {
    assert.equal(results.length, 1);
    assert.equal(results[0].data, undefined);
    return results[0].errors;
  }
  // It is no document, so that no stream began.
  assert.deepEqual(results, []);
  assert.ok(failure instanceof NetworkError, String(failure));
  assert.equal(failure.response.status, 400);
  const { errors } = await failure.response.json();
  return errors;
}
