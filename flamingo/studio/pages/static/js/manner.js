// In what manner a job was painted: its texts NAME[=WEIGHT][@MASK] and files, as parts, and as words for people.
import { words } from "./dom.js";

const STYLES = JSON.parse(document.body.dataset.styles);

/** A style's name as the title of its painting; of a file, its name without the suffix. */
export const styleTitle = (name) => STYLES[name] || words(String(name).replace(/\.[a-z0-9]{1,5}$/i, ""));

/** The parts [{name, weight, painting, mask}] that parameters and inputs of a job ask for, as the painter understands
    them: a painting that no text names is a part of its own, and a single mask that none names is for all. */
export function partsOf({ style }, { painting = [], mask = [] } = {}, usual = "starry-night") {
  const paintings = new Map(painting.map((file) => [file.name, file]));
  const masks = new Map(mask.map((file) => [file.name, file]));
  const known = (name) => name in STYLES || paintings.has(name);
  const parts = [style ?? []].flat().map((text) => {
    let name = text.trim(), weight = 1, on = null;
    const cut = (sign) => {
      const at = known(name) ? -1 : name.lastIndexOf(sign);
      if (at < 0) return null;
      const tail = name.slice(at + 1);
      name = name.slice(0, at);
      return tail;
    };
    const masked = cut("@");
    if (masked !== null) on = masks.get(masked) || null;
    const weighed = cut("=");
    if (weighed !== null) weight = Number(weighed) || 1;
    return { name, weight, painting: paintings.get(name) || null, mask: on };
  });
  for (const file of painting) {
    if (!parts.some((part) => part.painting === file)) parts.push({ name: file.name, weight: 1, painting: file, mask: null });
  }
  if (!parts.length) parts.push({ name: usual, weight: 1, painting: null, mask: null });
  if (mask.length === 1 && parts.every((part) => !part.mask)) for (const part of parts) part.mask = mask[0];
  return parts;
}

/** In one short line: "The Great Wave + The Kiss". */
export const briefly = (parts) => [...new Set(parts.map((part) => styleTitle(part.name)))].join(" + ");

/** In full: "The Great Wave 60 % and The Kiss 40 %", and where. said(part) says where a part with a mask goes. */
export function fully(parts, said = () => "on its mask") {
  const free = parts.filter((part) => !part.mask);
  const placed = parts.filter((part) => part.mask);
  const total = free.reduce((sum, part) => sum + part.weight, 0);
  const mix = free.map((part) => styleTitle(part.name) + (free.length > 1 ? ` ${Math.round((100 * part.weight) / total)} %` : ""));
  const all = placed.map((part) => `${styleTitle(part.name)} ${said(part)}`);
  if (!placed.length) return listed(mix);
  return [...all, mix.length ? `${listed(mix)} on the rest` : "the rest stays as it was"].join("; ");
}

const listed = (names) => (names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names[0] || "");
