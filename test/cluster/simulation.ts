/**
 * Simulates a cluster of replicas over an in-memory log, one random step at a time. It calls methods and delivers
 * entries, and it injects faults: broken sessions, crashes between any two steps and while entries are applied, full
 * disks, a full log, trimmed logs and snapshots, clocks that differ, and forwarded entries that are lost, duplicated or
 * late. At the end all faults are repaired. Then every node must hold the state of a single writer that applies the
 * accepted entries one by one; every answered call must have the answer of that writer; no refused call may be applied;
 * and every call whose node did not crash must have an answer.
 */
import { POISON_ENTRY_TRIES_MAX, NODE_FORGOTTEN_MS } from "../../schemas/limits/cluster.js";
import { must } from "../../src/base/assert.js";
import { Failure } from "../../src/base/result.js";
import { SharedCounter } from "../../src/base/shared-counter.js";
import { BUNDLE_APPLY_VERSION_MIN, decodeMessage } from "../../src/cluster/bundle.js";
import type { EntryCall } from "../../src/cluster/entry.js";
import { CHECKED_FORMAT_APPLY_VERSION_MIN, readMark } from "../../src/cluster/entry-mark.js";
import { initialMembership } from "../../src/cluster/membership.js";
import type { LogItem } from "../../src/cluster/applier.js";
import { Replica } from "../../src/cluster/replica.js";
import { PoisonGuard } from "../../src/cluster/poison-guard.js";
import { ClusterReader, ClusterWriter } from "../../src/cluster/table.js";
import { packingOf } from "../../src/platform/rpc/packing.js";
import type { RpcServer, ServerCall } from "../../src/platform/rpc/server.js";
import type { Db } from "../../src/platform/store/open.js";
import { sqliteError } from "../../src/platform/store/sqlite/codes.js";
import { Entries } from "../../src/platform/threads/entries.js";
import { Models } from "../../src/platform/threads/model.js";
import { Transaction } from "../../src/platform/threads/transaction.js";
import { WatchedKinds } from "../../src/platform/threads/watched-kinds.js";
import type { WriterMethod } from "../../src/platform/threads/writer-method.js";
import { makeRandom, type Random } from "../support/random.js";
import { SimulatedLog } from "./simulated-log.js";
import {
  addLine,
  breakLine,
  contentOf,
  endProgram,
  fillWith,
  leadLine,
  openFakeDb,
  swapRegister,
  FAKE_METHODS,
  trail,
} from "./fake-methods.js";

const SETTINGS = { state_history: 0, state_events: false, event_history: 0 };
const START_MS = Date.UTC(2026, 1, 9);
/** The number of steps after the repair in which the cluster must come to rest. */
const MENDING_STEPS_MAX = 4_000;
const TICK_MS = 250;
/** Short enough that most forwarded entries come back before their node appends them too. */
const CALM_TICK_MS = 60;
/** Random numbers from here on choose a fault. */
const FAULTS_FROM = 928;
/** Calm runs have one fault for this many of other runs. */
const CALM = 12;
/** A few entries. */
const WAITING_BYTES_MAX = 1_000;

/** The outcome of a call, as its caller knows it. */
type Outcome = { readonly kind: "answered"; readonly reply: unknown } | { readonly kind: "refused" };

/** A call that was made. */
export interface Made {
  readonly name: string;
  readonly node: SimulatedNode;
  outcome: Outcome | null;
  /** The outcome will never be known: the node has crashed since, or installed a snapshot that may hold it. */
  lost: boolean;
}

/** Thrown when the process of a node crashes while it applies entries. */
class ProgramEnd extends Error {
  override readonly name = "ProgramEnd";
}

export interface SimulationFault {
  readonly seed: number;
  readonly what: string;
}

/** A node. Its disk survives a crash. */
export class SimulatedNode {
  readonly name: string;
  readonly db: Db;
  /** The error of its machine's clock. */
  skewMs: number;
  replica: Replica | null = null;
  /** Whether its disk is full. */
  full = false;
  paused = false;
  /** The apply version of its program. */
  applyVersion: number;
  version = "1";
  /** The content of the poison guard's file, on its disk. */
  attempt = "";
  /** Whether its version survives every entry. */
  outlives = false;
  /** Whether it is killed when it applies the next entries. */
  dying = false;
  /**
   * How often it may be killed this way. More crashes may be at one entry, which the node would take for a poison
   * entry.
   */
  killingsLeft = POISON_ENTRY_TRIES_MAX - 1;
  /** Calls that the front has sent and the replica has not taken. */
  mailbox: ServerCall<WriterMethod>[] = [];
  deferred: (() => void)[] = [];
  readonly #world: Simulation;
  #boots = 0;

  constructor(world: Simulation, name: string, db: Db, skewMs: number) {
    this.#world = world;
    this.name = name;
    this.db = db;
    this.skewMs = skewMs;
    this.applyVersion = world.applyVersion;
  }

  start(): void {
    const world = this.#world;
    const { db } = this;
    const transaction = new Transaction({
      db,
      models: new Models(db, SETTINGS),
      methods: FAKE_METHODS.rows,
      audit: trail,
      watched: new WatchedKinds(),
      remoteWrites: new SharedCounter(),
    });
    const deferred: (() => void)[] = [];
    this.deferred = deferred;
    this.paused = false;
    const server = {
      depth: 0,
      push: () => undefined,
      reply: (call: ServerCall, reply: unknown) => world.settle(call.id, { kind: "answered", reply }),
      fail: (call: ServerCall, failure: Failure) =>
        world.settle(
          call.id,
          failure.status === "UNAVAILABLE" || failure.status === "DISK_FULL"
            ? { kind: "refused" }
            : { kind: "answered", reply: failure },
        ),
      flush: () => undefined,
      pause: () => {
        this.paused = true;
      },
      resume: () => {
        this.paused = false;
      },
    } as unknown as RpcServer<WriterMethod>;
    const table = new ClusterWriter(db);
    const state = must(new ClusterReader(db).state(), "a node has a state");
    this.applyVersion = Math.max(this.applyVersion, state.membership.applyVersion);
    const bootId = `${this.name}${++this.#boots}`;
    this.replica = new Replica({
      log: world.log.for(this.name),
      identity: {
        node: this.name,
        storeId: this.name,
        bootId,
        version: this.version,
        applyVersion: this.applyVersion,
        settings: "",
      },
      state,
      poisonGuard: new PoisonGuard({
        file: {
          read: () => this.attempt,
          write: (line) => {
            this.attempt = line;
          },
          remove: () => {
            this.attempt = "";
          },
        },
        generation: state.position.generation,
        version: this.version,
      }),
      table: {
        keep: (kept, before) => {
          if (this.full) throw sqliteError("full", "SQLITE_FULL");
          table.keep(kept, before);
        },
      },
      methods: FAKE_METHODS,
      server,
      beforeCommit: () => undefined,
      entriesOf: (account) => {
        const entries = new Entries<LogItem>(transaction, server, account);
        const apply = entries.apply.bind(entries);
        entries.apply = (items) => {
          const ends = items.some(({ calls }) => calls.some(({ method }) => method.name === endProgram.name));
          if (this.dying || (ends && !this.outlives)) throw new ProgramEnd();
          apply(items);
        };
        return entries;
      },
      committed: new SharedCounter(),
      pendingBytesMax: WAITING_BYTES_MAX,
      wall: () => world.nowMs + this.skewMs,
      elapsed: () => world.nowMs - START_MS,
      defer: (work) => void deferred.push(work),
      later: (work) => void deferred.push(work),
      publish: () => undefined,
      warn: () => undefined,
      superseded: () => world.keep(this),
      install: (least) => {
        const { snapshot } = world;
        if (snapshot === null || snapshot.position < least) return Promise.resolve(null);
        fillWith(db, snapshot.content);
        world.lose(this);
        transaction.refill();
        return Promise.resolve(new ClusterReader(db).state());
      },
    });
  }

  /** Crashes the process. Only its disk survives. */
  crash(): void {
    const { replica } = this;
    this.replica = null;
    this.mailbox = [];
    this.deferred = [];
    this.dying = false;
    this.#world.lose(this);
    this.#world.log.forget(this.name);
    void replica?.close();
  }

  get position(): number {
    return new ClusterReader(this.db).state()?.position.id ?? 0;
  }
}

export class Simulation {
  readonly log = new SimulatedLog();
  readonly nodes: SimulatedNode[];
  readonly #random: Random;
  readonly #seed: number;
  /** Whether faults are rare and time passes slowly. */
  readonly isCalm: boolean;
  readonly #made = new Map<number, Made>();
  /**
   * The apply version at the start: the last one that writes no bundles, the first that does, or the last one that
   * writes the first formats of marks.
   */
  readonly applyVersion: number;
  nowMs = START_MS;
  snapshot: { readonly position: number; readonly content: string } | null = null;
  #id = 0;
  #value = 0;

  constructor(seed: number, nodes: number) {
    this.#seed = seed;
    this.#random = makeRandom(seed);
    this.isCalm = this.#random(2) === 0;
    const versions = [BUNDLE_APPLY_VERSION_MIN - 1, BUNDLE_APPLY_VERSION_MIN, CHECKED_FORMAT_APPLY_VERSION_MIN - 1];
    this.applyVersion = must(versions[this.#random(versions.length)], "there are versions");
    this.nodes = Array.from({ length: nodes }, (_, at) => {
      const db = openFakeDb();
      const membership = initialMembership(START_MS, this.applyVersion, "");
      const position = { generation: this.log.generation, id: 0, entryHash: "", stateHash: "" };
      new ClusterWriter(db).keep({ position, membership }, null);
      return new SimulatedNode(this, "abcde"[at] ?? "z", db, drawSkew(this.#random));
    });
    for (const node of this.nodes) node.start();
  }

  settle(id: number, outcome: Outcome): void {
    const made = must(this.#made.get(id), "a call that was made is answered");
    if (made.outcome !== null) throw new Error(`call ${made.name} is answered twice`);
    made.outcome = outcome;
  }

  /** Marks the calls at a node that have no answer: they may never get one. */
  lose(node: SimulatedNode): void {
    for (const made of this.#made.values()) if (made.node === node && made.outcome === null) made.lost = true;
  }

  /** Runs a number of steps, repairs everything, and compares. */
  async play(steps: number): Promise<SimulationFault | null> {
    try {
      for (let at = 0; at < steps; at++) {
        this.#step();
        await settled();
      }
      await this.#mend();
      this.#compare();
      return null;
    } catch (error) {
      return { seed: this.#seed, what: error instanceof Error ? `${error.message}\n${error.stack}` : String(error) };
    } finally {
      for (const { db } of this.nodes) db.close();
    }
  }

  #step(): void {
    const random = this.#random;
    const node = must(this.nodes[random(this.nodes.length)], "there are nodes");
    const drawn = random(1_000);
    // With a fault every few steps, nodes would hardly ever forward entries.
    const what = drawn >= FAULTS_FROM && this.isCalm && random(CALM) > 0 ? random(FAULTS_FROM) : drawn;
    if (what < 300) this.#call(node);
    else if (what < 700) this.log.step(random);
    else if (what < 820) this.#deferred(node);
    else if (what < FAULTS_FROM) this.#tick();
    else if (what < 930) node.skewMs = drawSkew(random);
    else if (what < 950) this.log.breakSession(random);
    else if (what < 965) {
      if (node.replica === null) node.start();
      else if (node.killingsLeft > 0 && random(3) === 0) {
        node.killingsLeft -= 1;
        node.dying = true;
      } else node.crash();
    } else if (what < 975) node.full = random(3) === 0;
    else if (what < 978) {
      // At least one node must apply the remaining entries of the older version.
      const newer = this.applyVersion + 1;
      if (node.applyVersion === newer || this.nodes.every((one) => one === node || one.applyVersion === newer)) return;
      node.crash();
      node.applyVersion = newer;
      node.start();
    } else if (what < 984) this.log.full = random(3) === 0;
    else if (what < 990) {
      if (random(2) === 0) {
        this.log.cut.add(node.name);
        this.log.breakSessionsOf(node.name);
      } else this.log.cut.clear();
    } else {
      this.keep(node);
      if (random(2) === 0) this.log.trim(must(this.snapshot, "one was just kept").position);
    }
  }

  #call(node: SimulatedNode): void {
    if (node.replica === null) return;
    const random = this.#random;
    for (let more = random(4); more >= 0; more--) {
      const method = [addLine, addLine, swapRegister, swapRegister, breakLine, leadLine][
        random(random(3) === 0 ? 6 : 4)
      ];
      const row = must(method, "one of the methods") as WriterMethod;
      const from = random(3) === 0 ? random(5) : this.#value;
      const to = random(5);
      if (method === swapRegister) this.#value = to;
      this.#ask(node, row, method === swapRegister ? { from, to } : {});
    }
    this.#take(node);
  }

  /** Calls a method at a node. */
  call(node: SimulatedNode, method: unknown): Made {
    const made = this.#ask(node, method as WriterMethod, {});
    this.#take(node);
    return made;
  }

  #ask(node: SimulatedNode, method: WriterMethod, rest: object): Made {
    const id = ++this.#id;
    const name = `call ${id}`;
    const made: Made = { name, node, outcome: null, lost: false };
    this.#made.set(id, made);
    const packing = packingOf(method.reply);
    node.mailbox.push({ id, method, packing, weight: 100, actor: node.name, trace: "", request: { name, ...rest } });
    return made;
  }

  /** The replica takes the mailbox, unless it has paused it. */
  #take(node: SimulatedNode): void {
    if (node.paused || node.replica === null || node.mailbox.length === 0) return;
    node.replica.execute(node.mailbox.splice(0));
  }

  #deferred(node: SimulatedNode): void {
    this.#runIn(node, () => {
      for (const work of node.deferred.splice(0)) work();
    });
    this.#take(node);
  }

  /** Runs something at a node that may crash its process. */
  #runIn(node: SimulatedNode, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof ProgramEnd)) throw error;
      node.crash();
    }
  }

  #tick(): void {
    this.nowMs += (this.isCalm ? CALM_TICK_MS : TICK_MS) * (1 + this.#random(4));
    for (const node of this.nodes) {
      this.#runIn(node, () => node.replica?.tick());
      this.#take(node);
    }
  }

  /** Keeps the content of a node as the snapshot, if it is newer than the last one. */
  keep(node: SimulatedNode): void {
    if (this.snapshot !== null && node.position < this.snapshot.position) return;
    this.snapshot = { position: node.position, content: contentOf(node.db) };
  }

  /** Repairs everything, and runs until all nodes are at the end of the log. */
  async #mend(): Promise<void> {
    this.log.full = false;
    this.log.cut.clear();
    for (const node of this.nodes) {
      node.full = false;
      node.dying = false;
      if (node.replica === null) node.start();
    }
    await this.playUntil(() => {
      for (const node of this.nodes) {
        const { state, reason } = must(node.replica, "all were started").status;
        if (state !== "halted") continue;
        if (!/the cluster uses apply version/.test(reason)) throw new Error(`node ${node.name} halted: ${reason}`);
        node.crash();
        node.start();
      }
      return (
        !this.log.busy &&
        this.#waiting.length === 0 &&
        this.nodes.every(
          ({ replica, position, mailbox }) =>
            // The status is last, because to make it takes the longest.
            position === this.log.last && mailbox.length === 0 && replica?.status.state === "ok",
        )
      );
    });
  }

  /**
   * Runs without further faults until a condition holds.
   * @param pace steps of the log between two looks
   */
  async playUntil(isSo: () => boolean, pace = 1): Promise<void> {
    for (let at = 0; at < MENDING_STEPS_MAX; at++) {
      for (let step = 0; step < pace; step++) this.log.step(this.#random);
      for (const node of this.nodes) this.#deferred(node);
      if (at % 10 === 0) this.#tick();
      await settled();
      if (isSo()) return;
    }
    const states = this.nodes.map(
      ({ name, replica, position }) => `${name} ${position} ${JSON.stringify(replica?.status)}`,
    );
    const waiting = this.#waiting.map(({ name, node }) => `${name} waits at ${node.name}`);
    throw new Error(
      `the cluster does not come to rest: log at ${this.log.last}; ${[...states, ...waiting].join("; ")}`,
    );
  }

  /** Calls that must still get an answer. */
  get #waiting(): readonly Made[] {
    return [...this.#made.values()].filter(({ outcome, lost }) => outcome === null && !lost);
  }

  #compare(): void {
    const [first, ...others] = this.nodes;
    const content = contentOf(must(first, "there is a node").db);
    for (const { db, name } of others)
      if (contentOf(db) !== content) throw new Error(`node ${name} holds something else than ${first?.name}`);
    const oracle = applyOneByOne(this.#messages(), this.applyVersion);
    if (oracle.content !== contentOf(must(first, "there is a node").db, CONTENT_TABLES))
      throw new Error(
        `the nodes hold something else than one writer alone: ${contentOf(must(first, "there is a node").db, CONTENT_TABLES)} instead of ${oracle.content}`,
      );
    for (const { name, outcome } of this.#made.values()) {
      const replies = oracle.replies.get(name);
      if (replies !== undefined && replies.length > 1) throw new Error(`${name} was carried out twice`);
      if (outcome === null) continue;
      if (outcome.kind === "refused") {
        if (replies !== undefined && !isRefusal(replies[0])) throw new Error(`${name} was refused, and carried out`);
      } else if (replies === undefined) throw new Error(`${name} was answered, and is lost`);
      else if (JSON.stringify(replies[0]) !== JSON.stringify(outcome.reply))
        throw new Error(`${name} was answered ${JSON.stringify(outcome.reply)}, not ${JSON.stringify(replies[0])}`);
    }
  }

  /** Counts messages with entries of several nodes, and entries that are in the log twice. */
  count(): { readonly bundles: number; readonly copies: number } {
    const seen = new Set<string>();
    let [bundles, copies] = [0, 0];
    for (const bytes of new Set(this.#messages())) {
      const entries = decodeMessage(bytes, FAKE_METHODS, 0);
      if (entries.length > 1) bundles += 1;
      if (entries.length > 1 && entries.some(({ head }) => head.applyVersion < BUNDLE_APPLY_VERSION_MIN))
        throw new Error("a node that reads no bundles has entries in one");
      for (const { head, content } of entries) {
        const name = `${head.node} ${head.epoch} ${head.number}`;
        if (content.kind === "calls" && seen.has(name)) copies += 1;
        seen.add(name);
      }
    }
    return { bundles, copies };
  }

  /** All messages that were ever in the log, in order. */
  #messages(): readonly Uint8Array[] {
    return this.log.history;
  }
}

const CONTENT_TABLES = ["line", "register", "trail"];

function isRefusal(reply: unknown): boolean {
  return reply instanceof Failure && reply.status === "UNAVAILABLE";
}

/** The state and the answers of a single writer that applies the accepted entries one call at a time. */
function applyOneByOne(
  messages: readonly Uint8Array[],
  founded: number,
): {
  readonly content: string;
  readonly replies: ReadonlyMap<string, unknown[]>;
} {
  const db = openFakeDb();
  const models = new Models(db, SETTINGS);
  const transaction = new Transaction({
    db,
    models,
    methods: FAKE_METHODS.rows,
    audit: trail,
    watched: new WatchedKinds(),
  });
  const replies = new Map<string, unknown[]>();
  const last = new Map<string, { readonly epoch: number; number: number; heard_at: number }>();
  let nowMs = START_MS;
  let applyVersion = founded;
  let term = 0;
  let leader = "";
  for (const [at, bytes] of messages.entries()) {
    if (applyVersion < CHECKED_FORMAT_APPLY_VERSION_MIN) checkOlderFormat(bytes);
    const counted: (EntryCall & { readonly isLeader: boolean })[] = [];
    for (const { head, content } of decodeMessage(bytes, FAKE_METHODS, applyVersion)) {
      if (content.kind === "hello") {
        if ((last.get(head.node)?.epoch ?? 0) !== content.replaces) continue;
        nowMs = Math.max(nowMs, head.at);
        for (const [node, { heard_at }] of last) if (nowMs - heard_at >= NODE_FORGOTTEN_MS) last.delete(node);
        last.set(head.node, { epoch: at + 1, number: 0, heard_at: nowMs });
        continue;
      }
      const known = last.get(head.node);
      if (known?.epoch !== head.epoch || known.number + 1 !== head.number) continue;
      known.number += 1;
      nowMs = Math.max(nowMs, head.at);
      known.heard_at = nowMs;
      if (content.kind === "upgrade") applyVersion = Math.max(applyVersion, content.to);
      if (head.applyVersion !== applyVersion) continue;
      if (content.kind === "candidacy" && content.term === term) {
        term += 1;
        leader = head.node;
      }
      if (content.kind !== "calls") continue;
      const isLeader = leader === head.node && content.term === term;
      counted.push(...content.calls.map((call) => ({ ...call, isLeader })));
    }
    // All calls of a message have the same time.
    for (const { method, actor, request, isLeader } of counted) {
      const { name } = request as { readonly name: string };
      const reply = runAlone(() => {
        if (method.inCluster === "leader" && !isLeader) return new Failure("UNAVAILABLE", "another node leads");
        transaction.nowMs = nowMs;
        return transaction.run({ method, actor, request });
      }, transaction);
      replies.set(name, [...(replies.get(name) ?? []), reply]);
    }
  }
  const content = contentOf(db, CONTENT_TABLES);
  db.close();
  return { content, replies };
}

/** Throws if the older nodes of a cluster that is being upgraded cannot read a message. */
function checkOlderFormat(bytes: Uint8Array): void {
  const mark = readMark(bytes);
  if (mark === null || mark === "damaged" || mark.format > 2)
    throw new Error("a message before the upgrade has a mark that older nodes cannot read");
}

/** The error of a clock: usually close to zero, sometimes hours or days. */
function drawSkew(random: Random): number {
  const spanMs = [3_600_000, 86_400_000, 3 * 86_400_000][random(3)] ?? 0;
  return random(4) === 0 ? spanMs * (random(3) - 1) : random(20) - 10;
}

function runAlone(run: () => unknown, transaction: Transaction): unknown {
  try {
    transaction.begin();
    const reply = run();
    transaction.commit();
    return reply;
  } catch (error) {
    transaction.rollBack(error, { push: () => undefined });
    return new Failure("INTERNAL", "internal error");
  }
}

/** Waits until the callbacks of all settled promises have run. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 8; turns++) await Promise.resolve();
}
