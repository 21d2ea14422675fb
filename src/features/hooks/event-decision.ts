/**
 * Handles the events of agents' sessions. An event begins or ends a session, or asks for a decision about a tool call
 * or about the end of a turn. The informer writes the lines for the agent. Decisions use only the front's memory. The
 * writer is called only to begin or end a session, and to change leases. Runs on the front.
 */
import type { CheckoutBody } from "../../../schemas/instances.js";
import { SECOND_MS } from "../../../shared/duration.js";
import type { Clock } from "../../base/clock.js";
import { Failure } from "../../base/result.js";
import { TimeSlice } from "../../base/time-slice.js";
import { callerOf } from "../../platform/rpc/frames.js";
import type { AgentSessions, EventCall, SessionInstances } from "../agent-sessions/front.js";
import { CallerSlices } from "../instances/caller-slices.js";
import { isValidCheckout } from "../instances/checkout.js";
import type { Directory } from "../instances/directory.js";
import type { Entry } from "../instances/entry.js";
import type { AgentStates } from "./agent-states.js";
import type { AutoLeases } from "./auto-leases.js";
import { canHoldStop, canInform, type HookDecision, isDenied, PROCEED } from "./answer.js";
import type { BudgetDecision } from "./budget-decision.js";
import type { Informed, Informer } from "./informer.js";
import { notCheckedLine } from "./call-lines.js";
import type { DecidedCall, Denial } from "./decided-call.js";
import { type HookHeaders, type HookHeaderReader, withDefaultRoot } from "./headers.js";
import type { HeldLines } from "./held-lines.js";
import type { HookInput } from "./input.js";
import type { News } from "./news.js";
import type { ReportLine } from "./report-line.js";
import type { RepeatedDenials } from "./repeated-denials.js";
import type { Decided } from "./repeats.js";
import { WorkspaceRoots } from "./roots.js";
import type { SeenEvidence } from "./seen-evidence.js";
import type { SeenHooks } from "./seen-hooks.js";
import { styleOf } from "./file-path.js";
import { isEdit, type ToolDecision } from "./tool-decision.js";
import { toolEffects } from "./tool-effects.js";

export interface EventDecisionOptions {
  readonly sessions: AgentSessions;
  readonly directory: Directory;
  readonly headers: HookHeaderReader;
  readonly states: AgentStates;
  readonly budgets: Pick<BudgetDecision, "denialOf">;
  readonly tools: ToolDecision;
  readonly denials: RepeatedDenials;
  readonly heldLines: HeldLines;
  readonly auto: AutoLeases;
  readonly news: Pick<News, "takeRequests">;
  readonly informer: Informer;
  readonly reportLine: ReportLine;
  readonly evidence: SeenEvidence;
  readonly seen: SeenHooks;
  readonly clock: Clock;
}

/** The request of an event: its caller, and the headers that describe the project. */
export interface EventRequest extends EventCall {
  readonly headers: Readonly<Record<string, string>>;
}

/** An event whose session is known. */
interface KnownEvent extends Informed {
  readonly headers: HookHeaders;
  readonly session: Entry;
}

export class EventDecision {
  readonly #options: EventDecisionOptions;
  readonly #slices = new CallerSlices();
  /** The time of the decisions in this tick that did not wait for a slice. */
  readonly #atOnce = new TimeSlice();

  constructor(options: EventDecisionOptions) {
    this.#options = options;
  }

  /** Decides about an event that does not repeat an earlier one. May throw if this code has a fault. */
  decide(input: HookInput, { headers: sent, caller, context }: EventRequest): Decided | Promise<Decided> {
    const { sessions, directory, headers: reader } = this.#options;
    const { session, agent, moment, client } = input;
    const call: EventCall = { caller, context };
    if (moment === "end" || (moment === "subagent-stop" && agent !== null))
      return sessions
        .end(session, moment === "end" ? null : (agent?.id ?? null), call)
        .then((ended) => (ended instanceof Failure ? ended : PROCEED));
    const known = directory.ofSession(session);
    const root = this.#rootOf(known, input.directory);
    const headers = withDefaultRoot(
      reader.read((name) => sent[name] ?? ""),
      root,
    );
    const begun = sessions.begin(
      {
        session,
        client: client.name,
        agent,
        workspace: headers.workspace ?? "",
        checkout: checkoutOf(headers),
        restarts: startsWork(input),
      },
      call,
    );
    const go = (instances: SessionInstances | null | Failure): Decided | Promise<Decided> => {
      if (instances === null) return PROCEED;
      if (instances instanceof Failure) return this.#refuse(input, instances);
      return this.#decideKnown(input, headers, instances, { root, isNew: known === undefined, call });
    };
    return begun instanceof Promise || this.#atOnce.isOver
      ? this.#decideInSlice(Promise.resolve(begun), call, go)
      : go(begun);
  }

  /**
   * Decides about an event in a short time slice, in which the callers take turns. It is used if the decisions of this
   * tick have taken long, and for events that the writer has answered. One transaction may store the instances or the
   * leases of many events, and all these events continue in the same tick.
   */
  async #decideInSlice<Stored, Result extends Decided>(
    begun: Promise<Stored>,
    { context }: EventCall,
    go: (stored: Stored) => Result | Promise<Result>,
  ): Promise<Result> {
    const stored = await begun;
    const job = this.#slices.begin(callerOf(context));
    try {
      return await job.run(() => go(stored));
    } finally {
      job.end();
    }
  }

  /**
   * Decides about an event for which no instance could be registered. If there are too many sessions, the agent is told
   * that its edits are not checked.
   */
  #refuse(input: HookInput, failure: Failure): Decided {
    if (failure.status !== "RESOURCE_EXHAUSTED" || !startsWork(input) || !canInform(input.event)) return failure;
    return { kind: "context", text: notCheckedLine(failure.message) };
  }

  /** Returns the root of a session whose requests name no root. */
  #rootOf(known: Entry | undefined, directory: string): string {
    if (known === undefined) return directory;
    const root = this.#options.states.find(known.id)?.root ?? known.checkout?.root ?? "";
    if (root !== "") return root;
    // If no header names a workspace, the path of the session's root is used as the name of the workspace.
    return styleOf(known.workspace) === null ? directory : known.workspace;
  }

  #decideKnown(
    input: HookInput,
    headers: HookHeaders,
    { session, subagent }: SessionInstances,
    { root, isNew, call }: { readonly root: string; readonly isNew: boolean; readonly call: EventCall },
  ): Decided | Promise<Decided> {
    const { states } = this.#options;
    const { moment } = input;
    const state = states.of(session.id, root, isNew);
    const actor = subagent ?? session;
    this.#see(input, session);
    const own = subagent === null ? state : states.of(subagent.id, root, false);
    const known: KnownEvent = { input, headers, session, actor, state: own, call };
    if (moment === "before-tool") return this.#beforeTool(known);
    if (moment === "after-tool") return this.#afterTool(known);
    if (moment === "stop") return this.#stop(known);
    return moment === "start" || moment === "prompt" ? this.#options.informer.inform(known, []) : PROCEED;
  }

  #beforeTool(known: KnownEvent): HookDecision | Promise<HookDecision> {
    const { input } = known;
    const { tool, busyS } = input;
    if (tool === null) return this.#options.informer.inform(known, []);
    const spent = this.#options.budgets.denialOf(tool, known.actor);
    if (spent !== null) return this.#deny(known, spent);
    const call = decidedCallOf(known);
    const outcome = this.#options.tools.decide(tool.kind, call);
    const go = ({ denial, lines }: Awaited<typeof outcome>): HookDecision => {
      if (denial !== null) return this.#deny(known, denial);
      this.#options.evidence.recordEdit(call);
      if (busyS > 0) this.#setBusy(known, busyS);
      return this.#options.informer.inform(known, lines);
    };
    return outcome instanceof Promise ? this.#decideInSlice(outcome, known.call, go) : go(outcome);
  }

  #deny({ input: { client }, headers: { policy }, actor, call }: KnownEvent, { reason, path }: Denial): HookDecision {
    const { denials, heldLines } = this.#options;
    if (path !== null && isDenied(client, policy)) denials.add(client.name, actor, path, call.context);
    else if (path !== null) heldLines.record(path, actor.id);
    return { kind: "deny", reason, policy };
  }

  /** Records that the agent may be silent while a command runs. While a subagent is busy, its session is busy, too. */
  #setBusy({ actor, session }: KnownEvent, busyS: number): void {
    const { directory, clock } = this.#options;
    const nowMs = clock.now();
    for (const entry of new Set([actor, session])) directory.setBusy(entry, nowMs + busyS * SECOND_MS, nowMs);
  }

  #afterTool(known: KnownEvent): HookDecision {
    const { directory, clock, tools, reportLine, evidence } = this.#options;
    const { input, actor } = known;
    const nowMs = clock.now();
    if (actor.busy_until > nowMs) directory.setBusy(actor, nowMs, nowMs);
    if (input.tool === null) return this.#options.informer.inform(known, []);
    const call = decidedCallOf(known);
    evidence.recordEdit(call);
    evidence.recordRun(input, call, call.context);
    const lines = tools.afterwards(input.tool.kind, call);
    return this.#options.informer.inform(
      known,
      isEdit(input.tool.kind) ? [...lines, ...reportLine.of(call, nowMs)] : lines,
    );
  }

  /**
   * Ends a turn. The agent must not stop yet if another agent has sent it a request that was not reported to it.
   * Otherwise the automatic leases for which other agents wait are released. They are kept while work continues in the
   * background.
   */
  #stop(known: KnownEvent): HookDecision | Promise<HookDecision> {
    const { input, actor, session, call } = known;
    const { news } = this.#options;
    const { client, event, stopHeld, agent, isBusyInBackground } = input;
    if (agent !== null) return PROCEED;
    if (canHoldStop(client, event) && !stopHeld) {
      const reason = news.takeRequests(actor, call.context);
      if (reason !== null) return { kind: "hold-stop", reason };
    }
    const released = isBusyInBackground ? null : this.#options.auto.releaseAwaited(session.id, call.context);
    return released === null
      ? this.#options.informer.inform(known, [])
      : this.#decideInSlice(released, call, () => this.#options.informer.inform(known, []));
  }

  /**
   * Handles the repetition of a hook's call. `known` is the decision about the first call, or the promise of this
   * decision.
   */
  repeat(input: HookInput, known: Decided | Promise<Decided>, request: EventRequest): Decided | Promise<Decided> {
    const session = this.#options.directory.ofSession(input.session);
    // Record that this client's hooks run. The first call may have come from the hooks of another client.
    if (session !== undefined && !(known instanceof Failure)) this.#see(input, session);
    return input.moment === "stop" ? this.#stopAgain(input, known, request) : known;
  }

  #see({ client, event }: HookInput, { workspace, checkout }: Entry): void {
    const { seen, clock } = this.#options;
    seen.add({ client: client.name, workspace, checkout: checkout?.id ?? null, event: event.name, atMs: clock.now() });
  }

  /**
   * Handles a repeated end of a turn: releases the automatic leases for which other agents wait. Some clients send the
   * same input twice: at the end of a subagent, and soon after that at the end of the turn. Only the second input means
   * that the turn is over.
   */
  async #stopAgain(
    { session, isBusyInBackground }: HookInput,
    known: Decided | Promise<Decided>,
    { context }: EventRequest,
  ): Promise<Decided> {
    const decided = await known;
    const entry = this.#options.directory.ofSession(session);
    const isEnd = !(decided instanceof Failure) && decided.kind !== "hold-stop" && !isBusyInBackground;
    if (isEnd && entry !== undefined) await this.#options.auto.releaseAwaited(entry.id, context);
    return decided;
  }
}

/** Returns whether an agent begins to work with this event. It does at the start, at a prompt, and before an edit. */
function startsWork({ moment, tool }: HookInput): boolean {
  return moment === "start" || moment === "prompt" || (moment === "before-tool" && isEdit(tool?.kind));
}

function decidedCallOf({ input, headers, session, actor, call: { context } }: KnownEvent): DecidedCall {
  return { actor, session, headers, roots: new WorkspaceRoots(headers), effects: toolEffects(input), context };
}

/** Returns the checkout that the headers describe; null if they have no id of a checkout. */
function checkoutOf({ checkout: id, branch, roots }: HookHeaders): CheckoutBody | null {
  if (id === null) return null;
  const named = { id, ...(branch === null ? {} : { branch }) };
  const rooted = { ...named, root: roots[0] ?? null };
  return isValidCheckout(rooted) ? rooted : named;
}
