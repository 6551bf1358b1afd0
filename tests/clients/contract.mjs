/**
 * The contract is kept: schema.graphql takes nothing away that the last release promised, unless that was announced in
 * time. It needs no hub:
 *
 *     npm ci
 *     node contract.mjs
 *
 * releases/README.md says how a field is taken away.
 */

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { describe, test } from "node:test";

import {
  assertValidSchema,
  astFromValue,
  buildASTSchema,
  buildSchema,
  findBreakingChanges,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  parse,
  print,
  visit,
} from "graphql";

const ROOT = new URL("../../", import.meta.url);
const RELEASES = new URL("releases/", ROOT);

// How a deprecation is worded.
const REASON = /^Until (\d{4}-\d{2}-\d{2}): use \S.* instead\.$/s;

// How long something stays after a release has announced that it goes, in months.
const NOTICE_MONTHS = 6;

describe("the contract", () => {
  const now = readFileSync(new URL("schema.graphql", ROOT), "utf8");
  const last = readFileSync(new URL(newest(readdirSync(RELEASES).filter((file) => file.endsWith(".graphql"))), RELEASES), "utf8");
  const today = new Date().toISOString().slice(0, 10);

  test("is valid", () => {
    assert.doesNotThrow(() => assertValidSchema(buildSchema(now)));
  });

  test("takes nothing away that the last release has, unless it was announced in time", () => {
    assert.deepEqual(broken(last, now, today), []);
  });

  test("says of all that is deprecated until when it stays and what to use instead", () => {
    assert.deepEqual(misworded(now), []);
  });

  test("announces in time, and keeps to the dates that it announced", () => {
    assert.deepEqual(hasty(last, now, today), []);
  });
});

const TODAY = "2030-06-15";

describe("what the last release has", () => {
  const query = (fields) => `type Query { kept: Int ${fields} }`;
  const past = '@deprecated(reason: "Until 2030-06-14: use kept instead.")';
  const due = '@deprecated(reason: "Until 2030-06-15: use kept instead.")';

  /** What breaks, in the words of the library up to the colon. */
  const kinds = (before, now) => broken(before, now, TODAY).map((change) => change.split(":")[0]);

  test("may be added to, described and deprecated", () => {
    const before = "type Query { a(b: Int): E } enum E { A } input I { a: Int }";
    const now = `
      "What is asked." type Query { "A." a(b: Int ${due}, c: Int = 1): E! ${due} d: Int }
      enum E { A ${due} B } input I { a: Int ${due} b: Int } type More { a: Int }`;
    assert.deepEqual(broken(before, now, TODAY), []);
    assert.deepEqual(broken(before, before, TODAY), []);
  });

  test("may not be taken away or narrowed", () => {
    for (const [before, now, kind] of [
      [query("a: Int"), query(""), "FIELD_REMOVED"],
      [query("a: Int"), query("a: String"), "FIELD_CHANGED_KIND"],
      [query("a: Int!"), query("a: Int"), "FIELD_CHANGED_KIND"],
      [query("a(b: Int): Int"), query("a: Int"), "ARG_REMOVED"],
      [query("a(b: Int): Int"), query("a(b: Int!): Int"), "ARG_CHANGED_KIND"],
      [query("a: Int"), query("a(b: Int!): Int"), "REQUIRED_ARG_ADDED"],
      [query("a: E") + "enum E { A B }", query("a: E") + "enum E { A }", "VALUE_REMOVED_FROM_ENUM"],
      [query("") + "input I { a: Int b: Int }", query("") + "input I { a: Int }", "FIELD_REMOVED"],
      [query("") + "input I { a: Int }", query("") + "input I { a: Int b: Int! }", "REQUIRED_INPUT_FIELD_ADDED"],
      [query("") + "directive @a on FIELD", query(""), "DIRECTIVE_REMOVED"],
      [query("a: T") + "type T { a: Int }", query("a: T") + "interface T { a: Int }", "TYPE_CHANGED_KIND"],
    ]) {
      assert.deepEqual(kinds(before, now), [kind], `${before} / ${now}`);
    }
  });

  test("may not be required all of a sudden, nor mean something else when it is left out", () => {
    for (const [before, now] of [
      [query("a(b: Int! = 1): Int"), query("a(b: Int!): Int")],
      [query("a(b: Int = 1): Int"), query("a(b: Int): Int")],
      [query("a(b: Int = 1): Int"), query("a(b: Int = 2): Int")],
      [query("") + "input I { a: Int! = 1 }", query("") + "input I { a: Int! }"],
      [query("") + "input I { a: [Int!] = [1] }", query("") + "input I { a: [Int!] = [1, 2] }"],
    ]) {
      assert.deepEqual(kinds(before, now), ["DEFAULT_CHANGED"], `${before} / ${now}`);
      assert.deepEqual(kinds(before, before), []);
    }
  });

  test("may not lose a root", () => {
    const types = `${query("")} type Mutation { a: Int }`;
    assert.deepEqual(kinds(types, `${types} schema { query: Query }`), ["ROOT_CHANGED"]);
  });

  test("may go once the date is past that it was announced with", () => {
    for (const [before, now] of [
      [(reason) => query(`a: Int ${reason}`), query("")],
      [(reason) => query(`a(b: Int ${reason}): Int`), query("a: Int")],
      [(reason) => `${query("a: E")} enum E { A B ${reason} }`, `${query("a: E")} enum E { A }`],
      [(reason) => `${query("")} input I { a: Int b: Int ${reason} }`, `${query("")} input I { a: Int }`],
      [(reason) => `${query("")} interface I { a: Int b: Int ${reason} }`, `${query("")} interface I { a: Int }`],
      [(reason) => `${query("")} directive @d(a: Int ${reason}) on FIELD`, `${query("")} directive @d on FIELD`],
    ]) {
      assert.deepEqual(broken(before(past), now, TODAY), []);
      for (const reason of ["", due, "@deprecated", '@deprecated(reason: "Until 2030-06-14.")']) {
        assert.equal(kinds(before(reason), now).length, 1, before(reason));
      }
    }
  });

  test("may go each for itself: an announced field gives nothing else away", () => {
    const before = `${query(`a: Int ${past} b: Int`)} interface I { c: Int ${past} } type T implements I { c: Int }`;
    const now = `${query("")} interface I { d: Int } type T implements I { d: Int }`;
    assert.deepEqual(kinds(before, now), ["FIELD_REMOVED", "FIELD_REMOVED"]);
  });

  test("may go as a type when all that led to it goes, round about too", () => {
    const before = (reason) => `
      ${query(`list(filter: I): List ${reason} first: T ${reason}`)}
      type List { edges: [Edge] } type Edge { node: T } type T { others(filter: I): List }
      input I { e: E } enum E { A }`;
    assert.deepEqual(broken(before(past), query(""), TODAY), []);
    assert.ok(kinds(before(due), query("")).includes("TYPE_REMOVED"));
    const still = before(past).replace(`first: T ${past}`, "first: T");
    assert.ok(broken(still, query("first: Int"), TODAY).includes("TYPE_REMOVED: T was removed."));
  });

  test("may go as a type of an interface or a union only when all that it held goes", () => {
    for (const [holder, left] of [
      ["union U = T | O", "union U = O"],
      ["interface U { a: Int }", "interface U { a: Int }"],
    ]) {
      const of = holder.startsWith("interface") ? "implements U" : "";
      const types = (reason) => `type O ${of} { a: Int } type T ${of} { a: Int ${reason} b: Int ${reason} }`;
      const now = `${query("u: U")} ${left} type O ${of} { a: Int }`;
      assert.deepEqual(broken(`${query(`u: U t: T ${past}`)} ${holder} ${types(past)}`, now, TODAY), []);
      const untold = kinds(`${query(`u: U t: T ${past}`)} ${holder} ${types("")}`, now);
      assert.ok(untold.includes("TYPE_REMOVED"), holder);
    }
  });

  test("may not stop to be of an interface, unless all that the interface held goes", () => {
    const before = (reason) => `${query("t: T")} interface I { a: Int ${reason} } type T implements I { a: Int }`;
    const now = `${query("t: T")} type T { a: Int }`;
    assert.deepEqual(broken(before(past), now, TODAY), []);
    assert.deepEqual(kinds(before(""), now), ["TYPE_REMOVED", "IMPLEMENTED_INTERFACE_REMOVED"]);
  });

  test("may not go as the type of a directive's argument", () => {
    const before = `${query("")} directive @d(i: I) on FIELD input I { a: Int }`;
    assert.deepEqual(kinds(before, `${query("")} directive @d(i: Int) on FIELD`), ["TYPE_REMOVED"]);
  });

  test("is kept as it is for as long as it is there, past its date too", () => {
    assert.deepEqual(broken(query(`a: Int ${past}`), query(`a: Int ${past}`), TODAY), []);
    assert.deepEqual(kinds(query(`a: Int ${past}`), query("a: String")), ["FIELD_CHANGED_KIND"]);
  });

  test("may go as a root when all that it held goes", () => {
    const roots = "schema { query: Query mutation: Mutation }";
    const before = (reason) => `${query("")} type Mutation { a: Int ${reason} } ${roots}`;
    assert.deepEqual(broken(before(past), query(""), TODAY), []);
    assert.ok(kinds(before(""), query("")).includes("TYPE_REMOVED"));
  });

  test("is read from the contract and not from its descriptions, with directives of its own", () => {
    const described = (field) => `
      directive @cost(
        of: Int = 1
        was: Int @deprecated(reason: "Until 2031-01-01: use of instead.")
      ) on FIELD_DEFINITION
      """
      A type. \\""" type Query { gone: Int @deprecated(reason: "Until 2030-06-14: use kept instead.") } # no comment
      """
      type Query {
        "Until 2030-06-14: use kept instead. @deprecated"
        ${field}
        kept: Int
      }`;
    assert.deepEqual(kinds(described("gone: Int @cost(of: 2)"), described("")), ["FIELD_REMOVED"]);
    assert.deepEqual(misworded(described("")), []);
    assert.deepEqual(hasty(described(""), described(""), TODAY), []);
  });
});

describe("a deprecation", () => {
  const deprecated = (reason) => `
    directive @d(a: Int ${reason}) on FIELD
    type Query { a: Int ${reason} b(c: Int ${reason}): E }
    enum E { A B ${reason} }
    input I { a: Int ${reason} }`;
  const until = (date) => deprecated(`@deprecated(reason: "Until ${date}: use it instead.")`);
  const all = ["Query.a", "Query.b(c:)", "E.B", "I.a", "@d(a:)"];

  test("says until when it stays, and what to use instead", () => {
    assert.deepEqual(misworded(until("2031-02-28")), []);
    assert.deepEqual(misworded(deprecated("")), []);
    for (const reason of [
      "@deprecated",
      '@deprecated(reason: "")',
      '@deprecated(reason: "Use it instead.")',
      '@deprecated(reason: "Until 2031-01-01: use instead.")',
      '@deprecated(reason: "Until 2031-01-01: use  instead.")',
      '@deprecated(reason: "Until 2031-01-01: use it instead")',
      '@deprecated(reason: "until 2031-01-01: use it instead.")',
      '@deprecated(reason: "Until 2031-1-1: use it instead.")',
      '@deprecated(reason: "Until 2031-02-29: use it instead.")',
      '@deprecated(reason: "Until 2031-13-01: use it instead.")',
    ]) {
      assert.deepEqual(misworded(deprecated(reason)).map((problem) => problem.split(": ")[0]), all, reason);
    }
  });

  test("that is new leaves six months at least from the day of the check", () => {
    assert.deepEqual(hasty(deprecated(""), until("2030-12-15"), TODAY), []);
    assert.equal(hasty(deprecated(""), until("2030-12-14"), TODAY).length, all.length);
    // What was announced without a date was not announced.
    assert.equal(hasty(deprecated("@deprecated"), until("2030-12-14"), TODAY).length, all.length);
    // What is new altogether may be deprecated from the start, by the same rule.
    assert.equal(hasty("type Query { c: Int }", until("2030-12-14"), TODAY).length, all.length);
  });

  test("that was released may be put off and taken back, and never comes earlier", () => {
    for (const date of ["2030-07-01", "2030-07-02", "2040-01-01"]) {
      assert.deepEqual(hasty(until("2030-07-01"), until(date), TODAY), []);
    }
    assert.deepEqual(hasty(until("2030-07-01"), deprecated(""), TODAY), []);
    assert.equal(hasty(until("2030-07-01"), until("2030-06-30"), TODAY).length, all.length);
    // Not even when both dates are past, or far ahead.
    assert.equal(hasty(until("2030-05-02"), until("2030-05-01"), TODAY).length, all.length);
    assert.equal(hasty(until("2040-01-02"), until("2040-01-01"), TODAY).length, all.length);
  });
});

describe("what the rules count with", () => {
  test("is the newest release by its numbers", () => {
    assert.equal(newest(["README.md", "0.10.0.graphql", "0.9.1.graphql"]), "0.10.0.graphql");
    assert.equal(newest(["1.0.0.graphql", "0.99.99.graphql"]), "1.0.0.graphql");
    assert.equal(newest(["1.2.10.graphql", "1.2.3.graphql", "1.1.20.graphql"]), "1.2.10.graphql");
    for (const name of ["next.graphql", "1.0.graphql", "01.0.0.graphql", "1.0.0-rc.1.graphql", "1.0.0.graphql~"]) {
      assert.throws(() => newest(["0.1.0.graphql", name]), /is not named after a version/);
    }
    assert.throws(() => newest(["README.md"]), /there is no release/);
  });

  test("is months of the calendar, which are not equally long", () => {
    assert.equal(monthsAfter("2030-01-15", 6), "2030-07-15");
    assert.equal(monthsAfter("2030-08-31", 6), "2031-02-28");
    assert.equal(monthsAfter("2027-08-31", 6), "2028-02-29");
    assert.equal(monthsAfter("2030-12-01", 6), "2031-06-01");
  });
});

/** The file of the newest version, by semantic version order. */
function newest(names) {
  const versions = names
    .filter((name) => name !== "README.md")
    .map((name) => {
      const version = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)\.graphql$/.exec(name);
      assert.ok(version, `${name} is not named after a version, such as 1.2.3.graphql`);
      return { name, numbers: version.slice(1).map(Number) };
    })
    .sort(({ numbers: a }, { numbers: b }) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
  assert.ok(versions.length > 0, "there is no release");
  return versions.at(-1).name;
}

/** What breaks for those who use the contract `before` once it is `now`, and was not announced until before today. */
function broken(before, now, today) {
  const [left, present] = [remainder(before, now, today), buildSchema(now)];
  const [had, has] = [elements(left), elements(present)];
  const changes = findBreakingChanges(left, present).map(({ type, description }) => `${type}: ${description}`);
  for (const kind of ["Query", "Mutation", "Subscription"]) {
    const [root, other] = [left, present].map((schema) => schema[`get${kind}Type`]()?.name);
    if (root !== undefined && root !== other) {
      changes.push(`ROOT_CHANGED: the root ${root} is ${other ?? "gone"}.`);
    }
  }
  // The library does not look at the defaults of inputs' fields, and takes every other default for safe: requests that
  // leave the value out would be refused, or mean something else.
  for (const [coordinate, element] of had) {
    const other = has.get(coordinate);
    const [value, otherValue] = [defaultOf(element), defaultOf(other)];
    if (other && value !== null && value !== otherValue) {
      changes.push(`DEFAULT_CHANGED: ${coordinate} left out was ${value}, and is ${otherValue ?? "nothing"}.`);
    }
  }
  return changes;
}

/** What is deprecated in words that do not say until when it stays and what to use instead. */
function misworded(now) {
  return [...deprecations(buildSchema(now))]
    .filter(([, reason]) => dateOf(reason) === null)
    .map(([coordinate, reason]) => `${coordinate}: “${reason}” is not “Until YYYY-MM-DD: use … instead.”`);
}

/** What is announced too late, or is to go earlier than the last release announced. */
function hasty(before, now, today) {
  const announced = deprecations(buildSchema(before));
  const earliest = monthsAfter(today, NOTICE_MONTHS);
  const problems = [];
  for (const [coordinate, reason] of deprecations(buildSchema(now))) {
    const date = dateOf(reason);
    const former = dateOf(announced.get(coordinate));
    if (former !== null && date !== null && date < former) {
      problems.push(`${coordinate} was announced to stay until ${former}, not ${date}.`);
    } else if (former === null && date !== null && date < earliest) {
      problems.push(`${coordinate} is newly deprecated and has to stay until ${earliest} at least, not ${date}.`);
    }
  }
  return problems;
}

/** The contract `before` without what is gone by `now` and was announced to go. */
function remainder(before, now, today) {
  const document = parse(before);
  const [had, present] = [deprecations(buildASTSchema(document)), buildSchema(now)];
  const has = elements(present);
  const isThere = (coordinate) => {
    const date = dateOf(had.get(coordinate));
    return has.has(coordinate) || date === null || date >= today;
  };
  const definitions = document.definitions.map((definition) => withElements(definition, isThere));
  const reached = led(definitions);
  const isLeft = ({ name }) => present.getType(name.value) !== undefined || reached.has(name.value);
  const left = definitions
    .filter((definition) => !isType(definition) || isLeft(definition))
    .map((definition) => ({
      ...definition,
      types: definition.types?.filter(isLeft),
      interfaces: definition.interfaces?.filter(isLeft),
      operationTypes: definition.operationTypes?.filter(({ type }) => isLeft(type)),
    }));
  // What is left need not be valid: a type may have no fields any more.
  return buildASTSchema({ ...document, definitions: left }, { assumeValid: true, assumeValidSDL: true });
}

/** A definition with those of its fields, arguments and values that are there. */
function withElements(definition, isThere) {
  const type = definition.name?.value;
  const isOfType = ({ name }) => isThere(`${type}.${name.value}`);
  const withArguments = (owner, coordinate) => ({
    ...owner,
    arguments: owner.arguments?.filter(({ name }) => isThere(`${coordinate}(${name.value}:)`)),
  });
  return {
    ...withArguments(definition, `@${type}`),
    values: definition.values?.filter(isOfType),
    fields: definition.fields?.filter(isOfType).map((field) => withArguments(field, `${type}.${field.name.value}`)),
  };
}

/**
 * The types to which documents may lead: from the roots and directives by fields, arguments and fields of inputs, and
 * between interfaces, unions and their types. The latter not to a type that nothing is left of: whoever used it used
 * something that was announced to go.
 */
function led(definitions) {
  const types = new Map(definitions.filter(isType).map((definition) => [definition.name.value, definition]));
  const isEmptied = ({ fields, values }) => (fields ?? values)?.length === 0;
  const reached = new Set();
  const follow = (name) => {
    const type = types.get(name);
    if (!type || reached.has(name)) {
      return;
    }
    reached.add(name);
    (type.fields ?? []).flatMap(namesIn).forEach(follow);
    const isOf = ({ interfaces }) => interfaces?.some((one) => one.name.value === name);
    const implementing = [...types.values()].filter(isOf);
    const related = [...implementing, ...(type.interfaces ?? []), ...(type.types ?? [])].map((one) => one.name.value);
    related.filter((one) => !types.has(one) || !isEmptied(types.get(one))).forEach(follow);
  };
  const schema = definitions.find(({ kind }) => kind === "SchemaDefinition");
  const roots = schema ? namesIn(schema) : ["Query", "Mutation", "Subscription"];
  roots.filter((name) => types.has(name) && !isEmptied(types.get(name))).forEach(follow);
  definitions.filter(({ kind }) => kind === "DirectiveDefinition").flatMap(namesIn).forEach(follow);
  return reached;
}

/** The types that a part of a document names. */
function namesIn(part) {
  const names = [];
  visit(part, { NamedType: ({ name }) => void names.push(name.value) });
  return names;
}

function isType({ kind }) {
  return kind.endsWith("TypeDefinition");
}

/** All that can be deprecated, by its coordinate: fields, arguments, values of enums, fields of inputs. */
function elements(schema) {
  const found = new Map();
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith("__")) {
      continue;
    }
    if (isEnumType(type)) {
      type.getValues().forEach((value) => found.set(`${type.name}.${value.name}`, value));
    } else if (isObjectType(type) || isInterfaceType(type) || isInputObjectType(type)) {
      for (const field of Object.values(type.getFields())) {
        found.set(`${type.name}.${field.name}`, field);
        field.args?.forEach((argument) => found.set(`${type.name}.${field.name}(${argument.name}:)`, argument));
      }
    }
  }
  for (const directive of schema.getDirectives()) {
    directive.args.forEach((argument) => found.set(`@${directive.name}(${argument.name}:)`, argument));
  }
  return found;
}

/** The reasons of all that is deprecated, by its coordinate. */
function deprecations(schema) {
  const reasons = [...elements(schema)].map(([coordinate, { deprecationReason }]) => [coordinate, deprecationReason]);
  return new Map(reasons.filter(([, reason]) => typeof reason === "string"));
}

/** What it means to leave an argument or a field of an input out, as the contract writes it; null: nothing. */
function defaultOf(element) {
  return element?.defaultValue === undefined ? null : print(astFromValue(element.defaultValue, element.type));
}

/** Until when something stays, as a date; null: its reason does not say. */
function dateOf(reason) {
  const date = REASON.exec(reason ?? "")?.[1];
  const time = new Date(`${date}T00:00:00Z`);
  // A day that no month has would be another one, or none.
  return date && !Number.isNaN(time.valueOf()) && time.toISOString().startsWith(date) ? date : null;
}

/** The same day so many months later, or the last of that month where it has no such day. */
function monthsAfter(date, months) {
  const [year, month, day] = date.split("-").map(Number);
  const lastDay = new Date(Date.UTC(year, month + months, 0)).getUTCDate();
  return new Date(Date.UTC(year, month - 1 + months, Math.min(day, lastDay))).toISOString().slice(0, 10);
}
