/** Both ends of a restore. Run in the writer, in one transaction: everything is there after it, or nothing. */
import * as Type from "typebox";
import { CHANGE_KINDS } from "../../schemas/changes.js";
import { RestoreApplyReply, RestoreApplyRequest, writeDetail } from "../../schemas/backup.js";
import { RESTORE_DEADLINE_MS } from "../../schemas/limits.js";
import { Failure } from "../base/result.js";
import { claimRegistry } from "../claims/claim-registry.js";
import { publisher } from "../events/publisher.js";
import { findSteps, settleTimes } from "../store/settle-times.js";
import { reportTooMany, changesAny } from "../threads/changes.js";
import { DATABASE } from "../threads/model.js";
import { writerMethod } from "../threads/writer-method.js";
import { outboxModel } from "../outbox/outbox.js";
import { taskRegistry } from "../tasks/task-registry.js";
import { copyStaged, holdsContent, releaseStaged } from "./table.js";

const NOT_EMPTY = new Failure("ALREADY_EXISTS", "the server holds content: restore into an empty one");

/** Whether a restore may begin. */
export const checkRestore = writerMethod({
  name: "restore.check",
  request: Type.Object({}),
  reply: Type.Null(),
  weight: () => 0,
  audit: null,
  in_cluster: "never",
  changes: [],
  models: { db: DATABASE },
  run: ({ db }) => (holdsContent(db) ? NOT_EMPTY : null),
});

/** Makes the staging database's rows this one's. */
export const applyRestore = writerMethod({
  name: "restore.apply",
  request: RestoreApplyRequest,
  reply: RestoreApplyReply,
  weight: ({ path }) => path.length,
  deadline_ms: RESTORE_DEADLINE_MS,
  // It names a file of this machine.
  in_cluster: "never",
  audit: {
    action: "restore",
    resource: () => "",
    detail: ({ counts }) => writeDetail(counts),
  },
  changes: CHANGE_KINDS.map((kind) => changesAny(kind, reportTooMany)),
  // What becomes of tasks that were claimed, the claims ask the tasks.
  models: { db: DATABASE, events: publisher, outbox: outboxModel, book: claimRegistry, tasks: taskRegistry },
  run: ({ db, events, outbox, book }, { path }, call) => {
    if (holdsContent(db)) return NOT_EMPTY;
    copyStaged(db, path);
    call.reload();
    outbox.loadRestored();
    findSteps(db);
    // Whatever the clock was where the snapshot was made.
    call.now_ms = settleTimes(db, call.now_ms);
    const restored = { last_event_id: events.last_id };
    // What follows is not history: who held or waited there has lost it here, and is told so.
    book.endRestored(call);
    return restored;
  },
  afterwards: ({ db }) => releaseStaged(db),
});
