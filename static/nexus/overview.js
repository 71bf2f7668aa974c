// The overview as it changes. The API answers from memory, so this shows even a database that
// is down, which the page itself could not.
import { get, poll, showProgress, showStatus } from "./live.js";

const banner = document.getElementById("banner");
const UNITS = { ms: "ms", seconds: "s", mb: "MB", bytes: "B", percent: "%" };

// "response_time_ms: 1.234" as ["response time", "1.2 ms"]
function figure([name, value]) {
  const parts = name.split("_");
  const unit = UNITS[parts.at(-1)];
  if (unit) parts.pop();
  if (unit === "MB" && Math.abs(value) >= 10000) return [parts.join(" "), `${Math.round(value / 1024).toLocaleString("en")} GB`];
  const number = Number.isInteger(value) || Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(2));
  return [parts.join(" "), unit ? `${number.toLocaleString("en")} ${unit}` : number.toLocaleString("en")];
}

function showCheck(tile, check) {
  const label = tile.querySelector(`[data-check="${CSS.escape(check.name)}"]`);
  if (!label) return location.reload();
  const { name, status, reason, age_seconds, measured_at, ...figures } = check;
  const measured = Object.entries(figures).filter(([, value]) => typeof value === "number").map(figure);
  label.dataset.statusOf = status;
  label.title = label.nextElementSibling.title = reason ?? measured.map((pair) => pair.join(": ")).join("\n");
  label.nextElementSibling.textContent = status === "pass" && measured.length ? measured[0][1] : status;
}

function showComponent(component) {
  const tile = document.querySelector(`[data-component="${CSS.escape(component.name)}"]`);
  if (!tile) return location.reload();
  showStatus(tile.querySelector('[data-field="status"]'), component.status);
  const reason = tile.querySelector('[data-field="reason"]');
  reason.textContent = component.reason ?? "";
  reason.hidden = !component.reason;
  component.checks.forEach((check) => showCheck(tile, check));
}

async function showHealth() {
  const { overall_status: status, components } = await get("/components/health");
  banner.dataset.status = status;
  banner.querySelector('[data-field="word"]').textContent = status.charAt(0).toUpperCase() + status.slice(1);
  banner.querySelector('[data-field="why"]').textContent = components.filter(({ reason }) => reason).map(({ name, reason }) => `${name}: ${reason}`).join("; ");
  components.forEach(showComponent);
}

async function showTasks() {
  const { tasks } = await get("/tasks?status=running&limit=8");
  const rows = new Map([...document.querySelectorAll("[data-running]")].map((row) => [row.dataset.running, row]));
  if (tasks.length !== rows.size || tasks.some(({ id }) => !rows.has(id))) return replace("running");
  tasks.forEach(({ id, progress }) => showProgress(rows.get(id), progress));
}

async function showAlerts() {
  const { alerts } = await get("/alerts?status=open&grouped=false&limit=8");
  const shown = [...document.querySelectorAll("[data-alert]")].map((row) => row.dataset.alert);
  if (alerts.map(({ id, count, effects }) => `${id} ${count} ${effects}`).join() !== shown.join()) return replace("alerts");
}

async function replace(section) {
  const page = await fetch(location.href, { credentials: "same-origin" });
  const fresh = new DOMParser().parseFromString(await page.text(), "text/html").getElementById(section);
  if (fresh) document.getElementById(section).replaceWith(fresh);
}

showHealth().catch(() => {});
poll(showHealth, 2);
poll(showTasks, 2);
poll(showAlerts, 5);
