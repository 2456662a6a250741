// Moments count on by themselves, in the words of the page's language.

const says = document.querySelector(".spans").dataset;

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;

function fill(text, values) {
  return text.replace(/%\((\w+)\)[ds]/g, (_, name) => values[name]);
}

export function spell(seconds) {
  const whole = Math.floor(seconds);
  if (seconds < 1) {
    return fill(says.ms, { n: Math.round(seconds * 1000) });
  }
  if (seconds < MINUTE) {
    const tenths = Math.round(seconds * 10) / 10;
    return fill(says.s, { n: tenths.toLocaleString(document.documentElement.lang) });
  }
  if (seconds < HOUR) {
    return fill(says.min, { m: Math.floor(whole / MINUTE), s: whole % MINUTE });
  }
  if (seconds < DAY) {
    return fill(says.h, { h: Math.floor(whole / HOUR), m: Math.floor((whole % HOUR) / MINUTE) });
  }
  return fill(says.d, { d: Math.floor(whole / DAY), h: Math.floor((whole % DAY) / HOUR) });
}

function relative(moment) {
  const away = Math.round((moment - Date.now()) / 1000);
  if (away === 0) {
    return says.now;
  }
  const span = spell(Math.abs(away));
  return fill(away > 0 ? says.in : says.ago, { span });
}

export function tick() {
  if (document.hidden) {
    return;
  }
  for (const each of document.querySelectorAll("[data-at]")) {
    const text = relative(Date.parse(each.dataset.at));
    if (each.textContent !== text) {
      each.textContent = text;
    }
  }
}
