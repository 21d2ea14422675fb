/**
 * Compares a loop over random conditions, while random things happen, with a naive model of each: every due report
 * comes, in an order in which each comes eventually; nothing else is reported; and a waiting call is woken.
 */
import * as fc from "fast-check";
import t from "tap";
import { countRounds } from "./support/test-size.js";
import { send, sendJson } from "./support/http-client.js";
import { Agent, type Lease } from "./support/leasing.js";
import { startKoor } from "./support/server-process.js";
import { WaitLoop, type Matched } from "./support/waiting.js";

const RUNS = countRounds(25, 150);

const koor = await startKoor(t);
const { port } = koor;
const me = await Agent.register(port, "me");
const other = await Agent.register(port, "other");

/** A condition in the model. */
interface Modelled {
  readonly parameter: string;
  /** How many reports are due; a level is due once, however often it has changed. */
  readonly due: () => number;
  /** Records that it was reported; false where it was not due. */
  readonly take: (matched: Readonly<Record<string, unknown>>) => boolean;
}

/** Names that no other run has. */
let runs = 0;

/** The random actions, and their effect on the model. */
class World {
  readonly run = runs++;
  readonly key = `k${this.run}`;
  readonly name = `i${this.run}`;
  readonly resource = `path:r${this.run}/*`;
  version = 0;
  exists = false;
  /** Changes of each level, and their number when it was last reported. */
  readonly changed = { above: 0, gone: 1, free: 1, active: 0 };
  readonly reported = { above: 0, gone: 0, free: 0, active: 0 };
  /** The version and whether the key exists, as last reported. */
  seen = "0false";
  readonly events: string[] = [];
  readonly messages: string[] = [];
  theirs: Lease | null = null;
  mine: Lease | null = null;
  instance: { readonly id: string; active: boolean } | null = null;

  #level(name: keyof World["changed"], parameter: string, holds: () => boolean): Modelled {
    const due = (): number => (holds() && this.changed[name] > this.reported[name] ? 1 : 0);
    return {
      parameter,
      due,
      take: () => {
        const wasDue = due() === 1;
        this.reported[name] = this.changed[name];
        return wasDue;
      },
    };
  }

  readonly conditions: readonly Modelled[] = [
    {
      parameter: `event=e${this.run}.*&event=e${this.run}.a`,
      due: () => this.events.length,
      take: ({ event }) => (event as { readonly topic: string }).topic === this.events.shift(),
    },
    {
      parameter: `state=${this.key}`,
      due: () => (this.seen === `${this.version}${this.exists}` ? 0 : 1),
      take: ({ version }) => {
        const wasDue = this.seen !== `${this.version}${this.exists}`;
        this.seen = `${this.version}${this.exists}`;
        return wasDue && version === (this.exists ? this.version : null);
      },
    },
    this.#level("above", `state_above=1:${this.key}`, () => this.exists && this.version > 1),
    this.#level("gone", `state_gone=${this.key}`, () => !this.exists),
    this.#level("free", `free=${this.resource}`, () => this.theirs === null),
    this.#level("active", `instance=${this.name}&is=active`, () => this.instance?.active === true),
    {
      parameter: "message=1",
      due: () => this.messages.length,
      take: ({ message }) => (message as { readonly id: string }).id === this.messages.shift(),
    },
  ];
}

type Step = readonly [what: string, happen: (world: World) => Promise<unknown>];

const STEPS: readonly Step[] = [
  [
    "put",
    async (world) => {
      await send(port, "PUT", `/api/state/${world.key}`, { body: String(world.version) });
      world.version += 1;
      world.exists = true;
      world.changed.above += 1;
    },
  ],
  [
    "delete",
    async (world) => {
      if (!world.exists) return;
      await send(port, "DELETE", `/api/state/${world.key}`);
      world.exists = false;
      world.changed.gone += 1;
    },
  ],
  ["another key", (world) => send(port, "PUT", `/api/state/${world.key}x`, { body: "1" })],
  ...["a", "b", "b.c"].map(
    (topic): Step => [
      `publish ${topic}`,
      async (world) => {
        await sendJson(port, "POST", "/api/events/publish", { topic: `e${world.run}.${topic}` });
        if (topic !== "b.c") world.events.push(`e${world.run}.${topic}`);
      },
    ],
  ),
  [
    "message",
    async (world) => {
      const sent = await sendJson(port, "POST", "/api/messages", { to: me.id, subject: "s" }, other.headers);
      world.messages.push(sent.json<{ readonly id: string }>().id);
    },
  ],
  [
    "read",
    async (world) => {
      const ids = world.messages.splice(0, 1);
      if (ids.length > 0) await sendJson(port, "POST", "/api/messages/mark", { ids, as: "read" }, me.headers);
    },
  ],
  [
    "their lease",
    async (world) => {
      if (world.theirs !== null || world.mine !== null) return;
      world.theirs = await other.lease([`${world.resource}*/x`, `path:r${world.run}/a`]);
      world.changed.free += 1;
    },
  ],
  [
    "their release",
    async (world) => {
      if (world.theirs !== null) await other.release(world.theirs);
      world.theirs = null;
    },
  ],
  [
    "my lease",
    async (world) => {
      if (world.theirs !== null || world.mine !== null) return;
      world.mine = await me.lease([world.resource]);
    },
  ],
  [
    "my release",
    async (world) => {
      if (world.mine !== null) await me.release(world.mine);
      world.mine = null;
    },
  ],
  ["another lease", async (world) => other.release(await other.lease([`path:r${world.run}/a/b`, "name"]))],
  [
    "register",
    async (world) => {
      if (world.instance !== null) return;
      world.instance = { id: (await Agent.register(port, world.name)).id, active: false };
    },
  ],
  [
    "activate",
    async (world) => {
      if (world.instance === null) return;
      await send(port, "POST", `/api/instances/${world.instance.id}/activate`);
      if (!world.instance.active) world.changed.active += 1;
      world.instance.active = true;
    },
  ],
  [
    "deregister",
    async (world) => {
      if (world.instance !== null) await send(port, "DELETE", `/api/instances/${world.instance.id}`);
      world.instance = null;
    },
  ],
];

const KINDS: Readonly<Record<string, (matched: Readonly<Record<string, unknown>>, world: World) => readonly number[]>> =
  {
    event: () => [0],
    // A version matches several conditions.
    state: ({ version }) => (version === null ? [1, 3] : [1, 2]),
    free: () => [4],
    instance: () => [5],
    message: () => [6],
  };

/** Checks an answer against the model: it has to be one of the due reports. */
function check(world: World, asked: ReadonlySet<number>, matched: Matched): void {
  const due = [...asked].filter((of) => (world.conditions[of]?.due() ?? 0) > 0);
  if (matched === null) {
    if (due.length > 0) throw new Error(`missed: ${due.map((of) => world.conditions[of]?.parameter).join(", ")}`);
    return;
  }
  const could = KINDS[String(matched["kind"])]?.(matched, world) ?? [];
  const which = could.filter((of) => due.includes(of));
  if (which.length === 0) throw new Error(`reported without a change: ${JSON.stringify(matched)}`);
  // Where it may be one of two, the next answer decides: both are due, and both must come.
  const [first] = which;
  if (world.conditions[first ?? 0]?.take(matched) !== true) throw new Error(`not so: ${JSON.stringify(matched)}`);
}

/** Takes all due reports, one by one, and then none. */
async function drain(world: World, asked: ReadonlySet<number>, loop: WaitLoop): Promise<void> {
  const due = [...asked].reduce((sum, of) => sum + (world.conditions[of]?.due() ?? 0), 0);
  for (let left = due; left >= 0; left--) check(world, asked, await loop.next());
}

const steps = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.nat({ max: STEPS.length - 1 }).map((at) => STEPS[at]?.[0] ?? "") },
    { weight: 3, arbitrary: fc.constant("look") },
    { weight: 2, arbitrary: fc.constant("drain and wait") },
  ),
  { minLength: 10, maxLength: 40 },
);
const conditions = fc.uniqueArray(fc.nat({ max: 6 }), { minLength: 1, maxLength: 7 });

t.test("a loop reports every change once, whatever happens", async (t) => {
  await fc.assert(
    fc.asyncProperty(conditions, steps, async (chosen, walk) => {
      const world = new World();
      const asked = new Set(chosen);
      const query = chosen.map((of) => world.conditions[of]?.parameter).join("&");
      const loop = new WaitLoop(port, query, me.headers);
      check(world, asked, await loop.next());
      for (const step of walk) {
        if (step === "look") {
          check(world, asked, await loop.next());
        } else if (step === "drain and wait") {
          await drain(world, asked, loop);
          const { matched } = await loop.begin();
          const pending = (): boolean => [...asked].some((of) => (world.conditions[of]?.due() ?? 0) > 0);
          for (const [, happen] of [...STEPS, ...STEPS]) if (!pending()) await happen(world);
          check(world, asked, await matched);
        } else {
          await STEPS.find(([what]) => what === step)?.[1](world);
        }
      }
      await drain(world, asked, loop);
      const ids = world.messages.splice(0);
      for (const [what, happen] of STEPS) if (/release|deregister/.test(what)) await happen(world);
      const unread = (await me.ask("GET", "/api/messages?unread=1&limit=1000")).json<{ messages: { id: string }[] }>();
      const read = [...ids, ...unread.messages.map(({ id }) => id)];
      if (read.length > 0) await sendJson(port, "POST", "/api/messages/mark", { ids: read, as: "read" }, me.headers);
    }),
    { numRuns: RUNS, includeErrorInReport: true, endOnFailure: false },
  );
  t.pass(`${RUNS} loops`);
});
