/** What the page asks the hub, and how to open each query in the hub's editor. */

import { tag } from "./language.js";

const FACET = `{
      by
      isCut
      buckets {
        value
        label
        count
        node { ... on Topic { language } }
      }
    }`;

/**
 * The totals and everything that the charts show, in one request: the numbers are of one moment, and what changes after
 * the cursor is all that they can lack.
 */
export const OVERVIEW = `query Overview {
  changeCursor
  organizations { totalCount }
  communities {
    totalCount
    facets(by: [TOPIC, REGION]) ${FACET}
  }
  people { totalCount }
  projects { totalCount }
  items {
    totalCount
    facets(by: [YEAR, LANGUAGE]) ${FACET}
  }
  topics { totalCount }
}`;

/** Tells that something changed, and moves the cursor while nothing does. */
export const CHANGES = `subscription Changes($after: String!) {
  changes(after: $after, bookmarks: true) { cursor change { kind } }
}`;

/** The topics without any item in a language. */
export const TOPICS_WITHOUT = `query TopicsWithout($language: LanguageTag!, $first: Int!, $after: String) {
  topics { totalCount }
  topicsWithout(language: $language, first: $first, after: $after) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes { id name language }
  }
}`;

/** What is found by a text, the best first, with the words that were met. */
export const SEARCH = `query Search($text: String!, $kinds: [NodeKind!], $first: Int!, $after: String) {
  search(text: $text, kinds: $kinds, first: $first, after: $after) {
    totalCount
    facets(by: [KIND]) {
      by
      buckets { value count }
    }
    pageInfo { hasNextPage endCursor }
    edges {
      node {
        __typename
        id
        ... on Topic { name language }
        ... on Organization { name language organizationKind: kind url: website }
        ... on Community { displayName language }
        ... on Person { name }
        ... on Project { title language }
        ... on Item { title language itemKind: kind publishedAt url }
      }
      snippet {
        field
        language
        parts { text isMatch }
      }
    }
  }
}`;

/**
 * The address of the hub's editor with a query in it. The editor takes no variables, so their values become defaults:
 * `values` holds them as GraphQL writes them, by name. A variable without a value keeps none.
 */
export function editorAddress(query, values = {}) {
  const filled = query.replace(/\$(\w+): ([\w![\]]+)(?=[,)])/g, (declared, name) =>
    name in values ? `${declared} = ${values[name]}` : declared,
  );
  return `../editor?${new URLSearchParams({ lang: tag, query: filled })}`;
}

/** A string as GraphQL writes it; the escapes of JSON are among those of GraphQL. */
export function literal(text) {
  return JSON.stringify(text);
}
