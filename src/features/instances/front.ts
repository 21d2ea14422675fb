/**
 * Implements the operations on instances for all interfaces (HTTP, MCP, hooks). Changes go to the writer. They are in
 * the directory before the caller gets its answer. Runs on the front.
 */
import type {
  CheckoutBody,
  CheckoutReply,
  DeregisterReply,
  DeregisterRequest,
  HeartbeatBody,
  InstancePatch,
  RegisterBody,
} from "../../../schemas/instances.js";
import { PIECED_ANSWER_BYTES } from "../../../schemas/limits/answers.js";
import { INSTANCES_BYTES_MAX, INSTANCES_MAX } from "../../../schemas/limits/instances.js";
import { SECOND_MS } from "../../../shared/duration.js";
import type { Clock } from "../../base/clock.js";
import { crypto } from "../../base/crypto.js";
import type { Log } from "../../base/log.js";
import { noInstance } from "../../base/needs-instance.js";
import { Failure } from "../../base/result.js";
import { jsonReply, readReply } from "../../platform/front/reply.js";
import type { Answer, Request } from "../../platform/front/route.js";
import { callerOf, type CallContext } from "../../platform/rpc/frames.js";
import type { Writer } from "../../platform/threads/writer.js";
import { mergeCheckout } from "./checkout.js";
import {
  activateInstance,
  deregisterInstance,
  registerInstance,
  setAccount,
  setBranch,
  setCapabilities,
  setCheckout,
  setIntent,
} from "./commands.js";
import type { Directory } from "./directory.js";
import type { Entry, InstanceFilter } from "./entry.js";
import { Endings } from "./endings.js";
import type { InstanceLists } from "./lists.js";
import { hashToken, makeToken } from "./token.js";

type ListRequest = Pick<Request<readonly string[], unknown>, "context" | "onAbort">;

export const NO_PLACE = new Failure(
  "RESOURCE_EXHAUSTED",
  `${INSTANCES_MAX} instances are registered: delete those that are gone`,
);
export const NO_ROOM = new Failure(
  "RESOURCE_EXHAUSTED",
  `registered instances take ${INSTANCES_BYTES_MAX} bytes of memory: delete those that are gone`,
);

export interface InstancesOptions {
  readonly directory: Directory;
  readonly writer: Writer;
  readonly clock: Clock;
  readonly log: Log;
  /**
   * Stores all activity up to now, because other nodes learn of activity only from the database; null on a single
   * server.
   */
  readonly flushLastSeen: (() => Promise<void>) | null;
}

export interface Registration {
  readonly entry: Entry;
  /** The token of the new instance. Only the client that registers the instance gets it, and it is not stored. */
  readonly token: string;
}

export class Instances {
  readonly directory: Directory;
  readonly #writer: Writer;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #flushLastSeen: (() => Promise<void>) | null;
  readonly #endings: Endings;

  constructor({ directory, writer, clock, log, flushLastSeen }: InstancesOptions) {
    this.directory = directory;
    this.#endings = new Endings(directory);
    this.#writer = writer;
    this.#clock = clock;
    this.#log = log;
    this.#flushLastSeen = flushLastSeen;
  }

  /** Returns the instance with this id; a 404 if it does not exist. */
  find(id: string): Entry | Failure {
    return this.directory.get(id) ?? noInstance(id);
  }

  /**
   * Records a heartbeat. Returns the instance, or a 404 if it does not exist.
   *
   * A single server at first keeps the time of the heartbeat only in memory. A cluster node stores the time before it
   * answers. So each node that has applied the log up to the position in the answer knows the time. If the time cannot
   * be stored, only this node knows it.
   * @param body `busy_s` is the number of seconds for which the instance will be silent
   */
  heartbeat(id: string, body: HeartbeatBody, context: CallContext): Entry | Failure | Promise<Entry | Failure> {
    const entry = this.find(id);
    if (entry instanceof Failure) return entry;
    const { busy_s: busyS = null, branch } = body;
    const { checkout } = entry;
    if (branch === undefined || checkout === null || checkout.branch === branch) return this.#beat(entry, busyS);
    if (!this.directory.hasRoom({ ...entry, checkout: { ...checkout, branch } }, id)) return NO_ROOM;
    return this.#change<CheckoutReply>(
      id,
      (settle) => this.#writer.call(setBranch, { id, branch }, context, settle),
      (_entry, reply) => this.#applyCheckout(reply),
    ).then((changed) => (changed instanceof Failure ? changed : this.#beat(changed, busyS)));
  }

  #beat(entry: Entry, busyS: number | null): Entry | Promise<Entry> {
    const nowMs = this.#clock.now();
    if (busyS === null) this.directory.touch(entry, nowMs);
    else this.directory.setBusy(entry, nowMs + busyS * SECOND_MS, nowMs);
    return this.#flushLastSeen === null ? entry : this.#flushLastSeen().then(() => entry);
  }

  /**
   * Registers a new instance, which is pending until it is activated. Only the answer to this call has its token.
   * @param registeredBy the id of the instance whose token made the call; "" if no instance's token made it. The new
   * instance is deleted together with that instance.
   */
  async register(body: RegisterBody, registeredBy: string, context: CallContext): Promise<Registration | Failure> {
    const { name, workspace = "", intent = "", stack = "", capabilities: given = [] } = body;
    const checkout = body.checkout === undefined || body.checkout === null ? null : mergeCheckout(null, body.checkout);
    const { account = null } = body;
    const capabilities = [...new Set(given)];
    if (!this.directory.hasRoom({ name, workspace, stack, intent, capabilities, checkout, account })) return NO_ROOM;
    // This call may have been authenticated before the deletion of the registering instance began.
    if (this.directory.get(registeredBy)?.ending === true) return noInstance(registeredBy);
    const token = makeToken();
    const request = {
      id: crypto().randomUUID(),
      token_hash: hashToken(token),
      name,
      workspace,
      intent,
      stack,
      capabilities,
      checkout,
      account,
      registered_by: registeredBy,
    };
    const release = this.directory.reserve(1);
    if (release === null) return NO_PLACE;
    return new Promise((resolve) => {
      this.#writer.call(registerInstance, request, context, (reply) => {
        release();
        if (reply instanceof Failure) {
          resolve(reply);
          return;
        }
        const { row, registered_at } = reply;
        const entry = this.directory.add({
          ...request,
          row,
          parent: null,
          session: null,
          status: "pending",
          registered_at,
          last_seen: registered_at,
          busy_until: 0,
        });
        this.#log.info("instance registered", { id: request.id, name });
        resolve({ entry, token });
      });
    });
  }

  activate(id: string, context: CallContext): Promise<Entry | Failure> {
    return this.#change(
      id,
      (settle) => this.#writer.call(activateInstance, { id }, context, settle),
      (entry) => {
        this.directory.activate(entry, this.#clock.now());
        this.#log.info("instance activated", { id });
      },
    );
  }

  setIntent(id: string, intent: string, context: CallContext): Promise<Entry | Failure> {
    const known = this.directory.get(id);
    if (known !== undefined && !this.directory.hasRoom({ ...known, intent }, id)) return Promise.resolve(NO_ROOM);
    return this.#change(
      id,
      (settle) => this.#writer.call(setIntent, { id, intent }, context, settle),
      (entry) => {
        this.directory.setIntent(entry, intent);
        this.directory.touch(entry, this.#clock.now());
      },
    );
  }

  setCapabilities(id: string, given: readonly string[], context: CallContext): Promise<Entry | Failure> {
    const capabilities = [...new Set(given)];
    const known = this.directory.get(id);
    if (known !== undefined && !this.directory.hasRoom({ ...known, capabilities }, id)) return Promise.resolve(NO_ROOM);
    return this.#change(
      id,
      (settle) => this.#writer.call(setCapabilities, { id, capabilities }, context, settle),
      (entry) => {
        this.directory.setCapabilities(entry, capabilities);
        this.directory.touch(entry, this.#clock.now());
        this.#log.info("instance capabilities set", { id, count: capabilities.length });
      },
    );
  }

  /** Changes those members of an instance that the patch contains. */
  async patch(id: string, { checkout, account }: InstancePatch, context: CallContext): Promise<Entry | Failure> {
    const known = this.find(id);
    if (known instanceof Failure) return known;
    const moved = checkout === undefined ? known : await this.#patchCheckout(known, checkout, context);
    return account === undefined || moved instanceof Failure
      ? moved
      : await this.#patchAccount(moved, account, context);
  }

  #patchAccount(known: Entry, account: string | null, context: CallContext): Promise<Entry | Failure> {
    const { id } = known;
    if (!this.directory.hasRoom({ ...known, account }, id)) return Promise.resolve(NO_ROOM);
    return this.#change(
      id,
      (settle) => this.#writer.call(setAccount, { id, account }, context, settle),
      (entry) => {
        this.directory.setAccount(entry, account);
        this.directory.touch(entry, this.#clock.now());
      },
    );
  }

  #patchCheckout(known: Entry, checkout: CheckoutBody | null, context: CallContext): Promise<Entry | Failure> {
    const { id } = known;
    const merged = checkout === null ? null : mergeCheckout(known.checkout, checkout);
    if (!this.directory.hasRoom({ ...known, checkout: merged }, id)) return Promise.resolve(NO_ROOM);
    return this.#change<CheckoutReply>(
      id,
      (settle) => this.#writer.call(setCheckout, { id, checkout }, context, settle),
      (entry, reply) => {
        this.#applyCheckout(reply);
        this.directory.touch(entry, this.#clock.now());
      },
    );
  }

  #applyCheckout({ ids, checkout }: CheckoutReply): void {
    for (const id of ids) {
      const entry = this.directory.get(id);
      if (entry !== undefined) this.directory.setCheckout(entry, checkout);
    }
  }

  /**
   * Deletes an instance and all instances that it has registered, in as many transactions as needed. The instance's
   * token is rejected from the start, and the other tokens soon after. If a transaction fails, the tokens of the
   * remaining instances are accepted again, and the caller can repeat the call.
   */
  async deregister(id: string, context: CallContext): Promise<Entry | Failure> {
    const entry = this.find(id);
    if (entry instanceof Failure) return entry;
    let deleted = 0;
    for (let at: string | null = null; ; ) {
      const reply: DeregisterReply | Failure = await this.#deregisterPart({ id, at }, context);
      if (reply instanceof Failure) return reply;
      deleted += reply.ids.length;
      at = reply.more;
      if (at === null) break;
    }
    this.#log.info("instance deregistered", { id, ...(deleted > 1 ? { with: deleted - 1 } : {}) });
    return entry;
  }

  /** Deletes a bounded number of the instances. Applies the reply to the directory in the tick in which it arrives. */
  #deregisterPart(request: DeregisterRequest, context: CallContext): Promise<DeregisterReply | Failure> {
    return new Promise((resolve) => {
      this.#writer.call(deregisterInstance, request, context, (reply) => {
        if (reply instanceof Failure) {
          this.#endings.cancel(request.id);
        } else {
          for (const gone of reply.ids) this.directory.remove(gone);
          if (reply.more !== null) this.#endings.begin(request.id);
        }
        resolve(reply);
      });
    });
  }

  /**
   * Changes an existing instance through the writer. Then `done` applies the change to the directory, before the caller
   * gets its answer.
   */
  #change<Reply>(
    id: string,
    ask: (settle: (reply: Reply | Failure) => void) => void,
    done: (entry: Entry, reply: Reply) => void,
  ): Promise<Entry | Failure> {
    const entry = this.find(id);
    if (entry instanceof Failure) return Promise.resolve(entry);
    return new Promise((resolve) => {
      ask((reply) => {
        // Look the entry up again, because a reload of the directory may have replaced it during the call.
        const current = this.directory.get(id);
        if (!(reply instanceof Failure) && current !== undefined) done(current, reply);
        resolve(reply instanceof Failure ? reply : (current ?? entry));
      });
    });
  }
}

/** Answers with the instances that match the filter, the most recently seen first. */
export function listReply(
  lists: InstanceLists,
  filter: InstanceFilter,
  request: ListRequest,
): Answer | Promise<Answer> {
  const read = lists.read(filter, callerOf(request.context), (listener) => request.onAbort(listener));
  return typeof read === "string" ? jsonReply(read) : readReply(read, PIECED_ANSWER_BYTES);
}

/** Answers with the instances that a liveness check has found, the longest silent first. */
export function checkReply(
  lists: InstanceLists,
  stale: readonly Entry[],
  request: ListRequest,
): Answer | Promise<Answer> {
  const end = `,"count":${stale.length}}`;
  const read = lists.encode(stale, callerOf(request.context), (listener) => request.onAbort(listener));
  if (typeof read === "string") return jsonReply(`${CHECKED}${read}${end}`);
  return readReply(surround(CHECKED, read, end), PIECED_ANSWER_BYTES);
}

const CHECKED = '{"checked":true,"newly_stale":';

async function* surround(
  start: string,
  chunks: AsyncIterable<string>,
  end: string,
): AsyncGenerator<string, void, undefined> {
  yield start;
  yield* chunks;
  yield end;
}
