// The form of a schedule: presets, its next runs and its faults as one types.
// Without this script the same form is checked when it is saved.

import { connectPayload } from "./payload_form.js";

const PAUSE = 350;

const panel = document.querySelector("[data-live]");
const form = document.getElementById("periodictask_form");

if (panel && form) {
  start();
}

function start() {
  const touched = new Set();
  const payload = connectPayload(form, panel.dataset.types, () => {
    touched.add("payload");
    later();
  });
  let timer = 0;
  let asked = null;

  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  };

  async function ask() {
    asked?.abort();
    asked = new AbortController();
    const data = new FormData(form);
    data.append("schedule", panel.dataset.schedule);
    try {
      const answer = await fetch(panel.dataset.live, {
        method: "POST",
        body: data,
        signal: asked.signal,
      });
      if (!answer.ok || !answer.headers.get("content-type").includes("json")) {
        throw new Error(answer.status);
      }
      tell(await answer.json());
    } catch (error) {
      if (error.name !== "AbortError") {
        panel.dataset.state = "silent";
      }
    }
  }

  function tell(answer) {
    panel.dataset.state = "told";
    const body = panel.querySelector(".preview-body");
    if (body.innerHTML !== answer.preview) {
      body.innerHTML = answer.preview;
    }
    for (const row of form.querySelectorAll(".form-row")) {
      for (const name of fieldsOf(row)) {
        if (touched.has(name)) {
          tellField(row, name, name === "payload" ? payload.explain(answer) : answer.errors[name]);
        }
      }
    }
  }

  form.addEventListener("input", (event) => note(event.target));
  form.addEventListener("change", (event) => note(event.target));

  function note(element) {
    if (!element.name || element.name === "csrfmiddlewaretoken") {
      return;
    }
    touched.add(element.name);
    if (element.name === "type") {
      touched.add("payload");
    }
    later();
  }

  for (const list of form.querySelectorAll(".form-row ul.errorlist")) {
    fieldsOf(list.closest(".form-row")).forEach((name) => touched.add(name));
  }
  placePresets();
  ask();
}

function fieldsOf(row) {
  return [...row.classList]
    .filter((name) => name.startsWith("field-"))
    .map((name) => name.slice("field-".length));
}

// One list of errors a field, where the server would put it.
function tellField(row, name, errors) {
  const id = `id_${name}_error`;
  const box = row.querySelector(`.fieldBox.field-${name}`) ?? row;
  let list = document.getElementById(id) ?? ownList(box);
  const control = document.getElementById(`id_${name}`);
  if (!errors?.length) {
    list?.remove();
    control?.removeAttribute("aria-invalid");
    row.classList.toggle("errors", ownList(row) !== undefined);
    return;
  }
  if (!list) {
    list = document.createElement("ul");
    list.className = "errorlist";
    list.id = id;
    box.prepend(list);
  }
  list.replaceChildren(
    ...errors.map((text) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    }),
  );
  row.classList.add("errors");
  control?.setAttribute("aria-invalid", "true");
}

// The errors of a row, not those of a field of the payload within it.
function ownList(box) {
  return [...box.querySelectorAll("ul.errorlist")].find(
    (list) => !list.closest(".payload-field"),
  );
}

function placePresets() {
  const presets = document.querySelector(".presets");
  const kind = form.querySelector(".field-kind");
  if (!presets || !kind) {
    return;
  }
  kind.before(presets);
  presets.hidden = false;
  presets.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) {
      return;
    }
    for (const [name, value] of Object.entries(JSON.parse(button.dataset.sets))) {
      setField(name, value);
    }
  });
}

function setField(name, value) {
  for (const element of form.elements) {
    if (element.name !== name) {
      continue;
    }
    if (element.type === "radio" || element.type === "checkbox") {
      element.checked = [value].flat().includes(element.value);
    } else {
      element.value = value;
    }
    element.dispatchEvent(new Event("change", { bubbles: true }));
  }
}
