// The studio's HTTP API: requests whose errors are one readable line, uploads with progress, and jobs as they go on.
import { listen } from "./follow.js";
import { toast } from "./toast.js";

/** The path that the studio is served under, "" or such as "/flamingo" behind a proxy: this file's own address says it. */
export const BASE = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

/** An address of the studio, as it is named here: at("/paint") is "/flamingo/paint" if it is served under /flamingo. What
    is already such an address, or one elsewhere, stays as it is.

    @param {string} path */
export const at = (path) =>
  BASE && path.startsWith("/") && !path.startsWith("//") && path !== BASE && !path.startsWith(`${BASE}/`) ? BASE + path : path;

/** What the server refused, in one line; what, why and hint are its parts, status the HTTP status (0: unreachable),
    retryAfter the seconds after which to ask again, or 0. */
export class Problem extends Error {
  /** @param {Partial<Api.ProblemOut> & {retryAfter?: number}} problem */
  constructor({ what = "", why = "", hint = "", title = "", detail = "", status = 0, retryAfter = 0 } = {}) {
    const line = what ? what + (why ? `: ${why}` : "") + (hint ? `; ${hint}` : "") : detail || title;
    super(line || `The server answered with ${status}.`);
    this.name = "Problem";
    this.what = what || title;
    this.why = why || detail;
    this.hint = hint;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

const UNREACHABLE = {
  what: "The studio does not answer",
  why: "its server may have stopped",
  hint: "start it again with `flamingo serve`; nothing is lost",
};

/** @param {Response} response */
async function problem(response) {
  /** @type {Partial<Api.ProblemOut>} */
  let body = {};
  try {
    body = await response.json();
  } catch {
    body = { title: response.statusText };
  }
  return new Problem({ ...body, status: response.status, retryAfter: Number(response.headers.get("Retry-After") || 0) });
}

/**
 * Any request. options: those of fetch, and `json` for a body. Gives the response; throws a Problem.
 *
 * @typedef {Omit<RequestInit, "headers"> & {json?: unknown, headers?: {[name: string]: string}}} RequestOptions
 * @param {string} path
 * @param {RequestOptions} options
 */
export async function request(path, { json, headers = {}, ...options } = {}) {
  /** @type {RequestInit} */
  const init = { credentials: "same-origin", headers: { ...headers }, ...options };
  if (json !== undefined) {
    init.body = JSON.stringify(json);
    init.headers = { ...headers, "Content-Type": "application/json" };
  }
  let response;
  try {
    response = await fetch(at(path), init);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(UNREACHABLE);
  }
  if (!response.ok) throw await problem(response);
  return response;
}

// What an answer holds is for who asks to say, as one of the types of types/api.d.ts:
//   /** @type {Api.StepsOut} */ const found = await get(...)

/**
 * @param {Response} response
 * @returns {Promise<any>}
 */
const parsed = async (response) => (response.status === 204 ? null : response.json());

/**
 * @template Answer
 * @param {string} path
 * @param {RequestOptions} [options]
 * @returns {Promise<Answer>}
 */
export const get = async (path, options) => parsed(await request(path, options));

/**
 * @template Answer
 * @param {string} path
 * @param {unknown} [json]
 * @param {RequestOptions} [options]
 * @returns {Promise<Answer>}
 */
export const post = async (path, json, options) => parsed(await request(path, { method: "POST", json, ...options }));

/**
 * @template Answer
 * @param {string} path
 * @param {unknown} json
 * @param {RequestOptions} [options]
 * @returns {Promise<Answer>}
 */
export const put = async (path, json, options) => parsed(await request(path, { method: "PUT", json, ...options }));

/**
 * @template Answer
 * @param {string} path
 * @param {unknown} json
 * @param {RequestOptions} [options]
 * @returns {Promise<Answer>}
 */
export const patch = async (path, json, options) => parsed(await request(path, { method: "PATCH", json, ...options }));

/**
 * @template Answer
 * @param {string} path
 * @param {RequestOptions} [options]
 * @returns {Promise<Answer>}
 */
export const del = async (path, options) => parsed(await request(path, { method: "DELETE", ...options }));

/**
 * POST that answers with a file, such as a preview: its Blob.
 *
 * @param {string} path
 * @param {unknown} json
 * @param {RequestOptions} [options]
 */
export const postForBlob = async (path, json, options) =>
  (await request(path, { method: "POST", json, ...options })).blob();

const MOST_TRIES = 40;
const RETRY = "flamingo-retry-uploads";

/**
 * Whether a failure is of the moment: no answer at all, too many requests, the server busy.
 *
 * @param {Problem} error
 */
export const passes = (error) => error.name === "Problem" && [0, 408, 429, 502, 503, 504].includes(error.status);

/** Try waiting uploads again now. */
export const retryUploads = () => window.dispatchEvent(new Event(RETRY));

/** Upload one file: what the server says of it (sha256, name, url, thumbnail, ...). onprogress gets 0 to 1.
    to: "/api/albums" for a zip of photos, "/api/verify" to ask where a file comes from.

    Where the network is away or the studio is busy it waits, and sends the file again: when the network is back, when
    `retryUploads` is called, or after some seconds. onwaiting(error) is called each time that it begins to wait;
    without it a message says so once.

    @typedef {{onprogress?: (share: number) => void, signal?: AbortSignal, to?: string, more?: {[name: string]: Blob}}} SendOptions
    @typedef {Api.FileOut & Partial<Api.AlbumOut> & Partial<Api.VerdictOut>} Uploaded
    @param {File} file
    @param {SendOptions & {onwaiting?: (error: Problem) => void}} options
    @returns {Promise<any>} an Api.FileOut, or what `to` answers with */
export async function upload(file, { onwaiting, ...options } = {}) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await uploadOnce(file, options);
    } catch (error) {
      if (!passes(error) || tries >= MOST_TRIES) throw error;
      if (onwaiting) onwaiting(error);
      else if (tries === 0) toast(`${file.name || "The file"} is not sent yet: ${error.what}. It will be sent again by itself.`);
      await pause(error.retryAfter || Math.min(30, 2 ** tries), options.signal);
    }
  }
}

/**
 * Wait for some seconds, or until the network is back or a person wants to try again.
 *
 * @param {number} seconds
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const over = () => {
      clearTimeout(timer);
      for (const kind of ["online", RETRY]) window.removeEventListener(kind, go);
      signal?.removeEventListener("abort", stop);
    };
    const go = () => { over(); resolve(); };
    const stop = () => { over(); reject(new DOMException("cancelled", "AbortError")); };
    const timer = setTimeout(go, 1000 * seconds);
    for (const kind of ["online", RETRY]) window.addEventListener(kind, go);
    signal?.addEventListener("abort", stop);
  });
}

/**
 * @param {File} file
 * @param {SendOptions} options
 */
function uploadOnce(file, { onprogress, signal, to = "/api/files", more = {} }) {
  return new Promise((resolve, reject) => {
    const form = new FormData();
    form.append("file", file, file.name || "picture.png");
    for (const [name, value] of Object.entries(more)) form.append(name, value);
    // XMLHttpRequest, since fetch does not tell how much has been sent.
    const call = new XMLHttpRequest();
    call.open("POST", at(to));
    call.responseType = "text";
    call.upload.onprogress = (event) => event.lengthComputable && onprogress?.(event.loaded / event.total);
    call.onload = () => {
      let body;
      try {
        body = JSON.parse(call.responseText);
      } catch {
        body = { title: call.statusText };
      }
      if (call.status >= 200 && call.status < 300) resolve(body);
      else reject(new Problem({ ...body, status: call.status, retryAfter: Number(call.getResponseHeader("Retry-After") || 0) }));
    };
    call.onerror = () => reject(new Problem(UNREACHABLE));
    call.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    signal?.addEventListener("abort", () => call.abort());
    call.send(form);
  });
}

/** @param {{state: Api.JobOut["state"]}} job */
export const active = (job) => job.state === "queued" || job.state === "running";

/** @param {string} sha256 */
export const fileUrl = (sha256) => at(`/api/files/${sha256}`);

/**
 * @param {string} sha256
 * @param {number} size longest side, in pixels
 */
export const thumbnailUrl = (sha256, size = 320) => at(`/api/files/${sha256}/thumbnail?size=${size}`);

/** Keep uploads that a page or a draft still shows: the server would delete in the end what no job refers to. Calls again
    each hour while the page is open. Gives { kept, missing }, two lists of hashes: what is missing has to be sent
    again. Throws nothing: without an answer all count as kept.

    @param {string[]} hashes */
export async function keepFiles(hashes) {
  const wanted = [...new Set(hashes)].filter((each) => /^[0-9a-f]{64}$/.test(each));
  for (const each of wanted) held.add(each);
  if (held.size && !renewing) renewing = setInterval(() => keepFiles([...held]), 3600e3);
  /** @type {{kept: string[], missing: string[]}} */
  const answered = { kept: [], missing: [] };
  for (let i = 0; i < wanted.length; i += 500) {
    const some = wanted.slice(i, i + 500);
    try {
      /** @type {Api.KeptOut} */
      const answer = await post("/api/files/keep", { files: some });
      answered.kept.push(...answer.kept);
      answered.missing.push(...answer.missing);
    } catch {
      answered.kept.push(...some);
    }
  }
  for (const each of answered.missing) held.delete(each);
  return answered;
}
/** @type {Set<string>} */
const held = new Set();
let renewing = 0;

/** Follow a job: `tell` is called with it now and at each change; gives it when it is over. All jobs of all tabs come
    over one stream (follow.js), which is opened again when it breaks, a restart of the server included. Throws a
    Problem if there is no such job.

    @param {string} id
    @param {(job: Job) => void} tell
    @param {{signal?: AbortSignal}} options
    @returns {Promise<Job>} */
export function follow(id, tell, { signal } = {}) {
  return new Promise((resolve, reject) => {
    let timer = 0;
    let revision = -1;
    let last = "";
    let asking = false;
    const stop = () => {
      leave();
      clearTimeout(timer);
    };
    const take = (/** @type {Job} */ job) => {
      const text = JSON.stringify(job);
      if (job.revision < revision || text === last) return;
      revision = job.revision;
      last = text;
      tell(job);
      if (active(job)) return;
      stop();
      resolve(job);
    };
    const look = async () => {
      if (asking) return;
      clearTimeout(timer);
      timer = 0;
      asking = true;
      try {
        /** @type {Job} */
        const job = await get(`/api/jobs/${id}`, { signal });
        if (!signal?.aborted) take(job);
      } catch (error) {
        if (error.name === "AbortError") return;
        if (error.status === 0 || error.status >= 500 || error.status === 429) timer = setTimeout(look, 2000);
        else { stop(); reject(error); }
      } finally {
        asking = false;
      }
    };
    const leave = listen(id, ({ job, look: again, broken }) => {
      if (signal?.aborted) return;
      if (job) take(job);
      else if (again) look();
      else if (broken) timer = timer || setTimeout(() => { timer = 0; look(); }, 2000);
    }, BASE);
    signal?.addEventListener("abort", stop);
    look();
  });
}
