/** docs/http-api.md "Backup and restore". Runs on the front. */
import { RestoreAnswer } from "../../schemas/backup.js";
import { route, type Route } from "../front/route.js";
import { applyRestore } from "./commands.js";
import { BackupFront, type BackupFrontOptions } from "./front.js";
import type { Restore } from "./restore.js";

export interface BackupRoutesOptions extends BackupFrontOptions {
  readonly restore: Restore;
}

export function backupRoutes({ restore, ...options }: BackupRoutesOptions): Route[] {
  const backup = new BackupFront(options);
  const tag = "backup";
  return [
    route({
      method: "GET",
      path: "/api/backup",
      name: "backup",
      tag,
      needs: "server",
      summary: "Streams one consistent snapshot of everything that is stored.",
      answer: "lines",
      handle: ({ context }) => backup.export(context),
    }),
    route({
      method: "POST",
      path: "/api/restore",
      name: "restore",
      tag,
      needs: "server",
      summary: "Takes a snapshot into an empty server, all of it or nothing.",
      body: { kind: "stream" },
      answer: RestoreAnswer,
      statuses: [409],
      audited: { by: applyRestore },
      handle: (request) => restore.run(request),
    }),
  ];
}
