/** The last call of a shutdown: ends the writer when everything before it is done. A restore may be before it. */
import * as Type from "typebox";
import { RESTORE_DEADLINE_MS } from "../../schemas/limits.js";
import { writeFailure } from "../store/open.js";
import { writerMethod } from "./writer-method.js";

export const closeStore = writerMethod({
  name: "store.close",
  request: Type.Object({}),
  reply: Type.Null(),
  weight: () => 0,
  deadline_ms: 2 * RESTORE_DEADLINE_MS,
  audit: null,
  in_cluster: "here",
  changes: [],
  models: {},
  run: () => null,
  afterwards: (thread) => {
    // A disk that is full cannot take the log into the database; the log itself is safe where it is.
    try {
      thread.db.pragma("wal_checkpoint(TRUNCATE)");
    } catch (error) {
      if (writeFailure(error) === undefined) throw error;
    }
    thread.db.close();
    thread.stop();
  },
});
