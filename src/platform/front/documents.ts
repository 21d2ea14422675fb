/**
 * Serves the documents that deploy/build-docs.mjs has rendered. The dashboard's port serves HTML. Both ports serve
 * Markdown and `llms.txt`. A file is read at its first request, in an encoding that the client accepts. The most
 * recently requested files stay in memory. If the process may open only few files, it instead reads as many files as
 * fit into memory at the start. The pipeline checks the requests. Runs on the front.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { DOCUMENTS_BYTES_MAX } from "../../../schemas/limits/answers.js";
import { crypto } from "../../base/crypto.js";
import type { Exchange } from "../transport/transport.js";
import { headerBlock, type WireReply } from "../transport/reply.js";
import { accepts, ASKED_EACH_TIME, ENCODINGS, FOR_EVER, GUARDS, TYPES } from "./file-headers.js";

const PREFIX = "/docs";
const LLMS = "/llms.txt";
const ASSETS = "/docs/assets/";
/** Matches the paths of the documents that both ports serve. */
const PLAIN = /^(?:\/llms\.txt|\/docs\/[\w-]+\.md)$/;
const ETAG_BYTES = 12;

/**
 * The encodings of files, each with the suffix of the file's name. The smallest encoding comes first. The last row
 * stands for a file without an encoding.
 */
const FORMS = [...ENCODINGS, ["", ""]] as const;

/** One encoding of a file. */
interface Variant {
  readonly bytes: number;
  readonly etag: string;
  readonly whole: WireReply;
  /** The 304 answer, for a client that has the file already. */
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
  /** The path of each file, by the address at which it is served. Empty until the folder has been listed. */
  #paths: ReadonlyMap<string, string> = new Map();
  /** The paths of all files, including the compressed copies. */
  #files: ReadonlySet<string> = new Set();
  /** The files in memory, by path. The file that was requested last is at the end. */
  readonly #kept = new Map<string, Variant>();
  #bytes = 0;

  /**
   * @param folder the folder that contains the built files
   * @param onUnread called with the error if a file cannot be read
   */
  constructor(folder: URL, onUnread: (error: unknown) => void) {
    this.#folder = fileURLToPath(folder);
    this.#onUnread = onUnread;
  }

  /** Returns the answer to a request for a page, a document or one of their files; undefined for any other path. */
  find(exchange: Exchange): WireReply | undefined {
    const { path } = exchange;
    if (path !== PREFIX && path !== LLMS && !path.startsWith(`${PREFIX}/`)) return undefined;
    return this.#answer(exchange);
  }

  /**
   * Returns the answer to a request for a Markdown document or `llms.txt`; undefined if the address names no such
   * document.
   */
  findPlain(exchange: Exchange): WireReply | undefined {
    return PLAIN.test(exchange.path) ? this.#answer(exchange) : undefined;
  }

  /** Reads each file in its smallest encoding, until the memory limit is reached. */
  load(): void {
    try {
      this.#list();
      for (const address of this.#paths.keys())
        if (this.#bytes < DOCUMENTS_BYTES_MAX) this.#find(address, ENCODINGS.map(([encoding]) => encoding).join());
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
      const sent = this.#find(path, exchange.header("accept-encoding"));
      if (sent === undefined) return NOT_FOUND;
      return has(exchange.header("if-none-match"), sent.etag) ? sent.unchanged : sent.whole;
    } catch (error) {
      this.#onUnread(error);
      return NOT_READ;
    }
  }

  #list(): void {
    if (existsSync(this.#folder)) ({ paths: this.#paths, files: this.#files } = listFiles(this.#folder));
  }

  /**
   * Returns the file at an address, in the best encoding that the client accepts; undefined if there is no such file.
   */
  #find(address: string, accepted: string): Variant | undefined {
    const path = this.#paths.get(address);
    if (path === undefined) return undefined;
    const form = FORMS.find(
      ([name, suffix]) => this.#files.has(path + suffix) && (name === "" || accepts(accepted, name)),
    );
    const [encoding, suffix] = form ?? ["", ""];
    const key = path + suffix;
    const variant = this.#kept.get(key) ?? readVariant(path, { encoding, suffix, forEver: address.startsWith(ASSETS) });
    this.#keep(key, variant);
    return variant;
  }

  /**
   * Adds a file at the end of the cache. If the cache then has too many bytes, removes the least recently requested
   * files.
   */
  #keep(key: string, variant: Variant): void {
    if (this.#kept.delete(key)) this.#bytes -= variant.bytes;
    this.#kept.set(key, variant);
    this.#bytes += variant.bytes;
    for (const [oldest, { bytes }] of this.#kept) {
      if (this.#bytes <= DOCUMENTS_BYTES_MAX) break;
      this.#kept.delete(oldest);
      this.#bytes -= bytes;
    }
  }
}

/** Whether an `If-None-Match` header contains the ETag. */
function has(header: string, etag: string): boolean {
  return header.split(",").some((part) => {
    const tag = part.trim();
    return tag === "*" || tag.replace(/^W\//, "") === etag;
  });
}

interface Listed {
  /** The path of each file, by its address. The address of an HTML page is its file name without the suffix. */
  readonly paths: ReadonlyMap<string, string>;
  readonly files: ReadonlySet<string>;
}

function listFiles(folder: string): Listed {
  const paths = new Map<string, string>();
  const files = new Set<string>();
  for (const file of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const path = join(file.parentPath ?? file.path, file.name);
    files.add(path);
    if (TYPES[extname(file.name)] === undefined) continue;
    const name = relative(folder, path).replaceAll("\\", "/");
    if (`/${name}` === LLMS) paths.set(LLMS, path);
    else paths.set(`${PREFIX}/${name.replace(/\.html$/, "")}`, path);
    if (name === "index.html") for (const address of [PREFIX, `${PREFIX}/`]) paths.set(address, path);
  }
  return { paths, files };
}

interface Form {
  readonly encoding: string;
  /** The suffix of the file's name in this encoding. */
  readonly suffix: string;
  readonly forEver: boolean;
}

/** Reads a file in one of its encodings. */
function readVariant(path: string, { encoding, suffix, forEver }: Form): Variant {
  const type = TYPES[extname(path)] ?? "";
  const content = readFileSync(path + suffix);
  const etag = `"${crypto().createHash("sha256").update(content).digest().toString("hex", 0, ETAG_BYTES)}"`;
  const caching = [forEver ? FOR_EVER : ASKED_EACH_TIME, ["ETag", etag], ["Vary", "Accept-Encoding"]] as const;
  const whole = headerBlock([
    ["Content-Type", type],
    ...caching,
    ...(encoding === "" ? [] : [["Content-Encoding", encoding] as const]),
    ...GUARDS,
  ]);
  return {
    bytes: content.byteLength,
    etag,
    whole: { status: 200, body: content, headers: whole },
    unchanged: {
      status: 304,
      body: null,
      unsentBytes: content.byteLength,
      headers: headerBlock([...caching, ...GUARDS]),
    },
  };
}
