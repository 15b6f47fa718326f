// The wall of styles: one is chosen, or several are mixed, each everywhere or where it is brushed; one's own paintings
// hang beside the others.
import { del, put, thumbnailUrl, upload } from "./api.js";
import { paintTrack } from "./controls.js";
import { ask, sure } from "./dialog.js";
import { $, h, icon } from "./dom.js";
import { isPicture } from "./dropzone.js";
import { fully, styleTitle } from "./manner.js";
import { Mask } from "./mask.js";
import { fail, say, toast } from "./toast.js";

const TINTS = ["#e03172", "#1c7ed6", "#2f9e44", "#f08c00", "#7048e8", "#0c8599"];

/** Wire styles.html. frame, editor: what masks are brushed on and with, if they are; onchange(): the wish is another;
    ratio(): of the photo on the easel, width by height, or null if there is none; model(), setModel(name): the painter.
    Gives {key, ready, brought, readable, one, wish, draft, fill, fit, close, mix, said}.

    @typedef {ReturnType<typeof import("./brush.js").brush>} Brush
    @typedef {{weight: number, mask: Mask | null}} Wanted how much of a style, and where
    @typedef {{name: string, weight: number, mask: Mask | null}} Part
    @typedef {{file: FileRef | null, sending: Promise<FileRef>}} Own a painting of the person's
    @typedef {{mixing: boolean, placing: boolean, paintings: FileRef[], parts: StyleTerm<FileRef>[]}} WallDraft
    @typedef {Pick<StyleTerm<FileRef>, "name" | "weight"> & Partial<StyleTerm<FileRef>>} WantedPart
    @param {{frame?: HTMLElement | null, editor?: Brush | null, onchange: () => void, ratio: () => number | null, model: () => string,
      setModel: (name: string) => void}} options */
export function wall({ frame = null, editor = null, onchange, ratio, model, setModel }) {
  const root = $("styles");
  const able = (root.dataset.any || "").split(" ").filter(Boolean);
  /** @type {Map<string, Own>} */
  const paintings = new Map(); // by name
  /** @type {Map<string, Wanted>} */
  const wanted = new Map(); // by name, of every style that was ever chosen, so that nothing is lost
  /** @type {Mask | null} */
  let brushed = null; // the mask that was brushed last
  const inHand = () => Boolean(brushed && editor.holds(brushed));
  let drawn = "";

  const inputs = () => [.../** @type {NodeListOf<HTMLInputElement>} */ (root.querySelectorAll("input[name=style]"))];
  const chosen = () => inputs().filter((input) => input.checked);
  const on = (/** @type {"mixing" | "placing"} */ id) => $(id)?.getAttribute("aria-pressed") === "true";
  const tile = (/** @type {string} */ name) => inputs().find((input) => input.value === name);
  const titleOf = (/** @type {string} */ name) => tile(name)?.closest(".style").querySelector(".style-name").textContent || styleTitle(name);

  /** @param {string} name */
  function of(name) {
    if (!wanted.has(name)) wanted.set(name, { weight: 0.5, mask: null });
    return wanted.get(name);
  }
  const maskOf = (/** @type {string} */ name) => { const { mask } = of(name); return on("placing") && mask && !mask.empty ? mask : null; };
  const parts = () => chosen().map(({ value: name }) => ({ name, weight: of(name).weight, mask: maskOf(name) }));
  const tint = (/** @type {string} */ name) => TINTS[chosen().findIndex((input) => input.value === name) % TINTS.length];

  // -- what is asked for

  /** What the wish is, as a text that changes with it. */
  const key = () => JSON.stringify(parts().map(({ name, weight, mask }) => [name, paintings.get(name)?.file?.sha256, weight, mask?.revision]));
  /** Whether all styles are paintings that no painter has learned. */
  const brought = () => parts().every(({ name }) => paintings.has(name) || Boolean(tile(name)?.closest(".style-own")));
  /** The one painting that is chosen: its name, title, and a picture of it; null where there are several. */
  function one() {
    const [{ name }, ...others] = parts();
    const file = paintings.get(name)?.file;
    if (others.length || (paintings.has(name) && !file)) return null;
    return { name, title: titleOf(name), address: file ? thumbnailUrl(file.sha256, 1280) : `/api/styles/${encodeURIComponent(name)}/painting?size=1280` };
  }
  /** Whether the chosen painter can read such a painting in one pass. */
  const readable = () => able.includes(model());
  const ready = () => parts().every(({ name }) => !paintings.has(name) || paintings.get(name).file);

  /** The parameters and files of a request. Masks that are not sent yet are sent first. */
  async function wish() {
    const all = parts();
    const free = all.filter((part) => !part.mask).length;
    /** @type {Set<string>} */
    const names = new Set();
    /** @type {string[]} */
    const style = [];
    /** @type {FileRef[]} */
    const painting = [];
    /** @type {FileRef[]} */
    const mask = [];
    for (const part of all) {
      let text = part.name + (free > 1 && !part.mask ? `=${Number(part.weight.toFixed(2))}` : "");
      const own = paintings.get(part.name);
      if (own) painting.push({ sha256: (await own.sending).sha256, name: part.name });
      if (part.mask) {
        const sent = await part.mask.sent();
        const name = unique(sent.name, names);
        names.add(name);
        mask.push({ sha256: sent.sha256, name });
        text += `@${name}`;
      }
      style.push(text);
    }
    return { style, ...(painting.length && { painting }), ...(mask.length && { mask }) };
  }

  /**
   * What is kept in the browser: parts as in manner.js, with files that the server has.
   *
   * @returns {WallDraft}
   */
  const draft = () => ({
    mixing: on("mixing"),
    placing: on("placing"),
    paintings: [...paintings].filter(([, own]) => own.file).map(([name, own]) => ({ name, sha256: own.file.sha256 })),
    parts: chosen().map(({ value: name }) => ({ name, weight: of(name).weight, painting: paintings.get(name)?.file || null, mask: of(name).mask?.file || null })),
  });

  /**
   * Show these parts. Those that cannot be shown (a style that is gone) are left out.
   *
   * @param {Partial<Omit<WallDraft, "parts">> & {parts?: WantedPart[]}} shown
   */
  async function fill({ parts: terms = [], paintings: kept = [], mixing = terms.length > 1, placing = terms.some((part) => part.mask) } = {}) {
    for (const file of [...kept, ...terms.filter((part) => part.painting).map((part) => ({ ...part.painting, name: part.name }))]) {
      if (able.length && !paintings.has(file.name)) hang(file.name, thumbnailUrl(file.sha256, 320), Promise.resolve(file), file);
    }
    const there = terms.filter((part) => tile(part.name));
    press("mixing", mixing && there.length > 0);
    press("placing", placing && there.length > 0);
    kinds();
    const names = there.length ? there.map((part) => part.name) : [root.dataset.usual];
    for (const input of inputs()) input.checked = names.includes(input.value);
    const total = there.reduce((sum, part) => Math.max(sum, part.weight), 0);
    for (const part of there) wanted.set(part.name, { weight: Math.max(0.05, part.weight / Math.max(1, total)), mask: null });
    rows();
    await Promise.all(there.filter((part) => part.mask).map(async (part) => {
      of(part.name).mask = await Mask.of(part.mask).catch(/** @returns {null} */ () => null);
    }));
    fit(false);
    rows();
  }

  // -- one's own paintings

  /** @param {File[]} files */
  function add(files) {
    if (!able.includes(model())) {
      setModel(able[0]);
      toast(`The ${able[0]} painter reads any painting, so it is chosen now.`, { seconds: 6 });
    }
    files.forEach((raw, i) => {
      const name = unique(raw.name || "painting.png", new Set([...paintings.keys(), ...inputs().map((input) => input.value)]));
      const sending = upload(raw);
      hang(name, URL.createObjectURL(raw), sending);
      if (i === 0 || on("mixing")) choose(name);
    });
    changed();
  }

  /**
   * The part of a tile that is chosen, as in styles.html.
   *
   * @param {string} name
   * @param {string} title
   * @param {string} address of its picture
   * @param {string[]} models the painters that know it
   * @param {...HTMLElement} more
   */
  const framed = (name, title, address, models, ...more) => h("label", {},
    h("input", { type: on("mixing") ? "checkbox" : "radio", name: "style", value: name, "data-models": models.join(" ") }),
    h("img", { src: address, alt: "", width: 240, height: 180 }), h("span", { class: "style-name" }, title), ...more);

  /**
   * Hang a painting on the wall.
   *
   * @param {string} name
   * @param {string} address of its picture
   * @param {Promise<FileRef>} sending what the server calls it, once it is sent
   * @param {FileRef | null} file the same, where it is known already
   */
  function hang(name, address, sending, file = null) {
    /** @type {Own} */
    const own = { file, sending };
    paintings.set(name, own);
    const title = styleTitle(name);
    const away = h("button", { class: "away", type: "button", "aria-label": `Take ${title} off the wall` }, icon("close"));
    const keeps = h("button", { class: "keep", type: "button", "aria-label": `Keep ${title} under a name` }, "Keep it");
    const element = h("div", { class: "style style-own", "data-painting": name, "aria-busy": String(!file) }, framed(name, title, address, able), keeps, away);
    keeps.addEventListener("click", () => keep(name).catch(fail));
    const drop = () => {
      paintings.delete(name);
      wanted.delete(name);
      element.remove();
      if (!chosen().length) tile(root.dataset.usual).checked = true;
      changed();
    };
    away.addEventListener("click", () => { drop(); say(`${title} is off the wall`); $("add-painting").focus(); });
    $("style-list").querySelector(".style-add").after(element);
    sending.then(({ sha256 }) => {
      own.file = { sha256, name };
      element.removeAttribute("aria-busy");
      element.querySelector("img").src = thumbnailUrl(sha256, 320);
      if (paintings.get(name) === own) onchange();
    }, (error) => { fail(error); if (paintings.get(name) === own) drop(); });
  }

  /**
   * Give a painting a name, under which it hangs on every wall and can be asked for everywhere.
   *
   * @param {string} name
   */
  async function keep(name) {
    const own = paintings.get(name);
    const called = await ask(`Keep ${styleTitle(name)}`, {
      label: "Under which name?", value: slug(name), pattern: "[a-z][a-z0-9\\-]{0,40}", yes: "Keep it",
      hint: "Lower-case letters, digits and hyphens: it is also what you type, as in flamingo paint --style my-garden.",
    });
    if (called === null || paintings.get(name) !== own) return;
    /** @type {Api.StyleOut} */
    const style = await put(`/api/styles/${encodeURIComponent(called)}`, { sha256: (await own.sending).sha256, name });
    const old = tile(name);
    const element = h("div", { class: "style style-own", "data-kept": style.name },
      framed(style.name, style.title, style.thumbnail, style.models, h("span", { class: "style-by" }, "Your own")),
      h("button", { class: "away", type: "button", "aria-label": `Forget ${style.title}` }, icon("close")));
    const input = element.querySelector("input");
    input.checked = old.checked;
    wanted.set(style.name, of(name));
    paintings.delete(name);
    wanted.delete(name);
    old.closest(".style").replaceWith(element);
    input.focus();
    toast(`${style.title} is kept, and hangs on every wall.`, { seconds: 6 });
    changed();
  }

  /** @param {HTMLElement} element */
  async function forget(element) {
    const name = element.dataset.kept, title = titleOf(name);
    if (!(await sure(`Forget ${title}?`, "It can no longer be chosen. Pictures that were painted in its manner stay.", "Forget it"))) return;
    await del(`/api/styles/${encodeURIComponent(name)}`);
    element.remove();
    wanted.delete(name);
    if (!chosen().length) tile(root.dataset.usual).checked = true;
    say(`${title} is forgotten`);
    $("add-painting").focus();
    changed();
  }
  $("style-list").addEventListener("click", (event) => {
    const element = /** @type {HTMLElement} */ (event.target).closest(".away")?.closest("[data-kept]");
    if (element) forget(element).catch(fail);
  });

  /** @param {string} name */
  function choose(name) {
    if (!on("mixing")) for (const input of inputs()) input.checked = false;
    tile(name).checked = true;
    tile(name).scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  if (able.length) {
    $("add-painting").addEventListener("click", () => $("paintings-file").click());
    $("paintings-file").addEventListener("change", () => { const files = [...$("paintings-file").files]; $("paintings-file").value = ""; if (files.length) add(files); });
    const holds = (/** @type {DragEvent} */ event) => [...(event.dataTransfer?.types || [])].includes("Files");
    for (const kind of /** @type {const} */ (["dragover", "dragleave"])) root.addEventListener(kind, (event) => root.classList.toggle("over", kind === "dragover" && holds(event)));
    root.addEventListener("drop", (event) => {
      if (!holds(event)) return;
      event.preventDefault(); // so that it is no photo
      root.classList.remove("over");
      const all = [...event.dataTransfer.files];
      const good = all.filter((file) => isPicture(file, $("paintings-file")));
      const others = all.filter((file) => !good.includes(file)).map((file) => file.name);
      if (others.length) fail(new Error(`Left out, since they are no pictures: ${others.join(", ")}`));
      if (good.length) add(good);
    });
  }

  /** Only what this painter knows can be chosen. */
  function fit(tell = true) {
    for (const input of inputs()) {
      input.disabled = !input.dataset.models.split(" ").includes(model());
      if (input.disabled && input.checked) {
        input.checked = false;
        if (tell) toast(`The ${model()} painter does not know ${titleOf(input.value)}.`, { seconds: 6 });
      }
    }
    if (!chosen().length) tile(root.dataset.usual).checked = true;
    rows();
  }

  // -- mixing and placing

  const press = (/** @type {"mixing" | "placing"} */ id, /** @type {boolean} */ yes) => $(id)?.setAttribute("aria-pressed", String(yes));
  function kinds() {
    for (const input of inputs()) {
      const { checked } = input;
      input.type = on("mixing") ? "checkbox" : "radio";
      input.checked = checked;
    }
  }

  /**
   * Whether several can be chosen.
   *
   * @param {boolean} yes
   */
  function mix(yes) {
    if (yes === on("mixing")) return;
    press("mixing", yes);
    const [first] = chosen();
    kinds();
    if (!yes) for (const input of inputs()) input.checked = input === first;
    else say("Choose as many as you like");
    changed();
  }
  $("mixing").addEventListener("click", () => mix(!on("mixing")));
  $("placing")?.addEventListener("click", () => {
    if (!on("placing") && !ratio()) { toast("Bring a photo first; then brush where the style goes."); return; }
    press("placing", !on("placing"));
    if (on("placing")) paintOn(chosen()[0].value);
    changed();
  });
  root.addEventListener("input", (event) => {
    const input = /** @type {HTMLInputElement} */ (event.target);
    if (input.name === "style" && !chosen().length) input.checked = true; // one there must be
    rows();
  });

  /** @param {string} name */
  function paintOn(name) {
    const own = of(name);
    own.mask ||= new Mask(ratio() || 1.5);
    const where = `Where ${titleOf(name)} goes`;
    const title = `Where “${titleOf(name)}” goes`;
    brushed = own.mask;
    editor.open([{ frame, mask: own.mask, where, layers }], { title, onstroke: () => { rows(); onchange(); }, onleave: rows, onclose: () => $("placing").focus() });
    rows();
    $("brush-title").focus({ preventScroll: true });
  }
  const layers = () => chosen().map(({ value: name }) => ({ mask: of(name).mask, tint: tint(name) }));

  function rows() {
    const all = parts();
    const many = all.length > 1;
    if (inHand() && (!on("placing") || !chosen().some(({ value: name }) => of(name).mask === brushed))) editor.close();
    $("mix").hidden = !on("mixing") && !on("placing");
    if ($("mix").hidden) return;
    const free = all.filter((part) => !part.mask);
    const total = free.reduce((sum, part) => sum + part.weight, 0);
    $("mix-said").textContent = on("mixing") && !many && !on("placing") ? "Choose another style, and the two are mixed."
      : on("placing") && free.length === all.length && !many ? "Everywhere, until you brush on the photo."
      : `${fully(all, (part) => `where you brushed (${percent(part.mask.share)})`)}.`;
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    const held = focused?.closest?.(".mix-row") ? focused.dataset.focus : null;
    const left = Math.max(0, 1 - all.reduce((sum, part) => sum + (part.mask?.share || 0), 0));
    $("mix-bar").replaceChildren(...all.map((part) => segment(part.mask ? part.mask.share : (left * part.weight) / total, tint(part.name))),
      ...(free.length ? [] : [segment(left, "")]));
    const looks = JSON.stringify([on("placing"), chosen().findIndex(({ value: name }) => inHand() && of(name).mask === brushed), all.map((part) => [part.name, part.mask?.revision, free.length > 1])]);
    if (looks !== drawn) { // or a slider would be lost while it is moved
      drawn = looks;
      $("mix-list").replaceChildren(...all.map((part) => row(part, free.length > 1 && !part.mask)));
      if (held) $("mix-list").querySelector(`[data-focus="${CSS.escape(held)}"]`)?.focus();
    }
    for (const part of free) tell(part, total);
  }

  /**
   * @param {number} share
   * @param {string} colour
   */
  function segment(share, colour) {
    const element = h("i");
    element.style.flexGrow = String(share);
    if (colour) element.style.background = colour;
    return element;
  }

  /**
   * @param {Part} part
   * @param {boolean} weighed
   */
  function row({ name, weight, mask }, weighed) {
    const title = titleOf(name);
    const dot = h("i", { class: "dot", "aria-hidden": "true" });
    dot.style.background = tint(name);
    const line = h("li", { class: "mix-row", "data-name": name }, dot, h("img", { src: tile(name).closest(".style").querySelector("img").src, alt: "", width: 44, height: 44 }), h("span", { class: "name" }, title));
    if (weighed) {
      const slider = h("input", { type: "range", min: 0.05, max: 1, step: 0.05, value: weight, "aria-label": `How much of ${title}`, "data-focus": `weight ${name}` });
      slider.addEventListener("input", () => { of(name).weight = Number(slider.value); });
      line.append(h("span", { class: "mix-weight" }, slider, h("output", {})));
    }
    if (on("placing")) {
      const here = inHand() && of(name).mask === brushed;
      const button = h("button", { class: "chip", type: "button", "aria-pressed": String(Boolean(here)), "data-focus": `place ${name}`, "aria-label": `Brush where ${title} goes` }, icon("brush"), mask ? percent(mask.share) : "Brush");
      button.addEventListener("click", () => { if (here) editor.close(); else paintOn(name); });
      line.append(button);
    }
    return line;
  }

  /**
   * @param {Part} part
   * @param {number} total
   */
  function tell({ name, weight }, total) {
    const line = $("mix-list").querySelector(`[data-name="${CSS.escape(name)}"]`);
    const slider = line?.querySelector("input");
    if (!slider) return;
    line.querySelector("output").textContent = percent(weight / total);
    slider.setAttribute("aria-valuetext", percent(weight / total));
    paintTrack(slider);
  }
  function changed() {
    rows();
    onchange();
  }
  function close() {
    if (inHand()) editor.close();
  }
  /** What is chosen, for people. */
  const said = () => fully(parts(), (part) => `where you brushed (${percent(part.mask.share)})`);
  return { key, ready, brought, readable, one, wish, draft, fill, fit, close, mix, said };
}

export const percent = (/** @type {number} */ share) => `${share > 0 && share < 0.005 ? "under 1" : Math.round(100 * share)} %`;

/** A file's name as that of a style. */
const slug = (/** @type {string} */ name) => name.replace(/\.[^.]*$/, "").normalize("NFKD").replace(/\p{M}+/gu, "").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^[^a-z]+|-+$/g, "").slice(0, 40) || "my-painting";

/**
 * A name that none of `taken` is, without what has a meaning in a style's text.
 *
 * @param {string} name
 * @param {ReadonlySet<string>} taken
 */
export function unique(name, taken) {
  const plain = name.replace(/(?:[@=/\\]|\p{C})+/gu, "-").trim().slice(-80) || "picture";
  const at = plain.lastIndexOf(".") > 0 ? plain.lastIndexOf(".") : plain.length;
  let free = plain;
  for (let i = 2; taken.has(free); i += 1) free = `${plain.slice(0, at)}-${i}${plain.slice(at)}`;
  return free;
}
