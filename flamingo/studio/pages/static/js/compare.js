// A picture before and after with a line between them that is moved with the pointer, a finger or the arrow keys.

/**
 * Wire macros.html's compare. Gives {show, range, ratio, set}. Addresses may be blob:.
 *
 * @param {HTMLElement} element
 */
export function compare(element) {
  /** @type {HTMLImageElement} */
  const before = element.querySelector("[data-before]");
  /** @type {HTMLImageElement} */
  const after = element.querySelector("[data-after]");
  /** @type {HTMLInputElement} */
  const range = element.querySelector("input[type=range]");
  const place = () => {
    element.style.setProperty("--split", `${range.value}%`);
    range.setAttribute("aria-valuetext", `${range.value} % of the photo, ${100 - Number(range.value)} % of the painting`);
  };
  range.addEventListener("input", place);
  place();

  /**
   * Show a photo, and what became of it if there is something yet. Gives a promise: both are there to be seen.
   *
   * @param {{before: string, after?: string | null, name?: string, what?: string}} pictures
   */
  async function show({ before: first, after: second = null, name = "the photo", what = "painted" }) {
    await Promise.all([swap(before, first), second ? swap(after, second) : null]);
    before.alt = `${name}, as it was`;
    after.alt = second ? `${name}, ${what}` : "";
    before.hidden = false;
    after.hidden = !second;
    range.disabled = !second;
    // The preview is smaller than the photo and the painting may be larger: the frame is the photo's shape.
    element.style.setProperty("--ratio", String(before.naturalWidth / before.naturalHeight || 1.5));
    element.style.setProperty("--largest", `${Math.max(320, 1.6 * Math.max(before.naturalWidth, after.naturalWidth || 0))}px`);
    element.classList.toggle("whole", !second);
  }
  const ratio = () => (before.hidden ? null : before.naturalWidth / before.naturalHeight || null);
  return { show, range, ratio, set: (/** @type {number} */ share) => { range.value = String(share); place(); } };
}

/**
 * The old picture stays until the new one is decoded, so nothing flickers.
 *
 * @param {HTMLImageElement} image
 * @param {string} address
 */
async function swap(image, address) {
  if (image.dataset.address === address) return;
  image.dataset.address = address;
  const loading = new Image();
  loading.src = address;
  try {
    await loading.decode();
  } catch {
    throw new Error("A picture could not be shown; it may have been deleted.");
  }
  if (image.dataset.address !== address) return; // a newer one has been asked for since
  image.src = address;
}
