/**
 * Simulates the whole life of claims on a manual clock. Random steps request, queue, renew, abandon and break claims.
 * They also move holders to other checkouts, delete holders, and restart the server. Some holders are subagents. An
 * independent checker reads the published events. This file has a second implementation of the rules for the life of a
 * claim.
 */
import t, { type Test } from "tap";
import type { AcquireRequest, LeaseRecord } from "../../../schemas/leases.js";
import { must } from "../../base/assert.js";
import { Failure } from "../../base/result.js";
import { registerInstance, deregisterInstance, storeLastSeen } from "../instances/commands.js";
import { acquireLease, breakLease, releaseLease, renewLease } from "../leases/commands.js";
import { LeaseChecker } from "../../../test/support/lease-checker.js";
import { countRounds } from "../../../test/support/test-size.js";
import { endsAt, LATE_MS, People, SimulatedServer } from "../../../test/support/simulated-server.js";
import { makeRandom, newSeed, type Random } from "../../../test/support/random.js";
import { readGroups } from "./alternatives.js";
import { endClaims } from "./commands.js";
import { resourcesOf } from "./lease.js";

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
const NAMES = ["n1", "n2", "n3", "n4", "path:a/*", "deploy"];
/** The groups of alternatives that are asked for. */
const GROUPS = [["n1|n2"], ["n1..3"], ["n3|deploy"], ["n1..2", "n2|n3"], ["n4"]];
const HOLDERS = 4;
const CHECKOUTS = ["", "one", "two"];

/** The events and refusals that must occur in each simulation of limited claims. */
const OF_LIMITED = [
  ...["lease.waiting with any", "lease.granted with any", "lease.waiting with max_holders"],
  ...["lease.granted with max_holders", "this would deadlock"],
];

interface HeardLease {
  readonly lease_id: string;
  readonly reason: string;
  readonly any?: readonly string[];
  readonly max_holders?: number;
}

type Names = Pick<AcquireRequest, "resources" | "shared" | "max_holders" | "any">;

function drawPlain(random: Random, pick: <Value>(values: readonly Value[]) => Value): Names {
  const resources = Array.from({ length: 1 + random(2) }, () => pick(RESOURCES));
  return { resources, shared: random(3) === 0 };
}

/** Draws a random request. Some requests need one of several names, or share names with a limited number of holders. */
function drawLimited(random: Random, pick: <Value>(values: readonly Value[]) => Value): Names {
  const any = random(2) === 0 ? pick(GROUPS) : [];
  const resources = Array.from({ length: random(2) + (any.length === 0 ? 1 : 0) }, () => pick(NAMES));
  // The front allows `max_holders` only for names. It also rejects a group if the request already needs all of its
  // names.
  const mayCount = !resources.some((text) => text.startsWith("path:"));
  const isCounted = mayCount && random(2) === 0;
  const names = { shared: isCounted || random(4) === 0, ...(isCounted ? { max_holders: 2 + random(2) } : {}) };
  const groups = readGroups(any, "", resourcesOf(resources, ""));
  return { resources, ...names, ...(any.length === 0 || groups instanceof Failure ? {} : { any: [...any] }) };
}

/** @param mustCount the events and refusals that must occur in the simulation */
function simulate(t: Test, draw: typeof drawPlain, steps: number, mustCount: readonly string[]): void {
  const seed = newSeed();
  const random = makeRandom(seed);
  const pick = <Value>(values: readonly Value[]): Value => must(values[random(values.length)], "one of them");
  const counts = new Map<string, number>();
  const count = (name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1);
  const checker = new LeaseChecker((id) => played.lease(id));
  /** The reason for which each lease was lost. */
  const lost = new Map<string, string>();
  const played = new SimulatedServer({
    methods: METHODS,
    hear: (event) => {
      const { lease_id, reason, any, max_holders } = event.data as HeardLease;
      const waits = event.topic === "lease.waiting" || checker.waiting.has(lease_id);
      checker.read(event);
      if (waits && any !== undefined) count(`${event.topic} with any`);
      if (waits && max_holders !== undefined) count(`${event.topic} with max_holders`);
      if (event.topic === "lease.lost") lost.set(lease_id, reason);
    },
  });
  const people = new People(played);
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
      // A server that is down ends no claims, so the delay counts from the start of the server.
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
          ...draw(random, pick),
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
        if (reply instanceof Failure) count(reply.message);
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

  for (let made = 0; made < HOLDERS; made++) people.register([], { checkout: pick(CHECKOUTS) || null });
  // The first agent has two subagents, and the second agent has one.
  for (const at of [0, 0, 1]) {
    const { id: parent, checkout } = must(people.list[at], "it is registered");
    people.register([], { parent, checkout });
  }
  for (let step = 0; step < steps && problems.length === 0 && checker.problems.length === 0; step++) {
    const [name, , act] = pick(weighted);
    if (live().length === 0 && ["release", "renew", "break"].includes(name)) continue;
    if (live().length > 25 && name === "acquire") continue;
    act();
    count(name);
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
  t.same(
    mustCount.filter((name) => (counts.get(name) ?? 0) < 20),
    [],
    `all of these came up: ${JSON.stringify(Object.fromEntries(counts))}`,
  );
  played.close();
  t.end();
}

t.test("random actions of a few agents", (t) => simulate(t, drawPlain, countRounds(40_000, 200_000), []));

t.test("random actions of a few agents that need one of several names, or share names with a few", (t) =>
  simulate(t, drawLimited, countRounds(10_000, 60_000), OF_LIMITED),
);
