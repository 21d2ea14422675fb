/** Creates the component that restores snapshots, and the routes of backup and restore. */
import { Restore } from "../features/backup/restore.js";
import { backupRoutes } from "../features/backup/routes.js";
import type { Pipeline } from "../platform/front/pipeline.js";
import type { Route } from "../platform/front/route.js";
import type { Ground } from "./ground.js";

export interface BackupArea {
  readonly restore: Restore;
  readonly routes: readonly Route[];
}

export interface BackupUses {
  readonly pipeline: Pipeline;
  /** Called when a snapshot was restored, so that the front reads its caches again. */
  readonly onRestored: (lastEventId: number) => void;
}

export function makeBackup({ config, clock, log, threads }: Ground, { pipeline, onRestored }: BackupUses): BackupArea {
  const restore = new Restore({
    writer: threads.writer,
    log,
    path: threads.stagingPath,
    startThread: () => threads.startStaging(),
    holdWrites: (refusal) => pipeline.holdWrites(refusal),
    inCluster: config.cluster !== "",
    onRestored,
  });
  return { restore, routes: backupRoutes({ exports: threads.exports, restore, clock, log }) };
}
