// On narrow screens sections and filters fold; the person's menu closes by Escape.

const button = document.querySelector(".menu-button");

if (button) {
  button.addEventListener("click", () => {
    const open = button.getAttribute("aria-expanded") !== "true";
    button.setAttribute("aria-expanded", String(open));
  });
}

const person = document.querySelector("details.person");

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && person?.open) {
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
