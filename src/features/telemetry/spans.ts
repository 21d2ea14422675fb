/**
 * Computes spans from the server's events. The event that ends a span, together with the database, has all data of the
 * span. So no open span is kept in memory, and a restart of the server loses none. docs/opentelemetry.md describes the
 * spans. Runs in the export thread.
 */
import type { ListedEvidence } from "../../../schemas/evidence.js";
import { TELEMETRY_LIST_MAX, TELEMETRY_TEXT_CHARACTERS_MAX } from "../../../schemas/limits/telemetry.js";
import type { DeniedData, LeaseData, MessageData, TaskData } from "../../../schemas/server-events.js";
import { shorten } from "../../../shared/shorten.js";
import {
  claimSpan,
  type HexHash,
  leaseName,
  leaseTrace,
  parseTraceparent,
  rootSpan,
  type SpanContext,
  spanWithin,
  taskSpan,
} from "../../../shared/trace-context.js";
import { formatTime, parseTime } from "../../base/time.js";
import { leaseRow } from "../claims/lease.js";
import type { LeaseReader } from "../claims/table.js";
import { CurrentClaims } from "./current-claims.js";
import type { SpanRecord } from "./span.js";
import type { LiveTaskClaim, TracedTaskRow, TraceReader } from "./table.js";
import type { TracedTopic } from "./traced-topics.js";

/** A parsed event of the server. */
interface ServerEvent<Data = unknown> {
  readonly id: number;
  readonly topic: string;
  readonly data: Data;
  readonly created_at: string;
}

type Spans = readonly SpanRecord[];
type Handler = (event: ServerEvent<never>, atMs: number) => Spans;

const NONE: Spans = [];
/** The topics of events by which a claim or a task ends without success. */
const FAILED_TOPICS: ReadonlySet<string> = new Set(["task.failed", "task.dead"]);
/** The calls that end a claim without success. */
const FAILED_CALLS: ReadonlySet<string> = new Set(["fail", "loss"]);
/** The outcome of a claim, by the call that ended it. */
const OUTCOMES: ReadonlyMap<string, string> = new Map([
  ["complete", "completed"],
  ["fail", "failed"],
  ["release", "released"],
  ["ask", "asked"],
  ["loss", "lost"],
]);

function shortText(text: string): string {
  return shorten(text, TELEMETRY_TEXT_CHARACTERS_MAX);
}

function shortList(texts: readonly string[]): string[] {
  return texts.slice(0, TELEMETRY_LIST_MAX).map(shortText);
}

function tracedTask({ id, created_at, traceparent }: TracedTaskRow) {
  return { id, created_at: formatTime(created_at), traceparent };
}

export interface SpanSources {
  readonly tasks: Pick<TraceReader, "task" | "stepsOf">;
  readonly leases: Pick<LeaseReader, "get">;
  readonly hash: HexHash;
}

export class SpanComputer {
  readonly #sources: SpanSources;
  readonly #claims = new CurrentClaims();
  readonly #handlers: ReadonlyMap<string, Handler>;

  constructor(sources: SpanSources) {
    this.#sources = sources;
    const ended: Handler = (event, atMs) => this.#taskEnded(event, atMs);
    const returned: Handler = ({ topic, data }, atMs) => this.#claimEnded(topic, data, atMs);
    const handlers: Readonly<Record<TracedTopic, Handler>> = {
      "task.claimed": ({ data }) => this.#claimed(data),
      "task.ready": returned,
      "task.input_required": returned,
      "task.done": ended,
      "task.failed": ended,
      "task.dead": ended,
      "task.canceled": ended,
      "lease.granted": ({ data }) => this.#granted(data),
      "lease.released": ({ data }, atMs) => this.#leaseEnded(data, atMs, false),
      "lease.lost": ({ data }, atMs) => this.#leaseEnded(data, atMs, true),
      "evidence.recorded": ({ data }, atMs) => this.#checked(data, atMs),
      "message.sent": ({ data }, atMs) => this.#sent(data, atMs),
      "agent.denied": ({ id, data }, atMs) => this.#denied(id, data, atMs),
    };
    this.#handlers = new Map(Object.entries(handlers));
  }

  /** Starts again with the live claims, and forgets everything else about agents. */
  begin(claims: readonly LiveTaskClaim[]): void {
    this.#claims.clear();
    for (const { holder, fence, task } of claims) this.#beginClaim(holder, fence, task);
  }

  /** Returns the spans that end with an event. Leaves out a span if its trace is not recorded. */
  spansOf(text: string): Spans {
    const event = JSON.parse(text) as ServerEvent<never>;
    const atMs = parseTime(event.created_at) ?? 0;
    const spans = this.#handlers.get(event.topic)?.(event, atMs) ?? NONE;
    return spans.filter(({ context }) => context.sampled);
  }

  #beginClaim(holder: string, fence: number, taskId: string): void {
    const task = this.#sources.tasks.task(taskId);
    if (task === undefined) return;
    const context = claimSpan(tracedTask(task), fence, this.#sources.hash);
    this.#claims.begin(holder, fence, { task: taskId, context });
  }

  #claimed({ task_id, holder, fence }: TaskData): Spans {
    if (holder !== null && fence !== null) this.#beginClaim(holder.id, fence, task_id);
    return NONE;
  }

  #claimEnded(topic: string, { task_id, holder, fence, reason }: TaskData, atMs: number): Spans {
    if (holder === null || fence === null) return NONE;
    this.#claims.end(holder.id, fence);
    const { tasks, hash } = this.#sources;
    const task = tasks.task(task_id);
    if (task === undefined) return NONE;
    const steps = tasks.stepsOf(task.row, fence);
    const began = steps.find(({ call }) => call === "claim");
    const call = steps.findLast(({ call: name }) => OUTCOMES.has(name))?.call ?? "";
    const traced = tracedTask(task);
    const failed = FAILED_TOPICS.has(topic) || FAILED_CALLS.has(call);
    return [
      {
        name: "claim",
        context: claimSpan(traced, fence, hash),
        parent: taskSpan(traced, hash),
        startMs: began?.at ?? atMs,
        endMs: atMs,
        attributes: {
          "koor.workspace": task.workspace,
          "koor.task.id": task.id,
          "koor.fence": fence,
          "koor.instance.id": holder.id,
          "koor.instance.name": holder.name,
          "koor.resources": shortList(JSON.parse(task.resources) as string[]),
          "koor.outcome": OUTCOMES.get(call) ?? null,
        },
        error: failed ? shortText(reason ?? call) : null,
      },
    ];
  }

  #taskEnded({ topic, data }: ServerEvent<TaskData>, atMs: number): Spans {
    const { tasks, hash } = this.#sources;
    const claims = this.#claimEnded(topic, data, atMs);
    const task = tasks.task(data.task_id);
    if (task === undefined) return claims;
    const traced = tracedTask(task);
    const state = topic.slice("task.".length);
    const span: SpanRecord = {
      name: "task",
      context: taskSpan(traced, hash),
      parent: task.traceparent === null ? null : (parseTraceparent(task.traceparent) ?? null),
      startMs: task.created_at,
      endMs: atMs,
      attributes: {
        "koor.workspace": task.workspace,
        "koor.task.id": task.id,
        "koor.task.title": shortText(task.title),
        "koor.task.state": state,
        "koor.task.attempts": task.attempts,
        "koor.task.labels": shortList(JSON.parse(task.labels) as string[]),
        "koor.instance.id": task.created_by,
      },
      error: FAILED_TOPICS.has(topic) ? shortText(data.reason ?? state) : null,
    };
    return [...claims, span];
  }

  #granted({ lease_id, holder, task }: LeaseData): Spans {
    // The lease of a task is granted at the same time as the claim of the task. So it never waits, and has no span
    // here.
    const record = this.#leaseOf(lease_id, task);
    if (record === undefined) return NONE;
    this.#claims.noteLease(lease_id, holder.id, record.parent);
    const { granted_at: grantedMs, requested_at: requestedMs } = record;
    if (grantedMs === null || grantedMs <= requestedMs) return NONE;
    const claim = this.#claims.of(holder.id, record.parent);
    return [{ ...this.#leaseSpan("wait", record, lease_id, claim?.context), endMs: grantedMs, error: null }];
  }

  #leaseEnded({ lease_id, holder, task, reason }: LeaseData, atMs: number, isLost: boolean): Spans {
    const record = this.#leaseOf(lease_id, task);
    if (record === undefined) return NONE;
    const claim = this.#claims.ofEndedLease(lease_id, holder.id, record.parent);
    const { granted_at: grantedMs } = record;
    const error = isLost ? shortText(reason ?? "lost") : null;
    if (grantedMs === null)
      return [{ ...this.#leaseSpan("wait", record, lease_id, claim?.context), endMs: atMs, error }];
    const name = record.automatic ? "edit" : "lease";
    return [{ ...this.#leaseSpan(name, record, lease_id, claim?.context), startMs: grantedMs, endMs: atMs, error }];
  }

  #leaseOf(id: string, task: string | null): ReturnType<LeaseReader["get"]> {
    const row = task === null ? leaseRow(id) : undefined;
    return row === undefined ? undefined : this.#sources.leases.get(row);
  }

  #leaseSpan(
    name: "wait" | "lease" | "edit",
    record: NonNullable<ReturnType<LeaseReader["get"]>>,
    id: string,
    claim: SpanContext | undefined,
  ): Omit<SpanRecord, "endMs" | "error"> {
    const { requested_at, holder, holder_name, workspace, resources, shared, fence } = record;
    const root = leaseTrace({ id, requested_at: formatTime(requested_at) });
    return {
      name,
      ...this.#placed(claim, root, name === "wait" ? `wait ${id}` : leaseName({ id })),
      startMs: requested_at,
      attributes: {
        "koor.workspace": workspace,
        "koor.lease.id": id,
        "koor.lease.mode": shared ? "shared" : "exclusive",
        "koor.fence": fence === 0 ? null : fence,
        "koor.resources": shortList(resources),
        "koor.instance.id": holder,
        "koor.instance.name": holder_name,
      },
    };
  }

  #checked(data: ListedEvidence, atMs: number): Spans {
    const { id, task: taskId, instance_id, exit_code: exitCode, duration_ms: durationMs } = data;
    const endMs = parseTime(data.at) ?? atMs;
    const claim = this.#claims.of(instance_id);
    return [
      {
        name: "check",
        ...this.#placed(this.#parentOf(taskId, claim), `evidence ${id} ${data.at}`, `check ${id}`),
        startMs: endMs - (durationMs ?? 0),
        endMs,
        attributes: {
          "koor.workspace": data.workspace,
          "koor.task.id": taskId ?? claim?.task ?? null,
          "koor.evidence.id": id,
          "koor.evidence.level": data.level,
          "koor.instance.id": instance_id,
          "koor.instance.name": data.name,
          "process.command_line": shortText(data.command),
          "process.exit.code": exitCode,
          "koor.tree": data.tree_after,
        },
        error: exitCode === 0 ? null : exitCode === null ? "exit code unknown" : `exit code ${exitCode}`,
      },
    ];
  }

  /**
   * Returns the parent of a span that names a task. If the agent holds the task, the parent is the span of its claim.
   * Otherwise it is the span of the task. If the span names no task, the parent is the span of the agent's current
   * claim.
   */
  #parentOf(taskId: string | null, claim: { task: string; context: SpanContext } | undefined): SpanContext | undefined {
    if (taskId === null || claim?.task === taskId) return claim?.context;
    const task = this.#sources.tasks.task(taskId);
    return task === undefined ? undefined : taskSpan(tracedTask(task), this.#sources.hash);
  }

  #sent({ message_id, thread, from, to, intent }: MessageData, atMs: number): Spans {
    const claim = this.#claims.of(from);
    const placed = this.#placed(claim?.context, `message ${message_id} ${thread}`, `message ${message_id}`);
    return [
      {
        name: "message",
        ...placed,
        startMs: atMs,
        endMs: atMs,
        attributes: {
          "messaging.system": "koor",
          "messaging.operation.type": "send",
          "messaging.message.id": message_id,
          "messaging.message.conversation_id": shortText(thread),
          "koor.task.id": claim?.task ?? null,
          "koor.instance.id": from,
          "koor.message.to": shortList(to),
          "koor.message.intent": intent,
        },
        error: null,
      },
    ];
  }

  #denied(eventId: number, { client, instance, workspace, path, holder, count }: DeniedData, atMs: number): Spans {
    const claim = this.#claims.of(instance.id);
    const placed = this.#placed(claim?.context, `denied ${eventId} ${formatTime(atMs)}`, `denied ${eventId}`);
    return [
      {
        name: "edit",
        ...placed,
        startMs: atMs,
        endMs: atMs,
        attributes: {
          "koor.workspace": workspace,
          "koor.task.id": claim?.task ?? null,
          "koor.instance.id": instance.id,
          "koor.instance.name": instance.name,
          "koor.client": client,
          "koor.denials": count,
          "file.path": shortText(path),
        },
        error: holder === null ? "denied" : `denied: ${holder.name} holds it`,
      },
    ];
  }

  /**
   * Returns the context of a span. With a parent, the span belongs to the parent's trace. Without a parent, it begins a
   * new trace.
   */
  #placed(
    parent: SpanContext | undefined,
    root: string,
    within: string,
  ): { readonly context: SpanContext; readonly parent: SpanContext | null } {
    const { hash } = this.#sources;
    const own = parent ?? rootSpan(root, hash);
    return { context: spanWithin(own, within, hash), parent: parent ?? null };
  }
}
