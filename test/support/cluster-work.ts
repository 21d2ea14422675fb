/**
 * A workload for clusters while tests break them, and a check of its results. Writers work at every node, claimers
 * compete for leases at all nodes, and a subscriber moves from node to node. Every acknowledged change must be there,
 * and no refused change may be there. A change without an answer may be there. Runs in the test's process.
 */
import { hashOf } from "./answers.js";
import type { Test } from "tap";
import { differences, pause, until, type TestCluster, type TestNode } from "./cluster.js";
import { send, sendJson, type Answer } from "./http-client.js";
import { LeaseChecker } from "./lease-checker.js";
import type { Owner } from "./server-process.js";
import { openSocket } from "./subscriber.js";

/** The pause between two calls of a client. It limits the load, because the tests look for errors and not for speed. */
const PACE_MS = 10;
/** The pause after a refusal or a failed connection. */
const REFUSED_PACE_MS = 50;
const COUNTER = "shared/counter";
/** The number of events after which a subscriber moves to the next node. */
const EVENTS_A_NODE = 40;
/** The time without an event after which a subscriber moves to the next node. */
const SILENCE_MS = 5_000;
/** The requests of the claimers, in turn: for files, for a name with two holders, and for one of two names. */
const WANTED = [
  { resources: ["path:shared/0"] },
  { resources: ["pool"], max_holders: 2 },
  { any: ["port:1..2"] },
  { resources: ["path:shared/1"] },
  { resources: ["path:shared/0"], any: ["port:1..2"] },
];
const WORKSPACE = "chaos";

type Outcome = "acknowledged" | "refused" | "unknown";

interface Write {
  readonly kind: "put" | "event" | "count";
  readonly nonce: string;
  readonly node: string;
  readonly sent_at: number;
  outcome: Outcome;
  /** The id of an event, or the version of the counter. */
  number: number;
  status: number;
}

interface Held {
  readonly id: string;
  readonly fence: number;
}

interface EventRow {
  readonly id: number;
  readonly topic: string;
  readonly data: string;
}

/** The results of a run. */
export interface Findings {
  readonly acknowledged: number;
  readonly refused: number;
  readonly unknown: number;
  readonly leases: number;
  readonly eventsFollowed: number;
  readonly problems: readonly string[];
}

export class ClusterWork {
  readonly #nodes: readonly TestNode[];
  readonly #writes: Write[] = [];
  readonly #held: Held[] = [];
  readonly #problems: string[] = [];
  readonly #running: Promise<void>[] = [];
  /** For each node, the time when its latest acknowledged request was sent. */
  readonly #acknowledgedAt = new Map<string, number>();
  /** The numbers of requests without an answer, by how they ended. */
  readonly #ends = new Map<string, number>();
  #stopped = false;
  #end: () => void = () => undefined;
  readonly #ending = new Promise<void>((resolve) => {
    this.#end = resolve;
  });
  #nonce = 0;
  #followed = 0;

  constructor(nodes: readonly TestNode[]) {
    this.#nodes = nodes;
  }

  /**
   * Starts the clients.
   * @param writers the number of writers at each node
   */
  start(t: Owner, writers = 2): void {
    for (const node of this.#nodes) {
      for (let at = 0; at < writers; at++) this.#running.push(this.#write(node));
      this.#running.push(this.#count(node));
    }
    this.#running.push(this.#claim());
    this.#running.push(this.#follow(t));
  }

  get acknowledged(): number {
    return this.#writes.filter(({ outcome }) => outcome === "acknowledged").length;
  }

  /** Waits until a node acknowledges a request that was sent after this call. Returns how long this took, in ms. */
  async untilWritten(node: TestNode, patienceMs?: number): Promise<number> {
    const since = performance.now();
    try {
      await until(
        `something is written at node ${node.name}`,
        () => (this.#acknowledgedAt.get(node.name) ?? 0) >= since,
        patienceMs,
      );
    } catch (error) {
      throw new Error(`${String(error)} ${node.log().slice(-4_000)}`, { cause: error });
    }
    return Math.round(performance.now() - since);
  }

  /** Waits until a node refuses a request that was sent after this call. Returns the status. */
  async untilRefused(node: TestNode, patienceMs?: number): Promise<number> {
    const from = this.#writes.length;
    const found = await until(
      `something is refused at node ${node.name}`,
      () => this.#writes.slice(from).find((write) => write.node === node.name && write.status >= 500),
      patienceMs,
    );
    return found.status;
  }

  /**
   * Ends the clients. Each open request must be answered or lose its connection, so a frozen node must be resumed
   * first.
   */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#end();
    await Promise.all(this.#running);
  }

  /** Ends the clients, waits until all nodes are healthy and equal, and compares the nodes with the answers. */
  async finish(t: Test, cluster: TestCluster): Promise<Findings> {
    await this.stop();
    await cluster.untilAllAre("ok");
    const digests = await cluster.digests();
    const [one, ...others] = cluster.running;
    if (one === undefined) throw new Error("no node runs");
    const findings = this.check(one);
    const { problems, ...numbers } = findings;
    t.comment(JSON.stringify({ ...numbers, ends: Object.fromEntries(this.#ends) }));
    t.same(
      problems.slice(0, 10),
      [],
      `of ${numbers.acknowledged} acknowledged none is lost, nothing refused is stored`,
    );
    t.equal(new Set(digests.values()).size, 1, "and all nodes hold the same");
    if (new Set(digests.values()).size > 1)
      for (const other of others)
        t.comment(`${one.name} and ${other.name} differ in ${differences(one, other).join(", ")}`);
    for (const node of cluster.running)
      t.notMatch(node.log(), /bug|crashed|writer restarts/, `${node.name} broke nowhere`);
    return findings;
  }

  /** Compares the answers with the database of a node that has applied the whole log. */
  check(node: TestNode): Findings {
    const problems = [...this.#problems];
    node.read((db) => {
      const heads = new Map(
        db
          .prepare<[], { key: string; version: number; hash: Buffer }>(
            "SELECT key, state_head.version, hash FROM state_head JOIN state_version ON state_version.id = row",
          )
          .all()
          .map(({ key, version, hash }) => [key, { version, hash: hash.toString("hex") }]),
      );
      const events = db.prepare<[], EventRow>("SELECT id, topic, data FROM event ORDER BY id").all();
      this.#checkPuts(heads, problems);
      this.#checkEvents(events, problems);
      this.#checkCounter(heads.get(COUNTER)?.version ?? 0, problems);
      this.#checkLeases(events, problems);
      const newest = events.at(-1)?.id ?? 0;
      if (newest !== events.length) problems.push(`${events.length} events have ids up to ${newest}`);
    });
    const count = (outcome: Outcome): number => this.#writes.filter((write) => write.outcome === outcome).length;
    return {
      acknowledged: count("acknowledged"),
      refused: count("refused"),
      unknown: count("unknown"),
      leases: this.#held.length,
      eventsFollowed: this.#followed,
      problems,
    };
  }

  #checkPuts(heads: ReadonlyMap<string, { readonly hash: string }>, problems: string[]): void {
    for (const { kind, nonce, outcome, node, status } of this.#writes) {
      if (kind !== "put") continue;
      const found = heads.get(`work/${nonce}`);
      if (outcome === "acknowledged" && found === undefined) problems.push(`lost: ${nonce}, put at ${node}`);
      if (outcome === "refused" && found !== undefined) problems.push(`refused (${status}) but stored: ${nonce}`);
      if (found !== undefined && found.hash !== hashOf(JSON.stringify(nonce))) problems.push(`another value: ${nonce}`);
    }
  }

  #checkEvents(events: readonly EventRow[], problems: string[]): void {
    const ids = new Map<string, number[]>();
    for (const { id, topic, data } of events) {
      if (topic !== "work") continue;
      const nonce = JSON.parse(data) as string;
      ids.set(nonce, [...(ids.get(nonce) ?? []), id]);
    }
    for (const { kind, nonce, outcome, number, node, status } of this.#writes) {
      if (kind !== "event") continue;
      const found = ids.get(nonce) ?? [];
      if (found.length > 1) problems.push(`published twice: ${nonce} as ${found.join(", ")}`);
      if (outcome === "acknowledged" && found[0] !== number)
        problems.push(`lost: event ${nonce} of ${node}, acknowledged as ${number}, is ${found[0] ?? "nowhere"}`);
      if (outcome === "refused" && found.length > 0) problems.push(`refused (${status}) but stored: event ${nonce}`);
    }
  }

  /** Each success must have its own version. There must be no more versions than requests that may have succeeded. */
  #checkCounter(version: number, problems: string[]): void {
    const counts = this.#writes.filter(({ kind }) => kind === "count");
    const made = counts.filter(({ outcome }) => outcome === "acknowledged").map(({ number }) => number);
    if (new Set(made).size < made.length) problems.push("two clients were told the same version of the counter");
    const mayBe = made.length + counts.filter(({ outcome }) => outcome === "unknown").length;
    if (version < made.length || version > mayBe)
      problems.push(`the counter is at ${version}: ${made.length} were acknowledged, at most ${mayBe} carried out`);
  }

  #checkLeases(events: readonly EventRow[], problems: string[]): void {
    const checker = new LeaseChecker();
    const fences = new Map<string, number | null>();
    for (const { id, topic, data } of events) {
      if (!topic.startsWith("lease.")) continue;
      const parsed = JSON.parse(data) as { readonly lease_id: string; readonly fence: number | null };
      checker.read({ id, topic, data: parsed });
      if (topic === "lease.granted") fences.set(parsed.lease_id, parsed.fence);
    }
    problems.push(...checker.problems);
    for (const { id, fence } of this.#held)
      if (fences.get(id) !== fence) problems.push(`lease ${id} was told under ${fence}, and is ${fences.get(id)}`);
  }

  /** Writes values under its own keys, and publishes events. Reads some values at another node. */
  async #write(node: TestNode): Promise<void> {
    while (!this.#stopped) {
      const nonce = `${node.name}-${++this.#nonce}`;
      const isPut = this.#nonce % 3 > 0;
      const answer = await this.#send(node, isPut ? "put" : "event", nonce, (port) =>
        isPut
          ? send(port, "PUT", `/api/state/work/${nonce}`, { body: JSON.stringify(nonce) })
          : sendJson(port, "POST", "/api/events/publish", { topic: "work", data: nonce }),
      );
      if (answer?.status === 200 && isPut && this.#nonce % 8 === 0) await this.#readElsewhere(node, nonce, answer);
      await pause(answer?.status === 200 ? PACE_MS : REFUSED_PACE_MS);
    }
  }

  /** Sends a request and records its outcome. Returns null if no node was reached or no answer came. */
  async #send(
    node: TestNode,
    kind: Write["kind"],
    nonce: string,
    ask: (port: number) => Promise<Answer>,
  ): Promise<Answer | null> {
    const { port } = node;
    if (port === null) return null;
    const write: Write = {
      kind,
      nonce,
      node: node.name,
      sent_at: performance.now(),
      outcome: "unknown",
      number: 0,
      status: 0,
    };
    try {
      const answer = await ask(port);
      write.status = answer.status;
      if (answer.status === 200) {
        write.outcome = "acknowledged";
        const said = answer.json<{ readonly id?: number; readonly version?: number }>();
        write.number = said.id ?? said.version ?? 0;
        this.#acknowledgedAt.set(node.name, Math.max(this.#acknowledgedAt.get(node.name) ?? 0, write.sent_at));
      } else {
        write.outcome = "refused";
        if (![503, 507, 412, 409].includes(answer.status))
          this.#problems.push(`${kind} at ${node.name}: ${answer.status} ${answer.text}`);
      }
      this.#writes.push(write);
      return answer;
    } catch (error) {
      const { code = String(error) } = error as NodeJS.ErrnoException;
      if (code === "ECONNREFUSED") return null;
      this.#writes.push(write);
      const end = `${code} at ${node.name}`;
      this.#ends.set(end, (this.#ends.get(end) ?? 0) + 1);
      return null;
    }
  }

  /** Reads a value at another node than the one that has written it, with the log position of the write's answer. */
  async #readElsewhere(node: TestNode, nonce: string, { headers }: Answer): Promise<void> {
    const others = this.#nodes.filter((other) => other !== node && other.port !== null);
    const other = others[this.#nonce % Math.max(1, others.length)];
    const port = other?.port ?? null;
    if (port === null) return;
    try {
      const after = String(headers["x-koor-position"] ?? "");
      const answer = await send(port, "GET", `/api/state/work/${nonce}`, { headers: { "X-Koor-After": after } });
      if (answer.status === 503) return;
      if (answer.text !== JSON.stringify(nonce))
        this.#problems.push(`${nonce} of ${node.name}, read at ${other?.name} after ${after}: ${answer.status}`);
    } catch {
      // The node was killed in the meantime.
    }
  }

  /** Makes compare-and-swap writes to a key that all writers share. */
  async #count(node: TestNode): Promise<void> {
    while (!this.#stopped) {
      const { port } = node;
      let answer: Answer | null = null;
      if (port !== null) {
        const read = await send(port, "GET", `/api/state/${COUNTER}`).catch(() => null);
        const version = read?.status === 200 ? Number(read.headers["x-koor-version"]) : 0;
        const nonce = `${node.name}-${++this.#nonce}`;
        if (read !== null)
          answer = await this.#send(node, "count", nonce, (at) =>
            send(at, "PUT", `/api/state/${COUNTER}?if_version=${version}`, { body: JSON.stringify(nonce) }),
          );
      }
      await pause(answer?.status === 200 ? PACE_MS : REFUSED_PACE_MS);
    }
  }

  /** A claimer at each node. It may release its claims at any node. */
  async #claim(): Promise<void> {
    await Promise.all(
      this.#nodes.map(async (node, at) => {
        let agent = "";
        for (let turn = at; !this.#stopped; turn++) {
          try {
            agent ||= await this.#register(node);
            await this.#claimOnce(node, agent, turn);
          } catch {
            // The node was killed, so the claimer retries.
          }
          await pause(REFUSED_PACE_MS);
        }
      }),
    );
  }

  async #register(node: TestNode): Promise<string> {
    const body = { name: `claimer-${node.name}`, workspace: WORKSPACE };
    const answer = await sendJson(node.port ?? 0, "POST", "/api/instances/register", body);
    return answer.status < 300 ? answer.json<{ readonly id: string }>().id : "";
  }

  async #claimOnce(node: TestNode, agent: string, turn: number): Promise<void> {
    if (agent === "" || node.port === null) return;
    const headers = { "X-Koor-Instance": agent };
    const body = {
      ...WANTED[turn % WANTED.length],
      ttl_s: 5,
      max_s: 60,
      ...(turn % 2 === 0 ? { queue: true } : {}),
    };
    const asked = await sendJson(node.port, "POST", "/api/leases", body, headers);
    if (asked.status !== 200 && asked.status !== 202) return;
    let lease = asked.json<{ readonly id: string; readonly fence: number | null; readonly state: string }>();
    if (lease.state === "waiting") {
      const waited = await send(node.port, "GET", `/api/leases/${lease.id}?wait=1`, { headers });
      if (waited.status !== 200) return;
      lease = waited.json();
    }
    if (lease.state === "held" && lease.fence !== null) this.#held.push({ id: lease.id, fence: lease.fence });
    const others = this.#nodes.filter(({ port }) => port !== null);
    const port = others[turn % Math.max(1, others.length)]?.port ?? node.port;
    const after = String(asked.headers["x-koor-position"] ?? "");
    const fence = lease.fence === null ? "" : `?fence=${lease.fence}`;
    // One claim in eight is never released.
    if (turn % 8 > 0)
      await send(port, "DELETE", `/api/leases/${lease.id}${fence}`, { headers: { ...headers, "X-Koor-After": after } });
  }

  /** A subscriber. It moves to another node after some events, or when its node ends. */
  async #follow(t: Owner): Promise<void> {
    let last = 0;
    for (let at = 0; !this.#stopped; at++) {
      const node = this.#nodes[at % this.#nodes.length];
      const port = node?.port ?? null;
      if (node === undefined || port === null) {
        await pause(REFUSED_PACE_MS);
        continue;
      }
      try {
        const subscriber = await openSocket(t, port, `since=${last}`);
        const gone = subscriber.closed.then(() => "gone");
        const moves = subscriber.untilCount(EVENTS_A_NODE).catch(() => "gone");
        await Promise.race([gone, this.#ending, moves, pause(SILENCE_MS)]);
        subscriber.socket.terminate();
        await gone;
        for (const item of subscriber.received()) {
          if (!("id" in item)) {
            last = item.after_id;
            continue;
          }
          if (item.id !== last + 1) this.#problems.push(`the subscriber got ${item.id} behind ${last} at ${node.name}`);
          last = item.id;
          this.#followed += 1;
        }
      } catch {
        await pause(REFUSED_PACE_MS);
      }
    }
  }
}
