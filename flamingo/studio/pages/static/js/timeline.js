// The storyboard on the page: a line on which shots are as wide as they are long, a card for each, and the fields of the
// one that is chosen.
import { thumbnailUrl } from "./api.js";
import { LEAST, caught, changed, comes, coming, lasting, lasts, moved, restyled, retimed, standing, total, without } from "./board.js";
import { $, h } from "./dom.js";
import { briefly, partsOf } from "./manner.js";
import { say } from "./toast.js";

/** @type {{[key: string]: number}} */
const WAYS = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1 };
const WIDEST = 16000; // pixels of a line, which a canvas can still be
const CATCH = 9; // pixels within which a border is caught by a beat
const seconds = (/** @type {number} */ value) => `${value.toFixed(1)} s`;
const clock = (/** @type {number} */ at) => `${Math.floor(at / 60)}:${(at % 60).toFixed(1).padStart(4, "0")}`;

/** Wire film.html's storyboard. onchange(board): a person has changed it; styles(): the named styles that can be chosen,
    [{name, title}]. Gives {show, clear, board, playing}.

    @param {{onchange: (board: Storyboard) => void, styles: (board: Storyboard) => {name: string, title: string}[]}} options */
export function timeline({ onchange, styles }) {
  /** @type {Storyboard | null} */
  let board = null;
  /** @type {string[]} */
  let past = [];
  /** @type {Map<string, string>} */
  let files = new Map(); // photo's name -> sha256
  /** @type {number[]} */
  let beats = [];
  /** @type {number[]} */
  let bars = [];
  let chosen = 0;

  /**
   * Show a storyboard. inputs: of the job that planned it; beats, bars: seconds.
   *
   * @param {Storyboard} storyboard
   * @param {{inputs?: {[option: string]: FileRef[]}, beats?: number[], bars?: number[]}} plan
   */
  function show(storyboard, { inputs = {}, beats: heard = [], bars: counted = [] } = {}) {
    board = storyboard;
    past = [];
    chosen = 0;
    files = new Map((inputs.photos || []).map((file) => [file.name, file.sha256]));
    beats = heard;
    bars = counted;
    draw();
  }
  /** @param {Storyboard} edited */
  function change(edited, words = "") {
    past.push(JSON.stringify(board));
    if (past.length > 200) past.shift();
    board = edited;
    draw();
    onchange(board);
    if (words) say(words);
  }
  $("undo").addEventListener("click", () => {
    board = JSON.parse(past.pop());
    chosen = Math.min(chosen, board.shots.length - 1);
    draw();
    onchange(board);
    say("Undone");
    if ($("undo").disabled) $("board-title").focus({ preventScroll: true });
  });

  // -- drawing

  const called = (/** @type {Shot} */ shot) => shot.photo.split("/").at(-1);
  const manner = (/** @type {Shot} */ shot) => (shot.style.length ? briefly(partsOf({ style: shot.style }, { painting: (board.manner?.paintings || []).map((name) => ({ name })) })) : "The photo itself");

  /** @param {Shot} shot */
  function address(shot) {
    const sha256 = files.get(shot.photo) || files.get(called(shot));
    return sha256 ? thumbnailUrl(sha256, 192) : "";
  }

  function draw() {
    const { shots } = board;
    $("undo").disabled = !past.length;
    $("board-said").textContent = `${shots.length} shots, ${clock(total(board))}${bars.length ? `, ${bars.length} bars` : ""}`;
    scale();
    const kept = /** @type {HTMLElement[]} */ ([...$("shots").children]);
    $("shots").replaceChildren(...shots.map((shot, i) => card(shot, i, kept[i])));
    $("line").querySelectorAll(".piece, .border").forEach((element) => element.remove());
    $("line").append(...shots.map(piece), ...shots.slice(1).map((_, i) => border(i)));
    fields();
  }
  function scale() {
    const wide = Math.min(WIDEST, Math.max(board.shots.length * 40, total(board) * 12));
    $("line").style.minWidth = `${wide}px`;
    ticks();
  }
  const percent = (/** @type {number} */ at) => `${(100 * at) / total(board)}%`;

  /**
   * @param {Shot} shot
   * @param {number} i
   */
  function piece(shot, i) {
    const element = h("span", { class: `piece${i === chosen ? " chosen" : ""}`, "aria-hidden": "true" });
    element.style.left = percent(shot.start);
    element.style.width = percent(lasts(shot));
    if (address(shot)) element.style.backgroundImage = `url("${address(shot)}")`;
    if (shot.fade) element.append(fade(shot));
    element.addEventListener("click", () => choose(i));
    return element;
  }

  /** @param {Shot} shot */
  function fade(shot) {
    const element = h("i", { class: "fade" });
    element.style.width = `${Math.min(100, (100 * shot.fade) / lasts(shot))}%`;
    return element;
  }

  /** @param {number} i */
  function border(i) {
    const near = i === chosen || i + 1 === chosen;
    const element = h("span", { class: "border", role: "slider", tabindex: near ? 0 : -1, "data-border": i, "aria-label": `End of shot ${i + 1}`, "aria-orientation": "horizontal" });
    place(element, i);
    element.addEventListener("pointerdown", (event) => drag(event, element, i));
    element.addEventListener("keydown", (event) => {
      const way = WAYS[event.key];
      if (!way) return;
      event.preventDefault();
      const at = board.shots[i].end;
      const next = way > 0 ? beats.find((beat) => beat > at + 0.01) : beats.findLast((beat) => beat < at - 0.01);
      change(retimed(board, i, event.shiftKey && next !== undefined ? next : at + way * 0.1));
      $("line").querySelector(`[data-border="${i}"]`).focus();
    });
    return element;
  }

  /**
   * @param {HTMLElement} element
   * @param {number} i
   */
  function place(element, i) {
    const { end } = board.shots[i];
    element.style.left = percent(end);
    element.setAttribute("aria-valuemin", (board.shots[i].start + LEAST).toFixed(2));
    element.setAttribute("aria-valuemax", (board.shots[i + 1].end - LEAST).toFixed(2));
    element.setAttribute("aria-valuenow", end.toFixed(2));
    element.setAttribute("aria-valuetext", `${clock(end)}${beats.some((beat) => Math.abs(beat - end) < 0.02) ? ", on a beat" : ""}`);
  }

  /**
   * @param {PointerEvent} event
   * @param {HTMLElement} element
   * @param {number} i
   */
  function drag(event, element, i) {
    event.preventDefault();
    element.setPointerCapture(event.pointerId);
    element.focus();
    const before = board;
    const width = $("line").clientWidth;
    const move = (/** @type {PointerEvent} */ now) => {
      const at = ((now.clientX - $("line").getBoundingClientRect().left) / width) * total(before);
      board = retimed(before, i, caught(at, beats, (CATCH / width) * total(before)));
      place(element, i);
      $("line").querySelectorAll(".piece").forEach((each, n) => { each.style.left = percent(board.shots[n].start); each.style.width = percent(lasts(board.shots[n])); });
    };
    const end = () => {
      element.removeEventListener("pointermove", move);
      const after = board;
      board = before;
      if (after !== before) change(after);
    };
    element.addEventListener("pointermove", move);
    element.addEventListener("lostpointercapture", end, { once: true });
  }
  function ticks() {
    const canvas = $("beats");
    const width = canvas.clientWidth;
    if (!width) return;
    canvas.width = Math.min(WIDEST, width * devicePixelRatio);
    canvas.height = canvas.clientHeight * devicePixelRatio;
    const pen = canvas.getContext("2d");
    const scaled = canvas.width / total(board);
    const { color, borderColor } = getComputedStyle(canvas);
    const stroke = (/** @type {number} */ at, /** @type {number} */ height, /** @type {string} */ colour) => { pen.fillStyle = colour; pen.fillRect(Math.round(at * scaled), 0, Math.max(1, devicePixelRatio), height * canvas.height); };
    if (beats.length * 5 < width) for (const beat of beats) stroke(beat, 0.16, borderColor);
    if (bars.length * 5 < width) for (const bar of bars) stroke(bar, 0.36, color);
    pen.fillStyle = color;
    pen.font = `${12 * devicePixelRatio}px ${getComputedStyle(document.body).fontFamily}`;
    pen.textBaseline = "bottom";
    const step = [1, 2, 5, 10, 30, 60, 300].find((each) => (each / total(board)) * width > 54) || 600;
    for (let at = step; at < total(board) - step / 2; at += step) {
      pen.textAlign = "center";
      pen.fillText(clock(at).replace(/\.0$/, ""), at * scaled, canvas.height);
    }
  }

  /**
   * @param {Shot} shot
   * @param {number} i
   * @param {HTMLElement | undefined} kept the card that it had, which it keeps if nothing has changed
   */
  function card(shot, i, kept) {
    const content = JSON.stringify([shot, i, i === chosen, address(shot), board.shots.length]);
    if (kept?.dataset.content === content) return kept;
    const fresh = h("li", { class: "shot", draggable: "true", "data-content": content },
      h("button", { class: "shot-pick", type: "button", "aria-pressed": String(i === chosen), "aria-label": `Shot ${i + 1} of ${board.shots.length}: ${called(shot)}, ${seconds(lasts(shot))}` },
        h("span", { class: "shot-frame" }, address(shot) ? h("img", { src: address(shot), alt: "", loading: "lazy", draggable: "false" }) : h("span", { class: "shot-unknown" }, called(shot)), h("span", { class: "badge" }, String(i + 1)))),
      h("span", { class: "shot-time" }, h("strong", {}, seconds(lasts(shot))), ` at ${clock(shot.start)}${i ? `, ${shot.transition}` : ""}`),
      shot.caption && h("span", { class: "shot-caption" }, shot.caption),
      h("span", { class: "shot-style" }, manner(shot)));
    fresh.querySelector("button").addEventListener("click", () => choose(i));
    fresh.addEventListener("dragstart", (event) => { event.dataTransfer.setData("text/x-shot", String(i)); event.dataTransfer.effectAllowed = "move"; fresh.classList.add("dragged"); });
    fresh.addEventListener("dragend", () => fresh.classList.remove("dragged"));
    fresh.addEventListener("dragover", (event) => { if (event.dataTransfer.types.includes("text/x-shot")) { event.preventDefault(); fresh.classList.add("over"); } });
    fresh.addEventListener("dragleave", () => fresh.classList.remove("over"));
    fresh.addEventListener("drop", (event) => {
      fresh.classList.remove("over");
      const from = event.dataTransfer.getData("text/x-shot");
      if (from === "") return;
      event.preventDefault();
      move(Number(from), i);
    });
    return fresh;
  }

  // -- one shot

  /** @param {number} i */
  function choose(i) {
    chosen = i;
    const held = document.activeElement?.closest("#shots");
    draw();
    if (held) $("shots").querySelectorAll(".shot-pick")[i].focus();
    $("line").querySelectorAll(".piece")[i].scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /**
   * @param {number} from
   * @param {number} to
   */
  function move(from, to) {
    const name = called(board.shots[from]);
    if (to < 0 || to >= board.shots.length || to === from) return;
    chosen = to;
    change(moved(board, from, to), `${name} is shot ${to + 1} of ${board.shots.length} now`);
  }
  function fields() {
    const shot = board.shots[chosen];
    $("editor").hidden = false;
    $("editor-title").textContent = $("editor-name").textContent = `Shot ${chosen + 1}: ${called(shot)}`;
    if (document.activeElement !== $("shot-caption")) $("shot-caption").value = shot.caption;
    $("shot-seconds").value = String(Number(lasts(shot).toFixed(2)));
    $("shot-transition").value = shot.transition;
    $("shot-transition").disabled = chosen === 0;
    $("earlier").disabled = chosen === 0;
    $("later").disabled = chosen === board.shots.length - 1;
    $("leave-out").disabled = board.shots.length < 3;
    /** @type {Map<string, string>} */
    const named = new Map([["[]", "The photo itself"], ...styles(board).map((style) => /** @type {[string, string]} */ ([JSON.stringify([style.name]), style.title]))]);
    for (const each of board.shots) named.set(JSON.stringify(each.style), manner(each));
    $("shot-style").replaceChildren(...[...named].map(([value, title]) => h("option", { value }, title)));
    $("shot-style").value = JSON.stringify(shot.style);
    const { strength, way } = coming(shot);
    $("shot-strength").value = String(Number(strength.toFixed(2)));
    $("shot-coming").value = way;
    $("shot-strength").disabled = $("shot-coming").disabled = !shot.style.length;
    $("camera-back").disabled = $("camera-still").disabled = same(...shot.camera);
  }
  const same = (/** @type {View} */ one, /** @type {View} */ other) => /** @type {const} */ (["x", "y", "zoom"]).every((name) => one[name] === other[name]);
  const how = (/** @type {Partial<ReturnType<typeof coming>>} */ values) => change(changed(board, chosen, comes({ ...coming(board.shots[chosen]), ...values })));
  $("shot-strength").addEventListener("change", () => {
    const wanted = $("shot-strength").valueAsNumber;
    if (Number.isFinite(wanted)) how({ strength: wanted });
    fields();
  });
  $("shot-coming").addEventListener("change", () => how({ way: /** @type {import("./board.js").Way} */ ($("shot-coming").value) }));
  $("camera-back").addEventListener("click", () => change(changed(board, chosen, { camera: /** @type {[View, View]} */ ([...board.shots[chosen].camera].reverse()) }), "The camera goes the other way"));
  $("camera-still").addEventListener("click", () => { change(changed(board, chosen, { camera: standing(board.shots[chosen]) }), "The camera stands still"); $("undo").focus(); });
  $("shot-caption").addEventListener("change", () => change(changed(board, chosen, { caption: $("shot-caption").value.trim() })));
  $("shot-seconds").addEventListener("change", () => {
    const wanted = Number($("shot-seconds").value);
    if (wanted > 0) change(lasting(board, chosen, wanted));
    fields();
  });
  $("shot-transition").addEventListener("change", () => change(changed(board, chosen, { transition: /** @type {Shot["transition"]} */ ($("shot-transition").value) })));
  $("shot-style").addEventListener("change", () => change(changed(board, chosen, { style: JSON.parse($("shot-style").value) })));
  $("style-for-all").addEventListener("click", () => change(restyled(board, JSON.parse($("shot-style").value)), `All shots: ${$("shot-style").selectedOptions[0].textContent}`));
  $("earlier").addEventListener("click", () => { move(chosen, chosen - 1); if ($("earlier").disabled) $("later").focus(); });
  $("later").addEventListener("click", () => { move(chosen, chosen + 1); if ($("later").disabled) $("earlier").focus(); });
  $("leave-out").addEventListener("click", () => {
    const name = called(board.shots[chosen]);
    const edited = without(board, chosen);
    chosen = Math.min(chosen, edited.shots.length - 1);
    change(edited, `${name} is left out`);
    if ($("leave-out").disabled) $("shot-caption").focus();
  });
  new ResizeObserver(() => board && ticks()).observe($("line"));

  /**
   * Mark the shot that is seen at this time; null for none.
   *
   * @param {number | null} at
   */
  function playing(at) {
    $("shots").querySelectorAll(".shot").forEach((element, i) => {
      const shot = board?.shots[i];
      element.classList.toggle("playing", at !== null && Boolean(shot) && at >= shot.start && at < shot.end);
    });
  }
  return { show, playing, clear: () => { board = null; }, board: () => board };
}
