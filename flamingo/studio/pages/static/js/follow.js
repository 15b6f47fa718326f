// Following jobs over the one stream that all tabs share (stream.js), or over a stream of this tab's own where the
// browser has no SharedWorker: that one is open only while the tab is in sight, so that a phone with ten tabs has one.

const heard = new Map(); // the functions to call for each id
let wire = null;

function take({ job, gone, look, broken }) {
  if (job) for (const hear of [...(heard.get(job.id) ?? [])]) hear({ job });
  if (gone) for (const hear of [...(heard.get(gone) ?? [])]) hear({ look: true });
  if (look) for (const hear of [...(heard.get(look) ?? [])]) hear({ look: true });
  if (broken) for (const some of [...heard.values()]) for (const hear of [...some]) hear({ broken: true });
}

const address = () => new URL("./stream.js", import.meta.url);

function shared(base) {
  const worker = new SharedWorker(address(), { name: "flamingo-events" });
  worker.onerror = () => {
    wire = alone(base);
    for (const id of heard.keys()) wire({ follow: id });
  };
  worker.port.onmessage = ({ data }) => take(data);
  const tell = (message) => worker.port.postMessage(message);
  // A page that is left may be kept by the browser and come back as it was.
  addEventListener("pagehide", () => tell({ bye: true }));
  addEventListener("pageshow", (event) => event.persisted && [...heard.keys()].forEach((id) => tell({ follow: id })));
  return tell;
}

function alone(base) {
  let stream = null;
  const waiting = [];
  import(address()).then(() => {
    stream = self.flamingoStream((_, message) => take(message), base);
    for (const message of waiting) stream.take(self, message);
  });
  const tell = (message) => (stream ? stream.take(self, message) : waiting.push(message));
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") stream?.close();
    else stream?.open();
  });
  addEventListener("pagehide", () => stream?.close());
  addEventListener("pageshow", (event) => event.persisted && stream?.open());
  return tell;
}

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

/** Call hear({job}), hear({look: true}) or hear({broken: true}) for what happens to this job. Gives a function that ends it. */
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
