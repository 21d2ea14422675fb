/**
 * The calls that state and specs share: reading and writing values with versions. Writes may have conditions and
 * fences.
 */
import type { CallOptions } from "./deadline.js";
import { ConflictError, NotFoundError, StaleFenceError } from "./errors.js";
import { textOf, type Answer, type Query, type Transport } from "./transport.js";
import { wholeList } from "./whole-list.js";

/** The result of a read. The value is parsed JSON, a string (for a text type), or bytes. */
export interface Versioned<Value> {
  readonly value: Value;
  readonly version: number;
  /** The ETag, including its quotes. */
  readonly etag: string;
  readonly content_type: string;
}

export interface GetOptions extends CallOptions {
  /** The number of an older version. By default the current version is read. */
  readonly version?: number;
}

export interface ListOptions extends CallOptions {
  readonly limit?: number;
}

export interface FenceOptions extends CallOptions {
  /** The fence of the lease or claim under which the write is made. */
  readonly fence?: number | undefined;
}

export interface WriteOptions extends FenceOptions {
  /** The write fails with ConflictError unless this is the current version. 0 means that the key must not exist. */
  readonly if_version?: number | undefined;
  /** The content type; `application/json` by default. A string with another type is stored as it is. */
  readonly content_type?: string | undefined;
}

const JSON_TYPE = "application/json";
const BYTES_TYPE = "application/octet-stream";

function isJsonType(contentType: string): boolean {
  return /^application\/(?:[^;]*\+)?json\b/i.test(contentType);
}

function decode({ bytes }: Answer, contentType: string): unknown {
  if (isJsonType(contentType)) {
    try {
      return JSON.parse(textOf(bytes));
    } catch {
      // The stored value is not valid JSON. The server allows that, because it stores values without checking them.
      return textOf(bytes);
    }
  }
  return /^text\//i.test(contentType) ? textOf(bytes) : bytes;
}

function encode(value: unknown, contentType?: string): { body: string | Uint8Array<ArrayBuffer>; type: string } {
  if (value instanceof Uint8Array) return { body: new Uint8Array(value), type: contentType ?? BYTES_TYPE };
  const type = contentType ?? JSON_TYPE;
  if (typeof value === "string" && !isJsonType(type)) return { body: value, type };
  const body = JSON.stringify(value) as string | undefined;
  if (body === undefined) throw new TypeError("the value cannot be written as JSON");
  return { body, type };
}

/** Encodes a name as one segment of a path, so that `fetch` changes nothing in it. */
export function segment(name: string): string {
  // A URL cannot contain these two segments.
  if (name === "." || name === "..") throw new TypeError(`a URL cannot name ${JSON.stringify(name)}`);
  return encodeURIComponent(name);
}

function fenceHeader(fence: number | undefined): Record<string, string> {
  return fence === undefined ? {} : { "x-koor-fence": String(fence) };
}

export class VersionedValues {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async get(path: string, options: GetOptions = {}): Promise<Versioned<unknown>> {
    const answer = await this.#transport.send({ method: "GET", path, query: { version: options.version } }, options);
    const contentType = answer.headers.get("content-type") ?? BYTES_TYPE;
    return {
      value: decode(answer, contentType),
      version: Number(answer.headers.get("x-koor-version")),
      etag: answer.headers.get("etag") ?? "",
      content_type: contentType,
    };
  }

  set<Stored>(path: string, value: unknown, options: WriteOptions = {}): Promise<Stored> {
    const { body, type } = encode(value, options.content_type);
    const headers = { "content-type": type, ...fenceHeader(options.fence) };
    return this.#transport.json(
      { method: "PUT", path, query: { if_version: options.if_version }, headers, body },
      options,
    );
  }

  /**
   * Reads a value, changes it with `change`, and writes it. If another client has written it meanwhile, starts again.
   * Returns the stored version; undefined if `change` returned undefined.
   */
  async update<Stored>(
    path: string,
    change: (value: unknown) => unknown,
    options: FenceOptions & Pick<WriteOptions, "content_type">,
  ): Promise<Stored | undefined> {
    for (;;) {
      const found = await this.#find(path, options);
      const value = await change(found?.value);
      if (value === undefined) return undefined;
      try {
        return await this.set(path, value, {
          ...options,
          content_type: options.content_type ?? found?.content_type,
          if_version: found?.version ?? 0,
        });
      } catch (error) {
        const isStale = error instanceof ConflictError && error.status === 412 && !(error instanceof StaleFenceError);
        if (!isStale) throw error;
      }
    }
  }

  async #find(path: string, options: CallOptions): Promise<Versioned<unknown> | undefined> {
    try {
      return await this.get(path, { signal: options.signal, timeoutMs: options.timeoutMs });
    } catch (error) {
      if (error instanceof NotFoundError) return undefined;
      throw error;
    }
  }

  delete(path: string, options: FenceOptions & Pick<WriteOptions, "if_version"> = {}): Promise<unknown> {
    const headers = fenceHeader(options.fence);
    return this.#transport.json(
      { method: "DELETE", path, query: { if_version: options.if_version }, headers },
      options,
    );
  }

  rollback<Stored>(path: string, version: number, options: WriteOptions = {}): Promise<Stored> {
    const query = { rollback: version, if_version: options.if_version };
    return this.#transport.json({ method: "POST", path, query, headers: fenceHeader(options.fence) }, options);
  }

  async history<Version>(path: string, options: ListOptions = {}): Promise<Version[]> {
    const query = { history: 1, limit: options.limit };
    return (await this.#read<{ versions: Version[] }>(path, query, options)).versions;
  }

  diff<Diff>(path: string, from: number, to: number, options?: CallOptions): Promise<Diff> {
    return this.#read(path, { diff: `${from},${to}` }, options);
  }

  /**
   * Returns a whole list; with a `limit` at most that many rows.
   * @param member the member of the answer that has the rows; by default the answer itself is the list
   */
  list<Row>(path: string, query: Query, options?: CallOptions, member?: string): Promise<Row[]> {
    return wholeList(this.#transport, { path, query, ...(member === undefined ? {} : { member }) }, options);
  }

  #read<Result>(path: string, query: Query, options?: CallOptions): Promise<Result> {
    return this.#transport.json({ method: "GET", path, query }, options);
  }
}
