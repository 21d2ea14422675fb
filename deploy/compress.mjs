/** Compresses files of the dashboard's port, so that the server need not do it. Used by the builds of its pages. */
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

/** The number of rounds of Zopfli. With more rounds the result is hardly smaller. */
const ZOPFLI_ROUNDS = 15;
/** The quality of Brotli for the documents. The highest quality takes seconds, and saves a tenth of the bytes. */
const BROTLI_QUICK_QUALITY = 9;

const brotli = (content, quality) =>
  promisify(brotliCompress)(content, {
    params: { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_SIZE_HINT]: content.length },
  });

/** The functions that compress as much as possible, by the suffix of the copy that they make. */
const SMALLEST = {
  // Zopfli's result is 3 % smaller than that of zlib. It is imported here, because this module is loaded before the
  // packages are installed.
  ".gz": async (content) => (await import("@gfx/zopfli")).gzipAsync(content, { numiterations: ZOPFLI_ROUNDS }),
  ".br": (content) => brotli(content, constants.BROTLI_MAX_QUALITY),
};

/** The functions for many files. They do not use Zopfli, because it takes 20 s for the documents. */
const QUICK = {
  ".gz": (content) => promisify(gzip)(content, { level: constants.Z_BEST_COMPRESSION }),
  ".br": (content) => brotli(content, BROTLI_QUICK_QUALITY),
};

/**
 * Returns the compressed copies of files.
 * @param {Iterable<[path: string, content: Uint8Array]>} files
 * @param {{ quick?: boolean }} [options] `quick` is true for many files that are seldom read
 * @returns {Promise<[path: string, content: Uint8Array][]>} each path with the suffix of its encoding
 */
export function compressed(files, { quick = false } = {}) {
  return Promise.all(
    [...files].flatMap(([path, content]) =>
      Object.entries(quick ? QUICK : SMALLEST).map(async ([suffix, pack]) => [path + suffix, await pack(content)]),
    ),
  );
}
