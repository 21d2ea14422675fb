/**
 * Finds the landings of `koor land` for the page. The leases show the current landings, which hold a lane or wait for
 * it. The events show the last results. Pure.
 */
import { LANDING_REASON, LANE_PREFIX } from "../../../shared/landing-lane.js";
import type { Event, Lease } from "../../api/types.js";

const RESULTS: ReadonlySet<string> = new Set(["landed", "conflict", "failed"]);
/** The number of results that are shown. */
const RESULTS_SHOWN = 5;

export interface Landing {
  readonly key: string;
  /** The workspace and the branch into which the landing merges, such as `trucks/main`. */
  readonly lane: string;
  readonly branch: string;
  readonly holder: { readonly id: string; readonly name: string };
  readonly state: string;
  readonly tone: "good" | "warn" | "bad" | "note";
  /** The time in RFC 3339. */
  readonly at: string;
}

function ofLease({ id, state, resources, holder, reason, position, granted_at, requested_at }: Lease): Landing {
  return {
    key: id,
    lane: (resources[0] ?? "").slice(LANE_PREFIX.length),
    branch: LANDING_REASON.exec(reason)?.[1] ?? "",
    holder,
    state: state === "held" ? "landing" : `waiting, position ${position ?? "?"}`,
    tone: state === "held" ? "note" : "warn",
    at: granted_at ?? requested_at,
  };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function ofEvent({ id, topic, data, source, created_at }: Event): Landing {
  const { lane, branch, reason, holder } = data as Readonly<Record<string, unknown>>;
  const { id: agent, name } = (holder ?? {}) as Readonly<Record<string, unknown>>;
  const result = topic.slice("land.".length);
  return {
    key: `event ${id}`,
    lane: textOf(lane),
    branch: textOf(branch),
    holder: { id: textOf(agent) || source, name: textOf(name) },
    state: result === "failed" && textOf(reason) !== "" ? `failed: ${textOf(reason)}` : result,
    tone: result === "landed" ? "good" : "bad",
    at: created_at,
  };
}

/**
 * Returns the landings of all lanes. Those that hold their lane come first, then those that wait, then the last
 * results.
 * @param leases held and waiting leases
 * @param events events of the topics `land.*`, the newest first
 */
export function listLandings(leases: readonly Lease[], events: readonly Event[]): Landing[] {
  const queued = leases
    .filter(
      ({ resources, state }) => resources[0]?.startsWith(LANE_PREFIX) && (state === "held" || state === "waiting"),
    )
    .toSorted((a, b) => (a.position ?? 0) - (b.position ?? 0));
  const results = events.filter(
    ({ topic, data }) => RESULTS.has(topic.slice("land.".length)) && typeof data === "object" && data !== null,
  );
  return [...queued.map(ofLease), ...results.slice(0, RESULTS_SHOWN).map(ofEvent)];
}
