// A composed piece on a page: to be heard, seen, saved and graded; of several variations, one at a time.
import { get } from "./api.js";
import { bytes, h, icon, words } from "./dom.js";
import { inWords } from "./personas.js";
import { Player } from "./player.js";
import { fail } from "./toast.js";

const KINDS = {
  mp3: "Sound, MP3", ogg: "Sound, Ogg", flac: "Sound, FLAC", wav: "Sound, WAV", mid: "MIDI", midi: "MIDI",
  musicxml: "Notation, MusicXML", svg: "Score, SVG", pdf: "Score, PDF", png: "Piano roll, PNG",
};
const SOUNDS = ["mp3", "ogg", "flac", "wav"];

/** "Ab major" as musicians write it: A♭ major. */
export const keyName = (key) => key.replace(/^([A-G])b/, "$1♭").replace(/^([A-G])#/, "$1♯");

const kind = (result) => result.name.split(".").at(-1).toLowerCase();

/** The results of a compose job, by variation: [{mp3: result, mid: result, ...}, ...]. */
export function variations(job) {
  const found = new Map();
  for (const result of job.results) {
    const stem = result.name.replace(/\.[^.]*$/, "");
    if (!found.has(stem)) found.set(stem, {});
    found.get(stem)[kind(result)] = result;
  }
  return [...found.values()];
}

/** The one of a variation's results that can be heard. */
export const sound = (variation) => SOUNDS.map((name) => variation[name]).find(Boolean);

/** A player in `element` for a variation of a job, its roll once the notes are there. */
export function playerOf(element, job, variation, title) {
  const heard = sound(variation);
  if (!heard) return null;
  const player = new Player(element, { sound: heard.url, title });
  const midi = variation.mid ?? variation.midi;
  if (midi) {
    get(`/api/jobs/${job.id}/results/${midi.index}/notes`).then((music) => player.show(music)).catch(fail);
  }
  return player;
}

export class PieceView {
  /** element: the page's article with the parts that compose.html names; onchoose(): another variation is shown. */
  constructor(element, { onchoose } = {}) {
    this.onchoose = onchoose;
    this.element = element;
    this.part = (id) => element.querySelector(`#${id}`);
    this.player = null;
  }

  hide() {
    this.element.hidden = true;
    this.player?.end();
    this.player = null;
  }

  show(job) {
    this.job = job;
    this.takes = variations(job);
    const chips = this.takes.map((_, i) =>
      h("button", { type: "button", class: "chip", "aria-pressed": "false", onclick: () => this.choose(i) }, `Variation ${i + 1}`));
    this.part("takes").replaceChildren(...chips);
    this.part("takes").hidden = this.takes.length < 2;
    this.element.hidden = !this.takes.length;
    if (this.takes.length) this.choose(0);
  }

  /** What is graded: the sound that is played now. */
  get graded() {
    return { music: { job: this.job.id, result: sound(this.take)?.index ?? Object.values(this.take)[0].index } };
  }

  choose(number) {
    this.take = this.takes[number];
    [...this.part("takes").children].forEach((chip, i) => chip.setAttribute("aria-pressed", String(i === number)));
    const first = Object.values(this.take)[0];
    const about = first.about;
    this.part("piece-title").textContent = about.title || "Your piece";
    this.part("piece-by").textContent = `In the persona of ${inWords(this.job.parameters.persona)}`;
    this.player?.end();
    this.player = playerOf(this.part("player"), this.job, this.take, about.title || "the piece");
    this.part("player").hidden = !this.player;
    this._facts(about);
    const original = this.part("originality");
    original.hidden = !about.originality;
    original.replaceChildren(icon(about.original ? "check" : "eye"), h("span", {}, about.originality || ""));
    original.classList.toggle("is-original", Boolean(about.original));
    const remarks = [...new Set([...(about.remarks || []), ...first.notes])];
    this.part("remarks").hidden = !remarks.length;
    this.part("remarks").replaceChildren(...remarks.map((text) => h("li", {}, text)));
    this._downloads();
    this.onchoose?.();
    const score = this.take.svg;
    this.part("sheet").hidden = !score;
    if (score) {
      this.part("score").src = score.url;
      this.part("score").alt = `Score of ${about.title || "the piece"}`;
    }
  }

  _facts(about) {
    const keys = (about.sections || []).map((section) => keyName(section.key));
    const rows = [
      ["Key", keys.length > 1 ? keys.join(" → ") : keyName(about.key)],
      ["By way of", [...new Set((about.excursions || []).map((away) => keyName(away.key)))].join(", ") || null],
      ["Metre", about.metre],
      ["Tempo", Math.round(about.tempo)],
      ["Bars", about.bars],
      ["Lasts", `${Number(about.lasts).toFixed(1)} s`],
    ];
    const told = rows.filter(([, value]) => value !== undefined && value !== null);
    this.part("facts").replaceChildren(...told.map(([name, value]) =>
      h("div", {}, h("dt", {}, name), h("dd", {}, String(value)))));
  }

  _downloads() {
    const links = Object.entries(this.take).map(([name, result]) =>
      h("a", { class: "button", href: `${result.url}?download=true`, download: result.name, title: bytes(result.size) },
        icon("download"), KINDS[name] || words(name)));
    if (this.job.results.length > 1)
      links.push(h("a", { class: "button", href: `/api/jobs/${this.job.id}/zip`, download: true }, icon("download"), "All of it"));
    this.part("downloads").replaceChildren(...links);
  }
}
