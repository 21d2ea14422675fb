/** Implements `story`, which prints the events of a period as Markdown. Runs in the CLI process. */
import { STORY_EVENTS_MAX, STORY_PAGE_EVENTS } from "../../schemas/limits/story.js";
import { escapeHidden } from "../../schemas/visible-text.js";
import { DAY_MS } from "../../shared/duration.js";
import { parseJson } from "../../shared/json-text.js";
import { ask, failureOf } from "../ask.js";
import { encodeQuery } from "../client.js";
import type { Args, CommandContext } from "../command-row.js";
import { CliFailure, wrongUsage } from "../failure.js";
import { type Item, itemOf, itemsOf, textOf } from "../json-items.js";
import { isFailure, type Outcome } from "../outcome.js";
import { print } from "../output.js";
import type { Settings } from "../settings.js";
import { writeStory } from "./markdown.js";

type Query = Readonly<Record<string, string>>;

async function askForItems(settings: Settings, path: string, query: Query, member?: string): Promise<Outcome<Item[]>> {
  const answer = await ask(settings, { method: "GET", path: `${path}${encodeQuery(query)}` });
  return isFailure(answer) ? answer : [...itemsOf(parseJson(answer.body.toString("utf8")), member)];
}

function idOf(event: Item | undefined): number {
  return typeof event?.["id"] === "number" ? event["id"] : 0;
}

/** Reads the events of a period, oldest first. Stops after STORY_EVENTS_MAX events. */
async function readEvents(settings: Settings, period: Query): Promise<Outcome<Item[]>> {
  const events: Item[] = [];
  for (let after = 0; events.length < STORY_EVENTS_MAX; ) {
    const query = { ...period, after: String(after), last: String(STORY_PAGE_EVENTS) };
    const page = await askForItems(settings, "/api/events/history", query);
    if (isFailure(page)) return page;
    events.push(...page);
    const last = idOf(page.at(-1));
    // Only an empty page is the end. The server limits the size of a page, so any page may have fewer events than
    // requested.
    if (last <= after) break;
    after = last;
  }
  return events;
}

/**
 * Returns the time of the oldest event that the server still has. Returns undefined if the server has not deleted any
 * events.
 */
async function readKeptSince(settings: Settings): Promise<Outcome<string | undefined>> {
  const oldest = await askForItems(settings, "/api/events/history", { after: "0", last: "1" });
  if (isFailure(oldest)) return oldest;
  return idOf(oldest[0]) > 1 ? textOf(oldest[0]?.["created_at"]) : undefined;
}

/**
 * Reads who broke the leases of a period, and why. The events do not contain it. Makes no call if no lease was
 * broken.
 */
async function readBreaks(settings: Settings, period: Query, events: readonly Item[]): Promise<Outcome<Item[]>> {
  const isBreak = ({ topic, data }: Item): boolean => topic === "lease.lost" && itemOf(data)["reason"] === "broken";
  const rows: Item[] = [];
  for (let before = ""; events.some(isBreak) && rows.length < STORY_EVENTS_MAX; ) {
    const query = { ...period, action: "lease.break", limit: String(STORY_PAGE_EVENTS), ...(before && { before }) };
    const page = await askForItems(settings, "/api/audit", query);
    if (isFailure(page)) return page;
    rows.push(...page);
    if (page.length === 0) break;
    before = String(idOf(page.at(-1)));
  }
  return rows;
}

export async function printStory(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const settings = context.settings();
  if (settings instanceof CliFailure) return settings;
  const toMs = Date.parse(args.text("to") ?? new Date().toISOString());
  const fromMs = Date.parse(args.text("from") ?? new Date(toMs - DAY_MS).toISOString());
  if (Number.isNaN(toMs)) return wrongUsage("--to must be a time, or a duration such as 2h");
  if (Number.isNaN(fromMs)) return wrongUsage("--from must be a time, or a duration such as 2h");
  if (fromMs > toMs) return wrongUsage("--from must not be later than --to");
  const period = { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
  const keptSince = await readKeptSince(settings);
  if (isFailure(keptSince)) return failureOf(keptSince);
  const events = await readEvents(settings, period);
  if (isFailure(events)) return failureOf(events);
  const instances = await askForItems(settings, "/api/instances", {});
  if (isFailure(instances)) return failureOf(instances);
  const breaks = await readBreaks(settings, period, events);
  if (isFailure(breaks)) return failureOf(breaks);
  const lines = writeStory({
    ...period,
    workspace: args.text("workspace"),
    events: events.slice(0, STORY_EVENTS_MAX),
    isCut: events.length >= STORY_EVENTS_MAX,
    keptSince: keptSince !== undefined && keptSince > period.from ? keptSince : undefined,
    instances,
    breaks,
  });
  return (await print(Buffer.from(`${lines.map((line) => escapeHidden(line)).join("\n")}\n`))) ?? 0;
}
