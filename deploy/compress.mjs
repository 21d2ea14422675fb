/** Compresses files of the dashboard's port, so that the server need not do it. Used by the builds of its pages. */
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";

/** More rounds make the result hardly smaller. */
const ZOPFLI_ROUNDS = 15;

/** The encodings: the suffix of the compressed copy, and the function that makes it. */
const COMPRESS = {
  // Zopfli's result is 3 % smaller than that of zlib. All scripts together take it a second.
  ".gz": async (content) => {
    // Loaded here, because this module is loaded before the packages are installed.
    const { gzipAsync } = await import("@gfx/zopfli");
    return gzipAsync(content, { numiterations: ZOPFLI_ROUNDS });
  },
  ".br": (content, quality) =>
    promisify(brotliCompress)(content, {
      params: { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_SIZE_HINT]: content.length },
    }),
};

/**
 * Returns the compressed copies of files.
 * @param {Iterable<[path: string, content: Uint8Array]>} files
 * @param {number} [quality] the quality of Brotli, which needs far more time for the highest one
 * @returns {Promise<[path: string, content: Uint8Array][]>} each path with the suffix of its encoding
 */
export function compressed(files, quality = constants.BROTLI_MAX_QUALITY) {
  return Promise.all(
    [...files].flatMap(([path, content]) =>
      Object.entries(COMPRESS).map(async ([suffix, pack]) => [path + suffix, await pack(content, quality)]),
    ),
  );
}
