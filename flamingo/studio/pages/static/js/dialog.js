// Questions that are asked in a window of their own, before anything else can be done.
import { h } from "./dom.js";

/**
 * Ask before something that cannot be undone.
 *
 * @param {string} question
 * @param {string} what
 * @param {string} yes
 * @returns {Promise<boolean>}
 */
export function sure(question, what, yes) {
  const dialog = h("dialog", { "aria-labelledby": "sure-title" }, h("h2", { id: "sure-title" }, question), h("p", { class: "soft" }, what),
    h("form", { method: "dialog", class: "row" }, h("button", { class: "button", value: "no" }, "Keep"), h("button", { class: "button danger", value: "yes" }, yes)));
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => { dialog.remove(); resolve(dialog.returnValue === "yes"); });
  });
}

/**
 * Ask for a text: what was typed, or null. value: what stands there at first; pattern, hint: what it must be like.
 *
 * @param {string} question
 * @param {{label: string, value?: string, pattern?: string, hint?: string, yes: string}} options
 * @returns {Promise<string | null>}
 */
export function ask(question, { label, value = "", pattern = ".+", hint = "", yes }) {
  const input = h("input", { type: "text", id: "ask-text", value, pattern, required: true, autocomplete: "off", "aria-describedby": "ask-hint" });
  const no = h("button", { class: "button", type: "button" }, "Cancel");
  const dialog = h("dialog", { "aria-labelledby": "ask-title" }, h("h2", { id: "ask-title" }, question),
    h("form", { method: "dialog", class: "stack" }, h("div", { class: "field" }, h("label", { for: "ask-text" }, label), input, h("p", { class: "hint", id: "ask-hint" }, hint)),
      h("div", { class: "row" }, no, h("button", { class: "button main", value: "yes" }, yes))));
  no.addEventListener("click", () => dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  input.select();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => { dialog.remove(); resolve(dialog.returnValue === "yes" ? input.value.trim() : null); });
  });
}
