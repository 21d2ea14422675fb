/** Serves backups to clients, and limits the number of backups that run at once. Runs on the front. */
import { BACKUPS_AT_ONCE_MAX } from "../../../schemas/limits/backup.js";
import type { Clock } from "../../base/clock.js";
import type { Log } from "../../base/log.js";
import { Failure } from "../../base/result.js";
import { linesReply } from "../../platform/front/reply.js";
import type { Answer } from "../../platform/front/route.js";
import type { CallContext } from "../../platform/rpc/frames.js";
import type { Chunks, Pool } from "../../platform/threads/pool.js";
import { exportBackup } from "./jobs.js";

export interface BackupFrontOptions {
  /** The separate worker pool for backups. A backup occupies a thread until the client has read all of it. */
  readonly exports: Pool;
  readonly clock: Clock;
  readonly log: Log;
}

export class BackupFront {
  readonly #options: BackupFrontOptions;
  #running = 0;

  constructor(options: BackupFrontOptions) {
    this.#options = options;
  }

  export(context: CallContext): Answer | Promise<Answer> {
    if (this.#running >= BACKUPS_AT_ONCE_MAX)
      return new Failure("RESOURCE_EXHAUSTED", "enough backups are running, try again");
    const { exports, clock } = this.#options;
    return linesReply(this.#counted(exports.stream(exportBackup, { created_at: clock.now() }, context)));
  }

  /**
   * Yields the chunks of a backup. The backup counts as running until its last chunk is read or the client disconnects.
   */
  async *#counted(chunks: Chunks): Chunks {
    this.#running += 1;
    try {
      const end = yield* chunks;
      this.#options.log.info("backup read");
      return end;
    } finally {
      this.#running -= 1;
    }
  }
}
