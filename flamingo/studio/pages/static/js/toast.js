// Short messages at the foot of the page, said to screen readers too.
import { $, h, icon } from "./dom.js";

/**
 * Say something to screen readers only.
 *
 * @param {string} message
 */
export function say(message) {
  const region = $("live-region");
  region.textContent = "";
  // A region speaks when it changes; the same words twice would not be a change.
  requestAnimationFrame(() => { region.textContent = message; });
}

/** Show a message. bad: it went wrong, so it stays until it is closed; action: {label, run}, such as undo.
    Gives a function that takes it away.

    @param {string} message
    @param {{bad?: boolean, action?: {label: string, run: () => void} | null, seconds?: number}} options */
export function toast(message, { bad = false, action = null, seconds = 8 } = {}) {
  const box = $("toasts");
  const gone = () => { element.remove(); };
  /** @type {HTMLElement} */
  const element = h(
    "div", { class: `toast${bad ? " bad" : ""}`, role: bad ? "alert" : null },
    h("span", {}, message),
    action && h("button", { class: "button act", type: "button", onclick: () => { gone(); action.run(); } }, action.label),
    h("button", { class: "button round", type: "button", "aria-label": "Close the message", onclick: gone }, icon("close")),
  );
  while (box.children.length > 2) box.firstElementChild.remove();
  box.append(element);
  if (!bad) {
    say(message);
    let timer = setTimeout(gone, seconds * 1000);
    // Who reads or reaches for the button has all the time.
    for (const hold of ["pointerenter", "focusin"]) element.addEventListener(hold, () => clearTimeout(timer));
    for (const free of ["pointerleave", "focusout"]) {
      element.addEventListener(free, () => { clearTimeout(timer); timer = setTimeout(gone, 4000); });
    }
  }
  return gone;
}

/**
 * Show an error; a request that we broke off ourselves is none.
 *
 * @param {Error} error
 */
export function fail(error) {
  if (error?.name === "AbortError") return;
  if (error?.name !== "Problem") console.error(error);
  toast(error?.message || String(error), { bad: true });
}
