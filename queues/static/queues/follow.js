// Follows what runs: asks for this page again and shows its newer part, until it has
// ended, and not while nobody looks.

const EVERY = 1000;
const RAREST = 30000;

let wait = EVERY;

async function look() {
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (answer.redirected || !answer.ok) {
      throw new Error(String(answer.status));
    }
    show(new DOMParser().parseFromString(await answer.text(), "text/html"));
    wait = EVERY;
  } catch {
    wait = Math.min(wait * 2, RAREST);
  }
  plan();
}

function show(fresh) {
  const old = document.getElementById("follow");
  const part = fresh.getElementById("follow");
  if (!part || old.innerHTML === part.innerHTML) {
    return;
  }
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const words = focused?.textContent.trim();
  old.replaceWith(part);
  const same = [...part.querySelectorAll("a, button")].find(
    (each) => each.textContent.trim() === words,
  );
  if (focused) {
    same?.focus({ preventScroll: true });
  }
}

function plan() {
  if (document.querySelector("#follow[data-follow]") && !document.hidden) {
    setTimeout(look, wait);
  }
}

document.addEventListener("visibilitychange", plan);
plan();
