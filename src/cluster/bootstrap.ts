/**
 * How a node finds out where it stands before it carries out anything: whether its data directory belongs to the log
 * that is there, is to become a cluster's first, or has to take in a snapshot. What cannot be right whatever is tried
 * again is a refusal; a log that is not there is waited for. Runs in the writer's thread.
 */
import { LOG_REOPEN_DELAY_MS, LOG_REOPEN_DELAY_MS_MAX, LOG_WENT_BACK_MS } from "../../schemas/limits.js";
import { APPLY_VERSION } from "../../schemas/version.js";
import { crypto } from "../base/crypto.js";
import { LogError, type LogFault, type LogStatus, type OrderedLog } from "../ordered-log/ordered-log.js";
import type { Db } from "../store/open.js";
import { holdsContent } from "../backup/table.js";
import { initialMembership } from "./membership.js";
import type { NodeState } from "./table.js";

/** This server cannot be a node of this cluster, as it is started: one line for the operator. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

export interface BootstrapOptions {
  readonly log: OrderedLog;
  /** Whether the cluster may be begun from here. */
  readonly seeds: boolean;
  /** Its name. */
  readonly cluster: string;
  readonly db: Db;
  readonly state: () => NodeState | null;
  /** Stores the first state of a cluster. */
  readonly keep: (state: NodeState) => void;
  readonly settings: string;
  /** ms since the epoch, not before the newest row. */
  readonly now_ms: number;
  /** ms since some moment. */
  readonly elapsed: () => number;
  readonly install: (least: number, generation: string) => Promise<NodeState | null>;
  /** Puts a snapshot of the database beside the log. */
  readonly upload: () => Promise<void>;
  /** Tells what is waited for. */
  readonly waiting: (reason: string) => void;
  readonly closed: () => boolean;
}

/** Faults that no waiting mends. */
const LASTING: ReadonlySet<LogFault> = new Set<LogFault>(["denied", "too_old", "unsafe", "foreign"]);

export class Bootstrap {
  readonly #options: BootstrapOptions;
  /** Since when the log was found to be lost. */
  #lost_since: number | null = null;

  constructor(options: BootstrapOptions) {
    this.#options = options;
  }

  /**
   * The state to go on from; null where the server was stopped meanwhile.
   * @throws Refusal
   */
  async run(): Promise<NodeState | null> {
    const { waiting, closed } = this.#options;
    for (let delay_ms = LOG_REOPEN_DELAY_MS; ; delay_ms = Math.min(delay_ms * 2, LOG_REOPEN_DELAY_MS_MAX)) {
      try {
        const found = await this.#settle(await this.#look());
        if (found !== null) this.#compareSettings(found);
        if (found !== null || closed()) return found;
        waiting("there is no snapshot of the cluster yet");
      } catch (error) {
        if (!(error instanceof LogError)) throw error;
        if (LASTING.has(error.fault)) throw new Refusal(error.message);
        waiting(error.message);
      }
      await new Promise<void>((resolve) => {
        setTimeout(resolve, delay_ms);
      });
      if (closed()) return null;
    }
  }

  /** They are those with which the cluster was begun, at every node and for ever. */
  #compareSettings({ membership }: NodeState): void {
    const { settings, cluster } = this.#options;
    if (membership.settings !== settings)
      throw new Refusal(
        `settings differ from those of cluster ${cluster}: here ${settings}, there ${membership.settings}`,
      );
  }

  /** What the log is; null where there is none. */
  async #look(): Promise<LogStatus | null> {
    const session = await this.#options.log.open({ entry: () => undefined, lost: () => undefined });
    await session?.close();
    return session === null ? null : session.status;
  }

  /** Null where there is nothing to take in yet. */
  async #settle(log: LogStatus | null): Promise<NodeState | null> {
    const { seeds, cluster, state, db, install } = this.#options;
    const own = state();
    if (own !== null && own.membership.applyVersion > APPLY_VERSION)
      throw new Refusal(
        `the cluster has gone on to commands ${own.membership.applyVersion}, and this Koor has ${APPLY_VERSION}: ` +
          "start a newer one",
      );
    if (log !== null && own !== null && own.position.generation === log.generation) {
      // A log that went back, or was emptied, is not gone on with, but by who says so.
      return seeds && log.last < own.position.id ? await this.#seedAnew(own) : own;
    }
    if (seeds && own !== null && log === null) return await this.#seedAnew(own);
    if (seeds) {
      if (log !== null && !(await this.#isVirgin(log)))
        throw new Refusal(
          `${cluster} is a cluster already: start without --cluster-seed, or give another --cluster-name`,
        );
      return await this.#seed(own);
    }
    if (log === null)
      throw new Refusal(
        own === null
          ? `there is no cluster ${cluster} at this log: start its first node with --cluster-seed`
          : `the log of cluster ${cluster} is gone: start the node that has come the farthest with --cluster-seed`,
      );
    if (own !== null)
      throw new Refusal(
        `this data directory belongs to another cluster (${own.position.generation}, here is ${log.generation}): ` +
          "start with an empty one to join",
      );
    if (holdsContent(db))
      throw new Refusal(
        `the data directory holds what cluster ${cluster} does not know: join with an empty one, ` +
          "or begin another cluster from it with --cluster-seed and another --cluster-name",
      );
    return await install(Math.max(0, log.first - 1), log.generation);
  }

  /**
   * Begins a lost cluster anew. The flag may have been left where it was when this node's first start was long ago, and
   * a server that was cut off from the others may know less than they do: what is lost stays so for a while.
   */
  async #seedAnew(own: NodeState): Promise<NodeState> {
    const { elapsed, cluster } = this.#options;
    this.#lost_since ??= elapsed();
    if (elapsed() - this.#lost_since < LOG_WENT_BACK_MS)
      throw new LogError(
        "unreachable",
        `the log of cluster ${cluster} seems to be lost: it is begun anew if it stays so`,
      );
    return await this.#seed(own);
  }

  /** A log that was made and never used: its founder did not come to the end. */
  async #isVirgin({ last }: LogStatus): Promise<boolean> {
    return last === 0 && (await this.#options.log.snapshots.list()).length === 0;
  }

  /** Makes the log anew, and what this data directory holds its beginning. */
  async #seed(own: NodeState | null): Promise<NodeState> {
    const { log, keep, settings, now_ms, upload } = this.#options;
    const generation = crypto().randomUUID();
    await log.create(generation);
    const founded: NodeState = {
      position: { generation, id: 0, entryHash: "", stateHash: "" },
      membership: initialMembership(Math.max(now_ms, own?.membership.now_ms ?? 0), APPLY_VERSION, settings),
    };
    keep(founded);
    await upload();
    return founded;
  }
}
