/**
 * Publishes the events of a landing, and reads the events of earlier landings. A landing may be killed after its push
 * and before it publishes the result. The next landing finds such a push in the events, and publishes the result. Runs
 * in the CLI process.
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

/** An event of a lane that was read from the server. */
export interface LaneEvent {
  readonly topic: string;
  readonly data: Item;
}

/** An event that is about to be published. */
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
 * Publishes events in one request, so that the server stores all of them or none. If the server is away, retries for up
 * to CLI_LAND_PUBLISH_MS. If an answer is lost, the retry publishes the events twice.
 */
export async function publish(settings: Settings, ...events: readonly LandEvent[]): Promise<CliFailure | undefined> {
  const { signal } = new AbortController();
  const deadline = new RetryDeadline({ waitMs: CLI_LAND_PUBLISH_MS, signal });
  const outcome = await deadline.untilAnswered(() => publishOnce(settings, events));
  return isFailure(outcome) ? failureOf(outcome) : undefined;
}

/** Publishes an event. A failure is ignored and not retried. */
export async function tryToPublish(settings: Settings, event: LandEvent): Promise<void> {
  await publishOnce(settings, [event]);
}

/** Reads the latest events of a lane, newest first. */
export async function readEvents(settings: Settings, lane: Lane): Promise<Outcome<LaneEvent[]>> {
  const query = encodeQuery({ topic: "land.*", last: String(CLI_LAND_EVENTS) });
  const answer = await ask(settings, { method: "GET", path: `/api/events/history${query}` });
  if (isFailure(answer)) return answer;
  return itemsOf(parseJson(answer.body.toString("utf8")))
    .map((event) => ({ topic: textOf(event["topic"]), data: itemOf(event["data"]) }))
    .filter(({ data }) => data["lane"] === lane.name);
}

/** Returns the average duration of recent landings, in ms; null if there were none. */
export function averageMsOf(events: readonly LaneEvent[]): number | null {
  const durations = events
    .filter(({ topic }) => topic !== PUSHING)
    .map(({ data }) => data["duration_ms"])
    .filter((ms): ms is number => typeof ms === "number" && ms >= 0)
    .slice(0, CLI_LAND_ESTIMATE_COUNT);
  return durations.length === 0 ? null : durations.reduce((sum, ms) => sum + ms, 0) / durations.length;
}

/** Identifies the landing of one branch in one turn. */
function identityOf({ fence, branch }: Item): string {
  return JSON.stringify([fence, branch]);
}

/**
 * Returns the events of pushes that have no result event. At most one is returned for each branch and turn. The push
 * events of the own turn are left out, because this turn still runs. All other turns are over, because only one landing
 * has its turn at a time.
 */
export function unfinishedPushes(events: readonly LaneEvent[], ownFence: number): Item[] {
  const settled = new Set<string>();
  const unfinished: Item[] = [];
  // The newest event comes first. So the result of a push comes before the push, and the last attempt to push a branch
  // before the earlier ones.
  for (const { topic, data } of events) {
    const identity = identityOf(data);
    if (topic === PUSHING && !settled.has(identity) && data["fence"] !== ownFence) unfinished.push(data);
    settled.add(identity);
  }
  return unfinished;
}

/**
 * Returns the data of the event which says that this head of the branch has landed; undefined if there is no such
 * event.
 */
export function findLanded(events: readonly LaneEvent[], branch: string, head: string): Item | undefined {
  return events.find(({ topic, data }) => topic === LANDED && data["branch"] === branch && data["head"] === head)?.data;
}
