/**
 * Removes a data directory from its cluster. Called when a server starts on the directory without a cluster. The
 * changes of this server are not in the cluster's log. So the directory must no longer state the position up to which
 * it has applied the log. Runs in the writer.
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
