// The payload as a form: its fields write the JSON, and the JSON fills its fields.
// What is submitted is the JSON alone, so what the fields cannot say stays sayable.

const NUMBERS = new Set(["integer", "number"]);

export function connectPayload(form, address, changed) {
  const json = form.elements.payload;
  const type = form.elements.type;
  const silent = { explain: (answer) => answer.errors.payload };
  if (!json || !type) {
    return silent;
  }
  const fields = document.createElement("div");
  const editor = fold(json);
  editor.before(fields);
  let broken = new Map();

  async function describe() {
    const answer = await fetch(`${address}?name=${encodeURIComponent(type.value)}`);
    if (!answer.ok) {
      return;
    }
    const parts = document.createElement("template");
    parts.innerHTML = (await answer.json()).fields;
    const about = parts.content.querySelector(".type-about");
    const row = type.closest(".form-row");
    row.querySelector(".type-about")?.remove();
    if (type.value) {
      row.append(about);
    }
    fields.replaceChildren(parts.content.querySelector(".payload-fields"));
    broken = new Map();
    fill();
    // Without fields, and where the JSON cannot be read, the editor is all there is.
    editor.open = !boxes().length || read() === null;
  }

  function boxes() {
    return [...fields.querySelectorAll("[data-field]")];
  }

  function read() {
    try {
      const data = JSON.parse(json.value || "{}");
      return data && typeof data === "object" && !Array.isArray(data) ? data : null;
    } catch {
      return null;
    }
  }

  function fill() {
    const data = read();
    if (data !== null) {
      boxes().forEach((box) => show(box, data[box.dataset.field]));
    }
  }

  function write(box) {
    const data = read() ?? {};
    const name = box.dataset.field;
    const [value, fault] = valueOf(box);
    if (fault) {
      broken.set(name, fault);
    } else {
      broken.delete(name);
      if (value === undefined) {
        delete data[name];
      } else {
        data[name] = value;
      }
      json.value = JSON.stringify(data, null, 2);
    }
  }

  function explain(answer) {
    const known = new Set();
    for (const box of boxes()) {
      const name = box.dataset.field;
      known.add(name);
      mark(box, broken.get(name) ?? answer.payload[name]);
    }
    const places = Object.keys(answer.payload);
    const all = places.length > 0 && places.every((place) => known.has(place));
    return all ? [] : answer.errors.payload;
  }

  fields.addEventListener("input", (event) => {
    const box = event.target.closest("[data-field]");
    if (box) {
      write(box);
      changed();
    }
  });
  json.addEventListener("input", () => {
    broken.clear();
    fill();
  });
  form.addEventListener("submit", (event) => {
    const wrong = boxes().find((box) => broken.has(box.dataset.field));
    if (wrong) {
      event.preventDefault(); // the JSON does not hold what stands there
      control(wrong).focus();
    }
  });
  type.addEventListener("change", describe);
  describe();
  return { explain };
}

// The JSON itself, folded away but always within reach.
function fold(json) {
  const editor = document.createElement("details");
  const handle = document.createElement("summary");
  handle.textContent = "JSON";
  editor.className = "json-editor";
  json.before(editor);
  editor.append(handle, json);
  return editor;
}

function control(box) {
  return box.querySelector("input, select, textarea");
}

function show(box, value) {
  const { kind } = box.dataset;
  const input = control(box);
  if (kind === "several") {
    const held = (Array.isArray(value) ? value : []).map((each) => JSON.stringify(each));
    box.querySelectorAll("input").forEach((each) => {
      each.checked = held.includes(each.value);
    });
  } else if (value === undefined || value === null) {
    input.value = "";
  } else if (kind === "choice") {
    input.value = JSON.stringify(value);
  } else if (kind === "json") {
    input.value = JSON.stringify(value, null, 2);
  } else if (kind === "list" && Array.isArray(value)) {
    input.value = value.join("\n");
  } else {
    const text = typeof value === "object" ? JSON.stringify(value) : String(value);
    input.value = text;
    if (input.value !== text) {
      input.type = "text"; // a date with a zone, for instance
      input.value = text;
    }
  }
}

// The value that a box says, undefined for "as the type says", and why it cannot be told.
function valueOf(box) {
  const { kind, items } = box.dataset;
  const input = control(box);
  if (kind === "several") {
    const held = [...box.querySelectorAll("input:checked")];
    return [held.length ? held.map((each) => JSON.parse(each.value)) : undefined];
  }
  const text = input.value;
  if (text.trim() === "" && !input.validity.badInput) {
    return [undefined];
  }
  if (kind === "list") {
    const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
    return [lines.map((line) => scalar(items, line))];
  }
  if (kind === "choice" || kind === "json") {
    try {
      return [JSON.parse(text)];
    } catch {
      return [undefined, box.closest(".payload-fields").dataset.fault];
    }
  }
  return [scalar(kind, text)];
}

function scalar(kind, text) {
  const number = Number(text);
  return NUMBERS.has(kind) && text.trim() !== "" && !Number.isNaN(number) ? number : text;
}

function mark(box, fault) {
  box.querySelector(".errorlist")?.remove();
  const input = control(box);
  input.toggleAttribute("aria-invalid", Boolean(fault));
  box.classList.toggle("is-wrong", Boolean(fault));
  if (fault) {
    const list = document.createElement("ul");
    const item = document.createElement("li");
    list.className = "errorlist";
    list.id = `${box.dataset.field}-fault`;
    item.textContent = fault;
    list.append(item);
    box.append(list);
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", list.id);
  } else {
    input.removeAttribute("aria-describedby");
  }
}
