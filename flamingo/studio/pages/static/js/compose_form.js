// The form of the page Compose: what it holds as the parameters of `compose`, and a request shown in it again.
import { thumbnailUrl, upload } from "./api.js";
import { controls } from "./controls.js";
import { $, field, h } from "./dom.js";
import { dropzone } from "./dropzone.js";
import { MoodPad, nearest, signed } from "./moodpad.js";
import { Personas } from "./personas.js";
import { fail, say } from "./toast.js";

export const FORMAT = ["mp3", "mid", "musicxml", "pdf", "svg", "png"];

/** @typedef {FileRef & {thumbnail?: string | null}} Shown */

export class ComposeForm {
  /**
   * form: the page's form; onchange(): called after each change by a person.
   *
   * @param {HTMLFormElement} form
   * @param {() => void} onchange
   */
  constructor(form, onchange) {
    this.form = form;
    this.onchange = onchange;
    /** @type {Shown[]} */
    this.photos = [];
    /** @type {FileRef | null} */
    this.begin = null; // the music that it goes on from
    this.sending = 0; // files that are on their way
    /** @type {MoodWords} */
    this.words = JSON.parse($("moods").textContent);
    this.personas = new Personas($("personas"), $("mix"), $("persona-hint"), $("persona-mixing"), onchange);
    this.pad = new MoodPad($("pad"), this.words, $("across"), $("up"));
    this.controls = controls(form, { onchange });
    field(form, "seconds").value = String(Number(field(form, "seconds").value)); // 30, not 30.0
    this._bands();
    this._mood();
    this._files();
  }

  load() {
    return this.personas.load();
  }

  /** The body of POST /api/compose. */
  get parameters() {
    /** @type {import("./controls.js").ControlValues} */
    const body = { persona: this.personas.value, ...this.controls.values(), format: FORMAT };
    const way = this.way, point = this.pad.value;
    if (way === "photo" && this.photos.length) body.photo = this.photos.map(named);
    if (way === "words" && $("words").value.trim()) body.words = $("words").value.trim();
    if (way === "pad" && point?.word) body.mood = point.word;
    else if (way === "pad" && point) Object.assign(body, { valence: point.valence, arousal: point.arousal });
    if (this.begin) body.continue_from = [named(this.begin)];
    return body;
  }

  /**
   * Show a request. parameters: as the body; photo and continue_from may also be found in `inputs`.
   *
   * @param {JobParameters} parameters
   * @param {{[option: string]: Shown[]}} inputs
   */
  fill(parameters, inputs = {}) {
    this.personas.value = parameters.persona || "beethoven";
    this.controls.fill(parameters);
    this.photos = parameters.photo ?? inputs.photo ?? [];
    [this.begin = null] = parameters.continue_from ?? inputs.continue_from ?? [];
    $("words").value = parameters.words ?? "";
    this.way = this.photos.length ? "photo" : parameters.words ? "words" : "pad";
    const { mood, valence, arousal } = parameters;
    if (mood && this.words[mood]) {
      this.pad.set({ valence: this.words[mood][0], arousal: this.words[mood][1], word: mood }, true);
    } else if (valence != null || arousal != null) {
      this.pad.set({ valence: valence ?? 0, arousal: arousal ?? 0, word: null }, true);
    } else this.pad.set(null, true);
    this._saidMood();
    this._showPhotos();
    this._showBegin();
    this._showBand();
  }

  get way() {
    return field(this.form, "mood_from").value;
  }

  set way(way) {
    field(this.form, "mood_from").value = way;
    for (const part of this.form.querySelectorAll("[data-way]")) part.hidden = part.dataset.way !== way;
  }

  /** @param {number} seed */
  set seed(seed) {
    const input = field(this.form, "seed");
    input.value = String(seed);
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** @returns {HTMLElement[]} */
  get _chips() {
    return [...$("bands").querySelectorAll("[data-band]")];
  }

  _bands() {
    for (const chip of this._chips) {
      chip.addEventListener("click", () => {
        $("instrument").value = chip.dataset.band;
        $("instrument").dispatchEvent(new Event("input", { bubbles: true }));
      });
    }
    $("instrument").addEventListener("input", () => this._showBand());
    this._showBand();
  }

  _showBand() {
    const playing = $("instrument").value.replaceAll(" ", "");
    for (const chip of this._chips) chip.setAttribute("aria-pressed", String(chip.dataset.band === playing));
  }

  _mood() {
    /** @type {NodeListOf<HTMLInputElement>} */
    const radios = this.form.querySelectorAll("input[name=mood_from]");
    for (const radio of radios) {
      radio.addEventListener("change", () => {
        this.way = radio.value;
        this.onchange();
      });
    }
    $("pad").addEventListener("change", (event) => {
      if (event.target !== $("pad")) return;
      this._saidMood();
      this.onchange();
    });
    $("pad-clear").addEventListener("click", () => {
      this.pad.set(null);
      $("across").focus();
    });
    $("words").addEventListener("input", this.onchange);
  }

  _saidMood() {
    const point = this.pad.value;
    $("pad-clear").hidden = !point;
    $("pad-word").textContent = !point ? "as the persona likes" : point.word
      ?? `near ${nearest(this.words, point.valence, point.arousal)} (${signed(point.valence)}, ${signed(point.arousal)})`;
  }

  _files() {
    dropzone($("photos"), {
      onfiles: async (files) => {
        this.way = "photo";
        this.sending += files.length;
        for (const file of files) {
          try {
            this.photos = [...this.photos, await upload(file)];
            say(`${file.name} is there`);
          } catch (error) {
            fail(error);
          } finally {
            this.sending -= 1;
          }
          this._showPhotos();
        }
        this.onchange();
      },
    });
    $("begin-choose").addEventListener("click", () => $("begin-file").click());
    $("begin-clear").addEventListener("click", () => {
      this.begin = null;
      this._showBegin();
      this.onchange();
      $("begin-choose").focus();
    });
    $("begin-file").addEventListener("change", async () => {
      const [file] = $("begin-file").files;
      $("begin-file").value = "";
      if (!file) return;
      try {
        this.sending += 1;
        this.begin = await upload(file);
        this._showBegin();
        this.onchange();
      } catch (error) {
        fail(error);
      } finally {
        this.sending -= 1;
      }
    });
  }

  _showPhotos() {
    $("photo-list").replaceChildren(...this.photos.map((photo, i) =>
      h("button", {
        type: "button", class: "thumb", "aria-label": `Leave out ${photo.name || `photo ${i + 1}`}`,
        onclick: () => {
          this.photos = this.photos.filter((other) => other !== photo);
          this._showPhotos();
          this.onchange();
        },
      }, h("img", { src: photo.thumbnail || thumbnailUrl(photo.sha256, 128), alt: photo.name || "" }))));
  }

  _showBegin() {
    $("begin-with").hidden = $("begin-clear").hidden = !this.begin;
    $("begin-with").textContent = this.begin ? `Begins with ${this.begin.name}` : "";
  }
}

const named = (/** @type {FileRef} */ { sha256, name }) => ({ sha256, name });
