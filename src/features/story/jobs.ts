/** Declares the jobs that read past states. They always run in the worker pool, because they may skip many rows. */
import { ListEnd } from "../../../schemas/common.js";
import type { LeaseRecord } from "../../../schemas/leases.js";
import {
  LeasesAt,
  LeasesAtRequest,
  StateAt,
  StateAtRequest,
  TasksAt,
  TasksAtRequest,
  VersionAtReply,
  VersionAtRequest,
} from "../../../schemas/story.js";
import { cursor, encodeList, wrapChunks } from "../../base/json-array.js";
import { Failure, notFound } from "../../base/result.js";
import { formatTime } from "../../base/time.js";
import { DATABASE } from "../../platform/threads/model.js";
import { streamJob, unaryJob } from "../../platform/threads/pool-method.js";
import { isLease, leaseId } from "../claims/lease.js";
import { leaseReader } from "../claims/table.js";
import { STATE } from "../versioned/space.js";
import { knownSince, tooEarly } from "./known-since.js";
import { encodeLeaseAt, stateAt as leaseStateAt } from "./leases-at.js";
import { type KeyAt, stateHistory } from "./state-at.js";
import { taskHistory } from "./tasks-at.js";

/**
 * Returns the beginning of a list, up to the value of the member `name`. `atMs` is the time that the list describes.
 * `sinceMs` is the earliest time about which the database can answer.
 */
function openList(atMs: number, sinceMs: number | null, name: string): string {
  const since = sinceMs === null ? "null" : `"${formatTime(sinceMs)}"`;
  return `{"at":"${formatTime(atMs)}","since":${since},"${name}":`;
}

const close = (): string => "}";

/** Yields at most `limit` items. */
function* atMost<Item>(items: Iterable<Item>, limit: number): Generator<Item, void, undefined> {
  let left = limit;
  for (const item of items) {
    yield item;
    left -= 1;
    if (left === 0) return;
  }
}

/** Finds the version that a key had at a time. */
export const versionAt = unaryJob({
  name: "story.version",
  request: VersionAtRequest,
  reply: VersionAtReply,
  cost: "bounded",
  models: { db: DATABASE, state: stateHistory },
  run: ({ db, state }, request) => {
    const since = knownSince(db, request);
    if (since instanceof Failure) return since;
    const found = state.key(request.key, request.at);
    if (found === undefined) return notFound(STATE.missing(request.key));
    const { info, keptSinceMs } = found;
    return info === null ? tooEarly(keptSinceMs ?? 0, " of this key") : { version: info.version };
  },
});

function encodeKey({ key, info, keptSinceMs }: KeyAt): string {
  return JSON.stringify({
    key,
    version: info?.version ?? null,
    content_type: info?.content_type ?? null,
    updated_at: info === null ? null : formatTime(info.updated_at),
    ...(keptSinceMs === null ? {} : { kept_since: formatTime(keptSinceMs) }),
  });
}

/** Writes `{"at","since","state"}`. */
export const listStateAt = streamJob({
  name: "story.state",
  request: StateAtRequest,
  text: StateAt,
  reply: ListEnd,
  cost: "bounded",
  models: { db: DATABASE, state: stateHistory },
  *run({ db, state }, request) {
    const { at, prefix, after, limit } = request;
    const since = knownSince(db, request);
    if (since instanceof Failure) return since;
    const list = encodeList(atMost(state.keys(prefix, after, at), limit), {
      encode: encodeKey,
      cursorOf: ({ key }) => cursor("after", key),
      limit,
    });
    return yield* wrapChunks(openList(at, since, "state"), list, close);
  },
});

/** Writes `{"at","since","leases"}`. */
export const listLeasesAt = streamJob({
  name: "story.leases",
  request: LeasesAtRequest,
  text: LeasesAt,
  reply: ListEnd,
  cost: "bounded",
  models: { db: DATABASE, leases: leaseReader },
  *run({ db, leases }, request) {
    const { at, before, limit, workspace, state } = request;
    const since = knownSince(db, request);
    if (since instanceof Failure) return since;
    function* matching(): Generator<LeaseRecord, void, undefined> {
      for (const record of leases.liveAt(at, before)) {
        if (!isLease(record) || (workspace !== null && record.workspace !== workspace)) continue;
        if (state === null || leaseStateAt(record, at) === state) yield record;
      }
    }
    const list = encodeList(atMost(matching(), limit), {
      encode: (record) => encodeLeaseAt(record, at),
      cursorOf: ({ row }) => cursor("after", leaseId(row)),
      limit,
    });
    return yield* wrapChunks(openList(at, since, "leases"), list, close);
  },
});

/** Writes `{"at","since","tasks"}`. */
export const listTasksAt = streamJob({
  name: "story.tasks",
  request: TasksAtRequest,
  text: TasksAt,
  reply: ListEnd,
  cost: "bounded",
  models: { db: DATABASE, tasks: taskHistory },
  *run({ db, tasks }, request) {
    const since = knownSince(db, request);
    if (since instanceof Failure) return since;
    const names = tasks.holderNames(request.at);
    const list = encodeList(tasks.list(request), {
      encode: (task) => tasks.encode(task, names),
      cursorOf: ({ id }) => cursor("after", id),
      limit: request.limit,
    });
    return yield* wrapChunks(openList(request.at, since, "tasks"), list, close);
  },
});
