// What the stock widgets leave out for keyboards and screen readers.

function nameDates() {
  for (const input of document.querySelectorAll("p.datetime input:not([aria-label])")) {
    const before = input.previousSibling?.textContent?.trim() || input.name;
    const field = input.closest(".form-row")?.querySelector("legend, label");
    input.setAttribute("aria-label", `${field?.innerText ?? ""} ${before}`.trim());
  }
}

function nameHints() {
  for (const hint of document.querySelectorAll("span.help-tooltip[aria-label]")) {
    hint.setAttribute("role", "img");
  }
}

function nameCells() {
  const controls = "input:not([type='hidden'], [aria-label]), select, textarea";
  for (const cell of document.querySelectorAll(".tabular tbody td")) {
    const head = cell.closest("table").querySelectorAll("thead th")[cell.cellIndex];
    for (const control of cell.querySelectorAll(controls)) {
      if (head && !control.labels?.length) {
        control.setAttribute("aria-label", head.innerText.trim());
      }
    }
  }
}

// The box of a select2 is named after its text, and so not at all while it is empty.
function nameBoxes() {
  for (const text of document.querySelectorAll(".select2-selection__rendered")) {
    const control = text.closest(".select2").previousElementSibling;
    const name = control?.labels?.[0]?.innerText ?? control?.getAttribute("aria-label");
    if (name) {
      text.setAttribute("aria-label", name.trim());
    }
  }
}

// A list that is wider than its card is scrolled by the arrow keys, so it takes focus.
const watched = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const list = target.closest(".results");
    if (list && list.scrollWidth > list.clientWidth) {
      list.tabIndex = 0;
    } else if (list) {
      list.removeAttribute("tabindex");
    }
  }
});

for (const list of document.querySelectorAll("#changelist .results")) {
  watched.observe(list);
}

nameDates();
nameCells();
document.addEventListener("formset:added", () => {
  nameCells();
  setTimeout(nameBoxes);
});
addEventListener("load", () => setTimeout(() => [nameHints, nameBoxes].map((name) => name())));
