/**
 * Declares the last call to the writer at a shutdown, which closes the database and ends the writer. All earlier calls,
 * which may include a restore, are done by then.
 */
import * as Type from "typebox";
import { RESTORE_DEADLINE_MS } from "../../../schemas/limits/backup.js";
import { writeFailure } from "../store/open.js";
import { writerMethod } from "./writer-method.js";

export const closeStore = writerMethod({
  name: "store.close",
  request: Type.Object({}),
  reply: Type.Null(),
  weight: () => 0,
  deadlineMs: 2 * RESTORE_DEADLINE_MS,
  audit: null,
  inCluster: "here",
  changes: [],
  models: {},
  run: () => null,
  afterwards: (thread) => {
    // On a full disk the checkpoint fails, because there is no room to copy the WAL into the database. That is
    // harmless, because the next start reads the WAL.
    try {
      thread.db.pragma("wal_checkpoint(TRUNCATE)");
    } catch (error) {
      if (writeFailure(error) === undefined) throw error;
    }
    thread.db.close();
    thread.stop();
  },
});
