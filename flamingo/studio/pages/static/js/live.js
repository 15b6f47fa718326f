// The page Live: a source of frames, the painter far away, the painting on a canvas, and what is taken from it.
import { at, post, upload } from "./api.js";
import { paintTrack } from "./controls.js";
import { $, h, icon } from "./dom.js";
import { stillThere } from "./draft.js";
import { LiveWire } from "./livewire.js";
import { briefly } from "./manner.js";
import { camera, pictures } from "./moving.js";
import { clock } from "./roll.js";
import * as takes from "./takes.js";
import { fail, say, toast } from "./toast.js";
import { wall } from "./wall.js";

const KINDS = ["video/mp4;codecs=avc1.42E01E", "video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm"];
const TAKERS = /** @type {const} */ (["record", "still", "fine"]);
const LONGEST_CLIP = 120; // seconds
const CHOICE = "flamingo-live";

const painting = $("painting"), original = $("original");
const small = document.createElement("canvas"); // what is sent
const wire = new LiveWire({ frame, painted, paced, state });
const strengthSlider = /** @type {HTMLInputElement} */ ($("strength"));
/** @type {import("./moving.js").Source | null} */
let source = null;
/** @type {MediaRecorder | null} */
let recorder = null;

// -- starting and stopping ------------------------------------------------------------------------------------

/** @param {() => Promise<import("./moving.js").Source>} open */
async function begin(open) {
  $("start").disabled = $("demo").disabled = true;
  try {
    const opened = await open();
    stop();
    source = opened;
    $("no-camera").hidden = true;
  } catch (error) {
    $("no-camera").hidden = false;
    $("no-camera").textContent = `${error.message} Meanwhile, here is a moving picture, painted the same way.`;
    stop();
    source = await pictures();
  } finally {
    $("start").disabled = $("demo").disabled = false;
  }
  const { width, height } = source;
  painting.width = width >= height ? 960 : Math.round((960 * width) / height / 2) * 2;
  painting.height = width >= height ? Math.round((960 * height) / width / 2) * 2 : 960;
  original.height = Math.round((original.width * height) / width);
  painting.dataset.frames = "0";
  $("curtain").hidden = true;
  $("stop").hidden = original.hidden = false;
  $("pace").textContent = "Waiting for the first painted frame …";
  wire.start(await wish());
  say("Live painting has begun");
}

function stop() {
  if (recorder?.state === "recording") recorder.stop();
  wire.stop();
  source?.stop();
  source = null;
  $("curtain").hidden = false;
  $("stop").hidden = original.hidden = true;
  for (const id of TAKERS) $(id).disabled = true;
  $("pace").textContent = "";
}

$("start").addEventListener("click", () => begin(camera).catch(fail));
$("demo").addEventListener("click", () => begin(pictures).catch(fail));
$("stop").addEventListener("click", () => {
  stop();
  $("start").focus();
});
window.addEventListener("pagehide", stop);

// -- frames ---------------------------------------------------------------------------------------------------

/**
 * @param {number} longest side, in pixels
 * @returns {Promise<Blob | null> | null}
 */
function frame(longest) {
  if (!source?.width) return null;
  const scale = longest / Math.max(source.width, source.height);
  small.width = Math.max(16, Math.round(source.width * Math.min(1, scale)));
  small.height = Math.max(16, Math.round(source.height * Math.min(1, scale)));
  source.draw(small.getContext("2d"), small.width, small.height);
  original.getContext("2d").drawImage(small, 0, 0, original.width, original.height);
  return new Promise((resolve) => { small.toBlob(resolve, "image/jpeg", 0.85); });
}

/** @param {Blob} blob */
async function painted(blob) {
  const bitmap = await createImageBitmap(blob);
  if (source) {
    const context = painting.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, painting.width, painting.height);
    const before = Number(painting.dataset.frames);
    painting.dataset.frames = String(before + 1);
    if (!before) for (const id of TAKERS) $(id).disabled = id === "record" && !window.MediaRecorder;
  }
  bitmap.close();
}

/** @param {import("./livewire.js").LiveMessage} pace */
function paced({ fps, longest }) {
  if (source && fps !== undefined) $("pace").textContent = `${Math.round(fps)} frames a second at ${longest} pixels`;
}

/** @param {string} text */
function state(text) {
  $("pace").textContent = text || $("pace").textContent;
}

// -- the wish -------------------------------------------------------------------------------------------------

const styles = wall({ frame: null, onchange: () => changed(), ratio: () => null, model: () => $("live").dataset.model, setModel() {} });
const strength = () => Number(strengthSlider.value);
const manner = () => briefly(styles.draft().parts);

/**
 * What is asked for: styles, the paintings among them, and how strongly.
 *
 * @returns {Promise<import("./livewire.js").LiveOptions>}
 */
async function wish() {
  return { painting: [], ...(await styles.wish()), strength: strength() };
}

let changes = 0;
async function changed() {
  paintTrack(strengthSlider);
  const percent = `${Math.round(100 * strength())} %`;
  $("strength-said").textContent = percent;
  strengthSlider.setAttribute("aria-valuetext", percent);
  sessionStorage.setItem(CHOICE, JSON.stringify({ strength: strength(), styles: styles.draft() }));
  if (!styles.ready()) return; // a painting is still on its way; this is called again when it has come
  const mine = ++changes;
  const wanted = await wish();
  if (mine === changes) wire.change(wanted);
}

async function remember() {
  const kept = JSON.parse(sessionStorage.getItem(CHOICE) || "{}");
  if (kept.strength !== undefined) strengthSlider.value = kept.strength;
  /** @type {Partial<import("./wall.js").WallDraft>} */
  const { parts = [], paintings = [], ...ways } = kept.styles || {};
  const there = { paintings: await stillThere(paintings, (file) => file), parts: await stillThere(parts, (part) => part.painting) };
  await styles.fill({ ...ways, ...there });
  await changed();
}
strengthSlider.addEventListener("input", changed);
$("styles").addEventListener("input", changed);
remember().catch(fail);

// -- what is taken --------------------------------------------------------------------------------------------

const stamp = () => new Date().toISOString().slice(0, 19).replaceAll(":", "-");

/** @param {takes.Take} take */
function hang({ id, blob, name, about }) {
  const address = URL.createObjectURL(blob);
  const shown = blob.type.startsWith("video")
    ? h("video", { controls: true, loop: true, playsinline: true, "aria-label": about, src: address })
    : h("img", { alt: about, src: address });
  const gone = async () => {
    if (id !== undefined) await takes.remove(id);
    item.remove();
    URL.revokeObjectURL(address);
    $("takes-part").hidden = !$("takes").children.length;
    say(`${about} is deleted`);
  };
  const item = h("li", { class: "card take" }, shown, h("div", { class: "row spread" },
    h("a", { class: "button", href: address, download: name }, icon("download"), "Save"),
    h("button", { type: "button", class: "button quiet", "aria-label": `Delete: ${about}`, onclick: () => gone().catch(fail) }, icon("bin"))));
  $("takes").prepend(item);
  $("takes-part").hidden = false;
}

/** @param {takes.Take} take */
async function keep(take) {
  /** @type {IDBValidKey | undefined} */
  let id;
  try {
    id = await takes.add(take);
  } catch {
    // A private window may keep nothing: then it lasts as long as the page.
  }
  hang({ ...take, id });
}

takes.all().then((kept) => kept.forEach(hang), () => {});

$("still").addEventListener("click", () => {
  painting.toBlob((blob) => {
    keep({ blob, name: `flamingo-${stamp()}.png`, about: `A still in the manner of ${manner()}` });
    toast("The still is below.", { seconds: 3 });
  }, "image/png");
});

$("record").addEventListener("click", () => {
  if (recorder?.state === "recording") {
    recorder.stop();
    return;
  }
  const type = KINDS.find((kind) => MediaRecorder.isTypeSupported(kind));
  /** @type {Blob[]} */
  const parts = [];
  recorder = new MediaRecorder(painting.captureStream(25), { mimeType: type, videoBitsPerSecond: 6_000_000 });
  const begun = performance.now();
  const label = $("record").querySelector("span");
  const ticking = setInterval(() => {
    const seconds = (performance.now() - begun) / 1000;
    $("recorded").textContent = clock(seconds);
    if (seconds >= LONGEST_CLIP) recorder.stop();
  }, 250);
  recorder.ondataavailable = (event) => event.data.size && parts.push(event.data);
  recorder.onstop = () => {
    clearInterval(ticking);
    $("record").setAttribute("aria-pressed", "false");
    label.textContent = "Record a clip";
    $("recording").hidden = true;
    const blob = new Blob(parts, { type: type.split(";")[0] });
    const name = `flamingo-${stamp()}.${type.includes("mp4") ? "mp4" : "webm"}`;
    keep({ blob, name, about: `A clip in the manner of ${manner()}` });
    toast("The clip is below.", { seconds: 3 });
  };
  recorder.start(1000);
  $("recorded").textContent = "0:00";
  $("record").setAttribute("aria-pressed", "true");
  label.textContent = "Stop recording";
  $("recording").hidden = false;
  say("Recording");
});

// The fast painter paints as you watch; a moment worth keeping can have the fine one, from the frame itself.
$("fine").addEventListener("click", async () => {
  const whole = h("canvas", { width: source.width, height: source.height });
  source.draw(whole.getContext("2d"), whole.width, whole.height);
  $("fine").disabled = true;
  try {
    /** @type {Blob} */
    const blob = await new Promise((resolve) => { whole.toBlob(resolve, "image/jpeg", 0.95); });
    const { sha256, name } = await upload(new File([blob], `live-${stamp()}.jpg`, { type: "image/jpeg" }));
    /** @type {Job} */
    const job = await post("/api/paint", { ...(await wish()), photos: [{ sha256, name }] });
    const page = job.page || at(`/collection/${job.id}`);
    toast("It is being painted, and will hang in your collection.", { action: { label: "Look", run: () => { location.href = page; } } });
  } catch (error) {
    fail(error);
  } finally {
    $("fine").disabled = !source;
  }
});
