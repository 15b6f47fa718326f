// Personas to choose and mix: a chip each, a slider for each that is chosen, and the text that `compose` takes.
import { get } from "./api.js";
import { paintTrack } from "./controls.js";
import { h, words } from "./dom.js";

const MOST = 4;

/**
 * "beethoven=.7,schubert=.3" as [["beethoven", .7], ...].
 *
 * @param {string} text
 * @returns {[string, number][]}
 */
export function parsed(text) {
  return text.split(",").filter(Boolean).map((part) => {
    const [name, share] = part.split("=");
    return [name.trim(), share === undefined ? 1 : Number(share) || 0];
  });
}

/**
 * "beethoven=.7,schubert=.3" for people: "70 % Beethoven, 30 % Schubert".
 *
 * @param {string} text
 */
export function inWords(text) {
  const mix = parsed(text);
  const total = mix.reduce((sum, [, share]) => sum + share, 0) || 1;
  if (mix.length === 1) return words(mix[0][0]);
  return mix.map(([name, share]) => `${Math.round((100 * share) / total)} % ${words(name)}`).join(", ");
}

export class Personas {
  /** chips: box for a chip each; box: for the sliders; hint: says what the last one chosen is like; mixing: the button
      that lets several be chosen. Without it being pressed a persona is chosen alone.

      @param {HTMLElement} chips
      @param {HTMLElement} box
      @param {HTMLElement} hint
      @param {HTMLElement} mixing
      @param {() => void} [onchange] */
  constructor(chips, box, hint, mixing, onchange) {
    this.chips = chips;
    this.box = box;
    this.hint = hint;
    this.mixing = mixing;
    this.onchange = onchange;
    this.mix = new Map([["beethoven", 1]]);
    /** @type {Api.PersonaOut[]} */
    this.known = [];
    mixing.addEventListener("click", () => this._mixing(!this.several));
  }

  /** Whether several can be chosen. */
  get several() {
    return this.mixing.getAttribute("aria-pressed") === "true";
  }

  /** @param {boolean} yes */
  _mixing(yes) {
    this.mixing.setAttribute("aria-pressed", String(yes));
    if (yes) {
      this.hint.textContent = "Choose up to four; each gets a slider.";
      this._show();
      return;
    }
    const [[first]] = [...this.mix].sort((one, other) => other[1] - one[1]);
    const alone = this.mix.size === 1;
    this.mix = new Map([[first, 1]]);
    this._show();
    if (!alone) this.onchange?.();
  }

  /** Ask the server who is known, and show them. */
  async load() {
    this.known = await get("/api/personas");
    this.chips.replaceChildren(...this.known.map((persona) =>
      h("button", {
        type: "button", class: "chip", "data-persona": persona.name, "aria-pressed": "false",
        onclick: () => this._toggle(persona),
      }, words(persona.name), persona.own && h("span", { class: "badge" }, "yours"))));
    this._show();
  }

  get value() {
    const total = [...this.mix.values()].reduce((sum, share) => sum + share, 0) || 1;
    if (this.mix.size === 1) return [...this.mix.keys()][0];
    return [...this.mix].map(([name, share]) => `${name}=${(share / total).toFixed(2)}`).join(",");
  }

  set value(text) {
    this.mix = new Map(parsed(text));
    this.mixing.setAttribute("aria-pressed", String(this.mix.size > 1));
    this._show();
  }

  /** @param {Api.PersonaOut} persona */
  _toggle(persona) {
    const { name } = persona;
    if (!this.several) {
      this.mix = new Map([[name, 1]]);
    } else if (this.mix.has(name)) {
      if (this.mix.size > 1) this.mix.delete(name);
    } else {
      if (this.mix.size >= MOST) this.mix.delete([...this.mix.keys()][0]);
      this.mix.set(name, [...this.mix.values()].reduce((sum, share) => sum + share, 0) / this.mix.size);
    }
    this._show();
    this.hint.textContent = about(persona);
    this.onchange?.();
  }

  _show() {
    for (const chip of /** @type {HTMLCollectionOf<HTMLElement>} */ (this.chips.children))
      chip.setAttribute("aria-pressed", String(this.mix.has(chip.dataset.persona)));
    this.box.hidden = this.mix.size < 2;
    if (this.mix.size < 2) {
      this.box.replaceChildren();
      return;
    }
    const most = Math.max(...this.mix.values());
    this.box.replaceChildren(...[...this.mix].map(([name, share]) => {
      const id = `share-${name}`;
      const slider = h("input", { type: "range", id, min: 0.05, max: 1, step: 0.05, value: share / most });
      const out = h("output", { for: id });
      slider.addEventListener("input", () => {
        this.mix.set(name, +slider.value * most);
        this._shares();
        this.onchange?.();
      });
      return h("div", { class: "mix-row" }, h("label", { for: id }, words(name)), slider, out);
    }));
    this._shares();
  }

  _shares() {
    const total = [...this.mix.values()].reduce((sum, share) => sum + share, 0) || 1;
    const shares = [...this.mix.values()];
    [...this.box.children].forEach((row, i) => {
      const percent = `${Math.round((100 * shares[i]) / total)} %`;
      const slider = row.querySelector("input");
      row.querySelector("output").textContent = percent;
      slider.setAttribute("aria-valuetext", percent);
      paintTrack(slider);
    });
  }
}

/**
 * What a persona's music is usually like, in a sentence.
 *
 * @param {Api.PersonaOut} persona
 */
function about(persona) {
  const mode = persona.minor > 0.6 ? "mostly minor" : persona.minor < 0.4 ? "mostly major" : "major and minor alike";
  return `${words(persona.name)}: ${mode}, often in ${persona.metre}, around ${persona.tempo} quarter notes a minute.`;
}
