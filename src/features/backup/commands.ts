/**
 * Writer methods that begin and complete a restore. The first method only checks that the database is empty. The second
 * method restores everything in one transaction, or nothing. Runs in the writer thread.
 */
import * as Type from "typebox";
import { CHANGE_KINDS } from "../../../schemas/changes.js";
import { RestoreApplyReply, RestoreApplyRequest, writeDetail } from "../../../schemas/backup.js";
import { RESTORE_DEADLINE_MS } from "../../../schemas/limits/backup.js";
import { Failure } from "../../base/result.js";
import { claimRegistry } from "../claims/claim-registry.js";
import { publisher } from "../events/publisher.js";
import { findSteps, settleTimes } from "../../platform/store/settle-times.js";
import { changes, reportTooMany } from "../../platform/threads/changes.js";
import { DATABASE } from "../../platform/threads/model.js";
import { writerMethod } from "../../platform/threads/writer-method.js";
import { outboxModel } from "../outbox/outbox.js";
import { taskRegistry } from "../tasks/task-registry.js";
import { copyStaged, holdsContent, releaseStaged } from "./table.js";

const NOT_EMPTY = new Failure("ALREADY_EXISTS", "the server holds content: restore into an empty one");

/** Checks whether a restore may start. */
export const checkRestore = writerMethod({
  name: "restore.check",
  request: Type.Object({}),
  reply: Type.Null(),
  weight: () => 0,
  audit: null,
  inCluster: "never",
  changes: [],
  models: { db: DATABASE },
  run: ({ db }) => (holdsContent(db) ? NOT_EMPTY : null),
});

/** Copies all rows of the staging database into the server's database. */
export const applyRestore = writerMethod({
  name: "restore.apply",
  request: RestoreApplyRequest,
  reply: RestoreApplyReply,
  weight: ({ path }) => path.length,
  deadlineMs: RESTORE_DEADLINE_MS,
  // The request names a file on this machine. The other nodes of a cluster do not have it.
  inCluster: "never",
  audit: {
    action: "restore",
    resource: () => "",
    detail: ({ counts }) => writeDetail(counts),
  },
  changes: CHANGE_KINDS.map((kind) => changes(kind, reportTooMany)),
  // The task registry must be open, because the claim registry calls it to change the tasks whose claims end.
  models: { db: DATABASE, events: publisher, outbox: outboxModel, book: claimRegistry, tasks: taskRegistry },
  run: ({ db, events, outbox, book }, { path }, call) => {
    if (holdsContent(db)) return NOT_EMPTY;
    copyStaged(db, path);
    call.reload();
    outbox.loadRestored();
    findSteps(db);
    // If the clock of the old server was wrong, restored times may be later than this server's time. Such times are
    // corrected.
    call.nowMs = settleTimes(db, call.nowMs);
    const restored = { last_event_id: events.lastId };
    // Claims that were held or waiting in the snapshot end now. Their ends are published as new events, so subscribers
    // get them.
    book.endRestored(call);
    return restored;
  },
  afterwards: ({ db }) => releaseStaged(db),
});
