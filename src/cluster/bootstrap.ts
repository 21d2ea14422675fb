/**
 * Bootstraps a node. It either continues with its data directory, starts a new cluster, or installs a snapshot. If the
 * log is unreachable, the node retries. An error that a retry cannot fix stops the start. Runs in the writer thread.
 */
import { LOG_REOPEN_DELAY_MS, LOG_REOPEN_DELAY_MS_MAX, LOG_WENT_BACK_MS } from "../../schemas/limits/cluster.js";
import { APPLY_VERSION } from "../../schemas/version.js";
import { crypto } from "../base/crypto.js";
import { LogError, type LogFault, type LogStatus, type OrderedLog } from "./log/ordered-log.js";
import type { Db } from "../platform/store/open.js";
import { holdsContent } from "../features/backup/table.js";
import { initialMembership } from "./membership.js";
import type { NodeState } from "./table.js";

/**
 * Thrown if the settings or the data of this server do not allow it to join the cluster. The message is one line for
 * the operator.
 */
export class BootstrapError extends Error {
  override readonly name = "BootstrapError";
}

export interface BootstrapOptions {
  readonly log: OrderedLog;
  /** Whether this node may start a new cluster (`--cluster-seed`). */
  readonly seeds: boolean;
  /** The name of the cluster. */
  readonly cluster: string;
  readonly db: Db;
  readonly state: () => NodeState | null;
  /** Stores the state with which a new cluster starts. */
  readonly keep: (state: NodeState) => void;
  readonly settings: string;
  /** The current time in ms since the Unix epoch. It is at or after the time of the newest row in the database. */
  readonly nowMs: number;
  /** Monotonic time in ms. */
  readonly elapsed: () => number;
  readonly install: (least: number, generation: string) => Promise<NodeState | null>;
  /** Uploads a snapshot of the database to the log's snapshot store. */
  readonly upload: () => Promise<void>;
  /** Reports why the start has to wait. */
  readonly waiting: (reason: string) => void;
  readonly closed: () => boolean;
}

/** Faults that a retry cannot fix. */
const PERMANENT: ReadonlySet<LogFault> = new Set<LogFault>(["denied", "too_old", "unsafe", "foreign"]);

export class Bootstrap {
  readonly #options: BootstrapOptions;
  /** When the bootstrap first found that the log is gone or lacks entries, in ms; null before that. */
  #lostSince: number | null = null;

  constructor(options: BootstrapOptions) {
    this.#options = options;
  }

  /**
   * Waits until the node can start. Returns the state from which it starts, or null if the server is stopped first.
   * @throws BootstrapError
   */
  async run(): Promise<NodeState | null> {
    const { waiting, closed } = this.#options;
    for (let delayMs = LOG_REOPEN_DELAY_MS; ; delayMs = Math.min(delayMs * 2, LOG_REOPEN_DELAY_MS_MAX)) {
      try {
        const found = await this.#decide(await this.#readStatus());
        if (found !== null) this.#compareSettings(found);
        if (found !== null || closed()) return found;
        waiting("there is no snapshot of the cluster yet");
      } catch (error) {
        if (!(error instanceof LogError)) throw error;
        if (PERMANENT.has(error.fault)) throw new BootstrapError(error.message);
        waiting(error.message);
      }
      await new Promise<void>((resolve) => {
        setTimeout(resolve, delayMs);
      });
      if (closed()) return null;
    }
  }

  /**
   * Checks that this node has the same settings as the cluster, whose settings never change.
   * @throws BootstrapError
   */
  #compareSettings({ membership }: NodeState): void {
    const { settings, cluster } = this.#options;
    if (membership.settings !== settings)
      throw new BootstrapError(
        `settings differ from those of cluster ${cluster}: here ${settings}, there ${membership.settings}`,
      );
  }

  /** Reads the status of the log. Returns null if the cluster has no log yet. */
  async #readStatus(): Promise<LogStatus | null> {
    const session = await this.#options.log.open({ entry: () => undefined, lost: () => undefined });
    await session?.close();
    return session === null ? null : session.status;
  }

  /** Decides from which state the node starts. Returns null if the node needs a snapshot that does not exist yet. */
  async #decide(log: LogStatus | null): Promise<NodeState | null> {
    const { seeds, cluster, state, db, install } = this.#options;
    const own = state();
    if (own !== null && own.membership.applyVersion > APPLY_VERSION)
      throw new BootstrapError(
        `the cluster uses apply version ${own.membership.applyVersion}, and this Koor has ${APPLY_VERSION}: ` +
          "start a newer Koor",
      );
    if (log !== null && own !== null && own.position.generation === log.generation) {
      // If the log ends before this node's position, it has lost entries. Replace it only if the operator has set
      // `--cluster-seed`.
      return seeds && log.last < own.position.id ? await this.#seedAgain(own) : own;
    }
    if (seeds && own !== null && log === null) return await this.#seedAgain(own);
    if (seeds) {
      if (log !== null && !(await this.#isUnused(log)))
        throw new BootstrapError(
          `${cluster} is a cluster already: start without --cluster-seed, or give another --cluster-name`,
        );
      return await this.#seed(own);
    }
    if (log === null)
      throw new BootstrapError(
        own === null
          ? `there is no cluster ${cluster} at this log: start its first node with --cluster-seed`
          : `the log of cluster ${cluster} is gone: start the node with the newest data with --cluster-seed`,
      );
    if (own !== null)
      throw new BootstrapError(
        `this data directory belongs to another cluster (${own.position.generation}, here is ${log.generation}): ` +
          "start with an empty one to join",
      );
    if (holdsContent(db))
      throw new BootstrapError(
        `the data directory holds data that cluster ${cluster} does not have: join with an empty one, ` +
          "or begin another cluster from it with --cluster-seed and another --cluster-name",
      );
    return await install(Math.max(0, log.first - 1), log.generation);
  }

  /**
   * Starts a lost cluster again from this node's data. Waits LOG_WENT_BACK_MS first, because the cluster may not be
   * lost: a log server that is partitioned from its peers may lack entries. The flag `--cluster-seed` proves nothing,
   * because it may be left over from the node's first start.
   */
  async #seedAgain(own: NodeState): Promise<NodeState> {
    const { elapsed, cluster } = this.#options;
    this.#lostSince ??= elapsed();
    if (elapsed() - this.#lostSince < LOG_WENT_BACK_MS)
      throw new LogError(
        "unreachable",
        `the log of cluster ${cluster} seems to be lost: this node replaces it if it does not come back`,
      );
    return await this.#seed(own);
  }

  /** Whether the log was created but never used. That happens if the first start of the cluster was interrupted. */
  async #isUnused({ last }: LogStatus): Promise<boolean> {
    return last === 0 && (await this.#options.log.snapshots.list()).length === 0;
  }

  /**
   * Creates an empty log, which replaces a log of the same name. This node's database becomes the state before the
   * first entry.
   */
  async #seed(own: NodeState | null): Promise<NodeState> {
    const { log, keep, settings, nowMs, upload } = this.#options;
    const generation = crypto().randomUUID();
    await log.create(generation);
    const seeded: NodeState = {
      position: { generation, id: 0, entryHash: "", stateHash: "" },
      membership: initialMembership(Math.max(nowMs, own?.membership.nowMs ?? 0), APPLY_VERSION, settings),
    };
    keep(seeded);
    await upload();
    return seeded;
  }
}
