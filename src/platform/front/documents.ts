/**
 * Serves the documents that deploy/build-docs.mjs has rendered: as HTML on the dashboard's port, and as Markdown, with
 * `llms.txt`, on both ports. A file is read at its first request and then kept in memory. If the process may have only
 * few file descriptors, all files are read at the start instead. The pipeline checks the requests. Runs on the front.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { crypto } from "../../base/crypto.js";
import type { Exchange } from "../transport/transport.js";
import { headerBlock, type WireReply } from "../transport/reply.js";
import { accepts, ASKED_EACH_TIME, ENCODINGS, FOR_EVER, GUARDS, TYPES } from "./file-headers.js";

const PREFIX = "/docs";
const LLMS = "/llms.txt";
const ASSETS = "/docs/assets/";
/** The addresses that the API's port has, too. */
const PLAIN = /^(?:\/llms\.txt|\/docs\/[\w-]+\.md)$/;
const ETAG_BYTES = 12;

/** One encoding of a file. */
interface Variant {
  readonly encoding: string;
  readonly etag: string;
  readonly whole: WireReply;
  /** The answer to a client that has the file already. */
  readonly unchanged: WireReply;
}

function note(status: number, body: string, more: readonly (readonly [name: string, value: string])[] = []): WireReply {
  return {
    status,
    body,
    headers: headerBlock([
      ["Content-Type", "text/plain; charset=utf-8"],
      ["Cache-Control", "no-store"],
      ...more,
      ...GUARDS,
    ]),
  };
}

const NOT_FOUND = note(404, "There is no such page. All pages are listed at /docs.\n");
/** The answer if a file cannot be read now, for example because the process has no free file descriptor. */
const NOT_READ = note(503, "The documents cannot be read now. Load this page again in a moment.\n", [
  ["Retry-After", "1"],
]);
const NOT_BUILT = note(
  503,
  "The documents are not there. Build them with `npm run build`, then load this page again.\n",
);

export class Documents {
  readonly #folder: string;
  readonly #onUnread: (error: unknown) => void;
  /** The path of each file, by its address; empty until they are listed. */
  #paths: ReadonlyMap<string, string> = new Map();
  /** The files that were read, by their addresses. It has at most the files of the build, about 8 MiB. */
  readonly #read = new Map<string, readonly Variant[]>();

  /**
   * @param folder the folder that contains the built files
   * @param onUnread called with the error if a file cannot be read
   */
  constructor(folder: URL, onUnread: (error: unknown) => void) {
    this.#folder = fileURLToPath(folder);
    this.#onUnread = onUnread;
  }

  /** Returns the answer to a request for a document in any form; undefined if the address is not of a document. */
  find(exchange: Exchange): WireReply | undefined {
    const { path } = exchange;
    if (path !== PREFIX && path !== LLMS && !path.startsWith(`${PREFIX}/`)) return undefined;
    return this.#answer(exchange);
  }

  /** Returns the answer to a request for a document as plain text; undefined if the request is not for one. */
  findPlain(exchange: Exchange): WireReply | undefined {
    return PLAIN.test(exchange.path) ? this.#answer(exchange) : undefined;
  }

  /** Reads all files. */
  load(): void {
    try {
      this.#list();
      for (const address of this.#paths.keys()) this.#variants(address);
    } catch (error) {
      this.#onUnread(error);
    }
  }

  #answer(exchange: Exchange): WireReply | undefined {
    const { verb, path } = exchange;
    if (verb !== "get" && verb !== "head") return undefined;
    try {
      if (this.#paths.size === 0) this.#list();
      if (this.#paths.size === 0) return NOT_BUILT;
      const variants = this.#variants(path);
      if (variants === undefined) return NOT_FOUND;
      const accepted = exchange.header("accept-encoding");
      const sent = variants.find(({ encoding }) => encoding === "" || accepts(accepted, encoding));
      if (sent === undefined) return NOT_FOUND;
      return has(exchange.header("if-none-match"), sent.etag) ? sent.unchanged : sent.whole;
    } catch (error) {
      this.#onUnread(error);
      return NOT_READ;
    }
  }

  #list(): void {
    if (existsSync(this.#folder)) this.#paths = listAddresses(this.#folder);
  }

  #variants(address: string): readonly Variant[] | undefined {
    const path = this.#paths.get(address);
    if (path === undefined) return undefined;
    let variants = this.#read.get(path);
    if (variants === undefined) {
      variants = readVariants(path, address.startsWith(ASSETS));
      this.#read.set(path, variants);
    }
    return variants;
  }
}

/** Whether an `If-None-Match` has the ETag. */
function has(header: string, etag: string): boolean {
  return header.split(",").some((part) => {
    const tag = part.trim();
    return tag === "*" || tag.replace(/^W\//, "") === etag;
  });
}

/** Returns the path of each file by its address. A page has its name as address, without a suffix. */
function listAddresses(folder: string): ReadonlyMap<string, string> {
  const paths = new Map<string, string>();
  for (const file of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!file.isFile() || TYPES[extname(file.name)] === undefined) continue;
    const path = join(file.parentPath ?? file.path, file.name);
    const name = relative(folder, path).replaceAll("\\", "/");
    if (`/${name}` === LLMS) paths.set(LLMS, path);
    else paths.set(`${PREFIX}/${name.replace(/\.html$/, "")}`, path);
    if (name === "index.html") for (const address of [PREFIX, `${PREFIX}/`]) paths.set(address, path);
  }
  return paths;
}

/** Reads a file in each encoding that the build has produced, the smallest first. */
function readVariants(path: string, forEver: boolean): readonly Variant[] {
  const type = TYPES[extname(path)] ?? "";
  const variant = (content: Uint8Array, encoding: string): Variant => {
    const etag = `"${crypto().createHash("sha256").update(content).digest().toString("hex", 0, ETAG_BYTES)}"`;
    const caching = [forEver ? FOR_EVER : ASKED_EACH_TIME, ["ETag", etag], ["Vary", "Accept-Encoding"]] as const;
    const whole = headerBlock([
      ["Content-Type", type],
      ...caching,
      ...(encoding === "" ? [] : [["Content-Encoding", encoding] as const]),
      ...GUARDS,
    ]);
    return {
      encoding,
      etag,
      whole: { status: 200, body: content, headers: whole },
      unchanged: {
        status: 304,
        body: null,
        unsentBytes: content.byteLength,
        headers: headerBlock([...caching, ...GUARDS]),
      },
    };
  };
  const packed = ENCODINGS.filter(([, suffix]) => existsSync(path + suffix));
  return [
    ...packed.map(([name, suffix]) => variant(readFileSync(path + suffix), name)),
    variant(readFileSync(path), ""),
  ];
}
