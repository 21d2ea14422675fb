/** Creates the components that answer the hooks of agents' clients. */
import type { Clock } from "../base/clock.js";
import { AgentStates } from "../features/hooks/agent-states.js";
import { AutoLeases } from "../features/hooks/auto-leases.js";
import { BudgetDecision } from "../features/hooks/budget-decision.js";
import { EditDecision } from "../features/hooks/edit-decision.js";
import { EventDecision } from "../features/hooks/event-decision.js";
import { Informer } from "../features/hooks/informer.js";
import { HookFront } from "../features/hooks/front.js";
import { GitDecision } from "../features/hooks/git-decision.js";
import { HookHeaderReader } from "../features/hooks/headers.js";
import { HeldByOthers } from "../features/hooks/held-by-others.js";
import { HeldLines } from "../features/hooks/held-lines.js";
import { HookMetrics } from "../features/hooks/hook-metrics.js";
import { Inbox } from "../features/hooks/inbox.js";
import { LeaseWaiters } from "../features/hooks/lease-waiters.js";
import { NearbyLines } from "../features/hooks/nearby-lines.js";
import { LimitLines } from "../features/hooks/limit-lines.js";
import { News } from "../features/hooks/news.js";
import { ReportLine } from "../features/hooks/report-line.js";
import { OverlapLines } from "../features/hooks/overlap-lines.js";
import { ReadyTasks } from "../features/hooks/ready-tasks.js";
import { RepeatedDenials } from "../features/hooks/repeated-denials.js";
import { RepeatedCalls } from "../features/hooks/repeats.js";
import { hookRoutes } from "../features/hooks/routes.js";
import { SeenEvidence } from "../features/hooks/seen-evidence.js";
import { SeenHooks } from "../features/hooks/seen-hooks.js";
import { ReportedOnce } from "../features/hooks/reported-once.js";
import { ToolDecision } from "../features/hooks/tool-decision.js";
import type { Route } from "../platform/front/route.js";
import type { Measured } from "../platform/measure/exposition.js";
import type { Writer } from "../platform/threads/writer.js";
import type { AgentsArea } from "./agents.js";
import type { BudgetsArea } from "./budgets.js";
import type { ClaimsArea } from "./claims.js";
import type { Ground, ServerPushHandlers } from "./ground.js";
import type { MessagesArea } from "./messages.js";

export interface HooksArea {
  readonly metrics: Measured;
  readonly routes: readonly Route[];
  readonly onOverlaps: ServerPushHandlers["overlaps"];
}

export interface HooksUses {
  readonly agents: Pick<AgentsArea, "directory" | "sessions">;
  readonly budgets: Pick<BudgetsArea, "projection" | "limits" | "tasksAbove">;
  readonly claims: Pick<ClaimsArea, "leases" | "expiry" | "resources" | "tasks" | "evidence">;
  readonly messages: Pick<MessagesArea, "boxes" | "reader">;
}

export function makeHooks({ clock, log, threads }: Ground, uses: HooksUses): HooksArea {
  const { front, metrics, overlaps } = makeHookFront({ clock, log, writer: threads.writer }, uses);
  return { metrics, routes: hookRoutes(front), onOverlaps: (notices) => overlaps.accept(notices) };
}

/** Creates the front of hooks. Tests call it directly, with a simulated server. */
export function makeHookFront(
  { clock, log, writer }: Pick<Ground, "log"> & { readonly clock: Clock; readonly writer: Writer },
  { agents, budgets, claims, messages }: HooksUses,
): { readonly front: HookFront; readonly metrics: HookMetrics; readonly overlaps: OverlapLines } {
  const { directory, sessions } = agents;
  const { leases, expiry, resources } = claims;
  const waiters = new LeaseWaiters({ leases, resources, directory });
  const reported = new ReportedOnce();
  const held = new HeldByOthers({ leases, waiters, endOf: (record) => expiry.endOf(record) });
  const heldLines = new HeldLines(reported);
  const auto = new AutoLeases({ writer, leases, waiters });
  const nearby = new NearbyLines({ directory, held, reported });
  const overlaps = new OverlapLines(directory);
  const spent = new BudgetDecision({
    budgets: budgets.projection,
    tasksAbove: budgets.tasksAbove,
    leases,
    directory,
    reported,
    clock,
  });
  const metrics = new HookMetrics();
  const denials = new RepeatedDenials({ writer, directory, leases, clock });
  const seen = new SeenHooks();
  const news = new News({
    waiters,
    inbox: new Inbox({ writer, boxes: messages.boxes, reader: messages.reader, reported }),
    tasks: new ReadyTasks(claims.tasks),
    budgets: spent,
    limits: new LimitLines({ limits: budgets.limits, reported, clock }),
    overlaps,
    reported,
    clock,
  });
  const events = new EventDecision({
    sessions,
    directory,
    headers: new HookHeaderReader(),
    states: new AgentStates(),
    budgets: spent,
    tools: new ToolDecision({
      edits: new EditDecision({ leases, held, heldLines, auto, nearby }),
      git: new GitDecision({ directory, leases }),
      held,
      heldLines,
    }),
    denials,
    heldLines,
    auto,
    news,
    informer: new Informer(news, directory),
    reportLine: new ReportLine({ held, reported }),
    evidence: new SeenEvidence({ writer, leases, directory, ...claims.evidence }),
    seen,
    clock,
  });
  const front = new HookFront({
    events,
    repeats: new RepeatedCalls(),
    denials,
    waiters,
    seen,
    metrics,
    clock,
    stopwatchMs: () => performance.now(),
    log,
  });
  return { front, metrics, overlaps };
}
