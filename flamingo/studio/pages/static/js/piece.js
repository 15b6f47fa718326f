// A composed piece on a page: to be heard, seen, saved and graded; of several variations, one at a time.
import { get } from "./api.js";
import { $, bytes, h, icon, words } from "./dom.js";
import { inWords } from "./personas.js";
import { Player } from "./player.js";
import { fail } from "./toast.js";

/** The results of a piece, by kind of file.
 * @typedef {{[kind: string]: Result}} Variation */

/** @type {{[kind: string]: string}} */
const KINDS = {
  mp3: "Sound, MP3", ogg: "Sound, Ogg", flac: "Sound, FLAC", wav: "Sound, WAV", mid: "MIDI", midi: "MIDI",
  musicxml: "Notation, MusicXML", svg: "Score, SVG", pdf: "Score, PDF", png: "Piano roll, PNG",
};
const SOUNDS = ["mp3", "ogg", "flac", "wav"];

/**
 * "Ab major" as musicians write it: A♭ major.
 *
 * @param {string} key
 */
export const keyName = (key) => key.replace(/^([A-G])b/, "$1♭").replace(/^([A-G])#/, "$1♯");

const kind = (/** @type {Result} */ result) => result.name.split(".").at(-1).toLowerCase();

/**
 * The results of a compose job, by variation: [{mp3: result, mid: result, ...}, ...].
 *
 * @param {Job} job
 */
export function variations(job) {
  /** @type {Map<string, Variation>} */
  const byStem = new Map();
  for (const result of job.results) {
    const stem = result.name.replace(/\.[^.]*$/, "");
    if (!byStem.has(stem)) byStem.set(stem, {});
    byStem.get(stem)[kind(result)] = result;
  }
  return [...byStem.values()];
}

/**
 * The one of a variation's results that can be heard.
 *
 * @param {Variation} variation
 */
export const sound = (variation) => SOUNDS.map((name) => variation[name]).find(Boolean);

/**
 * A player in `element` for a variation of a job, its roll once the notes are there.
 *
 * @param {HTMLElement} element
 * @param {Job} job
 * @param {Variation} variation
 * @param {string} title
 * @param {(music: Api.NotesOut) => void} [onmusic] called once the notes are there
 */
export function playerOf(element, job, variation, title, onmusic) {
  const heard = sound(variation);
  if (!heard) return null;
  const { form = [] } = heard.about;
  const player = new Player(element, { sound: heard.url, title, form, tools: true });
  const midi = variation.mid ?? variation.midi;
  if (midi) {
    get(`/api/jobs/${job.id}/results/${midi.index}/notes`).then((/** @type {Api.NotesOut} */ music) => {
      player.show(music);
      onmusic?.(music);
    }).catch(fail);
  }
  return player;
}

export class PieceView {
  /**
   * @param {HTMLElement} element the page's article with the parts that compose.html names
   * @param {{onchoose?: () => void, onmusic?: (music: Api.NotesOut) => void}} options onchoose: another variation is
   *   shown; onmusic: its notes are there
   */
  constructor(element, { onchoose, onmusic } = {}) {
    this.onchoose = onchoose;
    this.onmusic = onmusic;
    this.element = element;
    /** @type {Player | null} */
    this.player = null;
    /** @type {Job | null} */
    this.job = null;
    /** @type {Variation[]} */
    this.takes = [];
    /** @type {Variation | null} */
    this.take = null; // the one that is shown
  }

  hide() {
    this.element.hidden = true;
    this.player?.end();
    this.player = null;
  }

  /** @param {Job} job */
  show(job) {
    this.job = job;
    this.takes = variations(job);
    const chips = this.takes.map((_, i) =>
      h("button", { type: "button", class: "chip", "aria-pressed": "false", onclick: () => this.choose(i) }, `Variation ${i + 1}`));
    $("takes").replaceChildren(...chips);
    $("takes").hidden = this.takes.length < 2;
    this.element.hidden = !this.takes.length;
    if (this.takes.length) this.choose(0);
  }

  /** What is graded: the sound that is played now. */
  get graded() {
    return { music: { job: this.job.id, result: sound(this.take)?.index ?? Object.values(this.take)[0].index } };
  }

  /** @param {number} number from 0 */
  choose(number) {
    this.take = this.takes[number];
    [...$("takes").children].forEach((chip, i) => chip.setAttribute("aria-pressed", String(i === number)));
    const first = Object.values(this.take)[0];
    const about = first.about;
    $("piece-title").textContent = about.title || "Your piece";
    $("piece-by").textContent = `In the persona of ${inWords(this.job.parameters.persona)}`;
    this.player?.end();
    this.player = playerOf($("player"), this.job, this.take, about.title || "the piece", this.onmusic);
    $("player").hidden = !this.player;
    this._facts(about);
    const original = $("originality");
    original.hidden = !about.originality;
    original.replaceChildren(icon(about.original ? "check" : "eye"), h("span", {}, about.originality || ""));
    original.classList.toggle("is-original", Boolean(about.original));
    const remarks = [...new Set([...(about.remarks || []), ...first.notes])];
    $("remarks").hidden = !remarks.length;
    $("remarks").replaceChildren(...remarks.map((text) => h("li", {}, text)));
    this._downloads();
    this.onchoose?.();
    const score = this.take.svg;
    $("sheet").hidden = !score;
    if (score) {
      $("score").src = score.url;
      $("score").alt = `Score of ${about.title || "the piece"}`;
    }
  }

  /** @param {About} about */
  _facts(about) {
    const keys = (about.sections || []).map((section) => keyName(section.key));
    /** @type {[string, unknown][]} */
    const rows = [
      ["Key", keys.length > 1 ? keys.join(" → ") : keyName(about.key)],
      ["By way of", [...new Set((about.excursions || []).map((away) => keyName(away.key)))].join(", ") || null],
      ["Metre", about.metre],
      ["Tempo", Math.round(about.tempo)],
      ["Bars", about.bars],
      ["Lasts", `${Number(about.lasts).toFixed(1)} s`],
    ];
    const known = rows.filter(([, value]) => value !== undefined && value !== null);
    $("facts").replaceChildren(...known.map(([name, value]) =>
      h("div", {}, h("dt", {}, name), h("dd", {}, String(value)))));
  }

  _downloads() {
    const links = Object.entries(this.take).map(([name, result]) =>
      h("a", { class: "button", href: `${result.url}?download=true`, download: result.name, title: bytes(result.size) },
        icon("download"), KINDS[name] || words(name)));
    if (this.job.results.length > 1)
      links.push(h("a", { class: "button", href: `/api/jobs/${this.job.id}/zip`, download: true }, icon("download"), "All of it"));
    $("downloads").replaceChildren(...links);
  }
}
