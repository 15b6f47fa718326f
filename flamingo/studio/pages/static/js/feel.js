// The page Feel: a photo or a sentence, its place on the plane of moods, why, its music, and a grade for the two. Both
// jobs stand in the address, so that a reload loses nothing.
import { active, at, fileUrl, get, post, upload } from "./api.js";
import { $, h, words } from "./dom.js";
import { dropzone } from "./dropzone.js";
import { watch } from "./job.js";
import { MoodPlane, signed } from "./moodpad.js";
import { keyName, playerOf, sound, variations } from "./piece.js";
import { rating } from "./rate.js";
import { fail, say } from "./toast.js";

const plane = new MoodPlane($("plane"), JSON.parse($("moods").textContent));
const spread = JSON.parse($("plane").dataset.spread);
const grade = rating($("grade"), { about: graded });
/** @type {Job | null} */
let felt = null;
/** @type {Job | null} */
let music = null;
/** @type {import("./player.js").Player | null} */
let player = null;
/** @type {(() => void) | null} */
let leaveFelt = null;
/** @type {(() => void) | null} */
let leaveMusic = null;

/**
 * What stands under a name in the page's address. value: to stand there from now on; null for nothing.
 *
 * @param {"job" | "music"} name
 * @param {string | null} [value]
 */
function address(name, value) {
  const url = new URL(location.href);
  if (value === undefined) return url.searchParams.get(name);
  if (value === null) url.searchParams.delete(name);
  else url.searchParams.set(name, value);
  if (url.href !== location.href) history.pushState(null, "", url);
  return value;
}

function graded() {
  const played = { job: music.id, result: sound(variations(music)[0]).index };
  const picture = felt.results.find((result) => result.media_type.startsWith("image/"));
  return { music: played, ...(picture && { picture: { job: felt.id, result: picture.index } }) };
}

/** @param {Api.FeelIn} body */
async function ask(body) {
  try {
    /** @type {Job} */
    const job = await post("/api/feel", body);
    address("music", null);
    address("job", job.id);
    show(job);
  } catch (error) {
    fail(error);
  }
}

dropzone($("photo"), {
  onfiles: async ([file]) => {
    try {
      say(`Sending ${file.name}`);
      const { sha256, name } = await upload(file);
      await ask({ photos: [{ sha256, name: name || file.name }] });
    } catch (error) {
      fail(error);
    }
  },
});

$("sentence").addEventListener("submit", (event) => {
  event.preventDefault();
  const sentence = $("words").value.trim();
  if (sentence) ask({ words: sentence });
  else $("words").focus();
});

/**
 * Show a job of feeling: its way, or what came of it.
 *
 * @param {Job} job
 */
function show(job) {
  leaveFelt?.();
  leaveFelt = null;
  felt = job;
  silence();
  if (job.state === "done") {
    $("job").hidden = true;
    showMood(job);
    return;
  }
  $("felt").hidden = true;
  leaveFelt = watch($("job"), job.id, {
    title: "Looking",
    ondone: (over) => {
      felt = over;
      if (over.state !== "done") return;
      showMood(over);
      $("felt").scrollIntoView({ block: "start", behavior: "instant" });
      $("felt").focus({ preventScroll: true });
    },
  });
}

/** @param {Job} job */
function showMood(job) {
  const [result] = job.results;
  if (!result) return;
  const { about } = result;
  const [photo] = job.inputs.photos ?? [];
  $("felt").hidden = false;
  $("felt-photo").hidden = !photo;
  if (photo) {
    $("shown").src = photo.url || fileUrl(photo.sha256);
    $("shown").alt = photo.name ? `Your photo, ${photo.name}` : "Your photo";
  }
  $("felt-words").hidden = Boolean(photo);
  $("felt-words").textContent = job.parameters.words ?? "";
  if (!photo) $("words").value = job.parameters.words ?? "";
  $("word").textContent = about.word;
  // A photo's numbers are grades; `mood` is the same on the plane of words. A sentence is on that plane at once.
  const [valence, arousal] = about.mood ?? [about.valence, about.arousal];
  const sure = about.mood ? spread : [about.valence_sd, about.arousal_sd];
  plane.show(valence, arousal, sure);
  const [pleasant, exciting] = [signed(about.valence), signed(about.arousal)];
  const numbers = `valence ${pleasant} ± ${about.valence_sd.toFixed(2)}, arousal ${exciting} ± ${about.arousal_sd.toFixed(2)}`;
  $("plane").setAttribute("aria-label", `Its place on the plane of moods: nearest to ${about.word}; ${numbers}`);
  const scale = about.mood ? "People would grade it" : "Its place";
  $("plane-said").textContent = `${scale}: ${numbers}. The ring is the usual error (one standard deviation each way).`;
  reasons(about);
  const picture = job.results.find((each) => each.media_type.startsWith("image/"));
  $("heat").hidden = !picture;
  if (picture) {
    $("explanation").src = picture.url;
    $("explanation").alt = `Heat maps. ${(about.because ?? []).join(" ")}`;
  }
  say(`It feels ${about.word}`);
}

/** @param {About} about */
function reasons(about) {
  const because = about.because?.length ? about.because : [
    "Sentences are placed by what their words mean together; which word weighed most is not known.",
    ...(about.styles?.length ? [`Paintings that suit it: ${about.styles.slice(0, 3).map((s) => words(s.style)).join(", ")}.`] : []),
  ];
  $("because").replaceChildren(...because.map((sentence) => h("li", {}, sentence)));
  const moods = Object.entries(about.moods ?? {}).sort((a, b) => b[1] - a[1]).slice(0, 5);
  $("moods-title").hidden = !moods.length;
  $("fits").replaceChildren(...moods.map(share));
  const classes = Object.entries(about.classes ?? {});
  $("classes-title").hidden = !classes.length;
  $("classes").replaceChildren(...classes.map(share));
}

/** @param {[string, number]} named */
function share([mood, part]) {
  const fill = h("span", { class: "bar-fill" });
  fill.style.width = `${100 * part}%`;
  return h("li", {}, h("span", {}, mood), h("span", { class: "bar" }, fill), h("span", { class: "bar-said" }, `${Math.round(100 * part)} %`));
}

// -- its music ------------------------------------------------------------------------------------------------

$("music-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!felt) return;
  const photos = felt.inputs.photos?.map(({ sha256, name }) => ({ sha256, name }));
  const mood = photos?.length ? { photo: photos } : { words: felt.parameters.words };
  const body = { persona: $("persona").value, seconds: Number($("seconds").value), format: ["mp3", "mid"], ...mood };
  try {
    /** @type {Job} */
    const job = await post("/api/compose", body);
    address("music", job.id);
    compose(job, true);
  } catch (error) {
    fail(error);
  }
});

/**
 * @param {Job} job
 * @param {boolean} play
 */
function compose(job, play) {
  silence();
  music = job;
  const ready = (/** @type {Job} */ over) => {
    music = over;
    if (over.state === "done") heard(over, play);
  };
  if (active(job) || job.state !== "done") leaveMusic = watch($("music-job"), job.id, { title: "Composing", ondone: ready });
  else ready(job);
}

function silence() {
  leaveMusic?.();
  leaveMusic = music = null;
  player?.end();
  player = null;
  $("music").hidden = $("music-job").hidden = true;
}

/**
 * @param {Job} job
 * @param {boolean} play
 */
function heard(job, play) {
  const [variation] = variations(job);
  if (!variation) return;
  const { about } = sound(variation);
  player = playerOf($("player"), job, variation, about.title || "its music");
  $("music").hidden = false;
  const keys = about.sections?.map((section) => keyName(section.key)) ?? [];
  $("music-said").textContent =
    `${words(job.parameters.persona)}, ${keys.join(" → ") || about.key}, ${about.metre}, tempo ${Math.round(about.tempo)}. ${about.originality ?? ""}`;
  $("open").href = job.page || at(`/collection/${job.id}`);
  grade.look();
  if (play) player?.play();
}

async function personas() {
  /** @type {Api.PersonaOut[]} */
  const known = await get("/api/personas");
  const chosen = music?.parameters.persona ?? "beethoven";
  $("persona").replaceChildren(...known.map(({ name }) => h("option", { value: name }, words(name))));
  $("persona").value = chosen;
}

async function arrive() {
  try {
    const id = address("job"), played = address("music");
    if (!id) {
      leaveFelt?.();
      silence();
      $("felt").hidden = $("job").hidden = true;
      return;
    }
    show(/** @type {Job} */ (await get(`/api/jobs/${id}`)));
    if (played) {
      /** @type {Job} */
      const job = await get(`/api/jobs/${played}`);
      $("persona").value = job.parameters.persona;
      compose(job, false);
    }
  } catch (error) {
    fail(error);
  }
}

window.addEventListener("popstate", arrive);
arrive().then(personas).catch(fail);
