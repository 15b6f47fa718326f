// Which part of the painting is for which part of the photo: brushed on both, in pairs, each of one colour.
import { at } from "./api.js";
import { $, h, icon } from "./dom.js";
import { Mask } from "./mask.js";
import { fail, toast } from "./toast.js";
import { percent, unique } from "./wall.js";

const TINTS = ["#ff2d87", "#00b8ff", "#ffb000", "#2fd04f"];

/** Wire the pairs of styles.html and the painting of paint.html. frame: the photo's; editor: what brushes; ratio(): of the
    photo, width by height, or null if there is none; onchange(): the wish is another. Gives {fit, key, wish, draft, fill,
    close, brushing}.

    @typedef {{photo: Mask, painting: Mask}} Pair
    @typedef {{name: string, title: string, address: string}} Painting
    @typedef {{photo: FileRef, painting: FileRef}} PairFiles
    @typedef {{on: boolean, name: string, pairs: PairFiles[]}} MatchDraft
    @param {{frame: HTMLElement, editor: ReturnType<typeof import("./brush.js").brush>, ratio: () => number | null, onchange: () => void}} options */
export function matching({ frame, editor, ratio, onchange }) {
  /** @type {Map<string, Pair[]>} */
  const pairsOf = new Map(); // by the painting's name, so that nothing is lost while others are tried
  /** @type {Painting | null} */
  let painting = null;
  const chip = $("matching");

  const on = () => Boolean(painting) && chip.getAttribute("aria-pressed") === "true";
  const pairs = () => (painting && pairsOf.get(painting.name)) || [];
  const whole = (/** @type {Pair} */ pair) => !pair.photo.empty && !pair.painting.empty;
  const used = () => (on() ? pairs().filter(whole) : []);
  const inHand = (/** @type {Pair} */ pair) => editor.holds(pair.photo);
  const brushing = () => pairs().some(inHand);

  /**
   * What can be matched now: the one painting of which pieces are taken, or nothing.
   *
   * @param {Painting | null} one
   */
  function fit(one) {
    if (brushing() && one?.name !== painting.name) editor.close();
    painting = one;
    chip.hidden = !one;
    if (!on() && brushing()) editor.close();
    rows();
  }

  /** What the wish is, as a text that changes with it. */
  const key = () => JSON.stringify(used().map(({ photo, painting: part }) => [photo.revision, part.revision]));

  /**
   * The parameters and files of a request. mask: the files that it has already.
   *
   * @param {FileRef[]} mask
   */
  async function wish(mask = []) {
    const files = [...mask];
    /** @type {string[]} */
    const match = [];
    for (const pair of used()) {
      const names = [];
      for (const sent of [await pair.photo.sent(), await pair.painting.sent()]) {
        const name = unique(sent.name, new Set(files.map((file) => file.name)));
        files.push({ sha256: sent.sha256, name });
        names.push(name);
      }
      match.push(names.join(":"));
    }
    return match.length ? { match, mask: files } : {};
  }

  /** What is kept in the browser: the pairs that the server has. */
  const draft = () => ({
    on: on(),
    name: painting?.name ?? "",
    pairs: pairs().filter(whole).map(({ photo, painting: part }) => ({ photo: photo.file, painting: part.file })).filter((each) => each.photo && each.painting),
  });

  /**
   * Show these pairs. Those whose files are gone are left out.
   *
   * @param {Partial<MatchDraft>} shown
   */
  async function fill({ on: pressed = true, name, pairs: files = [] } = {}) {
    const found = await Promise.all(files.map(async (each) => {
      try {
        return { photo: await Mask.of(each.photo), painting: await Mask.of(each.painting) };
      } catch {
        return null;
      }
    }));
    const there = found.filter(Boolean);
    pairsOf.set(name, there);
    chip.setAttribute("aria-pressed", String(pressed && there.length > 0));
    rows();
  }

  /** @param {Pair | null} known without one, a new one is begun */
  async function brushOn(known = null) {
    const { name, title, address } = painting;
    const image = $("match-painting");
    image.src = at(address);
    await image.decode();
    if (painting?.name !== name || !on()) return; // somebody was quicker
    const shape = image.naturalWidth / image.naturalHeight;
    const pair = known ?? { photo: new Mask(ratio() || 1.5), painting: new Mask(shape) };
    if (!known) pairsOf.set(name, [...pairs(), pair]);
    const board = $("match-frame");
    board.style.setProperty("--ratio", String(shape));
    image.alt = title;
    const layers = (/** @type {"photo" | "painting"} */ side) => () => pairs().map((each, i) => ({ mask: each[side], tint: TINTS[i] }));
    editor.open([
      { frame, mask: pair.photo, where: "The part of the photo", layers: layers("photo"), bare: true },
      { frame: board, mask: pair.painting, where: `The part of ${title}`, layers: layers("painting"), bare: true },
    ], {
      title: `Pair ${pairs().indexOf(pair) + 1}: a part of the photo, and of the painting`,
      onstroke: () => { rows(); onchange(); },
      onleave: () => { board.hidden = true; rows(); },
      onclose: () => { onchange(); chip.focus(); },
    });
    board.hidden = false;
    rows();
    $("brush-title").focus({ preventScroll: true });
  }

  function rows() {
    const all = pairs();
    $("match").hidden = !on();
    if ($("match").hidden) return;
    const missing = all.find((pair) => !whole(pair));
    $("match-said").textContent = !missing ? "Each part of the photo is made of its part of the painting, the rest of the rest."
      : missing.photo.empty && missing.painting.empty ? "Brush on the photo, and on the painting: the same colour belongs together."
      : `Now brush on ${missing.photo.empty ? "the photo" : "the painting"}, too.`;
    $("match-add").hidden = all.length >= TINTS.length || Boolean(missing);
    const focused = document.activeElement?.closest?.("#match-list") ? /** @type {HTMLElement} */ (document.activeElement).dataset.focus : null;
    $("match-list").replaceChildren(...all.map(row));
    if (focused) $("match-list").querySelector(`[data-focus="${focused}"]`)?.focus();
  }

  /**
   * @param {Pair} pair
   * @param {number} i
   */
  function row(pair, i) {
    const dot = h("i", { class: "dot", "aria-hidden": "true" });
    dot.style.background = TINTS[i];
    const here = inHand(pair);
    const brushes = h("button", { class: "chip", type: "button", "aria-pressed": String(here), "aria-label": `Brush pair ${i + 1}`, "data-focus": `brush ${i}` }, "Brush");
    brushes.addEventListener("click", () => { if (here) { editor.close(); onchange(); } else brushOn(pair).catch(fail); });
    const away = h("button", { class: "button quiet round", type: "button", "aria-label": `Remove pair ${i + 1}`, "data-focus": `away ${i}` }, icon("close"));
    away.addEventListener("click", () => {
      if (brushing()) editor.close(); // the others have other colours now
      pairsOf.set(painting.name, pairs().filter((each) => each !== pair));
      if (!pairs().length) chip.setAttribute("aria-pressed", "false");
      onchange();
      (pairs().length ? $("match-add") : chip).focus();
    });
    return h("li", { class: "mix-row match-row" }, dot, h("span", { class: "name" }, `Photo ${percent(pair.photo.share)}, painting ${percent(pair.painting.share)}`.replaceAll(" %", "\u00a0%")), brushes, away);
  }

  chip.addEventListener("click", () => {
    if (!on() && !ratio()) { toast("Bring a photo first; then brush the parts that belong together."); return; }
    chip.setAttribute("aria-pressed", String(!on()));
    if (on()) brushOn(pairs()[0]).catch(fail);
    onchange();
  });
  $("match-add").addEventListener("click", () => brushOn().catch(fail));
  function close() {
    if (brushing()) editor.close();
  }
  return { fit, key, wish, draft, fill, close, brushing };
}
