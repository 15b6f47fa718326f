// Stills and clips of the page Live, kept in this browser (IndexedDB) until they are deleted, so that a reload or a
// closed tab loses none. Nothing of them goes to the server.

const NAME = "flamingo-live", STORE = "takes";

function opened() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "id", autoIncrement: true });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

async function within(mode, what) {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const work = database.transaction(STORE, mode);
      const asked = what(work.objectStore(STORE));
      work.oncomplete = () => resolve(asked.result);
      work.onerror = work.onabort = () => reject(work.error);
    });
  } finally {
    database.close();
  }
}

/** Keep {blob, name, about}: its id. */
export const add = (take) => within("readwrite", (store) => store.add(take));

/** All that is kept, the oldest first: [{id, blob, name, about}]. */
export const all = () => within("readonly", (store) => store.getAll());

export const remove = (id) => within("readwrite", (store) => store.delete(id));
