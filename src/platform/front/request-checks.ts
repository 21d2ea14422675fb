/**
 * Runs the checks of a request that need only its headers, in this order: Host, Origin and token; the caller's role;
 * whether the server shuts down or refuses writes; parameters; headers. Checks a request that has waited again. Runs on
 * the front.
 */
import { Failure, invalid } from "../../base/result.js";
import type { Authenticator } from "./authenticator.js";
import { NO_PARAMS, RequestContext, type Call } from "./call.js";
import type { CallCounter, Caller } from "./caller.js";
import type { DeferralGuard } from "./deferral.js";
import { refuseConditions, refuseWrongHeaders } from "./header-rules.js";
import { parseQuery, refuseParameters, refuseUnknownQuery } from "./parameters.js";
import { pathParameters } from "./path-shape.js";
import type { RequestGuard } from "./request-guard.js";
import { refuseRole } from "./roles.js";
import type { Request } from "./route.js";

export interface RequestChecksOptions {
  readonly guard: Pick<RequestGuard, "guarded">;
  readonly authenticator: Pick<Authenticator, "authenticate">;
  /** Counts the calls of each instance. */
  readonly agents: CallCounter;
  /** Decides which requests wait before they are served; null on a single server, where no request waits. */
  readonly deferrals: DeferralGuard | null;
}

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});
const NO_BODY = new Uint8Array(0);
const NO_TEXTS: readonly (string | null)[] = [];
const DRAINING = new Failure("UNAVAILABLE", "the server is shutting down");

export class RequestChecks {
  readonly #options: RequestChecksOptions;
  /** The number of requests whose caller was allowed. */
  #calls = 0;
  #isDraining = false;
  #writesRefusal: Failure | null = null;

  constructor(options: RequestChecksOptions) {
    this.#options = options;
  }

  /** The failure that refuses every new request because the server shuts down; null before. */
  get shutdownRefusal(): Failure | null {
    return this.#isDraining ? DRAINING : null;
  }

  /** From now on, refuses every new request. */
  drain(): void {
    this.#isDraining = true;
  }

  /** Refuses all writes with this failure; null allows writes again. */
  holdWrites(refusal: Failure | null): void {
    this.#writesRefusal = refusal;
  }

  /**
   * Runs the checks that need only the request's headers. Returns the request for the handler, or the failure that
   * refuses it.
   */
  check(call: Call): Request | Failure {
    const { exchange, bound } = call;
    const { route, shape } = bound;
    const path = exchange.path;
    const params = shape.names.length === 0 ? NO_PARAMS : pathParameters(shape, path);
    call.params = params ?? NO_PARAMS;
    const queryText = exchange.query ?? "";
    const deferral = this.#options.deferrals?.check(exchange, queryText) ?? null;
    if (!(deferral instanceof Failure)) call.deferral = deferral;
    const caller = this.#options.authenticator.authenticate(call, { open: route.open === true });
    if (caller instanceof Failure) {
      if (call.deferral?.mayResolve(caller) !== true) return caller;
      call.deferral.pendingRefusal = caller;
    } else {
      const refusal = this.#authorize(call, caller);
      if (refusal !== null) return refusal;
    }
    if (this.#isDraining && route.open !== true) return DRAINING;
    if (this.#writesRefusal !== null && route.method !== "GET") return this.#writesRefusal;
    if (deferral instanceof Failure) return deferral;
    if (params === undefined || path.includes("\uFFFD")) return invalid("malformed escape in the path");
    const query = parseQuery(route.query, queryText);
    if (query instanceof Failure) return query;
    const unknown = route.method === "GET" || route.foreignQuery === true ? null : refuseUnknownQuery(route, queryText);
    if (unknown !== null) return unknown;
    const header = refuseWrongHeaders(exchange) ?? (route.method === "GET" ? null : refuseConditions(route, exchange));
    if (header !== null) return header;
    const wrong = refuseParameters(shape.names, bound.paramRules, call.params, route.method);
    if (wrong !== null) return wrong;
    let headers = NO_HEADERS;
    if (bound.headerNames !== null) {
      const read: Record<string, string> = {};
      for (const name of bound.headerNames) read[name] = exchange.header(name);
      headers = read;
    }
    return {
      method: route.method,
      params,
      query,
      headers,
      body: NO_BODY,
      json: undefined,
      free: NO_TEXTS,
      stream: null,
      caller: call.caller,
      context: call.context,
      peer: route.readsPeer === true ? exchange.peer : "",
      onAbort: (listener) => {
        exchange.onAbort(listener);
        if (route.waits === true) call.aborts.push(listener);
      },
    };
  }

  /**
   * Sets the caller of the call, and counts the call for that caller. Returns a failure if the caller's role does not
   * suffice.
   */
  #authorize(call: Call, caller: Caller): Failure | null {
    const { route } = call.bound;
    const { actor } = caller;
    // The trace id connects a call with its audit rows. A call that cannot change anything has no audit rows, so it
    // needs no trace id.
    const traced = route.body !== undefined || route.audited !== undefined;
    call.context = new RequestContext(actor, traced ? (++this.#calls).toString(36) : "", call.exchange);
    call.caller = caller;
    if (actor !== "" && call.counted)
      this.#options.agents.add(actor, route.countedAs === "mcp" ? "mcp_calls" : "rest_calls", 1);
    return refuseRole(this.#options.guard.guarded, route, caller, call.params);
  }

  /**
   * Authenticates a request again after its wait, because its caller may have been registered or removed meanwhile.
   * @returns the failure if the caller is not allowed; else null
   */
  recheck(call: Call): Failure | null {
    const { deferral, caller: previous } = call;
    const caller = this.#options.authenticator.authenticate(call, {
      open: call.bound.route.open === true,
      final: true,
    });
    call.deferral = null;
    if (caller instanceof Failure) return caller;
    const isSame =
      deferral?.pendingRefusal === null && caller.actor === previous.actor && caller.role === previous.role;
    return isSame ? null : this.#authorize(call, caller);
  }
}
