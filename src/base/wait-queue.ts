/**
 * Holds requests that wait, in the order of their arrival. The queue ends a wait when its deadline passes, when the
 * client disconnects, or when the queue is closed.
 *
 * The owner of the queue removes a request that has received what it waits for. One limit applies to all requests
 * together, and another to the requests of one caller. One timer serves all deadlines. Pure except for the timer.
 */
import { WAITS_ENDED_PER_TICK } from "../../schemas/limits/process.js";
import { LinkedList, ListNode } from "./linked-list.js";
import { TurnoverMap } from "./turnover-map.js";

/** The reasons why a queue ends a wait. */
export type WaitEnd = "deadline" | "abort" | "close";

/** A request that can wait in a queue. It waits in at most one queue at a time. */
export abstract class Waiting {
  /** The entry of this request in its queue; null while the request is in no queue. Only the queue sets it. */
  place: Place | null = null;

  /** Returns whether the request is in a queue. */
  get waits(): boolean {
    return this.place !== null;
  }

  /** Handles the end of a wait without a result. The queue calls this after it has removed the request. */
  abstract end(reason: WaitEnd): void;
}

/** The entry of a waiting request in its queue. Only the queue uses this class. */
class Place extends ListNode<Waiting> {
  /** The node of this entry in the list for its duration (`#lanes`). */
  readonly inLane: ListNode<Place>;

  constructor(
    item: Waiting,
    readonly deadlineMs: number,
    readonly lane: LinkedList<Place>,
    readonly caller: string,
    readonly weight: number,
  ) {
    super(item);
    this.inLane = lane.push(this);
  }
}

/** Functions that set and clear timers, as `setTimeout` and `clearTimeout` do. */
export interface Timers<Timer = unknown> {
  set(run: () => void, ms: number): Timer;
  clear(timer: Timer): void;
}

const NODE_TIMERS: Timers<NodeJS.Timeout> = { set: setTimeout, clear: clearTimeout };

export interface WaitQueueOptions {
  /** The maximum sum of the weights of all requests. There is no limit by default. */
  readonly weightMax?: number;
  /** The maximum sum of the weights of one caller's requests. There is no limit by default. */
  readonly weightOfCallerMax?: number;
  /** A clock in ms. */
  readonly now?: () => number;
  readonly timers?: Timers;
}

/** The options of one wait. */
export interface WaitOptions {
  /**
   * The time in ms after which the wait ends. Use few different values, because the queue keeps a list for each of
   * them.
   */
  readonly waitMs: number;
  /** Registers a listener that is called when the client disconnects. */
  readonly onAbort?: (listener: () => void) => void;
  /** The caller whose limit includes this request. */
  readonly caller?: string;
  /** The weight with which the request counts towards the limits; 1 by default. */
  readonly weight?: number;
}

export class WaitQueue<Item extends Waiting = Waiting> {
  readonly #weightMax: number;
  readonly #weightOfCallerMax: number;
  readonly #now: () => number;
  readonly #timers: Timers;
  /** All requests, in the order of their arrival. */
  readonly #queue = new LinkedList<Waiting>();
  /**
   * The entries, in one list for each duration of a wait. In one list, the first entry has the earliest deadline. So
   * the next deadline is found without a sorted structure.
   */
  readonly #lanes = new Map<number, LinkedList<Place>>();
  readonly #weightOf = new TurnoverMap<string, number>();
  #weight = 0;
  #timer: unknown = null;
  /** The time at which the timer fires; Infinity if it is not set. It is at or before the next deadline. */
  #timerMs = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor({
    weightMax = Number.POSITIVE_INFINITY,
    weightOfCallerMax = Number.POSITIVE_INFINITY,
    now = () => performance.now(),
    timers = NODE_TIMERS,
  }: WaitQueueOptions = {}) {
    this.#weightMax = weightMax;
    this.#weightOfCallerMax = weightOfCallerMax;
    this.#now = now;
    this.#timers = timers;
  }

  /** The number of waiting requests. */
  get size(): number {
    return this.#queue.size;
  }

  /** Returns whether a further request of this caller would stay within the limits. */
  hasRoom(weight = 1, caller = ""): boolean {
    if (this.#weight + weight > this.#weightMax) return false;
    return (this.#weightOf.get(caller) ?? 0) + weight <= this.#weightOfCallerMax;
  }

  /** Adds a request at the end of the queue. Returns false, and adds nothing, if the queue is full or closed. */
  add(item: Item, { waitMs, onAbort, caller = "", weight = 1 }: WaitOptions): boolean {
    if (this.#closed || !this.hasRoom(weight, caller)) return false;
    const deadlineMs = this.#now() + waitMs;
    const place = new Place(item, deadlineMs, this.#laneOf(waitMs), caller, weight);
    item.place = place;
    this.#queue.append(place);
    this.#weigh(caller, weight);
    if (deadlineMs < this.#timerMs) this.#setTimer(deadlineMs, waitMs);
    onAbort?.(() => {
      // Compare the entries. Meanwhile the request may have left the queue, and may even wait again with a new entry.
      if (item.place === place) this.#end(place, "abort");
    });
    return true;
  }

  /** Removes a request that has received what it waits for. Returns false if the request is in no queue. */
  remove(item: Item): boolean {
    const { place } = item;
    if (place === null) return false;
    this.#remove(place);
    return true;
  }

  /** Yields the requests in the order of their arrival. Requests may be removed during the iteration. */
  [Symbol.iterator](): Iterator<Item, undefined> {
    return this.#queue[Symbol.iterator]() as Iterator<Item, undefined>;
  }

  /** Ends all waits. The queue accepts no more requests. */
  close(): void {
    this.#closed = true;
    for (const { place } of this.#queue) if (place !== null) this.#end(place, "close");
  }

  #laneOf(waitMs: number): LinkedList<Place> {
    let lane = this.#lanes.get(waitMs);
    if (lane === undefined) {
      lane = new LinkedList();
      this.#lanes.set(waitMs, lane);
    }
    return lane;
  }

  #end(place: Place, reason: WaitEnd): void {
    this.#remove(place);
    place.item.end(reason);
  }

  #remove(place: Place): void {
    place.item.place = null;
    this.#queue.remove(place);
    place.lane.remove(place.inLane);
    this.#weigh(place.caller, -place.weight);
    if (this.#queue.size === 0) this.#clearTimer();
  }

  #weigh(caller: string, weight: number): void {
    this.#weight += weight;
    if (this.#weightOfCallerMax === Number.POSITIVE_INFINITY) return;
    const weightOfCaller = (this.#weightOf.get(caller) ?? 0) + weight;
    if (weightOfCaller > 0) this.#weightOf.set(caller, weightOfCaller);
    else this.#weightOf.delete(caller);
  }

  #setTimer(deadlineMs: number, delayMs: number): void {
    this.#clearTimer();
    this.#timerMs = deadlineMs;
    this.#timer = this.#timers.set(this.#expire, delayMs);
  }

  #clearTimer(): void {
    if (this.#timer !== null) this.#timers.clear(this.#timer);
    this.#timer = null;
    this.#timerMs = Number.POSITIVE_INFINITY;
  }

  /**
   * Ends the waits whose deadline has passed, and sets the timer for the next deadline. At most WAITS_ENDED_PER_TICK
   * waits end in one tick, because waits that began together end together. The rest end in the next ticks.
   */
  readonly #expire = (): void => {
    this.#timer = null;
    this.#timerMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#now();
    let left = WAITS_ENDED_PER_TICK;
    for (const lane of this.#lanes.values()) {
      for (const place of lane) {
        if (place.deadlineMs > nowMs || left === 0) break;
        this.#end(place, "deadline");
        left -= 1;
      }
    }
    let nextMs = this.#timerMs;
    for (const { first } of this.#lanes.values()) nextMs = Math.min(nextMs, first?.deadlineMs ?? nextMs);
    if (nextMs < this.#timerMs) this.#setTimer(nextMs, Math.max(0, nextMs - nowMs));
  };
}
