/**
 * A steady load for a soak test. Agents write their own values, publish events, lease, and work on tasks, at a given
 * rate. For each key and event, the load remembers what was last acknowledged, and compares it with what the server
 * has. Its memory does not grow over time. Runs in the test's process.
 */
import { Agent } from "./leasing.js";
import { send, sendJson, type Answer } from "./http-client.js";
import { openSocket, type ReceivedEvent } from "./subscriber.js";
import type { Owner } from "./owner.js";

const AGENTS = 8;
const KEYS_PER_AGENT = 50;
/** The interval at which work is started. The rate is spread over these intervals. */
const STEP_MS = 20;
/** The maximum number of calls in flight. A server that is so far behind gets no more work. */
const IN_FLIGHT_MAX = 64;
/** The number of concurrent calls while the rate is measured. */
const TOGETHER = 32;
const TOPIC = "soak.done";

export class SoakLoad {
  readonly #port: number;
  readonly #agents: readonly Agent[];
  readonly #values = new Map<string, string>();
  /** The keys with a write in flight. They get no second write, because it could overtake the first one. */
  readonly #busy = new Set<string>();
  readonly problems: string[] = [];
  #inFlight = 0;
  #turn = 0;
  done = 0;
  /** The ids of events that were acknowledged and have not reached the subscriber yet. */
  readonly #expected = new Set<number>();
  /** The ids of events that reached the subscriber before their acknowledgement. */
  readonly #early = new Set<number>();
  #idle: () => void = () => undefined;

  private constructor(port: number, agents: readonly Agent[]) {
    this.#port = port;
    this.#agents = agents;
  }

  static async start(t: Owner, port: number): Promise<SoakLoad> {
    const agents = await Promise.all(
      Array.from({ length: AGENTS }, (_, at) => Agent.register(port, `soak-${at}`, { workspace: "soak" })),
    );
    const load = new SoakLoad(port, agents);
    const { socket } = await openSocket(t, port, `pattern=${TOPIC}`);
    socket.on("message", (data: Buffer) => load.#arrived(JSON.parse(data.toString("utf8")) as ReceivedEvent));
    socket.on("close", () => load.problems.push("the subscriber was closed"));
    return load;
  }

  #arrived({ id }: ReceivedEvent): void {
    if (!this.#expected.delete(id)) this.#early.add(id);
    this.#settle();
  }

  #settle(): void {
    if (this.#inFlight === 0 && this.#expected.size === 0) this.#idle();
  }

  /**
   * Works as fast as possible, with as many concurrent calls as share a commit. Returns the number of calls per second.
   */
  async measureRate(ms: number): Promise<number> {
    const startedMs = performance.now();
    const before = this.done;
    await Promise.all(
      Array.from({ length: TOGETHER }, async () => {
        while (performance.now() - startedMs < ms) await this.#work();
      }),
    );
    return ((this.done - before) * 1000) / (performance.now() - startedMs);
  }

  /** Works with a rate in calls per second. Then waits until all calls are answered and all events have arrived. */
  async run(ms: number, rate: number): Promise<void> {
    const perStep = (rate * STEP_MS) / 1000;
    let owed = 0;
    const timer = setInterval(() => {
      owed = Math.min(owed + perStep, IN_FLIGHT_MAX);
      for (; owed >= 1; owed--) if (this.#inFlight < IN_FLIGHT_MAX) void this.#work();
    }, STEP_MS);
    await new Promise((resolve) => setTimeout(resolve, ms));
    clearInterval(timer);
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
      this.#settle();
    });
    this.#idle = () => undefined;
  }

  async #work(): Promise<void> {
    const turn = this.#turn++;
    const agent = this.#agents[turn % AGENTS];
    if (agent === undefined) return;
    this.#inFlight += 1;
    try {
      const kind = turn % 10;
      if (kind < 5) await this.#put(agent, turn);
      else if (kind < 8) await this.#publish(agent);
      else if (kind < 9) await this.#lease(agent, turn);
      else await this.#task(agent);
    } catch (error) {
      this.problems.push(String(error));
    } finally {
      this.#inFlight -= 1;
      this.#settle();
    }
  }

  #note(what: string, { status, text }: Answer, good: number): boolean {
    this.done += 1;
    if (status === good) return true;
    this.problems.push(`${what}: ${status} ${text}`);
    return false;
  }

  async #put(agent: Agent, turn: number): Promise<void> {
    const key = `soak/${agent.id}/${Math.floor(turn / AGENTS) % KEYS_PER_AGENT}`;
    if (this.#busy.has(key)) return;
    this.#busy.add(key);
    const value = JSON.stringify({ turn, text: "x".repeat(turn % 500) });
    const answer = await sendJson(this.#port, "PUT", `/api/state/${key}`, value, { "X-Koor-Instance": agent.id });
    if (this.#note(key, answer, 200)) this.#values.set(key, value);
    this.#busy.delete(key);
  }

  async #publish(agent: Agent): Promise<void> {
    const answer = await sendJson(this.#port, "POST", "/api/events/publish", { topic: TOPIC, data: agent.id });
    if (!this.#note("publish", answer, 200)) return;
    const { id } = answer.json<ReceivedEvent>();
    if (!this.#early.delete(id)) this.#expected.add(id);
  }

  async #lease(agent: Agent, turn: number): Promise<void> {
    const headers = { "X-Koor-Instance": agent.id };
    const body = { resources: [`soak:${turn}`], ttl_s: 60 };
    const granted = await sendJson(this.#port, "POST", "/api/leases", body, headers);
    if (!this.#note("lease", granted, 200)) return;
    const { id, fence } = granted.json<{ readonly id: string; readonly fence: number }>();
    const path = `/api/leases/${id}?fence=${fence}`;
    this.#note("release", await send(this.#port, "DELETE", path, { headers }), 200);
  }

  async #task(agent: Agent): Promise<void> {
    const headers = { "X-Koor-Instance": agent.id };
    const made = await sendJson(this.#port, "POST", "/api/tasks", { title: "soak", workspace: "soak" }, headers);
    if (!this.#note("task", made, 200)) return;
    const { id } = made.json<{ readonly id: string }>();
    const claimed = await sendJson(this.#port, "POST", "/api/tasks/claim", { id }, headers);
    if (!this.#note("claim", claimed, 200)) return;
    const { fence } = claimed.json<{ readonly task: { readonly fence: number } }>().task;
    this.#note("complete", await sendJson(this.#port, "POST", `/api/tasks/${id}/complete`, { fence }, headers), 200);
  }

  /** Returns one line for each value that differs from the last acknowledged one. */
  async findLosses(): Promise<readonly string[]> {
    const lost = await Promise.all(
      [...this.#values].map(async ([key, value]) => {
        const { text } = await send(this.#port, "GET", `/api/state/${key}`);
        return text === value ? [] : [`${key} is ${text}, and was acknowledged as ${value}`];
      }),
    );
    return lost.flat();
  }
}
