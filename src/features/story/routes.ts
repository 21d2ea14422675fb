/** Declares the routes of docs/http-api.md "The past". Runs on the front. */
import { LEASE_KEEP_MS } from "../../../schemas/limits/leases.js";
import { STORY_MARGIN_MS, STORY_ROWS_DEFAULT } from "../../../schemas/limits/story.js";
import {
  LeasesAt,
  LeasesAtQuery,
  PastErrorBody,
  PastTime,
  StateAt,
  StateAtQuery,
  TasksAt,
  TasksAtQuery,
} from "../../../schemas/story.js";
import type { TaskState } from "../../../schemas/tasks.js";
import { VersionedGetHeaders } from "../../../schemas/versioned.js";
import { Failure, invalid } from "../../base/result.js";
import { formatTime, parseTime } from "../../base/time.js";
import { listReply } from "../../platform/front/reply.js";
import { route, type Route } from "../../platform/front/route.js";
import { callerOf } from "../../platform/rpc/frames.js";
import type { Reads } from "../../platform/threads/reads.js";
import { leaseRow } from "../claims/lease.js";
import { noTask } from "../tasks/task.js";
import { taskReader } from "../tasks/table.js";
import { versionReply } from "../versioned/front.js";
import { stateReader } from "../versioned/table.js";
import { listLeasesAt, listStateAt, listTasksAt, versionAt } from "./jobs.js";

/** The states by which a client can filter a list of leases. `all` is not among them, because it means no filter. */
const LEASE_STATES: ReadonlyMap<string, "held" | "waiting"> = new Map([
  ["held", "held"],
  ["waiting", "waiting"],
]);

export interface StoryRoutesOptions {
  readonly reads: Reads;
  /** Returns the server's time in ms. */
  readonly now: () => number;
  /** The time for which ended tasks are kept, in ms. */
  readonly taskRetentionMs: number;
}

export function storyRoutes({ reads, now, taskRetentionMs }: StoryRoutesOptions): Route[] {
  const versions = reads.model(stateReader);
  const tasks = reads.model(taskReader);
  const tag = "story";
  const params = { time: PastTime };

  /**
   * Parses the time in a path.
   * @param keptMs the time in ms for which ended rows of the listed kind are kept; null if they are always kept
   */
  const momentOf = (text: string, keptMs: number | null): { at: number; kept_from: number | null } | Failure => {
    const at = parseTime(text);
    if (at === undefined) return invalid("the time must be in RFC 3339, for example 2026-02-09T14:30:00Z");
    const nowMs = now();
    if (at > nowMs) return invalid(`the time must not be later than the server's, ${formatTime(nowMs)}`);
    return { at, kept_from: keptMs === null ? null : nowMs - keptMs + STORY_MARGIN_MS };
  };

  return [
    route({
      method: "GET",
      path: "/api/at/{time}/state",
      params,
      name: "at.state",
      tag,
      summary: "Lists the keys that existed at a time, sorted.",
      query: StateAtQuery,
      answer: StateAt,
      refusals: { 400: PastErrorBody },
      handle: ({ params: [time], query, context }) => {
        const moment = momentOf(time, null);
        if (moment instanceof Failure) return moment;
        const { prefix = "", after = "", limit = STORY_ROWS_DEFAULT } = query;
        return listReply(reads.pool.stream(listStateAt, { ...moment, prefix, after, limit }, context));
      },
    }),
    route({
      method: "GET",
      path: "/api/at/{time}/state/{key...}",
      params,
      name: "at.state_get",
      tag,
      summary: "Reads the value that a key had at a time.",
      headers: { "if-none-match": VersionedGetHeaders["if-none-match"] },
      answer: "raw",
      statuses: [304, 404],
      refusals: { 400: PastErrorBody },
      handle: async ({ params: [time, key], headers, context }) => {
        const moment = momentOf(time, null);
        if (moment instanceof Failure) return moment;
        const found = await reads.pool.run(versionAt, { ...moment, key }, { caller: callerOf(context) });
        return found instanceof Failure ? found : versionReply(versions, key, found.version, headers["if-none-match"]);
      },
    }),
    route({
      method: "GET",
      path: "/api/at/{time}/leases",
      params,
      name: "at.leases",
      tag,
      summary: "Lists the leases that were held or waiting at a time, newest first.",
      query: LeasesAtQuery,
      answer: LeasesAt,
      refusals: { 400: PastErrorBody },
      handle: ({ params: [time], query, context }) => {
        const moment = momentOf(time, LEASE_KEEP_MS);
        if (moment instanceof Failure) return moment;
        const { workspace = null, after = "", limit = STORY_ROWS_DEFAULT } = query;
        const state = LEASE_STATES.get(query.state ?? "held") ?? null;
        const before = leaseRow(after) ?? Number.MAX_SAFE_INTEGER;
        return listReply(reads.pool.stream(listLeasesAt, { ...moment, workspace, state, before, limit }, context));
      },
    }),
    route({
      method: "GET",
      path: "/api/at/{time}/tasks",
      params,
      name: "at.tasks",
      tag,
      summary: "Lists tasks with the states that they had at a time, newest first.",
      query: TasksAtQuery,
      answer: TasksAt,
      statuses: [404],
      refusals: { 400: PastErrorBody },
      handle: ({ params: [time], query, context }) => {
        const moment = momentOf(time, taskRetentionMs);
        if (moment instanceof Failure) return moment;
        const { workspace = null, after, limit = STORY_ROWS_DEFAULT } = query;
        const before = after === undefined ? Number.MAX_SAFE_INTEGER : tasks.rowOf(after);
        if (before === undefined) return noTask(after ?? "");
        const state = (query.state ?? null) as TaskState | null;
        return listReply(reads.pool.stream(listTasksAt, { ...moment, workspace, state, before, limit }, context));
      },
    }),
  ];
}
