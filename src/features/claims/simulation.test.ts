/**
 * Simulates the whole life of claims on a manual clock. At random, claims are requested, queued, renewed, abandoned and
 * broken, their holders move to other checkouts and are deleted, and the server restarts. Some holders are subagents.
 * An independent checker reads the published events. This file has its own model of how long a claim may live, and when
 * it must have ended.
 */
import t from "tap";
import type { LeaseRecord } from "../../../schemas/leases.js";
import { must } from "../../base/assert.js";
import { Failure } from "../../base/result.js";
import { registerInstance, deregisterInstance, storeLastSeen } from "../instances/commands.js";
import { acquireLease, breakLease, releaseLease, renewLease } from "../leases/commands.js";
import { LeaseChecker } from "../../../test/support/lease-checker.js";
import { countRounds } from "../../../test/support/test-size.js";
import { endsAt, LATE_MS, People, SimulatedServer } from "../../../test/support/simulated-server.js";
import { makeRandom, newSeed } from "../../../test/support/random.js";
import { endClaims } from "./commands.js";

const METHODS = [
  registerInstance,
  deregisterInstance,
  storeLastSeen,
  acquireLease,
  releaseLease,
  renewLease,
  breakLease,
  endClaims,
];
const RESOURCES = ["path:a", "path:a/*", "path:a/**", "path:*/b", "path:a/{b,c}/d", "state:a", "state:a/b", "deploy"];
const HOLDERS = 4;
const CHECKOUTS = ["", "one", "two"];

t.test("random actions of a few agents", (t) => {
  const seed = newSeed();
  const random = makeRandom(seed);
  const steps = countRounds(50_000, 250_000);
  const pick = <Value>(values: readonly Value[]): Value => must(values[random(values.length)], "one of them");
  const checker = new LeaseChecker((id) => played.lease(id));
  /** The reason for which each lease was lost. */
  const lost = new Map<string, string>();
  const played = new SimulatedServer({
    methods: METHODS,
    hear: (event) => {
      checker.read(event);
      const { lease_id, reason } = event.data as { readonly lease_id: string; readonly reason: string };
      if (event.topic === "lease.lost") lost.set(lease_id, reason);
    },
  });
  const people = new People(played);
  const counts = new Map<string, number>();
  const problems: string[] = [];

  const live = (): LeaseRecord[] => played.mirror.list();

  /** Advances the clock. Afterwards no live claim may be overdue, and no claim may have ended too early. */
  const pass = (ms: number): void => {
    const before = live().map((record) => ({ record, endsMs: 0 }));
    played.nowMs += ms;
    for (const one of before)
      one.endsMs = endsAt(one.record, people.get(one.record.holder), played.startedMs, played.nowMs);
    played.expiry.tick(played.nowMs);
    for (const { record, endsMs } of before) {
      const reason = lost.get(`lease-${record.row}`);
      const lives = played.mirror.get(record.row);
      if (lives === undefined && endsMs > played.nowMs) problems.push(`lease-${record.row} ended too early: ${reason}`);
      // The server ends no claim while it is down, so the delay counts from its start.
      const lateMs = played.nowMs - Math.max(endsMs, played.startedMs);
      if (lives !== undefined && lives.fence === record.fence && lateMs > LATE_MS)
        problems.push(`lease-${record.row} should have ended ${lateMs} ms ago`);
    }
  };
  const actions: readonly (readonly [name: string, weight: number, act: () => void])[] = [
    [
      "acquire",
      10,
      () => {
        const person = pick(people.list);
        people.hear(person);
        const scope = random(2) === 0 ? ("repo" as const) : ("checkout" as const);
        const request = {
          scope,
          resources: Array.from({ length: 1 + random(2) }, () => pick(RESOURCES)),
          shared: random(3) === 0,
          workspace: "",
          ttl_s: 1 + random(60),
          max_s: 1 + random(200),
          reason: "",
          waits: random(3) > 0,
          queued: random(2) > 0,
          request_id: null,
        };
        const reply = played.reply(acquireLease, request, person.id);
        const isRefused = reply instanceof Failure && reply.message.startsWith("scope ");
        if (isRefused !== (scope === "checkout" && person.checkout === null))
          problems.push(`scope ${scope} in checkout ${person.checkout ?? "none"}: ${JSON.stringify(reply)}`);
        if (reply instanceof Failure) return;
        const { checkout, parent } = must(played.mirror.get(reply.row), "it lives");
        if (checkout !== person.checkout || parent !== person.parent)
          problems.push("it has another checkout or parent");
      },
    ],
    [
      "release",
      5,
      () => {
        const record = pick(live());
        people.hear(people.get(record.holder));
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
        people.hear(people.get(holder));
        played.reply(renewLease, { row, fence, ttl_s: 1 + random(60), touch: random(2) === 0 }, holder);
      },
    ],
    ["break", 1, () => void played.reply(breakLease, { row: pick(live()).row, reason: "x" }, "")],
    ["move", 2, () => people.move(pick(people.list), pick(CHECKOUTS) || null)],
    ["hear", 10, () => people.hear(pick(people.list))],
    [
      "busy",
      2,
      () => {
        const person = pick(people.list);
        people.setBusy(person, played.nowMs + random(3) * 20_000);
      },
    ],
    ["wait", 3, () => people.turnWait(pick(people.list))],
    [
      "delete",
      1,
      () => {
        const person = pick(people.list);
        const gone = [person, ...people.childrenOf(person)].map(({ id }) => id);
        people.replace(person);
        if (live().some(({ holder }) => gone.includes(holder))) problems.push(`${gone.join()} are gone, and hold`);
      },
    ],
    [
      "restart",
      1,
      () => {
        people.endWaits();
        const before = live().map(({ row, state }) => `${row} ${state}`);
        people.restart(random(2) === 0, random(3) * 1_000);
        const after = live().map(({ row, state }) => `${row} ${state}`);
        if (after.join() !== before.join()) problems.push("a restart lost claims");
      },
    ],
    ["pass", 20, () => pass(100)],
    ["pass long", 2, () => pass(random(20_000))],
  ];
  const weighted = actions.flatMap((action) => new Array<(typeof actions)[number]>(action[1]).fill(action));

  for (let count = 0; count < HOLDERS; count++) people.register([], { checkout: pick(CHECKOUTS) || null });
  // The first has two subagents, and the second has one.
  for (const at of [0, 0, 1]) {
    const { id: parent, checkout } = must(people.list[at], "it is registered");
    people.register([], { parent, checkout });
  }
  for (let step = 0; step < steps && problems.length === 0 && checker.problems.length === 0; step++) {
    const [name, , act] = pick(weighted);
    if (live().length === 0 && ["release", "renew", "break"].includes(name)) continue;
    if (live().length > 25 && name === "acquire") continue;
    act();
    counts.set(name, (counts.get(name) ?? 0) + 1);
    checker.readEnd();
    const { held, waiting } = checker;
    const shown = live();
    if (
      shown.filter(({ state }) => state === "held").length !== held.size ||
      shown.filter(({ state }) => state === "waiting").length !== waiting.size
    )
      problems.push(`after ${name} the front knows other claims than the events report`);
    if (problems.length > 0) problems.push(`at step ${step}, ${name}`);
  }
  t.same([...problems, ...checker.problems], [], `seed ${seed}`);
  t.ok(checker.granted > steps / 50, `${checker.granted} grants`);
  const reasons = new Set(lost.values());
  t.same([...reasons].toSorted(), ["broken", "expired", "holder deleted", "max_s"], "every kind of loss came up");
  played.close();
  t.end();
});
