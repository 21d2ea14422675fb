/**
 * Serves the documents that deploy/build-docs.mjs has rendered: as HTML on the dashboard's port, and as Markdown, with
 * `llms.txt`, on both ports. A file is read at its first request, in the encoding that the client takes, and those that
 * were asked for lately are kept in memory. If the process may have only few file descriptors, as many as fit are read
 * at the start. The pipeline checks the requests. Runs on the front.
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
/** The addresses that the API's port has, too. */
const PLAIN = /^(?:\/llms\.txt|\/docs\/[\w-]+\.md)$/;
const ETAG_BYTES = 12;

/** The encodings of files, with the suffixes of their names. The smallest is the first, the last is no encoding. */
const FORMS = [...ENCODINGS, ["", ""]] as const;

/** One encoding of a file. */
interface Variant {
  readonly bytes: number;
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
  /** The paths of all files, those of other encodings too. */
  #files: ReadonlySet<string> = new Set();
  /** The files that were read, by their paths. Those that were asked for lately are the last. */
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

  /** Reads the smallest form of each file, as long as they fit. */
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

  /** Returns the file of an address in the best encoding that is accepted; undefined if there is no such address. */
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

  /** Keeps a file, as the one that was asked for last. The oldest go if there are too many bytes. */
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

/** Whether an `If-None-Match` has the ETag. */
function has(header: string, etag: string): boolean {
  return header.split(",").some((part) => {
    const tag = part.trim();
    return tag === "*" || tag.replace(/^W\//, "") === etag;
  });
}

interface Listed {
  /** The path of each file by its address. A page has its name as address, without a suffix. */
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
  /** The suffix of the file in this encoding. */
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
