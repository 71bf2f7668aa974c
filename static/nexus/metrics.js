// The charts of the metrics. The server has put what they draw into the page, and a table of the
// figures below each; the page is fetched anew while somebody looks.
import { poll } from "./live.js";

const LABEL_LENGTH = 30;
const LABEL_ROWS = 3;
const LIVE = ["tiles", "routes", "happened"];
const page = document.getElementById("metrics");
const charts = new Map();
let drawn = read(document);

function read(from) {
  const data = from.getElementById("drawn");
  return data && JSON.parse(data.textContent);
}

// As the server writes them.
function written(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  const decimals = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 || size === 0 ? 2 : 4;
  return value.toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

const colour = (name) => getComputedStyle(page).getPropertyValue(name).trim();
const series = (card) => [...card.querySelectorAll("[data-series]")];
const data = (card) => [drawn.times, ...series(card).map((row) => drawn.series[row.dataset.series])];

// A value with a gap on both sides is no line: it is drawn as a point.
function lonely(chart, number) {
  const values = chart.data[number];
  return values.flatMap((value, at) => (value !== null && (values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null ? [at] : []));
}

function drawMarks(chart) {
  const { ctx, bbox } = chart;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.font = `${11 * ratio}px Inter, sans-serif`;
  ctx.textAlign = "left";
  ctx.textBaseline = "top";
  ctx.lineWidth = ratio;
  const free = Array(LABEL_ROWS).fill(bbox.left);
  for (const { at, kind, title } of drawn.marks) {
    const x = Math.round(chart.valToPos(at, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = ctx.fillStyle = colour(kind === "alert" ? "--nx-bad" : "--nx-mark");
    ctx.setLineDash([4 * ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const text = title.length > LABEL_LENGTH ? `${title.slice(0, LABEL_LENGTH - 1)}…` : title;
    const width = ctx.measureText(text).width;
    const right = x + 4 * ratio + width <= bbox.left + bbox.width;
    const from = right ? x + 4 * ratio : x - 4 * ratio - width;
    const row = free.findIndex((taken) => from >= taken);
    if (row < 0) continue;
    ctx.fillText(text, from, bbox.top + (2 + 13 * row) * ratio);
    free[row] = Math.max(x, from + width) + 8 * ratio;
  }
  ctx.restore();
}

function showMoment(card, chart) {
  const { idx } = chart.cursor;
  const moment = card.querySelector("[data-moment]");
  const inside = idx !== null && idx !== undefined;
  moment.textContent = inside ? new Date(drawn.times[idx] * 1000).toISOString().slice(0, 16).replace("T", " ") : "";
  series(card).forEach((row) => {
    const cell = row.querySelector("[data-newest]");
    cell.dataset.text ??= cell.textContent;
    cell.textContent = inside ? written(drawn.series[row.dataset.series][idx]) : cell.dataset.text;
  });
}

function axis(more) {
  return { stroke: colour("--nx-quiet"), font: "11px Inter, sans-serif", grid: { stroke: colour("--nx-grid"), width: 1 }, ticks: { show: false }, ...more };
}

// An empty plot takes no room, as without a script: something has to be in it to be measured.
function size(host) {
  if (!host.firstChild) host.append("");
  return { width: host.clientWidth, height: host.clientHeight };
}

function draw(card) {
  const host = card.querySelector(".nx-plot");
  const rows = series(card);
  const lines = rows.map((row, number) => ({
    label: row.dataset.series,
    stroke: colour(`--nx-series-${number + 1}`),
    width: 1.5,
    fill: rows.length === 1 ? `${colour("--nx-series-1")}22` : undefined,
    points: { show: true, size: 4, fill: colour(`--nx-series-${number + 1}`), filter: lonely },
  }));
  const options = {
    ...size(host),
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    legend: { show: false },
    cursor: { sync: { key: "metrics" }, drag: { x: false, y: false }, y: false, points: { size: 6 } },
    scales: { y: { range: (chart, low, high) => [Math.min(0, low ?? 0), high > 0 ? high * 1.15 : 1] } },
    axes: [axis({ space: 60, size: 28, values: times }), axis({ size: 60, values: (chart, ticks) => ticks.map((tick) => tick.toLocaleString("en", { maximumSignificantDigits: 4 })) })],
    series: [{}, ...lines],
    hooks: { draw: [drawMarks], setCursor: [(chart) => showMoment(card, chart)] },
  };
  charts.set(card.dataset.chart, new uPlot(options, data(card), host));
}

// Hours within a day or two, days beyond.
function times(chart, ticks) {
  const span = drawn.times.at(-1) - drawn.times[0];
  return ticks.map((tick) => {
    const at = new Date(tick * 1000);
    if (span <= 2 * 86400) return at.toISOString().slice(11, 16);
    return at.toLocaleDateString("en", { timeZone: "UTC", day: "numeric", month: "short" });
  });
}

function drawAll() {
  for (const chart of charts.values()) chart.destroy();
  document.querySelectorAll("[data-chart]").forEach(draw);
}

function fit() {
  for (const card of document.querySelectorAll("[data-chart]")) {
    const wanted = size(card.querySelector(".nx-plot"));
    const chart = charts.get(card.dataset.chart);
    if (wanted.width !== chart.width || wanted.height !== chart.height) chart.setSize(wanted);
  }
}

function show(fresh) {
  for (const id of LIVE) {
    const [old, now] = [document.getElementById(id), fresh.getElementById(id)];
    if (old && now) old.innerHTML = now.innerHTML;
  }
  for (const card of document.querySelectorAll("[data-chart]")) {
    const rows = fresh.getElementById(`rows-${card.dataset.chart}`);
    if (!rows) return location.reload();
    card.querySelector("table").innerHTML = rows.innerHTML;
    const chart = charts.get(card.dataset.chart);
    chart.setData(data(card));
    showMoment(card, chart);
  }
}

async function refresh() {
  const response = await fetch(location.href, { credentials: "same-origin", signal: AbortSignal.timeout(15000) });
  if (!response.ok || response.redirected) throw new Error(response.statusText);
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const found = read(fresh);
  if (Boolean(found) !== Boolean(drawn)) return location.reload();
  if (!found) return;
  drawn = found;
  show(fresh);
}

if (drawn) {
  drawAll();
  new ResizeObserver(fit).observe(page);
  new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ["class"] });
}
poll(refresh, Number(page.dataset.seconds));
