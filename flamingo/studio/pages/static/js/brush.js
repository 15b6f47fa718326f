// The brush: a canvas over the photo on which masks are painted with mouse, finger, pen or arrow keys.
import { paintTrack } from "./controls.js";
import { $, h } from "./dom.js";
import { fail, say } from "./toast.js";


/** Wire the canvas that is laid over `frame` (macros.html's compare) and the tools of paint.html. onstroke(): a mask
    has changed; onclose(): the person is done. Gives {open, close, redraw, opened}.

    @typedef {import("./mask.js").Mask} Mask
    @typedef {[number, number]} Place of the canvas, in pixels
    @param {HTMLElement} frame
    @param {{onstroke: () => void, onclose: () => void}} options */
export function brush(frame, { onstroke, onclose }) {
  const canvas = h("canvas", { class: "mask-canvas", tabindex: 0, role: "application", hidden: true });
  const ring = h("span", { class: "brush-ring", hidden: true });
  frame.append(canvas, ring);
  /** @type {() => {mask: Mask | null, tint: string}[]} */
  let layers = () => []; // of every style
  /** @type {{mask: Mask, title: string} | null} */
  let held = null; // the one that is painted on
  /** @type {{base: HTMLCanvasElement, points: Place[]} | null} */
  let drawing = null;
  /** @type {Place | null} */
  let spot = null; // where the keys have moved the brush

  const tool = () => document.querySelector("[data-tool][aria-pressed=true]").dataset.tool;
  const size = () => (Number($("brush-size").value) / 100) * Math.max(held.mask.canvas.width, held.mask.canvas.height);
  const how = () => ({ size: size(), soft: Number($("brush-soft").value), erase: tool() === "erase" });

  /**
   * @param {{mask: Mask, title: string}} one the mask to paint on, and what goes there
   * @param {() => {mask: Mask | null, tint: string}[]} all
   */
  function open(one, all) {
    layers = all;
    held = one;
    canvas.width = held.mask.canvas.width;
    canvas.height = held.mask.canvas.height;
    canvas.hidden = $("brush").hidden = false;
    frame.classList.add("brushing");
    $("brush-title").textContent = `Where “${one.title}” goes`;
    canvas.setAttribute("aria-label", `Where ${one.title} goes. The arrow keys move the brush, space paints a dot, with shift the arrows paint a line.`);
    spot = [canvas.width / 2, canvas.height / 2];
    redraw();
    $("brush").scrollIntoView({ block: "nearest" });
  }
  function close() {
    if (!held) return;
    held = drawing = null;
    canvas.hidden = ring.hidden = $("brush").hidden = true;
    frame.classList.remove("brushing", "bare");
  }

  function redraw() {
    if (!held) return;
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    const all = layers();
    for (const { mask, tint } of all) {
      if (!mask) continue;
      const layer = h("canvas", { width: canvas.width, height: canvas.height });
      const tinted = layer.getContext("2d");
      tinted.drawImage(mask.canvas, 0, 0, canvas.width, canvas.height);
      tinted.globalCompositeOperation = "source-in";
      tinted.fillStyle = tint;
      tinted.fillRect(0, 0, canvas.width, canvas.height);
      context.globalAlpha = mask !== held.mask ? 0.25 : drawing ? 0.6 : 0.4;
      context.drawImage(layer, 0, 0);
    }
    // Until something is brushed there is a photo to brush on, and no painting that would go away at the first stroke.
    frame.classList.toggle("bare", all.every(({ mask }) => !mask || mask.empty));
    $("brush-undo").disabled = !held.mask.undoable;
    canvas.dataset.share = held.mask.share.toFixed(4);
  }
  function settled() {
    drawing = null;
    held.mask.changed();
    redraw();
    onstroke();
  }

  // -- pointers

  /** @returns {Place} */
  const at = (/** @type {PointerEvent} */ event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * canvas.width, ((event.clientY - box.top) / box.height) * canvas.height];
  };
  /** @param {Place} place */
  function showRing([x, y]) {
    const scale = canvas.clientWidth / canvas.width;
    ring.hidden = false;
    ring.style.width = ring.style.height = `${size() * scale}px`;
    ring.style.translate = `${x * scale}px ${y * scale}px`;
  }
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return;
    event.preventDefault();
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    held.mask.remember();
    drawing = { base: held.mask.copy(), points: [at(event)] };
    trace();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!held || !event.isPrimary) return;
    if (event.pointerType !== "touch" || drawing) showRing(at(event));
    if (!drawing) return;
    for (const each of event.getCoalescedEvents?.() ?? [event]) drawing.points.push(at(each));
    trace();
  });
  for (const kind of /** @type {const} */ (["pointerup", "pointercancel"])) {
    canvas.addEventListener(kind, (event) => {
      if (drawing && event.isPrimary) {
        held.mask.stroke(drawing.base, drawing.points, how()); // the last of it may not have been drawn yet
        settled();
      }
      if (event.pointerType === "touch") ring.hidden = true;
    });
  }
  canvas.addEventListener("pointerleave", () => { if (!drawing) ring.hidden = true; });
  let waiting = false;
  function trace() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      if (!drawing) return;
      held.mask.stroke(drawing.base, drawing.points, how());
      redraw();
    });
  }

  // -- keys

  /** @type {{[key: string]: Place}} */
  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "z") { event.preventDefault(); $("brush-undo").click(); return; }
    const step = STEPS[event.key];
    if (!step && event.key !== " ") return;
    event.preventDefault();
    const from = spot;
    if (step) {
      const far = Math.max(2, size() / 3);
      spot = [Math.min(canvas.width, Math.max(0, spot[0] + step[0] * far)), Math.min(canvas.height, Math.max(0, spot[1] + step[1] * far))];
      canvas.setAttribute("aria-description", `${Math.round((100 * spot[0]) / canvas.width)} % from the left, ${Math.round((100 * spot[1]) / canvas.height)} % from the top`);
    }
    showRing(spot);
    if (step && !event.shiftKey) return;
    held.mask.remember();
    held.mask.stroke(held.mask.copy(), [from, spot], how());
    settled();
  });
  canvas.addEventListener("focus", () => { if (canvas.matches(":focus-visible")) showRing(spot); });
  canvas.addEventListener("blur", () => { ring.hidden = true; });

  // -- tools

  for (const slider of [$("brush-size"), $("brush-soft")]) {
    slider.addEventListener("input", () => paintTrack(slider));
    paintTrack(slider);
  }
  for (const button of document.querySelectorAll("[data-tool]")) {
    button.addEventListener("click", () => {
      for (const each of document.querySelectorAll("[data-tool]")) each.setAttribute("aria-pressed", String(each === button));
    });
  }
  /**
   * @param {"brush-undo" | "brush-clear" | "brush-invert"} id
   * @param {() => void} run
   * @param {string} message
   */
  const act = (id, run, message) => $(id).addEventListener("click", () => { run(); redraw(); onstroke(); say(message); });
  act("brush-undo", () => held.mask.undo(), "Undone");
  act("brush-clear", () => held.mask.clear(), "Cleared");
  act("brush-invert", () => held.mask.invert(), "Inverted");
  $("brush-upload").addEventListener("click", () => $("brush-file").click());
  $("brush-file").addEventListener("change", async () => {
    const [file] = $("brush-file").files;
    $("brush-file").value = "";
    const { mask } = held;
    try {
      await mask.load(file);
      redraw();
      onstroke();
      say(`${file.name} is the mask`);
    } catch (error) {
      fail(error);
    }
  });
  $("brush-done").addEventListener("click", () => { close(); onclose(); });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && held) $("brush-done").click(); });
  return { open, close, redraw, get opened() { return held?.mask || null; } };
}
