// A result as a card: its picture, what it is, and what may be done with it at once.
import { active, del, patch, post } from "./api.js";
import { sure } from "./dialog.js";
import { h, icon, when, words } from "./dom.js";
import { howFar } from "./job.js";
import { briefly, partsOf, styleTitle } from "./manner.js";
import { fail, say, toast } from "./toast.js";

const CURATED = "Curated: ";

export { styleTitle };
const manner = (/** @type {Job} */ job) => briefly(partsOf(job.parameters, job.inputs));

/** @param {Job} job */
export const curated = (job) => job.title.startsWith(CURATED);

/**
 * What to call a job: its title, or what was asked for.
 *
 * @param {Job} job
 */
export function titleOf(job) {
  if (job.title) return job.title.replace(CURATED, "");
  if (job.verb === "paint") return manner(job);
  if (job.verb === "compose") return job.results[0]?.about?.title || `${words(job.parameters.persona.split("=")[0])}, ${job.parameters.seconds} s`;
  if (job.verb === "film") return job.results[0]?.about?.title || (job.results[0]?.media_type === "application/json" ? "Plan of a film" : "Film");
  return words(job.verb);
}

/**
 * One line about it, beside its title.
 *
 * @param {Job} job
 */
export function aboutOf(job) {
  const from = (job.inputs.photos || Object.values(job.inputs).flat()).map((file) => file.name);
  // A piece is written as several kinds of file; it is one piece all the same.
  const count = new Set(job.results.map((result) => (job.verb === "compose" ? result.name.replace(/\.[^.]*$/, "") : result.index))).size;
  const many = count > 1 && job.verb !== "film" ? `${count} ${job.verb === "paint" ? "pictures" : "pieces"}` : "";
  const what = job.verb === "paint" ? (job.title ? manner(job) : from[0] || "")
    : job.verb === "film" ? `${from.filter((name) => !/\.json$/.test(name)).length} photos`
    : job.verb === "compose" ? [words(job.parameters.persona.split("=")[0]), job.parameters.mood].filter(Boolean).join(", ") : from[0] || "";
  return [howFar(job), what, many, when(job.created)].filter(Boolean).join(" · ");
}

/** @type {{[state: string]: string}} */
const STATES = { queued: "Waiting", running: "At work", failed: "Failed", cancelled: "Cancelled" };

/** @param {Job} job */
function frame(job) {
  const picture = job.results.find((result) => result.thumbnail);
  const badge = STATES[job.state] ? h("span", { class: "badge pink" }, STATES[job.state])
    : curated(job) ? h("span", { class: "badge" }, "Curated") : null;
  if (picture) {
    const image = h("img", { src: `${picture.thumbnail}?size=480`, alt: "", loading: "lazy", width: 480, height: 480 });
    return h("span", { class: `work-frame${job.verb === "compose" ? " roll" : ""}` }, image, badge);
  }
  if (active(job) && job.inputs.photos?.length) {
    return h("span", { class: "work-frame" }, h("img", { src: `${job.inputs.photos[0].thumbnail}?size=480`, alt: "" }), badge);
  }
  if (job.verb === "film" && job.inputs.photos?.length) {
    return h("span", { class: "work-frame" }, h("img", { src: `${job.inputs.photos[0].thumbnail}?size=480`, alt: "", loading: "lazy" }), badge || h("span", { class: "badge" }, "Plan"));
  }
  return h("span", { class: "work-frame music" }, job.verb === "compose" ? bars(job.id) : icon("picture"), badge);
}

/**
 * A cover for a piece of music: bars whose heights come from the job's own id, so each looks like itself.
 *
 * @param {string} id
 */
function bars(id) {
  const box = h("span", { class: "bars", "aria-hidden": "true" });
  for (let i = 0; i < 9; i += 1) {
    const bar = h("i");
    bar.style.height = `${20 + (parseInt(id.slice(2 * i, 2 * i + 2), 16) / 255) * 80}%`;
    box.append(bar);
  }
  return box;
}

/**
 * A card, an <li>. tools: whether it has its buttons; onchange(): it has left the list or come back.
 *
 * @param {Job} job
 * @param {{tools?: boolean, onchange?: () => void}} options
 */
export function card(job, { tools = true, onchange } = {}) {
  const name = titleOf(job);
  const film = job.results.find((result) => result.media_type.startsWith("video/"));
  const link = h("a", { class: "work-link", href: job.page }, !film && frame(job), h("span", { class: "work-title" }, name), h("span", { class: "work-about" }, aboutOf(job)));
  const still = job.results.find((result) => result.thumbnail);
  const player = film && h("video", { class: "work-frame", src: film.url, poster: still && `${still.thumbnail}?size=480`, controls: true, playsinline: true, preload: "none", "aria-label": name });
  const element = h("li", { class: "work", "data-job": job.id }, player, link);
  if (!tools) return element;
  if (job.deleted) {
    element.append(h("div", { class: "work-tools" }, tool("undo", `Restore ${name}`, () => restore(job, onchange)),
      tool("bin", `Delete ${name} for good`, () => purge(job, onchange))));
  } else {
    element.append(h("div", { class: "work-tools" }, favouriteButton(job, name), download(job, name),
      active(job) ? tool("stop", `Cancel ${name}`, () => post(`${job.url}/cancel`).then(onchange))
        : tool("bin", `Delete ${name}`, () => remove(job, onchange))));
  }
  return element;
}

/**
 * @param {string} sign
 * @param {string} label
 * @param {() => unknown} run
 */
function tool(sign, label, run) {
  const button = h("button", { class: "button quiet round", type: "button", "aria-label": label, title: label }, icon(sign));
  button.addEventListener("click", async () => {
    button.disabled = true;
    try { await run(); } catch (error) { fail(error); } finally { button.disabled = false; }
  });
  return button;
}

/**
 * The heart. It changes `job`, too.
 *
 * @param {Job} job
 */
export function favouriteButton(job, name = titleOf(job), text = "") {
  const label = `Favourite: ${name}`;
  const button = h("button", { class: `button ${text ? "" : "quiet round"}`, type: "button", "aria-pressed": String(job.favourite), "aria-label": text ? null : label, title: text ? null : label }, icon("heart"), text);
  button.addEventListener("click", async () => {
    try {
      Object.assign(job, await patch(job.url, { favourite: !job.favourite }));
      button.setAttribute("aria-pressed", String(job.favourite));
      say(job.favourite ? `${name} is a favourite` : `${name} is no favourite any more`);
    } catch (error) {
      fail(error);
    }
  });
  return button;
}

/**
 * Where all of a job is downloaded from: its one result, or a zip.
 *
 * @param {Job} job
 */
export const downloadUrl = (job) => (job.results.length === 1 ? `${job.results[0].url}?download=true` : `${job.url}/zip`);

/**
 * @param {Job} job
 * @param {string} name
 */
function download(job, name) {
  if (!job.results.length) return null;
  return h("a", { class: "button quiet round", href: downloadUrl(job), download: true, "aria-label": `Download ${name}`, title: `Download ${name}` }, icon("download"));
}

/**
 * Into the bin, with a way back.
 *
 * @param {Job} job
 * @param {() => void} [onchange]
 */
export async function remove(job, onchange) {
  await del(job.url);
  onchange?.();
  toast(`${titleOf(job)} is in the bin.`, { action: { label: "Undo", run: () => restore(job, onchange).catch(fail) } });
}

/**
 * @param {Job} job
 * @param {() => void} [onchange]
 */
export async function restore(job, onchange) {
  await post(`${job.url}/restore`);
  onchange?.();
  toast(`${titleOf(job)} is back in your collection.`, { seconds: 4 });
}

/**
 * @param {Job} job
 * @param {() => void} [onchange]
 */
async function purge(job, onchange) {
  if (!(await sure(`Delete “${titleOf(job)}” for good?`, "Its files are deleted too. This cannot be undone.", "Delete for good"))) return;
  await del(`${job.url}?purge=true`);
  onchange?.();
}
