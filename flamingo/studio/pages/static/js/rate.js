// Five grades for a picture, a piece, a film, or a picture and a piece together (macros.html's rating).
import { at, post } from "./api.js";
import { fail, toast } from "./toast.js";

const LISTENER = "flamingo.listener"; // the name that was given last, on this browser

/** Wire a rating. about(): what is rated now, {picture: {job, result}} and / or {music: {job, result}}; ongrade(grade)
    is called once it is kept. Gives {show(grade)}. */
export function rating(element, { about, ongrade }) {
  const buttons = [...element.querySelectorAll("[data-grade]")];
  const name = element.querySelector("[data-listener]");
  name.value = remembered();
  const show = (grade) => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.grade === grade));
  };
  for (const button of buttons) {
    button.addEventListener("click", async () => {
      const grade = button.dataset.grade, listener = name.value.trim();
      try {
        await post("/api/ratings", { grade, ...(listener && { listener }), ...about() });
        keep(listener);
        show(grade);
        toast(`Thank you. The grade “${grade}” is kept.`, { seconds: 4, action: { label: "All grades", run: () => { location.href = at("/grades"); } } });
        ongrade?.(grade);
      } catch (error) {
        fail(error);
      }
    });
  }
  return { show };
}

function remembered() {
  try { return localStorage.getItem(LISTENER) || ""; } catch { return ""; }
}
function keep(name) {
  try { localStorage.setItem(LISTENER, name); } catch { /* this browser keeps nothing */ }
}
