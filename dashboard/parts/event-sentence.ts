/**
 * Describes an event in a sentence, for example “ben released src/a.ts”. The server's own events have a sentence for
 * each topic. For any other event, and for data in an unexpected form, the sentence names only the publisher and the
 * topic. Pure.
 */
import type { HeldEvent } from "../api/event-list.js";

/** A part of a sentence: text, an agent, or the name of a thing with the path of its page. */
export type Piece =
  | string
  | { readonly agent: string; readonly name?: string }
  | { readonly thing: string; readonly path: readonly [slug: string, ...segments: string[]] };

/**
 * The sentence of each topic. `@NAME` stands for the agents in the member `NAME` of the event's data. `#KIND` stands
 * for a thing of this kind. A part in brackets is left out if its member is missing. If any other member is missing,
 * there is no sentence.
 */
const SENTENCES: Readonly<Record<string, string>> = {
  "lease.granted": "@holder leased #leases",
  "lease.waiting": "@holder waits for #leases",
  "lease.released": "@holder released #leases",
  "lease.lost": "@holder lost #leases[: $reason]",
  "task.created": "Task #tasks was added",
  "task.ready": "Task #tasks is ready",
  "task.claimed": "@holder took #tasks",
  "task.done": "@holder finished #tasks",
  "task.failed": "@holder failed at #tasks[: $reason]",
  "task.dead": "Task #tasks is dead[: $reason]",
  "task.canceled": "Task #tasks was canceled[: $reason]",
  "task.input_required": "@holder has a question about #tasks[: $reason]",
  "task.blocked": "Task #tasks is blocked[: $reason]",
  "task.unblocked": "Task #tasks is no longer blocked",
  "agent.stale": "@instance_id fell silent",
  "agent.denied": "@instance was denied $path[, which @holder holds]",
  "message.sent": "@from wrote to @to[: $subject]",
  "compliance.violation": "@instance_id violates #contracts",
  "webhook.disabled": "Webhook #webhooks was turned off",
  "llm.usage.recorded": "@source used $model",
  "budget.warned": "The budget #usage[ of the $scope $target] is nearly used up",
  "budget.exhausted": "The budget #usage[ of the $scope $target] is used up",
  "budget.reset": "The budget #usage[ of the $scope $target] is open again",
  "llm.limited": "$provider limits the rate of $account[: $reason]",
  "llm.limit.ended": "$provider no longer limits the rate of $account",
  "koor.state.updated": "@source wrote #state",
  "koor.state.deleted": "@source deleted #state",
  "radar.overlap": "Two checkouts change #radar",
  "radar.clear": "No longer changed by two checkouts: #radar",
};

/** The sentences of the events that `koor land` publishes. Any caller may publish them, so they name the source. */
const LANDINGS: Readonly<Record<string, string>> = {
  "land.pushing": "@source pushes $branch to $into",
  "land.landed": "@source landed $branch into $into",
  "land.conflict": "@source has a conflict between $branch and $into",
  "land.failed": "@source could not land $branch into $into[: $reason]",
};

/**
 * Says how to name and to link each kind of thing. A kind is the slug of a view. The first entry of a row is the member
 * of the event's data that has the thing's name. The others are the members that form the address of the thing's page.
 */
const THINGS: Readonly<Record<string, readonly [name: string, ...segments: string[]]>> = {
  leases: ["resources", "lease_id"],
  tasks: ["title", "task_id"],
  contracts: ["contract", "project", "contract"],
  webhooks: ["id", "id"],
  state: ["key", "key"],
  radar: ["paths"],
  usage: ["id"],
};

/**
 * The members of an event's data that may say what an agent's event is about. The first one that is present is shown.
 */
const TELLING = ["text", "message", "summary", "title", "subject", "question"];
/** The maximum number of agents that a sentence names. */
const AGENTS_MAX = 3;
const PART = /\[([^\]]*)\]|([@#$])(\w+)/;

type Data = Readonly<Record<string, unknown>>;

/** Returns the texts of a member that is a text or a list of texts; [] if it is neither. */
function textsOf(data: Data, name: string): readonly string[] {
  const value = data[name];
  const list = Array.isArray(value) ? (value as readonly unknown[]) : [value];
  return list.filter((one) => typeof one === "string" && one !== "") as readonly string[];
}

/** Returns the agents that a member names. The member is a list of ids, or an object with an agent's id and name. */
function agentsOf(data: Data, member: string): readonly Piece[] {
  const { id, name } = (data[member] ?? {}) as Data;
  if (typeof id === "string") return [typeof name === "string" ? { agent: id, name } : { agent: id }];
  const ids = textsOf(data, member).slice(0, AGENTS_MAX);
  return ids.flatMap((agent, at): Piece[] => (at === 0 ? [{ agent }] : [", ", { agent }]));
}

/**
 * Returns the name of a thing, with the path of its page. If there are several resources, names the first one and
 * counts the others.
 */
function thingsOf(data: Data, slug: string): readonly Piece[] {
  const [member = "", ...segments] = THINGS[slug] ?? [];
  const [first, ...others] = textsOf(data, member);
  if (first === undefined) return [];
  // An overlap event lists only the first paths. `count` is the number of all paths.
  const more = typeof data["count"] === "number" ? data["count"] - 1 : others.length;
  const thing = first.replace(/^path:/, "") + (more > 0 ? ` and ${more} more` : "");
  return [{ thing, path: [slug, ...segments.flatMap((one) => textsOf(data, one).slice(0, 1))] }];
}

const READERS: Readonly<Record<string, (data: Data, name: string) => readonly Piece[]>> = {
  "@": agentsOf,
  "#": thingsOf,
  $: textsOf,
};

/** Inserts the members of an event's data into a sentence. Returns null if a member is missing. */
function filled(sentence: string, data: Data): readonly Piece[] | null {
  const match = PART.exec(sentence);
  if (match === null) return sentence === "" ? [] : [sentence];
  const [part, optional, kind = "", name = ""] = match;
  const found = optional === undefined ? (READERS[kind]?.(data, name) ?? []) : (filled(optional, data) ?? []);
  const rest = filled(sentence.slice(match.index + part.length), data);
  if (rest === null || (optional === undefined && found.length === 0)) return null;
  return [...(match.index === 0 ? [] : [sentence.slice(0, match.index)]), ...found, ...rest];
}

/**
 * Returns the sentence of a server's event. Returns null for any other event, and for data in an unexpected form. Only
 * the server can publish events of these topics.
 */
export function serverSentence({ topic, source, data, cut }: HeldEvent): readonly Piece[] | null {
  return cut === true ? null : sentenceFrom(SENTENCES, topic, data, source);
}

/**
 * Returns the sentence in a table for an event's topic. Returns null if there is none, or if the data have an
 * unexpected form.
 */
function sentenceFrom(
  table: Readonly<Record<string, string>>,
  topic: string,
  data: unknown,
  source: string,
): readonly Piece[] | null {
  if (typeof data !== "object" || !Object.hasOwn(table, topic)) return null;
  return filled(table[topic] ?? "", { ...data, source });
}

/** Returns the sentence of an event. */
export function sentenceOf(event: HeldEvent): readonly Piece[] {
  const { topic, source, data, cut } = event;
  const known = serverSentence(event) ?? (cut === true ? null : sentenceFrom(LANDINGS, topic, data, source));
  if (known !== null) return known;
  const members: Data = typeof data === "object" ? { ...data, source } : { source };
  const text = typeof data === "string" ? data : TELLING.flatMap((name) => textsOf(members, name))[0];
  const published = source === "" ? [`${topic} was published`] : [{ agent: source }, ` published ${topic}`];
  return [...published, ...(text === undefined ? [] : [`: ${text}`])];
}
