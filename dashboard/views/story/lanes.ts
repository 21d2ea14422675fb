/**
 * Computes a lane for each agent from the events of a range. The bars of a lane show what the agent held, waited for
 * and worked on. Its marks show what the agent lost, and the messages that it received. Bars that began before the
 * first event come from the leases and tasks of that time. Pure.
 */
import type { Event, LeaseAt, TaskAt } from "../../api/types.js";
import type { Range } from "./range.js";

export type BarKind = "working" | "held" | "waiting";

/** A period in which an agent held, waited for or worked on something. `fromMs` may be before the range. */
export interface Bar {
  readonly kind: BarKind;
  readonly fromMs: number;
  readonly toMs: number;
  /** The resources of a lease, or the title of a task. */
  readonly what: string;
}

export interface Mark {
  readonly kind: "lost" | "message";
  readonly atMs: number;
  readonly what: string;
}

export interface Lane {
  readonly id: string;
  /** The agent's name at that time; "" if no event has it. */
  readonly name: string;
  readonly bars: readonly Bar[];
  readonly marks: readonly Mark[];
}

/** The live leases and tasks at a time in ms. The events up to that time are taken into account. */
export interface Seed {
  readonly atMs: number;
  readonly leases: readonly LeaseAt[];
  readonly tasks: readonly TaskAt[];
}

type Holder = { readonly id: string; readonly name: string };
type Data = Readonly<Record<string, unknown>>;

interface Growing extends Lane {
  name: string;
  readonly bars: Bar[];
  readonly marks: Mark[];
}

/** Matches the topics of events that end an agent's work on a task. */
const TASK_ENDS = /^task\.(?:done|failed|dead|canceled|input_required|ready)$/;
const LEASE_ENDS = /^lease\.(?:released|lost)$/;

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
const listOf = (value: unknown): string =>
  Array.isArray(value) ? value.map((one) => textOf(one).replace(/^path:/, "")).join(", ") : "";

function holderOf(value: unknown): Holder | null {
  const { id, name } = (value ?? {}) as Data;
  return typeof id === "string" ? { id, name: textOf(name) } : null;
}

class Lanes {
  readonly lanes = new Map<string, Growing>();
  /** The bars that have not ended, by the id of the lease or task. */
  readonly #open = new Map<string, { readonly lane: Growing; readonly kind: BarKind; fromMs: number; what: string }>();

  open(key: string, kind: BarKind, holder: Holder, fromMs: number, what: string): void {
    this.close(key, fromMs);
    this.#open.set(key, { lane: this.#laneOf(holder), kind, fromMs, what });
  }

  /** Ends a bar. Returns the agent whose bar it was. */
  close(key: string, toMs: number): Holder | null {
    const bar = this.#open.get(key);
    if (bar === undefined) return null;
    this.#open.delete(key);
    const { lane, kind, fromMs, what } = bar;
    lane.bars.push({ kind, fromMs, toMs, what });
    return lane;
  }

  closeAll(toMs: number): void {
    for (const key of this.#open.keys()) this.close(key, toMs);
  }

  mark(holder: Holder | null, kind: Mark["kind"], atMs: number, what: string): void {
    if (holder !== null) this.#laneOf(holder).marks.push({ kind, atMs, what });
  }

  #laneOf({ id, name }: Holder): Growing {
    const lane = this.lanes.get(id) ?? { id, name, bars: [], marks: [] };
    if (name !== "") lane.name = name;
    this.lanes.set(id, lane);
    return lane;
  }
}

function addBars(lanes: Lanes, topic: string, data: Data, atMs: number): void {
  const holder = holderOf(data["holder"]);
  // A task's lease has no bar of its own, because the work on the task has one.
  if (topic.startsWith("lease.") && data["task"] === null) {
    const key = `lease ${textOf(data["lease_id"])}`;
    const what = listOf(data["resources"]);
    if (holder !== null && topic === "lease.waiting") lanes.open(key, "waiting", holder, atMs, what);
    if (holder !== null && topic === "lease.granted") lanes.open(key, "held", holder, atMs, what);
    if (LEASE_ENDS.test(topic)) lanes.close(key, atMs);
  }
  const task = `task ${textOf(data["task_id"])}`;
  if (holder !== null && topic === "task.claimed") lanes.open(task, "working", holder, atMs, textOf(data["title"]));
  if (!TASK_ENDS.test(topic)) return;
  const worker = lanes.close(task, atMs);
  if (topic === "task.failed" || topic === "task.dead")
    lanes.mark(holder ?? worker, "lost", atMs, `${topic.slice(5)}: ${textOf(data["title"])}`);
}

function addMarks(lanes: Lanes, topic: string, data: Data, atMs: number): void {
  const reason = textOf(data["reason"]);
  if (topic === "lease.lost") lanes.mark(holderOf(data["holder"]), "lost", atMs, `lost: ${reason}`);
  else if (topic === "agent.denied")
    lanes.mark(holderOf(data["instance"]), "lost", atMs, `denied: ${textOf(data["path"])}`);
  else if (topic === "agent.stale") {
    const agent = holderOf({ id: data["instance_id"], name: data["name"] });
    lanes.mark(agent, "lost", atMs, "fell silent");
  } else if (topic === "message.sent" && Array.isArray(data["to"]))
    for (const id of data["to"])
      lanes.mark({ id: textOf(id), name: "" }, "message", atMs, `message: ${textOf(data["subject"])}`);
}

/**
 * Returns the lanes. The lanes with the most to show come first.
 * @param events the events of the range, the oldest first
 */
export function lanesOf(events: readonly Event[], seed: Seed, { toMs }: Range): readonly Lane[] {
  const lanes = new Lanes();
  for (const { id, state, holder, resources, requested_at, granted_at, task } of seed.leases)
    if (task === null)
      lanes.open(
        `lease ${id}`,
        state === "held" ? "held" : "waiting",
        holder,
        Date.parse(granted_at ?? requested_at),
        listOf(resources),
      );
  for (const { id, holder, title, claimed_at, updated_at } of seed.tasks)
    if (holder !== null) lanes.open(`task ${id}`, "working", holder, Date.parse(claimed_at ?? updated_at), title);
  for (const { topic, data, created_at } of events) {
    const atMs = Date.parse(created_at);
    if (typeof data !== "object" || data === null || atMs > toMs) continue;
    if (atMs > seed.atMs) addBars(lanes, topic, data as Data, atMs);
    addMarks(lanes, topic, data as Data, atMs);
  }
  lanes.closeAll(toMs);
  const size = ({ bars, marks }: Lane): number => bars.length * 2 + marks.length;
  return [...lanes.lanes.values()].sort((a, b) => size(b) - size(a) || a.id.localeCompare(b.id));
}

/** Returns the total length of the bars of a kind within the range, in ms. */
export function totalMs(bars: readonly Bar[], kind: BarKind, { fromMs: startMs, toMs: endMs }: Range): number {
  let sum = 0;
  for (const { kind: one, fromMs, toMs } of bars)
    if (one === kind) sum += Math.max(0, Math.min(toMs, endMs) - Math.max(fromMs, startMs));
  return sum;
}
