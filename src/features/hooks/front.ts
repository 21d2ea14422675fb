/**
 * Answers the hooks of agents' clients. It reads the input, recognizes repetitions, and writes the answer in the form
 * that the client expects. event-decision.ts decides what the event means. Runs on the front.
 *
 * If anything unexpected happens, the answer tells the client to proceed, because a hook must never stop an agent.
 */
import type { HookList } from "../../../schemas/hooks.js";
import { SECOND_MS } from "../../../shared/duration.js";
import type { Clock } from "../../base/clock.js";
import type { Log } from "../../base/log.js";
import { traceOf } from "../../base/reason.js";
import { Failure, notFound } from "../../base/result.js";
import { shorten } from "../../../shared/shorten.js";
import { jsonReply } from "../../platform/front/reply.js";
import { headerBlock } from "../../platform/transport/reply.js";
import { tokenOwnerOf } from "../../platform/front/roles.js";
import type { Answer, Request } from "../../platform/front/route.js";
import { hookAnswer, PROCEED } from "./answer.js";
import type { EventDecision } from "./event-decision.js";
import type { HookClient } from "./client.js";
import { findClient, findEvent } from "./clients.js";
import { type CountedDecision, type HookMetrics, UNKNOWN_EVENT } from "./hook-metrics.js";
import { type HookInput, readHookInput } from "./input.js";
import type { LeaseWaiters } from "./lease-waiters.js";
import type { RepeatedDenials } from "./repeated-denials.js";
import type { Decided, RepeatedCalls } from "./repeats.js";
import type { SeenHooks } from "./seen-hooks.js";

export interface HookFrontOptions {
  readonly events: EventDecision;
  readonly repeats: RepeatedCalls;
  readonly denials: Pick<RepeatedDenials, "list">;
  readonly waiters: Pick<LeaseWaiters, "list">;
  readonly seen: Pick<SeenHooks, "list">;
  readonly metrics: HookMetrics;
  readonly clock: Clock;
  /** Returns a monotonic time in ms, to measure the duration of a call. */
  readonly stopwatchMs: () => number;
  readonly log: Log;
}

type HookRequest = Pick<Request, "body" | "headers" | "caller" | "context">;

export class HookFront {
  readonly #options: HookFrontOptions;

  constructor(options: HookFrontOptions) {
    this.#options = options;
  }

  /**
   * Answers a hook.
   * @param pathEvent the event in the request's path; null if the path has none
   */
  handle(name: string, pathEvent: string | null, request: HookRequest): Answer | Promise<Answer> {
    const client = findClient(name);
    if (client === undefined) return notFound(`hook client not found: ${shorten(name)}`);
    const { events, repeats, clock, stopwatchMs } = this.#options;
    const startedMs = stopwatchMs();
    const input = readHookInput(client, pathEvent, request.body);
    if (input === null) return this.#ignore(client, pathEvent, startedMs);
    const owner = tokenOwnerOf(request.caller);
    let isRepeated = true;
    const known = repeats.once(input.repeat, owner, clock.now(), () => {
      isRepeated = false;
      return this.#decide(input, request);
    });
    const decided = isRepeated ? events.repeat(input, known, request) : known;
    return decided instanceof Promise
      ? decided.then((later) => this.#answer(input, later, startedMs))
      : this.#answer(input, decided, startedMs);
  }

  list(): Answer {
    const { seen, denials, waiters } = this.#options;
    const list: HookList = { clients: seen.list(), denials: denials.list(), waits: waiters.list() };
    return jsonReply(JSON.stringify(list));
  }

  /** Answers an input that is not understood. */
  #ignore(client: HookClient, pathEvent: string | null, startedMs: number): Answer {
    const event = pathEvent === null ? undefined : findEvent(client, pathEvent);
    this.#count(client, event?.name ?? UNKNOWN_EVENT, "ignored", startedMs);
    if (event !== undefined) return answerReply(hookAnswer(client, event, PROCEED));
    // The event is not known. Some clients give their model the whole text of an answer to certain events. They get an
    // empty answer.
    return answerReply(client.events.some(({ context }) => context === "plain") ? "" : "{}");
  }

  #answer({ client, event }: HookInput, decided: Decided, startedMs: number): Answer {
    if (decided instanceof Failure) {
      const isRefused = decided.status === "PERMISSION_DENIED";
      this.#count(client, event.name, isRefused ? "refused" : "ignored", startedMs);
      return isRefused ? decided : answerReply(hookAnswer(client, event, PROCEED));
    }
    this.#count(client, event.name, decided.kind, startedMs);
    return answerReply(hookAnswer(client, event, decided));
  }

  #count({ name }: HookClient, event: string, decision: CountedDecision, startedMs: number): void {
    const { metrics, stopwatchMs } = this.#options;
    metrics.record(name, event, decision, (stopwatchMs() - startedMs) / SECOND_MS);
  }

  /** Decides about an event. Never throws: if this code has a fault, the agent may proceed. */
  #decide(input: HookInput, request: HookRequest): Decided | Promise<Decided> {
    try {
      const decided = this.#options.events.decide(input, request);
      return decided instanceof Promise ? decided.catch((error: unknown) => this.#fault(input, error)) : decided;
    } catch (error) {
      return this.#fault(input, error);
    }
  }

  #fault({ client, event }: HookInput, error: unknown): Decided {
    this.#options.log.error("hook failed", { client: client.name, event: event.name, error: traceOf(error) });
    return PROCEED;
  }
}

const TEXT_HEADERS = headerBlock([["Content-Type", "text/plain; charset=utf-8"]]);

function answerReply(text: string): Answer {
  return text.startsWith("{") ? jsonReply(text) : { status: 200, body: text, headers: TEXT_HEADERS };
}
