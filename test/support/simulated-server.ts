/**
 * Simulates a server without threads and sockets, on a clock that the test sets. It has the writer's methods in a
 * batch, and the part of the front thread that expires claims. A restart loses everything that was only in memory.
 */
import type { Checkout } from "../../schemas/instances.js";
import { leaseRow } from "../../src/features/claims/lease.js";
import type { LeaseRecord } from "../../schemas/leases.js";
import { auditTrail } from "../../src/features/audit/table.js";
import { must } from "../../src/base/assert.js";
import { Failure } from "../../src/base/result.js";
import { SharedCounter } from "../../src/base/shared-counter.js";
import { LEASES } from "../../src/features/claims/claim-changes.js";
import { Expiry } from "../../src/features/claims/expiry.js";
import { LeaseProjection } from "../../src/features/claims/lease-projection.js";
import { LeaseReader } from "../../src/features/claims/table.js";
import { eventsOf } from "../../src/features/events/encode.js";
import { EVENTS } from "../../src/features/events/publisher.js";
import { deregisterInstance, registerInstance, storeLastSeen } from "../../src/features/instances/commands.js";
import { Directory } from "../../src/features/instances/directory.js";
import type { Entry } from "../../src/features/instances/entry.js";
import { holdersOf } from "../../src/features/instances/holders.js";
import { checkoutText, InstanceReader } from "../../src/features/instances/table.js";
import type { PushMessage, ReplyOf, RequestOf } from "../../src/platform/rpc/method.js";
import { packingOf } from "../../src/platform/rpc/packing.js";
import type { RpcServer, ServerCall } from "../../src/platform/rpc/server.js";
import { migrate } from "../../src/platform/store/migrate.js";
import { openDatabase } from "../../src/platform/store/sqlite/choice.js";
import { Batch } from "../../src/platform/threads/batch.js";
import { Models } from "../../src/platform/threads/model.js";
import { WatchedKinds } from "../../src/platform/threads/watched-kinds.js";
import type { Writer } from "../../src/platform/threads/writer.js";
import type { WriterMethod } from "../../src/platform/threads/writer-method.js";
import { quietLog } from "./quiet-log.js";

/** The time within which a waiter must confirm a grant, and the minimum time for which claims live after a restart. */
const OFFER_MS = 30_000;
const RESTART_MS = 15_000;
/** The maximum delay with which a claim ends: one slot, and the time between two ticks. */
export const LATE_MS = 200;

/** A published event. */
export interface PublishedEvent {
  readonly id: number;
  readonly topic: string;
  readonly data: unknown;
}

export interface SimulatedOptions {
  readonly methods: readonly WriterMethod[];
  /** Called with each published event, in their order. */
  readonly hear: (event: PublishedEvent) => void;
  /** Called with each push message of the writer. */
  readonly notice?: (message: PushMessage, payload: unknown) => void;
}

export class SimulatedServer {
  nowMs = 1_000_000;
  startedMs = this.nowMs;
  readonly db = openDatabase(":memory:");
  #batch: Batch;
  directory: Directory;
  mirror: LeaseProjection;
  expiry: Expiry;
  readonly clock = { now: () => this.nowMs };
  readonly #options: SimulatedOptions;
  readonly #leases: LeaseReader;

  constructor(options: SimulatedOptions) {
    this.#options = options;
    migrate(this.db);
    this.#leases = new LeaseReader(this.db);
    this.#batch = this.#openBatch();
    [this.directory, this.mirror, this.expiry] = this.#openFront();
  }

  /** Returns the record of a lease or of a task's claim, which may have ended. */
  lease(id: string): LeaseRecord {
    return must(this.#leases.get(leaseRow(id) ?? 0), `${id} is stored`);
  }

  /** Restarts the server. Everything that was only in memory is lost. */
  restart(): void {
    this.startedMs = this.nowMs;
    this.#batch = this.#openBatch();
    [this.directory, this.mirror, this.expiry] = this.#openFront();
  }

  #openBatch(): Batch {
    return new Batch({
      db: this.db,
      models: new Models(this.db, { state_history: 0, state_events: false, event_history: 0 }),
      methods: this.#options.methods,
      audit: auditTrail,
      clock: this.clock,
      committed: new SharedCounter(),
      watched: new WatchedKinds(),
    });
  }

  #openFront(): [Directory, LeaseProjection, Expiry] {
    const directory: Directory = new Directory({
      onSeen: ({ id }, seenMs) => this.expiry.endOverdue(id, seenMs),
      onIdle: ({ id }) => this.expiry.hurry(id),
    });
    directory.load(new InstanceReader(this.db).all());
    const mirror = new LeaseProjection();
    const writer = { call: this.call.bind(this) } as unknown as Writer;
    const holders = holdersOf(directory);
    const { clock, startedMs } = this;
    // The simulated server never pauses, however far its clock is set forward.
    const resumed = { beforeMs: Number.NEGATIVE_INFINITY, at_ms: startedMs, untilMs: startedMs + RESTART_MS };
    const pauseDetector = { resumed: () => resumed };
    const expiry = new Expiry({ leases: mirror, holders, writer, clock, log: quietLog(), pauseDetector, shared: null });
    mirror.load(this.#leases.live());
    return [directory, mirror, expiry];
  }

  /** Makes a call synchronously, as the writer does. */
  call<Row extends WriterMethod>(
    method: Row,
    request: RequestOf<Row>,
    context: { readonly actor: string },
    done: (reply: ReplyOf<Row> | Failure) => void = () => undefined,
  ): void {
    const server = {
      depth: 0,
      push: (message: PushMessage, payload: unknown) => {
        if (message === LEASES) this.mirror.accept(payload as LeaseRecord[]);
        this.#options.notice?.(message, payload);
        if (message !== EVENTS) return;
        for (const { id, topic, text } of eventsOf(payload as Parameters<typeof eventsOf>[0])) {
          const { data } = JSON.parse(text) as { data: unknown };
          this.#options.hear({ id, topic, data });
        }
      },
      reply: (_call: ServerCall, reply: unknown) => done(reply as ReplyOf<Row>),
      fail: (_call: ServerCall, failure: Failure) => done(failure),
      flush: () => undefined,
    };
    const packing = packingOf(method.reply);
    this.#batch.execute(
      [{ id: 1, method, packing, request, actor: context.actor, trace: "", weight: 1 }],
      server as unknown as RpcServer<WriterMethod>,
    );
  }

  reply<Row extends WriterMethod>(method: Row, request: RequestOf<Row>, actor: string): ReplyOf<Row> | Failure {
    const answers: (ReplyOf<Row> | Failure)[] = [];
    this.call(method, request, { actor }, (reply) => answers.push(reply));
    return answers[0] as ReplyOf<Row> | Failure;
  }

  close(): void {
    this.db.close();
  }
}

/** The test's own record about an instance. */
export interface Person {
  readonly id: string;
  /** The id of the instance whose subagent this instance is. */
  readonly parent: string | null;
  /** The id of the instance's checkout. */
  checkout: string | null;
  heardMs: number;
  busyMs: number;
  endWait: (() => void) | null;
}

/** The fields on which the end of a claim depends. */
export type ClaimedLife = Pick<
  LeaseRecord,
  "ttl_s" | "max_s" | "offered" | "requested_at" | "granted_at" | "touched_at"
>;

/**
 * Returns the time at which a claim ends if there is no further heartbeat. The rules are written independently of the
 * server's code.
 */
export function endsAt(record: ClaimedLife, person: Person, startedMs: number, nowMs: number): number {
  const ttlMs = record.ttl_s * 1000;
  const heardMs = Math.max(person.heardMs, person.busyMs, person.endWait === null ? 0 : nowMs);
  if (record.granted_at === null) return graced(Math.max(heardMs, record.requested_at) + ttlMs);
  const untaken = record.offered && heardMs <= record.granted_at;
  const aliveMs = untaken
    ? record.granted_at + Math.min(OFFER_MS, ttlMs)
    : Math.max(heardMs, record.granted_at) + ttlMs;
  return graced(Math.min(aliveMs, (record.touched_at ?? record.granted_at) + record.max_s * 1000));

  function graced(endsMs: number): number {
    const claimStartMs = record.granted_at ?? record.requested_at;
    return claimStartMs < startedMs ? Math.max(endsMs, startedMs + RESTART_MS) : endsMs;
  }
}

function checkoutOf(id: string): Checkout {
  return { id, branch: null, root: null, machine: null };
}

/** The instances, and the time when each was last seen. */
export class People {
  readonly list: Person[] = [];
  readonly #server: SimulatedServer;
  #made = 0;

  constructor(server: SimulatedServer) {
    this.#server = server;
  }

  /**
   * Registers an instance.
   * @param of the instance whose subagent it is, and its checkout
   */
  register(capabilities: readonly string[] = [], of: Partial<Pick<Person, "parent" | "checkout">> = {}): Person {
    const { parent = null, checkout: checkoutId = null } = of;
    const checkout = checkoutId === null ? null : checkoutOf(checkoutId);
    const server = this.#server;
    this.#made += 1;
    const id = `i${this.#made}`;
    const tokenHash = this.#made.toString(16).padStart(8, "0");
    const request = {
      id,
      registered_by: "",
      token_hash: tokenHash,
      name: id,
      workspace: "",
      intent: "",
      stack: "",
      capabilities: [...capabilities],
      checkout,
      account: null,
    };
    const reply = server.reply(registerInstance, request, "");
    if (reply instanceof Failure) throw new Error(reply.message);
    // The parent is set by SQL, because only the hooks of clients make subagents.
    server.db.prepare("UPDATE instance SET parent = ? WHERE id = ?").run(parent, id);
    server.directory.add({
      ...request,
      ...reply,
      parent,
      session: null,
      status: "pending",
      last_seen: reply.registered_at,
      busy_until: 0,
    });
    const person = { id, parent, checkout: checkoutId, heardMs: server.nowMs, busyMs: 0, endWait: null };
    this.list.push(person);
    return person;
  }

  get(id: string): Person {
    return must(
      this.list.find((person) => person.id === id),
      "the holder is registered",
    );
  }

  /** Sends a heartbeat. */
  hear(person: Person): void {
    this.#server.directory.touch(this.#entryOf(person), this.#server.nowMs);
    person.heardMs = this.#server.nowMs;
  }

  setBusy(person: Person, untilMs: number): void {
    const server = this.#server;
    this.hear(person);
    server.directory.setBusy(this.#entryOf(person), untilMs, server.nowMs);
    person.busyMs = untilMs === server.nowMs ? 0 : Math.max(person.busyMs, untilMs);
  }

  /** Makes the instance wait in a call, or ends its wait. */
  turnWait(person: Person): void {
    const server = this.#server;
    if (person.endWait === null) {
      this.hear(person);
      person.endWait = server.directory.beginWait(this.#entryOf(person), () => server.nowMs);
      return;
    }
    person.endWait();
    person.endWait = null;
    person.heardMs = server.nowMs;
  }

  /** Moves the instance to another checkout, or to none. */
  move(person: Person, checkoutId: string | null): void {
    const { db, directory } = this.#server;
    const checkout = checkoutId === null ? null : checkoutOf(checkoutId);
    db.prepare("UPDATE instance SET checkout = ? WHERE id = ?").run(checkoutText(checkout), person.id);
    directory.setCheckout(this.#entryOf(person), checkout);
    person.checkout = checkoutId;
  }

  childrenOf({ id }: Person): Person[] {
    return this.list.filter(({ parent }) => parent === id);
  }

  /** Deletes the instance and its subagents, and registers others in their places. Returns the new instances. */
  replace(person: Person, capabilities: readonly string[] = []): Person[] {
    const children = this.childrenOf(person);
    for (const one of [...children, person]) {
      this.#server.reply(deregisterInstance, { id: one.id, at: null }, "");
      this.#server.directory.remove(one.id);
      this.list.splice(this.list.indexOf(one), 1);
    }
    const heir = this.register(capabilities, person);
    return [heir, ...children.map(({ checkout }) => this.register(capabilities, { parent: heir.id, checkout }))];
  }

  /**
   * Ends every waiting call. Each end counts as a heartbeat, so that claims that should have ended by now have ended.
   */
  endWaits(): void {
    for (const person of this.list) if (person.endWait !== null) this.turnWait(person);
  }

  /**
   * Restarts the server.
   * @param stored whether the last seen times were written to disk
   */
  restart(stored: boolean, downMs: number): void {
    const server = this.#server;
    this.endWaits();
    const seen = stored ? server.directory.takeUnsaved(1_000) : [];
    const request = {
      rows: seen.map(({ row }) => row),
      last_seen: seen.map(({ last_seen }) => last_seen),
      busy_until: seen.map(({ busy_until }) => busy_until),
    };
    server.reply(storeLastSeen, request, "");
    server.nowMs += downMs;
    server.restart();
    for (const person of this.list) {
      const { last_seen, busy_until } = this.#entryOf(person);
      Object.assign(person, { heardMs: last_seen, busyMs: busy_until, endWait: null });
    }
  }

  #entryOf({ id }: Person): Entry {
    return must(this.#server.directory.get(id), "it is registered");
  }
}
