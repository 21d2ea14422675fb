/**
 * Counts how often an agent was denied the same path. An agent that is denied again and again is stuck, and its users
 * must notice. So repeated denials are listed, and an event is published at certain counts. Runs on the front.
 *
 * The counts are lost when the server stops, and their number is bounded. If a denial comes more than an hour after the
 * previous one, a new count starts.
 */
import type { ServerTopic } from "../../../schemas/events.js";
import type { HookClientName } from "../../../schemas/hook-names.js";
import type { HookDenial } from "../../../schemas/hooks.js";
import {
  HOOK_DENIALS_COUNT_MIN,
  HOOK_DENIALS_LISTED_MAX,
  HOOK_DENIALS_MAX,
  HOOK_DENIALS_TOGETHER_MS,
} from "../../../schemas/limits/hooks.js";
import type { Clock } from "../../base/clock.js";
import { AgingMap } from "../../base/aging-map.js";
import { formatTime } from "../../base/time.js";
import type { CallContext } from "../../platform/rpc/frames.js";
import type { Writer } from "../../platform/threads/writer.js";
import { leaseId } from "../claims/lease.js";
import { SERVER } from "../claims/lease-events.js";
import type { LeaseProjection } from "../claims/lease-projection.js";
import { storedResource } from "../claims/resource.js";
import { publishEvents } from "../events/commands.js";
import type { Directory } from "../instances/directory.js";
import type { Entry } from "../instances/entry.js";
import type { DeniedPath } from "./decided-call.js";

export interface RepeatedDenialsOptions {
  readonly writer: Writer;
  readonly directory: Directory;
  readonly leases: LeaseProjection;
  readonly clock: Clock;
}

interface Counted {
  readonly client: HookClientName;
  readonly agent: string;
  readonly workspace: string;
  /** The path, and the lease that caused the last denial. */
  readonly denied: DeniedPath;
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

const TOPIC_DENIED = "agent.denied" satisfies ServerTopic;

export class RepeatedDenials {
  readonly #options: RepeatedDenialsOptions;
  /** The counts by agent and path. The count with the newest denial comes last. */
  readonly #counts = new AgingMap<string, Counted>();

  constructor(options: RepeatedDenialsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#counts.size;
  }

  /**
   * Counts a denial. Publishes an event when the count reaches HOOK_DENIALS_COUNT_MIN, and whenever it has doubled
   * since then.
   */
  add(
    client: HookClientName,
    { id: agent, workspace }: Entry,
    { path, resource, lease }: DeniedPath,
    context: CallContext,
  ): void {
    const nowMs = this.#options.clock.now();
    const key = `${agent}\0${path}`;
    const known = this.#counts.get(key);
    const isKnown = known !== undefined && !isOld(known, nowMs);
    const count = isKnown ? known.count + 1 : 1;
    const firstMs = isKnown ? known.firstMs : nowMs;
    const denied = { path, resource, lease };
    const counted = { client, agent, workspace, denied, count, firstMs, lastMs: nowMs };
    this.#counts.delete(key);
    this.#counts.set(key, counted);
    this.#counts.limitTo(HOOK_DENIALS_MAX);
    const times = count / HOOK_DENIALS_COUNT_MIN;
    if (Number.isInteger(Math.log2(times))) this.#publish(counted, context);
  }

  /** Returns the repeated denials whose cause still exists, the newest first. */
  list(): HookDenial[] {
    const nowMs = this.#options.clock.now();
    const listed: HookDenial[] = [];
    for (const counted of [...this.#counts.values()].toReversed()) {
      if (counted.count < HOOK_DENIALS_COUNT_MIN || isOld(counted, nowMs) || !this.#lasts(counted)) continue;
      listed.push(this.#show(counted));
      if (listed.length === HOOK_DENIALS_LISTED_MAX) break;
    }
    return listed;
  }

  /** Returns whether the cause of an agent's last denial still exists. The path would then probably be denied again. */
  #lasts({ agent, workspace, denied: { resource, lease } }: Counted): boolean {
    const { directory, leases } = this.#options;
    const entry = directory.get(agent);
    if (entry === undefined || entry.status === "stale") return false;
    if (lease !== null) return leases.get(lease) !== undefined;
    const own = [agent, entry.parent].filter((holder) => holder !== null);
    const wanted = [storedResource(resource, workspace)];
    return own.every((holder) => leases.heldBy(holder, wanted).next().done === true);
  }

  #show({ client, agent, workspace, denied, count, firstMs, lastMs }: Counted): HookDenial {
    const { directory, leases } = this.#options;
    const record = denied.lease === null ? undefined : leases.get(denied.lease);
    return {
      client,
      instance: { id: agent, name: directory.get(agent)?.name ?? "" },
      workspace,
      path: denied.path,
      holder: record === undefined ? null : { id: record.holder, name: record.holder_name },
      lease_id: record === undefined ? null : leaseId(record.row),
      count,
      first_at: formatTime(firstMs),
      last_at: formatTime(lastMs),
    };
  }

  #publish(counted: Counted, { trace }: CallContext): void {
    const { first_at: _first, last_at: _last, ...data } = this.#show(counted);
    const event = { topic: TOPIC_DENIED, data: JSON.stringify(data), source: SERVER };
    // The reply does not matter: the list shows the denial even if the event could not be stored.
    this.#options.writer.callUnawaited(
      publishEvents,
      { events: [event], chain: null },
      { actor: counted.agent, trace },
    );
  }
}

function isOld({ lastMs }: Counted, nowMs: number): boolean {
  return nowMs - lastMs > HOOK_DENIALS_TOGETHER_MS;
}
