/**
 * Tests replicas in random runs over a simulated log, which loses, delays and duplicates entries, and disconnects
 * nodes. A seed determines each run. If a run fails, the message contains its seed.
 */
import t from "tap";
import { Simulation, type SimulatedNode, type SimulationFault } from "../../test/cluster/simulation.js";
import { addLine, FAKE_METHODS } from "../../test/cluster/fake-methods.js";
import { countRounds } from "../../test/support/test-size.js";
import { newSeed } from "../../test/support/random.js";
import { must } from "../base/assert.js";
import { BUNDLE_APPLY_VERSION_MIN } from "./bundle.js";
import { encodeEntry } from "./entry.js";

const RUNS = countRounds(350, 1_500);

t.test(`${RUNS} random runs of one to three replicas`, async (t) => {
  const one = process.env["KOOR_SIMULATION_SEED"];
  const base = Number(one ?? newSeed());
  const runs = one === undefined ? RUNS : 1;
  let fault: SimulationFault | null = null;
  let [bundles, copies] = [0, 0];
  for (let at = 0; at < runs && fault === null; at++) {
    const seed = (base + at) >>> 0;
    const simulation = new Simulation(seed, 1 + (seed % 3));
    fault = await simulation.play((simulation.isCalm ? 3 : 1) * (60 + (seed % 140)));
    const counted = simulation.count();
    bundles += counted.bundles;
    copies += counted.copies;
  }
  t.comment(`${bundles} bundles, ${copies} entries twice in the log`);
  if (runs === RUNS)
    t.ok(bundles > runs / 5 && copies > runs / 20, "nodes forward entries, and append some of them, too");
  t.equal(
    fault,
    null,
    fault === null ? "all as one writer alone" : `KOOR_SIMULATION_SEED=${fault.seed}: ${fault.what}`,
  );
});

const DAY_MS = 86_400_000;
/** The number of the log's steps between two checks. It is small, so that no node is silent for long. */
const PROMPT = 10;

for (const { what, skews, steps } of [
  { what: "one clock of three is days ahead", skews: [0, 3 * DAY_MS, 0] },
  { what: "one of three is days behind", skews: [-3 * DAY_MS, 0, 0] },
  { what: "one of two is days ahead", skews: [0, 3 * DAY_MS] },
  { what: "one of two is days behind", skews: [0, -3 * DAY_MS] },
  { what: "one of three leaps to and fro", skews: [0, 0, 0], steps: [DAY_MS * 2, -DAY_MS, 0, DAY_MS * 9] },
] as { what: string; skews: number[]; steps?: number[] }[])
  t.test(`${what}: nobody is cast out, and the log's time stays right`, async (t) => {
    const simulation = new Simulation(newSeed(), skews.length);
    const { nodes } = simulation;
    for (const node of nodes) node.skewMs = 0;
    const areWell = (): boolean => nodes.every(({ replica }) => replica?.status.state === "ok");
    await simulation.playUntil(areWell, PROMPT);
    for (const [at, node] of nodes.entries()) node.skewMs = skews[at] ?? 0;
    const wrong = nodes.find(({ skewMs }) => skewMs !== 0) ?? nodes[0];
    for (const step of [null, ...(steps ?? [null, null])]) {
      if (step !== null && wrong !== undefined) wrong.skewMs = step;
      // Restart the node with the wrong clock, as if an operator had corrected the clock.
      wrong?.crash();
      wrong?.start();
      await simulation.playUntil(areWell, PROMPT);
      const untilMs = simulation.nowMs + 30_000;
      for (const node of nodes) await untilWritten(simulation, node);
      await simulation.playUntil(() => simulation.nowMs >= untilMs, PROMPT);
      for (const { name, replica } of nodes) {
        const offMs = (replica?.nowMs ?? 0) - simulation.nowMs;
        t.ok(Math.abs(offMs) < 10_000, `${name} reckons right, but for ${offMs} ms`);
      }
    }
  });

t.test("nodes that were removed by the others join again by themselves", async () => {
  const simulation = new Simulation(newSeed(), 2);
  const { nodes, log } = simulation;
  const areWell = (): boolean => nodes.every(({ replica }) => replica?.status.state === "ok");
  await simulation.playUntil(areWell, PROMPT);
  // Append an entry like one from a program of version 1 with a wrong clock.
  const at = simulation.nowMs + 2 * DAY_MS;
  const head = { applyVersion: 1, node: "z", epoch: 0, number: 0, at, position: 0, stateHash: "", wallMs: at };
  const hello = { kind: "hello", store: "z", run: "z", replaces: 0, version: "0", settings: "" } as const;
  log.inject(encodeEntry({ head, content: hello }, FAKE_METHODS));
  const made = nodes.map((node) => simulation.call(node, addLine));
  await simulation.playUntil(() => made.every(({ outcome }) => outcome !== null) && areWell(), PROMPT);
  for (const node of nodes) await untilWritten(simulation, node);
});

t.test(
  "a full log: every node reports the reason, also one that joins, and continues when there is room",
  async (t) => {
    const simulation = new Simulation(newSeed(), 2);
    const { nodes, log } = simulation;
    const [one, other] = nodes;
    if (one === undefined || other === undefined) throw new Error("two nodes");
    const areWell = (): boolean => nodes.every(({ replica }) => replica?.status.state === "ok");
    await simulation.playUntil(areWell, PROMPT);
    log.full = true;
    other.crash();
    other.start();
    const states = (): (string | undefined)[] => nodes.map(({ replica }) => replica?.status.state);
    await simulation.playUntil(() => states().every((state) => state === "cut_off"), PROMPT);
    for (const { replica } of nodes)
      t.match(replica?.status.reason, /^the cluster's log takes no more writes: its disk/);
    const made = nodes.map((node) => simulation.call(node, addLine));
    await simulation.playUntil(() => made.every(({ outcome }) => outcome !== null), PROMPT);
    t.match(made, [{ outcome: { kind: "refused" } }, { outcome: { kind: "refused" } }]);
    log.full = false;
    await simulation.playUntil(areWell, PROMPT);
    t.strictSame(
      nodes.map(({ replica }) => replica?.status.reason),
      ["", ""],
    );
    for (const node of nodes) await untilWritten(simulation, node);
  },
);

for (const { what, meddle, isStored } of [
  { what: "is lost", meddle: ({ log }) => log.messages.splice(0), isStored: true },
  {
    what: "is lost with the leader",
    meddle: ({ log }, leader) => {
      log.messages.splice(0);
      leader.crash();
    },
    isStored: true,
  },
  {
    what: "is lost in the session of the leader that has collected it",
    meddle: (simulation, leader) => {
      const message = simulation.log.messages.splice(0)[0];
      simulation.log.sessions
        .find(({ node, open }) => open && node === leader.name)
        ?.take?.(must(message, "it was sent").bytes);
      simulation.log.inFlight.splice(0);
      simulation.log.breakSessionsOf(leader.name);
    },
    isStored: true,
  },
  {
    what: "reaches a leader that does not listen",
    meddle: ({ log }, leader) => {
      for (const session of log.sessions) if (session.node === leader.name) session.take = null;
    },
    isStored: true,
  },
  {
    what: "is lost, and then the log is full",
    meddle: ({ log }) => {
      log.messages.splice(0);
      log.full = true;
    },
    isStored: false,
  },
  {
    what: "comes late, when the node has appended it",
    meddle: ({ log }) => {
      const late = log.messages.splice(0);
      log.onStored = () => {
        log.messages.push(...late.splice(0));
      };
    },
    isStored: true,
  },
] as {
  what: string;
  meddle: (simulation: Simulation, leader: SimulatedNode) => void;
  isStored: boolean;
}[])
  t.test(`an entry that is forwarded and ${what} counts once, or never`, async (t) => {
    const { simulation, leader, follower } = await forwardingNodes();
    const made = simulation.call(follower, addLine);
    t.equal(simulation.log.messages.length, 1, "it is forwarded");
    meddle(simulation, leader);
    const untilMs = simulation.nowMs + 8_000;
    await simulation.playUntil(() => made.outcome !== null || simulation.nowMs > untilMs);
    t.equal(made.outcome?.kind, isStored ? "answered" : undefined, "as long as nothing is known nothing is said");
    t.equal(await simulation.play(0), null);
    t.equal(made.outcome?.kind, isStored ? "answered" : "refused");
  });

/** Starts nodes that forward their entries, and waits until no entry is in flight. */
async function forwardingNodes(): Promise<{
  readonly simulation: Simulation;
  readonly leader: SimulatedNode;
  readonly follower: SimulatedNode;
}> {
  const simulation = new Simulation(
    seedOf(({ isCalm, applyVersion }) => isCalm && applyVersion >= BUNDLE_APPLY_VERSION_MIN),
    3,
  );
  const { nodes, log } = simulation;
  log.isReliable = true;
  for (const node of nodes) node.skewMs = 0;
  const isLeader = (): boolean =>
    nodes.every(({ replica }) => replica?.status.state === "ok" && replica.status.leader !== "");
  await simulation.playUntil(isLeader, PROMPT);
  for (let round = 0; round < 3; round++) {
    const made = nodes.map((node) => simulation.call(node, addLine));
    await simulation.playUntil(() => made.every(({ outcome }) => outcome !== null) && !log.busy, PROMPT);
  }
  const leader = must(
    nodes.find(({ replica }) => replica?.isLeader === true),
    "one leads",
  );
  return {
    simulation,
    leader,
    follower: must(
      nodes.find((node) => node !== leader),
      "others follow",
    ),
  };
}

/** Returns a seed whose simulation meets a condition. */
function seedOf(isWanted: (simulation: Simulation) => boolean): number {
  for (;;) {
    const seed = newSeed();
    if (isWanted(new Simulation(seed, 1))) return seed;
  }
}

/** Writes at a node. Retries if the outcome of the write is unknown. */
async function untilWritten(simulation: Simulation, node: SimulatedNode): Promise<void> {
  let made = simulation.call(node, addLine);
  await simulation.playUntil(() => {
    if (made.outcome?.kind === "refused" || made.lost) made = simulation.call(node, addLine);
    return made.outcome?.kind === "answered";
  }, PROMPT);
}
