/**
 * Formats the events of a period as Markdown with at most STORY_LINES_MAX lines. If there is no room for all events,
 * the least important ones are left out, and the last line counts them. The same events always give the same text.
 * Pure.
 */
import { STORY_AGENTS_MAX, STORY_LINES_MAX } from "../../schemas/limits/story.js";
import { parseJson } from "../../shared/json-text.js";
import { type Item, itemOf, textOf, textsOf } from "../json-items.js";
import { type Break, type Count, type Entry, plain, SECTIONS, StoryTeller } from "./entries.js";

export interface Story {
  /** The start of the period. All times are RFC 3339 timestamps. */
  readonly from: string;
  readonly to: string;
  /** The workspace whose events are shown; undefined means all workspaces. */
  readonly workspace: string | undefined;
  /** The events of the period, oldest first. */
  readonly events: readonly Item[];
  /** Whether the period has more events, which were not read. */
  readonly isCut: boolean;
  /** The time of the oldest event that the server has. Undefined if the server has all events of the period. */
  readonly keptSince: string | undefined;
  readonly instances: readonly Item[];
  /** The rows of the audit log about leases that were broken in the period. */
  readonly breaks: readonly Item[];
}

/**
 * The lines that are reserved for everything but the groups: the title, the head of the table, the sections' headings,
 * and the last line.
 */
const FIXED_LINES = 30;
/** The lines that the heading of a group takes, with the empty lines around it. */
const HEADING_LINES = 3;
const COUNTS: readonly Count[] = ["held", "waited", "lost", "tasks done", "failed", "sent", "was told", "denied"];

/** Whether an event belongs to a workspace. A message belongs to it if the sender or a recipient does. */
function belongsTo(workspace: string, members: ReadonlySet<string>, event: Item): boolean {
  const data = itemOf(event["data"]);
  if (typeof data["workspace"] === "string") return data["workspace"] === workspace;
  return [textOf(event["source"]), textOf(data["from"]), ...textsOf(data["to"])].some((id) => members.has(id));
}

/**
 * Chooses the entries that fit into a number of lines. More important entries are chosen first, and earlier ones among
 * equally important ones.
 */
function choose(entries: readonly Entry[], lines: number): ReadonlySet<Entry> {
  const chosen = new Set<Entry>();
  const groups = new Set<string>();
  let left = lines;
  // The sort is stable: entries of the same rank keep their order, which is by time.
  for (const entry of entries.toSorted((a, b) => a.rank - b.rank)) {
    const group = `${entry.section}\n${entry.group}`;
    const cost = 1 + (groups.has(group) ? 0 : HEADING_LINES);
    if (cost > left) continue;
    left -= cost;
    groups.add(group);
    chosen.add(entry);
  }
  return chosen;
}

/** Returns a table with the counts of each agent, the busiest agent first. */
function tableOf(entries: readonly Entry[]): string[] {
  const agents = new Map<string, Map<Count, number>>();
  for (const [agent, count] of entries.flatMap(({ counts }) => counts)) {
    const counts = agents.get(agent) ?? new Map<Count, number>();
    agents.set(agent, counts);
    counts.set(count, (counts.get(count) ?? 0) + 1);
  }
  if (agents.size === 0) return [];
  const sum = (counts: ReadonlyMap<Count, number>): number => [...counts.values()].reduce((a, b) => a + b, 0);
  const rows = [...agents]
    .toSorted(([a, ofA], [b, ofB]) => sum(ofB) - sum(ofA) || (a < b ? -1 : 1))
    .map(([agent, counts]) => `| ${[plain(agent), ...COUNTS.map((count) => counts.get(count) ?? 0)].join(" | ")} |`);
  const more = rows.length - STORY_AGENTS_MAX;
  return [
    `| agent | ${COUNTS.join(" | ")} |`,
    `|---|${COUNTS.map(() => "---:|").join("")}`,
    ...rows.slice(0, STORY_AGENTS_MAX),
    "",
    ...(more > 0 ? [`And ${more} more agents.`, ""] : []),
  ];
}

/** Returns the lines of the chosen entries, by section and group. Groups are in the order of their first entries. */
function groupsOf(entries: readonly Entry[]): string[] {
  const lines: string[] = [];
  for (const section of SECTIONS) {
    const groups = new Map<string, Entry[]>();
    for (const entry of entries) {
      if (entry.section !== section) continue;
      const group = groups.get(entry.group);
      if (group === undefined) groups.set(entry.group, [entry]);
      else group.push(entry);
    }
    if (groups.size === 0) continue;
    lines.push(`## ${section}`, "");
    for (const [group, own] of groups)
      lines.push(`### ${group === "" ? "no name" : group}`, "", ...own.map(({ line }) => line), "");
  }
  return lines;
}

/** Returns the last line, which counts the events that were left out, by topic. Empty if there are none. */
function leftOut(entries: readonly Entry[], chosen: ReadonlySet<Entry>): string[] {
  const topics = new Map<string, number>();
  for (const entry of entries) if (!chosen.has(entry)) topics.set(entry.topic, (topics.get(entry.topic) ?? 0) + 1);
  if (topics.size === 0) return [];
  const counts = [...topics].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([topic, count]) => `${count} ${topic}`);
  return [`Left out: ${counts.join(", ")}.`];
}

/** Finds the newest title of each task in the events. Returns the titles by the tasks' ids. */
function titlesIn(events: readonly Item[]): ReadonlyMap<string, string> {
  const data = events.map((event) => itemOf(event["data"]));
  const named = data.filter((one) => typeof one["task_id"] === "string" && typeof one["title"] === "string");
  return new Map(named.map((one) => [textOf(one["task_id"]), textOf(one["title"])]));
}

/** Returns who broke which lease, by the id of the lease. */
function breaksIn(rows: readonly Item[]): ReadonlyMap<string, Break> {
  const successful = rows.filter((row) => row["outcome"] === "success");
  return new Map(
    successful.map((row) => {
      const reason = textOf(itemOf(parseJson(textOf(row["detail"])))["reason"]);
      return [textOf(row["resource"]), { by: textOf(row["actor"]), reason }];
    }),
  );
}

/** Returns the lines of a story. */
export function writeStory(story: Story): string[] {
  const { from, to, workspace, events, isCut, keptSince, instances } = story;
  const names = new Map(instances.map((instance) => [textOf(instance["id"]), textOf(instance["name"])]));
  const members = new Set(
    instances.filter((one) => one["workspace"] === workspace).map((instance) => textOf(instance["id"])),
  );
  const own = events.filter((event) => workspace === undefined || belongsTo(workspace, members, event));
  const teller = new StoryTeller(names, titlesIn(own), breaksIn(story.breaks));
  const entries = own.map((event) => teller.entryOf(event)).filter((entry) => entry !== undefined);
  const table = tableOf(entries);
  const chosen = choose(entries, STORY_LINES_MAX - FIXED_LINES - table.length);
  const last = leftOut(entries, chosen);
  const lines = [
    `# ${from} to ${to}`,
    "",
    ...(workspace === undefined ? [] : [`Workspace: ${plain(workspace)}`, ""]),
    ...(keptSince === undefined ? [] : [`Events before ${keptSince} are no longer kept.`, ""]),
    ...(isCut ? [`Only the first ${events.length} events of the period were read.`, ""] : []),
    ...(entries.length === 0 ? ["Nothing of note happened.", ""] : []),
    ...table,
    ...groupsOf(entries.filter((entry) => chosen.has(entry))),
    ...last,
  ];
  while (lines.at(-1) === "") lines.pop();
  return lines;
}
