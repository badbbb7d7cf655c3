/** Where a browser keeps training runs: the origin's private file system, or IndexedDB where that is absent. */
import { failure } from './protocol.js';

const FILE = 'checkpoint.safetensors';
const DATABASE = 'flowglass';
const TABLE = 'checkpoints';

// Only with createWritable: it swaps the file when it is whole, while a sync access handle overwrites in place.
const hasOpfs = () =>
  Boolean(globalThis.navigator?.storage?.getDirectory && globalThis.FileSystemFileHandle?.prototype.createWritable);

/**
 * @param {{checkpoint_directory: string, checkpoint_backend?: string}} config
 * @returns {Promise<{read: () => Promise<Uint8Array|null>, write: (bytes: Uint8Array) => Promise<void>}>}
 */
export async function openStore({ checkpoint_directory: directory, checkpoint_backend: backend = 'auto' }) {
  if (backend === 'directory') {
    throw failure('option', 'checkpoint_backend = directory: expected auto, opfs or indexeddb in a browser');
  }
  if (backend === 'opfs' && !hasOpfs()) {
    throw failure(
      'option',
      'checkpoint_backend = opfs: expected auto or indexeddb, as this browser has no private ' + 'file system',
    );
  }
  const store = backend === 'opfs' || (backend === 'auto' && hasOpfs()) ? opfs(directory) : indexedDb(directory);
  const said =
    (work) =>
    async (...args) => {
      try {
        return await work(...args);
      } catch (error) {
        throw failure(
          'file',
          `checkpoint_directory = ${directory}: the browser did not keep the run ` + `(${error.message || error.name})`,
        );
      }
    };
  return { read: said(store.read), write: said(store.write) };
}

function opfs(directory) {
  const handle = async (create) => {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle(encodeURIComponent(directory), { create });
    return folder.getFileHandle(FILE, { create });
  };
  return {
    async read() {
      try {
        return new Uint8Array(await (await (await handle(false)).getFile()).arrayBuffer());
      } catch (error) {
        if (error.name === 'NotFoundError') return null;
        throw error;
      }
    },
    async write(bytes) {
      const file = await (await handle(true)).createWritable();
      await file.write(bytes);
      await file.close();
    },
  };
}

const answer = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

function indexedDb(directory) {
  const open = () => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(TABLE);
    return answer(request);
  };
  const within = async (mode, work) => {
    const database = await open();
    try {
      const change = database.transaction(TABLE, mode);
      const result = await answer(work(change.objectStore(TABLE)));
      if (mode === 'readwrite') {
        await new Promise((resolve, reject) => {
          change.oncomplete = resolve;
          change.onerror = change.onabort = () => reject(change.error);
        });
      }
      return result;
    } finally {
      database.close();
    }
  };
  return {
    read: async () => (await within('readonly', (table) => table.get(directory))) ?? null,
    write: (bytes) => within('readwrite', (table) => table.put(bytes, directory)),
  };
}
