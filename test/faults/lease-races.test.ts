/**
 * Races agents in several checkouts for leases, against a server that is killed. An independent checker reads the
 * events, and each answer that an agent got is compared with them. An agent that is stopped past its lease's life
 * writes nothing under its old fence when it continues.
 */
import { once } from "node:events";
import { spawn } from "node:child_process";
import t from "tap";
import { must } from "../../src/base/assert.js";
import { countRounds } from "../support/test-size.js";
import { LeaseChecker, type LeaseFacts } from "../support/lease-checker.js";
import { send } from "../support/http-client.js";
import { Agent, eventsOf, type Lease, nextEvent, type StoredEvent } from "../support/leasing.js";
import { makeRandom, newSeed, type Random } from "../support/random.js";
import { makeDirectory, startKoor, type Koor } from "../support/server-process.js";

const AGENTS = 8;
const SEGMENTS = ["a", "b", "*", "**"];
/** Calls of an agent before the server is killed. */
const CALLS = 25;
/** The checkouts of the agents, in turns; "" for none. */
const CHECKOUTS = ["one", "two", "", "one"];
/** Requests of a name with several holders, and of one of many names. */
const LIMITED = [
  { resources: ["pool"], max_holders: 2 },
  { any: ["port:1..3"], mode: "exclusive" },
  { resources: ["deploy"], any: ["port:1..2|port:4"], mode: "exclusive" },
];
const WAYS = [{}, {}, {}, { queue: true }, { queue: true }, { wait_s: 1 }];

interface Had {
  readonly id: string;
  readonly fence: number;
}

function pickResource(random: Random): string {
  const segments = Array.from({ length: 1 + random(3) }, () => must(SEGMENTS[random(SEGMENTS.length)], "one of them"));
  return `path:${segments.join("/")}`;
}

function checkoutAt(at: number): string {
  return CHECKOUTS[at % CHECKOUTS.length] ?? "";
}

/** Returns what an agent asks for: files, a name that several may have, or one of several names. */
function pickWanted(random: Random): object {
  const limited = random(3) === 0 ? LIMITED[random(LIMITED.length)] : undefined;
  if (limited !== undefined) return limited;
  const resources = Array.from({ length: 1 + random(2) }, () => pickResource(random));
  return { resources, mode: random(3) === 0 ? "shared" : "exclusive" };
}

/** Acquires leases and releases them until the server has ended; records in `reported` what it holds. */
async function race(agent: Agent, hasCheckout: boolean, random: Random, reported: Had[]): Promise<void> {
  try {
    for (let call = 0; call < CALLS; call++) {
      const wanted = pickWanted(random);
      const how = WAYS[random(WAYS.length)] ?? {};
      const scope = hasCheckout && random(2) === 0 ? "checkout" : "repo";
      const answer = await agent.ask("POST", "/api/leases", { ...wanted, scope, ttl_s: 2, max_s: 1, ...how });
      if (answer.status !== 200 && answer.status !== 202) continue;
      let lease = answer.json<Lease>();
      if (lease.state === "waiting") lease = await agent.get(lease.id, 1);
      if (lease.state === "held" && lease.fence !== null) reported.push({ id: lease.id, fence: lease.fence });
      // One lease in eight is never released.
      if (random(8) > 0) await agent.release(lease);
    }
  } catch {
    // The server was killed: the rest belongs to the next round.
  }
}

/** Reads the new events. @param facts gets what the events do not say of each lease */
async function readAll(
  port: number,
  checker: LeaseChecker,
  events: StoredEvent[],
  facts: Map<string, LeaseFacts>,
): Promise<void> {
  const since = events.at(-1)?.id ?? 0;
  const found = await eventsOf(port, "lease.*");
  const { leases } = (await send(port, "GET", "/api/leases?state=all&limit=10000")).json<{ leases: Lease[] }>();
  for (const { id, scope, checkout } of leases) facts.set(id, { scope, checkout, parent: null });
  for (const event of found) {
    if (event.id <= since) continue;
    checker.read(event);
    events.push(event);
  }
}

/** Waits until this number of leases was granted after an event. */
async function untilGranted(port: number, after: number, count: number): Promise<void> {
  let last = after;
  for (let granted = 0; granted < count; granted++) last = (await nextEvent(port, "lease.granted", last)).id;
}

t.test("leases have one holder in a race against a server that is killed", async (t) => {
  const seed = newSeed();
  t.comment(`seed ${seed}`);
  const random = makeRandom(seed);
  const dataDir = makeDirectory(t);
  const facts = new Map<string, LeaseFacts>();
  const checker = new LeaseChecker((id) => must(facts.get(id), `${id} is listed`));
  const events: StoredEvent[] = [];
  const reported: Had[] = [];
  for (let round = 0; round < countRounds(2, 6); round++) {
    const koor: Koor = await startKoor(t, { data_dir: dataDir });
    await readAll(koor.port, checker, events, facts);
    const agents = await Promise.all(
      Array.from({ length: AGENTS }, (_, at) =>
        Agent.register(koor.port, `agent-${round}-${at}`, { checkout: checkoutAt(at) }),
      ),
    );
    const races = Promise.all(
      agents.map((agent, at) => race(agent, checkoutAt(at) !== "", makeRandom(random(2 ** 31)), reported)),
    );
    // The kill comes in the middle, at a time that is not known before.
    const halfway = untilGranted(koor.port, events.at(-1)?.id ?? 0, 5 + random(50)).catch(() => null);
    await Promise.race([halfway, races]);
    koor.process.kill("SIGKILL");
    await once(koor.process, "exit");
    await races;
  }
  const koor = await startKoor(t, { data_dir: dataDir });
  let live: string[];
  let known: number;
  await readAll(koor.port, checker, events, facts);
  do {
    known = events.length;
    const list = await send(koor.port, "GET", "/api/leases?limit=10000");
    live = list.json<{ leases: Lease[] }>().leases.map(({ id }) => id);
    // A lease that was lost meanwhile is in one of them, and not in the other.
    await readAll(koor.port, checker, events, facts);
  } while (events.length > known);
  t.same(checker.problems.slice(0, 5), [], "there are no two holders, no fence twice, and no waiter was overtaken");
  const granted = new Map(
    events
      .filter(({ topic }) => topic === "lease.granted")
      .map(({ data }) => [data["lease_id"], data["fence"]] as const),
  );
  const limited = [...facts.values()].filter(({ scope }) => scope === "checkout").length;
  t.ok(limited > 5, `${limited} leases were limited to a checkout`);
  t.ok(reported.length > 10, `${reported.length} leases were reported, ${granted.size} granted`);
  const unknown = reported.filter(({ id, fence }) => granted.get(id) !== fence);
  t.same(unknown.slice(0, 5), [], "every reported lease is on disk");
  t.same(live.toSorted(), [...checker.held.keys()].toSorted(), "and the held leases are those that were reported");
});

/** An agent in a process of its own: it acquires a lease, reports it, and writes under its fence on request. */
const AGENT_PROGRAM = `
const [url, id] = process.argv.slice(1);
const headers = { "X-Koor-Instance": id };
const post = (path, body) => fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
const lease = await (await post("/api/leases", { resources: ["state:plan", "spec:p/*"], ttl_s: 1 })).json();
process.stdout.write(lease.fence + "\\n");
await new Promise((resolve) => process.stdin.once("data", resolve));
const under = { ...headers, "X-Koor-Fence": String(lease.fence) };
const put = (path) => fetch(url + path, { method: "PUT", headers: under, body: '"old"' });
for (const path of ["/api/state/plan", "/api/specs/p/x", "/api/state/elsewhere"])
  process.stdout.write((await put(path)).status + "\\n");
process.exit();
`;

t.test(
  "an agent that was stopped past its lease's life writes nothing",
  { skip: process.platform === "win32" },
  async (t) => {
    const { port, url } = await startKoor(t);
    const [old, heir] = [await Agent.register(port, "old"), await Agent.register(port, "heir")];
    const child = spawn(process.execPath, ["--input-type=module", "-e", AGENT_PROGRAM, "--", url, old.id], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    t.teardown(() => void child.kill("SIGKILL"));
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
    await once(child.stdout, "data");
    t.equal(said, "1\n");
    child.kill("SIGSTOP");
    await nextEvent(port, "lease.lost");
    const lease = await heir.lease(["state:plan"]);
    t.equal(lease.fence, 2);
    await heir.ask("PUT", "/api/state/plan", { by: "heir" }, { "X-Koor-Fence": "2" });
    child.stdin.write("go on\n");
    child.kill("SIGCONT");
    await once(child, "exit");
    t.equal(said, "1\n412\n412\n412\n");
    t.equal((await send(port, "GET", "/api/state/plan")).text, '{"by":"heir"}');
    for (const path of ["/api/specs/p/x", "/api/state/elsewhere"])
      t.equal((await send(port, "GET", path)).status, 404, `${path} does not exist`);
  },
);
