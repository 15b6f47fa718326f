// Stills and clips of the page Live, kept in this browser (IndexedDB) until they are deleted, so that a reload or a
// closed tab loses none. Nothing of them goes to the server.

const NAME = "flamingo-live", STORE = "takes";

/** @typedef {{id?: IDBValidKey, blob: Blob, name: string, about: string}} Take */

/** @returns {Promise<IDBDatabase>} */
function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id", autoIncrement: true });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * @template Result
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<Result>} what
 * @returns {Promise<Result>}
 */
async function within(mode, what) {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const work = database.transaction(STORE, mode);
      const request = what(work.objectStore(STORE));
      work.oncomplete = () => resolve(request.result);
      work.onerror = work.onabort = () => reject(work.error);
    });
  } finally {
    database.close();
  }
}

/**
 * Keep {blob, name, about}: its id.
 *
 * @param {Take} take
 */
export const add = (take) => within("readwrite", (store) => store.add(take));

/**
 * All that is kept, the oldest first.
 *
 * @returns {Promise<Take[]>}
 */
export const all = () => within("readonly", (store) => store.getAll());

/** @param {IDBValidKey} id */
export const remove = (id) => within("readwrite", (store) => store.delete(id));
