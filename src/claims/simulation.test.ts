/**
 * Claims as a whole, on a clock that is set by hand: asked for, queued, kept alive, forgotten, broken, their holders
 * deleted and the server started anew, by chance. The events are read by an independent checker; when a claim may live
 * and when it must be dead is kept here, sentence by sentence.
 */
import t from "tap";
import { must } from "../base/assert.js";
import { auditTrail } from "../audit/table.js";
import { Failure } from "../base/result.js";
import { registerInstance, deregisterInstance, storeSightings } from "../instances/commands.js";
import { Directory } from "../instances/directory.js";
import { holdersOf } from "../instances/holders.js";
import { InstanceReader } from "../instances/table.js";
import { acquireLease, breakLease, releaseLease, renewLease } from "../leases/commands.js";
import { eventsOf } from "../events/encode.js";
import { EVENTS } from "../events/publisher.js";
import { packingOf } from "../rpc/packing.js";
import type { Notice, ReplyOf, RequestOf } from "../rpc/method.js";
import type { RpcServer, ServerCall } from "../rpc/server.js";
import { migrate } from "../store/migrate.js";
import { openDatabase } from "../store/sqlite/choice.js";
import { Batch } from "../threads/batch.js";
import { Models } from "../threads/model.js";
import { WatchedKinds } from "../threads/watched-kinds.js";
import type { Writer } from "../threads/writer.js";
import type { WriterMethod } from "../threads/writer-method.js";
import { LeaseChecker } from "../../test/support/lease-checker.js";
import { countRounds } from "../../test/support/effort.js";
import { quietLog } from "../../test/support/quiet-log.js";
import { makeRandom, newSeed } from "../../test/support/random.js";
import { LEASES } from "./book.js";
import { endClaims } from "./commands.js";
import { Expiry } from "./expiry.js";
import { LeaseMirror } from "./mirror.js";
import { LeaseReader } from "./table.js";
import type { LeaseRecord } from "../../schemas/leases.js";

const METHODS = [
  registerInstance,
  deregisterInstance,
  storeSightings,
  acquireLease,
  releaseLease,
  renewLease,
  breakLease,
  endClaims,
];
const RESOURCES = ["path:a", "path:a/*", "path:a/**", "path:*/b", "state:a", "deploy"];
const HOLDERS = 5;
const OFFER_MS = 30_000;
const RESTART_MS = 15_000;
/** How late an end may be: a slot, and what passes between two ticks. */
const LATE_MS = 200;

/** A server without its threads and sockets. */
class Played {
  now_ms = 1_000_000;
  started_ms = this.now_ms;
  readonly checker = new LeaseChecker();
  readonly #db = openDatabase(":memory:");
  #batch: Batch;
  directory: Directory;
  mirror: LeaseMirror;
  expiry: Expiry;
  readonly clock = { now: () => this.now_ms };
  /** Why each lease was lost. */
  readonly lost = new Map<string, string>();

  constructor() {
    migrate(this.#db);
    this.#batch = this.#openBatch();
    [this.directory, this.mirror, this.expiry] = this.#openFront();
  }

  /** Whatever only memory knew is gone. */
  restart(): void {
    this.started_ms = this.now_ms;
    this.#batch = this.#openBatch();
    [this.directory, this.mirror, this.expiry] = this.#openFront();
  }

  #openBatch(): Batch {
    return new Batch({
      db: this.#db,
      models: new Models(this.#db, { state_history: 0, state_events: false, event_history: 0 }),
      methods: METHODS,
      audit: auditTrail,
      clock: this.clock,
      committed: new BigInt64Array(1),
      watched: new WatchedKinds(),
    });
  }

  #openFront(): [Directory, LeaseMirror, Expiry] {
    const directory: Directory = new Directory({
      onSeen: ({ id }, seen_ms) => this.expiry.hear(id, seen_ms),
      onIdle: ({ id }) => this.expiry.hurry(id),
    });
    directory.load(new InstanceReader(this.#db).all());
    const mirror = new LeaseMirror();
    const writer = { call: this.call.bind(this) } as unknown as Writer;
    const holders = holdersOf(directory);
    const { clock, started_ms } = this;
    const expiry = new Expiry({ mirror, holders, writer, clock, log: quietLog(), started_ms });
    mirror.load(new LeaseReader(this.#db).live());
    return [directory, mirror, expiry];
  }

  /** As the writer's, at once. */
  call<Row extends WriterMethod>(
    method: Row,
    request: RequestOf<Row>,
    context: { readonly actor: string },
    done: (reply: ReplyOf<Row> | Failure) => void = () => undefined,
  ): void {
    const server = {
      depth: 0,
      notify: (notice: Notice, payload: unknown) => {
        if (notice === LEASES) this.mirror.accept(payload as LeaseRecord[]);
        if (notice !== EVENTS) return;
        for (const { id, topic, text } of eventsOf(payload as Parameters<typeof eventsOf>[0])) {
          const { data } = JSON.parse(text) as { data: { lease_id: string; reason: string } };
          this.checker.read({ id, topic, data });
          if (topic === "lease.lost") this.lost.set(data.lease_id, data.reason);
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
    this.#db.close();
  }
}

/** What is known here of an instance. */
interface Person {
  readonly id: string;
  heard_ms: number;
  busy_ms: number;
  endWait: (() => void) | null;
}

/** Between when and when a claim ends, if nothing more is heard; the rules in their own words. */
function endsAt(record: LeaseRecord, person: Person, started_ms: number, now_ms: number): number {
  const ttl_ms = record.ttl_s * 1000;
  const heard_ms = Math.max(person.heard_ms, person.busy_ms, person.endWait === null ? 0 : now_ms);
  if (record.granted_at === null) return graced(Math.max(heard_ms, record.requested_at) + ttl_ms);
  const untaken = record.offered && heard_ms <= record.granted_at;
  const alive_ms = untaken
    ? record.granted_at + Math.min(OFFER_MS, ttl_ms)
    : Math.max(heard_ms, record.granted_at) + ttl_ms;
  return Math.min(graced(alive_ms), record.granted_at + record.max_s * 1000);

  function graced(ends_ms: number): number {
    const begun_ms = record.granted_at ?? record.requested_at;
    return begun_ms < started_ms ? Math.max(ends_ms, started_ms + RESTART_MS) : ends_ms;
  }
}

t.test("any day of a few agents", (t) => {
  const seed = newSeed();
  const random = makeRandom(seed);
  const steps = countRounds(100_000, 1_000_000);
  const pick = <Value>(values: readonly Value[]): Value => must(values[random(values.length)], "one of them");
  const played = new Played();
  const people: Person[] = [];
  const counts = new Map<string, number>();
  const problems: string[] = [];
  let made = 0;

  const hear = (person: Person): void => {
    played.directory.see(must(played.directory.get(person.id), "it is registered"), played.now_ms);
    person.heard_ms = played.now_ms;
  };
  const register = (): void => {
    made += 1;
    const id = `i${made}`;
    const token_hash = made.toString(16).padStart(8, "0");
    const request = { id, token_hash, name: id, workspace: "", intent: "", stack: "", capabilities: [] };
    const reply = played.reply(registerInstance, request, "");
    if (reply instanceof Failure) throw new Error(reply.message);
    played.directory.add({
      ...request,
      ...reply,
      status: "pending",
      last_seen: reply.registered_at,
      busy_until: 0,
    });
    people.push({ id, heard_ms: played.now_ms, busy_ms: 0, endWait: null });
  };
  const personOf = (id: string): Person =>
    must(
      people.find((person) => person.id === id),
      "whose claim it is",
    );
  const live = (): LeaseRecord[] => played.mirror.list();

  /** Nothing that lives is overdue, and nothing that was not over has ended. */
  const pass = (ms: number): void => {
    const before = live().map((record) => ({ record, ends_ms: 0 }));
    played.now_ms += ms;
    for (const one of before)
      one.ends_ms = endsAt(one.record, personOf(one.record.holder), played.started_ms, played.now_ms);
    played.expiry.tick(played.now_ms);
    for (const { record, ends_ms } of before) {
      const reason = played.lost.get(`lease-${record.row}`);
      const lives = played.mirror.get(record.row);
      if (lives === undefined && ends_ms > played.now_ms)
        problems.push(`lease-${record.row} ended too early: ${reason}`);
      // Nobody ends what is over while the server is down.
      const late_ms = played.now_ms - Math.max(ends_ms, played.started_ms);
      if (lives !== undefined && lives.fence === record.fence && late_ms > LATE_MS)
        problems.push(`lease-${record.row} should have ended ${late_ms} ms ago`);
    }
  };
  const actions: readonly (readonly [name: string, weight: number, act: () => void])[] = [
    [
      "acquire",
      10,
      () => {
        const person = pick(people);
        hear(person);
        const request = {
          resources: Array.from({ length: 1 + random(2) }, () => pick(RESOURCES)),
          shared: random(3) === 0,
          workspace: "",
          ttl_s: 1 + random(60),
          max_s: 1 + random(200),
          reason: "",
          waits: random(3) > 0,
          request_id: null,
        };
        played.reply(acquireLease, request, person.id);
      },
    ],
    [
      "release",
      5,
      () => {
        const record = pick(live());
        hear(personOf(record.holder));
        const fence = record.fence === 0 ? null : record.fence;
        const reply = played.reply(releaseLease, { row: record.row, fence }, record.holder);
        if (reply instanceof Failure && played.mirror.get(record.row) !== undefined) problems.push(reply.message);
      },
    ],
    [
      "renew",
      2,
      () => {
        const { row, fence, holder } = pick(live());
        hear(personOf(holder));
        played.reply(renewLease, { row, fence, ttl_s: 1 + random(60) }, holder);
      },
    ],
    ["break", 1, () => void played.reply(breakLease, { row: pick(live()).row, reason: "x" }, "")],
    ["hear", 10, () => hear(pick(people))],
    [
      "busy",
      2,
      () => {
        const person = pick(people);
        hear(person);
        const until_ms = played.now_ms + random(3) * 20_000;
        played.directory.setBusy(must(played.directory.get(person.id), "it is there"), until_ms, played.now_ms);
        person.busy_ms = until_ms === played.now_ms ? 0 : Math.max(person.busy_ms, until_ms);
      },
    ],
    [
      "wait",
      3,
      () => {
        const person = pick(people);
        const entry = must(played.directory.get(person.id), "it is there");
        if (person.endWait === null) {
          hear(person);
          person.endWait = played.directory.beginWait(entry, () => played.now_ms);
        } else {
          person.endWait();
          person.endWait = null;
          person.heard_ms = played.now_ms;
        }
      },
    ],
    [
      "delete",
      1,
      () => {
        const person = pick(people);
        played.reply(deregisterInstance, { id: person.id }, "");
        played.directory.remove(person.id);
        if (live().some(({ holder }) => holder === person.id)) problems.push(`${person.id} is gone, and holds`);
        people.splice(people.indexOf(person), 1);
        register();
      },
    ],
    [
      "restart",
      1,
      () => {
        for (const person of people) person.endWait?.();
        // What was heard is on disk or not.
        const seen = random(2) === 0 ? played.directory.takeSeen(1_000) : [];
        const request = {
          rows: seen.map(({ row }) => row),
          last_seen: seen.map(({ last_seen }) => last_seen),
          busy_until: seen.map(({ busy_until }) => busy_until),
        };
        played.reply(storeSightings, request, "");
        const before = live().map(({ row, state }) => `${row} ${state}`);
        played.now_ms += random(3) * 1_000;
        played.restart();
        if (
          live()
            .map(({ row, state }) => `${row} ${state}`)
            .join() !== before.join()
        )
          problems.push("a restart lost some");
        for (const person of people) {
          const entry = must(played.directory.get(person.id), "it is stored");
          Object.assign(person, { heard_ms: entry.last_seen, busy_ms: entry.busy_until, endWait: null });
        }
      },
    ],
    ["pass", 20, () => pass(100)],
    ["pass long", 2, () => pass(random(20_000))],
  ];
  const weighted = actions.flatMap((action) => new Array<(typeof actions)[number]>(action[1]).fill(action));

  for (let count = 0; count < HOLDERS; count++) register();
  for (let step = 0; step < steps && problems.length === 0 && played.checker.problems.length === 0; step++) {
    const [name, , act] = pick(weighted);
    if (live().length === 0 && ["release", "renew", "break"].includes(name)) continue;
    if (live().length > 25 && name === "acquire") continue;
    act();
    counts.set(name, (counts.get(name) ?? 0) + 1);
    played.checker.readEnd();
    const { held, waiting } = played.checker;
    const shown = live();
    if (
      shown.filter(({ state }) => state === "held").length !== held.size ||
      shown.filter(({ state }) => state === "waiting").length !== waiting.size
    )
      problems.push(`after ${name} the front knows other claims than the events tell`);
    if (problems.length > 0) problems.push(`at step ${step}, ${name}`);
  }
  t.same([...problems, ...played.checker.problems], [], `seed ${seed}`);
  t.ok(played.checker.granted > steps / 50, `${played.checker.granted} grants`);
  const reasons = new Set(played.lost.values());
  t.same([...reasons].toSorted(), ["broken", "expired", "holder deleted", "max_s"], "every kind of loss came up");
  played.close();
  t.end();
});
