// The photo, the painting (or paintings) and the result beside each other.
import { thumbnailUrl } from "./api.js";
import { h } from "./dom.js";
import { styleTitle } from "./manner.js";

const SIZE = 640;
const MOST = 3; // paintings

/** Fill `element` with a row of pictures. photo: {sha256, name}; parts: the styles, as manner.js gives them; result: a
    result of a job.

    @param {HTMLElement} element
    @param {{photo: FileRef, parts: StyleTerm<FileRef>[], result: Result}} shown */
export function pictureRow(element, { photo, parts, result }) {
  const figure = (/** @type {string} */ src, /** @type {string} */ alt, /** @type {string} */ text) => h("figure", {}, h("img", { src, alt, loading: "lazy" }), h("figcaption", {}, text));
  const shown = parts.slice(0, MOST).map((part) => figure(
    part.painting ? thumbnailUrl(part.painting.sha256, SIZE) : `/api/styles/${encodeURIComponent(part.name)}/painting?size=512`,
    `${styleTitle(part.name)}, the painting`, styleTitle(part.name)));
  element.replaceChildren(
    figure(thumbnailUrl(photo.sha256, SIZE), `${photo.name}, the photo`, "The photo"),
    ...shown,
    figure(`${result.thumbnail}?size=${SIZE}`, `${photo.name}, the result`, "The result"),
  );
  element.hidden = false;
}
