/**
 * Declares the routes of docs/http-api.md "State". versioned/front.ts has the code that state and specs share. Runs on
 * the front.
 */
import { PreconditionErrorBody } from "../../../schemas/common.js";
import { LockedBody } from "../../../schemas/leases.js";
import { FRONT_READ_ROWS_MAX } from "../../../schemas/limits/answers.js";
import {
  ContentType,
  StateDeleteAnswer,
  StateDiff,
  StateHistory,
  StateKey,
  StateList,
  StateListQuery,
  StatePutAnswer,
  StateRollbackAnswer,
} from "../../../schemas/state.js";
import { textProblem } from "../../../schemas/text.js";
import {
  VersionedGetHeaders,
  VersionedGetQuery,
  VersionedRollbackQuery,
  VersionedWriteHeaders,
  VersionedWriteQuery,
} from "../../../schemas/versioned.js";
import type { Log } from "../../base/log.js";
import { type Failure, invalid } from "../../base/result.js";
import { formatTime } from "../../base/time.js";
import { listReply } from "../../platform/front/reply.js";
import { route, type Answer, type Route } from "../../platform/front/route.js";
import type { SlowLane } from "../../platform/threads/slow-lane.js";
import type { Reads } from "../../platform/threads/reads.js";
import type { Writer } from "../../platform/threads/writer.js";
import { VersionedFront, type WriteRequest } from "../versioned/front.js";
import { stateReader } from "../versioned/table.js";
import { deleteState, putState, rollbackState } from "./commands.js";
import { listState, stateDiff, stateHistory } from "./jobs.js";

/** The content type that `curl -d` sends by default. The body is usually not a form. */
const FORM_TYPE = "application/x-www-form-urlencoded";
const DEFAULT_TYPE = "application/json";
const DEFAULT_TYPE_TEXT = JSON.stringify(DEFAULT_TYPE);

export interface StateRoutesOptions {
  readonly writer: Writer;
  readonly reads: Reads;
  readonly slowLane: SlowLane;
  readonly log: Log;
  readonly toClientFailure: (failure: Failure) => Failure;
}

export function stateRoutes({ writer, reads, slowLane, log, toClientFailure }: StateRoutesOptions): Route[] {
  const reader = reads.model(stateReader);
  const methods = {
    put: putState,
    rollback: rollbackState,
    delete: deleteState,
    history: stateHistory,
    diff: stateDiff,
  };
  const state = new VersionedFront({ writer, reads, slowLane, log, reader, methods, toClientFailure });
  const tag = "state";
  const path = "/api/state/{key...}";
  return [
    route({
      method: "GET",
      path: "/api/state",
      name: "state.list",
      tag,
      summary: "Lists keys, sorted, in pages by prefix.",
      query: StateListQuery,
      answer: StateList,
      handle: ({ query: { prefix = "", after = "", limit = null }, context }) => {
        const wanted = limit ?? Number.POSITIVE_INFINITY;
        // If few keys have the prefix, the list is short, whatever the limit of the request. It is then read on the
        // front.
        const long = wanted > FRONT_READ_ROWS_MAX && reader.listExceeds(prefix, after, FRONT_READ_ROWS_MAX);
        const rows = long ? wanted : FRONT_READ_ROWS_MAX;
        return listReply(reads.stream(listState, { prefix, after, limit }, context, rows));
      },
    }),
    route({
      method: "GET",
      path,
      name: "state.get",
      tag,
      summary: "Reads a value, one of its versions, its history, or the diff of two versions.",
      query: VersionedGetQuery,
      headers: VersionedGetHeaders,
      answer: "raw",
      views: [StateHistory, StateDiff],
      statuses: [304, 404, 413],
      handle: (request) => state.get(request.params[0], request),
    }),
    route({
      method: "PUT",
      path,
      name: "state.put",
      tag,
      summary: "Stores a new version.",
      params: { key: StateKey },
      query: VersionedWriteQuery,
      headers: { "content-type": null, ...VersionedWriteHeaders },
      body: { kind: "raw" },
      answer: StatePutAnswer,
      statuses: [412, 423],
      refusals: { 412: PreconditionErrorBody, 423: LockedBody },
      audited: { by: putState, subject: ([key]) => ({ key }) },
      handle: (request) => put(state, request.params[0], request.headers["content-type"], request),
    }),
    route({
      method: "POST",
      path,
      name: "state.rollback",
      tag,
      summary: "Stores an old version's bytes as a new version.",
      params: { key: StateKey },
      query: VersionedRollbackQuery,
      headers: VersionedWriteHeaders,
      answer: StateRollbackAnswer,
      statuses: [404, 412, 423],
      refusals: { 412: PreconditionErrorBody, 423: LockedBody },
      audited: { by: rollbackState, subject: ([key]) => ({ key }) },
      handle: (request) => state.rollback(request.params[0], request),
    }),
    route({
      method: "DELETE",
      path,
      name: "state.delete",
      tag,
      summary: "Deletes a key; its history stays.",
      params: { key: StateKey },
      query: VersionedWriteQuery,
      headers: VersionedWriteHeaders,
      answer: StateDeleteAnswer,
      statuses: [404, 412, 423],
      refusals: { 412: PreconditionErrorBody, 423: LockedBody },
      audited: { by: deleteState, subject: ([key]) => ({ key }) },
      handle: (request) => state.delete(request.params[0], request),
    }),
  ];
}

function put(state: VersionedFront, key: string, given: string, request: WriteRequest): Answer | Promise<Answer> {
  const contentType = storedType(given);
  const problem = contentType === DEFAULT_TYPE ? null : textProblem(contentType, ContentType.text);
  if (problem !== null) return invalid(`Content-Type ${problem}`);
  // Reject a content type with U+FFFD. It stands for bytes that are not UTF-8, so the server could not return the
  // content type as the client sent it.
  if (contentType.includes("\uFFFD")) return invalid("Content-Type must be UTF-8");
  if (request.body.byteLength === 0) return invalid("empty body");
  const type = contentType === DEFAULT_TYPE ? DEFAULT_TYPE_TEXT : JSON.stringify(contentType);
  return state.put(
    key,
    contentType,
    request,
    ({ version, hash, updated_at }) =>
      `{"key":${JSON.stringify(key)},"version":${version},"hash":"${hash}","content_type":${type}` +
      `,"updated_at":"${formatTime(updated_at)}"}`,
  );
}

/** Returns the content type to store for the content type that the client sent. */
function storedType(given: string): string {
  if (given === "" || given === DEFAULT_TYPE) return DEFAULT_TYPE;
  return given.toLowerCase().startsWith(FORM_TYPE) ? DEFAULT_TYPE : given;
}
