/** Section 14a of the wire contract over HTTP. Runs on the front. */
import { RestoreAnswer } from "../../schemas/backup.js";
import { BACKUPS_AT_ONCE_MAX } from "../../schemas/limits.js";
import type { Clock } from "../base/clock.js";
import type { Log } from "../base/log.js";
import { Failure } from "../base/result.js";
import { readReply } from "../front/chunked-reply.js";
import { LINES_HEADERS, type Answer, type Request, type Route } from "../front/route-table.js";
import type { Restore } from "./restore.js";
import type { Pool } from "../rpc/pool.js";

export interface BackupRoutesOptions {
  /** Threads of their own: a snapshot takes as long as its reader. */
  readonly exports: Pool;
  readonly restore: Restore;
  readonly clock: Clock;
  readonly log: Log;
}

export function backupRoutes(options: BackupRoutesOptions): Route[] {
  const backup = new BackupFront(options);
  const tag = "backup";
  return [
    {
      method: "GET",
      path: "/api/backup",
      name: "backup",
      tag,
      needs: "server",
      summary: "Streams one consistent snapshot of everything that is stored.",
      answer: "lines",
      handle: (request) => backup.export(request),
    },
    {
      method: "POST",
      path: "/api/restore",
      name: "restore",
      tag,
      needs: "server",
      summary: "Takes a snapshot into an empty server, all of it or nothing.",
      body: { kind: "stream" },
      answer: RestoreAnswer,
      statuses: [409],
      audit: { action: "restore", resource: () => "" },
      handle: (request) => options.restore.run(request),
    },
  ];
}

class BackupFront {
  readonly #options: BackupRoutesOptions;
  #running = 0;

  constructor(options: BackupRoutesOptions) {
    this.#options = options;
  }

  export({ context }: Request): Answer | Promise<Answer> {
    if (this.#running >= BACKUPS_AT_ONCE_MAX)
      return new Failure("RESOURCE_EXHAUSTED", "enough backups are running, try again");
    const { exports, clock } = this.#options;
    return readReply(
      this.#counted(exports.stream("backup.export", { created_at: clock.now() }, context)),
      LINES_HEADERS,
    );
  }

  /** The chunks, counted as a running backup until the last was taken or the reader has gone. */
  async *#counted(
    chunks: AsyncGenerator<string | Failure, void, undefined>,
  ): AsyncGenerator<string | Failure, void, undefined> {
    this.#running += 1;
    try {
      yield* chunks;
      this.#options.log.info("backup read");
    } finally {
      this.#running -= 1;
    }
  }
}
