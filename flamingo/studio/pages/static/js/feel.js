// The page Feel: a photo or a sentence, its place on the plane of moods, why, its music, and a grade for the two. Both
// jobs stand in the address, so that a reload loses nothing.
import { active, at, fileUrl, get, post, upload } from "./api.js";
import { h, words } from "./dom.js";
import { dropzone } from "./dropzone.js";
import { watch } from "./job.js";
import { MoodPlane, signed } from "./moodpad.js";
import { keyName, playerOf, sound, variations } from "./piece.js";
import { rating } from "./rate.js";
import { fail, say } from "./toast.js";

const $ = (id) => document.getElementById(id);
const plane = new MoodPlane($("plane"), JSON.parse($("moods").textContent));
const spread = JSON.parse($("plane").dataset.spread);
const grade = rating($("grade"), { about: graded });
let felt = null; // the job
let music = null;
let player = null;
let leaveFelt = null;
let leaveMusic = null;

function address(name, value) {
  const url = new URL(location);
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

async function ask(body) {
  try {
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
  const said = $("words").value.trim();
  if (said) ask({ words: said });
  else $("words").focus();
});

/** Show a job of feeling: its way, or what came of it. */
function show(job) {
  leaveFelt?.();
  leaveFelt = null;
  felt = job;
  silence();
  if (job.state === "done") {
    $("job").hidden = true;
    found(job);
    return;
  }
  $("felt").hidden = true;
  leaveFelt = watch($("job"), job.id, {
    title: "Looking",
    ondone: (over) => {
      felt = over;
      if (over.state !== "done") return;
      found(over);
      $("felt").scrollIntoView({ block: "start", behavior: "instant" });
      $("felt").focus({ preventScroll: true });
    },
  });
}

function found(job) {
  const [result] = job.results;
  if (!result) return;
  const told = result.about;
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
  $("word").textContent = told.word;
  // A photo's numbers are grades; `mood` is the same on the plane of words. A sentence is on that plane at once.
  const [valence, arousal] = told.mood ?? [told.valence, told.arousal];
  const sure = told.mood ? spread : [told.valence_sd, told.arousal_sd];
  plane.show(valence, arousal, sure);
  const [pleasant, exciting] = [signed(told.valence), signed(told.arousal)];
  const numbers = `valence ${pleasant} ± ${told.valence_sd.toFixed(2)}, arousal ${exciting} ± ${told.arousal_sd.toFixed(2)}`;
  $("plane").setAttribute("aria-label", `Its place on the plane of moods: nearest to ${told.word}; ${numbers}`);
  const scale = told.mood ? "People would grade it" : "Its place";
  $("plane-said").textContent = `${scale}: ${numbers}. The ring is the usual error (one standard deviation each way).`;
  reasons(told);
  const picture = job.results.find((each) => each.media_type.startsWith("image/"));
  $("heat").hidden = !picture;
  if (picture) {
    $("explanation").src = picture.url;
    $("explanation").alt = `Heat maps. ${(told.because ?? []).join(" ")}`;
  }
  say(`It feels ${told.word}`);
}

function reasons(told) {
  const because = told.because?.length ? told.because : [
    "Sentences are placed by what their words mean together; which word weighed most is not known.",
    ...(told.styles?.length ? [`Paintings that suit it: ${told.styles.slice(0, 3).map((s) => words(s.style)).join(", ")}.`] : []),
  ];
  $("because").replaceChildren(...because.map((sentence) => h("li", {}, sentence)));
  const moods = Object.entries(told.moods ?? {}).sort((a, b) => b[1] - a[1]).slice(0, 5);
  $("moods-title").hidden = !moods.length;
  $("fits").replaceChildren(...moods.map(share));
  const classes = Object.entries(told.classes ?? {});
  $("classes-title").hidden = !classes.length;
  $("classes").replaceChildren(...classes.map(share));
}

function share([mood, part]) {
  const bar = h("span", { class: "bar" }, h("span", { class: "bar-fill" }));
  bar.firstChild.style.width = `${100 * part}%`;
  return h("li", {}, h("span", {}, mood), bar, h("span", { class: "bar-said" }, `${Math.round(100 * part)} %`));
}

// -- its music ------------------------------------------------------------------------------------------------

$("music-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!felt) return;
  const photos = felt.inputs.photos?.map(({ sha256, name }) => ({ sha256, name }));
  const mood = photos?.length ? { photo: photos } : { words: felt.parameters.words };
  const wish = { persona: $("persona").value, seconds: Number($("seconds").value), format: ["mp3", "mid"], ...mood };
  try {
    const job = await post("/api/compose", wish);
    address("music", job.id);
    compose(job, true);
  } catch (error) {
    fail(error);
  }
});

function compose(job, play) {
  silence();
  music = job;
  const ready = (over) => {
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
  const told = await get("/api/personas");
  const known = Array.isArray(told) ? told : told.personas;
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
    show(await get(`/api/jobs/${id}`));
    if (played) {
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
