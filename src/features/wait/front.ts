/**
 * Serves calls that wait until one of several conditions holds. It parses the conditions and the cursor, and wakes a
 * call only after changes that may affect its conditions. The reply has the condition that holds, and a new cursor.
 * conditions.ts lists the conditions. Runs on the front.
 */
import { WAITING_CHARACTERS_MAX } from "../../../schemas/limits/wait.js";
import type { WaitQuery } from "../../../schemas/wait.js";
import { SECOND_MS } from "../../../shared/duration.js";
import { Failure, invalid } from "../../base/result.js";
import { TimeSlice } from "../../base/time-slice.js";
import { WaitQueue } from "../../base/wait-queue.js";
import { waitFor, type Waiter } from "../../base/waiter.js";
import type { Clock } from "../../base/clock.js";
import { showLimit } from "../rate-limits/rate-limit.js";
import type { RateLimitProjection } from "../rate-limits/projection.js";
import { newLimits, withLimits } from "./new-limits.js";
import type { Hub } from "../events/hub.js";
import type { EventReader } from "../events/table.js";
import { waitForPosition, type Positions } from "../../platform/front/positions.js";
import { jsonReply } from "../../platform/front/reply.js";
import type { Answer, Request } from "../../platform/front/route.js";
import type { Directory } from "../instances/directory.js";
import type { Exposition, Measured } from "../../platform/measure/exposition.js";
import { type Found, WaitingCall } from "./call.js";
import type { AnyConditionRow } from "./condition.js";
import { readConditions } from "./conditions.js";
import { type Cursor, encodeCursor, readCursor } from "./cursor.js";
import { withLogPosition, logPositionIn } from "./log-position.js";
import { cursorStatusOf } from "./cursor-status.js";
import { type ValuesPosition, withValuesPosition } from "./values-position.js";

export interface WaitFrontOptions {
  readonly rows: readonly AnyConditionRow[];
  readonly hub: Hub;
  /** Reads events through the front's own database handle. */
  readonly stored: EventReader;
  readonly directory: Directory;
  readonly limits: Pick<RateLimitProjection, "of">;
  readonly clock: Clock;
  /** Returns the current position of values. */
  readonly valuesPosition: () => ValuesPosition;
  /** Gives the node's position in the log of the cluster; null on a single server. */
  readonly positions: Positions | null;
}

type WaitOf = Pick<Request<readonly string[], WaitQuery>, "query" | "context" | "onAbort">;

const LAGGED = '{"kind":"lagged"}';
const FULL = new Failure(
  "RESOURCE_EXHAUSTED",
  `calls that wait have ${WAITING_CHARACTERS_MAX} characters of conditions together, try again`,
);
const NO_CURSOR = invalid("after is no cursor of a wait");

export class WaitFront implements Measured {
  readonly #options: WaitFrontOptions;
  readonly #slice = new TimeSlice();
  /** The waiting calls. The weight of a call is the size of its query (`charactersOf`). */
  readonly #waiting = new WaitQueue<Waiter<Found>>({ weightMax: WAITING_CHARACTERS_MAX });

  constructor(options: WaitFrontOptions) {
    this.#options = options;
  }

  async answer({ query, context, onAbort }: WaitOf): Promise<Answer> {
    const { rows, directory, stored, positions } = this.#options;
    const { after = "", wait = 0, is = null } = query;
    const cursor = after === "" ? null : readCursor(after);
    if (cursor === undefined) return NO_CURSOR;
    if (cursor !== null && positions !== null) {
      const late = await followed(cursor, positions);
      if (late !== null) return late;
    }
    const instance = directory.get(context.actor);
    const workspace = query.workspace ?? instance?.workspace ?? null;
    const requester = { instance: instance?.id ?? "", workspace, is, waits: wait > 0, context };
    const characters = charactersOf(query);
    if (wait > 0 && !this.#waiting.hasRoom(characters)) return FULL;
    const conditions = readConditions(rows, query, requester);
    if (conditions instanceof Failure) return conditions;
    const request = { cursor, actor: context.actor };
    const status = cursor === null ? "here" : cursorStatusOf(cursor, stored);
    const call = new WaitingCall(conditions, context, status === "elsewhere" ? null : cursor, this.#slice);
    if (status === "elsewhere") return this.#reply(call, LAGGED, request);
    if (status === "pruned" && call.waitsForEvents) {
      call.skipEvents();
      return this.#reply(call, LAGGED, request);
    }
    return this.#reply(
      call,
      wait === 0 ? await call.look() : await this.#wait(call, wait * SECOND_MS, characters, onAbort),
      request,
    );
  }

  /** Wakes all waiting calls after a crash of the writer, because the front may have missed changes. */
  catchUp(): void {
    for (const waiter of this.#waiting) waiter.wake();
  }

  /**
   * Ends all waits. Called after the restore of a snapshot, because the cursors of the waits belong to the previous
   * history.
   */
  lag(): void {
    for (const waiter of this.#waiting) waiter.finish(LAGGED);
  }

  /** Ends all waits, and accepts no more. */
  end(): void {
    this.#waiting.close();
  }

  expose(out: Exposition): void {
    out.value("koor_waiting_calls", "gauge", "Calls that wait for conditions.", this.#waiting.size);
  }

  async #wait(call: WaitingCall, waitMs: number, weight: number, onAbort: WaitOf["onAbort"]): Promise<Found | null> {
    const found = await waitFor<Found>({
      queue: this.#waiting,
      look: () => call.look(),
      waitMs,
      weight,
      listen: (waiter) => call.listen(waiter),
      onAbort,
    });
    if (found === null) call.rest();
    // The history was replaced by a restore, so the marks of the call are no longer valid.
    if (found === LAGGED) call.forget();
    return found;
  }

  /**
   * Builds the reply to a call.
   * @param request the id of the caller's instance, and the client's cursor. The cursor says which rate limits were
   * already reported.
   */
  #reply(
    call: WaitingCall,
    found: Found | null,
    request: { readonly cursor: Cursor | null; readonly actor: string },
  ): Answer {
    if (found instanceof Failure) return found;
    const { hub, stored, positions, directory, limits, clock } = this.#options;
    const entry = directory.get(request.actor);
    const inForce = entry === undefined ? [] : limits.of(entry, clock.now());
    const fresh = newLimits(inForce, request.cursor);
    const cursor = call.cursor(hub.acceptedId, (event) => stored.timeOf(event) ?? 0);
    const seen = positions?.seen() ?? null;
    const withValues = withLimits(inForce, withValuesPosition(this.#options.valuesPosition(), cursor));
    const text = encodeCursor(seen === null ? withValues : withLogPosition(seen.log, seen.position, withValues));
    const limited = fresh.length === 0 ? "" : `,"limited":${JSON.stringify(fresh.map(showLimit))}`;
    return jsonReply(`{"matched":${found ?? "null"},"cursor":"${text}"${limited}}`);
  }
}

/**
 * Returns the length of a query in characters, plus 32. Because of the 32, the limit also bounds the number of calls
 * with very short queries.
 */
function charactersOf(query: object): number {
  const texts = Object.values(query).flat() as readonly unknown[];
  return texts.reduce<number>((sum, text) => sum + String(text).length, 32);
}

/**
 * Waits until this node has applied the log up to the position in the cursor. Returns null if it has done so already.
 * Otherwise returns a promise: of null, or of a failure if the wait takes too long.
 */
function followed(cursor: Cursor, positions: Positions): Promise<Failure | null> | null {
  const seen = positions.seen();
  return seen === null ? null : waitForPosition(logPositionIn(seen.log, cursor), positions);
}
