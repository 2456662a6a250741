// A template as one types: read aloud to a lead, with what is wrong with it.
// Without this script the same is told when it is saved.

const PAUSE = 350;
const panel = document.querySelector("[data-live]");
const form = document.getElementById("template_form");

if (panel && form) {
  let timer = 0;
  let asked = null;
  let lead = "";

  const ask = async () => {
    asked?.abort();
    asked = new AbortController();
    const data = new FormData(form);
    data.append("template", panel.dataset.template);
    data.append("lead", lead);
    try {
      const answer = await fetch(panel.dataset.live, {
        method: "POST",
        body: data,
        signal: asked.signal,
      });
      if (!answer.ok) {
        throw new Error(answer.status);
      }
      const { html } = await answer.json();
      const hadFocus = panel.contains(document.activeElement);
      panel.querySelector(".reading-body").innerHTML = html;
      if (hadFocus) {
        panel.querySelector("[data-lead]")?.focus();
      }
      panel.dataset.state = "told";
    } catch (error) {
      if (error.name !== "AbortError") {
        panel.dataset.state = "silent";
      }
    }
  };

  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  };

  form.addEventListener("input", later);
  form.addEventListener("change", later);
  panel.addEventListener("change", (event) => {
    if (event.target.matches("[data-lead]")) {
      lead = event.target.value;
      later();
    }
  });
}
