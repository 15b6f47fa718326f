// What a page keeps where it is opened again: a draft in the browser, and the job that it shows in its address.
import { keepFiles } from "./api.js";
import { toast } from "./toast.js";

/**
 * Where a page keeps what is begun.
 *
 * @template {object} Draft
 * @typedef {{save: (value: Draft) => void, load: () => Partial<Draft>}} Drafts
 */

/** A draft under this name: { save(value), load() }. load() gives {} where nothing is kept.

    It belongs to its tab. A new tab begins with what was kept last in any, and goes its own way from there.

    @template {object} Draft
    @param {string} name
    @returns {Drafts<Draft>} */
export function draft(name) {
  return {
    save(value) {
      const text = JSON.stringify(value);
      keepNamed(text);
      for (const store of stores()) {
        try {
          store.setItem(name, text);
        } catch {
          // A browser that keeps nothing (private mode): the page works without.
        }
      }
    },
    load() {
      for (const store of stores()) {
        try {
          const kept = JSON.parse(store.getItem(name));
          if (kept) return kept;
        } catch {
          // Nothing that can be read: as if nothing were kept.
        }
      }
      return {};
    },
  };
}

/**
 * The tab's own store, then the one of all tabs; fewer where the browser has none.
 *
 * @returns {Storage[]}
 */
function stores() {
  return /** @type {const} */ (["sessionStorage", "localStorage"]).flatMap((kind) => {
    try { return [window[kind]]; } catch { return []; }
  });
}

/** Those of a draft whose files the server still has, which it keeps from now on. file(each): its file, or nothing.
    A message names those that are gone, unless `quiet`.

    @template Item
    @param {Item[]} list
    @param {(each: Item) => Partial<FileRef> | null} file
    @param {{quiet?: boolean}} options */
export async function stillThere(list, file, { quiet = false } = {}) {
  const { missing } = await keepFiles(list.map((each) => file(each)?.sha256).filter(Boolean));
  const gone = list.map(file).filter((each) => missing.includes(each?.sha256)).map((each) => each.name || "a file");
  if (gone.length && !quiet) toast(`The studio no longer keeps ${gone.join(", ")}; bring ${gone.length > 1 ? "them" : "it"} again.`, { bad: true });
  return list.filter((each) => !missing.includes(file(each)?.sha256));
}

/** @type {Set<string>} */
const kept = new Set();

/**
 * Have the server keep the uploads that a draft names: it would delete in the end what no job refers to.
 *
 * @param {string} text
 */
export function keepNamed(text) {
  const fresh = (text.match(/\b[0-9a-f]{64}\b/g) || []).filter((hash) => !kept.has(hash));
  for (const hash of fresh) kept.add(hash);
  if (fresh.length) keepFiles(fresh);
}

/**
 * Name this job in the page's address, or none.
 *
 * @param {string | null} id
 */
export function address(id) {
  const url = new URL(location.href);
  url.search = id ? `?job=${id}` : "";
  history.replaceState(null, "", url);
}
