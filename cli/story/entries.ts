/**
 * Converts events to the entries of a story. An entry is one line of text, which is printed under a heading (its
 * group). Its rank decides whether there is room for it. The texts of events come from agents, so they are escaped for
 * Markdown. Pure.
 */
import { formatUptime } from "../../shared/duration.js";
import { shorten } from "../../shared/shorten.js";
import { type Item, itemOf, textOf, textsOf } from "../json-items.js";

/** The sections of a story, in their order. */
export const SECTIONS = ["Tasks", "Files", "Agents"] as const;
export type Section = (typeof SECTIONS)[number];

/** The importance of an entry; 1 is the most important. */
type Rank = 1 | 2 | 3;

/** The counted actions of an agent, which are the columns in the table of agents. */
export type Count = "held" | "waited" | "lost" | "tasks done" | "failed" | "sent" | "was told" | "denied";

export interface Entry {
  readonly topic: string;
  readonly section: Section;
  /** The heading under which the entry is printed. */
  readonly group: string;
  readonly line: string;
  readonly rank: Rank;
  readonly counts: readonly (readonly [agent: string, count: Count])[];
}

/** An entry before its time is added to its text. */
interface Sentence extends Omit<Entry, "topic" | "line"> {
  readonly sentence: string;
}

const TEXT_CHARACTERS_MAX = 120;
const NAMES_MAX = 5;

/** Converts a text to one short line, in which Markdown has no special characters. */
export function plain(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return shorten(line, TEXT_CHARACTERS_MAX).replaceAll(/[\\`*_{}[\]<>#|~&!]/g, (sign) => `\\${sign}`);
}

/** Joins at most NAMES_MAX texts with commas. */
function listed(texts: readonly string[]): string {
  const shown = texts.slice(0, NAMES_MAX).map(plain).join(", ");
  return texts.length > NAMES_MAX ? `${shown} and ${texts.length - NAMES_MAX} more` : shown;
}

/** Removes `path:` from a resource. So the leases of a file and the overlaps in it are in the same group. */
function withoutKind(resource: string): string {
  return resource.replace(/^path:/, "");
}

function because(reason: string): string {
  return reason === "" ? "" : `: ${plain(reason)}`;
}

/** The break of a lease, as in the audit log. Each member is "" if it is not known. */
export interface Break {
  /** The id of the instance. */
  readonly by: string;
  readonly reason: string;
}

/** Converts the events of a period to entries, one after the other. The events must be passed from old to new. */
export class StoryTeller {
  readonly #names: ReadonlyMap<string, string>;
  /** For each lease: when it was granted, and when it began to wait. Times are in ms since the epoch. */
  readonly #granted = new Map<string, number>();
  readonly #waiting = new Map<string, number>();
  readonly #titles: ReadonlyMap<string, string>;
  readonly #breaks: ReadonlyMap<string, Break>;

  /**
   *
   * @param names the names of instances by id
   * @param titles the titles of tasks by id
   * @param breaks the breaks of leases by the id of the lease
   */
  constructor(
    names: ReadonlyMap<string, string>,
    titles: ReadonlyMap<string, string>,
    breaks: ReadonlyMap<string, Break>,
  ) {
    this.#names = names;
    this.#titles = titles;
    this.#breaks = breaks;
  }

  /** Converts an event to an entry. Returns undefined if stories do not show events of this topic. */
  entryOf(event: Item): Entry | undefined {
    const topic = textOf(event["topic"]);
    const time = textOf(event["created_at"]);
    const data = itemOf(event["data"]);
    const found = this.#read(topic, data, Date.parse(time), textOf(event["source"]));
    if (found === undefined) return undefined;
    const { sentence, ...rest } = found;
    return { topic, ...rest, line: `- ${time.slice(0, 10)} ${time.slice(11, 19)} ${sentence}` };
  }

  #read(topic: string, data: Item, timeMs: number, source: string): Sentence | undefined {
    const reason = because(textOf(data["reason"]));
    if (topic.startsWith("lease.")) return this.#lease(topic, data, timeMs);
    if (topic.startsWith("task.")) return this.#task(topic, data, reason);
    const agent = (name: string): string => this.#nameOf(textOf(data[name]));
    const files = listed(textsOf(data["paths"]));
    switch (topic) {
      case "message.sent": {
        const to = textsOf(data["to"]).map((id) => this.#nameOf(id));
        const from = agent("from");
        const subject = because(textOf(data["subject"]));
        const sentence = `${plain(from)} told ${listed(to)} (${plain(textOf(data["intent"]))})${subject}`;
        const counts = [[from, "sent"] as const, ...to.map((name) => [name, "was told"] as const)];
        return {
          section: "Agents",
          group: plain(from),
          rank: textOf(data["importance"]) === "high" ? 1 : 2,
          sentence,
          counts,
        };
      }
      case "agent.stale":
        return this.#ofAgent(textOf(data["name"]), 2, "fell silent");
      case "agent.denied": {
        const name = this.#named(data["instance"]);
        const holder = this.#named(data["holder"]);
        const held = holder === "" ? "" : `, which ${plain(holder)} holds`;
        return this.#ofAgent(name, 1, `was denied ${plain(textOf(data["path"]))}${held}`, "denied");
      }
      case "radar.overlap":
        return { section: "Files", group: files, rank: 1, sentence: "two checkouts change it", counts: [] };
      case "radar.clear":
        return { section: "Files", group: files, rank: 3, sentence: "two checkouts no longer change it", counts: [] };
      case "evidence.recorded":
        return this.#evidence(data);
      case "land.landed":
      case "land.conflict":
      case "land.failed": {
        const branch = `${plain(textOf(data["branch"]))} into ${plain(textOf(data["into"]))}`;
        const isLanded = topic === "land.landed";
        const deed = isLanded ? `landed ${branch}` : `could not land ${branch}${reason}`;
        return this.#ofAgent(this.#nameOf(source), isLanded ? 2 : 1, deed, isLanded ? undefined : "failed");
      }
      default:
        return undefined;
    }
  }

  #ofAgent(name: string, rank: Rank, deed: string, count?: Count): Sentence {
    const counts = count === undefined ? [] : [[name, count] as const];
    return { section: "Agents", group: plain(name), rank, sentence: `${plain(name)} ${deed}`, counts };
  }

  #lease(topic: string, data: Item, timeMs: number): Sentence | undefined {
    const id = textOf(data["lease_id"]);
    const name = this.#named(data["holder"]);
    const task = textOf(data["task"]);
    const agent = plain(name);
    const granted = this.#granted.get(id);
    const waiting = this.#waiting.get(id);
    const held = granted === undefined ? "" : ` after ${formatUptime(timeMs - granted)}`;
    const place =
      task === ""
        ? { section: "Files" as const, group: listed(textsOf(data["resources"]).map(withoutKind)) }
        : { section: "Tasks" as const, group: this.#taskGroup(task) };
    const make = (rank: Rank, deed: string, ...counts: Count[]) => ({
      ...place,
      rank,
      sentence: `${agent} ${deed}`,
      counts: counts.map((count) => [name, count] as const),
    });
    switch (topic) {
      case "lease.granted": {
        this.#granted.set(id, timeMs);
        this.#waiting.delete(id);
        const after = waiting === undefined ? "" : ` after waiting ${formatUptime(timeMs - waiting)}`;
        return make(waiting === undefined ? 3 : 2, `held it${after}`, "held");
      }
      case "lease.waiting":
        this.#waiting.set(id, timeMs);
        return make(1, "waited for it", "waited");
      case "lease.released":
        this.#forget(id);
        return make(3, granted === undefined && waiting !== undefined ? "stopped waiting" : `released it${held}`);
      case "lease.lost":
        this.#forget(id);
        return make(1, `lost it${held}${because(textOf(data["reason"]))}${this.#breakOf(id)}`, "lost");
      default:
        return undefined;
    }
  }

  /** Returns the text that says who broke a lease and why; "" if the lease was not broken. */
  #breakOf(lease: string): string {
    const { by = "", reason = "" } = this.#breaks.get(lease) ?? {};
    return `${by === "" ? "" : ` by ${plain(this.#nameOf(by))}`}${because(reason)}`;
  }

  #forget(id: string): void {
    this.#granted.delete(id);
    this.#waiting.delete(id);
  }

  #task(topic: string, data: Item, reason: string): Sentence | undefined {
    const id = textOf(data["task_id"]);
    const name = this.#named(data["holder"]);
    const agent = name === "" ? "an agent" : plain(name);
    const place = { section: "Tasks" as const, group: this.#taskGroup(id) };
    const of = (rank: Rank, sentence: string, count?: Count) => ({
      ...place,
      rank,
      sentence,
      counts: count === undefined || name === "" ? [] : [[name, count] as const],
    });
    switch (topic) {
      case "task.created":
        return of(3, "was added");
      case "task.claimed":
        return of(2, `${agent} took it`);
      case "task.done":
        return of(2, `${agent} finished it`, "tasks done");
      case "task.failed":
        return of(1, `${agent} failed at it${reason}`, "failed");
      case "task.dead":
        return name === ""
          ? of(1, `is dead${reason}`)
          : of(1, `${agent} failed at it, and it is dead${reason}`, "failed");
      case "task.canceled":
        return of(2, `was canceled${reason}`);
      case "task.input_required":
        return of(1, `${agent} asked a question${reason}`);
      case "task.blocked":
        return of(1, `is blocked${reason}`);
      case "task.unblocked":
        return of(2, "can go on");
      default:
        return undefined;
    }
  }

  #evidence(data: Item): Sentence | undefined {
    const command = `\`${shorten(textOf(data["command"]).replaceAll(/[\s`]+/g, " "), TEXT_CHARACTERS_MAX)}\``;
    const hasPassed = data["exit_code"] === 0;
    const name = textOf(data["name"]) || (data["seen_by"] === "ci" ? "CI" : "someone");
    const task = textOf(data["task"]);
    const place =
      task === ""
        ? { section: "Agents" as const, group: plain(name) }
        : { section: "Tasks" as const, group: this.#taskGroup(task) };
    const sentence = `${plain(name)} ran ${command}: ${hasPassed ? "passed" : "failed"}`;
    return { ...place, rank: hasPassed ? 3 : 1, sentence, counts: hasPassed ? [] : [[name, "failed"]] };
  }

  /** Returns the heading for the entries about a task. */
  #taskGroup(id: string): string {
    const title = this.#titles.get(id) ?? "";
    return title === "" ? plain(id) : `${plain(id)}: ${plain(title)}`;
  }

  #named(value: unknown): string {
    const { id, name } = itemOf(value);
    return textOf(name) || this.#nameOf(textOf(id));
  }

  #nameOf(id: string): string {
    return this.#names.get(id) ?? id;
  }
}
