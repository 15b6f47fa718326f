// Bars of a piece composed anew: chosen on the roll or by number, and the versions that come of it, one beside the other.
import { FORMAT } from "./compose_form.js";
import { $, h } from "./dom.js";
import { toast } from "./toast.js";

const VERSIONS = "flamingo-versions"; // of each piece: the jobs that made it, in order
const SOLO = [["", "Both hands"], ["right", "The right hand"], ["left", "The left hand"]];
const BAND = [["", "Everybody"], ["melody", "The melody"], ["accompaniment", "The accompaniment"]];

/** @typedef {import("./piece.js").PieceView} PieceView */

/**
 * What asks for bars of a piece anew, in the manner in which it was asked for, by another seed.
 *
 * @param {JobParameters} parameters of the job that made the piece, or changed it last
 * @param {FileRef} file the piece as MIDI
 * @returns {JobParameters}
 */
export function anew({ persona, bars, part, temperature, top_p, min_p, room, width, loudness }, file) {
  const seed = Math.floor(Math.random() * 2 ** 31);
  return { persona, bars, part, temperature, top_p, min_p, room, width, loudness, edit: [file], seed, format: FORMAT };
}

export class Redo {
  /**
   * @param {PieceView} view the piece
   * @param {(parameters: JobParameters) => Promise<string | null>} compose asks for a job, and gives its id
   * @param {(id: string) => void} go shows another job
   */
  constructor(view, compose, go) {
    this.view = view;
    this.compose = compose;
    this.go = go;
    /** @type {{time: number, playing: boolean} | null} */
    this.heard = null; // where the version before was, so that the next goes on from there
    for (const field of [$("redo-first"), $("redo-last")]) field.addEventListener("input", () => this._mark());
    $("redo-go").addEventListener("click", () => this._compose());
    document.addEventListener("keydown", (event) => {
      const typing = event.target instanceof HTMLElement && event.target.matches("input:not([type=range]), select, textarea");
      if (event.key.toLowerCase() !== "v" || event.ctrlKey || event.metaKey || event.altKey || typing) return;
      const others = this.versions.filter((id) => id !== this.view.job?.id);
      if (!others.length || $("redo").hidden) return;
      const at = this.versions.indexOf(this.view.job.id);
      this._to(at === this.versions.length - 1 ? this.versions[at - 1] : this.versions.at(-1));
    });
  }

  /** The jobs that made this piece, of which each changed the one before. */
  get versions() {
    return this._all().find((chain) => chain.includes(this.view.job?.id)) ?? [];
  }

  /** @returns {string[][]} */
  _all() {
    return JSON.parse(sessionStorage.getItem(VERSIONS) || "[]");
  }

  /** Show it for the piece that is shown now, whose notes are on the roll. */
  show() {
    const { job, take, player } = this.view;
    const midi = take?.mid ?? take?.midi;
    $("redo").hidden = !midi || !player?.roll || player.roll.music.bars.length < 2;
    if ($("redo").hidden) return;
    const bars = String(this._bars);
    $("redo-first").max = $("redo-last").max = bars;
    const solo = new Set(player.roll.music.notes.map((note) => note[4])).size < 2 || job.parameters.instrument === "piano";
    $("redo-part").replaceChildren(...(solo ? SOLO : BAND).map(([value, text]) => h("option", { value }, text)));
    player.roll.onchoose = (first, last) => {
      $("redo-first").value = String(first + 1);
      $("redo-last").value = String(last + 1);
      this._mark();
    };
    this._showVersions();
    if (this.heard) {
      player.seek(this.heard.time);
      if (this.heard.playing) player.play();
      this.heard = null;
    }
  }

  get _bars() {
    return this.view.player.roll.music.bars.length - 1;
  }

  /** The bars that are chosen, counted from 0; null where the fields name none. @returns {[number, number] | null} */
  get _chosen() {
    const first = $("redo-first").valueAsNumber, last = $("redo-last").valueAsNumber || first;
    const named = Number.isInteger(first) && Number.isInteger(last) && 1 <= first && first <= last && last <= this._bars;
    return named ? [first - 1, last - 1] : null;
  }

  _mark() {
    this.view.player?.choose(this._chosen);
  }

  async _compose() {
    const chosen = this._chosen;
    if (!chosen) {
      toast(`Choose bars from 1 to ${this._bars}: draw over the roll with Shift held, or write them.`, { bad: true });
      $("redo-first").focus();
      return;
    }
    const { job, take } = this.view;
    const midi = take.mid ?? take.midi;
    const parameters = anew(job.parameters, { sha256: midi.sha256, name: midi.name });
    parameters.bars = `${chosen[0] + 1}-${chosen[1] + 1}`;
    parameters.part = $("redo-part").value || null;
    const before = job.id;
    const made = await this.compose(parameters);
    if (made) this._remember(before, made);
  }

  /**
   * @param {string} before
   * @param {string} made
   */
  _remember(before, made) {
    const chains = this._all();
    const chain = chains.find((ids) => ids.includes(before));
    if (chain && !chain.includes(made)) chain.push(made);
    else if (!chain) chains.push([before, made]);
    sessionStorage.setItem(VERSIONS, JSON.stringify(chains.slice(-20)));
  }

  /** @param {string} id */
  _to(id) {
    const audio = this.view.player?.audio;
    this.heard = audio ? { time: audio.currentTime, playing: !audio.paused } : null;
    this.go(id);
  }

  _showVersions() {
    const here = this.view.job.id;
    $("versions-row").hidden = this.versions.length < 2;
    $("versions").replaceChildren(...this.versions.map((id, i) => h("button", {
      type: "button", class: "chip", "aria-pressed": String(id === here), onclick: () => this._to(id),
    }, `Version ${i + 1}`)));
  }
}
