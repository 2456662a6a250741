// Looks again as often as the server says, and only while somebody can see it.

let timer = 0;
let isDue = false;

function panel() {
  return document.getElementById("panel");
}

function look() {
  if (document.visibilityState !== "visible") {
    isDue = true;
    return;
  }
  isDue = false;
  window.htmx.trigger(panel(), "look");
}

function arm(least = 0) {
  window.clearTimeout(timer);
  const wait = Number(panel()?.dataset.poll ?? 0);
  if (wait > 0) {
    timer = window.setTimeout(look, Math.max(wait, least));
  }
}

document.addEventListener("visibilitychange", () => isDue && look());
document.addEventListener("htmx:afterSettle", () => arm());
// An answer that did not come says nothing about the sync: ask again, later.
document.addEventListener("htmx:sendError", () => arm(15000));
document.addEventListener("htmx:responseError", () => arm(15000));
arm();
