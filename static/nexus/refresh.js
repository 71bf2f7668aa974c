// Lists that change by themselves: the rows are fetched anew while somebody looks.
import { poll } from "./live.js";

poll(async () => {
  const shown = document.getElementById("result_list");
  if (!shown || shown.contains(document.activeElement)) return;
  const response = await fetch(location.href, { credentials: "same-origin" });
  if (!response.ok || response.redirected) throw new Error(response.statusText);
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("result_list");
  if (!fresh) return;
  const rows = fresh.querySelectorAll("tbody");
  const old = shown.querySelectorAll("tbody");
  if (rows.length !== old.length) return old[0].parentElement.replaceChildren(...fresh.children);
  rows.forEach((row, index) => {
    const cells = old[index].querySelectorAll("td, th");
    row.querySelectorAll("td, th").forEach((cell, at) => {
      if (cells[at].innerHTML !== cell.innerHTML) cells[at].innerHTML = cell.innerHTML;
    });
  });
}, 5);
