/**
 * The data of `top` about the server: the last answers, and the figures of two moments. Also says where each answer comes
 * from, and what changes it. Pure; runs in the CLI process.
 */
import type { AskedKind } from "../../schemas/changes.js";

/** The views, in the order of their digits. */
export const VIEW_NAMES = ["agents", "leases", "tasks", "events", "refusals"] as const;
export type ViewName = (typeof VIEW_NAMES)[number];

/** The answers of the server by their names. `metrics` is Prometheus' text, the others are JSON. */
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
  /** The kind of change after which the answer is asked for again; absent if it is asked for at intervals. */
  readonly kind?: AskedKind;
  /** The views that need the answer. */
  readonly views: readonly ViewName[];
}

/** The answers, in the order in which they are asked for. Lists are asked for by state, since a list has a limit. */
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

/** The figures of a moment. */
export interface Figures {
  /** The time of the answer, in ms. */
  readonly atMs: number;
  readonly events: number;
  readonly requests: number;
  /** Answers with a 4xx status. */
  readonly refused: number;
  /** Answers with a 5xx status. */
  readonly errors: number;
  readonly uptimeS: number;
  /** Counts by state, by the name of the metric without `koor_`. */
  readonly states: Readonly<Record<"instances" | "leases" | "tasks", Readonly<Record<string, number>>>>;
}

export interface Data {
  /** The parsed JSON of the last answers. */
  readonly answers: Readonly<Partial<Record<AnswerName, unknown>>>;
  /** Why the server refuses an answer. */
  readonly refusals: Readonly<Partial<Record<AnswerName, string>>>;
  readonly figures: Figures | undefined;
  readonly earlier: Figures | undefined;
}

export const NO_DATA: Data = { answers: {}, refusals: {}, figures: undefined, earlier: undefined };

/** Matches a line of Prometheus' text: the name, the labels and the value. */
const SAMPLE = /^(\w+)(?:\{([^}]*)\})? (\S+)$/;

/** Reads the figures from Prometheus' text. Lines that are not known are passed over. */
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

/** Returns how often something happened in a second, between two moments; undefined if that is not known. */
export function rateOf(data: Data, name: "events" | "requests" | "refused" | "errors"): number | undefined {
  const { figures, earlier } = data;
  if (figures === undefined || earlier === undefined) return undefined;
  const seconds = (figures.atMs - earlier.atMs) / 1000;
  // A server that was started again counts from zero.
  return seconds > 0 ? Math.max(0, figures[name] - earlier[name]) / seconds : undefined;
}
