/**
 * Declares the routes of docs/http-api.md "Specs". versioned/front.ts has the code that state and specs share. Runs on
 * the front.
 */
import { PreconditionErrorBody } from "../../../schemas/common.js";
import type { Violation } from "../../../schemas/contracts.js";
import { FRONT_READ_ROWS_MAX } from "../../../schemas/limits/answers.js";
import { KEY_BYTES_MAX } from "../../../schemas/limits/names.js";
import { LockedBody } from "../../../schemas/leases.js";
import {
  SpecDeleteAnswer,
  SpecDiff,
  SpecHistory,
  SpecList,
  SpecListQuery,
  SpecProjects,
  SpecPutAnswer,
  SpecRollbackAnswer,
  SpecWord,
  specKey,
  specKeyPrefix,
} from "../../../schemas/specs.js";
import { isLongerThan } from "../../../schemas/text.js";
import {
  VersionedGetHeaders,
  VersionedGetQuery,
  VersionedRollbackQuery,
  VersionedWriteHeaders,
  VersionedWriteQuery,
  type WriteReply,
} from "../../../schemas/versioned.js";
import type { Log } from "../../base/log.js";
import { type Failure, invalid } from "../../base/result.js";
import { formatTime } from "../../base/time.js";
import { jsonReply, listReply } from "../../platform/front/reply.js";
import { type Answer, route, type Route } from "../../platform/front/route.js";
import type { CallContext } from "../../platform/rpc/frames.js";
import type { SlowLane } from "../../platform/threads/slow-lane.js";
import type { Reads } from "../../platform/threads/reads.js";
import type { Writer } from "../../platform/threads/writer.js";
import { VersionedFront } from "../versioned/front.js";
import { specReader } from "../versioned/table.js";
import { deleteSpec, putSpec, rollbackSpec } from "./commands.js";
import { listProjects, listSpecs, specDiff, specHistory } from "./jobs.js";

const SPEC_TYPE = "application/json";

type Named = readonly [project: string, name: string];

export interface SpecRoutesOptions {
  readonly writer: Writer;
  readonly reads: Reads;
  readonly slowLane: SlowLane;
  readonly log: Log;
  readonly toClientFailure: (failure: Failure) => Failure;
  /** Returns the problems in the definitions of stored specs. A spec that is not a contract has none. */
  readonly examine: (
    written: readonly { readonly key: string; readonly version: number }[],
    context: CallContext,
  ) => Promise<readonly Violation[]>;
}

export function specRoutes({ writer, reads, slowLane, log, toClientFailure, examine }: SpecRoutesOptions): Route[] {
  const reader = reads.model(specReader);
  const methods = { put: putSpec, rollback: rollbackSpec, delete: deleteSpec, history: specHistory, diff: specDiff };
  const specs = new VersionedFront({ writer, reads, slowLane, log, reader, methods, toClientFailure });
  const tag = "specs";
  const path = "/api/specs/{project}/{name}";
  const params = { project: SpecWord, name: SpecWord };
  const subject = ([project, name]: Named): { readonly key: string } => ({ key: specKey(project, name) });
  /** Returns the warnings about a version that was just stored. They become part of the answer. */
  const warningsOf = async (key: string, version: number, context: CallContext): Promise<readonly Violation[]> =>
    (await examine([{ key, version }], context)).map(({ path: at, message }) => ({ path: at, message }));
  return [
    route({
      method: "GET",
      path: "/api/specs",
      name: "spec.projects",
      tag,
      summary: "Lists the projects that have specs.",
      query: SpecListQuery,
      answer: SpecProjects,
      handle: ({ query: { after = "" }, context }) =>
        listReply(reads.stream(listProjects, { after }, context, Number.POSITIVE_INFINITY)),
    }),
    route({
      method: "GET",
      path: "/api/specs/{project}",
      name: "spec.list",
      tag,
      summary: "Lists a project's specs by name.",
      query: SpecListQuery,
      answer: SpecList,
      handle: ({ params: [project], query: { after = "" }, context }) => {
        const long = reader.listExceeds(specKeyPrefix(project), "", FRONT_READ_ROWS_MAX);
        const rows = long ? Number.POSITIVE_INFINITY : FRONT_READ_ROWS_MAX;
        return listReply(reads.stream(listSpecs, { project, after }, context, rows));
      },
    }),
    route({
      method: "GET",
      path,
      name: "spec.get",
      tag,
      summary: "Reads a spec, one of its versions, its history, or the diff of two versions.",
      query: VersionedGetQuery,
      headers: VersionedGetHeaders,
      answer: "raw",
      views: [SpecHistory, SpecDiff],
      statuses: [304, 404, 413],
      handle: (request) => specs.get(specKey(...request.params), request),
    }),
    route({
      method: "PUT",
      path,
      name: "spec.put",
      tag,
      summary: "Stores a new version of a spec.",
      params,
      query: VersionedWriteQuery,
      headers: VersionedWriteHeaders,
      body: { kind: "raw" },
      answer: SpecPutAnswer,
      statuses: [412, 423],
      refusals: { 412: PreconditionErrorBody, 423: LockedBody },
      audited: { by: putSpec, subject },
      handle: (request) => {
        const [project, name] = request.params;
        const refusal = refuseLength(request.params);
        if (refusal !== null) return refusal;
        if (request.body.byteLength === 0) return invalid("empty body");
        const key = specKey(project, name);
        const store = (answer: (reply: WriteReply) => string): Answer | Promise<Answer> =>
          specs.put(key, SPEC_TYPE, request, answer);
        const describe = ({ version, hash, updated_at }: WriteReply, warnings?: readonly Violation[]): string =>
          JSON.stringify({ project, name, version, hash, updated_at: formatTime(updated_at), warnings });
        return mayBeContract(request.body)
          ? storeContract(store, describe, (version) => warningsOf(key, version, request.context))
          : store(describe);
      },
    }),
    route({
      method: "POST",
      path,
      name: "spec.rollback",
      tag,
      summary: "Stores an old version's bytes as a new version.",
      params,
      query: VersionedRollbackQuery,
      headers: VersionedWriteHeaders,
      answer: SpecRollbackAnswer,
      statuses: [404, 412, 423],
      refusals: { 412: PreconditionErrorBody, 423: LockedBody },
      audited: { by: rollbackSpec, subject },
      handle: (request) => {
        const key = specKey(...request.params);
        return (
          refuseLength(request.params) ??
          specs.rollback(key, request, (version) => warningsOf(key, version, request.context))
        );
      },
    }),
    route({
      method: "DELETE",
      path,
      name: "spec.delete",
      tag,
      summary: "Deletes a spec; its history stays.",
      params,
      query: VersionedWriteQuery,
      headers: VersionedWriteHeaders,
      answer: SpecDeleteAnswer,
      statuses: [404, 412, 423],
      refusals: { 412: PreconditionErrorBody, 423: LockedBody },
      audited: { by: deleteSpec, subject },
      handle: (request) => refuseLength(request.params) ?? specs.delete(specKey(...request.params), request),
    }),
  ];
}

/**
 * Returns whether a value may be a contract. A contract that spells the word "contract" with escapes is not recognized,
 * so it gets no warnings.
 */
function mayBeContract({ buffer, byteOffset, byteLength }: Uint8Array): boolean {
  return Buffer.from(buffer, byteOffset, byteLength).includes('"contract"');
}

/**
 * Stores a spec that may be a contract. If its definitions have problems, it is stored nevertheless, and the answer has
 * warnings.
 */
async function storeContract(
  store: (answer: (reply: WriteReply) => string) => Answer | Promise<Answer>,
  describe: (reply: WriteReply, warnings?: readonly Violation[]) => string,
  examine: (version: number) => Promise<readonly Violation[]>,
): Promise<Answer> {
  const stored: WriteReply[] = [];
  const answer = await store((reply) => {
    stored.push(reply);
    return describe(reply);
  });
  const [reply] = stored;
  const warnings = reply === undefined ? [] : await examine(reply.version);
  return reply === undefined || warnings.length === 0 ? answer : jsonReply(describe(reply, warnings));
}

/** Returns a 400 if the project and the name together are too long. Each by itself was checked before. */
function refuseLength([project, name]: Named): Failure | null {
  const fits = !isLongerThan(specKey(project, name), KEY_BYTES_MAX);
  return fits ? null : invalid(`project and name are longer than ${KEY_BYTES_MAX} characters`);
}
