// The photos that are to be painted: chosen, uploaded, shown in a strip, remembered until the page is opened again.
import { passes, retryUploads, thumbnailUrl, upload } from "./api.js";
import { h, icon } from "./dom.js";
import { stillThere } from "./draft.js";
import { fail, say, toast } from "./toast.js";

/** Whether a file is a film, as its name tells: the server gives names their right suffixes. */
export const isFilm = (name) => /\.(mp4|m4v|mov|mkv|webm)$/i.test(name);

/** The strip. onchange() when photos or the chosen one change; onadd() when more are wanted; ofresult(photo) gives the
    small picture of what became of a photo, or null. Gives {add, set, current, ready, clear, redraw, resend}.

    A photo whose upload fails because the network is away or the studio is busy stays in the strip, marked, and is sent
    again by itself or when its button is pressed. A file that is refused is taken away, with a word. */
export function photos(strip, { onchange, onadd, ofresult = () => null }) {
  let all = []; // {key, name, address, file: FileOut or {sha256, name}, share: how much is uploaded}
  let chosen = null;

  const ready = () => all.filter((photo) => photo.file).map((photo) => ({ sha256: photo.file.sha256, name: photo.name }));

  function redraw() {
    strip.replaceChildren(...all.map(item), h("li", { class: "add-item" },
      h("button", { class: "add", type: "button", "aria-label": "Add photos", title: "Add photos", onclick: onadd }, icon("add"))));
  }
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
  /** Take in files: upload them one after another, and show them while that goes on. */
  async function add(files) {
    const fresh = files.map((file) => ({ name: file.name || "photo", address: URL.createObjectURL(file), share: 0, raw: file, leave: new AbortController() }));
    all = [...all, ...fresh];
    chosen ||= fresh[0];
    redraw();
    onchange();
    await send(fresh);
  }
  /** Upload photos one after another. */
  async function send(fresh) {
    for (const photo of fresh) {
      if (!all.includes(photo) || photo.sending) continue;
      Object.assign(photo, { sending: true, failed: false, share: 0 });
      redraw();
      try {
        const waits = (error) => {
          if (!photo.failed) toast(`${photo.name} is not sent yet: ${error.what}. It stays here and will be sent again.`, { seconds: 10 });
          photo.failed = true;
          redraw();
        };
        const told = await upload(photo.raw, { signal: photo.leave.signal, onwaiting: waits, onprogress: (share) => {
          photo.share = share;
          const bar = strip.querySelectorAll(".strip-item")[all.indexOf(photo)]?.querySelector("progress");
          if (bar) bar.value = share;
        } });
        photo.file = told;
        photo.failed = false;
        photo.notes = told.notes || [];
        if (!isFilm(told.name)) photo.address = thumbnailUrl(told.sha256, 1280);
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
  /** Show photos that are uploaded already: [{sha256, name}]. */
  function set(list) {
    all = list.map((file) => ({ name: file.name || "photo", file, address: thumbnailUrl(file.sha256, 1280), share: 1, notes: [] }));
    chosen = all[0] || null;
    redraw();
    onchange();
  }
  redraw();
  return { add, set, redraw, ready, resend, clear: () => set([]), current: () => chosen, count: () => all.length };
}
