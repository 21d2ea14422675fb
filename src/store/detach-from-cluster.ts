/**
 * Detaches a data directory from its cluster when a single server starts on it. The rows that this server writes are in
 * no log, so the directory must no longer count as one that has applied a log. Runs in the writer.
 */
import type { Db } from "./open.js";

/** Deletes the applied position and the members of the cluster. */
export function detachFromCluster(db: Db): void {
  if (db.prepare("SELECT 1 FROM log_position").get() === undefined) return;
  db.transaction(() => {
    db.exec("DELETE FROM log_position");
    db.exec("DELETE FROM cluster_node");
  })();
}
