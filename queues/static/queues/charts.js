// Draws what the page carries in data-series by uPlot, in the colours of the theme, and
// writes the same figures into tables for whoever does not see charts.

import { spell } from "./moments.js";

const FONT = '12px "Inter", system-ui, sans-serif';
const figures = [...document.querySelectorAll("figure.chart")];
const language = document.documentElement.lang;
const plots = new Map();

function carried() {
  const source = document.querySelector('[data-part="series"]');
  return source ? JSON.parse(source.dataset.series) : null;
}

function colour(element, name = "color") {
  return getComputedStyle(element).getPropertyValue(name);
}

function formatter(figure) {
  if (figure.dataset.unit === "seconds") {
    return (value) => (value === null ? "–" : spell(value));
  }
  const number = new Intl.NumberFormat(language);
  return (value) => (value === null ? "–" : number.format(value));
}

function clock(at) {
  const isLong = at[at.length - 1] - at[0] > 2 * 86400;
  const style = isLong
    ? { day: "2-digit", month: "2-digit", hour: "2-digit", minute: "2-digit" }
    : { hour: "2-digit", minute: "2-digit" };
  const format = new Intl.DateTimeFormat(language, { ...style, hourCycle: "h23" });
  return (seconds) => format.format(new Date(seconds * 1000));
}

function keysOf(figure) {
  return [...figure.querySelectorAll(".legend [data-line]")];
}

function axes(figure, at, format) {
  const quiet = colour(figure.querySelector(".legend"));
  const grid = { stroke: colour(figure.querySelector(".plot"), "border-top-color"), width: 1 };
  const isLong = at[at.length - 1] - at[0] > 2 * 86400;
  const time = new Intl.DateTimeFormat(
    language,
    isLong
      ? { day: "2-digit", month: "2-digit" }
      : { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  );
  const label = (seconds) => time.format(new Date(seconds * 1000));
  const common = { stroke: quiet, font: FONT, grid, ticks: { show: false } };
  return [
    { ...common, grid: { show: false }, size: 28, space: 64, values: (_, splits) => splits.map(label) },
    { ...common, size: 64, space: 34, values: (_, splits) => splits.map(format) },
  ];
}

function lines(figure) {
  return keysOf(figure).map((key, place) => ({
    label: key.textContent,
    stroke: colour(key),
    fill: place === 0 && figure.dataset.unit === "count" ? faint(colour(key)) : undefined,
    width: 2,
    points: { show: false },
    spanGaps: figure.dataset.unit === "seconds",
  }));
}

function faint(solid) {
  return solid.replace(/^rgb\((.+)\)$/, "rgba($1, 0.12)");
}

// The legend says what is under the pointer.
function follow(figure, format) {
  const keys = keysOf(figure);
  for (const key of keys) {
    key.dataset.value = "";
  }
  return (plot) => {
    const place = plot.cursor.idx;
    keys.forEach((key, number) => {
      const value = place == null ? null : plot.data[number + 1][place];
      key.dataset.value = place == null ? "" : format(value);
    });
    figure.dataset.moment = place == null ? "" : clock(plot.data[0])(plot.data[0][place]);
  };
}

function most(values) {
  return Math.max(0, ...values.flat().filter((value) => value !== null));
}

function draw(figure, series) {
  const names = figure.dataset.lines.split(" ");
  const data = [series.at, ...names.map((name) => series[name])];
  const room = figure.querySelector(".plot");
  const format = formatter(figure);
  tabulate(figure, data, format);
  plots.get(figure)?.destroy();
  const top = most(data.slice(1)) || 1;
  const options = {
    width: room.clientWidth,
    height: room.clientHeight,
    padding: [8, 16, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    scales: { x: { time: true }, y: { range: () => [0, top * 1.08] } },
    axes: axes(figure, series.at, format),
    series: [{}, ...lines(figure)],
    hooks: { setCursor: [follow(figure, format)] },
  };
  plots.set(figure, new uPlot(options, data, room));
}

function cell(kind, text, scope) {
  const made = document.createElement(kind);
  made.textContent = text;
  if (scope) {
    made.scope = scope;
  }
  return made;
}

function tabulate(figure, data, format) {
  const details = figure.querySelector(".as-table");
  const fill = () => {
    if (!details.open) {
      return;
    }
    const table = details.querySelector("table");
    const when = clock(data[0]);
    const head = document.createElement("tr");
    head.append(cell("th", table.dataset.time, "col"));
    head.append(...keysOf(figure).map((key) => cell("th", key.textContent, "col")));
    const rows = data[0].map((at, place) => {
      const row = document.createElement("tr");
      row.append(cell("th", when(at), "row"));
      row.append(...data.slice(1).map((line) => cell("td", format(line[place]))));
      return row;
    });
    const body = document.createElement("tbody");
    body.append(...rows.reverse());
    const top = document.createElement("thead");
    top.append(head);
    table.replaceChildren(top, body);
  };
  details.ontoggle = fill;
  fill();
}

export function drawAll() {
  const series = carried();
  if (!series || !figures.length) {
    return;
  }
  const isEmpty = most([series.completed, series.failed]) === 0;
  document.querySelector(".charts").hidden = isEmpty;
  document.querySelector(".chart-empty").hidden = !isEmpty;
  if (!isEmpty) {
    for (const figure of figures) {
      draw(figure, series);
    }
  }
}

const resized = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const plot = plots.get(target.closest("figure"));
    if (plot && target.clientWidth && plot.width !== target.clientWidth) {
      plot.setSize({ width: target.clientWidth, height: target.clientHeight });
    }
  }
});

for (const figure of figures) {
  resized.observe(figure.querySelector(".plot"));
}

// Another theme, other colours.
new MutationObserver(drawAll).observe(document.documentElement, {
  attributeFilter: ["data-theme"],
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
