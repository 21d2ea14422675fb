/** The jobs that read the state store. They run in the pool; short reads run on the front. */
import { ListEnd } from "../../../schemas/common.js";
import { ListRequest, StateDiff, StateHistory, StateList } from "../../../schemas/state.js";
import { cursor, encodeList } from "../../base/json-array.js";
import { formatTime } from "../../base/time.js";
import { streamJob } from "../../platform/threads/pool-method.js";
import { versionedJobs } from "../versioned/jobs.js";
import { type ListedKey, stateReader, type VersionedReader } from "../versioned/table.js";

/** The number of keys that are read from the database in one query. */
const LIST_PAGE_KEYS = 500;

export const { historyOf: stateHistory, diffOf: stateDiff } = versionedJobs("state", stateReader, {
  history: StateHistory,
  diff: StateDiff,
});

export const listState = streamJob({
  name: "state.list",
  request: ListRequest,
  text: StateList,
  reply: ListEnd,
  cost: "bounded",
  models: { state: stateReader },
  *run({ state }, request) {
    return yield* encodeList(listedKeys(state, request), {
      encode: ({ key, version, content_type, updated_at }) =>
        `{"key":${JSON.stringify(key)},"version":${version},"content_type":${JSON.stringify(content_type)}` +
        `,"updated_at":"${formatTime(updated_at)}"}`,
      cursorOf: ({ key }) => cursor("after", key),
      limit: request.limit,
    });
  },
});

function* listedKeys(state: VersionedReader, request: ListRequest): Generator<ListedKey, void, undefined> {
  let left = request.limit ?? Number.POSITIVE_INFINITY;
  let after = request.after;
  while (left > 0) {
    const page = Math.min(left, LIST_PAGE_KEYS);
    const rows = state.list(request.prefix, after, page);
    yield* rows;
    after = rows.at(-1)?.key ?? "";
    if (rows.length < page) return;
    left -= page;
  }
}
