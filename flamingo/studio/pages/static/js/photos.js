// The photos that are to be painted: chosen, uploaded, shown in a strip, remembered until the page is opened again.
import { passes, retryUploads, thumbnailUrl, upload } from "./api.js";
import { h, icon } from "./dom.js";
import { stillThere } from "./draft.js";
import { fail, say, toast } from "./toast.js";

/**
 * A photo that is to be painted, sent or on its way.
 *
 * @typedef {object} Photo
 * @property {string} name
 * @property {string} address of a picture of it
 * @property {FileRef | null} [file] what the server has of it, once it is sent
 * @property {number} share how much of it is sent, from 0 to 1
 * @property {File} [raw] where it was brought to this page
 * @property {AbortController} [leave] which breaks the sending off
 * @property {boolean} [sending]
 * @property {boolean} [failed]
 * @property {string[]} [notes]
 */

/**
 * Whether a file is a film, as its name tells: the server gives names their right suffixes.
 *
 * @param {string} name
 */
export const isFilm = (name) => /\.(mp4|m4v|mov|mkv|webm)$/i.test(name);

/** The strip. onchange() when photos or the chosen one change; onadd() when more are wanted; ofresult(photo) gives the
    small picture of what became of a photo, or null. Gives {add, set, current, ready, clear, redraw, resend}.

    A photo whose upload fails because the network is away or the studio is busy stays in the strip, marked, and is sent
    again by itself or when its button is pressed. A file that is refused is taken away, with a word.

    @param {HTMLElement} strip
    @param {{onchange: () => void, onadd: () => void, ofresult?: (photo: Photo) => string | null}} options */
export function photos(strip, { onchange, onadd, ofresult = () => null }) {
  /** @type {Photo[]} */
  let all = [];
  /** @type {Photo | null} */
  let chosen = null;

  const ready = () => all.filter((photo) => photo.file).map((photo) => ({ sha256: photo.file.sha256, name: photo.name }));

  function redraw() {
    strip.replaceChildren(...all.map(item), h("li", { class: "add-item" },
      h("button", { class: "add", type: "button", "aria-label": "Add photos", title: "Add photos", onclick: onadd }, icon("add"))));
  }

  /** @param {Photo} photo */
  function item(photo) {
    const label = `${photo.name}, photo ${all.indexOf(photo) + 1} of ${all.length}`;
    const pick = h("button", { class: "pick", type: "button", "aria-pressed": String(photo === chosen), "aria-label": label },
      isFilm(photo.name) ? icon("film") : h("img", { src: ofresult(photo) || photo.address, alt: "", width: 80, height: 80 }));
    pick.addEventListener("click", () => { chosen = photo; redraw(); strip.querySelector("[aria-pressed=true]").focus(); onchange(); });
    const away = h("button", { class: "away", type: "button", "aria-label": `Take ${photo.name} away` }, icon("close"));
    away.addEventListener("click", () => drop(photo));
    const bar = !photo.file && !photo.failed && h("progress", { max: 1, value: photo.share, "aria-label": `Upload of ${photo.name}` });
    const again = photo.failed && h("button", { class: "again", type: "button", "aria-label": `Send ${photo.name} again`, onclick: () => (photo.sending ? retryUploads() : send([photo])) }, "Try again");
    return h("li", { class: `strip-item${photo.failed ? " failed" : ""}` }, pick, away, bar, again);
  }

  /** @param {Photo} photo */
  function drop(photo) {
    photo.leave?.abort();
    const at = all.indexOf(photo);
    all = all.filter((each) => each !== photo);
    if (chosen === photo) chosen = all[Math.min(at, all.length - 1)] || null;
    redraw();
    onchange();
    say(`${photo.name} is taken away`);
    (strip.querySelector("[aria-pressed=true]") || document.querySelector("[data-choose]")).focus();
  }

  /**
   * Take in files: upload them one after another, and show them while that goes on.
   *
   * @param {File[]} files
   */
  async function add(files) {
    const fresh = files.map((file) => ({ name: file.name || "photo", address: URL.createObjectURL(file), share: 0, raw: file, leave: new AbortController() }));
    all = [...all, ...fresh];
    chosen ||= fresh[0];
    redraw();
    onchange();
    await send(fresh);
  }

  /**
   * Upload photos one after another.
   *
   * @param {Photo[]} fresh
   */
  async function send(fresh) {
    for (const photo of fresh) {
      if (!all.includes(photo) || photo.sending) continue;
      Object.assign(photo, { sending: true, failed: false, share: 0 });
      redraw();
      try {
        const waits = (/** @type {import("./api.js").Problem} */ error) => {
          if (!photo.failed) toast(`${photo.name} is not sent yet: ${error.what}. It stays here and will be sent again.`, { seconds: 10 });
          photo.failed = true;
          redraw();
        };
        /** @type {Api.FileOut} */
        const sent = await upload(photo.raw, { signal: photo.leave.signal, onwaiting: waits, onprogress: (share) => {
          photo.share = share;
          const bar = strip.querySelectorAll(".strip-item")[all.indexOf(photo)]?.querySelector("progress");
          if (bar) bar.value = share;
        } });
        photo.file = sent;
        photo.failed = false;
        photo.notes = sent.notes;
        if (!isFilm(sent.name)) photo.address = thumbnailUrl(sent.sha256, 1280);
        say(`${photo.name} is uploaded`);
      } catch (error) {
        if (error.name === "AbortError") continue; // it was taken away
        if (passes(error) || error.status === 507) {
          photo.failed = true;
          fail(error);
        } else {
          all = all.filter((each) => each !== photo);
          if (chosen === photo) chosen = all[0] || null;
          fail(error);
        }
      } finally {
        photo.sending = false;
      }
      redraw();
      onchange();
    }
  }

  /** Send photos again that the server has no more, where this page still holds them. Gives whether there were any. */
  async function resend() {
    const there = await stillThere(all.filter((photo) => photo.file), (photo) => photo.file, { quiet: true });
    const gone = all.filter((photo) => photo.file && photo.raw && !there.includes(photo));
    for (const photo of gone) photo.file = null;
    await send(gone);
    return gone.length > 0;
  }

  /**
   * Show photos that are uploaded already.
   *
   * @param {FileRef[]} list
   */
  function set(list) {
    all = list.map((file) => ({ name: file.name || "photo", file, address: thumbnailUrl(file.sha256, 1280), share: 1 }));
    chosen = all[0] || null;
    redraw();
    onchange();
  }
  redraw();
  return { add, set, redraw, ready, resend, clear: () => set([]), current: () => chosen, count: () => all.length };
}
