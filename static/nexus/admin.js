// Small manners of every page: fresh times, copy buttons, dialogs, keyboard reach.
const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

export function age(seconds) {
  const distance = Math.abs(seconds);
  if (distance < 1) return "just now";
  const [size, unit] = UNITS.find(([size]) => distance >= size);
  const number = Math.floor(distance / size);
  return seconds > 0 ? `${number} ${unit} ago` : `in ${number} ${unit}`;
}

function refreshTimes() {
  for (const element of document.querySelectorAll("time[data-ago]")) {
    const text = age((Date.now() - Date.parse(element.dateTime)) / 1000);
    if (element.textContent !== text) element.textContent = text;
  }
}

async function copy(button) {
  const text = document.getElementById(button.dataset.copy).textContent.trim();
  await navigator.clipboard.writeText(text);
  const label = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = label), 2000);
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) document.getElementById(opener.dataset.dialog).showModal();
  const closer = event.target.closest("[data-close]");
  if (closer) closer.closest("dialog").close();
  const copier = event.target.closest("[data-copy]");
  if (copier) copy(copier).catch(() => getSelection().selectAllChildren(document.getElementById(copier.dataset.copy)));
});

// A second press while the first is on its way would start the same thing twice.
document.addEventListener("submit", (event) => {
  if (event.target.method !== "post") return;
  setTimeout(() => {
    for (const button of event.target.querySelectorAll("button[data-kind]")) button.disabled = true;
  });
});
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("button[data-kind]:disabled")) button.disabled = false;
});

// Unfold draws some buttons as links without an address, which no keyboard reaches.
for (const link of document.querySelectorAll("a:not([href])[x-on\\:click]")) {
  link.setAttribute("role", "button");
  link.tabIndex = 0;
  link.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    link.click();
  });
}
for (const icon of document.querySelectorAll(".material-symbols-outlined")) icon.ariaHidden = "true";

document.getElementById("searchbar-submit")?.setAttribute("aria-label", "Search");
document.getElementById("searchbar")?.setAttribute("aria-label", "Search");

setInterval(() => document.hidden || refreshTimes(), 1000);

// The page with a fresh secret must not come back by a reload: that would post the form again.
const replaced = document.querySelector("[data-replace-address]");
if (replaced) history.replaceState(null, "", replaced.dataset.replaceAddress);
