/**
 * Executes the writer's calls about the sessions of agents' clients. All checks of a call run before its first change,
 * so a refused call changes nothing. Runs in the writer thread.
 *
 * A client's hooks name their session instead of an instance. The first event of a session, of any type, makes the
 * session's instance. The first event of a subagent makes an instance whose parent is the session's instance. If two
 * events arrive together, the first makes the instance and the second finds it.
 */
import type {
  BeginSessionReply,
  BeginSessionRequest,
  EndSessionReply,
  EndSessionRequest,
} from "../../../schemas/agent-sessions.js";
import {
  AGENT_SESSIONS_MAX,
  INSTANCE_LABEL_BYTES_MAX,
  SESSION_END_ROWS,
  SUBAGENTS_MAX,
} from "../../../schemas/limits/instances.js";
import { CLAIMS_ENDED_TOGETHER } from "../../../schemas/limits/claims.js";
import { must } from "../../base/assert.js";
import { noInstance, NOT_YOUR_SESSION } from "../../base/needs-instance.js";
import { Failure } from "../../base/result.js";
import type { Model, Opening } from "../../platform/threads/model.js";
import type { AuditTrail } from "../../platform/threads/transaction.js";
import type { WriteCall } from "../../platform/threads/writer-method.js";
import { auditTrail } from "../audit/table.js";
import { claimRegistry, type ClaimRegistry } from "../claims/claim-registry.js";
import { publisher, type Publisher } from "../events/publisher.js";
import { mergeCheckout } from "../instances/checkout.js";
import { publishStale } from "../instances/commands.js";
import { instanceWriter, type InstanceWriter, type NewInstance } from "../instances/table.js";
import { agentSessionWriter, type AgentSessionWriter, type StoredSession } from "./table.js";

const FULL = new Failure(
  "RESOURCE_EXHAUSTED",
  `${AGENT_SESSIONS_MAX} sessions of agents are kept: they are deleted a day after their end`,
);
const SUBAGENTS_FULL = new Failure(
  "RESOURCE_EXHAUSTED",
  `${SUBAGENTS_MAX} subagents of this session are kept: they are deleted a day after their end`,
);
const NOTHING: BeginSessionReply = { instance: null, subagent: null, made: [], changed: [] };

export class AgentSessionRegistry {
  readonly #sessions: AgentSessionWriter;
  readonly #instances: InstanceWriter;
  readonly #claims: ClaimRegistry;
  readonly #audit: AuditTrail;
  readonly #events: Publisher;

  constructor({ use }: Pick<Opening, "use">) {
    this.#instances = use(instanceWriter);
    this.#sessions = use(agentSessionWriter);
    this.#claims = use(claimRegistry);
    this.#audit = use(auditTrail);
    this.#events = use(publisher);
  }

  /** Begins a session or a subagent, or continues it. */
  begin(request: BeginSessionRequest, call: WriteCall): BeginSessionReply | Failure {
    const { session, agent, owner, restarts } = request;
    // The instance may have been deleted after its token was checked.
    if (owner !== "" && !this.#instances.has(owner)) return noInstance(owner);
    const known = this.#sessions.get(session, "");
    if (known !== undefined && !mayName(request, known)) return NOT_YOUR_SESSION;
    const child = agent === "" ? undefined : this.#sessions.get(session, agent);
    if (!restarts && (hasEnded(known) || hasEnded(child))) return NOTHING;
    const full = this.#refuseMore(request, known, child);
    if (full !== null) return full;

    const made: string[] = [];
    const changed = new Set<string>();
    const instance = known?.instance ?? this.#makeSession(request, call);
    if (known === undefined) made.push(instance);
    if (hasEnded(known)) this.#beginAgain(session, known, call);
    if (made.length > 0 || hasEnded(known)) changed.add(instance);
    const { checkout } = request;
    if (known !== undefined && checkout !== null)
      for (const id of this.#instances.changeCheckout(instance, (before) => mergeCheckout(before, checkout))?.ids ?? [])
        changed.add(id);
    if (agent === "") return { instance, subagent: null, made, changed: [...changed] };
    const subagent = child?.instance ?? this.#makeSubagent(request, known?.owner ?? owner, instance, call);
    if (child === undefined) made.push(subagent);
    if (hasEnded(child)) this.#beginAgain(session, child, call);
    if (child === undefined || hasEnded(child)) changed.add(subagent);
    return { instance, subagent, made, changed: [...changed] };
  }

  /**
   * Ends a session with its subagents, or one subagent. Their claims are released, and their instances become stale. A
   * call for a session that is not known or has ended does nothing. One call ends a limited number of subagents and
   * claims. The caller repeats the call while `more` is true.
   */
  end(request: EndSessionRequest, call: WriteCall): EndSessionReply | Failure {
    const { session, agent, last_seen: lastSeenMs } = request;
    const known = this.#sessions.get(session, agent);
    if (known === undefined) return { ids: [], more: false };
    if (!mayName(request, known)) return NOT_YOUR_SESSION;
    if (hasEnded(known)) return { ids: [], more: false };
    const ending = agent === "" ? this.#sessions.running(session, SESSION_END_ROWS) : [known];
    const ids: string[] = [];
    let claimsLeft = CLAIMS_ENDED_TOGETHER;
    for (const each of ending) {
      const actor = { nowMs: call.nowMs, actor: each.instance, reload: () => call.reload() };
      claimsLeft -= this.#claims.releaseSomeOf(each.instance, claimsLeft, actor);
      if (claimsLeft === 0) return { ids, more: true };
      this.#end(session, each, lastSeenMs, call);
      ids.push(each.instance);
    }
    return { ids, more: agent === "" && !ending.some((each) => each.agent === "") };
  }

  #refuseMore(
    { session, agent }: BeginSessionRequest,
    known: StoredSession | undefined,
    child: StoredSession | undefined,
  ): Failure | null {
    const needsChild = agent !== "" && child === undefined;
    const needed = Number(known === undefined) + Number(needsChild);
    if (needed > 0 && this.#sessions.size + needed > AGENT_SESSIONS_MAX) return FULL;
    // `countOf` includes the row of the session itself, so the comparison is `>`.
    return needsChild && this.#sessions.countOf(session) > SUBAGENTS_MAX ? SUBAGENTS_FULL : null;
  }

  #makeSession(request: BeginSessionRequest, call: WriteCall): string {
    const { session, owner, client, workspace, checkout, instance } = request;
    const place = { workspace, checkout: checkout === null ? null : mergeCheckout(null, checkout) };
    // `registered_by` is the owner of the token, so the instance is deleted together with the owner. The owner's token
    // may act for the instance.
    this.#register({ ...instance, ...place, registered_by: owner, parent: null }, client, call);
    this.#sessions.add(session, "", instance.id, owner, client);
    return instance.id;
  }

  #makeSubagent(
    { session, agent, label, client, subagent }: BeginSessionRequest,
    owner: string,
    parent: string,
    call: WriteCall,
  ): string {
    const { name, workspace, checkout } = must(this.#instances.parentOf(parent), "the session has an instance");
    const preferred = subagentName(name, label);
    const given = {
      ...subagent,
      name: this.#instances.hasSubagent(parent, preferred) ? subagentName(name, agent) : preferred,
    };
    this.#register({ ...given, workspace, checkout, registered_by: parent, parent }, client, call);
    this.#sessions.add(session, agent, subagent.id, owner, client);
    return subagent.id;
  }

  #register(
    instance: Omit<NewInstance, "intent" | "stack" | "capabilities" | "account" | "status">,
    client: string,
    { nowMs, actor }: WriteCall,
  ): void {
    const { id, name, workspace, parent } = instance;
    this.#instances.register(
      { ...instance, intent: "", stack: "", capabilities: [], account: null, status: "active" },
      nowMs,
    );
    const detail = JSON.stringify({ name, workspace, client, ...(parent === null ? {} : { parent }) });
    this.#audit.append(nowMs, actor, "instance.register", id, detail, "success");
  }

  #beginAgain(session: string, { agent, instance }: StoredSession, { nowMs }: WriteCall): void {
    this.#sessions.setEnded(session, agent, null);
    this.#instances.activate(instance, nowMs);
  }

  #end(session: string, { agent, instance }: StoredSession, lastSeenMs: number, call: WriteCall): void {
    const { nowMs } = call;
    this.#sessions.setEnded(session, agent, nowMs);
    const stale = this.#instances.end(instance, Math.max(lastSeenMs, nowMs));
    if (stale !== undefined) publishStale(this.#events, stale, stale.last_seen, call);
  }
}

export const agentSessionRegistry: Model<AgentSessionRegistry> = {
  open: (opening) => new AgentSessionRegistry(opening),
};

function hasEnded(known: StoredSession | undefined): known is StoredSession {
  return known !== undefined && known.ended_at !== null;
}

function mayName({ owner, any }: { readonly owner: string; readonly any: boolean }, known: StoredSession): boolean {
  return any || known.owner === owner;
}

/** Returns the name of a subagent, cut to the maximum length of a name. */
function subagentName(parent: string, label: string): string {
  return `${parent}/${label}`.slice(0, INSTANCE_LABEL_BYTES_MAX);
}
