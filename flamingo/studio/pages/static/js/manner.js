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
 * @param {{style?: string | string[] | null, match?: string | string[] | null}} parameters
 * @param {{painting?: File[], mask?: File[]}} inputs
 * @returns {StyleTerm<File>[]}
 */
export function partsOf({ style, match }, inputs = {}, usual = "starry-night") {
  const matched = new Set(matchesOf({ match }, inputs).flatMap(({ photo, painting }) => [photo, painting]));
  const named = [style ?? []].flat().map((text) => text.slice(text.lastIndexOf("@") + 1));
  const mask = (inputs.mask ?? []).filter((file) => !matched.has(file) || named.includes(file.name));
  return styleTerms(style, { ...inputs, mask }, NAMES, usual);
}

/**
 * The masks that are parts of the photo and of the painting that belong together, as correspondence.py reads them.
 *
 * @template {{name: string}} File
 * @param {{match?: string | string[] | null}} parameters
 * @param {{mask?: File[]}} inputs
 * @returns {{photo: File, painting: File}[]}
 */
export function matchesOf({ match }, { mask = [] } = {}) {
  const files = new Map(mask.map((file) => [file.name, file]));
  return [match ?? []].flat().flatMap((text) => {
    for (let at = text.indexOf(":"); at >= 0; at = text.indexOf(":", at + 1)) {
      const [photo, painting] = [files.get(text.slice(0, at)), files.get(text.slice(at + 1))];
      if (photo && painting) return [{ photo, painting }];
    }
    return [];
  });
}

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
