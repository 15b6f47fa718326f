// In what manner a job was painted: its texts NAME[=WEIGHT][@MASK] and files, as terms, and as words for people.
import { words } from "./dom.js";
import { styleTerms } from "./style_spec.js";

/** @type {Map<string, string>} */
const STYLES = new Map(Object.entries(JSON.parse(document.body.dataset.styles)));
const NAMES = new Set(STYLES.keys());

/**
 * A style's name as the title of its painting; of a file, its name without the suffix.
 *
 * @param {string} name
 */
export const styleTitle = (name) => STYLES.get(name) || words(String(name).replace(/\.[a-z0-9]{1,5}$/i, ""));

/**
 * The terms that parameters and inputs of a job ask for, as the painter understands them (style_spec.js).
 *
 * @template {{name: string}} File
 * @param {{style?: string | string[] | null}} parameters
 * @param {{painting?: File[], mask?: File[]}} inputs
 * @returns {StyleTerm<File>[]}
 */
export const partsOf = ({ style }, inputs = {}, usual = "starry-night") => styleTerms(style, inputs, NAMES, usual);

/**
 * In one short line: "The Great Wave + The Kiss".
 *
 * @param {{name: string}[]} parts
 */
export const briefly = (parts) => [...new Set(parts.map((part) => styleTitle(part.name)))].join(" + ");

/**
 * In full: "The Great Wave 60 % and The Kiss 40 %", and where. place(part) says where a part with a mask goes.
 *
 * @template {{name: string, weight: number, mask: unknown}} Part
 * @param {Part[]} parts
 * @param {(part: Part) => string} place
 */
export function fully(parts, place = () => "on its mask") {
  const free = parts.filter((part) => !part.mask);
  const placed = parts.filter((part) => part.mask);
  const total = free.reduce((sum, part) => sum + part.weight, 0);
  const mix = free.map((part) => styleTitle(part.name) + (free.length > 1 ? ` ${Math.round((100 * part.weight) / total)} %` : ""));
  const all = placed.map((part) => `${styleTitle(part.name)} ${place(part)}`);
  if (!placed.length) return listed(mix);
  return [...all, mix.length ? `${listed(mix)} on the rest` : "the rest stays as it was"].join("; ");
}

/** @param {string[]} names */
const listed = (names) => (names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names[0] || "");
