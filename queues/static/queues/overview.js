// The first page stays true by itself: it asks for what changed every few seconds, at
// once when it is looked at again, not at all while nobody looks, and ever more rarely
// while nobody answers.

import { drawAll } from "./charts.js";
import { tick } from "./moments.js";

const EVERY = 4000;
const RAREST = 60000;

const pulse = document.querySelector(".pulse");
const word = pulse.querySelector(".pulse-word");
const button = pulse.querySelector(".pulse-button");
const spoken = pulse.querySelector('[role="status"]');
const says = pulse.dataset;

let etag = null;
let timer = null;
let asking = null;
let wait = EVERY;
let isPaused = false;
let isOut = false;

function show(state) {
  pulse.dataset.state = state;
  word.textContent = says[state];
}

function plan(after) {
  clearTimeout(timer);
  if (!isPaused && !isOut && !document.hidden) {
    timer = setTimeout(ask, after);
  }
}

async function ask() {
  asking = new AbortController();
  const url = `${says.url}${location.search}`;
  const headers = etag ? { "If-None-Match": etag } : {};
  try {
    const answer = await fetch(url, { headers, signal: asking.signal, cache: "no-store" });
    await read(answer);
    wait = EVERY;
  } catch (error) {
    if (error.name === "AbortError") {
      return;
    }
    wait = Math.min(wait * 2, RAREST);
    show("lost");
  }
  plan(wait);
}

async function read(answer) {
  if (answer.redirected || answer.status === 403) {
    isOut = true;
    show("out");
    return;
  }
  if (answer.status !== 304) {
    if (!answer.ok) {
      throw new Error(String(answer.status));
    }
    replace(await answer.text());
    etag = answer.headers.get("ETag");
  }
  show("live");
}

// Only what differs is replaced, so that a link keeps its focus and a table its scroll.
function replace(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html");
  for (const part of fresh.querySelectorAll("[data-part]")) {
    const old = document.querySelector(`[data-part="${part.dataset.part}"]`);
    if (old && bare(old) !== bare(part)) {
      swap(old, part);
    }
  }
}

function bare(part) {
  const copy = part.cloneNode(true);
  for (const each of copy.querySelectorAll("[data-at]")) {
    each.textContent = "";
  }
  return copy.outerHTML;
}

function swap(old, part) {
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const href = focused?.getAttribute("href");
  const scrolled = old.querySelector(".results")?.scrollLeft ?? 0;
  old.replaceWith(part);
  part.querySelector(".results")?.scrollTo({ left: scrolled });
  if (focused) {
    const same = [...part.querySelectorAll("a")].find(
      (link) => link.getAttribute("href") === href,
    );
    (same ?? part.querySelector("a, [tabindex]"))?.focus({ preventScroll: true });
  }
  if (part.dataset.part === "series") {
    drawAll();
  }
  if (part.dataset.part === "worries" && old.dataset.count !== part.dataset.count) {
    spoken.textContent = part.innerText;
  }
  tick();
}

button.addEventListener("click", () => {
  isPaused = !isPaused;
  button.setAttribute("aria-pressed", String(isPaused));
  if (isPaused) {
    asking?.abort();
    clearTimeout(timer);
    show("paused");
  } else {
    show("live");
    plan(0);
  }
});

document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    asking?.abort();
    clearTimeout(timer);
  } else {
    tick();
    plan(0);
  }
});

show("live");
document.fonts.ready.then(drawAll);
setInterval(tick, 1000);
plan(EVERY);
