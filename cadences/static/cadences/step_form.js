// The form of a step: shows what a message needs, or what a task needs.
// Without this script both are there, and the server minds only what counts.

const form = document.querySelector(".step-form");

if (form) {
  const turn = () => {
    const kind = form.querySelector("[name=kind]:checked")?.value ?? "message";
    for (const part of form.querySelectorAll("[data-kind]")) {
      part.hidden = part.dataset.kind !== kind;
    }
  };
  form.addEventListener("change", (event) => {
    if (event.target.name === "kind") {
      turn();
    }
  });
  turn();
}
