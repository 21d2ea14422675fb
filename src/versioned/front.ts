/**
 * A versioned key space towards clients: point reads from a hot cache, writes by the writer, each answer
 * in the words of its space (space.ts). State's and specs' routes are rows over this. Runs on the front.
 */
import { HISTORY_ROWS_DEFAULT } from "../../schemas/limits.js";
import type { ReplyOf, RequestOf } from "../../schemas/methods.js";
import type { Condition } from "../../schemas/versioned.js";
import { packBytes } from "../base/bytes.js";
import { etagMatches } from "../base/etag.js";
import type { Log } from "../base/log.js";
import { Failure, invalid, notFound } from "../base/result.js";
import { formatTime } from "../base/time.js";
import { readReply } from "../front/chunked-reply.js";
import { headerBlock, jsonReply, type Answer, type Reply, type Request } from "../front/route-table.js";
import type { RpcClient } from "../rpc/client.js";
import type { Reads } from "../rpc/reads.js";
import { HotCache } from "./cache.js";
import type { Version, VersionedReader } from "./table.js";

/** Headers that a versioned write's condition may come in. */
export const CONDITION_HEADERS = ["if-match", "if-none-match"] as const;

export interface VersionedFrontOptions {
  readonly writer: RpcClient;
  readonly reads: Reads;
  readonly log: Log;
}

/** The compare-and-swap condition of a write; null where it has none. */
function conditionOf({ query, headers }: Request): Condition | null {
  const if_version = query["if_version"];
  const if_match = headers["if-match"] ?? "";
  const if_none_match = headers["if-none-match"] ?? "";
  if (if_version === undefined && if_match === "" && if_none_match === "") return null;
  return {
    ...(typeof if_version === "number" ? { if_version } : {}),
    ...(if_match === "" ? {} : { if_match }),
    ...(if_none_match === "" ? {} : { if_none_match }),
  };
}

/** The answer to a GET of a value. No stored HTML or SVG may run as a page of this origin. */
function valueReply(content_type: string, etag: string, version: number, value: Uint8Array): Reply {
  return {
    status: 200,
    body: value,
    headers: headerBlock([
      ["Content-Type", content_type],
      ["ETag", etag],
      ["X-Koor-Version", String(version)],
      ["X-Content-Type-Options", "nosniff"],
      ["Content-Security-Policy", "sandbox"],
      // A page elsewhere cannot take a value in as its script, style or image.
      ["Cross-Origin-Resource-Policy", "same-origin"],
    ]),
  };
}

function notModified(etag: string): Reply {
  return { status: 304, body: null, headers: headerBlock([["ETag", etag]]) };
}

function etagOf(version: Version): string {
  return `"${version.hash.toString("hex")}"`;
}

/** The answer, or 304 where the client holds the value already. */
function unlessHeld(if_none_match: string, etag: string, reply: Reply): Reply {
  return if_none_match !== "" && etagMatches(if_none_match, etag) ? notModified(etag) : reply;
}

export class VersionedFront {
  readonly #writer: RpcClient;
  readonly #reads: Reads;
  readonly #log: Log;
  readonly #reader: VersionedReader;
  readonly #cache = new HotCache<Reply>();

  /** @param reader the space, on the front's own handle */
  constructor({ writer, reads, log }: VersionedFrontOptions, reader: VersionedReader) {
    this.#writer = writer;
    this.#reads = reads;
    this.#log = log;
    this.#reader = reader;
  }

  /** A value, one of its versions, its history, or the diff of two versions. */
  get(key: string, request: Request): Answer | Promise<Answer> {
    const { query } = request;
    if (query["diff"] !== undefined) return this.#diff(key, String(query["diff"]));
    if (query["history"] === 1)
      return this.#history(request, key, (query["limit"] as number | undefined) ?? HISTORY_ROWS_DEFAULT);
    const if_none_match = request.headers["if-none-match"] ?? "";
    const version = query["version"];
    if (typeof version === "number") {
      const found = this.#reader.version(key, version);
      if (found === undefined) return notFound(`version ${version} not found for ${this.#reader.space.described(key)}`);
      const etag = etagOf(found);
      return unlessHeld(if_none_match, etag, valueReply(found.content_type, etag, found.version, found.value));
    }
    const cached = this.#cache.get(key);
    if (cached !== undefined) return unlessHeld(if_none_match, cached.etag, cached.reply);
    const current = this.#reader.current(key);
    if (current === undefined) return notFound(this.#reader.space.missing(key));
    const etag = etagOf(current);
    const reply = valueReply(current.content_type, etag, current.version, current.value);
    this.#cache.add(key, current.version, etag, reply, current.value.byteLength);
    return unlessHeld(if_none_match, etag, reply);
  }

  /** Stores the request's body; `answer` makes the text of the answer. */
  put(
    key: string,
    content_type: string,
    request: Request,
    answer: (reply: ReplyOf<"state.put">) => string,
  ): Promise<Answer> {
    const { name } = this.#reader.space;
    const { body } = request;
    const condition = conditionOf(request);
    return new Promise((resolve) => {
      this.#cache.beginWrite(key);
      this.#writer.call(
        `${name}.put`,
        { key, value: packBytes(body), content_type, condition },
        request.context,
        body.byteLength,
        (reply) => {
          if (!(reply instanceof Failure)) {
            const etag = `"${reply.hash}"`;
            this.#cache.update(key, reply.version, etag, body.byteLength, () =>
              valueReply(content_type, etag, reply.version, body),
            );
          }
          this.#endWrite(key, reply);
          if (reply instanceof Failure) {
            resolve(reply);
            return;
          }
          if (this.#log.infos)
            this.#log.info(`${name} updated`, { key: this.#reader.space.label(key), version: reply.version });
          resolve(jsonReply(answer(reply)));
        },
      );
    });
  }

  rollback(key: string, request: Request): Promise<Answer> {
    const { name, identity, label } = this.#reader.space;
    const version = request.query["rollback"] as number;
    return this.#change(`${name}.rollback`, { key, version, condition: conditionOf(request) }, request, (reply) => {
      this.#log.info(`${name} rolled back`, { key: label(key), version: reply.version, rolled_back: version });
      const answer = {
        ...identity(key),
        version: reply.version,
        hash: reply.hash,
        rolled_back: version,
        updated_at: formatTime(reply.updated_at),
      };
      return jsonReply(JSON.stringify(answer), 200, { rollbacks: 1 });
    });
  }

  delete(key: string, request: Request): Promise<Answer> {
    const { name, label } = this.#reader.space;
    return this.#change(`${name}.delete`, { key, condition: conditionOf(request) }, request, (reply) => {
      this.#log.info(`${name} deleted`, { key: label(key), version: reply.version });
      return jsonReply(JSON.stringify({ deleted: label(key) }));
    });
  }

  /**
   * A write from elsewhere that changes keys which only its reply names is about to be sent: until it is
   * answered nothing cached is shown, for the database may be ahead of it. The function that is returned takes the
   * keys that were changed, or why there are none, before the client is answered.
   */
  beginForeignWrite(): (changed: readonly string[] | Failure) => void {
    this.#cache.hold();
    return (changed) => {
      if (!(changed instanceof Failure)) {
        for (const key of changed) this.#cache.remove(key);
      } else if (changed.outcome_unknown) {
        this.#cache.clear();
        // As in #endWrite: it may still be carried out, unheard, and then nobody knows which keys are old.
        if (changed.status === "DEADLINE_EXCEEDED") return;
      }
      this.#cache.release();
    };
  }

  /** A write after which the key's value is read anew; `answer` makes its answer. */
  #change<Name extends `${"state" | "spec"}.${"rollback" | "delete"}`>(
    method: Name,
    change: RequestOf<Name>,
    request: Request,
    answer: (reply: ReplyOf<Name>) => Reply,
  ): Promise<Answer> {
    const { key } = change;
    return new Promise((resolve) => {
      this.#cache.beginWrite(key);
      this.#writer.call(method, change, request.context, 0, (reply) => {
        this.#cache.remove(key);
        this.#endWrite(key, reply);
        resolve(reply instanceof Failure ? reply : answer(reply));
      });
    });
  }

  /** A write that was lost may have been carried out; past its deadline it may still be, unheard: then the key stays uncached. */
  #endWrite(key: string, reply: unknown): void {
    if (reply instanceof Failure && reply.outcome_unknown) {
      this.#cache.remove(key);
      if (reply.status === "DEADLINE_EXCEEDED") return;
    }
    this.#cache.endWrite(key);
  }

  #history({ context }: Request, key: string, limit: number): Answer | Promise<Answer> {
    return readReply(this.#reads.run(`${this.#reader.space.name}.history`, { key, limit }, context, limit));
  }

  async #diff(key: string, versions: string): Promise<Answer> {
    const [v1 = 0, v2 = 0] = versions.split(",").map(Number);
    if (v1 < 1 || v2 < 1 || !Number.isSafeInteger(v1) || !Number.isSafeInteger(v2))
      return invalid("diff must name two versions, A,B");
    const answer = await this.#reads.pool.run(`${this.#reader.space.name}.diff`, { key, v1, v2 });
    return answer instanceof Failure ? answer : jsonReply(answer);
  }
}
