/** Reads of the state store. Run in the pool, or on the front where they are short. */
import * as Type from "typebox";
import { ListRequest, StateDiff, StateHistory, StateList } from "../../schemas/state.js";
import { encodeArray } from "../base/json-array.js";
import { formatTime } from "../base/time.js";
import { streamJob } from "../threads/pool-method.js";
import { versionedJobs } from "../versioned/jobs.js";
import { stateReader, type VersionedReader } from "../versioned/table.js";

/** Keys that are read from the database at once. */
const LIST_PAGE_KEYS = 500;

export const { historyOf: stateHistory, diffOf: stateDiff } = versionedJobs("state", stateReader, {
  history: StateHistory,
  diff: StateDiff,
});

export const listState = streamJob({
  name: "state.list",
  request: ListRequest,
  text: StateList,
  reply: Type.Null(),
  cost: "bounded",
  models: { state: stateReader },
  *run({ state }, request) {
    yield* encodeArray(listedKeys(state, request));
    return null;
  },
});

function* listedKeys(state: VersionedReader, request: ListRequest): Generator<string, void, undefined> {
  let left = request.limit ?? Number.POSITIVE_INFINITY;
  let after = request.after;
  while (left > 0) {
    const page = Math.min(left, LIST_PAGE_KEYS);
    const rows = state.list(request.prefix, after, page);
    for (const { key, version, content_type, updated_at } of rows) {
      yield `{"key":${JSON.stringify(key)},"version":${version},"content_type":${JSON.stringify(content_type)}` +
        `,"updated_at":"${formatTime(updated_at)}"}`;
      after = key;
    }
    if (rows.length < page) return;
    left -= page;
  }
}
