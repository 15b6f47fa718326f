// Home: recent work, as it comes.
import { get } from "./api.js";
import { $ } from "./dom.js";
import { card } from "./gallery.js";

try {
  /** @type {{jobs: Job[]}} */
  const { jobs } = await get("/api/jobs?limit=10&state=done");
  $("recent-list").replaceChildren(...jobs.map((job) => card(job, { tools: false })));
  $("recent").hidden = !jobs.length;
} catch (error) {
  console.info(error.message); // home is of use without it
}
