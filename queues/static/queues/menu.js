// On narrow screens the sections are a drawer and filters fold; Escape closes both the
// drawer and the person's menu.

const button = document.querySelector(".menu-button");
const drawer = document.getElementById("rooms");
const scrim = document.querySelector(".scrim");
const rest = document.querySelectorAll("#main, .bar, .brand, .menu-button");

function turn(open) {
  button.setAttribute("aria-expanded", String(open));
  scrim.hidden = !open;
  document.documentElement.classList.toggle("has-drawer", open);
  for (const each of rest) {
    each.inert = open;
  }
  if (open) {
    drawer.querySelector(".close-button").focus();
  } else {
    button.focus();
  }
}

const isOpen = () => button?.getAttribute("aria-expanded") === "true";

if (button && drawer) {
  button.addEventListener("click", () => turn(!isOpen()));
  drawer.querySelector(".close-button").addEventListener("click", () => turn(false));
  scrim.addEventListener("click", () => turn(false));
  matchMedia("(min-width: 1025px)").addEventListener("change", () => {
    if (isOpen()) {
      turn(false);
    }
  });
}

const person = document.querySelector("details.person");

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") {
    return;
  }
  if (isOpen()) {
    turn(false);
  } else if (person?.open) {
    person.open = false;
    person.querySelector("summary").focus();
  }
});

document.addEventListener("click", (event) => {
  if (person?.open && !person.contains(event.target)) {
    person.open = false;
  }
});

const filters = document.querySelector("details.filters");

if (filters && matchMedia("(max-width: 1024px)").matches) {
  filters.open = false;
}
