/**
 * The front of a versioned key space; the routes of state and specs call its methods. It answers reads of single values
 * from a cache, and sends writes to the writer. The space (space.ts) decides how answers name keys. Runs on the front.
 */
import type { Static } from "typebox";
import { HISTORY_ROWS_DEFAULT, JSON_DEPTH_PIECE_BYTES } from "../../../schemas/limits/versioned.js";
import type { JsonText } from "../../../schemas/json-text.js";
import type {
  Condition,
  DeleteReply,
  DeleteRequest,
  DiffRequest,
  HistoryRequest,
  PutRequest,
  RollbackRequest,
  VersionedGetHeaders,
  VersionedGetQuery,
  VersionedRollbackQuery,
  VersionedWriteHeaders,
  VersionedWriteQuery,
  WriteReply,
} from "../../../schemas/versioned.js";
import { packBytes } from "../../base/bytes.js";
import { etagMatches, isEtagList } from "../../base/etag.js";
import { sentFence } from "../../base/fence.js";
import { DepthScan } from "../../base/json-depth.js";
import type { Log } from "../../base/log.js";
import { Failure, invalid, notFound } from "../../base/result.js";
import { formatTime } from "../../base/time.js";
import { TimeSlice } from "../../base/time-slice.js";
import { jsonReply, laterReply } from "../../platform/front/reply.js";
import type { Answer, Reply, Request } from "../../platform/front/route.js";
import { callerOf, type CallContext } from "../../platform/rpc/frames.js";
import type { SlowLane } from "../../platform/threads/slow-lane.js";
import type { UnaryJob } from "../../platform/threads/pool-method.js";
import type { Reads } from "../../platform/threads/reads.js";
import type { Writer } from "../../platform/threads/writer.js";
import type { WriterMethod } from "../../platform/threads/writer-method.js";
import { headerBlock } from "../../platform/transport/reply.js";
import { HotCache } from "./cache.js";
import type { Version, VersionedReader } from "./table.js";

/** The methods and jobs of a space. State and specs each have their own, with the same requests and replies. */
export interface VersionedMethods {
  readonly put: WriterMethod<typeof PutRequest, typeof WriteReply>;
  readonly rollback: WriterMethod<typeof RollbackRequest, typeof WriteReply>;
  readonly delete: WriterMethod<typeof DeleteRequest, typeof DeleteReply>;
  readonly history: UnaryJob<typeof HistoryRequest, ReturnType<typeof JsonText>>;
  readonly diff: UnaryJob<typeof DiffRequest, ReturnType<typeof JsonText>>;
}

export interface VersionedFrontOptions {
  readonly writer: Writer;
  readonly reads: Reads;
  readonly slowLane: SlowLane;
  readonly log: Log;
  /** Reads the rows of the space through the front's own database handle. */
  readonly reader: VersionedReader;
  readonly methods: VersionedMethods;
  /** Converts an error from the writer into the error that the client gets. */
  readonly toClientFailure: (failure: Failure) => Failure;
}

type Asked = "context" | "body";

/** A request for a value, for its history, or for a diff of its versions. */
export type GetRequest = Pick<
  Request<readonly string[], Static<typeof VersionedGetQuery>, keyof typeof VersionedGetHeaders>,
  Asked | "query" | "headers"
>;
/** A request that changes a value. */
export type WriteRequest = Pick<
  Request<readonly string[], Static<typeof VersionedWriteQuery>, keyof typeof VersionedWriteHeaders>,
  Asked | "query" | "headers"
>;
export type RollbackOf = WriteRequest & { readonly query: Static<typeof VersionedRollbackQuery> };

/** The preconditions of a write. Each of them is null if the request does not have it. */
interface Preconditions {
  readonly condition: Condition | null;
  readonly fence: number | null;
}

/** Matches a content type whose values are JSON. */
const JSON_TYPE = /^application\/(?:[^;]*\+)?json\s*(?:;|$)/i;
const MALFORMED_MATCH = invalid("If-Match must be *, or a list of ETags in quotes");
const MALFORMED_NONE_MATCH = invalid("If-None-Match must be *, or a list of ETags in quotes");

/** Returns the condition and the fence of a write. Returns a 400 if one of them is malformed. */
function preconditionsOf({ query: { if_version }, headers }: WriteRequest): Preconditions | Failure {
  const { "if-match": ifMatch, "if-none-match": ifNoneMatch } = headers;
  const fence = sentFence(headers["x-koor-fence"]);
  if (fence instanceof Failure) return fence;
  // An empty text here means that the request has no such header. A client's empty header was rejected before.
  if (ifMatch !== "" && !isEtagList(ifMatch)) return MALFORMED_MATCH;
  if (ifNoneMatch !== "" && !isEtagList(ifNoneMatch)) return MALFORMED_NONE_MATCH;
  if (if_version === undefined && ifMatch === "" && ifNoneMatch === "") return { condition: null, fence };
  const condition = {
    ...(if_version === undefined ? {} : { if_version }),
    ...(ifMatch === "" ? {} : { if_match: ifMatch }),
    ...(ifNoneMatch === "" ? {} : { if_none_match: ifNoneMatch }),
  };
  return { condition, fence };
}

/** The answer to a GET of a value. */
type ValueReply = Reply & { readonly body: Uint8Array };

/**
 * Returns the answer with a value. Its headers keep a browser from running stored HTML or SVG as a page of this origin.
 */
function valueReply(contentType: string, etag: string, version: number, value: Uint8Array): ValueReply {
  return {
    status: 200,
    body: value,
    headers: headerBlock([
      ["Content-Type", contentType],
      ["ETag", etag],
      ["X-Koor-Version", String(version)],
      ["X-Content-Type-Options", "nosniff"],
      ["Content-Security-Policy", "sandbox"],
      // Keep pages of other origins from loading the value as a script, a style or an image.
      ["Cross-Origin-Resource-Policy", "same-origin"],
    ]),
  };
}

function etagOf(version: Version): string {
  return `"${version.hash.toString("hex")}"`;
}

/**
 * Returns the answer, or a 304 if the client already has the value. The 304 has all headers of the answer, because
 * versions with the same bytes may differ in version number and content type.
 */
function orNotModified(ifNoneMatch: string, etag: string, reply: ValueReply): Reply {
  const held = ifNoneMatch !== "" && etagMatches(ifNoneMatch, etag);
  return held ? { status: 304, body: null, unsentBytes: reply.body.byteLength, headers: reply.headers } : reply;
}

/** Returns the answer with version `number` of a key; a 404 if that version is not kept. */
export function versionReply(reader: VersionedReader, key: string, number: number, ifNoneMatch: string): Answer {
  const found = reader.version(key, number);
  if (found === undefined) return notFound(`version ${number} not found for ${reader.space.described(key)}`);
  const etag = etagOf(found);
  return orNotModified(ifNoneMatch, etag, valueReply(found.content_type, etag, found.version, found.value));
}

const nothing = (): Promise<readonly unknown[]> => Promise.resolve([]);

export class VersionedFront {
  readonly #writer: Writer;
  readonly #reads: Reads;
  readonly #slowLane: SlowLane;
  readonly #log: Log;
  readonly #reader: VersionedReader;
  readonly #methods: VersionedMethods;
  readonly #toClientFailure: (failure: Failure) => Failure;
  readonly #updated: string;
  readonly #cache = new HotCache<ValueReply>();
  /**
   * Limits the time that reads from the database take in each tick. Large values are not cached, so many reads of them
   * in one tick would delay all other requests.
   */
  readonly #slice = new TimeSlice();

  constructor({ writer, reads, slowLane, log, reader, methods, toClientFailure }: VersionedFrontOptions) {
    this.#writer = writer;
    this.#reads = reads;
    this.#slowLane = slowLane;
    this.#log = log;
    this.#reader = reader;
    this.#methods = methods;
    this.#toClientFailure = toClientFailure;
    this.#updated = `${reader.space.name} updated`;
    writer.changes.listen(reader.space.name, this.#cache);
  }

  /** Answers with a value, with one of its versions, with its history, or with the diff of two versions. */
  get(key: string, { query, headers, context }: GetRequest): Answer | Promise<Answer> {
    const { diff, history, limit = HISTORY_ROWS_DEFAULT, version } = query;
    if (diff !== undefined) return this.#diff(key, diff, context);
    if (history === 1) return this.#history(key, limit, context);
    const ifNoneMatch = headers["if-none-match"];
    if (version !== undefined) return this.#readInSlice(() => versionReply(this.#reader, key, version, ifNoneMatch));
    return this.#cached(key, ifNoneMatch) ?? this.#readInSlice(() => this.#current(key, ifNoneMatch));
  }

  /** Reads a value from the database. Does it in a later tick if such reads have used up their time in this tick. */
  #readInSlice(read: () => Answer): Answer | Promise<Answer> {
    return this.#slice.isOver ? this.#slice.yieldIfOver().then(read) : read();
  }

  #cached(key: string, ifNoneMatch: string): Answer | undefined {
    const cached = this.#writer.hasUnseenRemoteWrites ? undefined : this.#cache.get(key);
    return cached === undefined ? undefined : orNotModified(ifNoneMatch, cached.etag, cached.reply);
  }

  #current(key: string, ifNoneMatch: string): Answer {
    const cached = this.#cached(key, ifNoneMatch);
    if (cached !== undefined) return cached;
    const current = this.#reader.current(key);
    if (current === undefined) return notFound(this.#reader.space.missing(key));
    const etag = etagOf(current);
    const reply = valueReply(current.content_type, etag, current.version, current.value);
    this.#cache.add(key, current.version, etag, reply, current.value.byteLength);
    return orNotModified(ifNoneMatch, etag, reply);
  }

  /**
   * Stores the body of the request as a new version. Rejects JSON that is nested too deep, because other programs read
   * the value.
   * @param answer builds the text of the answer
   */
  put(
    key: string,
    contentType: string,
    request: WriteRequest,
    answer: (reply: WriteReply) => string,
  ): Answer | Promise<Answer> {
    const preconditions = preconditionsOf(request);
    if (preconditions instanceof Failure) return preconditions;
    const store = (): Promise<Answer> => this.#store(key, contentType, preconditions, request, answer);
    if (!JSON_TYPE.test(contentType)) return store();
    const scan = new DepthScan(request.body);
    if (scan.hasEnded || scan.advance(JSON_DEPTH_PIECE_BYTES)) return scan.refusal ?? store();
    return this.#scanRest(scan).then((refusal) => refusal ?? store());
  }

  /** Examines the rest of a long value in pieces. One long step would delay other requests. */
  async #scanRest(scan: DepthScan): Promise<Failure | null> {
    do await this.#slice.yieldIfOver();
    while (!scan.advance(JSON_DEPTH_PIECE_BYTES));
    return scan.refusal;
  }

  #store(
    key: string,
    contentType: string,
    preconditions: Preconditions,
    { body, context }: WriteRequest,
    answer: (reply: WriteReply) => string,
  ): Promise<Answer> {
    const { label } = this.#reader.space;
    // Only a read adds an entry to the cache. So a write updates the cache only if the key is already in it.
    const cached = this.#cache.has(key);
    const put = { key, value: packBytes(body), content_type: contentType, ...preconditions };
    return new Promise((resolve) => {
      this.#writer.call(this.#methods.put, put, context, (reply) => {
        if (reply instanceof Failure) {
          resolve(this.#toClientFailure(reply));
          return;
        }
        const { version } = reply;
        if (cached) {
          const etag = `"${reply.hash}"`;
          this.#cache.replace(key, version, etag, valueReply(contentType, etag, version, body), body.byteLength);
        }
        if (this.#log.infos) this.#log.info(this.#updated, { key: label(key), version });
        resolve(jsonReply(answer(reply)));
      });
    });
  }

  /**
   * Stores the value of an old version as a new version.
   * @param warningsOf returns the warnings about the new version for the answer
   */
  async rollback(
    key: string,
    request: RollbackOf,
    warningsOf: (version: number) => Promise<readonly unknown[]> = nothing,
  ): Promise<Answer> {
    const preconditions = preconditionsOf(request);
    if (preconditions instanceof Failure) return preconditions;
    const { name, identity, label } = this.#reader.space;
    const { rollback: rolledBack } = request.query;
    const change = { key, version: rolledBack, ...preconditions };
    const reply = await this.#writer.request(this.#methods.rollback, change, request.context);
    if (reply instanceof Failure) return this.#toClientFailure(reply);
    const { version, hash, updated_at } = reply;
    this.#log.info(`${name} rolled back`, { key: label(key), version, rolled_back: rolledBack });
    const warnings = await warningsOf(version);
    const answer = {
      ...identity(key),
      version,
      hash,
      rolled_back: rolledBack,
      updated_at: formatTime(updated_at),
      ...(warnings.length === 0 ? {} : { warnings }),
    };
    return jsonReply(JSON.stringify(answer), 200, { rollbacks: 1 });
  }

  async delete(key: string, request: WriteRequest): Promise<Answer> {
    const preconditions = preconditionsOf(request);
    if (preconditions instanceof Failure) return preconditions;
    const { name, label } = this.#reader.space;
    const change = { key, ...preconditions };
    const reply = await this.#writer.request(this.#methods.delete, change, request.context);
    if (reply instanceof Failure) return this.#toClientFailure(reply);
    this.#log.info(`${name} deleted`, { key: label(key), version: reply.version });
    return jsonReply(JSON.stringify({ deleted: label(key) }));
  }

  async #history(key: string, limit: number, context: CallContext): Promise<Answer> {
    return laterReply(Promise.resolve(this.#reads.run(this.#methods.history, { key, limit }, context, limit)));
  }

  /** Answers with the diff of two versions. A diff of long versions may have to wait for a permit. */
  #diff(key: string, versions: string, context: CallContext): Promise<Answer> {
    const [v1 = 0, v2 = 0] = versions.split(",").map(Number);
    const bytes = this.#reader.bytes(key, v1) + this.#reader.bytes(key, v2);
    return laterReply(this.#slowLane.run(this.#methods.diff, { key, v1, v2 }, { bytes, caller: callerOf(context) }));
  }
}
