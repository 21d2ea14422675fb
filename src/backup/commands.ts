/** The end of a restore. Runs in the writer, in one transaction: everything is there after it, or nothing. */
import type { RestoreApplyReply, RestoreApplyRequest } from "../../schemas/backup.js";
import { Failure } from "../base/result.js";
import type { WriteContext } from "../store/write-context.js";
import { copyStaged, holdsContent, newestTime } from "./table.js";

const NOT_EMPTY = new Failure("ALREADY_EXISTS", "the server holds content: restore into an empty one");

/** Whether a restore may begin. */
export function checkEmpty(context: WriteContext): null | Failure {
  return holdsContent(context.db) ? NOT_EMPTY : null;
}

/** Makes the staging database's rows this one's. */
export function applyRestore(context: WriteContext, { path }: RestoreApplyRequest): RestoreApplyReply | Failure {
  if (holdsContent(context.db)) return NOT_EMPTY;
  copyStaged(context.db, path);
  context.reload();
  context.outbox.takeIn();
  // Times never fall while ids rise, whatever the clock was where the snapshot was made.
  context.now_ms = Math.max(context.now_ms, newestTime(context.db));
  return { last_event_id: context.events.last_id };
}
