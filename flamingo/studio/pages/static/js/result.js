// One job: what came of it, how it was made, and what may be done with it.
import { active, get, patch, thumbnailUrl } from "./api.js";
import { compare } from "./compare.js";
import { $, bytes, h, icon, when, words } from "./dom.js";
import { curated, downloadUrl, favouriteButton, remove, restore, titleOf } from "./gallery.js";
import { sentence, watch } from "./job.js";
import { fully, matchesOf, partsOf } from "./manner.js";
import { playerOf, variations } from "./piece.js";
import { rating } from "./rate.js";
import { pictureRow } from "./row.js";
import { fail } from "./toast.js";

const id = $("result").dataset.id;
const picture = compare($("picture"));
const pages = document.body.dataset.pages.split(" ");
const grades = rating($("rating"), { about: graded });
/** @type {Job | null} */
let job = null;
let shown = 0;

const isFilm = (/** @type {Result} */ result) => result.media_type.startsWith("video/");
const isPicture = (/** @type {Result} */ result) => result.media_type.startsWith("image/") && result.media_type !== "image/svg+xml";

function draw() {
  $("title").textContent = titleOf(job);
  document.title = `${titleOf(job)} · Flamingo`;
  $("result").hidden = false;
  $("curated").hidden = !curated(job);
  $("binned").hidden = !job.deleted;
  const painted = (/** @type {Result} */ result) => isPicture(result) && result.recipe.photo_sha256;
  const pictures = job.verb === "paint" ? job.results.filter(painted) : [];
  const beside = job.verb === "paint" || job.verb === "judge" ? job.results.filter((each) => isPicture(each) && !painted(each)) : [];
  $("beside").replaceChildren(...beside.map((each) => h("a", { href: each.url }, h("img", { src: each.url, alt: each.name, loading: "lazy" }))));
  const films = job.results.filter(isFilm);
  $("films").hidden = !films.length;
  if (films.length !== $("films").children.length) $("films").replaceChildren(...films.map(film));
  $("easel").hidden = !pictures.length && (films.length > 0 || !(job.verb === "paint" && job.inputs.photos?.length));
  if (!$("easel").hidden) easel(pictures).catch(fail);
  $("pieces").hidden = ["paint", "film", "judge"].includes(job.verb) || !job.results.length;
  if (!$("pieces").hidden && !$("pieces").children.length) $("pieces").replaceChildren(...variations(job).map(piece));
  const notes = [...job.results.flatMap((result) => result.notes), ...job.failures.map(sentence)];
  $("notes").replaceChildren(...[...new Set(notes)].map((note) => h("li", {}, note)));
  tools();
  facts();
  next();
  $("grade").hidden = !["compose", "film", "paint"].includes(job.verb) || !job.results.length || (job.verb === "film" && !films.length);
  $("rating").querySelector("legend").textContent = job.verb === "compose" && job.inputs.photo?.length === 1 ? "Does the music suit the photo?" : "How do you like it?";
  if (!$("grade").hidden) grades.look();
}

/** @param {Result | undefined} result */
function inputOf(result) {
  const from = job.inputs.photos || [];
  return from.find((file) => file.sha256 === result?.recipe.photo_sha256) || from[0];
}

/** @param {Result[]} pictures */
async function easel(pictures) {
  const result = pictures[shown];
  const photo = inputOf(result);
  $("strip").hidden = pictures.length < 2;
  if (pictures.length > 1) {
    $("strip").replaceChildren(...pictures.map((each, i) => h("li", { class: "strip-item" },
      h("button", { class: "pick", type: "button", "aria-pressed": String(i === shown), "aria-label": `${each.name}, ${i + 1} of ${pictures.length}`, onclick: () => { shown = i; draw(); $("strip").querySelectorAll("button")[i].focus(); } },
        h("img", { src: `${each.thumbnail}?size=192`, alt: "" })))));
  }
  const shows = !result ? null : result.media_type === "image/tiff" ? `${result.thumbnail}?size=1280` : result.url;
  $("picture-row").hidden = true;
  if (result && photo) pictureRow($("picture-row"), { photo, parts: partsOf(job.parameters, job.inputs), result });
  const before = photo ? thumbnailUrl(photo.sha256, 1280) : shows;
  await picture.show({ before, after: shows, name: photo?.name || "the photo" });
}

/** @param {Result} result */
function film(result) {
  const still = (/** @type {string} */ end) => job.results.find((each) => job.verb === "film" && each.name.endsWith(end));
  const [poster, sheet] = [still(".poster.jpg"), still(".sheet.jpg")];
  return h("figure", { class: "film-frame" }, h("video", { class: "film", src: result.url, poster: poster && `${poster.thumbnail}?size=1280`, controls: true, playsinline: true, preload: "metadata", "aria-label": job.verb === "film" ? titleOf(job) : `${result.name}, painted` }),
    job.verb === "paint" && job.results.length > 1 && h("figcaption", { class: "soft" }, result.name),
    sheet && h("details", { class: "more" }, h("summary", {}, "Contact sheet"), h("a", { href: sheet.url }, h("img", { src: sheet.url, alt: `A frame of each of ${result.about.shots.length} shots`, loading: "lazy" }))));
}

/** @param {import("./piece.js").Variation} variation */
function piece(variation) {
  const results = Object.values(variation);
  const { about } = results[0];
  const heard = h("div");
  const player = playerOf(heard, job, variation, about.title || titleOf(job));
  const seen = variation.svg || (player ? null : variation.png);
  return h("article", { class: "card padded piece" },
    h("h2", {}, about.title || results[0].name),
    player && heard,
    about.originality && h("p", { class: "soft" }, about.originality),
    seen && h("img", { src: seen.url, alt: `${about.title || "The piece"}, as a score`, loading: "lazy" }),
    h("div", { class: "row" }, results.map((result) => h("a", { class: "button", href: `${result.url}?download=true`, download: true, "aria-label": `Download ${result.name}` }, icon("download"), result.name.split(".").at(-1).toUpperCase()))));
}

function tools() {
  const made = job.results.length > 0;
  const drop = h("button", { class: "button quiet round", type: "button", "aria-label": "Delete", title: "Delete" }, icon("bin"));
  drop.addEventListener("click", () => remove(job, reload).catch(fail));
  $("tools").replaceChildren(...[
    made && h("a", { class: "button main", href: downloadUrl(job), download: true }, icon("download"), job.results.length > 1 ? "Download all" : "Download"),
    favouriteButton(job),
    !job.deleted && !active(job) && drop,
  ].filter(Boolean));
}

/** @param {unknown} value */
function percent(value) {
  return typeof value === "number" ? `${Math.round(value * 100)} %` : null;
}

/** @param {unknown} value */
function colours(value) {
  if (value === "photo" || value === 0) return "the photo’s";
  return typeof value === "number" && value < 1 ? `${percent(value)} the painting’s` : null;
}

/**
 * Files that were given beside the photos, as small pictures.
 *
 * @param {Api.InputOut[]} files
 */
function small(files = []) {
  return files.length ? h("span", { class: "row small-pictures" }, files.map((file) => h("img", { src: `${file.thumbnail}?size=96`, alt: file.name, title: file.name, width: 56, height: 56, loading: "lazy" }))) : null;
}

function facts() {
  const { parameters, results } = job;
  const about = results[0]?.about || {};
  const matched = matchesOf(parameters, job.inputs);
  /** @type {Row[]} */
  const rows = job.verb === "paint" ? [
    ["In the manner of", fully(partsOf(parameters, job.inputs))], ["Strength", percent(parameters.strength)],
    ["Colours", colours(parameters.colour)], ["Strokes", parameters.stroke && parameters.stroke !== 1 && `${parameters.stroke} times as large`],
    ["Effort", parameters.effort && words(parameters.effort)], ["Matched", matched.length && `${matched.length} ${matched.length === 1 ? "part" : "parts"} of the painting`],
    ["Painter", !results[0]?.recipe.method && words(parameters.model)], ["Longest side", parameters.size ? `${parameters.size} pixels` : "as the photo"],
  ] : job.verb === "compose" ? [
    ["Persona", words(parameters.persona)], ["Mood", parameters.mood], ["Key", about.key], ["Tempo", about.tempo && `${Math.round(about.tempo)} a minute`],
    ["Length", about.lasts && `${Math.round(about.lasts)} s`], ["Instruments", parameters.instrument],
  ] : job.verb === "film" && about.shots ? [
    ["Shots", String(about.shots.length)], ["Length", `${about.lasts.toFixed(1)} s`], ["Picture", `${about.width} × ${about.height}, ${about.fps} frames a second`],
  ] : [];
  const from = job.inputs.photos || Object.values(job.inputs).flat();
  rows.push(["From", [...new Set(from.map((file) => file.name))].slice(0, 3).join(", ")]);
  if (job.verb === "paint") rows.push(["Paintings", small(job.inputs.painting)], ["Masks", small(job.inputs.mask)]);
  rows.push(["Made", when(job.created)]);
  if (job.ended && job.started && results.length) rows.push(["It took", `${Math.max(0.1, job.ended - job.started).toFixed(1)} s`]);
  if (results.length) rows.push(["Size", bytes(results.reduce((sum, result) => sum + result.size, 0))]);
  fill($("facts"), rows);
  const recipe = results[shown]?.recipe || parameters;
  fill($("recipe"), Object.entries(recipe).map(([name, value]) => [words(name), value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value)]));
}

/**
 * Rows of a list of facts; those that say nothing are left out.
 *
 * @typedef {[string, import("./dom.js").Child]} Row
 * @param {HTMLElement} list
 * @param {Row[]} rows
 */
function fill(list, rows) {
  list.replaceChildren(...rows.filter(([, value]) => value).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

function next() {
  const offered = [];
  if (job.verb === "paint") {
    offered.push(h("a", { class: "button wide", href: `/paint?recipe=${job.id}` }, icon("again"), "Do it again with another photo"));
    offered.push(h("a", { class: "button wide", href: `/paint?job=${job.id}` }, icon("brush"), "Paint this photo differently"));
  } else if (job.verb === "compose") {
    offered.push(h("a", { class: "button wide", href: `/compose?job=${job.id}` }, icon("music"), "Open in Compose"));
  }
  if (job.verb === "film") offered.push(h("a", { class: "button wide", href: `/film?job=${job.id}` }, icon("film"), "Open in Film"));
  else if (pages.includes("film") && job.state === "done") offered.push(h("a", { class: "button wide", href: `/film?job=${job.id}` }, icon("film"), "Send to film"));
  $("next").replaceChildren(...offered);
}

/**
 * What a grade is for: the piece, the film, or the picture that is shown.
 *
 * @returns {Graded}
 */
function graded() {
  if (job.verb === "compose") return { music: { job: id, result: 0 } };
  const pictures = job.results.filter((each) => isPicture(each) && each.recipe.photo_sha256);
  const result = job.results.find(isFilm) || pictures[shown] || job.results[0];
  return { picture: { job: id, result: result.index } };
}

$("rename").addEventListener("click", () => {
  const prefix = curated(job) ? "Curated: " : "";
  const field = h("input", { type: "text", id: "rename-field", maxlength: 180, "aria-label": "Title", value: titleOf(job) });
  const save = async () => {
    field.removeEventListener("blur", save);
    try {
      if (field.value.trim() !== titleOf(job)) job = await patch(job.url, { title: field.value.trim() && prefix + field.value.trim() });
    } catch (error) {
      fail(error);
    }
    field.remove();
    $("title").hidden = $("rename").hidden = false;
    draw();
    $("rename").focus();
  };
  $("title").hidden = $("rename").hidden = true;
  $("title").after(field);
  field.select();
  field.addEventListener("blur", save);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") save();
    if (event.key === "Escape") { field.value = titleOf(job); save(); }
  });
});
$("restore").addEventListener("click", () => restore(job, reload).catch(fail));

async function reload() {
  try {
    job = await get(`/api/jobs/${encodeURIComponent(id)}`);
  } catch (error) {
    $("result").hidden = true;
    $("gone").hidden = false;
    $("gone-text").textContent = error.message;
    return;
  }
  draw();
  if (job.state !== "done") watch($("job"), id, { title: words(job.verb), ontell: (now) => { job = now; draw(); } });
}
reload();
