// How far a job is, with a way to stop it or to try again (macros.html's job).
import { active, follow, post } from "./api.js";
import { fail, say } from "./toast.js";

const TITLES = { queued: "Waiting for its turn", running: "At work", done: "Done", failed: "It did not work", cancelled: "Cancelled" };

/** Show the job of this id until it is over; ontell(job) at each change, ondone(job) at the end, whatever the end.
    title: what the work is called while it runs; cancelled: what is said of it after it was cancelled. Gives a function that stops looking (the job goes on). */
export function watch(element, id, { ontell, ondone, title = "At work", cancelled = "Nothing was kept of it. You can try it again as it was." } = {}) {
  const leave = new AbortController();
  const part = (name) => element.querySelector(`[data-job-${name}]`);
  const cancel = part("cancel");
  const retry = part("retry");
  let said = "";

  const tell = (job) => {
    element.hidden = job.state === "done";
    part("title").textContent = job.state === "running" ? title : TITLES[job.state];
    cancel.hidden = !active(job);
    cancel.disabled = false;
    const bar = part("bar");
    bar.hidden = !active(job);
    const { done, all, message } = job.progress;
    if (all > 0 && done > 0) { bar.max = all; bar.value = done; } else bar.removeAttribute("value");
    part("message").textContent = active(job) ? message : "";
    part("error").hidden = active(job) || job.state === "done";
    part("error").querySelector("p").textContent =
      job.state === "failed" ? sentence(job.error) : cancelled;
    if (said !== job.state) { said = job.state; say(job.state === "running" ? title : TITLES[job.state]); }
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
  return () => { leave.abort(); element.hidden = true; };
}

/** A job's failure in one line. */
export function sentence(failure) {
  if (!failure) return "";
  const named = failure.name ? `${failure.name}: ` : "";
  return named + failure.what + (failure.why ? `: ${failure.why}` : "") + (failure.hint ? `; ${failure.hint}` : "");
}
