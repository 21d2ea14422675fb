/**
 * The client library of Koor, published as `koor/client`. It uses only APIs that Node, Deno, Bun and browsers share,
 * and has no dependencies. docs/clients.md is its guide.
 */
import { Budgets } from "./budgets.js";
import { Events } from "./events.js";
import { Evidence } from "./evidence.js";
import { Instances } from "./instances.js";
import { Leases } from "./leases.js";
import { Messages } from "./messages.js";
import { Servers } from "./servers.js";
import { Specs } from "./specs.js";
import { State } from "./state.js";
import { Tasks } from "./tasks.js";
import { Transport, type TransportOptions } from "./transport.js";
import type { WaitAnswer } from "./types.js";
import { Usage } from "./usage.js";
import { wait, type WaitOptions } from "./wait.js";

export {
  BadRequestError,
  ConflictError,
  EvidenceMissingError,
  ForbiddenError,
  KoorError,
  LeasedError,
  LeaseLostError,
  NotFoundError,
  RateLimitedError,
  ServerError,
  StaleFenceError,
  TaskCanceledError,
  TimeoutError,
  TooLargeError,
  UnauthorizedError,
  UnavailableError,
} from "./errors.js";
export { HeldLease } from "./leases.js";
export { TaskFailure } from "./task-worker.js";
export type { BudgetLeft } from "./budgets.js";
export type { CallOptions } from "./deadline.js";
export type { EvidenceListOptions } from "./evidence.js";
export type { HistoryOptions, PublishOptions } from "./events.js";
export type { HeartbeatOptions, InstanceListOptions, Registration } from "./instances.js";
export type { AcquireOptions, LeaseCheckOptions, LeaseListOptions } from "./leases.js";
export type { InboxOptions, MessageListOptions, MessagePage } from "./messages.js";
export type { SpecListOptions } from "./specs.js";
export type { StateListOptions } from "./state.js";
export type { SubscribeOptions, Subscription } from "./subscription.js";
export type { ClaimOptions, CompleteOptions } from "./task-claims.js";
export type { TaskListOptions } from "./tasks.js";
export type { TaskContext, TaskHandler, WorkOptions } from "./task-worker.js";
export type { FenceOptions, GetOptions, ListOptions, Versioned, WriteOptions } from "./versioned.js";
export type { WaitOptions } from "./wait.js";
export type * from "./types.js";

/** The address of the server, and the identity of the client. */
export interface ConnectOptions extends TransportOptions {
  /** The address of the server. For a cluster, the addresses of its nodes. By default `http://localhost:9800`. */
  readonly url?: string | readonly string[];
  /** The token of the server, or the token of an instance. */
  readonly token?: string | undefined;
  /** The id of the instance for which the client acts. */
  readonly instance?: string | undefined;
  /** A signal that ends all calls when it fires. After that, the client releases the leases and tasks that it holds. */
  readonly signal?: AbortSignal | undefined;
  /** The maximum time for a call with all its retries, in ms; 30 000 by default. */
  readonly timeoutMs?: number | undefined;
}

const URL_DEFAULT = "http://localhost:9800";

export class Client {
  readonly state: State;
  readonly specs: Specs;
  readonly events: Events;
  readonly leases: Leases;
  readonly tasks: Tasks;
  readonly messages: Messages;
  readonly instances: Instances<Client>;
  readonly usage: Usage;
  readonly budgets: Budgets;
  readonly evidence: Evidence;
  readonly #transport: Transport;

  /** @param transport the transport that `connect` has created */
  constructor(transport: Transport) {
    this.#transport = transport;
    this.state = new State(transport);
    this.specs = new Specs(transport);
    this.events = new Events(transport);
    this.leases = new Leases(transport);
    this.tasks = new Tasks(transport);
    this.messages = new Messages(transport);
    this.instances = new Instances(transport, (other) => new Client(other));
    this.usage = new Usage(transport);
    this.budgets = new Budgets(transport);
    this.evidence = new Evidence(transport);
  }

  /** Waits until one of the conditions holds. */
  wait(options: WaitOptions): Promise<WaitAnswer> {
    return wait(this.#transport, options);
  }
}

/** Creates a client. It sends nothing before the first call. */
export function connect(options: ConnectOptions = {}): Client {
  const { url = URL_DEFAULT, ...rest } = options;
  return new Client(new Transport(new Servers(typeof url === "string" ? [url] : url), rest));
}
