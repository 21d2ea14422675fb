/**
 * Makes the rows of `top` from the server's answers. Escapes texts that agents wrote, so that no later step gets a
 * character that controls the terminal. Pure; runs in the CLI process.
 */
import { escapeHidden } from "../../schemas/visible-text.js";
import { jsonPreview } from "../../shared/json-preview.js";
import { itemOf, itemsOf, textOf, textsOf, type Item } from "../json-items.js";
import { formatLength } from "../output/relative-time.js";
import type { AnswerName, Data, ViewName } from "./data.js";
import type { Cell, Tone, View } from "./rows.js";

/**
 * The maximum length of an event's data on the screen. The data may have megabytes, and it is formatted again for each
 * frame.
 */
const DATA_CHARACTERS_MAX = 1024;

function cell(value: unknown, tone?: Tone): Cell {
  const text = escapeHidden(typeof value === "number" ? String(value) : textOf(value));
  return { text, ...(typeof value === "number" ? { order: value } : {}), ...(tone === undefined ? {} : { tone }) };
}

function count(value: number): Cell {
  return value === 0 ? { text: "-", order: 0, tone: "dim" } : cell(value);
}

/** Formats a time as the duration since then, or with a `sign` of -1 as the duration until then. */
function age(value: unknown, nowMs: number, sign: 1 | -1 = 1): Cell {
  const ms = Date.parse(textOf(value));
  if (Number.isNaN(ms)) return { text: "-", order: Number.MAX_SAFE_INTEGER, tone: "dim" };
  return { text: formatLength(sign * (nowMs - ms)), order: sign * (nowMs - ms) };
}

function clock(value: unknown): Cell {
  const ms = Date.parse(textOf(value));
  return Number.isNaN(ms) ? cell("-") : { text: new Date(ms).toTimeString().slice(0, 8), order: -ms };
}

const TONES: Readonly<Record<string, Tone>> = {
  active: "good",
  held: "good",
  claimed: "good",
  done: "dim",
  canceled: "dim",
  pending: "dim",
  stale: "bad",
  failed: "bad",
  dead: "bad",
  waiting: "odd",
  blocked: "odd",
  input_required: "odd",
};

function state(value: unknown): Cell {
  return cell(value, TONES[textOf(value)]);
}

function countBy(items: readonly Item[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) {
    const id = textOf(itemOf(item["holder"])["id"]);
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

function listOf(data: Data, name: AnswerName, member?: string): readonly Item[] {
  return itemsOf(data.answers[name], member);
}

function agents(data: Data, nowMs: number): View {
  const leaseCounts = countBy(listOf(data, "leases", "leases"));
  const taskCounts = countBy(listOf(data, "claimed", "tasks"));
  return {
    columns: [
      { title: "NAME", min: 10, max: 24, rank: 0 },
      { title: "CLIENT", min: 6, max: 10, rank: 5 },
      { title: "STATUS", min: 7, max: 7, rank: 1 },
      { title: "SEEN", min: 4, max: 5, isRight: true, rank: 2 },
      { title: "LEASES", min: 6, max: 6, isRight: true, rank: 3 },
      { title: "TASKS", min: 5, max: 5, isRight: true, rank: 4 },
      { title: "WORKSPACE", min: 9, max: 30, rank: 7 },
      { title: "INTENT", min: 12, rank: 6 },
    ],
    rows: listOf(data, "instances").map((one) => {
      const id = textOf(one["id"]);
      return {
        key: id,
        cells: [
          cell(one["name"]),
          cell(one["client"]),
          state(one["status"]),
          age(one["last_seen"], nowMs),
          count(leaseCounts.get(id) ?? 0),
          count(taskCounts.get(id) ?? 0),
          cell(one["workspace"]),
          cell(one["intent"]),
        ],
      };
    }),
  };
}

/**
 * Lists the leases. Below each lease are the requests that wait for it. A request that waits for several leases is
 * below the first one.
 */
function queued(data: Data): readonly { readonly lease: Item; readonly isBelow: boolean }[] {
  const held = listOf(data, "leases", "leases");
  const known = new Map(listOf(data, "waits", "leases").map((lease) => [textOf(lease["id"]), lease]));
  const below = new Map<string, Item[]>();
  const placed = new Set(held.map(({ id }) => textOf(id)));
  for (const wait of listOf(data, "waits", "waits")) {
    const [id, other] = [textOf(wait["lease"]), textOf(wait["for"])];
    const lease = known.get(id);
    if (lease === undefined || placed.has(id)) continue;
    placed.add(id);
    below.set(other, [...(below.get(other) ?? []), lease]);
  }
  const lines: { lease: Item; isBelow: boolean }[] = [];
  const add = (lease: Item, isBelow: boolean): void => {
    lines.push({ lease, isBelow });
    const waiting = below.get(textOf(lease["id"])) ?? [];
    below.delete(textOf(lease["id"]));
    for (const one of waiting) add(one, true);
  };
  for (const lease of held) add(lease, false);
  // A request's lease may have ended after the list of leases was read. Such requests come last.
  for (const waiting of [...below.values()]) for (const one of waiting) lines.push({ lease: one, isBelow: true });
  return lines;
}

function leases(data: Data, nowMs: number): View {
  return {
    columns: [
      { title: "LEASE", min: 9, max: 14, rank: 2 },
      { title: "STATE", min: 9, max: 10, rank: 1 },
      { title: "HOLDER", min: 8, max: 20, rank: 0 },
      { title: "LEFT", min: 4, max: 5, isRight: true, rank: 4 },
      { title: "SINCE", min: 5, max: 5, isRight: true, rank: 5 },
      { title: "MODE", min: 9, max: 9, rank: 7 },
      { title: "RESOURCES", min: 12, rank: 3 },
      { title: "REASON", min: 12, max: 40, rank: 6 },
    ],
    rows: queued(data).map(({ lease, isBelow }, at) => {
      const { position } = lease;
      const shown = typeof position === "number" ? `waits ${position}` : textOf(lease["state"]);
      return {
        key: textOf(lease["id"]),
        cells: [
          { text: (isBelow ? "└ " : "") + escapeHidden(textOf(lease["id"])), order: at },
          { ...cell(shown), ...(isBelow ? { tone: "odd" as const } : { tone: "good" as const }) },
          cell(itemOf(lease["holder"])["name"]),
          age(lease["expires_at"], nowMs, -1),
          age(lease["granted_at"] ?? lease["requested_at"], nowMs),
          cell(lease["mode"]),
          cell(textsOf(lease["resources"]).join(" ")),
          cell(lease["reason"]),
        ],
      };
    }),
  };
}

const TASK_ORDER = ["input_required", "claimed", "ready", "blocked", "failed", "dead", "done", "canceled"];

function tasks(data: Data, nowMs: number): View {
  const all = [
    ...listOf(data, "asked", "tasks"),
    ...listOf(data, "claimed", "tasks"),
    ...listOf(data, "tasks", "tasks"),
  ];
  const rank = (task: Item): number => TASK_ORDER.indexOf(textOf(task["state"]));
  // A task may be in several lists, which were read at different times. Its newest version is used.
  const byId = new Map<string, Item>();
  for (const task of all) {
    const known = byId.get(textOf(task["id"]));
    if (known === undefined || textOf(known["updated_at"]) < textOf(task["updated_at"]))
      byId.set(textOf(task["id"]), task);
  }
  return {
    columns: [
      { title: "TASK", min: 8, max: 20, rank: 1 },
      { title: "STATE", min: 8, max: 14, rank: 0 },
      { title: "HOLDER", min: 8, max: 20, rank: 3 },
      { title: "DONE", min: 4, max: 4, isRight: true, rank: 5 },
      { title: "TRY", min: 3, max: 5, isRight: true, rank: 6 },
      { title: "SINCE", min: 5, max: 5, isRight: true, rank: 4 },
      { title: "TITLE", min: 10, rank: 2 },
    ],
    rows: [...byId.values()]
      .toSorted((a, b) => rank(a) - rank(b))
      .map((task) => {
        const { percent } = itemOf(task["progress"]);
        return {
          key: textOf(task["id"]),
          cells: [
            cell(task["id"]),
            { ...state(task["state"]), order: rank(task) },
            cell(itemOf(task["holder"])["name"]),
            typeof percent === "number" ? { text: `${percent}%`, order: percent } : { text: "", order: -1 },
            cell(task["attempts"]),
            age(task["claimed_at"] ?? task["updated_at"], nowMs),
            cell(task["title"]),
          ],
        };
      }),
  };
}

/** Returns a function that converts the id of an instance to its name. Other texts stay unchanged. */
function nameIn(data: Data): (id: unknown) => Cell {
  const names = new Map(listOf(data, "instances").map((one) => [textOf(one["id"]), textOf(one["name"])]));
  return (id) => cell(names.get(textOf(id)) ?? id);
}

function events(data: Data): View {
  const name = nameIn(data);
  return {
    columns: [
      { title: "TIME", min: 8, max: 8, rank: 1 },
      { title: "ID", min: 4, max: 10, isRight: true, rank: 4 },
      { title: "TOPIC", min: 12, max: 32, rank: 0 },
      { title: "SOURCE", min: 8, max: 20, rank: 2 },
      { title: "DATA", min: 12, rank: 3 },
    ],
    rows: listOf(data, "events").map((event) => ({
      key: String(event["id"]),
      cells: [
        clock(event["created_at"]),
        cell(event["id"]),
        cell(event["topic"]),
        name(event["source"]),
        cell(jsonPreview(event["data"], DATA_CHARACTERS_MAX), "dim"),
      ],
    })),
  };
}

/** Returns the error text and the code of a refusal. They are in an audit row's detail, which is a JSON text. */
function sentenceOf(detail: unknown): { readonly sentence: string; readonly code: number } {
  try {
    const { error, code } = itemOf(JSON.parse(textOf(detail)));
    return { sentence: textOf(error), code: typeof code === "number" ? code : 0 };
  } catch {
    return { sentence: textOf(detail), code: 0 };
  }
}

function refusals(data: Data): View {
  const name = nameIn(data);
  return {
    columns: [
      { title: "TIME", min: 8, max: 8, rank: 2 },
      { title: "CODE", min: 4, max: 4, isRight: true, rank: 3 },
      { title: "ACTION", min: 10, max: 22, rank: 0 },
      { title: "ACTOR", min: 8, max: 20, rank: 4 },
      { title: "RESOURCE", min: 8, max: 30, rank: 5 },
      { title: "TIMES", min: 5, max: 5, isRight: true, rank: 6 },
      { title: "WHY", min: 12, rank: 1 },
    ],
    rows: listOf(data, "audit")
      .filter(({ outcome }) => outcome !== "success")
      .map((row) => {
        const { sentence, code } = sentenceOf(row["detail"]);
        return {
          key: String(row["id"]),
          cells: [
            clock(row["timestamp"]),
            cell(code, code >= 500 ? "bad" : "odd"),
            cell(row["action"]),
            name(row["actor"]),
            cell(row["resource"]),
            cell(row["count"] ?? 1),
            cell(sentence),
          ],
        };
      }),
  };
}

const VIEWS: Readonly<Record<ViewName, (data: Data, nowMs: number) => View>> = {
  agents,
  leases,
  tasks,
  events,
  refusals,
};

export function makeView(name: ViewName, data: Data, nowMs: number): View {
  return VIEWS[name](data, nowMs);
}
