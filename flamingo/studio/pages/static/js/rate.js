// Five grades for a picture, a piece, or both together (macros.html's rating).
import { post } from "./api.js";
import { fail, toast } from "./toast.js";

/** Wire a rating. about(): what is rated now, {picture: {job, result}} and / or {music: {job, result}}; ongrade(grade)
    is called once it is kept. Gives {show(grade)}. */
export function rating(element, { about, ongrade }) {
  const buttons = [...element.querySelectorAll("[data-grade]")];
  const show = (grade) => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.grade === grade));
  };
  for (const button of buttons) {
    button.addEventListener("click", async () => {
      const grade = button.dataset.grade;
      try {
        await post("/api/ratings", { grade, ...about() });
        show(grade);
        toast(`Thank you. Your grade “${grade}” is kept.`, { seconds: 4 });
        ongrade?.(grade);
      } catch (error) {
        fail(error);
      }
    });
  }
  return { show };
}
