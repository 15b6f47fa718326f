// Home: recent work, as it comes.
import { get } from "./api.js";
import { card } from "./gallery.js";

try {
  const { jobs } = await get("/api/jobs?limit=10&state=done");
  const list = document.getElementById("recent-list");
  list.replaceChildren(...jobs.map((job) => card(job, { tools: false })));
  document.getElementById("recent").hidden = !jobs.length;
} catch (error) {
  console.info(error.message); // home is of use without it
}
