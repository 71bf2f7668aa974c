// Asking the API again and again: with the session's cookie, never while nobody looks, slower
// when it doesn't answer.
export async function get(path) {
  const response = await fetch(`/api/v1${path}`, {
    headers: { Accept: "application/json" },
    credentials: "same-origin",
    signal: AbortSignal.timeout(8000),
  });
  const body = await response.json();
  if (!response.ok) throw new Error(body.error?.message ?? response.statusText);
  return body.data ?? body;
}

// Calls `turn` every `seconds` until it returns false.
export function poll(turn, seconds) {
  let failures = 0;
  const next = async () => {
    let wait = seconds;
    if (!document.hidden) {
      try {
        if ((await turn()) === false) return;
        failures = 0;
      } catch (error) {
        failures += 1;
        wait = Math.min(seconds * 2 ** failures, 30);
      }
      document.body.classList.toggle("nx-offline", failures > 1);
    }
    setTimeout(next, wait * 1000);
  };
  document.addEventListener("visibilitychange", () => document.hidden || (failures = 0));
  setTimeout(next, seconds * 1000);
}

export function showStatus(element, status, text) {
  const badge = element.querySelector(".nx-badge");
  if (!badge || badge.dataset.status === status) return;
  badge.dataset.status = status;
  badge.textContent = text ?? status.charAt(0).toUpperCase() + status.slice(1).replaceAll("_", " ");
}

export function showProgress(element, share) {
  element.querySelector("progress").value = share;
  element.querySelector("output").textContent = `${Math.round(share * 100)} %`;
}
