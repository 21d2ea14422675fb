/**
 * Agents that race for leases, against a server that is killed: what the events tell is read by an independent checker,
 * and each answer that an agent has had is held against them. An agent that is stopped past its life and goes on
 * writes nothing under its old fence.
 */
import { once } from "node:events";
import { spawn } from "node:child_process";
import t from "tap";
import { must } from "../../src/base/assert.js";
import { countRounds } from "../support/test-size.js";
import { LeaseChecker } from "../support/lease-checker.js";
import { send } from "../support/http-client.js";
import { Agent, eventsOf, type Lease, nextEvent, type StoredEvent } from "../support/leasing.js";
import { makeRandom, newSeed, type Random } from "../support/random.js";
import { makeDirectory, startKoor, type Koor } from "../support/server-process.js";

const AGENTS = 8;
const SEGMENTS = ["a", "b", "*", "**"];
/** What an agent does before the server is killed. */
const TURNS = 25;
const WAYS = [{}, {}, {}, { queue: true }, { queue: true }, { wait_s: 1 }];

interface Had {
  readonly id: string;
  readonly fence: number;
}

function pickResource(random: Random): string {
  const segments = Array.from({ length: 1 + random(3) }, () => must(SEGMENTS[random(SEGMENTS.length)], "one of them"));
  return `path:${segments.join("/")}`;
}

/** Asks for leases and gives them back, until the server is gone; what it was told that it holds. */
async function race(agent: Agent, random: Random, reported: Had[]): Promise<void> {
  try {
    for (let turn = 0; turn < TURNS; turn++) {
      const resources = Array.from({ length: 1 + random(2) }, () => pickResource(random));
      const mode = random(3) === 0 ? "shared" : "exclusive";
      const how = WAYS[random(WAYS.length)] ?? {};
      const answer = await agent.tryLease(resources, { mode, ttl_s: 2, max_s: 1, ...how });
      if (answer.status !== 200 && answer.status !== 202) continue;
      let lease = answer.json<Lease>();
      if (lease.state === "waiting") lease = await agent.get(lease.id, 1);
      if (lease.state === "held" && lease.fence !== null) reported.push({ id: lease.id, fence: lease.fence });
      // One in eight forgets to give back.
      if (random(8) > 0) await agent.release(lease);
    }
  } catch {
    // The server was killed: the rest of it is another round's.
  }
}

async function readAll(port: number, checker: LeaseChecker, events: StoredEvent[]): Promise<void> {
  const since = events.at(-1)?.id ?? 0;
  for (const event of await eventsOf(port, "lease.*")) {
    if (event.id <= since) continue;
    checker.read(event);
    events.push(event);
  }
}

/** Waits until so many leases were granted after an event. */
async function untilGranted(port: number, after: number, count: number): Promise<void> {
  let last = after;
  for (let granted = 0; granted < count; granted++) last = (await nextEvent(port, "lease.granted", last)).id;
}

t.test("races, and a server that is killed", async (t) => {
  const seed = newSeed();
  t.comment(`seed ${seed}`);
  const random = makeRandom(seed);
  const data_dir = makeDirectory(t);
  const checker = new LeaseChecker();
  const events: StoredEvent[] = [];
  const reported: Had[] = [];
  for (let round = 0; round < countRounds(2, 6); round++) {
    const koor: Koor = await startKoor(t, { data_dir });
    await readAll(koor.port, checker, events);
    const agents = await Promise.all(
      Array.from({ length: AGENTS }, (_, at) => Agent.register(koor.port, `agent-${round}-${at}`)),
    );
    const races = Promise.all(agents.map((agent) => race(agent, makeRandom(random(2 ** 31)), reported)));
    // In the midst of it, at no time that could be known before.
    const halfway = untilGranted(koor.port, events.at(-1)?.id ?? 0, 5 + random(50)).catch(() => null);
    await Promise.race([halfway, races]);
    koor.process.kill("SIGKILL");
    await once(koor.process, "exit");
    await races;
  }
  const koor = await startKoor(t, { data_dir });
  let live: string[];
  let known: number;
  await readAll(koor.port, checker, events);
  do {
    known = events.length;
    const list = await send(koor.port, "GET", "/api/leases?limit=10000");
    live = list.json<{ leases: Lease[] }>().leases.map(({ id }) => id);
    // What was lost meanwhile is in one of them, and not in the other.
    await readAll(koor.port, checker, events);
  } while (events.length > known);
  t.same(checker.problems.slice(0, 5), [], "no two holders, no fence twice, nobody passed");
  const granted = new Map(
    events
      .filter(({ topic }) => topic === "lease.granted")
      .map(({ data }) => [data["lease_id"], data["fence"]] as const),
  );
  t.ok(reported.length > 10, `${reported.length} leases were told of, ${granted.size} granted`);
  const unknown = reported.filter(({ id, fence }) => granted.get(id) !== fence);
  t.same(unknown.slice(0, 5), [], "what somebody was told is on disk");
  t.same(live.toSorted(), [...checker.held.keys()].toSorted(), "and what is held is what was told");
});

/** An agent in a process of its own: it leases, says so, and writes under its fence when it is told to. */
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

t.test("who was stopped past its life writes nothing", { skip: process.platform === "win32" }, async (t) => {
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
    t.equal((await send(port, "GET", path)).status, 404, `nothing is at ${path}`);
});
