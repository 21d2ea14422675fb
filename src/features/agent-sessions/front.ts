/**
 * Begins and ends the sessions of agents' clients, for the features that clients' hooks call. An event of a known
 * session that changes nothing is answered from memory, so it costs the writer nothing. Runs on the front.
 */
import type { BeginSessionRequest } from "../../../schemas/agent-sessions.js";
import type { Checkout, CheckoutBody, DeregisterReply } from "../../../schemas/instances.js";
import { INSTANCE_LABEL_BYTES_MAX } from "../../../schemas/limits/instances.js";
import { isSessionId, SESSION_ID_RULE } from "../../../schemas/session-id.js";
import { textProblem } from "../../../schemas/text.js";
import type { Clock } from "../../base/clock.js";
import { crypto } from "../../base/crypto.js";
import type { Log } from "../../base/log.js";
import { noInstance, NOT_YOUR_SESSION } from "../../base/needs-instance.js";
import { Failure, invalid } from "../../base/result.js";
import type { Caller } from "../../platform/front/caller.js";
import { mayAll, tokenOwnerOf } from "../../platform/front/roles.js";
import type { CallContext } from "../../platform/rpc/frames.js";
import type { Writer } from "../../platform/threads/writer.js";
import { deregisterInstance } from "../instances/commands.js";
import { isSameCheckout, isValidCheckout, mergeCheckout } from "../instances/checkout.js";
import type { Directory } from "../instances/directory.js";
import type { Entry, InstanceRow } from "../instances/entry.js";
import { NO_PLACE, NO_ROOM } from "../instances/front.js";
import { hashToken, hasLostToken, makeToken } from "../instances/token.js";
import { beginSession, endSession } from "./commands.js";

const LABEL = { charactersMax: INSTANCE_LABEL_BYTES_MAX, line: true } as const;
/** The number of hexadecimal digits in the name of a session's instance. They follow the client's name. */
const NAME_DIGITS = 4;
/**
 * The maximum number of random names to try. If all are taken, the last one is used, because two instances may have the
 * same name.
 */
const NAMES_TRIED_MAX = 16;

/** An event of a client. */
export interface SessionEvent {
  /** The client's id of the session. */
  readonly session: string;
  /** The name of the client, for example `claude`. */
  readonly client: string;
  /**
   * The subagent to which the event belongs; null if it belongs to the session itself. `label` is the preferred name,
   * for example the subagent's type. `id` is the name if the label is invalid or is the name of another subagent.
   */
  readonly agent: { readonly id: string; readonly label: string } | null;
  readonly workspace: string;
  /**
   * The checkout of the session; null if the event does not name one. If a member is absent, its stored value stays, or
   * becomes null if the session moves to another checkout.
   */
  readonly checkout: CheckoutBody | null;
  /** True if the event restarts a session or a subagent that has ended. Other events of an ended session do nothing. */
  readonly restarts: boolean;
}

/** The instances of an event's session and subagent. */
export interface SessionInstances {
  /** The instance of the session. */
  readonly session: Entry;
  /** The instance of the subagent to which the event belongs; null if it belongs to the session itself. */
  readonly subagent: Entry | null;
}

/** The caller of an event, and the context of its request. */
export interface EventCall {
  readonly caller: Caller;
  readonly context: CallContext;
}

export interface AgentSessionsOptions {
  /** Whether the server checks tokens at all. */
  readonly guarded: boolean;
  readonly directory: Directory;
  readonly writer: Writer;
  /** Reads the stored instance with an id. */
  readonly rows: { byId(id: string): InstanceRow | undefined };
  readonly clock: Clock;
  readonly log: Log;
}

export class AgentSessions {
  readonly #options: AgentSessionsOptions;

  constructor(options: AgentSessionsOptions) {
    this.#options = options;
  }

  /**
   * Returns the instances of an event's session and subagent. Instances that do not exist are made, and a changed
   * checkout is stored. The event counts as activity of both instances. Returns null if the session or the subagent has
   * ended and the event does not restart it.
   *
   * Fails with INVALID_ARGUMENT for an invalid id, with PERMISSION_DENIED if the session was begun with another token
   * that is not lost, and with RESOURCE_EXHAUSTED if there are too many sessions or instances.
   */
  begin(
    event: SessionEvent,
    { caller, context }: EventCall,
  ): SessionInstances | null | Failure | Promise<SessionInstances | null | Failure> {
    const { session, agent, restarts } = event;
    const wrong = refuseEvent(event);
    if (wrong !== null) return wrong;
    const { directory } = this.#options;
    const entry = directory.ofSession(session);
    const subagent = agent === null ? null : directory.ofSession(session, agent.id);
    if (entry !== undefined) {
      if (!this.#mayName(entry, caller))
        return this.#isAbandoned(entry, caller) ? this.#replace(entry, event, { caller, context }) : NOT_YOUR_SESSION;
      const isOver = hasEnded(entry) || (subagent !== undefined && subagent !== null && hasEnded(subagent));
      if (isOver && !restarts) return null;
      if (!isOver && subagent !== undefined && !movesTo(entry.checkout, event.checkout))
        return this.#seen(entry, subagent);
    }
    return this.#begin(event, entry, subagent, { caller, context });
  }

  /**
   * Ends a session and its subagents, or one subagent. Their claims are released, and their instances become stale.
   * Does nothing if the session does not exist or has ended, or if an id is invalid.
   * @param agent the client's id of the subagent; null to end the whole session
   * @returns the ids of the instances that have ended
   */
  async end(
    session: string,
    agent: string | null,
    { caller, context }: EventCall,
  ): Promise<readonly string[] | Failure> {
    const { directory, writer, rows, log } = this.#options;
    if (![session, agent ?? session].every(isSessionId)) return [];
    const entry = directory.ofSession(session, agent ?? "");
    if (entry !== undefined && !this.#mayName(entry, caller))
      return this.#isAbandoned(entry, caller) ? [] : NOT_YOUR_SESSION;
    // A session that this node does not know may have begun at another node of a cluster. So the writer decides, unless
    // this node knows that the session has ended.
    if (entry !== undefined && hasEnded(entry)) return [];
    const ended: string[] = [];
    for (let more = true; more; ) {
      const lastSeenMs = Math.max(directory.newestMs, this.#options.clock.now());
      const request = { session, agent: agent ?? "", ...this.#tokenOf(caller), last_seen: lastSeenMs };
      const reply = await writer.request(endSession, request, context);
      if (reply instanceof Failure) return reply;
      for (const id of reply.ids) directory.applyStored(id, rows.byId(id));
      ended.push(...reply.ids);
      ({ more } = reply);
    }
    for (const id of ended) log.info("agent session ended", { id, name: directory.get(id)?.name });
    return ended;
  }

  /**
   * Returns whether only the server's token can still continue a session, and no client has continued it since the
   * caller was registered. This is so if the token that began the session was lost by a restore, and the client of the
   * session has registered again for another token.
   */
  #isAbandoned({ session, last_seen, waits }: Entry, caller: Caller): boolean {
    const { directory } = this.#options;
    const owner = directory.get(session?.owner ?? "");
    const own = directory.get(tokenOwnerOf(caller));
    if (owner === undefined || own === undefined || !hasLostToken(owner.token_hash)) return false;
    return waits === 0 && last_seen < own.registered_at;
  }

  /**
   * Deletes the instance of an abandoned session with its subagents, and begins the session again. The caller does not
   * get the old instance, because it may be another agent that must not read the messages of that instance.
   */
  async #replace({ id }: Entry, event: SessionEvent, call: EventCall): Promise<SessionInstances | null | Failure> {
    const { directory, writer, log } = this.#options;
    for (let at: string | null = null; ; ) {
      const reply: DeregisterReply | Failure = await writer.request(deregisterInstance, { id, at }, call.context);
      // Another event of the session may have replaced it meanwhile.
      if (reply instanceof Failure && reply.status !== "NOT_FOUND") return reply;
      if (reply instanceof Failure) break;
      for (const gone of reply.ids) directory.remove(gone);
      at = reply.more;
      if (at === null) break;
    }
    log.info("abandoned agent session replaced", { id });
    return this.#begin(event, directory.ofSession(event.session), undefined, call);
  }

  async #begin(
    event: SessionEvent,
    entry: Entry | undefined,
    subagent: Entry | null | undefined,
    { caller, context }: EventCall,
  ): Promise<SessionInstances | null | Failure> {
    const { directory, writer, rows, log } = this.#options;
    const { agent, client } = event;
    const token = this.#tokenOf(caller);
    // After the call was authenticated, another call may have begun to delete the token's owner or the event's
    // instance.
    if (directory.get(token.owner)?.ending === true || entry?.ending === true)
      return noInstance(entry?.id ?? token.owner);
    const request: BeginSessionRequest = {
      ...token,
      session: event.session,
      agent: agent?.id ?? "",
      label: agent === null ? "" : labelOf(agent),
      client,
      workspace: event.workspace,
      checkout: changeOf(entry?.checkout ?? null, event.checkout),
      restarts: event.restarts,
      instance: this.#newInstance(client),
      subagent: this.#newInstance(client),
    };
    const release = this.#reserve(request, entry, subagent);
    if (release instanceof Failure) return release;
    const reply = await writer.request(beginSession, request, context);
    release();
    if (reply instanceof Failure) return reply;
    for (const id of reply.changed) directory.applyStored(id, rows.byId(id));
    for (const id of reply.made) log.info("agent session begun", { id, name: directory.get(id)?.name });
    if (reply.instance === null) return null;
    const session = this.#find(reply.instance);
    const of = reply.subagent === null ? null : this.#find(reply.subagent);
    // The instance may have been deleted before the reply arrived.
    if (session === undefined || of === undefined) return noInstance(reply.instance);
    return this.#seen(session, of);
  }

  /**
   * Reserves room for the instances that an event may make. Returns the function that frees the room, or the failure if
   * there are too many instances.
   */
  #reserve(
    { workspace, checkout, instance: { name }, label, agent }: BeginSessionRequest,
    entry: Entry | undefined,
    subagent: Entry | null | undefined,
  ): (() => void) | Failure {
    const { directory } = this.#options;
    const texts = { workspace, stack: "", intent: "", capabilities: [], session: NEW_SESSION };
    const merged = checkout === null ? (entry?.checkout ?? null) : mergeCheckout(entry?.checkout ?? null, checkout);
    const longest = `${name}/${label.length > agent.length ? label : agent}`;
    const needsRoom = [
      entry === undefined
        ? directory.hasRoom({ ...texts, name, checkout: merged })
        : directory.hasRoom({ ...entry, checkout: merged }, entry.id),
      subagent !== undefined || directory.hasRoom({ ...texts, name: longest, checkout: merged }),
    ];
    if (needsRoom.includes(false)) return NO_ROOM;
    return directory.reserve(Number(entry === undefined) + Number(subagent === undefined)) ?? NO_PLACE;
  }

  #newInstance(client: string): BeginSessionRequest["instance"] {
    const { directory } = this.#options;
    const id = crypto().randomUUID();
    let name = "";
    for (let tried = 0; tried < NAMES_TRIED_MAX; tried++) {
      name = `${client}-${crypto()
        .randomBytes(NAME_DIGITS / 2)
        .toString("hex")}`;
      if (directory.newest(name, undefined) === undefined) break;
    }
    // No client gets the token, so only its hash is kept.
    return { id, token_hash: hashToken(makeToken()), name };
  }

  /**
   * Returns the entry of an instance. If another node of a cluster made the instance, the entry may have to be read
   * first.
   */
  #find(id: string): Entry | undefined {
    const { directory, rows } = this.#options;
    if (directory.get(id) === undefined) directory.applyStored(id, rows.byId(id));
    return directory.get(id);
  }

  /**
   * Records activity of the session, and of the subagent if there is one. So a session stays live while a subagent
   * works.
   */
  #seen(session: Entry, subagent: Entry | null): SessionInstances {
    const { directory, clock } = this.#options;
    const nowMs = clock.now();
    directory.touch(session, nowMs);
    if (subagent !== null) directory.touch(subagent, nowMs);
    return { session, subagent };
  }

  #tokenOf(caller: Caller): { readonly owner: string; readonly any: boolean } {
    return { owner: tokenOwnerOf(caller), any: mayAll(this.#options.guarded, caller) };
  }

  #mayName({ session }: Entry, caller: Caller): boolean {
    const { owner, any } = this.#tokenOf(caller);
    return any || session?.owner === owner;
  }
}

/** A placeholder with which the size of an instance is estimated before its session exists. */
const NEW_SESSION = { session: "", agent: "", owner: "", client: "", ended_at: null };

function refuseEvent({ session, agent, workspace, checkout }: SessionEvent): Failure | null {
  if (!isSessionId(session)) return invalid(`session ${SESSION_ID_RULE}`);
  if (agent !== null && !isSessionId(agent.id)) return invalid(`agent ${SESSION_ID_RULE}`);
  const problem = textProblem(workspace, LABEL);
  if (problem !== null) return invalid(`workspace ${problem}`);
  return checkout === null || isValidCheckout(checkout) ? null : invalid("checkout has the wrong shape");
}

function hasEnded({ session }: Entry): boolean {
  return session !== null && session.ended_at !== null;
}

function labelOf({ id, label }: { readonly id: string; readonly label: string }): string {
  return label !== "" && textProblem(label, LABEL) === null ? label : id;
}

/**
 * Returns the change that an event makes to the checkout of its session. If the event names another checkout, absent
 * members become null, because the values of the previous checkout do not apply to it.
 */
function changeOf(before: Checkout | null, given: CheckoutBody | null): CheckoutBody | null {
  if (given === null || before?.id === given.id) return given;
  return { branch: null, root: null, machine: null, ...given };
}

/** Returns whether an event changes the checkout of its session. */
function movesTo(before: Checkout | null, given: CheckoutBody | null): boolean {
  const change = changeOf(before, given);
  return change !== null && !isSameCheckout(before, mergeCheckout(before, change));
}
