/**
 * Detaches a data directory from its cluster when a server starts on it without a cluster. That server stores changes
 * that are in no log. So its data directory must not look like one that has only applied the log. Runs in the writer.
 */
import type { Db } from "./open.js";

/** Deletes the applied position and the membership. */
export function detachFromCluster(db: Db): void {
  if (db.prepare("SELECT 1 FROM log_position").get() === undefined) return;
  db.transaction(() => {
    db.exec("DELETE FROM log_position");
    db.exec("DELETE FROM cluster_node");
  })();
}
