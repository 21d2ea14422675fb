/** Declares the routes of docs/http-api.md "Backup and restore". Runs on the front. */
import { RestoreAnswer } from "../../../schemas/backup.js";
import { route, type Route } from "../../platform/front/route.js";
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
      summary: "Streams one consistent snapshot of all stored content.",
      answer: "lines",
      handle: ({ context }) => backup.export(context),
    }),
    route({
      method: "POST",
      path: "/api/restore",
      name: "restore",
      tag,
      needs: "server",
      summary: "Restores a snapshot into an empty server, completely or not at all.",
      body: { kind: "stream" },
      answer: RestoreAnswer,
      statuses: [409],
      audited: { by: applyRestore },
      handle: (request) => restore.run(request),
    }),
  ];
}
