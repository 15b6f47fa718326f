// The texts NAME[=WEIGHT][@MASK] that ask for styles, read as flamingo/painting/style_spec.py reads them. Both are held
// to tests/painting/style_spec_cases.json. Nothing here needs a page.

const WEIGHT = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/**
 * The styles that texts and files ask for.
 *
 * A painting that no text names is a style of its own, and a single mask that none names is for all. What the server
 * would refuse is shown as well as it can be: a weight that is none counts as 1, a mask that is not there as none.
 *
 * @template {{name: string}} File
 * @param {string | readonly string[] | null | undefined} texts
 * @param {{painting?: readonly File[], mask?: readonly File[]}} files
 * @param {ReadonlySet<string>} names styles that are known by name, and need no file
 * @param {string} usual the style where nothing is asked for
 * @returns {StyleTerm<File>[]}
 */
export function styleTerms(texts, { painting = [], mask = [] }, names, usual) {
  const paintings = new Map(painting.map((file) => [file.name, file]));
  const masks = new Map(mask.map((file) => [file.name, file]));
  /** @param {string} name */
  const known = (name) => names.has(name) || paintings.has(name);
  const terms = [texts ?? []].flat().map((text) => styleTerm(text, known, masks)).map(({ name, weight, mask: placed }) =>
    ({ name, weight, painting: names.has(name) ? null : paintings.get(name) ?? null, mask: placed }));
  for (const file of painting) {
    if (!terms.some((term) => term.painting === file)) terms.push({ name: file.name, weight: 1, painting: file, mask: null });
  }
  if (!terms.length) terms.push({ name: usual, weight: 1, painting: null, mask: null });
  if (mask.length === 1 && terms.every((term) => !term.mask)) for (const term of terms) term.mask = mask[0];
  return terms;
}

/**
 * One text. A file's own name may hold = and @ as well, so a whole that is known is not cut.
 *
 * @template File
 * @param {string} text
 * @param {(name: string) => boolean} known
 * @param {ReadonlyMap<string, File>} masks
 * @returns {{name: string, weight: number, mask: File | null}}
 */
function styleTerm(text, known, masks) {
  let name = text.trim();
  let weight = 1;
  let mask = null;
  const [head, tail] = cut(name, "=");
  const whole = known(name) || (tail !== null && !tail.includes("@") && known(head));
  if (!whole && name.includes("@")) {
    const [what, placed] = cut(name, "@");
    name = what;
    mask = masks.get(placed) ?? null;
  }
  if (!known(name) && name.includes("=")) {
    const [what, number] = cut(name, "=");
    name = what;
    weight = weightOf(number);
  }
  return { name, weight, mask };
}

/**
 * A text before and after the last of a sign; after is null where there is none.
 *
 * @param {string} text
 * @param {string} sign
 * @returns {[string, string | null]}
 */
function cut(text, sign) {
  const at = text.lastIndexOf(sign);
  return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
}

/** @param {string} text */
function weightOf(text) {
  const weight = WEIGHT.test(text.trim()) ? Number(text) : NaN;
  return Number.isFinite(weight) && weight > 0 ? weight : 1;
}
