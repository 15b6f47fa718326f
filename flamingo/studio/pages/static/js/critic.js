// What the critic says of a painted picture: asked for by a button, a job like all others (POST /api/judge).
import { post } from "./api.js";
import { h, icon } from "./dom.js";
import { watch } from "./job.js";
import { partsOf } from "./manner.js";
import { fail } from "./toast.js";

/**
 * element: the section of the page. Gives { offer(job), clear() }.
 *
 * @param {HTMLElement} element
 */
export function critic(element) {
  const words = element.querySelector("#critic-said");
  const progress = element.querySelector("[data-job]");
  let leave = () => {};

  function clear() {
    leave();
    element.hidden = true;
    words.replaceChildren();
  }

  /**
   * Offer to judge the first result of a job that is done, if it was painted like one painting all over.
   *
   * @param {Job} job
   */
  function offer(job) {
    clear();
    const result = job.results.find((each) => each.recipe.photo_sha256);
    const photo = result && job.inputs.photos.find((file) => file.sha256 === result.recipe.photo_sha256);
    const [part, ...others] = partsOf(job.parameters, job.inputs);
    if (!photo || !part || others.length || part.mask || job.parameters.method === "dream" || !result.media_type.startsWith("image/")) return;
    element.hidden = false;
    const button = h("button", { class: "button", type: "button" }, icon("picture"), "Ask the critic");
    button.addEventListener("click", () => ask(result, photo, part));
    words.replaceChildren(h("p", { class: "soft" }, "How much of the photo is kept and of the painting taken, what is wrong, and where: measured, in a minute or two."), button);
  }

  /**
   * @param {Result} result
   * @param {FileRef} photo
   * @param {StyleTerm<FileRef>} part
   */
  async function ask(result, photo, part) {
    const named = (/** @type {FileRef} */ { sha256, name }) => ({ sha256, name });
    const manner = part.painting ? { painting: [named({ ...part.painting, name: part.name })] } : { style: part.name };
    words.replaceChildren();
    try {
      /** @type {Job} */
      const job = await post("/api/judge", { results: [named(result)], photo: [named(photo)], ...manner });
      leave = watch(progress, job.id, { title: "Looking closely", ondone: show });
    } catch (error) {
      fail(error);
    }
  }

  /** @param {Job} job */
  function show(job) {
    const [result] = job.results;
    if (job.state !== "done" || !result) return;
    const { score, figures } = result.about;
    const line = (/** @type {CriticFigure} */ { words: sentence, good, value }) => h("li", { class: good === false ? "bad" : "" }, sentence.charAt(0).toUpperCase() + sentence.slice(1), h("span", { class: "soft" }, ` ${value.toFixed(2)}`));
    const layers = (/** @type {CriticFigure} */ each) => each.name.startsWith("style_");
    words.replaceChildren(
      ...(score === null ? [] : [h("p", {}, h("strong", {}, `Score ${score.toFixed(0)} of 100`), h("span", { class: "soft" }, " It compares variants of one photo in one style, nothing else."))]),
      ...(result.media_type.startsWith("image/") ? [h("a", { href: result.url }, h("img", { class: "maps", src: result.url, alt: "The picture, and maps of where the photo and the painting are missing in it" }))] : []),
      h("ul", { class: "plain said" }, ...figures.filter((each) => !layers(each)).map(line)),
      h("details", { class: "more" }, h("summary", {}, "Layer by layer"), h("ul", { class: "plain said" }, ...figures.filter(layers).map(line))),
      h("p", { class: "hint" }, [...result.notes, ...(result.about.notes ?? []), "No number says whether a face is still a face, or what is beautiful: look."].join(" ")),
    );
  }

  return { offer, clear };
}
