// The page Compose: a wish, the work on it, and the piece. The job stands in the address, the wish in the tab's store,
// so that a reload loses neither.
import { active, at, get, patch, post } from "./api.js";
import { h, icon } from "./dom.js";
import { keepNamed } from "./draft.js";
import { watch } from "./job.js";
import { PieceView } from "./piece.js";
import { rating } from "./rate.js";
import { fail, say, toast } from "./toast.js";
import { Wish } from "./wish.js";

const RECIPES = [
  ["A calm half minute with Chopin", { persona: "chopin", mood: "calm", seconds: 30 }],
  ["Mozart, playful, flute and piano", { persona: "mozart", mood: "playful", seconds: 24, instrument: "flute,piano" }],
  ["Rachmaninoff in a storm", { persona: "rachmaninoff", mood: "dramatic", seconds: 30 }],
  ["Half Debussy, half Grieg, dreamy", { persona: "debussy=0.5,grieg=0.5", mood: "dreamy", seconds: 30 }],
];
const DRAFT = "flamingo-compose";

const $ = (id) => document.getElementById(id);
const view = new PieceView($("piece"), { onchoose: () => grade.look() });
const grade = rating($("grade"), { about: () => view.graded });
const wish = new Wish($("wish"), keep);
let job = null;
let leave = null;

function keep() {
  const text = JSON.stringify({ job: address(), parameters: wish.parameters });
  keepNamed(text);
  sessionStorage.setItem(DRAFT, text);
}

const address = () => new URL(location).searchParams.get("job");

function remember(id) {
  if (id === address()) return;
  const url = new URL(location);
  url.searchParams.set("job", id);
  history.pushState(null, "", url);
}

async function compose(parameters, { fresh = false } = {}) {
  $("go").disabled = true;
  try {
    const made = await post(`/api/compose${fresh ? "?fresh=true" : ""}`, parameters);
    remember(made.id);
    keep();
    show(made);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    $("stage").scrollIntoView({ block: "start", behavior: still ? "instant" : "smooth" });
    $("stage").focus({ preventScroll: true });
  } catch (error) {
    fail(error);
  } finally {
    $("go").disabled = false;
  }
}

/** Show a job: its way, or its piece. */
function show(told) {
  $("invite").hidden = true;
  if (leave) leave();
  leave = null;
  job = told;
  if (!active(told) && told.state === "done") {
    $("job").hidden = true;
    finished(told);
    return;
  }
  view.hide();
  leave = watch($("job"), told.id, {
    title: "Composing",
    ondone: (over) => {
      job = over;
      if (over.state === "done") finished(over);
    },
  });
}

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
  if (wish.sending) {
    toast("A file is still on its way to the studio; try again when it is there.");
    return;
  }
  if (wish.way === "photo" && !wish.photos.length) {
    toast("No photo is there yet: bring one, or choose a place instead.", { bad: true });
    return;
  }
  compose(wish.parameters);
});

$("again").addEventListener("click", () => {
  wish.seed = Math.floor(Math.random() * 2 ** 31);
  compose(wish.parameters);
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
    wish.fill(parameters);
    keep();
    compose(wish.parameters);
  };
  $("recipes").append(h("button", { type: "button", class: "button", onclick: begin }, icon("play"), name));
}

async function arrive() {
  const id = address();
  const draft = JSON.parse(sessionStorage.getItem(DRAFT) || "null");
  if (draft && draft.job === id) wish.fill(draft.parameters);
  if (!id) {
    if (leave) leave();
    view.hide();
    $("job").hidden = true;
    $("invite").hidden = false;
    return;
  }
  try {
    const told = await get(`/api/jobs/${id}`);
    if (draft?.job !== id) wish.fill(told.parameters, told.inputs);
    show(told);
  } catch (error) {
    fail(error);
  }
}

window.addEventListener("popstate", arrive);
wish.load().catch(fail);
arrive();
