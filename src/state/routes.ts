/** Section 3 of the wire contract over HTTP. Runs on the front; what the spaces share is versioned/front.ts. */
import { CONTENT_TYPE_BYTES_MAX, FRONT_READ_ROWS_MAX, KEY_BYTES_MAX } from "../../schemas/limits.js";
import { PreconditionErrorBody } from "../../schemas/common.js";
import {
  StateDeleteAnswer,
  StateDiff,
  StateHistory,
  StateList,
  StateListQuery,
  StatePutAnswer,
  StateRollbackAnswer,
} from "../../schemas/state.js";
import { VersionedGetQuery, VersionedRollbackQuery, VersionedWriteQuery } from "../../schemas/versioned.js";
import { type Failure, invalid } from "../base/result.js";
import { hasControlCharacter, utf8Length } from "../base/path.js";
import { formatTime } from "../base/time.js";
import { readReply } from "../front/chunked-reply.js";
import type { Answer, Request, Route } from "../front/route-table.js";
import type { Reads } from "../rpc/reads.js";
import { CONDITION_HEADERS, VersionedFront, type VersionedFrontOptions } from "../versioned/front.js";

const WRITE_HEADERS = ["content-type", ...CONDITION_HEADERS] as const;
/** What `curl -d` sends where nobody chose a type. */
const FORM_TYPE = "application/x-www-form-urlencoded";
const DEFAULT_TYPE = "application/json";

export function stateRoutes(options: VersionedFrontOptions): Route[] {
  const state = new VersionedFront(options, options.reads.context.state);
  const audit = (action: "state.put" | "state.rollback" | "state.delete") => ({
    action,
    resource: (params: readonly string[]) => params[0] ?? "",
  });
  const tag = "state";
  return [
    {
      method: "GET",
      path: "/api/state",
      name: "state.list",
      tag,
      summary: "Lists keys, sorted, in pages by prefix.",
      query: StateListQuery,
      answer: StateList,
      handle: (request) => listState(options.reads, request),
    },
    {
      method: "GET",
      path: "/api/state/{key...}",
      name: "state.get",
      tag,
      summary: "Reads a value, one of its versions, its history, or the diff of two versions.",
      query: VersionedGetQuery,
      headers: ["if-none-match"],
      answer: "raw",
      views: [StateHistory, StateDiff],
      statuses: [304, 404],
      handle: (request) => state.get(keyOf(request), request),
    },
    {
      method: "PUT",
      path: "/api/state/{key...}",
      name: "state.put",
      tag,
      summary: "Stores a new version.",
      query: VersionedWriteQuery,
      headers: WRITE_HEADERS,
      body: { kind: "raw" },
      answer: StatePutAnswer,
      statuses: [412],
      refusals: { 412: PreconditionErrorBody },
      audit: audit("state.put"),
      handle: (request) => putState(state, request),
    },
    {
      method: "POST",
      path: "/api/state/{key...}",
      name: "state.rollback",
      tag,
      summary: "Stores an old version's bytes as a new version.",
      query: VersionedRollbackQuery,
      headers: CONDITION_HEADERS,
      answer: StateRollbackAnswer,
      statuses: [404, 412],
      refusals: { 412: PreconditionErrorBody },
      audit: audit("state.rollback"),
      handle: (request) => refuseKey(keyOf(request)) ?? state.rollback(keyOf(request), request),
    },
    {
      method: "DELETE",
      path: "/api/state/{key...}",
      name: "state.delete",
      tag,
      summary: "Deletes a key; its history stays.",
      query: VersionedWriteQuery,
      headers: CONDITION_HEADERS,
      answer: StateDeleteAnswer,
      statuses: [404, 412],
      refusals: { 412: PreconditionErrorBody },
      audit: audit("state.delete"),
      handle: (request) => refuseKey(keyOf(request)) ?? state.delete(keyOf(request), request),
    },
  ];
}

/** The 400 for a key that cannot be one; null where it can. */
function refuseKey(key: string): Failure | null {
  if (key === "") return invalid("key is required");
  // A key of so few characters cannot be too long in bytes: three a UTF-16 unit at most.
  if (key.length * 3 > KEY_BYTES_MAX && utf8Length(key) > KEY_BYTES_MAX)
    return invalid(`key is longer than ${KEY_BYTES_MAX} bytes`);
  return hasControlCharacter(key) ? invalid("key must not contain control characters") : null;
}

function keyOf({ params }: Request): string {
  return params[0] ?? "";
}

function listState(reads: Reads, { query, context }: Request): Answer | Promise<Answer> {
  const limit = query["limit"] as number | undefined;
  const prefix = (query["prefix"] as string | undefined) ?? "";
  const after = (query["after"] as string | undefined) ?? "";
  const wanted = limit ?? Number.POSITIVE_INFINITY;
  // A list without a limit is short all the same where few keys have the prefix.
  const long = wanted > FRONT_READ_ROWS_MAX && reads.context.state.listExceeds(prefix, after, FRONT_READ_ROWS_MAX);
  return readReply(
    reads.run("state.list", { prefix, after, limit: limit ?? null }, context, long ? wanted : FRONT_READ_ROWS_MAX),
  );
}

function putState(state: VersionedFront, request: Request): Answer | Promise<Answer> {
  const key = keyOf(request);
  const content_type = storedType(request.headers["content-type"] ?? "");
  const refusal =
    refuseKey(key) ??
    (content_type === DEFAULT_TYPE ? null : refuseType(content_type)) ??
    (request.body.byteLength === 0 ? invalid("empty body") : null);
  return (
    refusal ??
    state.put(
      key,
      content_type,
      request,
      ({ version, hash, updated_at }) =>
        `{"key":${JSON.stringify(key)},"version":${version},"hash":"${hash}","content_type":${JSON.stringify(content_type)},"updated_at":"${formatTime(updated_at)}"}`,
    )
  );
}

/** The type that a value is stored with. */
function storedType(given: string): string {
  if (given === "" || given === DEFAULT_TYPE) return DEFAULT_TYPE;
  return given.toLowerCase().startsWith(FORM_TYPE) ? DEFAULT_TYPE : given;
}

function refuseType(content_type: string): Failure | null {
  if (utf8Length(content_type) > CONTENT_TYPE_BYTES_MAX)
    return invalid(`Content-Type is longer than ${CONTENT_TYPE_BYTES_MAX} bytes`);
  return hasControlCharacter(content_type) ? invalid("Content-Type must not contain control characters") : null;
}
