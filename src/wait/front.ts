/**
 * Calls that wait for one of many things: reads what they wait for and where they left off, has them woken by what
 * concerns them alone, and answers with what holds and a cursor. Runs on the front; what a condition is, is its row's
 * (conditions.ts).
 */
import { WAITING_CHARACTERS_MAX } from "../../schemas/limits.js";
import type { WaitQuery } from "../../schemas/wait.js";
import { Failure, invalid } from "../base/result.js";
import { TimeSlice } from "../base/time-slice.js";
import { waitFor, type Waiter } from "../base/waiter.js";
import type { Hub } from "../events/hub.js";
import type { EventReader } from "../events/table.js";
import { waitForPosition, type Positions } from "../front/positions.js";
import { jsonReply } from "../front/reply.js";
import type { Answer, Request } from "../front/route.js";
import type { Directory } from "../instances/directory.js";
import type { Exposition, Measured } from "../measure/exposition.js";
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
  /** On the front's own handle. */
  readonly stored: EventReader;
  readonly directory: Directory;
  /** How far values are. */
  readonly valuesPosition: () => ValuesPosition;
  /** Where the server is a node of a cluster. */
  readonly positions: Positions | null;
}

type WaitOf = Pick<Request<readonly string[], WaitQuery>, "query" | "context" | "onAbort">;

const SECOND_MS = 1_000;
const LAGGED = '{"kind":"lagged"}';
const FULL = new Failure(
  "RESOURCE_EXHAUSTED",
  `calls that wait have ${WAITING_CHARACTERS_MAX} characters of conditions together, try again`,
);
const NO_CURSOR = invalid("after is no cursor of a wait");

export class WaitFront implements Measured {
  readonly #options: WaitFrontOptions;
  readonly #slice = new TimeSlice();
  readonly #waiting = new Map<Waiter<Found>, WaitingCall>();
  /** Of the queries of those that wait. */
  #characters = 0;

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
    const requester = { instance: instance?.id ?? "", workspace, is, context };
    const characters = charactersOf(query);
    if (wait > 0 && this.#characters + characters > WAITING_CHARACTERS_MAX) return FULL;
    const conditions = readConditions(rows, query, requester);
    if (conditions instanceof Failure) return conditions;
    const status = cursor === null ? "here" : cursorStatusOf(cursor, stored);
    const call = new WaitingCall(conditions, context, status === "elsewhere" ? null : cursor, this.#slice);
    if (status === "elsewhere") return this.#reply(call, LAGGED);
    if (status === "pruned" && call.waitsForEvents) {
      call.skipEvents();
      return this.#reply(call, LAGGED);
    }
    return this.#reply(
      call,
      wait === 0 ? await call.look() : await this.#wait(call, wait * SECOND_MS, characters, onAbort),
    );
  }

  /** Anything may have happened that nobody was told of: the writer crashed. */
  catchUp(): void {
    for (const waiter of this.#waiting.keys()) waiter.wake();
  }

  /** What there is now has another history: a snapshot was restored. */
  lag(): void {
    for (const [waiter, call] of [...this.#waiting]) {
      call.forget();
      waiter.finish(LAGGED);
    }
  }

  /** Ends all waiting. */
  end(): void {
    for (const waiter of [...this.#waiting.keys()]) waiter.finish(null);
  }

  expose(out: Exposition): void {
    out.value("koor_waiting_calls", "gauge", "Calls that wait for conditions.", this.#waiting.size);
  }

  async #wait(
    call: WaitingCall,
    wait_ms: number,
    characters: number,
    onAbort: WaitOf["onAbort"],
  ): Promise<Found | null> {
    this.#characters += characters;
    const found = await waitFor<Found>({
      look: () => call.look(),
      wait_ms,
      listen: (waiter) => {
        const leave = call.listen(waiter);
        this.#waiting.set(waiter, call);
        return () => {
          this.#waiting.delete(waiter);
          leave();
        };
      },
      onAbort,
    }).finally(() => {
      this.#characters -= characters;
    });
    if (found === null) call.rest();
    return found;
  }

  #reply(call: WaitingCall, found: Found | null): Answer {
    if (found instanceof Failure) return found;
    const { hub, stored, positions } = this.#options;
    const cursor = call.cursor(hub.acceptedId, (event) => stored.timeOf(event) ?? 0);
    const seen = positions?.seen() ?? null;
    const withValues = withValuesPosition(this.#options.valuesPosition(), cursor);
    const text = encodeCursor(seen === null ? withValues : withLogPosition(seen.log, seen.position, withValues));
    return jsonReply(`{"matched":${found ?? "null"},"cursor":"${text}"}`);
  }
}

/** A call takes a little, whatever it asks for. */
function charactersOf(query: object): number {
  const texts = Object.values(query).flat() as readonly unknown[];
  return texts.reduce<number>((sum, text) => sum + String(text).length, 32);
}

/** Waits until this node has come as far as the one that gave the cursor out; the refusal where it has not in time. */
function followed(cursor: Cursor, positions: Positions): Promise<Failure | null> | null {
  const seen = positions.seen();
  return seen === null ? null : waitForPosition(logPositionIn(seen.log, cursor), positions);
}
