/** A chart and, below it, the same numbers as a table. */

import { byId, element, served } from "./dom.js";
import { foreign, languageName, number, numberLocale, say } from "./language.js";

// The most bars of a chart; the table has no limit.
const MAX_BARS = 12;
// The most that labels take of a chart's width; the library gives them half of it at most and cuts what is longer.
const LABELS_SHARE = 0.37;

// The page goes on without the library: the tables have the numbers.
const library = import("./vendor/chart.js/chart.umd.min.js").then(
  () => globalThis.Chart,
  () => null,
);
const drawn = new Map();

/**
 * Fills an article of the page. A row is `{ label, language, count }`, the largest first or, with `inTime`, the
 * earliest first; `columns` names the two columns of the table, `notes` are sentences below the chart.
 */
export async function showChart(id, { rows, columns, notes, inTime = false }) {
  const article = byId(id);
  const title = article.querySelector("h3").textContent;
  if (rows.length === 0) {
    fill(article, element("p", { class: "note" }, say("chart-empty")));
    return;
  }
  const shown = inTime ? withoutGaps(rows) : rows.slice(0, MAX_BARS);
  const sentences = shown.length < rows.length
    ? [...notes, say("chart-part", { shown: shown.length, all: rows.length })]
    : notes;
  const canvas = element("canvas", { role: "img", "aria-label": describe(title, rows) });
  const frame = element("div", { class: inTime ? "frame in-time" : "frame" }, canvas);
  frame.style.setProperty("--bars", shown.length);
  const summary = element("summary", {}, say("table"));
  // Numbers can change while somebody reads them.
  const former = article.querySelector("details");
  const table = element("details", { open: former?.open ?? false }, summary, tableOf(title, columns, rows));
  const hadFocus = former?.contains(document.activeElement);
  fill(article, frame, ...sentences.map((sentence) => element("p", { class: "note" }, sentence)), table);
  if (hadFocus) {
    summary.focus({ preventScroll: true });
  }
  if (!(await draw(id, canvas, shown, inTime))) {
    frame.replaceWith(element("p", { class: "note" }, say("chart-missing")));
    table.open = true;
  }
}

/** Says in an article that there are no numbers. */
export function showNoChart(id) {
  fill(byId(id), element("p", { class: "note" }, say("chart-failed")));
}

/** Paints every chart in the colours of the page's style sheet, which change with the reader's settings. */
export function repaint() {
  for (const chart of drawn.values()) {
    paint(chart, chart.options.indexAxis === "x");
    chart.update();
  }
}

function fill(article, ...children) {
  drawn.get(article.id)?.destroy();
  drawn.delete(article.id);
  article.replaceChildren(article.querySelector("h3"), ...children);
}

function describe(title, rows) {
  const byCount = rows.toSorted((a, b) => b.count - a.count);
  const largest = byCount.slice(0, 3).map(({ label, count }) => say("chart-largest", { label, count }));
  return say("chart-label", { title, largest: largest.join(", ") });
}

function tableOf(title, [first, second], rows) {
  const head = element("tr", {}, element("th", { scope: "col" }, first), element("th", { scope: "col" }, second));
  const lines = rows.map(({ label, language, count }) =>
    element("tr", {}, element("th", { scope: "row" }, ...served([label], language)), element("td", {}, number(count))),
  );
  const caption = element("caption", { class: "visually-hidden" }, title);
  return element("table", {}, caption, element("thead", {}, head), element("tbody", {}, ...lines));
}

/** The rows of years with an empty one for each year between: a year without any must not vanish from the axis. */
function withoutGaps(rows) {
  const counts = new Map(rows.map(({ label, count }) => [Number(label), count]));
  const years = [...counts.keys()];
  const [first, last] = [Math.min(...years), Math.max(...years)];
  // One item of 1850 must not make an axis of mostly nothing.
  if (!Number.isInteger(last - first) || last - first > 60) {
    return rows;
  }
  return Array.from({ length: last - first + 1 }, (_, index) => {
    const year = first + index;
    return { label: String(year), language: null, count: counts.get(year) ?? 0 };
  });
}

async function draw(id, canvas, rows, inTime) {
  const Chart = await library;
  if (Chart) {
    drawn.set(id, new Chart(canvas, configuration(rows, inTime)));
  }
  return Boolean(Chart);
}

function configuration(rows, inTime) {
  const data = rows.map(({ count }) => count);
  const names = { ticks: inTime ? { maxRotation: 0 } : { autoSkip: false, callback: wrapped } };
  const counts = { beginAtZero: true, display: inTime, ticks: { precision: 0, maxTicksLimit: 6 } };
  const made = {
    type: "bar",
    data: { labels: rows.map(labelled), datasets: [{ data, maxBarThickness: 40, borderRadius: 2 }] },
    options: {
      animation: false,
      // Nothing to point at: every number is written down.
      events: [],
      indexAxis: inTime ? "x" : "y",
      layout: { padding: inTime ? { top: 20 } : { right: 34 } },
      locale: numberLocale,
      maintainAspectRatio: false,
      plugins: { colors: { enabled: false }, legend: { display: false } },
      scales: inTime ? { x: names, y: counts } : { x: counts, y: names },
    },
    plugins: [{ id: "numbers", afterDatasetsDraw: writeNumbers }],
  };
  paint(made, inTime);
  return made;
}

/** The label of a row. A canvas cannot mark another language, so its name follows. */
function labelled({ label, language }) {
  const other = foreign(language);
  return other ? `${label} ${say("in-language", { language: languageName(other) })}` : label;
}

/** Sets the colours and the font of a chart, or of the configuration of one, to those of the page. */
function paint({ data, options }, inTime) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  options.color = colour("--text");
  options.font = { family: style.fontFamily, size: 0.8 * Number.parseFloat(style.fontSize) };
  data.datasets[0].backgroundColor = colour("--accent");
  for (const [axis, scale] of Object.entries(options.scales)) {
    scale.ticks.color = options.color;
    scale.ticks.font = options.font;
    scale.grid = { color: colour("--soft-line"), display: inTime && axis === "y" };
    scale.border = { color: colour("--line") };
  }
}

/** Writes each bar's number at its end, so that nobody has to point at it, where there is room. */
function writeNumbers(chart) {
  const { ctx, options } = chart;
  const isColumns = options.indexAxis === "x";
  ctx.save();
  ctx.font = `${options.font.size}px ${options.font.family}`;
  ctx.fillStyle = options.color;
  ctx.textAlign = isColumns ? "center" : "left";
  ctx.textBaseline = isColumns ? "bottom" : "middle";
  chart.getDatasetMeta(0).data.forEach((bar, index) => {
    const count = chart.data.datasets[0].data[index];
    const text = number(count);
    if (count > 0 && (!isColumns || ctx.measureText(text).width <= bar.width + 6)) {
      ctx.fillText(text, isColumns ? bar.x : bar.x + 6, isColumns ? bar.y - 3 : bar.y);
    }
  });
  ctx.restore();
}

/** The label of a tick, in lines that leave room for the bars. Called by the library with the scale as `this`. */
function wrapped(value) {
  const { ctx, width, options } = this.chart;
  ctx.font = `${options.font.size}px ${options.font.family}`;
  const lines = [];
  // Words end at spaces, and after hyphens.
  for (const part of this.getLabelForValue(value).match(/[^\s-]+-?\s*|\S\s*/g) ?? []) {
    const longer = (lines.at(-1) ?? "") + part;
    if (lines.length > 0 && ctx.measureText(longer.trim()).width <= width * LABELS_SHARE) {
      lines[lines.length - 1] = longer;
    } else {
      lines.push(part);
    }
  }
  return lines.map((line) => line.trim());
}
