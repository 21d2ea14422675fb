/** The calls about instances. */
import type { CallOptions } from "./deadline.js";
import type { Transport } from "./transport.js";
import type { Heartbeat, Instance, InstancePatch, InstanceQuery, NewInstance, RegisteredInstance } from "./types.js";
import { segment } from "./versioned.js";

export interface InstanceListOptions extends CallOptions, Readonly<InstanceQuery> {}

export interface HeartbeatOptions extends CallOptions, Readonly<Heartbeat> {}

/** The new instance, and a client that acts as it. */
export interface Registration<Client> {
  readonly instance: RegisteredInstance;
  readonly client: Client;
}

function pathOf(id: string): string {
  return `/api/instances/${segment(id)}`;
}

export class Instances<Client> {
  readonly #transport: Transport;
  readonly #clientOf: (transport: Transport) => Client;

  constructor(transport: Transport, clientOf: (transport: Transport) => Client) {
    this.#transport = transport;
    this.#clientOf = clientOf;
  }

  /** Registers an instance. Returns the instance with its token, and a client that acts for it. */
  async register(body: NewInstance, options?: CallOptions): Promise<Registration<Client>> {
    const plan = { method: "POST", path: "/api/instances/register", json: body };
    const instance = await this.#transport.json<RegisteredInstance>(plan, options);
    // A server without authentication ignores tokens.
    const token = this.#transport.hasToken ? { token: instance.token } : {};
    return { instance, client: this.#clientOf(this.#transport.as({ ...token, instance: instance.id })) };
  }

  list(options: InstanceListOptions = {}): Promise<Instance[]> {
    const { signal, timeoutMs, ...query } = options;
    return this.#transport.json({ method: "GET", path: "/api/instances", query }, { signal, timeoutMs });
  }

  get(id: string, options?: CallOptions): Promise<Instance> {
    return this.#transport.json({ method: "GET", path: pathOf(id) }, options);
  }

  /** Changes the checkout or the account of an instance; null removes it. */
  patch(id: string, change: InstancePatch, options?: CallOptions): Promise<Instance> {
    return this.#transport.json({ method: "PATCH", path: pathOf(id), json: change, repeatable: true }, options);
  }

  /** Sets the state of an instance to active. */
  async activate(id: string, options?: CallOptions): Promise<void> {
    await this.#transport.json({ method: "POST", path: `${pathOf(id)}/activate`, repeatable: true }, options);
  }

  /** Reports that an instance is alive. `busy_s` announces that it will send no heartbeat for this time. */
  async heartbeat(id: string, options: HeartbeatOptions = {}): Promise<void> {
    const { signal, timeoutMs, ...json } = options;
    const plan = { method: "POST", path: `${pathOf(id)}/heartbeat`, json, repeatable: true };
    await this.#transport.json(plan, { signal, timeoutMs });
  }

  /** Deletes an instance; its leases are released. */
  async delete(id: string, options?: CallOptions): Promise<void> {
    await this.#transport.json({ method: "DELETE", path: pathOf(id) }, options);
  }
}
