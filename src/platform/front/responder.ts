/**
 * Sends, measures and logs the answers of calls. A failure gets the API's error format, and an audit row if its route
 * is audited. If the unread answers of all clients take too much memory, a 503 replaces the answer. Runs on the front.
 */
import type { ReportedCounts } from "../../../schemas/agent-metrics.js";
import { ANSWERS_IN_MEMORY_BYTES_MAX, WHOLE_ANSWER_BYTES_MAX } from "../../../schemas/limits/answers.js";
import { ByteBudget } from "../../base/byte-budget.js";
import type { Log } from "../../base/log.js";
import { BUSY, Failure } from "../../base/result.js";
import type { Authenticator } from "./authenticator.js";
import type { BodyReader } from "./body-reader.js";
import type { Call } from "./call.js";
import type { CallCounter } from "./caller.js";
import { notKept, sameOriginOnly, withCorsHeaders } from "./cors.js";
import type { DeferralGuard } from "./deferral.js";
import { failureReply, type Header, type Refusals } from "./refusals.js";
import type { RequestMetrics } from "./request-metrics.js";
import type { Answer, Reply } from "./route.js";

export interface ResponderOptions {
  readonly metrics: RequestMetrics;
  readonly log: Log;
  readonly agents: CallCounter;
  readonly refusals: Refusals;
  readonly bodies: BodyReader;
  readonly authenticator: Authenticator;
  readonly deferrals: DeferralGuard | null;
}

export class Responder {
  readonly #options: ResponderOptions;
  /** Limits the memory of the answers that clients have not read yet. */
  readonly #unread = new ByteBudget(ANSWERS_IN_MEMORY_BYTES_MAX);

  constructor(options: ResponderOptions) {
    this.#options = options;
  }

  /**
   * Answers a call.
   * @param extra additional headers for a failure
   */
  finish(call: Call, answer: Answer, extra: readonly Header[] = []): void {
    if (!(answer instanceof Failure)) {
      this.send(call, answer);
      return;
    }
    const { refusals, metrics } = this.#options;
    refusals.report(call.bound.route, answer);
    if (answer.outcomeUnknown) {
      // Close the connection without an answer. It is unknown whether the call was executed, so any answer could be
      // wrong.
      metrics.inFlight -= 1;
      call.bound.metrics.record(answer.http, (performance.now() - call.started) / 1000);
      call.exchange.cut();
      return;
    }
    const reply = failureReply(answer, extra);
    if (!refusals.wants(call.bound.route, answer)) {
      this.send(call, reply);
      return;
    }
    call.exchange.detach();
    const { params, context } = call;
    const peer = context.actor === "" ? call.exchange.peer : "";
    const json = answer.subject ?? call.json;
    refusals.write(call.bound.route, { params, json, context, peer }, answer, () => this.send(call, reply));
  }

  /** Sends a reply. If the unread answers of all clients take too much memory, sends a 503 instead. */
  send(call: Call, answer: Reply): void {
    const bytes = call.exchange.ended ? 0 : heldBytes(answer);
    if (bytes > 0 && !this.#unread.take(bytes)) {
      answer.discard?.();
      if (call.bound.route.method === "GET") {
        this.send(call, failureReply(BUSY, []));
        return;
      }
      // Cut the connection without an answer. A 503 would be wrong, because the write is stored already.
      this.#options.metrics.inFlight -= 1;
      call.exchange.cut();
      return;
    }
    this.#sendHeld(call, answer, bytes);
  }

  /** @param bytes the memory that was reserved for the answer. It is released when the client has read the answer. */
  #sendHeld(call: Call, reply: Reply, bytes: number): void {
    const { metrics, log, deferrals, authenticator, bodies } = this.#options;
    const seconds = (performance.now() - call.started) / 1000;
    call.bound.metrics.record(reply.status, seconds);
    if (call.context.actor !== "") this.#countForActor(call, reply);
    if (log.debugs) {
      log.debug("request", {
        method: call.bound.route.method,
        path: call.path,
        status: reply.status,
        ms: Math.round(seconds * 1e6) / 1e3,
        trace: call.context.trace,
      });
    }
    const ofPort = call.port === "dashboard" ? sameOriginOnly(reply) : reply;
    const own = call.session === null ? ofPort : notKept(ofPort);
    const stamped = deferrals === null ? own : deferrals.stamp(own);
    call.exchange.send(call.origin === "" ? stamped : withCorsHeaders(call.origin, stamped));
    if (bytes > 0) {
      if (call.exchange.streaming) call.exchange.onAbort(() => this.#unread.release(bytes));
      else this.#unread.release(bytes);
    }
    if (!call.exchange.streaming) {
      metrics.inFlight -= 1;
      return;
    }
    call.exchange.onAbort(() => {
      metrics.inFlight -= 1;
    });
    if (authenticator.mayEnd(call)) call.exchange.onAbort(authenticator.onEnd(call, () => call.exchange.cut()));
    if (call.exchange.lingers) bodies.linger(call.exchange);
  }

  #countForActor({ counted, caller: { actor } }: Call, { status, counts }: Reply): void {
    const { agents } = this.#options;
    if (counted && status >= 400) agents.add(actor, "errors", 1);
    if (counts === undefined || counts === null) return;
    for (const [metric, count] of Object.entries(counts) as [keyof ReportedCounts, number][])
      if (count > 0) agents.add(actor, metric, count);
  }
}

/** Returns the bytes of memory that an answer takes until its client has read it; 0 for a short answer. */
function heldBytes({ body, holds = 0 }: Reply): number {
  const bytes = typeof body === "function" ? holds : body === null ? 0 : body.length;
  return bytes > WHOLE_ANSWER_BYTES_MAX ? bytes : 0;
}
