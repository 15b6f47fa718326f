// Following jobs over the one stream that all tabs share (stream.js), or over a stream of this tab's own where the
// browser has no SharedWorker: that one is open only while the tab is in sight, so that a phone with ten tabs has one.

/** @typedef {(message: {job?: Job, look?: boolean, broken?: boolean}) => void} Hear */
/** @typedef {(message: StreamRequest) => void} Tell */

/** @type {Map<string, Set<Hear>>} */
const heard = new Map(); // the functions to call for each id
/** @type {Tell | null} */
let wire = null;

/** @param {StreamMessage} message */
function take({ job, gone, look, broken }) {
  if (job) for (const hear of [...(heard.get(job.id) ?? [])]) hear({ job });
  if (gone) for (const hear of [...(heard.get(gone) ?? [])]) hear({ look: true });
  if (look) for (const hear of [...(heard.get(look) ?? [])]) hear({ look: true });
  if (broken) for (const some of [...heard.values()]) for (const hear of [...some]) hear({ broken: true });
}

const address = () => new URL("./stream.js", import.meta.url).href;

/**
 * @param {string} base
 * @returns {Tell}
 */
function shared(base) {
  const worker = new SharedWorker(address(), { name: "flamingo-events" });
  worker.onerror = () => {
    wire = alone(base);
    for (const id of heard.keys()) wire({ follow: id });
  };
  worker.port.onmessage = ({ data }) => take(data);
  const tell = (/** @type {StreamRequest} */ message) => worker.port.postMessage(message);
  // A page that is left may be kept by the browser and come back as it was.
  addEventListener("pagehide", () => tell({ bye: true }));
  addEventListener("pageshow", (event) => event.persisted && [...heard.keys()].forEach((id) => tell({ follow: id })));
  return tell;
}

/**
 * @param {string} base
 * @returns {Tell}
 */
function alone(base) {
  /** @type {EventStream | null} */
  let stream = null;
  /** @type {StreamRequest[]} */
  const waiting = [];
  import(address()).then(() => {
    stream = window.flamingoStream((_, message) => take(message), base);
    for (const message of waiting) stream.take(self, message);
  });
  const tell = (/** @type {StreamRequest} */ message) => (stream ? stream.take(self, message) : waiting.push(message));
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") stream?.close();
    else stream?.open();
  });
  addEventListener("pagehide", () => stream?.close());
  addEventListener("pageshow", (event) => event.persisted && stream?.open());
  return tell;
}

/** @param {string} base */
function connected(base) {
  if (!wire) {
    try {
      wire = shared(base);
    } catch {
      wire = alone(base); // there is no SharedWorker here, or it may not be used
    }
  }
  return wire;
}

/**
 * Call hear({job}), hear({look: true}) or hear({broken: true}) for what happens to this job. Gives a function that ends it.
 *
 * @param {string} id
 * @param {Hear} hear
 * @param {string} base the path that the studio is served under
 */
export function listen(id, hear, base) {
  const tell = connected(base);
  if (!heard.has(id)) heard.set(id, new Set());
  heard.get(id).add(hear);
  tell({ follow: id });
  return () => {
    const some = heard.get(id);
    if (!some?.delete(hear) || some.size) return;
    heard.delete(id);
    tell({ leave: id });
  };
}
