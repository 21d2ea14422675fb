/**
 * The data of `top`: the server's last answers, and its figures at two moments. For each answer, this module also has
 * the path of the request, and the kind of change that makes the answer out of date. Pure; runs in the CLI process.
 */
import type { AskedKind } from "../../schemas/changes.js";

/** The views, in the order of their digit keys. */
export const VIEW_NAMES = ["agents", "leases", "tasks", "events", "refusals"] as const;
export type ViewName = (typeof VIEW_NAMES)[number];

/** The names of the answers that `top` requests. `metrics` is in Prometheus' text format, and the others are JSON. */
export type AnswerName =
  | "instances"
  | "leases"
  | "waits"
  | "claimed"
  | "asked"
  | "tasks"
  | "events"
  | "audit"
  | "metrics";

interface AnswerRow {
  readonly path: string;
  /** The kind of change that makes the answer out of date. Absent if the answer is requested at intervals. */
  readonly kind?: AskedKind;
  /** The views that need the answer. */
  readonly views: readonly ViewName[];
}

/**
 * The answers, in the order of their requests. A list has a maximum length, so important states of tasks have requests
 * of their own.
 */
export const ANSWERS: Readonly<Record<AnswerName, AnswerRow>> = {
  metrics: { path: "/metrics", views: VIEW_NAMES },
  instances: { path: "/api/instances", kind: "instance", views: ["agents", "refusals", "events"] },
  leases: { path: "/api/leases?limit=500", kind: "lease", views: ["agents", "leases"] },
  waits: { path: "/api/leases/waits?limit=100", kind: "lease", views: ["leases"] },
  claimed: { path: "/api/tasks?state=claimed&limit=500", kind: "task", views: ["agents", "tasks"] },
  asked: { path: "/api/tasks?state=input_required&limit=500", kind: "task", views: ["tasks"] },
  tasks: { path: "/api/tasks?limit=200", kind: "task", views: ["tasks"] },
  events: { path: "/api/events/history?last=200", kind: "event", views: ["events"] },
  audit: { path: "/api/audit?limit=200", kind: "audit", views: ["refusals"] },
};
export const ANSWER_NAMES = Object.keys(ANSWERS) as readonly AnswerName[];

/** Returns the names of the answers that a view needs. */
export function answersOf(view: ViewName): readonly AnswerName[] {
  return ANSWER_NAMES.filter((name) => ANSWERS[name].views.includes(view));
}

/** The server's figures at one moment, from its metrics. */
export interface Figures {
  /** The time at which the answer arrived, in ms. */
  readonly atMs: number;
  readonly events: number;
  readonly requests: number;
  /** The number of answers with a 4xx status. */
  readonly refused: number;
  /** The number of answers with a 5xx status. */
  readonly errors: number;
  readonly uptimeS: number;
  /** The number of objects in each state. The keys are names of metrics without the prefix `koor_`. */
  readonly states: Readonly<Record<"instances" | "leases" | "tasks", Readonly<Record<string, number>>>>;
}

export interface Data {
  /** The last answer of each kind, as parsed JSON. */
  readonly answers: Readonly<Partial<Record<AnswerName, unknown>>>;
  /** The reason for each answer that the server refuses. */
  readonly refusals: Readonly<Partial<Record<AnswerName, string>>>;
  readonly figures: Figures | undefined;
  readonly earlier: Figures | undefined;
}

export const NO_DATA: Data = { answers: {}, refusals: {}, figures: undefined, earlier: undefined };

/** Matches a line of Prometheus' text format. The groups are the name, the labels and the value. */
const SAMPLE = /^(\w+)(?:\{([^}]*)\})? (\S+)$/;

/** Reads the figures from Prometheus' text format. Unknown lines are ignored. */
export function readFigures(text: string, atMs: number): Figures {
  const figures = { atMs, events: 0, requests: 0, refused: 0, errors: 0, uptimeS: 0 };
  const states = { instances: {}, leases: {}, tasks: {} } as Record<string, Record<string, number>>;
  for (const line of text.split("\n")) {
    const [, name = "", labels = "", shown = ""] = SAMPLE.exec(line) ?? [];
    const value = Number(shown);
    if (!Number.isFinite(value)) continue;
    const [, label = ""] = /(?:state|status)="(\w+)"/.exec(labels) ?? [];
    if (name === "koor_last_event_id") figures.events = value;
    else if (name === "koor_uptime_seconds") figures.uptimeS = value;
    else if (name === "koor_http_requests_total") {
      figures.requests += value;
      if (label.startsWith("4")) figures.refused += value;
      if (label.startsWith("5")) figures.errors += value;
    } else {
      const ofName = Object.hasOwn(states, name.replace(/^koor_/, "")) ? states[name.replace(/^koor_/, "")] : undefined;
      if (ofName !== undefined && label !== "") ofName[label] = value;
    }
  }
  return { ...figures, states: states as Figures["states"] };
}

/** Returns a rate per second, from the figures at two moments. Undefined until there are two. */
export function rateOf(data: Data, name: "events" | "requests" | "refused" | "errors"): number | undefined {
  const { figures, earlier } = data;
  if (figures === undefined || earlier === undefined) return undefined;
  const seconds = (figures.atMs - earlier.atMs) / 1000;
  // A restarted server counts from zero, so the difference may be negative.
  return seconds > 0 ? Math.max(0, figures[name] - earlier[name]) / seconds : undefined;
}
