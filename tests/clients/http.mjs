/**
 * The official audits of GraphQL over HTTP, each of them, against a running hub:
 *
 *     npm ci
 *     HUB_URL=http://127.0.0.1:8080 node http.mjs
 */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { serverAudits } from "graphql-http";

import { HUB } from "../browser/hub.mjs";

// How many audits there are at least, so that a suite that lost some does not pass.
const AUDITS = 61;

// The audits that the hub fails on purpose, by their ids, each with its reason in a sentence: of those alone that say what
// a server MAY do. There is none.
const EXCEPTIONS = {};

// Node's fetch accepts anything where an audit names nothing, so that 80D8 asks what 47DE does. Each audit waits for
// its answers this long.
const DEADLINE_MS = 20_000;

const fetchFn = (url, options) => fetch(url, { ...options, signal: AbortSignal.timeout(DEADLINE_MS) });
const audits = serverAudits({ url: `${HUB}/graphql`, fetchFn });

describe("the official audits of GraphQL over HTTP", { timeout: 120_000 }, () => {
  for (const { id, name, fn } of audits) {
    test(`${id}: ${name}`, async () => {
      const result = await fn();
      const complaint = judged(result, EXCEPTIONS[id]);
      assert.equal(complaint, null, `${complaint}\n${await told(result)}`);
    });
  }

  test("are all there, each by an id of its own", () => {
    const ids = new Set(audits.map(({ id }) => id));
    assert.equal(ids.size, audits.length);
    assert.ok(audits.length >= AUDITS, `there are ${audits.length} and were ${AUDITS}`);
  });

  test("are those that the exceptions speak of", () => {
    assert.deepEqual(unknown(EXCEPTIONS, audits), []);
    assert.deepEqual(Object.values(EXCEPTIONS).filter((reason) => !reason.trim().endsWith(".")), []);
  });
});

describe("what an audit says", () => {
  const result = (status, level) => ({ id: "A", name: `${level} do it`, status, reason: "It does not." });

  test("is fine when it passes", () => {
    for (const level of ["MUST", "SHOULD", "MAY"]) {
      assert.equal(judged(result("ok", level)), null);
    }
  });

  test("counts when it fails, whatever its level", () => {
    for (const [status, level] of [["error", "MUST"], ["warn", "SHOULD"], ["notice", "MAY"]]) {
      assert.equal(judged(result(status, level)), "It does not.");
    }
  });

  test("is excepted where the hub may do otherwise, and has a reason to", () => {
    assert.equal(judged(result("notice", "MAY"), "It is unsafe."), null);
  });

  test("cannot be excepted where the hub must or should do it", () => {
    for (const [status, level] of [["error", "MUST"], ["warn", "SHOULD"]]) {
      assert.match(judged(result(status, level), "It is unsafe."), /no exception/);
    }
  });

  test("needs no exception when it passes", () => {
    assert.match(judged(result("ok", "MAY"), "It is unsafe."), /passes/);
  });

  test("is missing when an exception speaks of none", () => {
    assert.deepEqual(unknown({ A: "It is unsafe.", B: "It is unsafe." }, [{ id: "A" }]), ["B"]);
  });
});

/** What is wrong with the result of an audit; null: nothing. `exception` says why the hub fails it on purpose. */
function judged({ status, name, reason }, exception) {
  if (exception === undefined) {
    return status === "ok" ? null : reason;
  }
  if (status === "ok") {
    return "It passes: take its exception away.";
  }
  return name.startsWith("MAY ") ? null : `There is no exception from what a server has to do: ${reason}`;
}

/** The exceptions that speak of no audit. */
function unknown(exceptions, known) {
  return Object.keys(exceptions).filter((id) => known.every((audit) => audit.id !== id));
}

/** What the hub answered to an audit that failed. */
async function told({ response }) {
  if (!response) {
    return "";
  }
  const text = response.bodyUsed ? "" : await response.text();
  return `${response.status} ${response.headers.get("content-type")}\n${text}`;
}
