// An optimisation while it runs: its losses as curves, and its newest picture (GET /api/jobs/ID/steps).
import { active, at, get } from "./api.js";
import { h } from "./dom.js";

/** @type {{[Loss in "objective" | "style" | "content"]: string}} */
const NAMES = { objective: "Together", style: "Style", content: "Photo" };
const LOSSES = /** @type {(keyof typeof NAMES)[]} */ (Object.keys(NAMES));
const WIDTH = 320, HEIGHT = 120, EVERY = 2000;
const SVG = "http://www.w3.org/2000/svg";

/**
 * element: where curves are drawn; onpicture(address, step): told of each new picture. Gives { look(job), stop() }.
 *
 * @param {HTMLElement} element
 * @param {{onpicture?: (address: string, step: number) => void}} options
 */
export function descent(element, { onpicture } = {}) {
  /** @type {Job | null} */
  let job = null;
  let timer = 0, shown = -1, asking = false;

  async function ask() {
    if (!job || asking) return;
    asking = true;
    const { id } = job;
    try {
      /** @type {Api.StepsOut} */
      const { losses, pictures } = await get(`/api/jobs/${id}/steps`);
      if (job?.id !== id) return;
      draw(element, losses);
      const last = pictures.at(-1);
      if (last !== undefined && last !== shown) {
        shown = last;
        onpicture?.(at(`/api/jobs/${id}/steps/${last}`), last);
      }
    } catch {
      // It is looked at again in a moment, or the job is over.
    } finally {
      asking = false;
    }
  }
  function stop() {
    clearInterval(timer);
    timer = 0;
    job = null;
  }
  /**
   * Look at this job until it is over.
   *
   * @param {Job} now
   */
  function look(now) {
    if (now.id !== job?.id) { shown = -1; element.hidden = true; }
    job = now;
    if (active(now) && !timer) timer = setInterval(ask, EVERY);
    if (!active(now)) {
      clearInterval(timer);
      timer = 0;
    }
    ask();
  }
  return { look, stop };
}

/**
 * Curves of the losses of the size that is under way, on a logarithmic scale, with what they are now in words.
 *
 * @param {HTMLElement} element
 * @param {Api.StepOut[]} losses
 */
export function draw(element, losses) {
  element.hidden = losses.length < 2;
  if (element.hidden) return;
  const last = losses.at(-1);
  const logs = losses.flatMap((step) => LOSSES.map((name) => step[name])).filter((x) => x > 0).map(Math.log10);
  const least = Math.floor(Math.min(...logs)), most = Math.ceil(Math.max(...logs)) || 1;
  const x = (/** @type {number} */ step) => (WIDTH * step) / Math.max(1, last.steps - 1);
  const y = (/** @type {number} */ value) => HEIGHT - (HEIGHT * (Math.log10(Math.max(value, 10 ** least)) - least)) / Math.max(1, most - least);
  const svg = make("svg", { viewBox: `-2 -4 ${WIDTH + 4} ${HEIGHT + 8}`, preserveAspectRatio: "none", role: "img", "aria-label": sentence(last) });
  for (let i = least; i <= most; i += 1) svg.append(make("line", { x1: 0, x2: WIDTH, y1: y(10 ** i), y2: y(10 ** i), class: "grid" }));
  // Losses of different sizes are not comparable: each size has a line of its own.
  for (const name of LOSSES) {
    let path = "", width = 0;
    for (const step of losses) {
      path += `${step.width === width ? "L" : "M"}${x(step.step).toFixed(1)} ${y(step[name]).toFixed(1)}`;
      width = step.width;
    }
    svg.append(make("path", { d: path, class: `curve ${name}` }));
  }
  const legend = h("p", { class: "hint legend" }, ...LOSSES.map((name) =>
    h("span", {}, h("i", { class: `dot ${name}`, "aria-hidden": "true" }), `${NAMES[name]} ${plain(last[name])}`)));
  element.replaceChildren(svg, legend, h("p", { class: "hint" }, `Step ${last.step + 1} of ${last.steps}, at ${last.width} x ${last.height} pixels`));
}

const plain = (/** @type {number} */ value) => (value >= 100 || value === 0 ? String(Math.round(value)) : value.toPrecision(3));
const sentence = (/** @type {Api.StepOut} */ step) => `Losses by step: now ${LOSSES.map((name) => `${NAMES[name].toLowerCase()} ${plain(step[name])}`).join(", ")}`;

/**
 * @param {keyof SVGElementTagNameMap} name
 * @param {{[name: string]: string | number}} attributes
 */
function make(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}
