// The list of tasks: status and progress of the rows that are still active.
import { get, poll, showProgress, showStatus } from "./live.js";

const FINISHED = ["completed", "failed", "cancelled"];
const active = () => new Set([...document.querySelectorAll('[data-task][data-active="1"]')].map((each) => each.dataset.task));

function show(task) {
  for (const cell of document.querySelectorAll(`[data-task="${task.id}"]`)) {
    if (cell.dataset.field === "status") showStatus(cell, task.status);
    if (cell.dataset.field === "progress") showProgress(cell, task.progress);
    if (FINISHED.includes(task.status)) cell.dataset.active = "";
  }
}

poll(async () => {
  const wanted = active();
  if (wanted.size === 0) return;
  const { tasks } = await get("/tasks?limit=100");
  for (const task of tasks) {
    show(task);
    wanted.delete(task.id);
  }
  for (const id of [...wanted].slice(0, 10)) show(await get(`/tasks/${id}`));
}, 2);
