// Five grades for a picture, a piece, a film, or a picture and a piece together (macros.html's rating).
import { at, post } from "./api.js";
import { fail, toast } from "./toast.js";

const LISTENER = "flamingo.listener"; // the name that was given last, on this browser
/** @type {Map<string, string>} */
const kept = new Map(); // what this page was told, for browsers that keep nothing

/** Wire a rating. about(): what is rated now, {picture: {job, result}} and / or {music: {job, result}}, or
    null. Gives {look()}: show the grade that this browser gave to it, if any (the server keeps grades without saying
    whose this one was).

    @param {HTMLElement} element
    @param {{about: () => Graded | null}} options */
export function rating(element, { about }) {
  const keyNow = () => `flamingo.grade.${Object.entries(about() ?? {}).map(([kind, { job, result }]) => `${kind}.${job}.${result ?? 0}`).join(".")}`;
  const buttons = [...element.querySelectorAll("[data-grade]")];
  /** @type {HTMLInputElement} */
  const name = element.querySelector("[data-listener]");
  name.value = remembered(LISTENER) || "";
  const look = () => {
    const grade = remembered(keyNow());
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.grade === grade));
  };
  for (const button of buttons) {
    button.addEventListener("click", async () => {
      const grade = button.dataset.grade, listener = name.value.trim();
      const rated = about(), key = keyNow(); // it may be another by the time of the answer
      try {
        await post("/api/ratings", { grade, ...(listener && { listener }), ...rated });
        keep(LISTENER, listener);
        keep(key, grade);
        look();
        toast(`Thank you. The grade “${grade}” is kept.`, { seconds: 4, action: { label: "All grades", run: () => { location.href = at("/grades"); } } });
      } catch (error) {
        fail(error);
      }
    });
  }
  return { look };
}

/** @param {string} name */
function remembered(name) {
  if (kept.has(name)) return kept.get(name);
  try { return localStorage.getItem(name); } catch { return null; }
}

/**
 * @param {string} name
 * @param {string} value
 */
function keep(name, value) {
  kept.set(name, value);
  try { localStorage.setItem(name, value); } catch { /* this browser keeps nothing */ }
}
