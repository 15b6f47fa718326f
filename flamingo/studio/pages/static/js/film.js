// The page Film: an album and wishes are planned, which gives a storyboard; that is edited, and made into the film. Plan
// and film are jobs: one of them stands in the address, and the browser keeps the rest, so that a reload loses nothing.
import { active, fileUrl, get, post, request, upload } from "./api.js";
import { album } from "./album.js";
import { controls, isRight } from "./controls.js";
import { $, bytes, field, h, icon } from "./dom.js";
import { address, draft, stillThere } from "./draft.js";
import { dropzone } from "./dropzone.js";
import { downloadUrl, favouriteButton } from "./gallery.js";
import { watch } from "./job.js";
import { partsOf } from "./manner.js";
import { Personas } from "./personas.js";
import { rating } from "./rate.js";
import { timeline } from "./timeline.js";
import { fail, say, toast } from "./toast.js";
import { wall } from "./wall.js";

/**
 * What is kept of the page in the browser.
 *
 * @typedef {{job?: string, photos: FileRef[], wish: import("./controls.js").ControlValues, styles: import("./wall.js").WallDraft,
 *   persona: string, music: FileRef | null, format: string, plan: Plan | null, board: Storyboard | null}} FilmDraft
 */

/** @type {import("./draft.js").Drafts<FilmDraft>} */
const drafts = draft("flamingo.film");
const DIRECT = ["title", "resolution", "fps", "quality"]; // wishes that a storyboard takes as they are
const KEPT = "What is done of it is kept: try again, and it goes on from there.";
const form = $("wish");

/**
 * Of the storyboard that is shown: the job that planned it, if one did, its files, and the wishes that it is for (key).
 *
 * @typedef {{id?: string | null, inputs?: {[option: string]: FileRef[]}, beats?: number[], bars?: number[], notes?: string[],
 *   key: string}} Plan
 */

/** @type {Job | null} */
let job = null; // the plan or film that is at work, or was last
let leave = () => {};
/** @type {Plan | null} */
let plan = null;
/** @type {{job: Job, key: string} | null} */
let film = null; // the film that is shown, and the storyboard that it was made of
/** @type {FileRef | null} */
let music = null;
/** @type {FileRef | null} */
let brought = null; // a storyboard that came as a file, until its photos are there

const wishes = controls(form, { onchange: () => changed() });
const personas = new Personas($("personas"), $("persona-mix"), $("persona-hint"), $("persona-mixing"), () => changed());
const styles = wall({
  frame: null,
  onchange: () => changed(),
  ratio: () => null,
  model: () => field(form, "model").value,
  setModel: (name) => { field(form, "model").value = name; },
});
const photos = album({ onchange: () => (brought ? open(brought) : changed()), onboard: (file) => { brought = file; } });
const shots = timeline({ onchange: () => show(), styles: (board) => known(board) });
const grade = rating($("grade"), { about: () => film && { picture: { job: film.job.id, result: 0 } } });
const drop = dropzone($("photos"), { onfiles: (files) => photos.add(files) });

// -- wishes -------------------------------------------------------------------------------------------------------

const isPlan = (/** @type {Job} */ { parameters }) => [parameters.format].flat().every((kind) => kind === "json");
const named = (/** @type {FileRef} */ { sha256, name }) => ({ sha256, name });

/** What was wished, as a text that changes with it; without what a storyboard takes as it is. */
function key() {
  const planned = Object.entries(wishes.values()).filter(([name]) => !DIRECT.includes(name));
  return JSON.stringify([planned, styles.key(), personas.value, music?.sha256, photos.files().map(({ name, sha256 }) => [name, sha256])]);
}

async function wish() {
  /** @type {import("./controls.js").ControlValues} */
  const body = { ...wishes.values(), persona: personas.value, ...(await styles.wish()), photos: photos.files(), format: ["json"] };
  if (music) body.music = [named(music)];
  if (body.vary) body.style = body.style.map((/** @type {string} */ text) => text.replace(/=[\d.]+$/, "")); // they are not mixed
  if (body.vary === "mood" && !styles.draft().mixing) { // all of them may be chosen
    delete body.style;
    delete body.painting;
  }
  return body;
}

function changed() {
  if (field(form, "vary").value === "photo" && !styles.draft().mixing) { styles.mix(true); return; }
  styles.fit();
  show();
}

/**
 * The named styles that shots can be given.
 *
 * @param {Storyboard} board
 */
function known(board) {
  const model = board.manner?.model || "fine";
  /** @type {HTMLInputElement[]} */
  const tiles = [.../** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll("input[name=style]"))].filter((tile) => tile.dataset.models.split(" ").includes(model) && !tile.closest("[data-painting]"));
  return tiles.map((tile) => ({ name: tile.value, title: tile.closest(".style").querySelector(".style-name").textContent }));
}

$("music-choose").addEventListener("click", () => $("music-file").click());
$("music-clear").addEventListener("click", () => { music = null; changed(); $("music-choose").focus(); });
$("music-file").addEventListener("change", async () => {
  const [file] = $("music-file").files;
  $("music-file").value = "";
  if (file) await listen(file).catch(fail);
});

/** @param {File} file */
async function listen(file) {
  /** @type {Api.FileOut} */
  const sent = await upload(file);
  if (!["sound", "music", "score"].includes(sent.kind)) throw new Error(`${sent.name} is no music; use a recording, MIDI or a score.`);
  music = sent;
  changed();
}

// -- what is shown ------------------------------------------------------------------------------------------------

function show() {
  const busy = Boolean(job && active(job));
  const board = shots.board();
  const stale = Boolean(board) && plan.key !== key();
  $("mixing").textContent = field(form, "vary").value === "no" ? "Mix several" : "Choose several";
  $("music-name").hidden = $("music-clear").hidden = !music;
  $("music-name").textContent = music?.name || "";
  $("plan").disabled = busy || !photos.ready() || !styles.ready();
  $("plan").hidden = busy || (Boolean(board) && !stale);
  $("plan").classList.toggle("main", !board);
  $("plan-text").textContent = board ? "Plan again" : "Plan the film";
  $("stale").hidden = busy || !stale;
  $("next").hidden = Boolean(board) || !photos.files().length;
  $("board").hidden = !board;
  $("cinema").hidden = !film;
  $("make").hidden = busy || !board || Boolean(film && film.key === made());
  $("make").disabled = busy;
  save();
}

/** The storyboard as it would be made now. */
function made() {
  const [title, resolution, fps] = ["title", "resolution", "fps"].map((name) => field(form, name).value);
  return JSON.stringify({ ...shots.board(), title: title.trim(), resolution: Number(resolution), fps: Number(fps) });
}

/**
 * @param {HTMLElement} list
 * @param {string[]} notes
 */
function remarks(list, notes) {
  list.replaceChildren(...[...new Set(notes)].map((note) => h("li", {}, note)));
}

// A draft is kept in the browser, a job by the server.
function save() {
  drafts.save({ job: job?.id, photos: photos.files(), wish: wishes.values(), styles: styles.draft(), persona: personas.value, music: music && named(music), format: $("format").value, plan, board: shots.board() });
}

// -- plan and film ------------------------------------------------------------------------------------------------

/**
 * Ask for a plan or a film, and follow it.
 *
 * @param {() => Promise<Job>} run
 * @param {string} key what it is asked for
 */
async function ask(run, key) {
  $("plan").disabled = $("make").disabled = true;
  try {
    take(await run(), key);
    $("job").querySelector("[data-job-cancel]").focus();
  } catch (error) {
    fail(error);
  }
  show();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if ($("plan").disabled) return;
  if (!isRight(form)) return;
  plan = shots.board() ? plan : { key: key() };
  ask(async () => post("/api/film", await wish()), key());
});

$("make").addEventListener("click", () => ask(makeFilm, made()));

/** @returns {Promise<Job>} */
async function makeFilm() {
  const sent = await upload(new File([made()], "film.storyboard.json", { type: "application/json" }));
  const shown = new Set(shots.board().shots.map((shot) => shot.photo.split("/").at(-1)));
  const { painting = [], music: heard = [], mask = [] } = plan.inputs;
  const { quality } = wishes.values();
  /** @type {import("./controls.js").ControlValues} */
  const body = { photos: plan.inputs.photos.filter((photo) => shown.has(photo.name)).map(named), storyboard: [named(sent)], format: [$("format").value], ...(quality && { quality }) };
  for (const [name, files] of Object.entries({ painting, mask, music: heard })) if (files.length) body[name] = files.map(named);
  return post("/api/film", body);
}

/**
 * Follow a plan or a film.
 *
 * @param {Job} found
 * @param {string} [madeFor] what it was asked for, if that is known
 */
function take(found, madeFor) {
  leave();
  job = found;
  address(job.id);
  leave = watch($("job"), job.id, {
    title: isPlan(found) ? "Planning the film" : "Making the film",
    cancelled: isPlan(found) ? undefined : KEPT,
    ontell: (now) => { job = now; show(); },
    ondone: (now) => { job = now; over(madeFor).catch(fail); },
  });
}

/** @param {string} [madeFor] */
async function over(madeFor) {
  if (job.state === "done") await (isPlan(job) ? planned(madeFor) : finished(madeFor));
  show();
}

/** @param {string} [madeFor] */
async function planned(madeFor) {
  const [result] = job.results;
  if (plan?.id !== job.id || !shots.board()) {
    const board = await (await request(result.url)).json();
    plan = { id: job.id, inputs: filesOf(job), beats: result.about.beats, bars: barsOf(result), notes: result.notes, key: madeFor || key() };
    film = null;
    lay(board);
    if (madeFor) arriveAt($("board-title"));
    say(`The storyboard is ready: ${board.shots.length} shots`);
  }
}
/** @param {Storyboard} board */
function lay(board) {
  $("board").hidden = false; // so that the time line has a width
  shots.show(board, plan);
  remarks($("remarks"), plan.notes || []);
}
const barsOf = (/** @type {Result} */ { about }) => /** @type {number[]} */ (about.bars);
const filesOf = (/** @type {Job} */ { inputs }) => Object.fromEntries(Object.entries(inputs).filter(([option]) => option !== "storyboard").map(([option, files]) => [option, files.map(named)]));


/** @param {string} [madeFor] */
async function finished(madeFor) {
  const [result] = job.results;
  const ends = (/** @type {string} */ end) => job.results.find((each) => each.name.endsWith(end));
  const [poster, sheet, storyboard] = [ends(".poster.jpg"), ends(".sheet.jpg"), ends(".storyboard.json")];
  if (!shots.board() && storyboard) {
    const board = await (await request(storyboard.url)).json();
    plan = { id: null, inputs: filesOf(job), beats: result.about.beats, bars: barsOf(result), notes: [], key: key() };
    fillFrom(board);
    lay(board);
    plan.key = key();
  }
  film = { job, key: madeFor || made() };
  grade.look();
  if ($("film").getAttribute("src") !== result.url) $("film").src = result.url;
  if (poster) $("film").poster = `${poster.thumbnail}?size=1280`;
  $("film").setAttribute("aria-label", result.about.title || "Your film");
  $("sheet-box").hidden = !sheet;
  if (sheet) {
    const picture = /** @type {HTMLImageElement} */ ($("sheet"));
    $("sheet-link").href = picture.src = sheet.url;
    picture.alt = `A frame of each of ${result.about.shots.length} shots`;
  }
  remarks($("film-notes"), result.notes);
  const link = (/** @type {Result} */ each, /** @type {string} */ text, main = false) => each && h("a", { class: `button${main ? " main" : ""}`, href: `${each.url}?download=true`, download: true }, icon("download"), text);
  $("film-tools").replaceChildren(...[
    link(result, `Download, ${bytes(result.size)}`, true), link(poster, "Poster"), link(sheet, "Contact sheet"),
    h("a", { class: "button", href: downloadUrl(job), download: true }, icon("download"), "All in a zip"),
    favouriteButton(job, undefined, "Favourite"), h("a", { class: "button", href: job.page }, icon("picture"), "In your collection"),
  ].filter(Boolean));
  show();
  if (madeFor) arriveAt($("cinema-title"));
}

/** @param {HTMLElement} title */
function arriveAt(title) {
  show();
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  title.scrollIntoView({ block: "start", behavior: still ? "instant" : "smooth" });
  title.focus({ preventScroll: true });
}

$("film").addEventListener("timeupdate", () => shots.playing($("film").currentTime));
$("film").addEventListener("ended", () => shots.playing(null));
$("album-add").addEventListener("click", drop.choose);
$("album-clear").addEventListener("click", () => {
  leave();
  job = plan = film = music = brought = null;
  shots.clear();
  address(null);
  photos.clear();
  document.querySelector("[data-choose]").focus();
  say("Bring another album; the wishes stay as they were.");
});
$("save-board").addEventListener("click", () => {
  const link = h("a", { href: URL.createObjectURL(new Blob([made()], { type: "application/json" })), download: "film.storyboard.json" });
  link.click();
  URL.revokeObjectURL(link.href);
});

/**
 * A storyboard that came as a file, for the photos of the album.
 *
 * @param {FileRef} file
 */
async function open(file) {
  brought = null;
  try {
    const board = await (await request(fileUrl(file.sha256))).json();
    fillFrom(board);
    plan = { id: null, inputs: { photos: photos.files(), music: music ? [named(music)] : [], painting: styles.draft().paintings }, beats: [], bars: [], notes: [], key: key() };
    lay(board);
  } catch (error) {
    fail(error);
  }
  show();
}

// -- the beginning ------------------------------------------------------------------------------------------------

/** @param {Job} job */
async function fill({ parameters, inputs }) {
  const { colour } = parameters;
  wishes.fill({ ...parameters, ...(typeof colour === "string" && { colour: colour === "style" ? 1 : 0 }) });
  personas.value = parameters.persona;
  [music = null] = inputs.music || [];
  await styles.fill({ parts: partsOf(parameters, inputs), mixing: (parameters.style || []).length > 1 });
}

/**
 * Show the wishes that a storyboard says itself.
 *
 * @param {Storyboard} board
 */
function fillFrom({ aspect, resolution, fps, title, manner = {}, music: heard = {} }) {
  const values = { aspect, resolution, fps, title, colour: manner.colour, stroke: manner.stroke, model: manner.model, seed: heard.seed, mood: heard.mood };
  wishes.fill({ ...wishes.values(), ...Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) });
  if (heard.persona) personas.value = heard.persona;
  styles.fit(false);
}

/** @param {Partial<FilmDraft>} kept */
async function restore(kept) {
  wishes.fill(kept.wish || {});
  if (kept.persona) personas.value = kept.persona;
  [music = null] = await stillThere(kept.music ? [kept.music] : [], (file) => file);
  if (kept.format) $("format").value = kept.format;
  /** @type {Partial<import("./wall.js").WallDraft>} */
  const { parts = [], paintings = [], ...ways } = kept.styles || {};
  await styles.fill({ ...ways, paintings: await stillThere(paintings, (painting) => painting), parts: await stillThere(parts, (part) => part.painting) });
  photos.set(await stillThere(kept.photos || [], (photo) => photo));
  plan = kept.board ? kept.plan : null;
  if (plan) lay(kept.board);
}

/**
 * What another page sends here: the photos of a picture with its style, or a piece of music.
 *
 * @param {Job} found
 */
async function from(found) {
  if (found.verb === "paint") {
    photos.set(found.inputs.photos.filter((file) => !/\.(mp4|m4v|mov|mkv|webm)$/i.test(file.name)));
    await styles.fill({ parts: partsOf(found.parameters, found.inputs).map(({ name, weight, painting }) => ({ name, weight, painting })) });
    toast("The photo and its style are here; add more photos.");
  } else if (found.verb === "compose") {
    const result = found.results.find((each) => /\.(mp3|wav|flac|ogg)$/i.test(each.name));
    if (!result) throw new Error("That piece has no recording to make a film to.");
    await listen(new File([await (await request(result.url)).blob()], result.name));
    toast("The music is here; bring the photos.");
  } else if (found.inputs.photos) photos.set(found.inputs.photos);
  address(null);
}

async function begin() {
  const kept = drafts.load();
  const id = new URLSearchParams(location.search).get("job");
  /** @type {Job | null} */
  const found = id ? await get(`/api/jobs/${encodeURIComponent(id)}`) : null;
  if (found?.verb === "film" && kept.job !== found.id) {
    if (isPlan(found)) await fill(found);
    photos.set(found.inputs.photos || []);
    [music = null] = found.inputs.music || [];
  } else await restore(found && found.verb !== "film" ? { wish: kept.wish, styles: kept.styles, persona: kept.persona } : kept);
  if (found?.verb === "film") take(found);
  else if (found) await from(found);
  show();
}

personas.load().catch(fail);
begin().catch((error) => { address(null); fail(error); show(); });
