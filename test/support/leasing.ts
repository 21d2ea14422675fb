/** Agents that lease. Each agent is an instance on a server, and has methods for its calls. */
import type { OutgoingHttpHeaders } from "node:http";
import { must } from "../../src/base/assert.js";
import { send, sendJson, type Answer } from "./http-client.js";

export interface Lease {
  readonly id: string;
  readonly fence: number | null;
  readonly state: string;
  readonly holder: { readonly id: string; readonly name: string };
  readonly workspace: string;
  readonly resources: readonly string[];
  readonly mode: string;
  readonly reason: string;
  readonly note: string | null;
  readonly ttl_s: number;
  readonly max_s: number;
  readonly granted_at: string | null;
  readonly expires_at: string | null;
  readonly ended_at: string | null;
  readonly position: number | null;
  readonly scope: string;
  readonly checkout: string | null;
  readonly touched_at?: string;
}

export interface StoredEvent {
  readonly id: number;
  readonly topic: string;
  readonly source: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The headers of a call without a token. */
const NO_HEADERS: OutgoingHttpHeaders = {};

export class Agent {
  private constructor(
    readonly port: number,
    readonly id: string,
    readonly name: string,
    readonly workspace: string,
    readonly token: string,
    readonly headers: OutgoingHttpHeaders,
  ) {}

  /**
   * Registers a new instance, by default in the workspace `w`.
   * @param checkout the id of its checkout; "" for none
   */
  static async register(
    port: number,
    name: string,
    { workspace = "w", by = NO_HEADERS, checkout = "" } = {},
  ): Promise<Agent> {
    const place = checkout === "" ? {} : { checkout: { id: checkout, branch: `branch-of-${name}` } };
    const answer = await sendJson(port, "POST", "/api/instances/register", { name, workspace, ...place }, by);
    const { id, token } = answer.json<{ readonly id: string; readonly token: string }>();
    const guarded = Object.keys(by).length > 0;
    const headers = guarded ? { Authorization: `Bearer ${token}` } : { "X-Koor-Instance": id };
    return new Agent(port, id, name, workspace, token, headers);
  }

  /** Returns the same instance at another port, after its server has restarted. */
  at(port: number): Agent {
    return new Agent(port, this.id, this.name, this.workspace, this.token, this.headers);
  }

  ask(method: string, path: string, body?: object, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
    const all = { ...this.headers, ...headers };
    return body === undefined
      ? send(this.port, method, path, { headers: all })
      : sendJson(this.port, method, path, body, all);
  }

  tryLease(resources: readonly string[], more: object = {}): Promise<Answer> {
    return this.ask("POST", "/api/leases", { resources, ...more });
  }

  /** Acquires a lease. With `queue`, the request may wait. */
  async lease(resources: readonly string[], more: object = {}): Promise<Lease> {
    const answer = await this.tryLease(resources, more);
    if (answer.status >= 300) throw new Error(answer.text);
    return answer.json<Lease>();
  }

  async get(id: string, wait = 0): Promise<Lease> {
    return (await this.ask("GET", `/api/leases/${id}?wait=${wait}`)).json<Lease>();
  }

  release({ id, fence }: Lease): Promise<Answer> {
    return this.ask("DELETE", `/api/leases/${id}${fence === null ? "" : `?fence=${fence}`}`);
  }

  renew({ id }: Lease, body: object): Promise<Answer> {
    return this.ask("POST", `/api/leases/${id}/renew`, body);
  }
}

/** Waits for the first event of a topic after a cursor. The call names no instance, so it is not a heartbeat. */
export async function nextEvent(port: number, topic: string, after = 0): Promise<StoredEvent> {
  const path = `/api/events/history?topic=${topic}&after=${after}&wait=60`;
  return must((await send(port, "GET", path)).json<StoredEvent[]>()[0], `an event ${topic}`);
}

/** Returns the events after a cursor whose topics match a pattern, oldest first; by default all. */
export async function eventsOf(port: number, pattern: string, after = 0): Promise<StoredEvent[]> {
  const path = `/api/events/history?topic=${pattern}&after=${after}&last=10000`;
  return (await send(port, "GET", path)).json<StoredEvent[]>();
}
