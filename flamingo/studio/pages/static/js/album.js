// The album of a film: photos, folders and zips are sent, shown small, and remembered by what the server calls them.
import { thumbnailUrl, upload } from "./api.js";
import { $, h, icon } from "./dom.js";
import { fail, say, toast } from "./toast.js";

const AT_ONCE = 3;

/** Wire film.html's album. onchange(): it is another one; onboard(file): a storyboard came. Gives {add, set, ready,
    files, clear}.

    @param {{onchange: () => void, onboard: (file: Api.FileOut) => void}} options */
export function album({ onchange, onboard }) {
  /** @type {FileRef[]} */
  let photos = [];
  let waiting = 0;
  let all = 0;
  let turn = 0; // counts up when the album begins anew

  /**
   * A name that no other photo has, for a storyboard names photos.
   *
   * @param {string} name
   */
  function unique(name) {
    const taken = new Set(photos.map((photo) => photo.name));
    const plain = [...name].slice(-80).join("");
    const at = plain.lastIndexOf(".") > 0 ? plain.lastIndexOf(".") : plain.length;
    let free = plain;
    for (let i = 2; taken.has(free); i += 1) free = `${plain.slice(0, at)}-${i}${plain.slice(at)}`;
    return free;
  }
  /** @param {Api.FileOut} file */
  function take(file) {
    if (file.kind === "picture") photos.push({ sha256: file.sha256, name: unique(file.name) });
    else if (file.kind === "storyboard") onboard(file);
    else toast(`${file.name} is no photo, and left out.`, { bad: true });
  }
  /**
   * @param {File} file
   * @param {number} mine the turn that it belongs to
   */
  async function send(file, mine) {
    const zip = /\.zip$/i.test(file.name);
    try {
      /** @type {Api.AlbumOut} */
      const { files, failures } = zip ? await upload(file, { to: "/api/albums" }) : { files: [await upload(file)], failures: [] };
      if (mine !== turn) return;
      for (const each of files) take(each);
      const [failure] = failures;
      if (failure) toast(`${failures.length} files in ${file.name} are left out; ${failure.name}: ${failure.why}`, { bad: true });
    } catch (error) {
      fail(error);
    }
  }
  /** @param {Iterable<File>} files */
  async function add(files) {
    const mine = turn;
    const queue = [...files];
    waiting += queue.length;
    all = waiting === queue.length ? queue.length : all + queue.length;
    draw();
    const work = async () => {
      while (queue.length && mine === turn) {
        await send(queue.shift(), mine);
        if (mine !== turn) return;
        waiting -= 1;
        draw();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    if (mine !== turn) return;
    say(counted());
    onchange();
  }
  const counted = () => (photos.length === 1 ? "One photo; a film needs two" : `${photos.length} photos`);

  function draw() {
    $("album-bar").hidden = !photos.length && !waiting;
    $("album-said").textContent = waiting ? `Sending ${all - waiting + 1} of ${all}` : counted();
    $("album-progress").hidden = !waiting;
    $("album-progress").value = all ? (all - waiting) / all : 0;
    const known = new Map([.../** @type {HTMLCollectionOf<HTMLElement>} */ ($("album-list").children)].map((item) => [item.dataset.name, item]));
    $("album-list").replaceChildren(...photos.map((photo) => known.get(photo.name) || item(photo)));
    $("filmer").dataset.state = photos.length || waiting ? "chosen" : "empty";
  }
  /** @param {FileRef} photo */
  function item(photo) {
    const away = h("button", { class: "away", type: "button", "aria-label": `Take ${photo.name} away`, title: photo.name }, icon("close"));
    away.addEventListener("click", () => {
      const at = photos.indexOf(photo);
      photos = photos.filter((each) => each !== photo);
      draw();
      onchange();
      say(`${photo.name} is taken away`);
      ($("album-list").querySelectorAll(".away")[Math.min(at, photos.length - 1)] || $("album-add")).focus();
    });
    return h("li", { class: "album-item", "data-name": photo.name }, h("img", { src: thumbnailUrl(photo.sha256, 128), alt: photo.name, loading: "lazy", width: 72, height: 72 }), away);
  }
  /**
   * Show photos that are sent already.
   *
   * @param {FileRef[]} list
   */
  function set(list) {
    turn += 1;
    waiting = all = 0;
    photos = [];
    for (const { sha256, name } of list) photos.push({ sha256, name: unique(name || "photo.jpg") });
    draw();
  }
  draw();
  return { add, set, clear: () => { set([]); onchange(); }, ready: () => !waiting && photos.length > 1, files: () => photos.map((photo) => ({ ...photo })) };
}
