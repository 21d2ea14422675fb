/** Section 4 of the wire contract over HTTP. Runs on the front; what the spaces share is versioned/front.ts. */
import { FRONT_READ_ROWS_MAX, KEY_BYTES_MAX } from "../../schemas/limits.js";
import { PreconditionErrorBody } from "../../schemas/common.js";
import {
  SpecDeleteAnswer,
  SpecDiff,
  SpecHistory,
  SpecList,
  SpecProjects,
  SpecPutAnswer,
  SpecRollbackAnswer,
  specKey,
  specKeyPrefix,
} from "../../schemas/specs.js";
import { VersionedGetQuery, VersionedRollbackQuery, VersionedWriteQuery } from "../../schemas/versioned.js";
import { hasControlCharacter, utf8Length } from "../base/path.js";
import { type Failure, invalid } from "../base/result.js";
import { formatTime } from "../base/time.js";
import { readReply } from "../front/chunked-reply.js";
import type { Answer, Request, Route } from "../front/route-table.js";
import type { Reads } from "../rpc/reads.js";
import { CONDITION_HEADERS, type VersionedFront } from "../versioned/front.js";

const SPEC_TYPE = "application/json";

/** @param specs their space on the front; others that write specs tell it what it should forget */
export function specRoutes(specs: VersionedFront, reads: Reads): Route[] {
  const audit = (action: "spec.put" | "spec.rollback" | "spec.delete") => ({
    action,
    resource: (params: readonly string[]) => params.join("/"),
  });
  const tag = "specs";
  const path = "/api/specs/{project}/{name}";
  return [
    {
      method: "GET",
      path: "/api/specs",
      name: "spec.projects",
      tag,
      summary: "Lists the projects that have specs.",
      answer: SpecProjects,
      handle: ({ context }) => readReply(reads.run("spec.projects", {}, context, Number.POSITIVE_INFINITY)),
    },
    {
      method: "GET",
      path: "/api/specs/{project}",
      name: "spec.list",
      tag,
      summary: "Lists a project's specs by name.",
      answer: SpecList,
      handle: (request) => listSpecs(reads, request),
    },
    {
      method: "GET",
      path,
      name: "spec.get",
      tag,
      summary: "Reads a spec, one of its versions, its history, or the diff of two versions.",
      query: VersionedGetQuery,
      headers: ["if-none-match"],
      answer: "raw",
      views: [SpecHistory, SpecDiff],
      statuses: [304, 404],
      handle: (request) => specs.get(keyOf(request), request),
    },
    {
      method: "PUT",
      path,
      name: "spec.put",
      tag,
      summary: "Stores a new version of a spec.",
      query: VersionedWriteQuery,
      headers: CONDITION_HEADERS,
      body: { kind: "raw" },
      answer: SpecPutAnswer,
      statuses: [412],
      refusals: { 412: PreconditionErrorBody },
      audit: audit("spec.put"),
      handle: (request) => putSpec(specs, request),
    },
    {
      method: "POST",
      path,
      name: "spec.rollback",
      tag,
      summary: "Stores an old version's bytes as a new version.",
      query: VersionedRollbackQuery,
      headers: CONDITION_HEADERS,
      answer: SpecRollbackAnswer,
      statuses: [404, 412],
      refusals: { 412: PreconditionErrorBody },
      audit: audit("spec.rollback"),
      handle: (request) => refuseKey(request) ?? specs.rollback(keyOf(request), request),
    },
    {
      method: "DELETE",
      path,
      name: "spec.delete",
      tag,
      summary: "Deletes a spec; its history stays.",
      query: VersionedWriteQuery,
      headers: CONDITION_HEADERS,
      answer: SpecDeleteAnswer,
      statuses: [404, 412],
      refusals: { 412: PreconditionErrorBody },
      audit: audit("spec.delete"),
      handle: (request) => refuseKey(request) ?? specs.delete(keyOf(request), request),
    },
  ];
}

function keyOf({ params: [project = "", name = ""] }: Request): string {
  return specKey(project, name);
}

/** The 400 for a project or name that cannot be one; null where both can. */
function refuseKey({ params: [project = "", name = ""] }: Request): Failure | null {
  if (project === "") return invalid("project is required");
  if (name === "") return invalid("name is required");
  if (utf8Length(project) + utf8Length(name) >= KEY_BYTES_MAX)
    return invalid(`project and name are longer than ${KEY_BYTES_MAX} bytes`);
  return hasControlCharacter(project) || hasControlCharacter(name)
    ? invalid("project and name must not contain control characters")
    : null;
}

function listSpecs(reads: Reads, { params: [project = ""], context }: Request): Answer | Promise<Answer> {
  const long = reads.context.specs.listExceeds(specKeyPrefix(project), "", FRONT_READ_ROWS_MAX);
  return readReply(reads.run("spec.list", { project }, context, long ? Number.POSITIVE_INFINITY : FRONT_READ_ROWS_MAX));
}

function putSpec(specs: VersionedFront, request: Request): Answer | Promise<Answer> {
  const refusal = refuseKey(request) ?? (request.body.byteLength === 0 ? invalid("empty body") : null);
  if (refusal !== null) return refusal;
  const [project = "", name = ""] = request.params;
  return specs.put(specKey(project, name), SPEC_TYPE, request, ({ version, hash, updated_at }) =>
    JSON.stringify({ project, name, version, hash, updated_at: formatTime(updated_at) }),
  );
}
