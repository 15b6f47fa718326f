// The brush: a canvas over a picture on which masks are painted with mouse, finger, pen or arrow keys.
import { paintTrack } from "./controls.js";
import { $, h } from "./dom.js";
import { fail, say } from "./toast.js";

/** The brush and its tools (paint.html), for one picture at a time, or for two that are brushed together. Gives {open, close,
    redraw, holds}.

    @typedef {import("./mask.js").Mask} Mask
    @typedef {[number, number]} Place of the canvas, in pixels
    @typedef {{mask: Mask | null, tint: string}} Layer
    @typedef {{frame: HTMLElement, mask: Mask, where: string, layers: () => Layer[], bare?: boolean}} Target what is brushed: a
      picture's frame (macros.html's compare), the mask, what goes there, all masks of that picture, and whether the
      photo itself is seen while it is brushed
    @typedef {{title: string, onstroke: () => void, onleave: () => void, onclose: () => void}} Use onstroke(): a mask has
      changed; onleave(): the brush is given away; onclose(): the person is done */
export function brush() {
  /** @type {ReturnType<typeof surface>[]} */
  let surfaces = [];
  /** @type {Use | null} */
  let use = null;

  const tool = () => document.querySelector("[data-tool][aria-pressed=true]").dataset.tool;
  const masks = () => surfaces.map(({ mask }) => mask);

  /**
   * Give the brush to a person. Who has it already gives it away.
   *
   * @param {Target[]} targets
   * @param {Use} wanted
   */
  function open(targets, wanted) {
    close();
    use = wanted;
    surfaces = targets.map((target) => surface(target));
    $("brush").hidden = false;
    $("brush-title").textContent = use.title;
    // Of two pictures it would not be clear which one is inverted.
    for (const id of /** @type {const} */ (["brush-invert", "brush-upload"])) $(id).hidden = surfaces.length > 1;
    redraw();
    $("brush").scrollIntoView({ block: "nearest" });
  }
  function close() {
    for (const each of surfaces) each.remove();
    const left = use;
    surfaces = [];
    use = null;
    $("brush").hidden = true;
    left?.onleave();
  }
  function redraw() {
    for (const each of surfaces) each.redraw();
    $("brush-undo").disabled = !masks().some((mask) => mask.undoable);
  }

  /** @param {Target} target */
  function surface({ frame, mask, where, layers, bare = false }) {
    const canvas = h("canvas", {
      class: "mask-canvas", tabindex: 0, role: "application", width: mask.canvas.width, height: mask.canvas.height,
      "aria-label": `${where}. The arrow keys move the brush, space paints a dot, with shift the arrows paint a line.`,
    });
    const ring = h("span", { class: "brush-ring", hidden: true });
    /** @type {{base: HTMLCanvasElement, points: Place[]} | null} */
    let drawing = null;
    /** @type {Place} */
    let spot = [canvas.width / 2, canvas.height / 2]; // where the keys have moved the brush
    frame.append(canvas, ring);
    frame.classList.add("brushing");

    const size = () => (Number($("brush-size").value) / 100) * Math.max(canvas.width, canvas.height);
    const how = () => ({ size: size(), soft: Number($("brush-soft").value), erase: tool() === "erase" });

    function remove() {
      drawing = null;
      canvas.remove();
      ring.remove();
      frame.classList.remove("brushing", "bare");
    }
    function redrawn() {
      const context = canvas.getContext("2d");
      context.clearRect(0, 0, canvas.width, canvas.height);
      const all = layers();
      for (const { mask: each, tint } of all) {
        if (!each) continue;
        const layer = h("canvas", { width: canvas.width, height: canvas.height });
        const tinted = layer.getContext("2d");
        tinted.drawImage(each.canvas, 0, 0, canvas.width, canvas.height);
        tinted.globalCompositeOperation = "source-in";
        tinted.fillStyle = tint;
        tinted.fillRect(0, 0, canvas.width, canvas.height);
        // Over a picture that stays as it is, a mask must be seen; over one that is painted again, the paint must be.
        context.globalAlpha = bare ? (each !== mask ? 0.45 : 0.65) : each !== mask ? 0.25 : drawing ? 0.6 : 0.4;
        context.drawImage(layer, 0, 0);
      }
      // Until something is brushed there is a photo to brush on, and no painting that would go away at the first stroke.
      frame.classList.toggle("bare", bare || all.every(({ mask: each }) => !each || each.empty));
      canvas.dataset.share = mask.share.toFixed(4);
    }
    function settled() {
      drawing = null;
      mask.changed();
      redraw();
      use.onstroke();
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
      mask.remember();
      drawing = { base: mask.copy(), points: [at(event)] };
      trace();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!event.isPrimary) return;
      if (event.pointerType !== "touch" || drawing) showRing(at(event));
      if (!drawing) return;
      for (const each of event.getCoalescedEvents?.() ?? [event]) drawing.points.push(at(each));
      trace();
    });
    for (const kind of /** @type {const} */ (["pointerup", "pointercancel"])) {
      canvas.addEventListener(kind, (event) => {
        if (drawing && event.isPrimary) {
          mask.stroke(drawing.base, drawing.points, how()); // the last of it may not have been drawn yet
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
        mask.stroke(drawing.base, drawing.points, how());
        redrawn();
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
      mask.remember();
      mask.stroke(mask.copy(), [from, spot], how());
      settled();
    });
    canvas.addEventListener("focus", () => { if (canvas.matches(":focus-visible")) showRing(spot); });
    canvas.addEventListener("blur", () => { ring.hidden = true; });
    return { mask, remove, redraw: redrawn };
  }

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
  const act = (id, run, message) => $(id).addEventListener("click", () => { run(); redraw(); use.onstroke(); say(message); });
  act("brush-undo", () => latest(masks()).undo(), "Undone");
  act("brush-clear", () => masks().forEach((mask) => mask.clear()), "Cleared");
  act("brush-invert", () => masks().forEach((mask) => mask.invert()), "Inverted");
  $("brush-upload").addEventListener("click", () => $("brush-file").click());
  $("brush-file").addEventListener("change", async () => {
    const [file] = $("brush-file").files;
    $("brush-file").value = "";
    const [{ mask }] = surfaces;
    try {
      await mask.load(file);
      redraw();
      use?.onstroke();
      say(`${file.name} is the mask`);
    } catch (error) {
      fail(error);
    }
  });
  $("brush-done").addEventListener("click", () => { const { onclose } = use; close(); onclose(); });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && use) $("brush-done").click(); });
  /** Whether a mask is brushed now. */
  const holds = (/** @type {Mask} */ mask) => masks().includes(mask);
  return { open, close, redraw, holds };
}

/**
 * The mask that was changed last, of those of which something can be undone.
 *
 * @param {Mask[]} masks
 */
const latest = (masks) => masks.filter((mask) => mask.undoable).reduce((one, other) => (other.past.at(-1).order > one.past.at(-1).order ? other : one));
