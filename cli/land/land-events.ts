/**
 * The events of a lane: publishes those of a landing, and reads those of earlier ones. They are the lane's record, from
 * which a result that a killed landing did not publish is published later. Runs in the CLI process.
 */
import { CLI_LAND_ESTIMATE_COUNT, CLI_LAND_EVENTS, CLI_LAND_PUBLISH_MS } from "../../schemas/limits/cli.js";
import { parseJson } from "../../shared/json-text.js";
import { ask, failureOf, RetryDeadline } from "../ask.js";
import { encodeQuery } from "../client.js";
import type { CliFailure } from "../failure.js";
import { JSON_TYPE } from "../input.js";
import { itemOf, itemsOf, textOf, type Item } from "../json-items.js";
import { isFailure, type Outcome } from "../outcome.js";
import type { Settings } from "../settings.js";
import type { Lane } from "./lane.js";

const PUSHING = "land.pushing";
const LANDED = "land.landed";

export type LandTopic = typeof PUSHING | typeof LANDED | "land.conflict" | "land.failed";

/** The data of one event of a lane, and its topic. */
export interface LaneEvent {
  readonly topic: string;
  readonly data: Item;
}

/** An event to publish. */
export interface LandEvent {
  readonly topic: LandTopic;
  readonly data: object;
}

async function publishOnce(settings: Settings, events: readonly LandEvent[]): Promise<Outcome<true>> {
  const body = Buffer.from(JSON.stringify(events));
  const answer = await ask(settings, { method: "POST", path: "/api/events/publish", headers: JSON_TYPE, body });
  return isFailure(answer) ? answer : true;
}

/**
 * Publishes events, all of them or none. If the server is away, tries again for a while, so that they may be published
 * twice.
 */
export async function publish(settings: Settings, ...events: readonly LandEvent[]): Promise<CliFailure | undefined> {
  const { signal } = new AbortController();
  const deadline = new RetryDeadline({ waitMs: CLI_LAND_PUBLISH_MS, signal });
  const outcome = await deadline.untilAnswered(() => publishOnce(settings, events));
  return isFailure(outcome) ? failureOf(outcome) : undefined;
}

/** Publishes an event without a second try. */
export async function tryToPublish(settings: Settings, event: LandEvent): Promise<void> {
  await publishOnce(settings, [event]);
}

/** Reads the newest events of a lane, the newest first. */
export async function readEvents(settings: Settings, lane: Lane): Promise<Outcome<LaneEvent[]>> {
  const query = encodeQuery({ topic: "land.*", last: String(CLI_LAND_EVENTS) });
  const answer = await ask(settings, { method: "GET", path: `/api/events/history${query}` });
  if (isFailure(answer)) return answer;
  return itemsOf(parseJson(answer.body.toString("utf8")))
    .map((event) => ({ topic: textOf(event["topic"]), data: itemOf(event["data"]) }))
    .filter(({ data }) => data["lane"] === lane.name);
}

/** Returns the average time that the last landings took, in ms; null if there was none. */
export function averageMsOf(events: readonly LaneEvent[]): number | null {
  const durations = events
    .filter(({ topic }) => topic !== PUSHING)
    .map(({ data }) => data["duration_ms"])
    .filter((ms): ms is number => typeof ms === "number" && ms >= 0)
    .slice(0, CLI_LAND_ESTIMATE_COUNT);
  return durations.length === 0 ? null : durations.reduce((sum, ms) => sum + ms, 0) / durations.length;
}

/** Returns what identifies the landing of a branch in a turn. */
function identityOf({ fence, branch }: Item): string {
  return JSON.stringify([fence, branch]);
}

/**
 * Returns the data of each push of another turn that began and has no result, once for each branch. A landing of a
 * later turn cannot be among them, because this one has its turn.
 */
export function unfinishedPushes(events: readonly LaneEvent[], ownFence: number): Item[] {
  const settled = new Set<string>();
  const unfinished: Item[] = [];
  // Newest first: a result comes before its push, and the last of several pushes of a branch before the others.
  for (const { topic, data } of events) {
    const identity = identityOf(data);
    if (topic === PUSHING && !settled.has(identity) && data["fence"] !== ownFence) unfinished.push(data);
    settled.add(identity);
  }
  return unfinished;
}

/** Returns the data of the event that a branch's head has landed; undefined if there is none. */
export function findLanded(events: readonly LaneEvent[], branch: string, head: string): Item | undefined {
  return events.find(({ topic, data }) => topic === LANDED && data["branch"] === branch && data["head"] === head)?.data;
}
