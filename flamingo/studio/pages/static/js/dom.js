// Small helpers for making elements: h("button", {class: "button", onclick: run}, "Paint").
import { at } from "./api.js";

// Attributes that hold an address, which gets the path that the studio is served under.
const ADDRESSES = new Set(["href", "src", "poster", "action"]);

/**
 * The element of the page that has this id. types/elements.d.ts has those of all templates, and what each is.
 *
 * @template {keyof ElementsById} Id
 * @param {Id} id
 * @returns {ElementsById[Id]}
 */
export function $(id) {
  return /** @type {ElementsById[Id]} */ (document.getElementById(id));
}

/**
 * The field of a form that has this name, or the group of radio buttons, which has a value as well.
 *
 * @param {HTMLFormElement} form
 * @param {string} name
 */
export const field = (form, name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));

/** What an element may hold: nodes, texts, and nothing where there is none.
 * @typedef {Node | string | false | null | undefined | 0 | ""} Child */

/**
 * An element. Properties that begin with "on" listen; true sets an empty attribute; false, null leave it out.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {{[name: string]: string | number | boolean | null | undefined | ((event: any) => unknown)}} properties
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === false || value === null || value === undefined) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : ADDRESSES.has(name) ? at(String(value)) : String(value));
  }
  element.append(.../** @type {(Node | string)[]} */ (children.flat().filter((child) => child !== null && child !== undefined && child !== false)));
  return element;
}

/**
 * An icon of img/icons.svg. It says nothing by itself: what it stands on needs a text or an aria-label.
 *
 * @param {string} name
 */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", at(`/static/img/icons.svg#${name}`));
  svg.append(use);
  return svg;
}

/**
 * "great-wave" as people write it.
 *
 * @param {string} name
 */
export function words(name) {
  const text = String(name).replaceAll("-", " ").replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/**
 * Bytes for people: "1.4 MB".
 *
 * @param {number} size
 */
export function bytes(size) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let i = 0;
  while (size >= 1000 && i < units.length - 1) { size /= 1000; i += 1; }
  return `${size >= 100 || i === 0 ? Math.round(size) : size.toFixed(1)} ${units[i]}`;
}

/**
 * A time (seconds since the epoch) for people: "5 minutes ago", "12 March 2026".
 *
 * @param {number} seconds
 */
export function when(seconds) {
  const ago = Date.now() / 1000 - seconds;
  if (ago < 60) return "just now";
  const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  if (ago < 3600) return relative.format(-Math.round(ago / 60), "minute");
  if (ago < 86400) return relative.format(-Math.round(ago / 3600), "hour");
  if (ago < 7 * 86400) return relative.format(-Math.round(ago / 86400), "day");
  return new Date(seconds * 1000).toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric" });
}

/**
 * `run` is called once calls have ceased for `wait` milliseconds.
 *
 * @param {() => unknown} run
 * @param {number} wait
 */
export function debounced(run, wait) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(run, wait);
  };
}
