// The page Film: an album and wishes are planned, which gives a storyboard; that is edited, and made into the film. Plan
// and film are jobs: one of them stands in the address, and the browser keeps the rest, so that a reload loses nothing.
import { active, fileUrl, get, post, request, upload } from "./api.js";
import { album } from "./album.js";
import { controls, isRight } from "./controls.js";
import { bytes, h, icon } from "./dom.js";
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

const drafts = draft("flamingo.film");
const DIRECT = ["title", "resolution", "fps", "quality"]; // wishes that a storyboard takes as they are
const KEPT = "What is done of it is kept: try again, and it goes on from there.";
const $ = (id) => document.getElementById(id);
const form = $("wish");

let job = null; // the plan or film that is at work, or was last
let leave = () => {};
let plan = null; // of the storyboard that is shown: {id, inputs, beats, bars, key: the wishes that it was planned for}
let film = null; // the job of the film that is shown, and key: the storyboard that it was made of
let music = null;
let brought = null; // a storyboard that came as a file, until its photos are there

const wishes = controls(form, { onchange: () => changed() });
const personas = new Personas($("personas"), $("persona-mix"), $("persona-hint"), $("persona-mixing"), () => changed());
const styles = wall({
  frame: null,
  onchange: () => changed(),
  ratio: () => null,
  model: () => form.elements.model.value,
  setModel: (name) => { form.elements.model.value = name; },
});
const photos = album({ onchange: () => (brought ? open(brought) : changed()), onboard: (file) => { brought = file; } });
const shots = timeline({ onchange: () => show(), styles: (board) => known(board) });
const grade = rating($("grade"), { about: () => film && { picture: { job: film.job.id, result: 0 } } });
const drop = dropzone($("photos"), { onfiles: (files) => photos.add(files) });

// -- wishes -------------------------------------------------------------------------------------------------------

const isPlan = (found) => found.parameters.format.every((kind) => kind === "json");
const named = ({ sha256, name }) => ({ sha256, name });

/** What was wished, as a text that changes with it; without what a storyboard takes as it is. */
function key() {
  const asked = Object.entries(wishes.values()).filter(([name]) => !DIRECT.includes(name));
  return JSON.stringify([asked, styles.key(), personas.value, music?.sha256, photos.files().map(({ name, sha256 }) => [name, sha256])]);
}

async function wish() {
  const body = { ...wishes.values(), persona: personas.value, ...(await styles.wish()), photos: photos.files(), format: ["json"] };
  if (music) body.music = [named(music)];
  if (body.vary) body.style = body.style.map((text) => text.replace(/=[\d.]+$/, "")); // they are not mixed
  if (body.vary === "mood" && !styles.draft().mixing) { // all of them may be chosen
    delete body.style;
    delete body.painting;
  }
  return body;
}

function changed() {
  if (form.elements.vary.value === "photo" && !styles.draft().mixing) { styles.mix(true); return; }
  styles.fit();
  show();
}

// The named styles that shots can be given.
function known(board) {
  const model = board.manner?.model || "fine";
  const tiles = [...form.querySelectorAll("input[name=style]")].filter((tile) => tile.dataset.models.split(" ").includes(model) && !tile.closest("[data-painting]"));
  return tiles.map((tile) => ({ name: tile.value, title: tile.closest(".style").querySelector(".style-name").textContent }));
}

$("music-choose").addEventListener("click", () => $("music-file").click());
$("music-clear").addEventListener("click", () => { music = null; changed(); $("music-choose").focus(); });
$("music-file").addEventListener("change", async () => {
  const [file] = $("music-file").files;
  $("music-file").value = "";
  if (file) await listen(file).catch(fail);
});
async function listen(file) {
  const told = await upload(file);
  if (!["sound", "music", "score"].includes(told.kind)) throw new Error(`${told.name} is no music; use a recording, MIDI or a score.`);
  music = told;
  changed();
}

// -- what is shown ------------------------------------------------------------------------------------------------

function show() {
  const busy = Boolean(job && active(job));
  const board = shots.board();
  const stale = Boolean(board) && plan.key !== key();
  $("mixing").textContent = form.elements.vary.value === "no" ? "Mix several" : "Choose several";
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
  const { title, resolution, fps } = form.elements;
  return JSON.stringify({ ...shots.board(), title: title.value.trim(), resolution: Number(resolution.value), fps: Number(fps.value) });
}

function remarks(list, notes) {
  list.replaceChildren(...[...new Set(notes)].map((note) => h("li", {}, note)));
}

// A draft is kept in the browser, a job by the server.
function save() {
  drafts.save({ job: job?.id, photos: photos.files(), wish: wishes.values(), styles: styles.draft(), persona: personas.value, music: music && named(music), format: $("format").value, plan, board: shots.board() });
}

// -- plan and film ------------------------------------------------------------------------------------------------

async function ask(run) {
  $("plan").disabled = $("make").disabled = true;
  try {
    take(await run());
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
  const asked = key();
  ask(async () => Object.assign(await post("/api/film", await wish()), { asked }));
});

$("make").addEventListener("click", () => ask(async () => {
  const told = made();
  const sent = await upload(new File([told], "film.storyboard.json", { type: "application/json" }));
  const shown = new Set(shots.board().shots.map((shot) => shot.photo.split("/").at(-1)));
  const { painting = [], music: heard = [], mask = [] } = plan.inputs;
  const { quality } = wishes.values();
  const body = { photos: plan.inputs.photos.filter((photo) => shown.has(photo.name)).map(named), storyboard: [named(sent)], format: [$("format").value], ...(quality && { quality }) };
  for (const [name, files] of Object.entries({ painting, mask, music: heard })) if (files.length) body[name] = files.map(named);
  return Object.assign(await post("/api/film", body), { asked: told });
}));

/** Follow a plan or a film. found.asked: what it was asked for, if that is known. */
function take(found) {
  leave();
  const { asked } = found;
  job = found;
  address(job.id);
  leave = watch($("job"), job.id, {
    title: isPlan(found) ? "Planning the film" : "Making the film",
    cancelled: isPlan(found) ? undefined : KEPT,
    ontell: (now) => { job = now; show(); },
    ondone: (now) => { job = now; over(asked).catch(fail); },
  });
}

async function over(asked) {
  if (job.state === "done") await (isPlan(job) ? planned(asked) : finished(asked));
  show();
}

async function planned(asked) {
  const [result] = job.results;
  if (plan?.id !== job.id || !shots.board()) {
    const board = await (await request(result.url)).json();
    plan = { id: job.id, inputs: filesOf(job), beats: result.about.beats, bars: result.about.bars, notes: result.notes, key: asked || key() };
    film = null;
    lay(board);
    if (asked) arriveAt($("board-title"));
    say(`The storyboard is ready: ${board.shots.length} shots`);
  }
}
function lay(board) {
  $("board").hidden = false; // so that the time line has a width
  shots.show(board, plan);
  remarks($("remarks"), plan.notes || []);
}
const filesOf = (found) => Object.fromEntries(Object.entries(found.inputs).filter(([option]) => option !== "storyboard").map(([option, files]) => [option, files.map(named)]));

async function finished(asked) {
  const [result] = job.results;
  const ends = (end) => job.results.find((each) => each.name.endsWith(end));
  const [poster, sheet, told] = [ends(".poster.jpg"), ends(".sheet.jpg"), ends(".storyboard.json")];
  if (!shots.board() && told) {
    const board = await (await request(told.url)).json();
    plan = { id: null, inputs: filesOf(job), beats: result.about.beats, bars: result.about.bars, notes: [], key: key() };
    fillFrom(board);
    lay(board);
    plan.key = key();
  }
  film = { job, key: asked || made() };
  grade.look();
  if ($("film").getAttribute("src") !== result.url) $("film").src = result.url;
  if (poster) $("film").poster = `${poster.thumbnail}?size=1280`;
  $("film").setAttribute("aria-label", result.about.title || "Your film");
  $("sheet-box").hidden = !sheet;
  if (sheet) {
    $("sheet-link").href = $("sheet").src = sheet.url;
    $("sheet").alt = `A frame of each of ${result.about.shots.length} shots`;
  }
  remarks($("film-notes"), result.notes);
  const link = (each, text, main = false) => each && h("a", { class: `button${main ? " main" : ""}`, href: `${each.url}?download=true`, download: true }, icon("download"), text);
  $("film-tools").replaceChildren(...[
    link(result, `Download, ${bytes(result.size)}`, true), link(poster, "Poster"), link(sheet, "Contact sheet"),
    h("a", { class: "button", href: downloadUrl(job), download: true }, icon("download"), "All in a zip"),
    favouriteButton(job, undefined, "Favourite"), h("a", { class: "button", href: job.page }, icon("picture"), "In your collection"),
  ].filter(Boolean));
  show();
  if (asked) arriveAt($("cinema-title"));
}

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

// A storyboard that came as a file, for the photos of the album.
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

async function fill({ parameters, inputs }) {
  const { colour } = parameters;
  wishes.fill({ ...parameters, ...(typeof colour === "string" && { colour: colour === "style" ? 1 : 0 }) });
  personas.value = parameters.persona;
  [music = null] = inputs.music || [];
  await styles.fill({ parts: partsOf(parameters, inputs), mixing: (parameters.style || []).length > 1 });
}

/** Show the wishes that a storyboard says itself. */
function fillFrom({ aspect, resolution, fps, title, manner = {}, music: heard = {} }) {
  const said = { aspect, resolution, fps, title, colour: manner.colour, stroke: manner.stroke, model: manner.model, seed: heard.seed, mood: heard.mood };
  wishes.fill({ ...wishes.values(), ...Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)) });
  if (heard.persona) personas.value = heard.persona;
  styles.fit(false);
}

async function restore(kept) {
  wishes.fill(kept.wish || {});
  if (kept.persona) personas.value = kept.persona;
  [music = null] = await stillThere(kept.music ? [kept.music] : [], (file) => file);
  if (kept.format) $("format").value = kept.format;
  const { parts = [], paintings = [], ...ways } = kept.styles || {};
  await styles.fill({ ...ways, paintings: await stillThere(paintings, (painting) => painting), parts: await stillThere(parts, (part) => part.painting) });
  photos.set(await stillThere(kept.photos || [], (photo) => photo));
  plan = kept.board ? kept.plan : null;
  if (plan) lay(kept.board);
}

// What another page sends here: the photos of a picture with its style, or a piece of music.
async function from(found) {
  if (found.verb === "paint") {
    photos.set(found.inputs.photos.filter((file) => !/\.(mp4|m4v|mov|mkv|webm)$/i.test(file.name)));
    await styles.fill({ parts: partsOf(found.parameters, found.inputs).map((part) => ({ ...part, mask: null })) });
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
