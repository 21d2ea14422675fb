/**
 * Stores and reads a node's cluster state: the applied position and the membership. The writer stores the state in the
 * transaction that applies the entries. The front reads the list of nodes.
 */
import type { Db, Statement } from "../platform/store/open.js";
import type { Model } from "../platform/threads/model.js";
import type { Membership, Node } from "./membership.js";

/** The position that a node has applied. */
export interface Position {
  /** Identifies the log to which the position belongs. */
  readonly generation: string;
  /** The id of the last entry that was applied. */
  readonly id: number;
  /** The SHA-256 of the last applied entry, in hex; "" before the first entry. */
  readonly entryHash: string;
  /** The state hash after the last applied entry, in hex. It covers the answers of all entries up to that entry. */
  readonly stateHash: string;
}

export interface NodeState {
  readonly position: Position;
  readonly membership: Membership;
}

interface StoredPosition {
  readonly generation: string;
  readonly position: number;
  readonly now_ms: number;
  readonly entry: Buffer;
  readonly outcome: Buffer;
  readonly commands: number;
  readonly settings: string;
  readonly term: number;
  readonly leader: string;
}

const HEX = "hex";
const NODE_COLUMNS = "node, store, run, version, incarnation, number, heard_at, position";

/** Reads the position and the membership. */
export class ClusterReader {
  readonly #position: Statement<[], StoredPosition>;
  readonly #appliedPosition: Statement<[], Pick<Position, "generation" | "id">>;
  readonly #nodes: Statement<[], Node>;

  constructor(db: Db) {
    this.#position = db.prepare(
      `SELECT generation, position, now_ms, entry, outcome, commands, settings, term, leader FROM log_position`,
    );
    this.#appliedPosition = db.prepare("SELECT generation, position AS id FROM log_position");
    this.#nodes = db.prepare(`SELECT ${NODE_COLUMNS} FROM cluster_node ORDER BY node`);
  }

  /** The stored state; null if this data directory never belonged to a node. */
  state(): NodeState | null {
    const stored = this.#position.get();
    if (stored === undefined) return null;
    const { generation, position, now_ms: nowMs, entry, outcome, commands, settings, term, leader } = stored;
    return {
      position: { generation, id: position, entryHash: entry.toString(HEX), stateHash: outcome.toString(HEX) },
      membership: {
        nowMs,
        applyVersion: commands,
        settings,
        term,
        leader,
        nodes: new Map(this.nodes().map((row) => [row.node, row])),
      },
    };
  }

  /** Returns the position of the data that a read sees now; null if this data directory never belonged to a node. */
  position(): Pick<Position, "generation" | "id"> | null {
    return this.#appliedPosition.get() ?? null;
  }

  /** Returns all nodes, sorted by name. */
  nodes(): Node[] {
    return this.#nodes.all();
  }
}

export const clusterReader: Model<ClusterReader> = { open: ({ db }) => new ClusterReader(db) };

/** Stores the position and the membership, inside the caller's transaction. */
export class ClusterWriter {
  readonly #setPosition;
  readonly #setNode;
  readonly #dropNode;
  readonly #dropNodes;
  readonly #store;
  readonly #setStore;

  constructor(db: Db) {
    this.#setPosition = db.prepare("INSERT OR REPLACE INTO log_position VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    this.#setNode = db.prepare(`INSERT OR REPLACE INTO cluster_node (${NODE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#dropNode = db.prepare("DELETE FROM cluster_node WHERE node = ?");
    this.#dropNodes = db.prepare("DELETE FROM cluster_node");
    this.#store = db.prepare<[], string>("SELECT store FROM data_directory").pluck();
    this.#setStore = db.prepare("INSERT OR REPLACE INTO data_directory VALUES (1, ?)");
  }

  /**
   * Stores a state. Writes only the rows that have changed.
   * @param before the membership that is stored now; null if there is none
   */
  keep({ position, membership }: NodeState, before: Membership | null): void {
    const { nowMs, applyVersion, settings, term, leader, nodes } = membership;
    const [entry, outcome] = [Buffer.from(position.entryHash, HEX), Buffer.from(position.stateHash, HEX)];
    const { generation, id } = position;
    this.#setPosition.run(generation, id, nowMs, entry, outcome, applyVersion, settings, term, leader);
    if (before === null) this.#dropNodes.run();
    for (const name of before?.nodes.keys() ?? []) if (!nodes.has(name)) this.#dropNode.run(name);
    for (const [name, node] of nodes) {
      if (before?.nodes.get(name) === node) continue;
      const { store, run, version, incarnation, number, heard_at } = node;
      this.#setNode.run(name, store, run, version, incarnation, number, heard_at, node.position);
    }
  }

  /** The id of this data directory; undefined if none was stored yet. */
  storeId(): string | undefined {
    return this.#store.get();
  }

  setStoreId(storeId: string): void {
    this.#setStore.run(storeId);
  }
}
