/** Where a browser keeps training runs: the origin's private file system, or else IndexedDB. */
import { failure } from './protocol.js';

const FILE = 'checkpoint.safetensors';
const DATABASE = 'flowglass';
const TABLE = 'checkpoints';

/** @typedef {{read: () => Promise<Uint8Array|null>, write: (bytes: Uint8Array) => Promise<unknown>}} Store */

/**
 * Whether the browser has a private file system with `createWritable`, which replaces a file only once the new one is
 * whole. A sync access handle would overwrite the file in place.
 */
const hasOpfs = () =>
  globalThis.navigator?.storage !== undefined && 'createWritable' in (globalThis.FileSystemFileHandle?.prototype ?? {});

/**
 * Opens the place of one run.
 * @param {string} directory its name
 * @param {string} [backend] `auto`, `opfs` or `indexeddb`
 * @returns {Promise<Store>}
 */
export async function openStore(directory, backend = 'auto') {
  if (backend === 'directory') {
    throw failure('option', 'checkpoint_backend = directory: expected auto, opfs or indexeddb in a browser');
  }
  if (backend === 'opfs' && !hasOpfs()) {
    throw failure(
      'option',
      'checkpoint_backend = opfs: expected auto or indexeddb, as this browser has no private file system',
    );
  }
  const store = backend === 'opfs' || (backend === 'auto' && hasOpfs()) ? opfs(directory) : indexedDb(directory);
  /** @param {DOMException} error */
  const said = (error) => {
    const why = error.message || error.name;
    throw failure('file', `checkpoint_directory = ${directory}: the browser did not keep the run (${why})`);
  };
  return { read: () => store.read().catch(said), write: (bytes) => store.write(bytes).catch(said) };
}

/**
 * Keeps a run in the private file system of the origin.
 * @param {string} directory
 * @returns {Store}
 */
function opfs(directory) {
  const handle = async (/** @type {boolean} */ create) => {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle(encodeURIComponent(directory), { create });
    return folder.getFileHandle(FILE, { create });
  };
  return {
    async read() {
      try {
        return new Uint8Array(await (await (await handle(false)).getFile()).arrayBuffer());
      } catch (error) {
        if (/** @type {DOMException} */ (error).name === 'NotFoundError') return null;
        throw error;
      }
    },
    async write(bytes) {
      const file = await (await handle(true)).createWritable();
      await file.write(/** @type {Uint8Array<ArrayBuffer>} */ (bytes));
      await file.close();
    },
  };
}

/**
 * The answer to a request.
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
const answer = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/**
 * Keeps a run in IndexedDB.
 * @param {string} directory
 * @returns {Store}
 */
function indexedDb(directory) {
  const open = () => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(TABLE);
    return answer(request);
  };
  /**
   * @template T
   * @param {IDBTransactionMode} mode
   * @param {(table: IDBObjectStore) => IDBRequest<T>} work
   */
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
