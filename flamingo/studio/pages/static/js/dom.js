// Small helpers for making elements: h("button", {class: "button", onclick: run}, "Paint").
import { at } from "./api.js";

// Attributes that hold an address, which gets the path that the studio is served under.
const ADDRESSES = new Set(["href", "src", "poster", "action"]);

/** An element. Properties that begin with "on" listen; true sets an empty attribute; false, null leave it out. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : ADDRESSES.has(name) ? at(String(value)) : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** An icon of img/icons.svg. It says nothing by itself: what it stands on needs a text or an aria-label. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", at(`/static/img/icons.svg#${name}`));
  svg.append(use);
  return svg;
}

/** "great-wave" as people write it. */
export function words(name) {
  const text = String(name).replaceAll("-", " ").replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Bytes for people: "1.4 MB". */
export function bytes(size) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let i = 0;
  while (size >= 1000 && i < units.length - 1) { size /= 1000; i += 1; }
  return `${size >= 100 || i === 0 ? Math.round(size) : size.toFixed(1)} ${units[i]}`;
}

/** A time (seconds since the epoch) for people: "5 minutes ago", "12 March 2026". */
export function when(seconds) {
  const ago = Date.now() / 1000 - seconds;
  if (ago < 60) return "just now";
  const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  if (ago < 3600) return relative.format(-Math.round(ago / 60), "minute");
  if (ago < 86400) return relative.format(-Math.round(ago / 3600), "hour");
  if (ago < 7 * 86400) return relative.format(-Math.round(ago / 86400), "day");
  return new Date(seconds * 1000).toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric" });
}

/** `run` is called once calls have ceased for `wait` milliseconds. */
export function debounced(run, wait) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => run(...given), wait);
  };
}
