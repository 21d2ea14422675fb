/**
 * The lane of a branch. It is a lease in which landings get their turns one after the other. This module also lists the
 * landings in a lane. Runs in the CLI process.
 */
import { parseJson } from "../../shared/json-text.js";
import { SECOND_MS } from "../../shared/duration.js";
import { LANDING_REASON, LANE_PREFIX } from "../../shared/landing-lane.js";
import { ask } from "../ask.js";
import { encodeQuery } from "../client.js";
import { hashOf } from "../content-hash.js";
import { itemsOf } from "../json-items.js";
import type { Lease } from "../lease-calls.js";
import { isFailure, type Outcome } from "../outcome.js";
import type { Settings } from "../settings.js";

/**
 * The maximum number of leases in a list. A lane never has as many landings, because it has at most one for each agent.
 */
const LEASES = "1000";
const CHECK_KEY_DIGITS = 12;

export interface Lane {
  /** The name of the lane in messages and events, for example `trucks/main`. */
  readonly name: string;
  /** The workspace of the repository; null if nothing names it. */
  readonly workspace: string | null;
  readonly into: string;
  readonly resource: string;
}

export function makeLane(workspace: string | null, into: string): Lane {
  const name = `${workspace ?? ""}/${into}`;
  return { name, workspace, into, resource: LANE_PREFIX + name };
}

/**
 * Returns a key by which two landings can compare their checks; null if there is no check. The key is a hash, because
 * the check may contain secrets.
 */
export function checkKeyOf(check: string | undefined): string | null {
  return check === undefined ? null : hashOf(check).slice(0, CHECK_KEY_DIGITS);
}

/**
 * Returns the reason for the lease of a landing, such as `land fix at 4f2a91c, check 0a1b2c`. Other landings parse it
 * (LANDING_REASON).
 */
export function reasonOf(branch: string, head: string, check: string | undefined): string {
  const key = checkKeyOf(check);
  return `land ${branch} at ${head}${key === null ? "" : `, check ${key}`}`;
}

/** A landing that has its turn or waits for it. */
export interface QueuedLanding {
  readonly lease: string;
  readonly fence: number | null;
  readonly state: "landing" | "waiting";
  /** The branch that lands; null if the lease was not requested by a landing. */
  readonly branch: string | null;
  readonly head: string | null;
  /** The key of the landing's check (`checkKeyOf`). */
  readonly check_key: string | null;
  readonly holder: { readonly id: string; readonly name: string };
  /** The time at which the landing got its turn or entered the queue. */
  readonly since: string;
  /** The position in the queue; 0 for the landing that has its turn. */
  readonly position: number;
  /** The estimated time until the landing ends, in seconds; null if there is no estimate. */
  readonly estimate_s: number | null;
}

async function listLeases(settings: Settings, lane: Lane, state: "held" | "waiting"): Promise<Outcome<Lease[]>> {
  const place = lane.workspace === null ? {} : { workspace: lane.workspace };
  const query = encodeQuery({ state, resource: lane.resource, ...place, limit: LEASES });
  const answer = await ask(settings, { method: "GET", path: `/api/leases${query}` });
  if (isFailure(answer)) return answer;
  return itemsOf(parseJson(answer.body.toString("utf8")), "leases") as unknown as Lease[];
}

/**
 * Lists the held leases of a lane in the order of their fences. The first one has its turn. One instance may hold
 * several.
 */
export async function listHeld(settings: Settings, lane: Lane): Promise<Outcome<Lease[]>> {
  const held = await listLeases(settings, lane, "held");
  return isFailure(held) ? held : held.toSorted((a, b) => (a.fence ?? 0) - (b.fence ?? 0));
}

/**
 * Estimates the remaining time until a landing ends, in ms.
 * @param position the landing's position in the queue; 0 if it has its turn
 * @param elapsedMs the time since the current turn began
 */
export function estimateMs(position: number, averageMs: number, elapsedMs: number): number {
  return Math.max(0, averageMs - elapsedMs) + position * averageMs;
}

/**
 * Lists the landings in a lane. The first one has its turn; the others wait, in the order in which they get their
 * turns.
 */
export async function listLandings(
  settings: Settings,
  lane: Lane,
  averageMs: number | null,
  nowMs: number,
): Promise<Outcome<QueuedLanding[]>> {
  const held = await listHeld(settings, lane);
  if (isFailure(held)) return held;
  const waiting = await listLeases(settings, lane, "waiting");
  if (isFailure(waiting)) return waiting;
  const inOrder = waiting.toSorted((a, b) => (a.position ?? 0) - (b.position ?? 0));
  const startedMs = Date.parse(held[0]?.granted_at ?? "") || nowMs;
  return [...held, ...inOrder].map((lease, position) => {
    const [, branch = null, head = null, checkKey = null] = LANDING_REASON.exec(lease.reason) ?? [];
    const leftMs = averageMs === null ? null : estimateMs(position, averageMs, nowMs - startedMs);
    return {
      lease: lease.id,
      fence: lease.fence,
      state: lease.state === "held" && position === 0 ? "landing" : "waiting",
      branch,
      head,
      check_key: checkKey,
      holder: lease.holder,
      since: lease.granted_at ?? lease.requested_at,
      position,
      estimate_s: leftMs === null ? null : Math.ceil(leftMs / SECOND_MS),
    };
  });
}
