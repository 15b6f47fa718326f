// A player of one piece: a button, the time, and its piano roll, which follows and seeks. Made in an empty element, so
// that every page that has music shows it the same way.

import { Metronome } from "./metronome.js";
import { Roll, clock } from "./roll.js";

const PLAY = "M8 5.5v13l11-6.5z", PAUSE = "M8 5.5h3v13H8zM13.5 5.5h3v13h-3z";
/** @type {Set<Player>} */
const players = new Set(); // one at a time is heard
const SPEEDS = [0.5, 0.7, 0.85, 1, 1.15, 1.3, 1.5];
const VOLUME = "flamingo-volume";

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
   * element: an empty box; sound: address of the audio; music: {seconds, bars, notes}, or null while unknown;
   * form: the sections of its form, to be named under its roll; tools: whether it can be slowed down, played in a loop, with a metronome, softer.
   *
   * @param {HTMLElement} element
   * @param {{sound: string, music?: Music | null, title?: string, marks?: Mark[], form?: FormSection[],
   *   tools?: boolean}} options
   */
  constructor(element, { sound, music = null, title = "the piece", marks = [], form = [], tools = false }) {
    this.title = title;
    this.marks = marks;
    this.form = form;
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
    /** @type {[number, number] | null} */
    this.loop = null; // seconds between which it goes round
    this.looping = false;
    /** @type {Metronome | null} */
    this.metronome = null;
    this.counting = false;
    if (tools) bar.append(this._tools());
    this.canvas = made("canvas", "roll");
    this.canvas.hidden = true;
    element.replaceChildren(bar, this.canvas, this.audio);
    element.classList.add("player");
    this.bar = bar;
    this.button.addEventListener("click", () => this.toggle());
    for (const name of ["play", "pause", "ended"]) this.audio.addEventListener(name, () => this._changed());
    this.audio.addEventListener("ended", () => {
      if (!this.looping || !this.loop) return; // the last bars are chosen
      this.seek(this.loop[0]);
      this.play();
    });
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
    const label = `Piano roll of ${this.title}`;
    this.roll = new Roll(this.canvas, music, { seek, marks: this.marks, form: this.form, label });
    this.canvas.addEventListener("keydown", (event) => {
      if (event.key === " " || event.key === "Enter") {
        event.preventDefault();
        this.toggle();
      }
    });
    this._moved();
  }

  /** Speed without pitch, a loop, a metronome and the volume. */
  _tools() {
    const tools = made("div", "player-tools");
    const speed = made("select", "player-speed", { title: "Speed; the pitch stays" });
    speed.setAttribute("aria-label", "Speed");
    for (const rate of SPEEDS) speed.append(new Option(`${rate}×`, String(rate), rate === 1, rate === 1));
    this.audio.preservesPitch = true;
    speed.addEventListener("change", () => { this.audio.playbackRate = Number(speed.value); });
    const loop = this._switch("Loop", "Go round: the bars that are chosen, or the whole piece", (on) => {
      this.looping = on;
      this.audio.loop = on && !this.loop;
    });
    const count = this._switch("Metronome", "Click on every beat", (on) => {
      this.counting = on;
      if (on && this.roll) this.metronome ??= new Metronome(this.audio, this.roll.music);
      this.metronome?.reset();
    });
    const volume = made("input", "player-volume", { type: "range", min: "0", max: "1", step: "0.05" });
    volume.setAttribute("aria-label", "Volume");
    volume.value = localStorage.getItem(VOLUME) ?? "1";
    const set = () => { this.audio.volume = Number(volume.value); };
    volume.addEventListener("input", () => {
      set();
      localStorage.setItem(VOLUME, volume.value);
    });
    set();
    tools.append(speed, loop, count, volume);
    return tools;
  }

  /**
   * @param {string} text
   * @param {string} title
   * @param {(on: boolean) => void} onchange
   */
  _switch(text, title, onchange) {
    const button = made("button", "chip", { type: "button", textContent: text, title });
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(on));
      onchange(on);
    });
    return button;
  }

  /**
   * Bars, counted from 0, both included, that are marked, and gone round if it goes round; null for none.
   *
   * @param {[number, number] | null} bars
   */
  choose(bars) {
    const lines = this.roll?.music.bars ?? [];
    this.loop = bars ? [lines[bars[0]], lines[bars[1] + 1] ?? this.seconds] : null;
    this.audio.loop = this.looping && !this.loop;
    this.roll?.mark(bars);
  }

  /** @param {number} seconds */
  seek(seconds) {
    this.audio.currentTime = Math.min(seconds, Math.max(0, this.seconds - 0.02));
    this.metronome?.reset();
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
    this.metronome?.end();
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
    const now = this.audio.currentTime;
    if (this.looping && this.loop && (now >= this.loop[1] - 0.02 || now < this.loop[0] - 0.05)) this.seek(this.loop[0]);
    if (this.counting) this.metronome?.follow();
    this._moved();
    if (!this.audio.paused) requestAnimationFrame(() => this._follow());
  }

  _moved() {
    this.shown.textContent = `${clock(this.audio.currentTime)} / ${clock(this.seconds)}`;
    this.roll?.at(this.audio.currentTime);
  }
}
