// The page Learn: its pictures, each moved by the control beside it. What they show stands in #learn-data.
import { at } from "./api.js";
import { paintTrack } from "./controls.js";
import { $, h, words } from "./dom.js";
import { MoodPlane } from "./moodpad.js";
import { Player } from "./player.js";
import { Roll } from "./roll.js";

/**
 * What the page shows, as learning.py puts it into the page.
 *
 * @typedef {{photo: string, style: string | null, picture: string, word: string, valence: number, arousal: number}} FeltPicture
 * @type {{moods: MoodWords, vectors: {[style: string]: number[]},
 *   made: {strengths: {style: string}, felt: FeltPicture[], piece: Music & {tonic: number}}}}
 */
const { moods, made, vectors } = JSON.parse($("learn-data").textContent);
const NAMES = ["C", "D♭", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"];

// -- strength -------------------------------------------------------------------------------------------------

function strength() {
  const slider = $("strength-slider"), pictures = [...$("strength-pictures").children];
  const captions = ["0 %: the photo as it was", "25 %: the colours begin to turn", "50 %: half a photo, half a painting",
    "75 %: the strokes take over", "100 %: the whole manner"];
  const show = () => {
    pictures.forEach((picture, i) => {
      const here = i === Number(slider.value);
      picture.classList.toggle("is-away", !here);
      if (here) picture.removeAttribute("aria-hidden");
      else picture.setAttribute("aria-hidden", "true");
    });
    $("strength-said").textContent = `${captions[Number(slider.value)]} (${words(made.strengths.style)}, van Gogh).`;
    slider.setAttribute("aria-valuetext", captions[Number(slider.value)]);
    paintTrack(slider);
  };
  slider.addEventListener("input", show);
  show();
}

// -- style vectors --------------------------------------------------------------------------------------------

/**
 * @param {number[]} one
 * @param {number[]} two
 * @param {number} share of the second
 */
function mixed(one, two, share) {
  return one.map((x, i) => x * (1 - share) + two[i] * share);
}

/**
 * @param {number[]} one
 * @param {number[]} two
 */
function likeness(one, two) {
  const dot = (/** @type {number[]} */ a, /** @type {number[]} */ b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
  return dot(one, two) / Math.sqrt(dot(one, one) * dot(two, two));
}

function styleVectors() {
  const one = $("vector-one"), two = $("vector-two"), mix = $("vector-mix"), canvas = $("vector-picture");
  const draw = () => {
    const numbers = mixed(vectors[one.value], vectors[two.value], Number(mix.value));
    const { clientWidth: width, clientHeight: height } = canvas;
    if (!width) return;
    const scale = Math.min(devicePixelRatio || 1, 3);
    canvas.width = width * scale;
    canvas.height = height * scale;
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    const style = getComputedStyle(canvas);
    const [up, down] = [style.getPropertyValue("--accent"), style.getPropertyValue("--cool")];
    const columns = width < 480 ? 32 : 64, rows = 128 / columns;
    const wide = (width - 24) / columns, tall = (height - 24) / rows;
    numbers.forEach((x, i) => {
      const long = Math.max(1, Math.min(1, Math.abs(x) / 220) * (tall / 2 - 4));
      const left = 12 + (i % columns) * wide, middle = 12 + (Math.floor(i / columns) + 0.5) * tall;
      context.fillStyle = x > 0 ? up : down;
      context.fillRect(left + 1, x > 0 ? middle - long : middle, Math.max(wide - 2, 1.5), long);
    });
  };
  const say = () => {
    const share = Number(mix.value);
    $("swatch-one").src = at(`/static/img/styles/${one.value}.webp`);
    $("swatch-two").src = at(`/static/img/styles/${two.value}.webp`);
    const title = (/** @type {HTMLSelectElement} */ select) => select.selectedOptions[0].textContent;
    const alike = likeness(vectors[one.value], vectors[two.value]);
    const near = alike > 0.35 ? "rather alike" : alike < -0.05 ? "opposed in much" : "of little in common";
    $("vector-said").textContent = one.value === two.value
      ? `${title(one)}, and nothing else.`
      : `${Math.round(100 * (1 - share))} % ${title(one)}, ${Math.round(100 * share)} % ${title(two)}. The two are ${near} (${alike.toFixed(2)}, where 1 is the same).`;
    mix.setAttribute("aria-valuetext", `${Math.round(100 * share)} % of the other`);
    paintTrack(mix);
    draw();
  };
  for (const control of [one, two, mix]) control.addEventListener("input", say);
  new ResizeObserver(draw).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  say();
}

// -- moods ----------------------------------------------------------------------------------------------------

/** @type {{[photo: string]: string}} */
const PHOTOS = { astronaut: "The astronaut", chelsea: "The cat", coffee: "The coffee", rocket: "The rocket" };

function feltPlane() {
  const plane = new MoodPlane($("felt-plane"), moods);
  const buttons = made.felt.map((felt) => {
    const name = felt.style ? `${PHOTOS[felt.photo]}, painted as ${words(felt.style)}` : `${PHOTOS[felt.photo]}, the photo`;
    const picture = h("img", { src: `/static/img/learn/${felt.picture}`, alt: "", width: 144, height: 144 });
    const button = h("button", { type: "button", class: `felt-picture${felt.style ? "" : " is-photo"}`, "aria-label": name, "aria-pressed": "false" }, picture);
    button.addEventListener("click", () => {
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
      $("felt-said").replaceChildren(h("strong", {}, name), ` feels ${felt.word}: valence ${felt.valence.toFixed(2)}, arousal ${felt.arousal.toFixed(2)}.`);
    });
    plane.place(button, felt.valence, felt.arousal);
    return button;
  });
}

// -- endings and keys -----------------------------------------------------------------------------------------

function ending() {
  const { piece } = made;
  const bars = piece.bars, last = bars.length - 1; // the last is where the piece ends
  const half = (bars[last - 2] + bars[last - 1]) / 2;
  const marks = [
    { from: half, to: bars[last - 1], text: "dominant" },
    { from: bars[last - 1], to: bars[last], text: "home" },
  ];
  new Player($("piece"), { sound: at("/static/img/learn/piece.mp3"), music: piece, title: "the example", marks });
}

function keys() {
  const { piece } = made;
  // The highest line of the first two bars is enough of a melody.
  const inside = piece.notes.filter(([start]) => start < piece.bars[2] - 0.05);
  const line = inside.filter(([start, , pitch]) => inside.every(([s, , p]) => Math.abs(s - start) > 0.06 || p <= pitch));
  /**
   * @param {number} shift semitones
   * @returns {Music}
   */
  const melody = (shift) => ({
    seconds: piece.bars[2], bars: piece.bars.slice(0, 3), notes: line.map(([s, d, p, v, part]) => [s, d, p + shift, v, part]),
  });
  const roll = new Roll($("home-roll"), melody(0), { label: "The melody as a piano roll" });
  const pitches = line.map((note) => note[2]);
  const show = () => {
    const shift = Number($("home").value);
    const tonic = (((piece.tonic + shift) % 12) + 12) % 12;
    roll.load(melody(shift));
    // One window for all keys, so that the melody is seen to move.
    roll.low = Math.min(...pitches) - 8;
    roll.high = Math.max(...pitches) + 7;
    roll.draw();
    $("home").setAttribute("aria-valuetext", `${NAMES[tonic]} major`);
    paintTrack($("home"));
    const cell = (/** @type {string} */ text) => h("td", {}, text);
    const names = pitches.map((p) => cell(NAMES[(p + shift) % 12]));
    const numbers = pitches.map((p) => cell(String((((p - piece.tonic) % 12) + 12) % 12)));
    $("note-names").replaceChildren(h("th", { scope: "row" }, `In ${NAMES[tonic]} major`), ...names);
    $("note-numbers").replaceChildren(h("th", { scope: "row" }, "From home"), ...numbers);
  };
  $("home").addEventListener("input", show);
  show();
}

// -- proof ----------------------------------------------------------------------------------------------------

function proof() {
  const sealed = $("sealed").value;
  const show = async () => {
    if (!crypto.subtle) {
      $("print").textContent = "This browser computes it only on this very computer (localhost) or over https.";
      return;
    }
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode($("sealed").value));
    const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    $("print").textContent = hex.replace(/.{8}/g, "$& ").trim();
    const whole = $("sealed").value === sealed;
    $("seal").classList.toggle("is-broken", !whole);
    const text = whole ? "The seal holds: this is what was signed." : "The seal is broken: this is not what was signed.";
    if ($("seal").textContent !== text) $("seal").textContent = text;
  };
  $("sealed").addEventListener("input", show);
  show();
}

strength();
styleVectors();
feltPlane();
ending();
keys();
proof();
