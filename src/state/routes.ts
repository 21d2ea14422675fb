/** Section 3 of the wire contract over HTTP. Runs on the front. */
import { CONTENT_TYPE_BYTES_MAX, FRONT_READ_ROWS_MAX, HISTORY_ROWS_DEFAULT, KEY_BYTES_MAX } from "../../schemas/limits.js";
import { PreconditionErrorBody } from "../../schemas/common.js";
import type { ReplyOf, RequestOf } from "../../schemas/methods.js";
import {
  StateDeleteAnswer, StateDiff, StateGetQuery, StateHistory, StateList, StateListQuery, StatePutAnswer, StateRollbackAnswer, StateRollbackQuery, StateWriteQuery,
  type Condition,
} from "../../schemas/state.js";
import type { Log } from "../base/log.js";
import { etagMatches } from "../base/etag.js";
import { Failure, invalid, notFound } from "../base/result.js";
import { hasControlCharacter, utf8Length } from "../base/path.js";
import { formatTime } from "../base/time.js";
import { readReply } from "../front/chunked-reply.js";
import { headerBlock, jsonReply, type Answer, type Reply, type Request, type Route } from "../front/route-table.js";
import { packBytes } from "../base/bytes.js";
import type { RpcClient } from "../rpc/client.js";
import type { Reads } from "../rpc/reads.js";
import type { Version } from "../versioned/table.js";
import { HotCache } from "./cache.js";

export interface StateRoutesOptions {
  readonly writer: RpcClient;
  readonly reads: Reads;
  readonly log: Log;
}

const WRITE_HEADERS = ["content-type", "if-match", "if-none-match"] as const;
const CONDITION_HEADERS = ["if-match", "if-none-match"] as const;
/** What `curl -d` sends where nobody chose a type. */
const FORM_TYPE = "application/x-www-form-urlencoded";
const DEFAULT_TYPE = "application/json";

export function stateRoutes(options: StateRoutesOptions): Route[] {
  const state = new StateFront(options);
  const audit = (action: "state.put" | "state.rollback" | "state.delete") => ({ action, resource: (params: readonly string[]) => params[0] ?? "" });
  const tag = "state";
  return [
    {
      method: "GET", path: "/api/state", name: "state.list", tag, summary: "Lists keys, sorted, in pages by prefix.",
      query: StateListQuery, answer: StateList, handle: (request) => state.list(request),
    },
    {
      method: "GET", path: "/api/state/{key...}", name: "state.get", tag, summary: "Reads a value, one of its versions, its history, or the diff of two versions.",
      query: StateGetQuery, headers: ["if-none-match"], answer: "raw", views: [StateHistory, StateDiff], statuses: [304, 404], handle: (request) => state.get(request),
    },
    {
      method: "PUT", path: "/api/state/{key...}", name: "state.put", tag, summary: "Stores a new version.",
      query: StateWriteQuery, headers: WRITE_HEADERS, body: { kind: "raw" }, answer: StatePutAnswer, statuses: [412], refusals: { 412: PreconditionErrorBody },
      audit: audit("state.put"), handle: (request) => state.put(request),
    },
    {
      method: "POST", path: "/api/state/{key...}", name: "state.rollback", tag, summary: "Stores an old version's bytes as a new version.",
      query: StateRollbackQuery, headers: CONDITION_HEADERS, answer: StateRollbackAnswer, statuses: [404, 412], refusals: { 412: PreconditionErrorBody },
      audit: audit("state.rollback"), handle: (request) => state.rollback(request),
    },
    {
      method: "DELETE", path: "/api/state/{key...}", name: "state.delete", tag, summary: "Deletes a key; its history stays.",
      query: StateWriteQuery, headers: CONDITION_HEADERS, answer: StateDeleteAnswer, statuses: [404, 412], refusals: { 412: PreconditionErrorBody },
      audit: audit("state.delete"), handle: (request) => state.delete(request),
    },
  ];
}

/** The 400 for a key that cannot be one; null where it can. */
function refuseKey(key: string): Failure | null {
  if (key === "") return invalid("key is required");
  // A key of so few characters cannot be too long in bytes: three a UTF-16 unit at most.
  if (key.length * 3 > KEY_BYTES_MAX && utf8Length(key) > KEY_BYTES_MAX) return invalid(`key is longer than ${KEY_BYTES_MAX} bytes`);
  return hasControlCharacter(key) ? invalid("key must not contain control characters") : null;
}

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

class StateFront {
  readonly #writer: RpcClient;
  readonly #reads: Reads;
  readonly #log: Log;
  readonly #cache = new HotCache<Reply>();

  constructor({ writer, reads, log }: StateRoutesOptions) {
    this.#writer = writer;
    this.#reads = reads;
    this.#log = log;
  }

  list({ query, context }: Request): Answer | Promise<Answer> {
    const limit = query["limit"] as number | undefined;
    const prefix = (query["prefix"] as string | undefined) ?? "";
    const after = (query["after"] as string | undefined) ?? "";
    const wanted = limit ?? Number.POSITIVE_INFINITY;
    // A list without a limit is short all the same where few keys have the prefix.
    const long = wanted > FRONT_READ_ROWS_MAX && this.#reads.context.state.listExceeds(prefix, after, FRONT_READ_ROWS_MAX);
    const rows = long ? wanted : FRONT_READ_ROWS_MAX;
    return readReply(this.#reads.run("state.list", { prefix, after, limit: limit ?? null }, context, rows));
  }

  get(request: Request): Answer | Promise<Answer> {
    const key = request.params[0] ?? "";
    const { query } = request;
    if (query["diff"] !== undefined) return this.#diff(key, String(query["diff"]));
    if (query["history"] === 1) return this.#history(request, key, (query["limit"] as number | undefined) ?? HISTORY_ROWS_DEFAULT);
    const if_none_match = request.headers["if-none-match"] ?? "";
    const version = query["version"];
    if (typeof version === "number") {
      const found = this.#reads.context.state.version(key, version);
      if (found === undefined) return notFound(`version ${version} not found for key: ${key}`);
      const etag = etagOf(found);
      return unlessHeld(if_none_match, etag, valueReply(found.content_type, etag, found.version, found.value));
    }
    const cached = this.#cache.get(key);
    if (cached !== undefined) return unlessHeld(if_none_match, cached.etag, cached.reply);
    const current = this.#reads.context.state.current(key);
    if (current === undefined) return notFound(`key not found: ${key}`);
    const etag = etagOf(current);
    const reply = valueReply(current.content_type, etag, current.version, current.value);
    this.#cache.add(key, current.version, etag, reply, current.value.byteLength);
    return unlessHeld(if_none_match, etag, reply);
  }

  put(request: Request): Answer | Promise<Answer> {
    const key = request.params[0] ?? "";
    const { body, headers } = request;
    const content_type = storedType(headers["content-type"] ?? "");
    const refusal = refuseKey(key) ?? (content_type === DEFAULT_TYPE ? null : refuseType(content_type)) ?? (body.byteLength === 0 ? invalid("empty body") : null);
    if (refusal !== null) return refusal;
    const condition = conditionOf(request);
    return new Promise((resolve) => {
      this.#cache.beginWrite(key);
      this.#writer.call("state.put", { key, value: packBytes(body), content_type, condition }, request.context, body.byteLength, (reply) => {
        if (!(reply instanceof Failure)) {
          const etag = `"${reply.hash}"`;
          this.#cache.update(key, reply.version, etag, body.byteLength, () => valueReply(content_type, etag, reply.version, body));
        }
        this.#endWrite(key, reply);
        if (reply instanceof Failure) {
          resolve(reply);
          return;
        }
        if (this.#log.infos) this.#log.info("state updated", { key, version: reply.version });
        resolve(jsonReply(`{"key":${JSON.stringify(key)},"version":${reply.version},"hash":"${reply.hash}","content_type":${JSON.stringify(content_type)},"updated_at":"${formatTime(reply.updated_at)}"}`));
      });
    });
  }

  rollback(request: Request): Answer | Promise<Answer> {
    const key = request.params[0] ?? "";
    const version = request.query["rollback"] as number;
    return refuseKey(key) ?? this.#change("state.rollback", { key, version, condition: conditionOf(request) }, request, (reply) => {
      this.#log.info("state rolled back", { key, version: reply.version, rolled_back: version });
      return JSON.stringify({ key, version: reply.version, hash: reply.hash, rolled_back: version, updated_at: formatTime(reply.updated_at) });
    });
  }

  delete(request: Request): Answer | Promise<Answer> {
    const key = request.params[0] ?? "";
    return refuseKey(key) ?? this.#change("state.delete", { key, condition: conditionOf(request) }, request, (reply) => {
      this.#log.info("state deleted", { key, version: reply.version });
      return JSON.stringify({ deleted: key });
    });
  }

  /** A write after which the key's value is read anew; `answer` makes the text of its answer. */
  #change<Name extends "state.rollback" | "state.delete">(
    method: Name, change: RequestOf<Name>, request: Request, answer: (reply: ReplyOf<Name>) => string,
  ): Promise<Answer> {
    const { key } = change;
    return new Promise((resolve) => {
      this.#cache.beginWrite(key);
      this.#writer.call(method, change, request.context, 0, (reply) => {
        this.#cache.remove(key);
        this.#endWrite(key, reply);
        resolve(reply instanceof Failure ? reply : jsonReply(answer(reply)));
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
    return readReply(this.#reads.run("state.history", { key, limit }, context, limit));
  }

  async #diff(key: string, versions: string): Promise<Answer> {
    const [v1 = 0, v2 = 0] = versions.split(",").map(Number);
    if (v1 < 1 || v2 < 1 || !Number.isSafeInteger(v1) || !Number.isSafeInteger(v2)) return invalid("diff must name two versions, A,B");
    const answer = await this.#reads.pool.run("state.diff", { key, v1, v2 });
    return answer instanceof Failure ? answer : jsonReply(answer);
  }
}

/** The type that a value is stored with. */
function storedType(given: string): string {
  if (given === "" || given === DEFAULT_TYPE) return DEFAULT_TYPE;
  return given.toLowerCase().startsWith(FORM_TYPE) ? DEFAULT_TYPE : given;
}

function refuseType(content_type: string): Failure | null {
  if (utf8Length(content_type) > CONTENT_TYPE_BYTES_MAX) return invalid(`Content-Type is longer than ${CONTENT_TYPE_BYTES_MAX} bytes`);
  return hasControlCharacter(content_type) ? invalid("Content-Type must not contain control characters") : null;
}
