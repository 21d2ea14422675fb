/**
 * Serves the files of the dashboard from memory. deploy/build-pages.mjs has produced them. An answer is compressed if
 * the browser accepts that. The files are read at the first request for a page. If the process may open only few files,
 * they are read at the start instead. The pipeline checks the requests. Runs on the front.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Exchange } from "../transport/transport.js";
import { headerBlock, type WireReply } from "../transport/reply.js";
import { accepts, ASKED_EACH_TIME, ENCODINGS, FOR_EVER, GUARDS, TYPES } from "./file-headers.js";

/** One file of the dashboard, in each encoding that the build has produced. The smallest encoding comes first. */
interface Page {
  readonly encodings: readonly (readonly [name: string, reply: WireReply])[];
  readonly plain: WireReply;
}

const INDEX = "/index.html";
const ASSETS = "/assets/";
/** The prefixes of paths that programs request. An unknown path with such a prefix does not get the index page. */
const MACHINES = ["/api/", "/mcp", "/metrics", "/openapi.json", "/asyncapi.json", "/health", "/session", ASSETS];

/** The answer if the files cannot be read now, for example because the process has no free file descriptor. */
const NOT_READ: WireReply = {
  status: 503,
  body: "The dashboard's pages cannot be read now. Load this page again in a moment.\n",
  headers: headerBlock([
    ["Content-Type", "text/plain; charset=utf-8"],
    ["Retry-After", "1"],
    ["Cache-Control", "no-store"],
    ...GUARDS,
  ]),
};

/**
 * The answer if there are no files. The server was started from a checkout without a build, or its package is
 * incomplete.
 */
const NOT_BUILT: WireReply = {
  status: 503,
  body: "The dashboard's pages are not there. Build them with `npm run build`, then load this page again.\n",
  headers: headerBlock([["Content-Type", "text/plain; charset=utf-8"], ["Cache-Control", "no-store"], ...GUARDS]),
};

export class Pages {
  readonly #folder: string;
  readonly #onUnread: (error: unknown) => void;
  /**
   * The files, by path. They are read only once. If a new build replaces them on disk, an open page can still load the
   * files of its own build.
   */
  #pages: ReadonlyMap<string, Page> = new Map();

  /**
   * @param folder the folder that contains the built files
   * @param onUnread called with the error if the files cannot be read
   */
  constructor(folder: URL, onUnread: (error: unknown) => void) {
    this.#folder = fileURLToPath(folder);
    this.#onUnread = onUnread;
  }

  /**
   * Returns the answer to a request for a page; undefined if the request is not for a page. An unknown path gets the
   * index page, whose script then shows the right view. Only unknown paths that programs request do not get it.
   */
  find(exchange: Exchange): WireReply | undefined {
    const { verb, path } = exchange;
    if (verb !== "get" && verb !== "head") return undefined;
    if (!this.#pages.has(INDEX) && !this.#read()) return NOT_READ;
    const machine = MACHINES.some((prefix) => path === prefix || path.startsWith(prefix));
    const page = this.#pages.get(path) ?? (machine ? undefined : this.#pages.get(INDEX));
    if (page === undefined) return machine ? undefined : NOT_BUILT;
    const accepted = exchange.header("accept-encoding");
    return page.encodings.find(([name]) => accepts(accepted, name))?.[1] ?? page.plain;
  }

  /** Reads the files unless they were read already. */
  load(): void {
    if (!this.#pages.has(INDEX)) this.#read();
  }

  /** Reads the files. Returns false if that fails; the next request then tries again. */
  #read(): boolean {
    try {
      this.#pages = readPages(this.#folder);
      return true;
    } catch (error) {
      this.#onUnread(error);
      return false;
    }
  }
}

function readPages(folder: string): ReadonlyMap<string, Page> {
  const pages = new Map<string, Page>();
  if (!existsSync(folder)) return pages;
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const file of files) {
    const type = TYPES[extname(file.name)];
    if (type === undefined) continue;
    const path = join(file.parentPath ?? file.path, file.name);
    const address = path.slice(folder.length - 1).replaceAll("\\", "/");
    const cached = address.startsWith(ASSETS) ? FOR_EVER : ASKED_EACH_TIME;
    const replyOf = (content: Uint8Array, encoding: string | null): WireReply => ({
      status: 200,
      body: content,
      headers: headerBlock([
        ["Content-Type", type],
        cached,
        ["Vary", "Accept-Encoding"],
        ...(encoding === null ? [] : [["Content-Encoding", encoding] as const]),
        ...GUARDS,
      ]),
    });
    pages.set(address, {
      plain: replyOf(readFileSync(path), null),
      encodings: ENCODINGS.flatMap(([name, suffix]) =>
        existsSync(path + suffix) ? [[name, replyOf(readFileSync(path + suffix), name)] as const] : [],
      ),
    });
  }
  return pages;
}
