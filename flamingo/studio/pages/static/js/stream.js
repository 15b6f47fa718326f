// The one stream of events (GET /api/events) that all tabs of a browser share: a browser opens six connections to a
// server at most, over all its tabs. Runs as a SharedWorker where there are such; else each tab has its own stream,
// open while the tab is in sight and follows a job (see follow.js).
//
// From a tab: {follow: id}, {leave: id}, {bye: true}. To a tab: {job}, a job that it follows has changed; {gone: id}, it
// was purged; {look: id}, it may have changed while nobody listened; {broken: true}, the server does not answer.

const BASE = new URL("../..", self.document ? document.baseURI : self.location.href).pathname.replace(/\/$/, "");
const AGAIN = 2000;

/**
 * The stream, for tabs, which are any objects.
 *
 * @template {object} Tab
 * @param {(tab: Tab, message: StreamMessage) => void} tell brings a message to a tab
 * @param {string} base the path that the studio is served under
 */
function makeStream(tell, base = BASE) {
  /** @type {Map<Tab, Set<string>>} */
  const followed = new Map(); // the ids that each tab follows
  /** @type {EventSource | null} */
  let source = null;
  let timer = 0;

  const ids = () => new Set([...followed.values()].flatMap((some) => [...some]));
  const each = (/** @type {string} */ id, /** @type {StreamMessage} */ message) => {
    for (const [tab, some] of followed) if (some.has(id)) tell(tab, message);
  };

  function open() {
    clearTimeout(timer);
    if (source || !ids().size) return;
    source = new EventSource(`${base}/api/events`);
    source.addEventListener("snapshot", (event) => {
      /** @type {{jobs: Job[]}} */
      const snapshot = JSON.parse(event.data);
      const jobs = new Map(snapshot.jobs.map((job) => [job.id, job]));
      for (const id of ids()) each(id, jobs.has(id) ? { job: jobs.get(id) } : { look: id });
    });
    source.addEventListener("job", (event) => {
      const job = JSON.parse(event.data);
      each(job.id, { job });
    });
    source.addEventListener("gone", (event) => {
      const { id } = JSON.parse(event.data);
      each(id, { gone: id });
    });
    source.onerror = () => {
      for (const tab of followed.keys()) tell(tab, { broken: true });
      if (source?.readyState !== EventSource.CLOSED) return; // the browser opens it again by itself, with Last-Event-ID
      close();
      timer = setTimeout(open, AGAIN);
    };
  }

  function close() {
    source?.close();
    source = null;
  }

  return {
    /**
     * @param {Tab} tab
     * @param {StreamRequest} message
     */
    take(tab, { follow, leave, bye }) {
      if (follow) {
        if (!followed.has(tab)) followed.set(tab, new Set());
        followed.get(tab).add(follow);
        open();
      }
      if (leave) followed.get(tab)?.delete(leave);
      if (bye) followed.delete(tab);
      if (!ids().size) { clearTimeout(timer); close(); }
    },
    open,
    close,
  };
}

if ("SharedWorkerGlobalScope" in self) {
  const stream = makeStream((/** @type {MessagePort} */ port, message) => port.postMessage(message));
  self.onconnect = ({ ports: [port] }) => {
    port.onmessage = ({ data }) => stream.take(port, data);
  };
} else {
  self.flamingoStream = makeStream;
}
