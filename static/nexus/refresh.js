// What changes by itself and is drawn by the server: lists, and regions with data-refresh (in
// seconds), are fetched anew while somebody looks. A region stops when its new self says no more.
import { poll } from "./live.js";

async function fetched() {
  const response = await fetch(location.href, { credentials: "same-origin" });
  if (!response.ok || response.redirected) throw new Error(response.statusText);
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

function patchRows(shown, fresh) {
  const rows = fresh.querySelectorAll("tbody");
  const old = shown.querySelectorAll("tbody");
  if (rows.length !== old.length) return shown.replaceChildren(...fresh.children);
  rows.forEach((row, index) => {
    const cells = old[index].querySelectorAll("td, th");
    row.querySelectorAll("td, th").forEach((cell, at) => {
      if (cells[at].innerHTML !== cell.innerHTML) cells[at].innerHTML = cell.innerHTML;
    });
  });
}

const region = document.querySelector("[data-refresh]");
const list = document.getElementById("result_list");

if (region) {
  poll(async () => {
    const fresh = (await fetched()).getElementById(region.id);
    region.innerHTML = fresh.innerHTML;
    return fresh.hasAttribute("data-refresh");
  }, Number(region.dataset.refresh));
} else if (list) {
  poll(async () => {
    const fresh = (await fetched()).getElementById("result_list");
    if (fresh && !list.contains(document.activeElement)) patchRows(list, fresh);
  }, 5);
}
