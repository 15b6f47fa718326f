// What the page Live paints: the camera, or, without one, our own photos, moved slowly past. Both are sources with
// `draw(context, width, height)`, their `width` and `height`, and `stop()`.

import { at } from "./api.js";

const PHOTOS = ["chelsea", "coffee", "astronaut"].map((name) => at(`/static/img/photos/${name}.jpg`));
const EACH = 6000; // milliseconds that a photo is shown
const FADE = 1200;

/**
 * @typedef {object} Source
 * @property {number} width
 * @property {number} height
 * @property {(context: CanvasRenderingContext2D, width: number, height: number) => void} draw
 * @property {() => void} stop
 */

/**
 * The camera. Throws an error whose message is a sentence for people.
 *
 * @returns {Promise<Source>}
 */
export async function camera() {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error("This browser gives no camera to this page: it does so only on this very computer (localhost) or over https.");
  }
  let stream;
  try {
    const wish = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 24 }, facingMode: "user" };
    stream = await navigator.mediaDevices.getUserMedia({ video: wish, audio: false });
  } catch (error) {
    /** @type {{[name: string]: string}} */
    const reasons = {
      NotAllowedError: "The browser was not allowed to use the camera. Allow it beside the address, then start again.",
      NotFoundError: "No camera was found on this device.",
      NotReadableError: "The camera is in use by another program. Close that, then start again.",
    };
    throw new Error(reasons[error.name] ?? "The camera could not be started.", { cause: error });
  }
  const video = document.createElement("video");
  Object.assign(video, { muted: true, playsInline: true, srcObject: stream });
  await video.play();
  const facing = stream.getVideoTracks()[0]?.getSettings().facingMode;
  return {
    get width() { return video.videoWidth; },
    get height() { return video.videoHeight; },
    draw(context, width, height) {
      context.save();
      if (facing !== "environment") { // as in a mirror
        context.translate(width, 0);
        context.scale(-1, 1);
      }
      context.drawImage(video, 0, 0, width, height);
      context.restore();
    },
    stop() {
      for (const track of stream.getTracks()) track.stop();
      video.srcObject = null;
    },
  };
}

/** @param {string} address */
async function loaded(address) {
  const image = new Image();
  image.src = address;
  await image.decode();
  return image;
}

/**
 * Our photos, each slowly crossed and faded into the next; standing still where motion is unwanted.
 *
 * @returns {Promise<Source>}
 */
export async function pictures() {
  const images = await Promise.all(PHOTOS.map(loaded));
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const begun = performance.now();
  /**
   * @param {CanvasRenderingContext2D} context
   * @param {number} width
   * @param {number} height
   * @param {HTMLImageElement} image
   * @param {number} share
   */
  const one = (context, width, height, image, share) => {
    const fit = Math.max(width / image.width, height / image.height) * (1.08 + 0.22 * share);
    const w = image.width * fit, h = image.height * fit;
    context.drawImage(image, (width - w) * (0.2 + 0.6 * share), (height - h) * (0.6 - 0.3 * share), w, h);
  };
  return {
    width: 640,
    height: 480,
    draw(context, width, height) {
      const time = still ? 0 : performance.now() - begun;
      const number = Math.floor(time / EACH), within = time % EACH;
      one(context, width, height, images[number % images.length], within / EACH);
      if (within > EACH - FADE) {
        context.globalAlpha = (within - EACH + FADE) / FADE;
        one(context, width, height, images[(number + 1) % images.length], 0);
        context.globalAlpha = 1;
      }
    },
    stop() {},
  };
}
