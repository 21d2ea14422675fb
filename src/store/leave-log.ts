/**
 * A server that starts alone is no node of a cluster any more: what it stores from now on is in no log, so its data
 * directory must not be taken for one that has carried out a log. Runs in the writer.
 */
import type { Db } from "./open.js";

/** Forgets how far a log was carried out. */
export function leaveLog(db: Db): void {
  if (db.prepare("SELECT 1 FROM log_position").get() === undefined) return;
  db.transaction(() => {
    db.exec("DELETE FROM log_position");
    db.exec("DELETE FROM cluster_node");
  })();
}
