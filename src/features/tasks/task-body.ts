/** Parses the members of a task in the body of a request, and checks them. Pure. */
import { CLAIM_MAX_S_DEFAULT } from "../../../schemas/limits/claims.js";
import { LEASE_TTL_S_DEFAULT } from "../../../schemas/limits/leases.js";
import { TASK_ATTEMPTS_DEFAULT, TASK_PRIORITY_DEFAULT, TASK_VALUE_BYTES_MAX } from "../../../schemas/limits/tasks.js";
import { type NewTask, TaskBody } from "../../../schemas/tasks.js";
import { utf8Length } from "../../../schemas/text.js";
import { normalizeCommand } from "../../../shared/command-text.js";
import { toOneLine } from "../../../shared/json-text.js";
import { Failure, invalid } from "../../base/result.js";
import { readResources } from "../claims/lease.js";
import { hashRequest } from "../idempotency/hash.js";

/**
 * The ids that no task may have, because requests for the path `/tasks/ID` would not reach the task. `/tasks/claim` is
 * another call, and clients remove `.` and `..` from paths.
 */
const UNREACHABLE: ReadonlySet<string> = new Set(["claim", ".", ".."]);

/**
 * Converts the body of a request into a new task. Returns a 400 if its resources, its data or its id are invalid.
 * @param given the JSON text of the member `data`
 * @param at the prefix of the members' names in an error message
 * @param callersOwn the workspace of the task if the request names none
 */
export function newTaskOf(
  body: TaskBody,
  given: string | null | undefined,
  at: string,
  callersOwn: string,
): NewTask | Failure {
  const { workspace = callersOwn, resources = [] } = body;
  if (body.or_get === true && body.id === undefined) return invalid(`${at}or_get needs an id`);
  if (UNREACHABLE.has(body.id ?? "")) return invalid(`${at}id must not be ${body.id}`);
  const read = readResources(resources, workspace);
  if (read instanceof Failure) return invalid(`${at}${read.message}`);
  const commands = commandsOf(body.requires_evidence ?? []);
  const data = readValue(given, "data", at);
  if (data instanceof Failure) return data;
  return {
    id: body.id ?? null,
    ...(body.or_get === true ? { or_get: true } : {}),
    workspace,
    title: body.title,
    body: body.body ?? "",
    data,
    labels: [...new Set(body.labels)],
    requires: [...new Set(body.requires)],
    ...(commands.length === 0 ? {} : { requires_evidence: [...commands] }),
    resources: [...new Set(resources)],
    priority: body.priority ?? TASK_PRIORITY_DEFAULT,
    after: body.after ?? [],
    max_attempts: body.max_attempts ?? TASK_ATTEMPTS_DEFAULT,
    ttl_s: body.ttl_s ?? LEASE_TTL_S_DEFAULT,
    max_s: body.max_s ?? CLAIM_MAX_S_DEFAULT,
    not_before: timeOf(body.not_before ?? null),
    assignee: assigneeOf(body.assignee ?? null),
    ...(body.traceparent === undefined ? {} : { traceparent: body.traceparent }),
    request_id: body.request_id ?? null,
    request_hash: hashRequest(TaskBody, body, data),
  };
}

/** Returns the commands that a task requires, each only once. They have the form in which two commands are compared. */
export function commandsOf(commands: readonly string[]): readonly string[] {
  return [...new Set(commands.map(normalizeCommand))];
}

/** Parses a time. Returns it in ms since the Unix epoch, or null if the request has none. */
export function timeOf(time: string | null): number | null {
  return time === null ? null : Date.parse(time);
}

/** Returns the assignee that a request names; null if the name is empty. */
export function assigneeOf(assignee: string | null): string | null {
  return assignee === "" ? null : assignee;
}

/**
 * Returns the JSON text of a member, on one line. Returns null if the member is absent or null.
 * @param at the prefix of the member's name in an error message
 */
export function readValue(given: string | null | undefined, name: string, at = ""): string | null | Failure {
  const value = given === undefined || given === null || given === "null" ? null : toOneLine(given);
  return value !== null && utf8Length(value) > TASK_VALUE_BYTES_MAX
    ? invalid(`${at}${name} is longer than ${TASK_VALUE_BYTES_MAX} bytes`)
    : value;
}
