// A piano roll on a canvas that plays along: notes as bars on a keyboard that lies on its side, bar lines, and a line
// where the music is. A press or the arrow keys go to a place; keys light up as they sound.
//
// Notes are [start in seconds, how long, MIDI pitch, velocity, part], as GET /api/jobs/ID/results/N/notes gives them.

const BLACK = new Set([1, 3, 6, 8, 10]);
const KEYS = 38; // width of the keyboard at the left
const STRIP = 20; // height of the names of a form's sections, under the notes
const LEAST = 22; // pixels a second, below which the roll moves along instead of showing everything

/**
 * "1:05" of 65.2 seconds.
 *
 * @param {number} seconds
 */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds + 0.05));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** @typedef {(value: number) => number} Scale from seconds, or from pitches, to pixels */
/** @typedef {{paper: string, sunk: string, ink: string, soft: string, line: string, edge: string, accent: string,
 *   font: string, parts: string[]}} RollColours */

export class Roll {
  /** canvas: sized by its style; music: {seconds, bars, notes}; seek(seconds) is called when a place is chosen.
      marks: [{from, to, text}] stretches to name. form: sections to name under the notes. label: what a screen
      reader calls it.

      @param {HTMLCanvasElement} canvas
      @param {Music} music
      @param {{seek?: ((seconds: number) => void) | null, marks?: Mark[], form?: FormSection[],
        label?: string}} options */
  constructor(canvas, music, { seek = null, marks = [], form = [], label = "Piano roll" } = {}) {
    this.canvas = canvas;
    this.marks = marks;
    this.form = form;
    this.time = 0;
    this.scale = 0; // pixels of the canvas for each of the page
    this.low = this.high = 0; // the pitches that are seen
    /** @type {RollColours | null} */
    this.colours = null;
    this.onseek = seek;
    /** @type {((first: number, last: number) => void) | null} */
    this.onchoose = null; // called with bars, counted from 0, that are drawn over with Shift held
    canvas.tabIndex = seek ? 0 : -1;
    canvas.setAttribute("role", seek ? "slider" : "img");
    canvas.setAttribute("aria-label", label);
    this.music = music;
    this.load(music);
    if (seek) {
      canvas.addEventListener("pointerdown", (event) => this._press(event));
      canvas.addEventListener("keydown", (event) => this._key(event));
    }
    this.observer = new ResizeObserver(() => this._fit());
    this.observer.observe(canvas);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.recolour = () => { this.colours = null; this.draw(); };
    this.scheme.addEventListener("change", this.recolour);
  }

  /**
   * Show other notes.
   *
   * @param {Music} music
   */
  load(music) {
    this.music = music;
    const pitches = music.notes.map((n) => n[2]);
    this.low = pitches.length ? Math.min(...pitches) - 2 : 58;
    this.high = Math.max(pitches.length ? Math.max(...pitches) + 2 : 74, this.low + 14);
    if (this.onseek) {
      this.canvas.setAttribute("aria-valuemin", "0");
      this.canvas.setAttribute("aria-valuemax", String(Math.round(music.seconds)));
    }
    this.at(this.time);
  }

  /**
   * Move the line to a time, in seconds.
   *
   * @param {number} seconds
   */
  at(seconds) {
    this.time = Math.min(Math.max(0, seconds), this.music.seconds);
    if (this.onseek) {
      const bar = this.music.bars.findLastIndex((start) => start <= this.time + 1e-3) + 1;
      const of = Math.max(1, this.music.bars.length - 1);
      this.canvas.setAttribute("aria-valuenow", String(Math.round(this.time)));
      this.canvas.setAttribute("aria-valuetext", `${clock(this.time)}, bar ${Math.min(Math.max(bar, 1), of)} of ${of}`);
    }
    this.draw();
  }

  end() {
    this.observer.disconnect();
    this.scheme.removeEventListener("change", this.recolour);
  }

  _fit() {
    const { clientWidth, clientHeight } = this.canvas;
    const scale = Math.min(window.devicePixelRatio || 1, 3);
    this.canvas.width = Math.round(clientWidth * scale);
    this.canvas.height = Math.round(clientHeight * scale);
    this.scale = scale;
    this.draw();
  }

  /** @returns {RollColours} */
  _colours() {
    if (!this.colours) {
      const style = getComputedStyle(this.canvas);
      const of = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
      this.colours = {
        paper: of("--card"), sunk: of("--sunk"), ink: of("--ink"), soft: of("--soft"), line: of("--line"),
        edge: of("--edge"), accent: of("--accent"), font: `12px ${of("--sans") || "sans-serif"}`,
        parts: [of("--part-0"), of("--part-1"), of("--part-2"), of("--part-3")],
      };
    }
    return this.colours;
  }

  /**
   * The first second that is seen, and how many are.
   *
   * @param {number} width
   */
  _window(width) {
    const all = this.music.seconds || 1;
    const seen = Math.min(all, (width - KEYS) / LEAST);
    return [Math.min(Math.max(0, this.time - seen * 0.3), all - seen), seen];
  }

  draw() {
    const context = this.canvas.getContext("2d");
    const width = this.canvas.clientWidth, height = this.canvas.clientHeight;
    if (!width || !this.scale) return;
    const c = this._colours();
    context.setTransform(this.scale, 0, 0, this.scale, 0, 0);
    context.fillStyle = c.paper;
    context.fillRect(0, 0, width, height);
    const [first, seen] = this._window(width);
    const row = (height - (this.form.length ? STRIP : 0)) / (this.high - this.low + 1);
    const x = (/** @type {number} */ seconds) => KEYS + ((seconds - first) / seen) * (width - KEYS - 4);
    const y = (/** @type {number} */ pitch) => (this.high - pitch) * row;
    context.save();
    context.beginPath();
    context.rect(KEYS, 0, width - KEYS, height);
    context.clip();
    this._ground(context, c, x, y, row, width, height);
    this._notes(context, c, x, y, row);
    this._form(context, c, x, height);
    this._line(context, c, x(this.time), height);
    context.restore();
    this._keyboard(context, c, y, row, height);
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {RollColours} c
   * @param {Scale} x
   * @param {Scale} y
   * @param {number} row
   * @param {number} width
   * @param {number} height
   */
  _ground(context, c, x, y, row, width, height) {
    for (let pitch = this.low; pitch <= this.high; pitch++) {
      if (!BLACK.has(pitch % 12)) continue;
      context.fillStyle = c.sunk;
      context.globalAlpha = 0.55;
      context.fillRect(KEYS, y(pitch), width, row);
    }
    for (const [i, mark] of this.marks.entries()) {
      context.globalAlpha = 0.13;
      context.fillStyle = c.accent;
      context.fillRect(x(mark.from), 0, x(mark.to) - x(mark.from), height);
      context.globalAlpha = 1;
      context.font = c.font;
      context.textAlign = "center";
      context.fillText(mark.text, (x(mark.from) + x(mark.to)) / 2, 16 + 15 * (i % 2));
    }
    context.globalAlpha = 1;
    context.strokeStyle = c.line;
    context.lineWidth = 1;
    context.beginPath();
    for (const bar of this.music.bars) {
      const at = Math.round(x(bar)) + 0.5;
      context.moveTo(at, 0);
      context.lineTo(at, height);
    }
    context.stroke();
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {RollColours} c
   * @param {Scale} x
   * @param {Scale} y
   * @param {number} row
   */
  _notes(context, c, x, y, row) {
    const thick = Math.max(row - 1, 4);
    for (const [start, lasts, pitch, velocity, part] of this.music.notes) {
      const left = x(start), wide = Math.max(x(start + lasts) - left - 1, 2);
      const sounds = start <= this.time && this.time < start + lasts && this.time > 0;
      context.globalAlpha = sounds ? 1 : 0.5 + (0.5 * velocity) / 127;
      context.fillStyle = sounds ? c.accent : c.parts[part % c.parts.length];
      context.beginPath();
      context.roundRect(left, y(pitch) + (row - thick) / 2, wide, thick, Math.min(thick / 2, 4));
      context.fill();
    }
    context.globalAlpha = 1;
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {RollColours} c
   * @param {Scale} x
   * @param {number} height
   */
  _form(context, c, x, height) {
    const { bars, seconds } = this.music;
    const top = height - STRIP;
    context.font = c.font;
    context.textAlign = "left";
    context.textBaseline = "middle";
    for (const { name, bar, bars: count } of this.form) {
      const left = x(bars[bar - 1] ?? seconds), right = x(bars[bar - 1 + count] ?? seconds);
      context.fillStyle = c.sunk;
      context.fillRect(left + 1, top + 1, right - left - 2, STRIP - 1);
      context.fillStyle = c.soft;
      // A name that has no room is cut to its first letter, or left out.
      const fits = [name, name[0].toUpperCase()].find((text) => context.measureText(text).width + 8 < right - left);
      if (fits) context.fillText(fits, left + 5, top + STRIP / 2 + 1);
    }
    context.textBaseline = "alphabetic";
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {RollColours} c
   * @param {number} at
   * @param {number} height
   */
  _line(context, c, at, height) {
    context.fillStyle = c.accent;
    context.fillRect(at - 1, 0, 2, height);
    context.beginPath();
    context.moveTo(at - 6, 0);
    context.lineTo(at + 6, 0);
    context.lineTo(at, 8);
    context.fill();
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {RollColours} c
   * @param {Scale} y
   * @param {number} row
   * @param {number} height
   */
  _keyboard(context, c, y, row, height) {
    const sounding = new Set();
    for (const [start, lasts, pitch] of this.music.notes)
      if (start <= this.time && this.time < start + lasts && this.time > 0) sounding.add(pitch);
    context.fillStyle = c.paper;
    context.fillRect(0, 0, KEYS, height);
    for (let pitch = this.low; pitch <= this.high; pitch++) {
      const black = BLACK.has(pitch % 12);
      if (sounding.has(pitch)) context.fillStyle = c.accent;
      else if (black) context.fillStyle = c.edge;
      else continue;
      context.fillRect(0, y(pitch), black ? KEYS * 0.42 : KEYS - 2, Math.max(row - 0.5, 1));
    }
    context.fillStyle = c.soft;
    context.font = c.font;
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (let pitch = Math.ceil(this.low / 12) * 12; pitch <= this.high; pitch += 12)
      context.fillText(`C${pitch / 12 - 1}`, KEYS - 5, y(pitch) + row / 2);
    context.textBaseline = "alphabetic";
    context.fillStyle = c.line;
    context.fillRect(KEYS - 1, 0, 1, height);
  }

  /**
   * Mark bars, counted from 0, both included; null for none.
   *
   * @param {[number, number] | null} bars
   */
  mark(bars) {
    const lines = this.music.bars;
    const text = bars && (bars[0] === bars[1] ? `bar ${bars[0] + 1}` : `bars ${bars[0] + 1} to ${bars[1] + 1}`);
    this.marks = bars ? [{ from: lines[bars[0]], to: lines[bars[1] + 1] ?? this.music.seconds, text }] : [];
    this.draw();
  }

  /** @param {PointerEvent} event */
  _press(event) {
    if (event.button) return;
    const time = (/** @type {PointerEvent} */ moved) => {
      const box = this.canvas.getBoundingClientRect();
      const [first, seen] = this._window(box.width);
      const share = (moved.clientX - box.left - KEYS) / (box.width - KEYS - 4);
      return Math.min(Math.max(0, first + share * seen), this.music.seconds);
    };
    const bar = (/** @type {number} */ seconds) =>
      Math.min(Math.max(this.music.bars.findLastIndex((line) => line <= seconds), 0), this.music.bars.length - 2);
    const choosing = event.shiftKey && this.onchoose;
    const begun = bar(time(event));
    const follow = (/** @type {PointerEvent} */ moved) => {
      if (!choosing) {
        this.onseek(time(moved));
        return;
      }
      const now = bar(time(moved));
      this.onchoose(Math.min(begun, now), Math.max(begun, now));
    };
    this.canvas.setPointerCapture(event.pointerId);
    const stop = () => this.canvas.removeEventListener("pointermove", follow);
    this.canvas.addEventListener("pointermove", follow);
    this.canvas.addEventListener("pointerup", stop, { once: true });
    this.canvas.addEventListener("pointercancel", stop, { once: true });
    follow(event);
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    const { bars, seconds } = this.music;
    const bar = Math.max(bars.findLastIndex((start) => start <= this.time + 0.02), 0);
    /** @type {{[key: string]: number}} */
    const goes = {
      ArrowRight: this.time + 1, ArrowUp: this.time + 1, ArrowLeft: this.time - 1, ArrowDown: this.time - 1,
      PageDown: bars[bar + 1] ?? seconds, PageUp: bars[Math.max(bar - 1, 0)] ?? 0, Home: 0, End: seconds - 0.05,
    };
    if (!(event.key in goes)) return;
    event.preventDefault();
    this.onseek(Math.min(Math.max(0, goes[event.key]), seconds));
  }
}
