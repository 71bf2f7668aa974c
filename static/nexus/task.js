// The page of one task: progress, steps and log as they come; the whole page anew at the end.
import { get, poll, showProgress, showStatus } from "./live.js";

const FINISHED = ["completed", "failed", "cancelled"];
const page = document.getElementById("task");
const log = document.getElementById("log");
const follow = document.getElementById("follow");
const address = `/tasks/${page.dataset.taskPage}`;
const field = (parent, name) => parent.querySelector(`:scope > [data-field="${name}"], :scope > .nx-row > [data-field="${name}"]`);
let after = Number(page.dataset.logAfter);

function toEnd() {
  if (follow.checked) log.scrollTop = log.scrollHeight;
}

function addLine({ timestamp, level, message }) {
  const line = document.createElement("li");
  const time = document.createElement("time");
  const word = document.createElement("span");
  const text = document.createElement("p");
  line.dataset.level = level.toLowerCase();
  time.dateTime = time.title = timestamp;
  time.textContent = timestamp.slice(11, 19);
  word.className = "nx-level";
  word.textContent = level.toLowerCase();
  text.textContent = message;
  line.append(time, word, text);
  log.firstElementChild.append(line);
}

async function readLog() {
  const { logs, next_after } = await get(`${address}/logs?after=${after}`);
  logs.forEach(addLine);
  after = next_after;
  if (logs.length) {
    document.getElementById("log-empty").hidden = true;
    toEnd();
  }
}

function show(task) {
  showStatus(field(page, "status"), task.status);
  showProgress(field(page, "progress"), task.progress);
  const eta = field(page, "eta");
  const left = task.estimated_completion && (Date.parse(task.estimated_completion) - Date.now()) / 1000;
  eta.textContent = left > 0 ? `about ${left < 90 ? `${Math.ceil(left)} s` : `${Math.ceil(left / 60)} min`} left` : "";
  for (const step of task.details.steps) {
    const row = page.querySelector(`[data-step="${CSS.escape(step.name)}"]`);
    showStatus(field(row, "status"), step.status);
    showProgress(field(row, "progress"), step.progress);
  }
}

log.addEventListener("wheel", (event) => event.deltaY < 0 && (follow.checked = false), { passive: true });
follow.addEventListener("change", toEnd);
toEnd();

if (!page.dataset.finished) {
  poll(async () => {
    const task = await get(address);
    await readLog();
    show(task);
    if (FINISHED.includes(task.status)) {
      location.reload();
      return false;
    }
  }, 1);
}
