// Paint: from photos and wishes to a preview at once, and to the whole pictures as a job.
import { active, fileUrl, get, post, postForBlob } from "./api.js";
import { brush } from "./brush.js";
import { compare } from "./compare.js";
import { controls, isRight } from "./controls.js";
import { critic } from "./critic.js";
import { descent } from "./descent.js";
import { $, bytes, debounced, h, icon } from "./dom.js";
import { address, draft, stillThere } from "./draft.js";
import { dropzone } from "./dropzone.js";
import { effort } from "./effort.js";
import { downloadUrl, favouriteButton } from "./gallery.js";
import { howFar, sentence, watch } from "./job.js";
import { matchesOf, partsOf } from "./manner.js";
import { matching } from "./match.js";
import { isFilm, photos } from "./photos.js";
import { rating } from "./rate.js";
import { pictureRow } from "./row.js";
import { fail, say, toast } from "./toast.js";
import { wall } from "./wall.js";

/** What is kept of the page in the browser.
 * @typedef {{photos: FileRef[], wish: import("./controls.js").ControlValues, styles: import("./wall.js").WallDraft, match: import("./match.js").MatchDraft}} PaintDraft */

/** @type {import("./draft.js").Drafts<PaintDraft>} */
const drafts = draft("flamingo.paint");
const PREVIEW = 512;
const TRIES = 4;

/** @typedef {import("./photos.js").Photo} Photo */

/**
 * @param {string} which
 * @returns {HTMLInputElement}
 */
const modelRadio = (which) => $("wish").querySelector(`input[name=model]${which}`);
const picture = compare($("picture"));
const wishes = controls($("wish"), { onchange: () => changed() });
const ways = effort($("wish").querySelector("[data-control=effort]"), wishes, () => changed());
const editor = brush();
const ratio = () => (strip.current() && !isFilm(strip.current().name) && picture.ratio()) || null;
const match = matching({ frame: $("picture"), editor, ratio, onchange: () => changed() });
const styles = wall({
  frame: $("picture"),
  editor,
  onchange: () => changed(),
  ratio,
  model: () => modelRadio(":checked").value,
  setModel: (name) => { modelRadio(`[value=${name}]`).checked = true; },
});
const drop = dropzone($("photos"), { onfiles: (files) => { forget(); strip.add(files); } });
const curves = descent($("descent"), {
  onpicture: (after, step) => {
    const photo = job && active(job) && strip.current();
    if (!photo || isFilm(photo.name)) return;
    picture.show({ before: photo.address, after, name: photo.name }).catch(() => {}); // the next one comes soon
    sign(`Step ${step}`, true);
  },
});
const critique = critic($("critic"));
const grade = rating($("grade"), { about: () => job && { picture: { job: job.id, result: (resultOf(strip.current()) ?? job.results[0]).index } } });
/** @type {Job | null} */
let job = null; // the one that is shown
let leave = () => {};
/** @type {(AbortController & {question: string}) | null} */
let asking = null; // the request for a preview that is under way, and what it asks for
let shownMethod = "";
let sketch = ""; // the address of the last first look
let tries = 0; // how often the preview was refused
/** @type {Photo | null} */
let seen = null; // the photo on the easel
/** @type {Map<string, string>} */
let previewed = new Map(); // what it was asked for -> address of its picture
const strip = photos($("strip"), { onchange: () => show(), onadd: drop.choose, ofresult: (photo) => resultOf(photo)?.thumbnail });

// -- what is shown ------------------------------------------------------------------------------------------------

/** @param {Photo | null} photo */
function resultOf(photo) {
  return photo?.file && job?.results.find((result) => result.recipe.photo_sha256 === photo.file.sha256);
}

async function show() {
  const photo = strip.current();
  const busy = job && active(job);
  $("workbench").dataset.state = photo ? (busy ? "busy" : job ? "done" : "chosen") : "empty";
  $("easel").hidden = !photo;
  const many = strip.count();
  $("paint").disabled = !strip.ready().length || strip.ready().length < many || !styles.ready();
  $("paint").hidden = Boolean(job); // a change begins something new, and the button is back
  $("paint-text").textContent = many > 1 ? `Paint ${many} photos` : "Paint";
  $("done").hidden = $("after").hidden = !job || job.state !== "done";
  save();
  if (!photo || job) {
    styles.close();
    match.close();
  }
  if (!photo) return;
  const result = resultOf(photo);
  if (job?.state === "done") {
    row();
    if (job.results.length) grade.look(); // of the photo that is on the easel
  }
  const failure = job?.failures.find((each) => each.name === photo.name);
  const film = isFilm(photo.name) && !job ? ["A film is painted frame by frame once you press Paint; there is no preview of it."] : [];
  const slow = quick() || job ? [] : ["This method has no preview: its picture grows while it is at work, for minutes. A small size is soon done."];
  const notes = [...film, ...slow, ...(photo.notes || []), ...(result?.notes || []), ...(failure ? [sentence(failure)] : [])];
  $("notes").replaceChildren(...notes.map((note) => h("li", {}, note)));
  try {
    if ($("film")) play(photo, result);
    if (isFilm(photo.name)) return;
    if (result) {
      sign("");
      seen = null;
      await picture.show({ before: photo.address, after: result.media_type === "image/tiff" ? `${result.thumbnail}?size=1280` : result.url, name: photo.name });
    } else {
      const ready = quick() && photo.file && previewed.get(question(photo));
      // Until the new preview is there the last one stays, so that nothing flickers while somebody tries styles.
      if (!quick() && !job) {
        sign("");
        seen = null;
      }
      if (ready || photo !== seen) await picture.show({ before: photo.address, after: ready || null, name: photo.name });
      seen = photo;
      if (photo.file && !ready && !(job && !busy) && quick()) preview();
      else if (ready && !job) sign("Preview");
    }
  } catch (error) {
    fail(error);
  }
}

/**
 * A film is not compared: it is shown, first as it was, then painted.
 *
 * @param {Photo} photo
 * @param {Result | undefined} result
 */
function play(photo, result) {
  const shown = isFilm(photo.name);
  $("film").hidden = !shown;
  $("picture").hidden = shown;
  if (!shown) { $("film").pause(); return; }
  sign("");
  const address = result?.url || (photo.address.startsWith("blob:") ? photo.address : fileUrl(photo.file.sha256));
  $("film").setAttribute("aria-label", `${photo.name}, ${result ? "painted" : "as it was"}`);
  if ($("film").getAttribute("src") !== address) $("film").src = address;
}

/** @param {string} text */
function sign(text, spinning = false) {
  $("sign").hidden = !text;
  $("sign").replaceChildren(...(spinning ? [h("span", { class: "spinner", "aria-hidden": "true" })] : []), text);
}

// -- the preview --------------------------------------------------------------------------------------------------

function wish() {
  const values = wishes.values();
  for (const part of document.querySelectorAll("[data-methods]")) {
    if (!part.dataset.methods.split(" ").includes(method(values))) delete values[part.querySelector("[data-control]").dataset.control];
  }
  return ways.named(values);
}
// By which method: where the choice is left to Flamingo, as flamingo.painting.request.method_of has it.
const method = (values = wishes.values()) => values.method ?? (styles.brought() && modelRadio(":checked").value === "fine" ? "patches" : "painter");
const quick = () => ["painter", "patches"].includes(method()); // enough to be seen before it is asked for

// The styles, their files, and which parts of a painting are for which parts of the photo.
async function manners() {
  const chosen = await styles.wish();
  return { ...chosen, ...(await match.wish(chosen.mask)) };
}

// What is asked for: a dream follows no named style, and of a long run pictures are kept to be looked at meanwhile.
async function request() {
  const values = wish();
  const { painting, mask, ...others } = await manners();
  const manner = values.method === "dream" ? { ...(painting && { painting }), ...(mask && !painting && { mask }) } : { ...others, ...(painting && { painting }), ...(mask && { mask }) };
  if (values.method === "optimise" && !values.snapshots) values.snapshots = Math.max(1, Math.round((values.steps ?? 200) / 20));
  return { ...values, ...manner, photos: strip.ready() };
}

// Only what the method has is shown.
function methods() {
  const now = method();
  ways.look(now, wishes.values().finish);
  match.fit(now === "patches" ? styles.one() : null);
  for (const part of document.querySelectorAll("[data-methods]")) part.hidden = !part.dataset.methods.split(" ").includes(now);
  if (now === "patches" && now !== shownMethod) $("of-method").open = true; // how far the photo holds is worth a look
  shownMethod = now;
}

/**
 * What a preview of this photo is asked for, as a text that changes with it.
 *
 * @param {Photo} photo
 */
function question(photo) {
  return JSON.stringify([photo.file.sha256, styles.key(), match.key(), seenAtOnce()]);
}

// What the preview shows; size, quality and kind of file do not change it.
function seenAtOnce() {
  const { strength, colour, stroke, model, fidelity, seed } = wish();
  return Object.fromEntries(Object.entries({ method: method(), strength, colour, stroke, model, fidelity, seed }).filter(([, value]) => value !== undefined));
}

const preview = debounced(async () => {
  const photo = strip.current();
  if (!photo?.file || resultOf(photo) || isFilm(photo.name) || !styles.ready() || !quick() || match.brushing()) return; // nothing would be seen while parts are brushed
  const key = question(photo);
  if (asking?.question === key) return;
  asking?.abort();
  asking = Object.assign(new AbortController(), { question: key });
  const mine = asking;
  if (!job) sign("Painting a preview", true);
  try {
    const body = { photos: [{ sha256: photo.file.sha256, name: photo.name }], longest: PREVIEW, ...seenAtOnce(), ...(await manners()) };
    if (mine.signal.aborted) return;
    const ask = (/** @type {object} */ more) => withPhotos(() => postForBlob("/api/preview/paint", { ...body, ...more }, { signal: mine.signal }));
    if (method() === "patches" && styles.readable()) {
      const first = await sketched(async () => ask({ method: "painter", fidelity: undefined, seed: undefined, match: undefined, mask: (await styles.wish()).mask }));
      if (first && photo === strip.current() && key === question(photo)) {
        await picture.show({ before: photo.address, after: first, name: photo.name });
        sign("A first look; the strokes of the painting come soon", true);
      }
    }
    const blob = await ask({});
    tries = 0;
    if (previewed.size > 40) forgetPreviews();
    previewed.set(key, URL.createObjectURL(blob));
    if (photo !== strip.current() || key !== question(photo)) return;
    show();
    sayPreview();
  } catch (error) {
    if (error.name === "AbortError") return;
    // A painter that is just starting, or busy with others: it is asked again before a person is bothered.
    if ([429, 503].includes(error.status) && tries < TRIES) {
      tries += 1;
      setTimeout(preview, 1000 * (error.retryAfter || 1));
      return;
    }
    if (!job) sign("");
    fail(error);
  } finally {
    if (asking === mine) asking = null;
  }
}, 80);

/**
 * What the painter makes of it in a moment, while patches are looked for; null where it has not looked at the painting.
 *
 * @param {() => Promise<Blob>} ask
 */
async function sketched(ask) {
  try {
    const blob = await ask();
    URL.revokeObjectURL(sketch);
    sketch = URL.createObjectURL(blob);
    return sketch;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return null; // the preview that is wanted says what is wrong
  }
}

/**
 * Photos that the server has no more are sent again, where this page still holds them.
 *
 * @template Answer
 * @param {() => Promise<Answer>} ask
 * @returns {Promise<Answer>}
 */
async function withPhotos(ask) {
  try {
    return await ask();
  } catch (error) {
    if (error.status !== 404 || !(await strip.resend())) throw error;
    return ask();
  }
}

// Who hears the page tries styles by arrow keys: only the last of several previews is said.
const sayPreview = debounced(() => { if (!job) say(`The preview is there: ${styles.said()}`); }, 600);

function forgetPreviews() {
  for (const address of previewed.values()) URL.revokeObjectURL(address);
  previewed = new Map();
}

// -- wishes -------------------------------------------------------------------------------------------------------

function changed() {
  forget();
  sizes();
  methods();
  styles.fit();
  show();
}
function sizes() {
  const size = String(wish().size ?? "");
  for (const chip of document.querySelectorAll("[data-size]")) chip.setAttribute("aria-pressed", String(chip.dataset.size === size));
}
for (const chip of document.querySelectorAll("[data-size]")) {
  chip.addEventListener("click", () => {
    /** @type {HTMLInputElement} */
    const field = $("wish").querySelector("input[name=size]");
    field.value = chip.dataset.size;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
}

// A draft is kept in the browser, a job by the server: so nothing is lost when the page is opened again.
function save() {
  drafts.save({ photos: strip.ready(), wish: wish(), styles: styles.draft(), match: match.draft() });
}

// -- the job ------------------------------------------------------------------------------------------------------

// A change after a job begins something new; the job stays in the collection.
function forget() {
  if (!job) return;
  leave();
  curves.stop();
  critique.clear();
  $("descent").hidden = true;
  job = null;
  address(null);
  strip.redraw();
}

$("wish").addEventListener("submit", async (event) => {
  event.preventDefault();
  if ($("paint").disabled) return;
  if (!isRight($("wish"))) return;
  $("paint").disabled = true;
  try {
    take(await withPhotos(async () => /** @type {Job} */ (await post("/api/paint", await request()))));
    $("job").querySelector("[data-job-cancel]").focus();
  } catch (error) {
    fail(error);
    show();
  }
});

/** @param {Job} found */
function take(found) {
  leave();
  job = found;
  address(job.id);
  leave = watch($("job"), job.id, {
    title: strip.count() > 1 ? "Painting your photos" : "Painting",
    ontell: (now) => { job = now; tell(); },
    ondone: (now) => { job = now; tell(true); },
  });
  show();
}

function tell(over = false) {
  strip.redraw();
  show();
  if (job.parameters.method === "optimise") curves.look(job);
  if (active(job)) sign([job.state === "queued" ? "Waiting for its turn" : "Painting the whole picture", howFar(job)].filter(Boolean).join(" · "), true);
  else if (job.state !== "done") sign("");
  if (job.state !== "done") return;
  const painted = job.results.filter((result) => result.recipe.photo_sha256);
  const total = job.results.reduce((sum, result) => sum + result.size, 0);
  $("done-title").textContent = painted.length === 1 ? "It is painted" : `${painted.length} are painted`;
  $("done-about").textContent = `${bytes(total)}, ${Math.max(1, Math.round(job.ended - job.started))} s`;
  $("done-tools").replaceChildren(
    h("a", { class: "button main", href: downloadUrl(job), download: true }, icon("download"), job.results.length > 1 ? "Download all" : "Download"),
    favouriteButton(job),
  );
  critique.offer(job);
  const next = [h("a", { class: "button", href: job.page }, icon("picture"), "In your collection"), h("button", { class: "button quiet", type: "button", onclick: another }, icon("again"), "Do it again with another photo")];
  if (document.body.dataset.pages.split(" ").includes("film")) next.push(h("a", { class: "button quiet", href: `/film?job=${job.id}` }, icon("film"), "Send to film"));
  $("done-next").replaceChildren(...next);
  if (job.failures.length) toast(`${job.failures.length} of your photos could not be painted: ${sentence(job.failures[0])}`, { bad: true });
  if (over) arrive();
}

// Photo, painting and result in a row, of the photo that is on the easel.
function row() {
  const photo = strip.current();
  const result = photo && resultOf(photo);
  $("picture-row").hidden = true;
  if (result && !isFilm(photo.name)) pictureRow($("picture-row"), { photo: { ...photo.file, name: photo.name }, parts: partsOf(job.parameters, job.inputs), result });
}

// What was waited for comes into sight, with its buttons; the focus follows if it was left nowhere.
function arrive() {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  $("easel").querySelector(".easel-frame").scrollIntoView({ block: "nearest", behavior: still ? "instant" : "smooth" });
  if (document.activeElement === document.body) $("done-title").focus({ preventScroll: true });
}

function another() {
  forget();
  strip.clear();
  document.querySelector("[data-choose]").focus();
  say("Choose another photo; all else stays as it was.");
}

// -- the beginning ------------------------------------------------------------------------------------------------

async function begin() {
  const query = new URLSearchParams(location.search);
  const known = query.get("job") || query.get("recipe");
  if (known) {
    /** @type {Job} */
    const found = await get(`/api/jobs/${encodeURIComponent(known)}`);
    const { colour } = found.parameters;
    wishes.fill({ ...ways.spelled(found.parameters), ...(typeof colour === "string" && { colour: colour === "style" ? 1 : 0 }) });
    const parts = partsOf(found.parameters, found.inputs);
    await styles.fill({ parts });
    await match.fill({ name: parts[0].name, pairs: matchesOf(found.parameters, found.inputs) });
    sizes();
    methods();
    if (query.get("recipe")) {
      say("Choose another photo; it will be painted in the same way.");
      return;
    }
    strip.set(found.inputs.photos);
    take(found);
    return;
  }
  const kept = drafts.load();
  wishes.fill(ways.spelled(kept.wish || {}));
  /** @type {Partial<import("./wall.js").WallDraft>} */
  const { parts = [], ...others } = kept.styles || {};
  others.paintings = await stillThere(others.paintings || [], (file) => file);
  if (query.get("style")) await styles.fill({ paintings: others.paintings, parts: [{ name: query.get("style"), weight: 1 }] });
  else await styles.fill({ ...others, parts: await stillThere(parts, (part) => part.painting) });
  if (kept.match) await match.fill(kept.match);
  sizes();
  methods();
  if (query.get("photo")) strip.set([{ sha256: query.get("photo"), name: query.get("name") || "photo" }]);
  else if (kept.photos?.length) {
    strip.set(await stillThere(kept.photos, (photo) => photo));
  }
}
post("/api/preview").catch(() => {}); // the painter of previews gets ready; if it cannot, the first preview says so
begin().catch((error) => { address(null); fail(error); });
