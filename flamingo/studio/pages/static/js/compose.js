// The page Compose: its form, the work, and the piece. The job stands in the address, the form in the tab's store,
// so that a reload loses neither.
import { active, at, get, patch, post } from "./api.js";
import { ComposeForm } from "./compose_form.js";
import { $, h, icon } from "./dom.js";
import { keepNamed } from "./draft.js";
import { watch } from "./job.js";
import { PieceView } from "./piece.js";
import { rating } from "./rate.js";
import { Redo, anew } from "./redo.js";
import { fail, say, toast } from "./toast.js";

/** @type {[string, JobParameters][]} */
const RECIPES = [
  ["A calm half minute with Chopin", { persona: "chopin", mood: "calm", seconds: 30 }],
  ["Mozart, playful, flute and piano", { persona: "mozart", mood: "playful", seconds: 24, instrument: "flute,piano" }],
  ["Rachmaninoff in a storm", { persona: "rachmaninoff", mood: "dramatic", seconds: 30 }],
  ["Half Debussy, half Grieg, dreamy", { persona: "debussy=0.5,grieg=0.5", mood: "dreamy", seconds: 30 }],
];
const DRAFT = "flamingo-compose";

const view = new PieceView($("piece"), { onchoose: () => grade.look(), onmusic: () => redo.show() });
const grade = rating($("grade"), { about: () => view.graded });
const form = new ComposeForm($("wish"), keep);
const redo = new Redo(view, (parameters) => compose(parameters, { again: true }), (id) => {
  remember(id);
  arrive();
});
/** @type {Job | null} */
let job = null;
/** @type {(() => void) | null} */
let leave = null;

function keep() {
  const text = JSON.stringify({ job: address(), parameters: form.parameters });
  keepNamed(text);
  sessionStorage.setItem(DRAFT, text);
}

const address = () => new URL(location.href).searchParams.get("job");

/** @param {string} id */
function remember(id) {
  if (id === address()) return;
  const url = new URL(location.href);
  url.searchParams.set("job", id);
  history.pushState(null, "", url);
}

/**
 * @param {JobParameters} parameters
 * @returns {Promise<string | null>} the id of the job; null if there is none
 */
async function compose(parameters, { again = false } = {}) {
  $("go").disabled = true;
  try {
    /** @type {Job} */
    const made = await post("/api/compose", parameters);
    remember(made.id);
    keep();
    show(made);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    $("stage").scrollIntoView({ block: "start", behavior: still ? "instant" : "smooth" });
    if (!again) $("stage").focus({ preventScroll: true });
    return made.id;
  } catch (error) {
    fail(error);
    return null;
  } finally {
    $("go").disabled = false;
  }
}

/**
 * Show a job: its way, or its piece.
 *
 * @param {Job} shown
 */
function show(shown) {
  $("invite").hidden = true;
  if (leave) leave();
  leave = null;
  job = shown;
  if (!active(job) && job.state === "done") {
    $("job").hidden = true;
    finished(job);
    return;
  }
  view.hide();
  leave = watch($("job"), job.id, {
    title: "Composing",
    ondone: (over) => {
      job = over;
      if (over.state === "done") finished(over);
    },
  });
}

/** @param {Job} over */
function finished(over) {
  job = over;
  view.show(over);
  $("open").href = over.page || at(`/collection/${over.id}`);
  $("favourite").setAttribute("aria-pressed", String(Boolean(over.favourite)));
  if (!over.results.length) toast("The job is done but has no files; they may have been deleted.", { bad: true });
  else say(`The piece is ready: ${$("piece-title").textContent}`);
}

$("wish").addEventListener("submit", (event) => {
  event.preventDefault();
  if (form.sending) {
    toast("A file is still on its way to the studio; try again when it is there.");
    return;
  }
  if (form.way === "photo" && !form.photos.length) {
    toast("No photo is there yet: bring one, or choose a place instead.", { bad: true });
    return;
  }
  compose(form.parameters);
});

$("again").addEventListener("click", () => {
  const [edited] = job?.inputs.edit ?? [];
  if (edited) {
    compose(anew(job.parameters, { sha256: edited.sha256, name: edited.name }));
    return;
  }
  form.seed = Math.floor(Math.random() * 2 ** 31);
  compose(form.parameters);
});

$("favourite").addEventListener("click", async () => {
  const wanted = $("favourite").getAttribute("aria-pressed") !== "true";
  try {
    job = await patch(`/api/jobs/${job.id}`, { favourite: wanted });
    $("favourite").setAttribute("aria-pressed", String(wanted));
    say(wanted ? "Among your favourites" : "No longer among your favourites");
  } catch (error) {
    fail(error);
  }
});

for (const [name, parameters] of RECIPES) {
  const begin = () => {
    form.fill(parameters);
    keep();
    compose(form.parameters);
  };
  $("recipes").append(h("button", { type: "button", class: "button", onclick: begin }, icon("play"), name));
}

async function arrive() {
  const id = address();
  const draft = JSON.parse(sessionStorage.getItem(DRAFT) || "null");
  if (draft && draft.job === id) form.fill(draft.parameters);
  if (!id) {
    if (leave) leave();
    view.hide();
    $("job").hidden = true;
    $("invite").hidden = false;
    return;
  }
  try {
    /** @type {Job} */
    const found = await get(`/api/jobs/${id}`);
    if (draft?.job !== id) form.fill(found.parameters, found.inputs);
    show(found);
  } catch (error) {
    fail(error);
  }
}

window.addEventListener("popstate", arrive);
form.load().catch(fail);
arrive();
