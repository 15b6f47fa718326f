// The plane of moods, valence across and arousal up, each from -1 to 1: as a picture with words at their places, a
// point and how sure it is (`MoodPlane`), and as a pad on which a point is chosen (`MoodPad`).
//
// The pad is two ordinary sliders laid over each other: a keyboard and a screen reader meet those, a finger meets the
// plane. Left and right move along the first, up and down along the second, whichever has the focus.

const NEAR = 0.09; // a press this near to a word's place means the word

const clamped = (/** @type {number} */ x) => Math.min(1, Math.max(-1, x));
const percent = (/** @type {number} */ x) => `${50 + 50 * clamped(x)}%`;

/**
 * The word whose place is nearest to a point.
 *
 * @param {MoodWords} words
 * @param {number} valence
 * @param {number} arousal
 */
export function nearest(words, valence, arousal) {
  let best = "", least = Infinity;
  for (const [word, [v, a]] of Object.entries(words)) {
    const far = Math.hypot(v - valence, a - arousal);
    if (far < least) [best, least] = [word, far];
  }
  return best;
}

/**
 * A number with its sign, for people: +0.3, −0.25, 0.
 *
 * @param {number} x
 */
export function signed(x) {
  const shown = String(Math.abs(Math.round(x * 100) / 100));
  return x > 0.004 ? `+${shown}` : x < -0.004 ? `−${shown}` : "0";
}

export class MoodPlane {
  /**
   * @param {HTMLElement} element an empty box
   * @param {MoodWords} words
   */
  constructor(element, words) {
    this.element = element;
    this.words = words;
    element.classList.add("plane");
    for (const [name, text] of [["up", "exciting"], ["down", "calm"], ["left", "unpleasant"], ["right", "pleasant"]])
      this._add("span", `plane-end plane-${name}`, text);
    /** @type {Map<string, HTMLElement>} */
    this.labels = new Map();
    const taken = new Set();
    for (const [word, [v, a]] of Object.entries(words)) {
      const place = `${v},${a}`;
      if (taken.has(place) || (v === 0 && a === 0)) continue; // two words at one place, and the cross in the middle
      taken.add(place);
      const label = this._add("span", "plane-word", word);
      this._put(label, v, a);
      label.classList.toggle("is-high", a > 0.6);
      this.labels.set(word, label);
    }
    this.ring = this._add("span", "plane-ring");
    this.dot = this._add("span", "plane-dot");
    this.ring.hidden = this.dot.hidden = true;
    new ResizeObserver(() => this._spread()).observe(element);
    document.fonts?.ready.then(() => this._spread());
  }

  /**
   * Show a point; spread: standard deviations of both numbers, drawn as an ellipse around it.
   *
   * @param {number} valence
   * @param {number} arousal
   * @param {number[] | null} spread
   */
  show(valence, arousal, spread = null) {
    this.dot.hidden = false;
    this._put(this.dot, valence, arousal);
    this.ring.hidden = !spread;
    if (spread) {
      this._put(this.ring, valence, arousal);
      this.ring.style.width = `${100 * spread[0]}%`;
      this.ring.style.height = `${100 * spread[1]}%`;
    }
    const word = nearest(this.words, valence, arousal);
    for (const [name, label] of this.labels) label.classList.toggle("is-near", name === word);
  }

  clear() {
    this.dot.hidden = this.ring.hidden = true;
    for (const label of this.labels.values()) label.classList.remove("is-near");
  }

  /**
   * Put an element of the page's own at a point.
   *
   * @param {HTMLElement} child
   * @param {number} valence
   * @param {number} arousal
   */
  place(child, valence, arousal) {
    this.element.append(child);
    this._put(child, valence, arousal);
  }

  /**
   * @param {string} tag
   * @param {string} name
   */
  _add(tag, name, text = "") {
    const made = document.createElement(tag);
    made.className = name;
    made.textContent = text;
    made.setAttribute("aria-hidden", "true");
    this.element.append(made);
    return made;
  }

  /**
   * @param {HTMLElement} child
   * @param {number} valence
   * @param {number} arousal
   */
  _put(child, valence, arousal) {
    child.style.left = percent(valence);
    child.style.top = percent(-arousal);
  }

  /** Move words that would lie on each other, or leave the plane, a little. */
  _spread() {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (!width) return;
    /** @type {{x: number, y: number, w: number}[]} */
    const put = [];
    for (const label of this.labels.values()) {
      const w = label.offsetWidth, h = label.offsetHeight;
      const [v, a] = this.words[label.textContent];
      const x = Math.min(width - w / 2 - 4, Math.max(w / 2 + 4, (width * (1 + v)) / 2));
      const y = (height * (1 - a)) / 2;
      const free = (/** @type {number} */ dy) => put.every((p) => Math.abs(p.x - x) >= (p.w + w) / 2 + 2 || Math.abs(p.y - y - dy) >= h - 4);
      const dy = [0, 1, -1, 2, -2, 3, -3].map((step) => (step * h) / 2).find(free) ?? 0;
      put.push({ x, y: y + dy, w });
      label.style.left = `${x}px`;
      label.style.top = `${Math.min(height - h / 2 - 2, Math.max(h / 2 + 2, y + dy))}px`;
    }
  }
}

/** A plane to choose on. Sends `change` with {valence, arousal, word}, or null when nothing is asked. */
export class MoodPad extends MoodPlane {
  /**
   * across, up: the two sliders, labelled; both are moved into the plane.
   *
   * @param {HTMLElement} element
   * @param {MoodWords} words
   * @param {HTMLInputElement} across
   * @param {HTMLInputElement} up
   */
  constructor(element, words, across, up) {
    super(element, words);
    /** @type {MoodPoint | null} */
    this.value = null;
    this.sliders = [across, up];
    element.classList.add("is-pad");
    for (const slider of this.sliders) {
      slider.classList.add("plane-slider");
      slider.min = "-1";
      slider.max = "1";
      slider.step = "0.05";
      element.append(slider);
      slider.addEventListener("input", () => this._set(+across.value, +up.value));
      slider.addEventListener("keydown", (event) => this._key(event));
    }
    this.dot.hidden = false;
    element.addEventListener("pointerdown", (event) => this._press(event));
    this.clear();
  }

  /**
   * Choose a point, or nothing (null). quiet: without an event.
   *
   * @param {MoodPoint | null} value
   */
  set(value, quiet = false) {
    if (value === null) this.clear();
    else this._set(value.valence, value.arousal, value.word, true);
    if (!quiet) this._tell();
  }

  clear() {
    super.clear();
    this.value = null;
    if (!this.sliders) return;
    this.dot.hidden = false;
    this.dot.classList.add("is-unset");
    this._put(this.dot, 0, 0);
    for (const slider of this.sliders) {
      slider.value = "0";
      slider.setAttribute("aria-valuetext", "no mood asked for");
    }
  }

  /**
   * @param {number} valence
   * @param {number} arousal
   * @param {string | null} word
   */
  _set(valence, arousal, word = null, quiet = false) {
    const v = clamped(Math.round(valence * 100) / 100), a = clamped(Math.round(arousal * 100) / 100);
    const exact = Object.entries(this.words).find(([, place]) => place[0] === v && place[1] === a);
    this.value = { valence: v, arousal: a, word: word ?? exact?.[0] ?? null };
    this.dot.classList.remove("is-unset");
    this.show(v, a);
    const near = this.value.word ?? `near ${nearest(this.words, v, a)}`;
    for (const [slider, x] of /** @type {[HTMLInputElement, number][]} */ ([[this.sliders[0], v], [this.sliders[1], a]])) {
      slider.value = String(x);
      slider.setAttribute("aria-valuetext", `${signed(x)}, ${near}`);
    }
    if (!quiet) this._tell();
  }

  _tell() {
    this.element.dispatchEvent(new CustomEvent("change", { detail: this.value, bubbles: true }));
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    const [across, up] = this.sliders;
    /** @type {{[key: string]: [HTMLInputElement, number]}} */
    const aims = { ArrowLeft: [across, -1], ArrowRight: [across, 1], ArrowDown: [up, -1], ArrowUp: [up, 1] };
    const aim = aims[event.key];
    if (!aim) return;
    event.preventDefault();
    const [slider, way] = aim;
    slider.focus();
    slider.value = String(+slider.value + way * (event.shiftKey ? 0.2 : 0.05));
    this._set(+across.value, +up.value);
  }

  /** @param {PointerEvent} event */
  _press(event) {
    if (event.button) return;
    event.preventDefault();
    const box = this.element.getBoundingClientRect();
    const follow = (/** @type {PointerEvent} */ moved) => {
      const v = clamped(((moved.clientX - box.left) / box.width) * 2 - 1);
      const a = clamped(1 - ((moved.clientY - box.top) / box.height) * 2);
      const word = nearest(this.words, v, a);
      const [wv, wa] = this.words[word];
      if (Math.hypot(wv - v, wa - a) < NEAR) this._set(wv, wa, word);
      else this._set(v, a);
    };
    const stop = () => {
      this.element.removeEventListener("pointermove", follow);
      this.element.removeEventListener("pointerup", stop);
      this.element.removeEventListener("pointercancel", stop);
    };
    this.element.setPointerCapture(event.pointerId);
    this.element.addEventListener("pointermove", follow);
    this.element.addEventListener("pointerup", stop);
    this.element.addEventListener("pointercancel", stop);
    this.sliders[0].focus({ preventScroll: true });
    // A word that was moved aside is pressed where it stands, not where its place is.
    const pressed = /** @type {HTMLElement} */ (event.target).closest(".plane-word");
    if (pressed) this._set(...this.words[pressed.textContent], pressed.textContent);
    else follow(event);
  }
}
