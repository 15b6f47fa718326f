// A mask: where a style is painted, or a part of a painting is taken from. What is opaque on its canvas is painted; it is sent as a grey PNG, white where.
import { fileUrl, upload } from "./api.js";
import { h } from "./dom.js";

const LONGEST = 768;
const REMEMBERED = 15; // steps that can be undone

export class Mask {
  /**
   * ratio: width by height of the photo.
   *
   * @param {number} ratio
   */
  constructor(ratio) {
    const [width, height] = ratio > 1 ? [LONGEST, LONGEST / ratio] : [LONGEST * ratio, LONGEST];
    this.canvas = h("canvas", { width: Math.max(1, Math.round(width)), height: Math.max(1, Math.round(height)) });
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    /** @type {FileRef | null} */
    this.file = null; // what the server has of it
    this.revision = 0; // a number that no other state of any mask has
    this.share = 0; // of the photo that is painted
    /** @type {{kept: HTMLCanvasElement, file: FileRef | null, order: number}[]} order: by it the changes of all masks follow each other */
    this.past = [];
  }

  /**
   * A mask that the server has.
   *
   * @param {FileRef} file
   */
  static async of(file) {
    const { image, ratio } = await grey(fileUrl(file.sha256));
    const mask = new Mask(ratio);
    mask.put(image);
    mask.changed({ sha256: file.sha256, name: file.name });
    return mask;
  }

  get empty() { return this.share === 0; }
  get undoable() { return this.past.length > 0; }

  /** Keep the state before a change, for undo. */
  remember() {
    const kept = h("canvas", { width: this.canvas.width, height: this.canvas.height });
    kept.getContext("2d").drawImage(this.canvas, 0, 0);
    this.past.push({ kept, file: this.file, order: (Mask.changes += 1) });
    if (this.past.length > REMEMBERED) this.past.shift();
  }
  /**
   * What is drawn is settled. file: if the server has it already.
   *
   * @param {FileRef | null} file
   */
  changed(file = null) {
    this.file = file;
    this.revision = Mask.revisions += 1;
    const { data } = this.context.getImageData(0, 0, this.canvas.width, this.canvas.height);
    let sum = 0;
    for (let i = 3; i < data.length; i += 4) sum += data[i];
    this.share = sum / 255 / (data.length / 4);
  }
  undo() {
    const { kept, file } = this.past.pop();
    this.put(kept);
    this.changed(file);
  }
  clear() {
    this.remember();
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.changed();
  }
  invert() {
    this.remember();
    this.context.globalCompositeOperation = "xor";
    this.context.fillStyle = "#fff";
    this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    this.context.globalCompositeOperation = "source-over";
    this.changed();
  }
  /** @param {HTMLCanvasElement} picture */
  put(picture) {
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.context.drawImage(picture, 0, 0, this.canvas.width, this.canvas.height);
  }
  /**
   * Take the mask from a file of the person's; the file itself is what is sent, until it is drawn on.
   *
   * @param {File} raw
   */
  async load(raw) {
    const { sha256, name } = await upload(raw);
    const { image } = await grey(fileUrl(sha256));
    this.remember();
    this.put(image);
    this.changed({ sha256, name });
  }

  /**
   * A stroke along points [x, y] of the canvas, over what `base` shows. soft: 0 to 1; size: of the brush in pixels.
   *
   * @param {HTMLCanvasElement} base
   * @param {[number, number][]} points
   * @param {{size: number, soft: number, erase: boolean}} brush
   */
  stroke(base, points, { size, soft, erase }) {
    const { context, canvas } = this;
    this.put(base);
    context.save();
    context.globalCompositeOperation = erase ? "destination-out" : "source-over";
    context.lineCap = context.lineJoin = "round";
    context.strokeStyle = "#fff";
    context.lineWidth = size * (1 - 0.6 * soft);
    if (soft > 0) {
      // The line itself is drawn out of sight: what is seen is its shadow, which every browser can blur.
      const away = 4 * Math.max(canvas.width, canvas.height);
      context.shadowColor = "#fff";
      context.shadowBlur = size * 0.5 * soft;
      context.shadowOffsetX = away;
      context.translate(-away, 0);
    }
    context.beginPath();
    context.moveTo(...points[0]);
    for (const [x, y] of points.slice(1)) context.lineTo(x, y);
    // A dot is a line too, but one of no length is not drawn by every browser.
    const [x, y] = points.at(-1);
    context.lineTo(x + 0.01, y);
    context.stroke();
    context.restore();
  }
  copy() {
    const copied = h("canvas", { width: this.canvas.width, height: this.canvas.height });
    copied.getContext("2d").drawImage(this.canvas, 0, 0);
    return copied;
  }

  /** What the server calls it; sent first if it has changed. */
  async sent() {
    while (!this.file) {
      const { revision } = this;
      const flat = h("canvas", { width: this.canvas.width, height: this.canvas.height });
      const context = flat.getContext("2d");
      context.fillRect(0, 0, flat.width, flat.height);
      context.drawImage(this.canvas, 0, 0);
      /** @type {Blob} */
      const blob = await new Promise((resolve) => { flat.toBlob(resolve, "image/png"); });
      const { sha256, name } = await upload(new File([blob], "mask.png", { type: "image/png" }));
      if (revision === this.revision) this.file = { sha256, name };
    }
    return this.file;
  }
}
Mask.revisions = 0;
Mask.changes = 0;

/**
 * A grey picture as opacity: a canvas, and its width by height. What the browser cannot show is shown smaller.
 *
 * @param {string} address
 */
async function grey(address) {
  const image = new Image();
  image.src = address;
  try {
    await image.decode();
  } catch {
    image.src = `${address}/thumbnail?size=1280`;
    await image.decode();
  }
  const ratio = image.naturalWidth / image.naturalHeight;
  const scale = Math.min(1, LONGEST / Math.max(image.naturalWidth, image.naturalHeight));
  const canvas = h("canvas", { width: Math.max(1, Math.round(image.naturalWidth * scale)), height: Math.max(1, Math.round(image.naturalHeight * scale)) });
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < pixels.data.length; i += 4) {
    const [r, g, b, a] = pixels.data.subarray(i, i + 4);
    pixels.data.set([255, 255, 255, ((r + g + b) / 3) * (a / 255)], i);
  }
  context.putImageData(pixels, 0, 0);
  return { image: canvas, ratio };
}
