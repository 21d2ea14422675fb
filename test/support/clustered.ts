/**
 * Several nodes over one log, for tests that act as their clients. A client that moves from node to node sends the
 * position of its last answer. Uses NATS, unless KOOR_TEST_CLUSTER names another log. Runs in the test's process.
 */
import { randomUUID } from "node:crypto";
import type { OutgoingHttpHeaders } from "node:http";
import { must } from "../../src/base/assert.js";
import { send, type Answer } from "./http-client.js";
import { LOGS, logMissing, logUrl } from "./log-server.js";
import { CLUSTER_LOG } from "./variant.js";
import { startKoor, type Koor, type Owner } from "./server-process.js";
import { TcpProxy } from "./tcp-proxy.js";
import { betweenLooks } from "./between-looks.js";

const LOG = LOGS.find((name) => name === CLUSTER_LOG) ?? "nats";

/** For tap's `skip`: the reason why no cluster can run here, or false. */
export const CLUSTERED_MISSING = logMissing(LOG);

export interface Member extends Koor {
  readonly node: string;
}

/** A node with its own proxy to the log. The node lags while the proxy is stalled. */
export interface Apart {
  readonly member: Member;
  readonly way: TcpProxy;
}

/** The nodes of one cluster, including those that join later. */
export class Clustered {
  readonly #url: string;
  readonly #name = randomUUID();
  readonly #args: readonly string[];
  #begun = false;

  private constructor(url: string, args: readonly string[]) {
    this.#url = url;
    this.#args = args;
  }

  /** @param args the flags of each node */
  static async begin(args: readonly string[] = []): Promise<Clustered> {
    return new Clustered(await logUrl(LOG), args);
  }

  /** Starts a node and waits until it is healthy. The first node starts the cluster. */
  async start(t: Owner, node: string, dataDir?: string, url = this.#url): Promise<Member> {
    const seed = this.#begun ? [] : ["--cluster-seed"];
    this.#begun = true;
    const own = ["--cluster", url, "--cluster-name", this.#name, "--node-id", node, ...seed];
    const args = [...own, "--dashboard-bind", "127.0.0.1:0", ...this.#args];
    const koor = await startKoor(t, dataDir === undefined ? { args } : { args, data_dir: dataDir });
    await until(koor.port, "/health", ({ status }) => status === 200);
    return { ...koor, node };
  }

  async startApart(t: Owner, node: string): Promise<Apart> {
    const port = Number(must(/:(\d+)(?:\/|$)/.exec(this.#url)?.[1], "the log's address has a port"));
    const way = await TcpProxy.start(t, () => port);
    const url = this.#url.replace(`:${port}`, `:${way.port}`);
    return { member: await this.start(t, node, undefined, url), way };
  }
}

/** Starts a cluster of three nodes. */
export async function startThree(t: Owner, args: readonly string[] = []): Promise<readonly [Member, Member, Member]> {
  const cluster = await Clustered.begin(args);
  const first = await cluster.start(t, "a");
  const [second, third] = await Promise.all([cluster.start(t, "b"), cluster.start(t, "c")]);
  return [first, second, third];
}

/** Repeats a request until its answer meets a condition. */
export async function until(
  port: number,
  path: string,
  holds: (answer: Answer) => boolean,
  headers: OutgoingHttpHeaders = {},
): Promise<Answer> {
  for (;;) {
    const answer = await send(port, "GET", path, { headers });
    if (holds(answer)) return answer;
    await betweenLooks();
  }
}

/** Returns the log position at which an answer was given. */
export function positionOf(answer: Answer): number {
  return Number(must(answer.headers["x-koor-position"], "a node says how far it has come"));
}

/** A client that sends requests to different nodes. At each node, it must find what it has done before. */
export class Wanderer {
  /** The newest position that the client has seen. */
  position = 0;
  readonly headers: OutgoingHttpHeaders;

  constructor(headers: OutgoingHttpHeaders = {}) {
    this.headers = headers;
  }

  async ask(at: Koor, method: string, path: string, body?: unknown, more: OutgoingHttpHeaders = {}): Promise<Answer> {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const after = this.position === 0 ? {} : { "X-Koor-After": String(this.position) };
    const headers = { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...this.headers };
    const answer = await send(at.port, method, path, {
      headers: { ...headers, ...after, ...more },
      ...(body === undefined ? {} : { body: text }),
    });
    const reached = positionOf(answer);
    if (reached < this.position && answer.status !== 503)
      throw new Error(`${method} ${path} was answered at ${reached}, and asked for ${this.position}`);
    this.position = Math.max(this.position, reached);
    return answer;
  }

  get(at: Koor, path: string): Promise<Answer> {
    return this.ask(at, "GET", path);
  }

  /** Reads a path. Returns the JSON of the answer, whose status must be 200. */
  async read<Json>(at: Koor, path: string): Promise<Json> {
    const answer = await this.get(at, path);
    if (answer.status !== 200) throw new Error(`GET ${path}: ${answer.status} ${answer.text}`);
    return answer.json<Json>();
  }

  /** Does the same as `read`, for requests that change something. */
  async call<Json>(at: Koor, method: string, path: string, body: unknown = {}): Promise<Json> {
    const answer = await this.ask(at, method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.json<Json>();
  }
}
