// The collection: what is asked for stands in the address, so a reload or a link shows the same.
import { active, follow, get, post } from "./api.js";
import { $, debounced, field } from "./dom.js";
import { sure } from "./dialog.js";
import { aboutOf, card } from "./gallery.js";
import { fail, say, toast } from "./toast.js";

const PAGE = 24;
const form = $("finder");
/** @type {string | null} */
let next = null;
let loads = 0; // how often the list was asked for
let following = new AbortController();

const wanted = () => ({ search: field(form, "search").value.trim(), show: field(form, "show").value });

/** @param {{search: string, show: string}} wanted */
function query({ search, show }) {
  const parameters = new URLSearchParams({ limit: String(PAGE) });
  if (search) parameters.set("search", search);
  if (show === "favourite") parameters.set("favourite", "true");
  else if (show === "bin") parameters.set("bin", "true");
  else if (show) parameters.set("verb", show);
  return parameters;
}

async function load(more = false) {
  const mine = ++loads;
  const want = wanted();
  const parameters = query(want);
  if (more && next) parameters.set("before", next);
  $("list").setAttribute("aria-busy", "true");
  try {
    /** @type {{jobs: Job[], next: string | null}} */
    const page = await get(`/api/jobs?${parameters}`);
    if (mine !== loads) return; // something else has been asked for since
    if (!more) { following.abort(); following = new AbortController(); }
    const cards = page.jobs.map((job) => made(job));
    if (more) $("list").append(...cards); else $("list").replaceChildren(...cards);
    if (more) cards[0]?.querySelector("a").focus();
    next = page.next;
    $("more").hidden = !next;
    $("empty-bin").hidden = want.show !== "bin" || !page.jobs.length;
    tellEmpty(want, $("list").children.length);
    say(`${$("list").children.length} ${next ? "or more " : ""}results`);
  } catch (error) {
    fail(error);
  } finally {
    if (mine === loads) $("list").setAttribute("aria-busy", "false");
  }
}

/**
 * A card that keeps itself up to date while its job is at work.
 *
 * @param {Job} job
 */
function made(job) {
  const element = card(job, { onchange: () => load() });
  if (active(job) && !job.deleted) {
    let shown = job.state;
    follow(job.id, (now) => {
      const old = document.querySelector(`#list [data-job="${job.id}"]`);
      if (now.state === shown) {
        const about = old?.querySelector(".work-about");
        if (about) about.textContent = aboutOf(now); // how far it is
        return;
      }
      shown = now.state;
      const held = document.activeElement?.closest("[data-job]")?.dataset.job === job.id;
      const fresh = card(now, { onchange: () => load() });
      old?.replaceWith(fresh);
      if (held) fresh.querySelector("a").focus();
    }, { signal: following.signal }).catch(() => {});
  }
  return element;
}

/**
 * @param {{search: string, show: string}} wanted
 * @param {number} count
 */
function tellEmpty({ search, show }, count) {
  const [title, text] = search ? ["Nothing fits", "Try another word: a style, a mood, the name of a file."]
    : show === "favourite" ? ["No favourites yet", "The heart below a picture makes it one."]
    : show === "bin" ? ["The bin is empty", "What you delete waits here until you empty it."]
    : ["Nothing hangs here yet", "Paint a photo or compose a piece, and it will."];
  $("empty").hidden = count > 0;
  $("empty-title").textContent = title;
  $("empty-text").textContent = text;
  $("empty-doors").hidden = Boolean(search || show);
}

function remember() {
  const url = new URL(location.href);
  url.search = "";
  for (const [name, value] of Object.entries(wanted())) if (value) url.searchParams.set(name, value);
  history.replaceState(null, "", url);
}
const search = debounced(() => { remember(); load(); }, 200);
form.addEventListener("input", (event) => (/** @type {HTMLInputElement} */ (event.target).name === "search" ? search() : (remember(), load())));
form.addEventListener("submit", (event) => { event.preventDefault(); remember(); load(); });
$("more").addEventListener("click", () => load(true));
$("empty-bin").addEventListener("click", async () => {
  if (!(await sure("Empty the bin?", "All that is in it, and its files, are deleted for good.", "Empty the bin"))) return;
  try {
    /** @type {Api.EmptiedOut} */
    const { purged } = await post("/api/bin/empty");
    toast(`${purged} deleted for good.`, { seconds: 4 });
    load();
  } catch (error) {
    fail(error);
  }
});

const shown = new URLSearchParams(location.search);
field(form, "search").value = shown.get("search") || "";
field(form, "show").value = shown.get("show") || "";
load();
