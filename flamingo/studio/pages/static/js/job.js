// How far a job is, with a way to stop it or to try again (macros.html's job).
import { active, follow, post } from "./api.js";
import { fail, say } from "./toast.js";

const TITLE = document.title; // of the page, while nothing is at work
const TITLES = { queued: "Waiting for its turn", running: "At work", done: "Done", failed: "It did not work", cancelled: "Cancelled" };

/** Show the job of this id until it is over; ontell(job) at each change, ondone(job) at the end, whatever the end.
    title: what the work is called while it runs; cancelled: what is said of it after it was cancelled. Gives a function that stops looking (the job goes on).

    @param {HTMLElement} element
    @param {string} id
    @param {{ontell?: (job: Job) => void, ondone?: (job: Job) => void, title?: string, cancelled?: string}} options */
export function watch(element, id, { ontell, ondone, title = "At work", cancelled = "Nothing was kept of it. You can try it again as it was." } = {}) {
  const leave = new AbortController();
  const part = (/** @type {string} */ name) => element.querySelector(`[data-job-${name}]`);
  const cancel = /** @type {HTMLButtonElement} */ (part("cancel"));
  const retry = part("retry");
  let spokenState = "";
  let quarter = 0;

  const tell = (/** @type {Job} */ job) => {
    element.hidden = job.state === "done";
    part("title").textContent = job.state === "running" ? title : TITLES[job.state];
    cancel.hidden = !active(job);
    cancel.disabled = false;
    const bar = /** @type {HTMLProgressElement} */ (part("bar"));
    bar.hidden = !active(job);
    const { done, all, message } = job.progress;
    if (all > 0 && done > 0) { bar.max = all; bar.value = done; } else bar.removeAttribute("value");
    const share = shareOf(job);
    part("message").textContent = active(job) ? [howFar(job), message].filter(Boolean).join(" · ") : "";
    document.title = job.state === "running" && share !== null ? `${percent(share)} · ${TITLE}` : TITLE;
    part("error").hidden = active(job) || job.state === "done";
    part("error").querySelector("p").textContent =
      job.state === "failed" ? sentence(job.error) : cancelled;
    if (spokenState !== job.state) { spokenState = job.state; quarter = 0; say(spoken(job, title)); }
    const reached = Math.floor(4 * (share ?? 0));
    if (job.state === "running" && reached > quarter && reached < 4) { quarter = reached; say(`${title}: ${howFar(job)}`); }
    ontell?.(job);
  };
  const run = () => follow(id, tell, { signal: leave.signal }).then((job) => ondone?.(job), fail);
  cancel.onclick = async () => {
    cancel.disabled = true;
    try { await post(`/api/jobs/${id}/cancel`); } catch (error) { cancel.disabled = false; fail(error); }
  };
  retry.onclick = async () => {
    try { await post(`/api/jobs/${id}/retry`); run(); } catch (error) { fail(error); }
  };
  element.hidden = false;
  run();
  return () => { leave.abort(); element.hidden = true; document.title = TITLE; };
}

/**
 * How much of a running job is done, from 0 to 1; null where it is not known.
 *
 * @param {Job} job
 */
export function shareOf(job) {
  const { done, all } = job.progress;
  return job.state === "running" && all > 0 && done > 0 ? Math.min(1, done / all) : null;
}

/**
 * "43 %, about 2 min left", or the job's place in the queue; "" where nothing is known, or where it is over.
 *
 * @param {Job} job
 */
export function howFar(job) {
  if (!active(job)) return "";
  const left = typeof job.seconds_left === "number" ? `about ${duration(job.seconds_left)}` : "";
  if (job.state === "queued") {
    if (!job.queue_place) return "";
    const place = job.queue_place === 1 ? "Next in the queue" : `Number ${job.queue_place} in the queue`;
    return left ? `${place}, done in ${left}` : place;
  }
  const share = shareOf(job);
  if (share === null) return left && `${left} left`;
  return left ? `${percent(share)}, ${left} left` : percent(share);
}

const percent = (/** @type {number} */ share) => `${Math.floor(100 * share)} %`;

/**
 * Seconds for people: "8 s", "2 min", "1 h 20 min".
 *
 * @param {number} seconds
 */
export function duration(seconds) {
  if (seconds < 55) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.max(1, Math.round(seconds / 60));
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/**
 * @param {Job} job
 * @param {string} title
 */
function spoken(job, title) {
  if (job.state === "running") return title;
  if (job.state === "queued") return [TITLES.queued, howFar(job)].filter(Boolean).join(". ");
  if (job.state === "done" && job.ended && job.started) return `Done, it took ${duration(job.ended - job.started)}`;
  return TITLES[job.state];
}

/**
 * A job's failure in one line.
 *
 * @param {Api.FailureOut | null} failure
 */
export function sentence(failure) {
  if (!failure) return "";
  const named = failure.name ? `${failure.name}: ` : "";
  return named + failure.what + (failure.why ? `: ${failure.why}` : "") + (failure.hint ? `; ${failure.hint}` : "");
}
