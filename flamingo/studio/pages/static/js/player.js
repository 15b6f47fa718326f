// A player of one piece: a button, the time, and its piano roll, which follows and seeks. Made in an empty element, so
// that every page that has music shows it the same way.

import { Roll, clock } from "./roll.js";

const PLAY = "M8 5.5v13l11-6.5z", PAUSE = "M8 5.5h3v13H8zM13.5 5.5h3v13h-3z";
/** @type {Set<Player>} */
const players = new Set(); // one at a time is heard

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} name
 * @param {object} more
 * @returns {HTMLElementTagNameMap[Tag]}
 */
function made(tag, name, more = {}) {
  return Object.assign(document.createElement(tag), { className: name, ...more });
}

export class Player {
  /**
   * element: an empty box; sound: address of the audio; music: {seconds, bars, notes}, or null while unknown.
   *
   * @param {HTMLElement} element
   * @param {{sound: string, music?: Music | null, title?: string, marks?: Mark[]}} options
   */
  constructor(element, { sound, music = null, title = "the piece", marks = [] }) {
    this.title = title;
    this.marks = marks;
    /** @type {Roll | null} */
    this.roll = null;
    this.audio = new Audio();
    this.audio.preload = "metadata";
    this.audio.src = sound;
    this.button = made("button", "button main round player-button", { type: "button" });
    const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    icon.setAttribute("viewBox", "0 0 24 24");
    icon.setAttribute("aria-hidden", "true");
    icon.setAttribute("class", "player-icon");
    this.path = icon.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "path"));
    this.button.append(icon);
    this.shown = made("span", "player-time");
    const bar = made("div", "player-bar");
    bar.append(this.button, this.shown);
    this.canvas = made("canvas", "roll");
    this.canvas.hidden = true;
    element.replaceChildren(bar, this.canvas, this.audio);
    element.classList.add("player");
    this.bar = bar;
    this.button.addEventListener("click", () => this.toggle());
    for (const name of ["play", "pause", "ended"]) this.audio.addEventListener(name, () => this._changed());
    for (const name of ["timeupdate", "seeked", "loadedmetadata", "durationchange"])
      this.audio.addEventListener(name, () => this._moved());
    this.audio.addEventListener("error", () => {
      this.shown.textContent = "The sound cannot be loaded. Reload the page to try again.";
    });
    players.add(this);
    if (music) this.show(music);
    this._changed();
  }

  get seconds() {
    const lasts = this.audio.duration;
    return Number.isFinite(lasts) ? lasts : (this.roll?.music.seconds ?? 0);
  }

  /**
   * Show the notes, once they are known.
   *
   * @param {Music} music
   */
  show(music) {
    this.canvas.hidden = false;
    const seek = (/** @type {number} */ seconds) => this.seek(seconds);
    this.roll = new Roll(this.canvas, music, { seek, marks: this.marks, label: `Piano roll of ${this.title}` });
    this.canvas.addEventListener("keydown", (event) => {
      if (event.key === " " || event.key === "Enter") {
        event.preventDefault();
        this.toggle();
      }
    });
    this._moved();
  }

  /** @param {number} seconds */
  seek(seconds) {
    this.audio.currentTime = Math.min(seconds, Math.max(0, this.seconds - 0.02));
    this._moved();
  }

  toggle() {
    if (this.audio.paused) this.play();
    else this.audio.pause();
  }

  async play() {
    for (const other of players) if (other !== this) other.audio.pause();
    try {
      await this.audio.play();
    } catch (error) {
      // A browser that lets nothing sound before a press: the button is there for that.
      if (error.name !== "NotAllowedError" && error.name !== "AbortError") throw error;
    }
  }

  end() {
    this.audio.pause();
    this.audio.removeAttribute("src");
    this.roll?.end();
    players.delete(this);
  }

  _changed() {
    const paused = this.audio.paused;
    this.path.setAttribute("d", paused ? PLAY : PAUSE);
    this.button.setAttribute("aria-label", paused ? `Play ${this.title}` : `Pause ${this.title}`);
    if (!paused) this._follow();
    this._moved();
  }

  _follow() {
    this._moved();
    if (!this.audio.paused) requestAnimationFrame(() => this._follow());
  }

  _moved() {
    this.shown.textContent = `${clock(this.audio.currentTime)} / ${clock(this.seconds)}`;
    this.roll?.at(this.audio.currentTime);
  }
}
