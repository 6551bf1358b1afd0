/** The page's language: which one it is, its texts, and how it writes numbers, days and names. */

import { wish } from "./address.js";
import en from "./texts/en.js";
import fr from "./texts/fr.js";

const CATALOGUES = { en, fr };

/** The language of the page: what the address asks for, else the first that the browser asks for, else English. */
export const tag = [wish("lang"), ...navigator.languages].map(primary).find(isWritten) ?? "en";

const texts = CATALOGUES[tag];
// Canadian spacing, separators and order of day and month.
const locale = `${tag}-CA`;
const numbers = new Intl.NumberFormat(locale);
const days = new Intl.DateTimeFormat(locale, { dateStyle: "long" });
const moments = new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "short" });
const plurals = new Intl.PluralRules(locale);
const languages = new Intl.DisplayNames(locale, { type: "language" });
const countries = new Intl.DisplayNames(locale, { type: "region" });

/** The locale by which numbers are written, for the charts. */
export const numberLocale = locale;

/** The text with this key; `values` fill its `{names}`, and a `count` chooses between its forms. */
export function say(key, values = {}) {
  const text = texts[key];
  // A missing text shows its key: ugly, but the page goes on, and the tests find it.
  const form = typeof text === "object" ? (text[plurals.select(values.count)] ?? text.other) : (text ?? key);
  return form.replace(/\{(\w+)\}/g, (_, name) => written(values[name]));
}

/** The page's word for a value of an enum of the API, such as `word("kinds", "ITEM")`; the value if there is none. */
export function word(vocabulary, value) {
  return texts[vocabulary][value] ?? value;
}

/** The values of an enum that the page has words for. */
export function valuesOf(vocabulary) {
  return Object.keys(texts[vocabulary]);
}

/** A number as the page's readers write it. */
export function number(value) {
  return numbers.format(value);
}

/** The day of an ISO 8601 moment. */
export function day(moment) {
  return days.format(new Date(moment));
}

/** The day and the time of a moment. */
export function moment(date) {
  // French writes "14 h 04", which must not break between two lines.
  return moments.format(date).replace(" h ", "\u00a0h\u00a0");
}

/** The name of a language as it stands in a sentence. */
export function languageName(language) {
  // Browsers leave out the names of languages with few speakers.
  return texts["language-names"][language] ?? nameBy(languages, language);
}

/** The name of a language as it stands alone. */
export function languageTitle(language) {
  const name = languageName(language);
  return name === language ? name : name.charAt(0).toLocaleUpperCase(locale) + name.slice(1);
}

/** The name of an ISO 3166 region; the code if the page does not know it. */
export function regionName(code) {
  return texts.regions[code] ?? (/^[A-Z]{2}$/.test(code) ? nameBy(countries, code) : code);
}

/** The language to mark a text with: null when it is the page's own, or not known. */
export function foreign(language) {
  return !language || primary(language) === tag ? null : language;
}

function isWritten(language) {
  return Object.hasOwn(CATALOGUES, language);
}

function primary(language) {
  return language?.split("-")[0].toLowerCase();
}

function nameBy(names, code) {
  try {
    return names.of(code) ?? code;
  } catch {
    // `of` throws at what is no well-formed code.
    return code;
  }
}

function written(value) {
  return typeof value === "number" ? number(value) : (value ?? "");
}
