/**
 * What every request passes, once for all routes: Host, Origin and token, draining, parameters, body
 * limits, actor; and on the way back the error shape, the audit of refusals, metrics and the access log.
 * Runs on the front. The order of the checks is the order of the code.
 */
import type { TSchema } from "typebox";
import { FRONT_BODIES } from "../../schemas/front-bodies.js";
import type { ReportedCounts } from "../../schemas/agent-metrics.js";
import {
  ANSWERS_IN_MEMORY_BYTES_MAX,
  REQUESTS_IN_FLIGHT_MAX,
  FRONT_JSON_BYTES_MAX,
  SHORTAGE_REPORT_MS,
  WHOLE_ANSWER_BYTES_MAX,
} from "../../schemas/limits.js";
import type { TextRules } from "../../schemas/text.js";
import { must } from "../base/assert.js";
import { ByteBudget } from "../base/byte-budget.js";
import type { Clock } from "../base/clock.js";
import type { Log } from "../base/log.js";
import { isShortage } from "../base/descriptors.js";
import { reasonOf, traceOf } from "../base/reason.js";
import { buffersOf, packBytes } from "../base/bytes.js";
import { freeMemberOf, freeTexts } from "../base/free-member.js";
import { Failure, invalid } from "../base/result.js";
import { areShapesLoaded, loadShapes, readShaped } from "../base/shape.js";
import { SparseReport } from "../base/sparse-report.js";
import { callerOf, type CallContext } from "../rpc/frames.js";
import { readBody } from "../threads/jobs.js";
import type { Pool } from "../threads/pool.js";
import type { Admission, Exchange } from "../transport/transport.js";
import type { AccessEnd } from "../base/access-end.js";
import { tiedTo } from "./access.js";
import { BodyReader } from "./body-reader.js";
import { ANONYMOUS, type Actors, type CallCounter, type Caller } from "./caller.js";
import { sameOriginOnly, preflightReply, withCorsHeaders } from "./cors.js";
import type { DashboardAuth, RequestHead, Session } from "./dashboard-auth.js";
import { UNAUTHENTICATED, type RequestGuard } from "./request-guard.js";
import { refuseCoding, refuseConditions, refuseEmptyHeaders } from "./header-rules.js";
import { parameterRules, parseQuery, refuseParameters, refuseUnknownQuery } from "./parameters.js";
import { failureReply, Refusals, type Header, type RecordRefusal } from "./refusals.js";
import type { RequestMetrics, RouteMetrics } from "./request-metrics.js";
import { requestedPosition, retryLater, withPositionHeader, laggingNode, type Positions } from "./positions.js";
import { refuseRole, refuseUnknown } from "./roles.js";
import { parsePath, pathParameters, type PathShape } from "./path-shape.js";
import type { Answer, Reply, Request, Route } from "./route.js";

/** A route with what is made of it once. */
export interface BoundRoute {
  readonly route: Route;
  readonly shape: PathShape;
  /** What its path parameters are held to. */
  readonly param_rules: readonly TextRules[];
  /** The headers that its handler reads. */
  readonly header_names: readonly string[] | null;
  /** Where it has a JSON body that is read before its handler is called. */
  readonly json: JsonReading | null;
  readonly metrics: RouteMetrics;
}

/** How the JSON bodies of a route are read. */
interface JsonReading {
  readonly schema: TSchema;
  /** In FRONT_BODIES. */
  readonly name: string;
  /** The member that may be any JSON. */
  readonly free: string | null;
}

export interface PipelineOptions {
  readonly guard: RequestGuard;
  /** Who calls on the dashboard's port. */
  readonly dashboardAuth: DashboardAuth;
  readonly metrics: RequestMetrics;
  readonly recordRefusal: RecordRefusal;
  readonly pool: Pick<Pool, "run">;
  readonly log: Log;
  readonly clock: Clock;
  readonly actors: Actors;
  readonly agents: CallCounter;
  /** Where the server is a node of a cluster. */
  readonly positions: Positions | null;
  /** Is told of what a handler threw. */
  readonly onBug: (error: unknown) => void;
}

/** The ports, which have most routes in common. */
export type PortName = "api" | "dashboard";

/** One request on its way. */
interface Call {
  readonly exchange: Exchange;
  readonly bound: BoundRoute;
  readonly port: PortName;
  readonly started: number;
  /** Counts as a call of its plane, and for its actor. */
  readonly counted: boolean;
  /** Asks for an upgrade to WebSocket. */
  readonly upgrades: boolean;
  /** The session that it belongs to. */
  session: Session | null;
  params: readonly string[];
  caller: Caller;
  context: CallContext;
  /** The JSON body where it had the route's shape, for the audit of a refusal. */
  json: unknown;
  path: string;
  /** The allowed Origin that it came from; "" where it named none. */
  origin: string;
  /** How far this node has to have come before it is served; 0 where it does not say. */
  after: number;
  /** What says who calls, of a request that this node has yet to come so far for: who that is may be different then. */
  head: RequestHead | null;
  /** Nobody is known to call so: what the request is answered with where that is so still. */
  stranger: Failure | null;
  /** What the handler of a route that waits wants called when its client has gone. */
  aborts: (() => void)[];
  /** It is asked who calls for the second time. */
  again: boolean;
}

/** The headers that say who calls. */
const HEAD_NAMES = ["host", "origin", "authorization", "x-koor-instance", "cookie", "sec-fetch-site"];
/** Refusals of callers who may be known when this node has come as far as they ask. */
const MAY_COME: ReadonlySet<string> = new Set(["UNAUTHENTICATED", "NOT_FOUND", "TOO_MANY_ATTEMPTS"]);
const NO_CONTEXT: CallContext = Object.freeze({ actor: "", trace: "" });
const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});
const NO_PARAMS: readonly string[] = [];
const NO_BODY = new Uint8Array(0);
const NO_TEXTS: readonly (string | null)[] = [];
const IDENTITY_ALONE: Header = ["Accept-Encoding", "identity"];
const EMPTY_OBJECT = Buffer.from("{}");
const DRAINING = new Failure("UNAVAILABLE", "the server is shutting down");
const SHORT = new Failure("RESOURCE_EXHAUSTED", "the server cannot open what this needs now, try again");
const BUSY = new Failure("RESOURCE_EXHAUSTED", "the server is busy, try again");

function newCall(exchange: Exchange, bound: BoundRoute, port: PortName, counted: boolean, upgrades = false): Call {
  return {
    exchange,
    bound,
    port,
    started: performance.now(),
    counted,
    upgrades,
    session: null,
    params: NO_PARAMS,
    caller: ANONYMOUS,
    context: NO_CONTEXT,
    json: undefined,
    path: "",
    origin: "",
    after: 0,
    head: null,
    stranger: null,
    aborts: [],
    again: false,
  };
}

export class Pipeline {
  readonly #options: PipelineOptions;
  readonly refusals: Refusals;
  readonly #bodies: BodyReader;
  readonly #shortage: SparseReport;
  /** What answers hold that their clients have yet to read. */
  readonly #answers = new ByteBudget(ANSWERS_IN_MEMORY_BYTES_MAX);
  #calls = 0;
  #draining = false;
  #held: Failure | null = null;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#bodies = new BodyReader(options.clock);
    this.#shortage = new SparseReport(SHORTAGE_REPORT_MS, (requests, error) =>
      options.log.error("requests are refused: the server cannot open what they need", {
        error: reasonOf(error),
        requests,
      }),
    );
    this.refusals = new Refusals(options.recordRefusal, options.metrics, options.clock, options.log);
  }

  bind(route: Route): BoundRoute {
    const shape = parsePath(route.path);
    return {
      route,
      shape,
      param_rules: parameterRules(shape.names, route.params),
      header_names: route.headers === undefined ? null : Object.keys(route.headers),
      json: jsonReading(route),
      metrics: this.#options.metrics.addRoute(route.name),
    };
  }

  /** Requests that were not answered yet. */
  get in_flight(): number {
    return this.#options.metrics.in_flight;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** From now on new requests are refused with 503. */
  drain(): void {
    this.#draining = true;
  }

  /** Refuses what may change something with this, until it is called with null. */
  holdWrites(refusal: Failure | null): void {
    this.#held = refusal;
  }

  /** Cuts the connections whose request has been coming for too long. */
  tick(now_ms: number): void {
    this.#bodies.tick(now_ms);
  }

  /** Takes one request through to its answer. */
  serve(exchange: Exchange, bound: BoundRoute, port: PortName): void {
    const { route } = bound;
    // Calls on the dashboard's port count as neither REST nor MCP.
    const call = newCall(exchange, bound, port, port === "api" && route.uncounted === undefined);
    this.#options.metrics.in_flight += 1;
    if (call.counted) this.#count(route);
    if (this.#options.log.debugs) call.path = exchange.path;
    if (this.#refuseFaulty(call)) return;
    const request = this.#options.metrics.in_flight > REQUESTS_IN_FLIGHT_MAX ? BUSY : this.#admit(call);
    const refusal = request instanceof Failure || route.body === undefined ? null : refuseCoding(exchange);
    if (request instanceof Failure) {
      this.#finish(call, request);
    } else if (refusal !== null) {
      this.#finish(call, refusal, [IDENTITY_ALONE]);
    } else if (route.body === undefined && !exchange.body_first) {
      this.#handle(call, request);
    } else if (call.stranger === null) {
      this.#takeBody(call, request);
    } else {
      this.#holdBody(call, request);
    }
  }

  /** Refuses what is not to be carried out, whatever it asks for and whoever asks: it is nobody's call. */
  #refuseFaulty(call: Call): boolean {
    const { fault } = call.exchange;
    if (fault === null) return false;
    call.exchange.closeAfterAnswer();
    this.#send(call, failureReply(fault, []));
    return true;
  }

  #count(route: Route): void {
    const { metrics } = this.#options;
    if (route.counted_as === "mcp") metrics.mcp_calls += 1;
    else metrics.rest_calls += 1;
  }

  /**
   * Checks a request for an upgrade to WebSocket, when this node has come as far as it asks.
   * @returns what the route's `upgrade` made of it
   */
  admitUpgrade(exchange: Exchange, bound: BoundRoute, port: PortName): Admission | Promise<Admission> {
    const call = newCall(exchange, bound, port, false, true);
    this.#options.metrics.in_flight += 1;
    if (this.#options.log.debugs) call.path = exchange.path;
    if (this.#refuseFaulty(call)) return undefined;
    const request = this.#admit(call);
    if (request instanceof Failure || call.head === null) return this.#upgrade(call, request);
    return new Promise((resolve) => {
      this.#whenReached(call, (refusal, late) =>
        resolve(this.#upgradeReached(call, refusal ?? withCaller(request, call), late)),
      );
    });
  }

  #upgrade(call: Call, request: Request | Failure): Admission {
    const admitted = request instanceof Failure ? request : call.bound.route.upgrade?.(request);
    if (admitted instanceof Failure) {
      this.#finish(call, admitted);
      return undefined;
    }
    this.#options.metrics.in_flight -= 1;
    if (admitted === undefined || !this.#mayEnd(call)) return admitted;
    return tiedTo((listener) => this.#onAccessEnd(call, listener), admitted);
  }

  /** @param late this node has not come so far in time */
  #upgradeReached(call: Call, request: Request | Failure, late: boolean): Admission {
    if (call.exchange.ended) {
      this.#options.metrics.in_flight -= 1;
      return undefined;
    }
    // Who comes behind the goodbye to all sockets would get none.
    if (this.#draining) return this.#upgrade(call, DRAINING);
    if (!late || call.stranger !== null) return this.#upgrade(call, request);
    // A page learns nothing of a refusal, but of a socket's end.
    this.#options.metrics.in_flight -= 1;
    return retryLater;
  }

  /** Answers with a page: it is for everybody that the server answers to, for nothing of what is stored is in it. */
  servePage(exchange: Exchange, bound: BoundRoute, page: Reply): void {
    const call = newCall(exchange, bound, "dashboard", false);
    this.#options.metrics.in_flight += 1;
    if (this.#options.log.debugs) call.path = exchange.path;
    if (this.#refuseFaulty(call)) return;
    // Not through the door: a link to a page may stand anywhere.
    this.#finish(call, this.#refuseForeign(call) ?? page);
  }

  /** Answers a request that no route takes. */
  refuse(exchange: Exchange, bound: BoundRoute, allow: readonly string[], port: PortName): void {
    const call = newCall(exchange, bound, port, false);
    call.path = exchange.path;
    this.#options.metrics.in_flight += 1;
    if (this.#refuseFaulty(call)) return;
    // A browser that asks on behalf of a page sends no token with the question.
    const asks =
      exchange.verb === "options" && allow.length > 0 && exchange.header("access-control-request-method") !== "";
    // Clients look here for how to log in before they have a token, and take a 401 for a server that has a way.
    const open = asks || call.path.startsWith("/.well-known/");
    const caller = this.#gate(call, open, asks);
    if (caller instanceof Failure) this.#finish(call, caller);
    else if (asks && call.origin !== "") this.#finish(call, preflightReply(allow));
    else if (allow.length === 0) this.#finish(call, new Failure("NOT_FOUND", "no such route"));
    else
      this.#finish(call, new Failure("UNIMPLEMENTED", `method not allowed (allowed: ${allow.join(", ")})`), [
        ["Allow", allow.join(", ")],
      ]);
  }

  /** Who calls, or why they may not. A preflight names nobody, and says only that a page of another site will ask. */
  #gate(call: Call, open: boolean, preflight = false): Caller | Failure {
    const caller = this.#identify(call, open, preflight);
    return caller instanceof Failure ? caller : (refuseUnknown(call.bound.route, caller) ?? caller);
  }

  #identify(call: Call, open: boolean, preflight: boolean): Caller | Failure {
    const { guard, actors } = this.#options;
    const head = call.head ?? call.exchange;
    const refusal = this.#refuseForeign(call);
    if (refusal !== null) return refusal;
    if (call.port === "dashboard" && !preflight) return this.#enter(call, open);
    if (open) return ANONYMOUS;
    const claimed = head.header("x-koor-instance");
    // Where no instance is registered, and no token needed, no token can name anyone.
    if (claimed === "" && !guard.guarded && actors.size === 0) return ANONYMOUS;
    return guard.identify(head.header("authorization"), claimed, actors, { from: head, counts: this.#counts(call) });
  }

  /**
   * The refusal of what is meant for another server, or comes from a page of another site; null where it is neither.
   */
  #refuseForeign(call: Call): Failure | null {
    const { guard } = this.#options;
    const head = call.head ?? call.exchange;
    const host = head.header("host");
    const origin = head.header("origin");
    const refusal = guard.checkHost(host) ?? guard.checkOrigin(origin, host);
    if (refusal === null) call.origin = origin;
    return refusal;
  }

  /** Whether a wrong token counts as a guess: once, also where it is asked twice who calls. */
  #counts({ head, again }: Call): boolean {
    return head === null || again;
  }

  /** Who calls on the dashboard's port, or why they may not. */
  #enter(call: Call, open: boolean): Caller | Failure {
    const { exchange, origin, upgrades } = call;
    const head = call.head ?? exchange;
    const host = head.header("host");
    const entered = this.#options.dashboardAuth.enter(head, {
      host,
      origin,
      open,
      upgrades,
      counts: this.#counts(call),
    });
    if (entered instanceof Failure) return entered;
    call.session = entered.session;
    return entered.caller;
  }

  /** The checks that need only the request's head. */
  #admit(call: Call): Request | Failure {
    const { exchange, bound } = call;
    const { route, shape } = bound;
    const path = exchange.path;
    const params = shape.names.length === 0 ? NO_PARAMS : pathParameters(shape, path);
    call.params = params ?? NO_PARAMS;
    const query_text = exchange.query ?? "";
    const after = this.#options.positions === null ? 0 : requestedPosition(exchange, query_text);
    if (this.#isAhead(after)) call.head = copyHead(exchange);
    const caller = this.#gate(call, route.open === true);
    if (caller instanceof Failure) {
      // An instance may have registered in what this node has yet to apply.
      if (call.head === null || !MAY_COME.has(caller.status)) return caller;
      call.stranger = caller;
    } else {
      const refusal = this.#authorize(call, caller);
      if (refusal !== null) return refusal;
    }
    if (this.#draining && route.open !== true) return DRAINING;
    if (this.#held !== null && route.method !== "GET") return this.#held;
    if (after instanceof Failure) return after;
    call.after = after;
    if (params === undefined || path.includes("\uFFFD")) return invalid("malformed escape in the path");
    const query = parseQuery(route.query, query_text);
    if (query instanceof Failure) return query;
    const unknown =
      route.method === "GET" || route.foreign_query === true ? null : refuseUnknownQuery(route, query_text);
    if (unknown !== null) return unknown;
    const empty = refuseEmptyHeaders(exchange) ?? (route.method === "GET" ? null : refuseConditions(route, exchange));
    if (empty !== null) return empty;
    const wrong = refuseParameters(shape.names, bound.param_rules, call.params, route.method);
    if (wrong !== null) return wrong;
    let headers = NO_HEADERS;
    if (bound.header_names !== null) {
      const read: Record<string, string> = {};
      for (const name of bound.header_names) read[name] = exchange.header(name);
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
      peer: route.reads_peer === true ? exchange.peer : "",
      onAbort: (listener) => {
        exchange.onAbort(listener);
        if (route.waits === true) call.aborts.push(listener);
      },
    };
  }

  /** Whether this node has not come so far yet. */
  #isAhead(after: number | Failure): boolean {
    return !(after instanceof Failure) && after > (this.#options.positions?.reached ?? 0);
  }

  /** Writes down who calls; the refusal of who may not call this. */
  #authorize(call: Call, caller: Caller): Failure | null {
    const { route } = call.bound;
    const { actor } = caller;
    // Reading tells no trace: only what changes something can be found again in the audit log.
    const traced = route.body !== undefined || route.audited !== undefined;
    call.context = new RequestContext(actor, traced ? (++this.#calls).toString(36) : "", call.exchange);
    call.caller = caller;
    if (actor !== "" && call.counted)
      this.#options.agents.add(actor, route.counted_as === "mcp" ? "mcp_calls" : "rest_calls", 1);
    return refuseRole(this.#options.guard.guarded, route, caller, call.params);
  }

  #takeBody(call: Call, request: Request): void {
    if (call.bound.route.body?.kind === "stream") void this.#handStream(call, request);
    else this.#receive(call, request);
  }

  /** Of a stranger no body is taken: it stays with the client until it is known whether they have come. */
  #holdBody(call: Call, request: Request): void {
    const release = this.#bodies.hold(call.exchange);
    if (release === null) {
      // Who calls is not known, so neither is that they may not.
      call.stranger = null;
      this.#finish(call, BUSY);
      return;
    }
    this.#whenReached(call, (refusal) => {
      release();
      this.#goOnWith(call, refusal, () => this.#takeBody(call, withCaller(request, call)));
    });
  }

  /** Goes on with a request that has waited. Who has gone meanwhile would be given what nobody knows of. */
  #goOnWith(call: Call, refusal: Failure | null, goOn: () => void): void {
    if (call.exchange.ended) this.#options.metrics.in_flight -= 1;
    else if (refusal === null) goOn();
    else this.#finish(call, refusal);
  }

  /** The handler reads the body. */
  async #handStream(call: Call, request: Request): Promise<void> {
    const { read, close } = this.#bodies.open(call.exchange);
    let answer: Answer;
    try {
      answer = await call.bound.route.handle({ ...request, stream: { read } });
    } catch (error) {
      answer = this.#bug(call, error);
    }
    await close();
    this.#finish(call, answer);
  }

  #receive(call: Call, request: Request): void {
    const kind = call.bound.route.body;
    this.#bodies.collect(
      call.exchange,
      kind === undefined || kind.kind === "stream" ? undefined : kind.bytes_max,
      (body) => {
        if (body instanceof Failure) this.#finish(call, body);
        else if (this.#hasEnded(call)) this.#finish(call, UNAUTHENTICATED);
        else if (call.bound.json === null) this.#handle(call, { ...request, body });
        else if (body.byteLength > FRONT_JSON_BYTES_MAX) this.#readLong(call, request, body, call.bound.json);
        else if (areShapesLoaded()) this.#handleJson(call, request, body);
        else this.#handleLoaded(call, request, body);
      },
      () => {
        this.#options.metrics.in_flight -= 1;
      },
    );
  }

  #handleLoaded(call: Call, request: Request, body: Uint8Array): void {
    loadShapes().then(
      () => this.#handleJson(call, request, body),
      (error: unknown) => this.#finish(call, this.#bug(call, error)),
    );
  }

  #handleJson(call: Call, request: Request, body: Uint8Array): void {
    const { schema, free } = must(call.bound.json, "the route takes JSON");
    const kind = call.bound.route.body;
    const given = kind?.kind === "json" && "optional" in kind && body.byteLength === 0 ? EMPTY_OBJECT : body;
    const parsed = readShaped(given, schema);
    if (parsed instanceof Failure) {
      this.#finish(call, parsed);
      return;
    }
    call.json = parsed.json;
    this.#handle(call, { ...request, json: parsed.json, free: freeTexts(parsed.text, parsed.json, free) });
  }

  /** Has a body read in the pool that would take the front long. */
  #readLong(call: Call, request: Request, body: Uint8Array, { name }: JsonReading): void {
    call.exchange.detach();
    const packed = packBytes(body);
    const reading = this.#options.pool.run(
      readBody,
      { schema: name, body: packed },
      { transfer: buffersOf(packed), caller: callerOf(call.context) },
    );
    void reading.then((read) => {
      // Who has gone meanwhile would be given what nobody knows of.
      if (call.exchange.ended) this.#options.metrics.in_flight -= 1;
      else if (this.#hasEnded(call)) this.#finish(call, UNAUTHENTICATED);
      else if (read instanceof Failure) this.#finish(call, read);
      else {
        call.json = read.json;
        this.#handle(call, { ...request, ...read });
      }
    });
  }

  /** Handles a request, when this node has come as far as it asks. */
  #handle(call: Call, request: Request): void {
    if (call.head === null) {
      this.#handleNow(call, request);
      return;
    }
    this.#whenReached(call, (refusal) => {
      this.#goOnWith(call, refusal, () => this.#handleNow(call, withCaller(request, call)));
    });
  }

  /**
   * Goes on when this node has come as far as is asked, or has not in time.
   * @param goOn is told why the request is refused, or null; and whether that is because this node is late
   */
  #whenReached(call: Call, goOn: (refusal: Failure | null, late: boolean) => void): void {
    const positions = must(this.#options.positions, "nodes alone are asked for positions");
    if (call.after <= positions.reached) {
      goOn(this.#reauthorize(call), false);
      return;
    }
    call.exchange.detach();
    positions.wait(call.after, (reached) => {
      if (reached) goOn(this.#reauthorize(call), false);
      else goOn(laggingNode(call.after, positions.current), true);
    });
  }

  /**
   * Who calls is who does by now: they may have come, or gone, with what was waited for.
   * @returns the refusal of who may not
   */
  #reauthorize(call: Call): Failure | null {
    const { stranger, caller: before } = call;
    call.again = true;
    const caller = this.#gate(call, call.bound.route.open === true);
    call.stranger = null;
    call.head = null;
    call.again = false;
    if (caller instanceof Failure) return caller;
    const is_known = stranger === null && caller.actor === before.actor && caller.role === before.role;
    return is_known ? null : this.#authorize(call, caller);
  }

  #handleNow(call: Call, request: Request): void {
    let answer: Answer | Promise<Answer>;
    try {
      answer = call.bound.route.handle(request);
    } catch (error) {
      answer = this.#bug(call, error);
    }
    if (!(answer instanceof Promise)) {
      this.#finish(call, answer);
      return;
    }
    call.exchange.detach();
    if (call.bound.route.waits === true) this.#finishWait(call, answer);
    else
      answer.then(
        (settled) => this.#finish(call, settled),
        (error: unknown) => this.#finish(call, this.#bug(call, error)),
      );
  }

  /** Answers a call that may wait for long: with a 401 as soon as its caller may not wait any more. */
  #finishWait(call: Call, answer: Promise<Answer>): void {
    const { actor } = call.caller;
    const endWait = actor === "" ? null : this.#options.actors.beginWait(actor);
    let forget: (() => void) | null = null;
    let finished = false;
    const finish = (settled: Answer): void => {
      if (finished) return;
      finished = true;
      forget?.();
      endWait?.();
      // The end of the wait may be known before the end of the access that caused it.
      this.#finish(call, this.#hasEnded(call) ? UNAUTHENTICATED : settled);
    };
    answer.then(finish, (error: unknown) => finish(this.#bug(call, error)));
    if (!this.#mayEnd(call)) return;
    forget = this.#onAccessEnd(call, () => {
      // To the handler it is as if its client had gone: what the call waits in line for is not granted.
      for (const abort of call.aborts.splice(0)) abort();
      finish(UNAUTHENTICATED);
    });
  }

  /** Whether the caller's access is one that may end before the call does. */
  #mayEnd({ session, caller }: Call): boolean {
    return session !== null || (this.#options.guard.guarded && caller.role === "instance");
  }

  /** Whether the caller's access has ended since it was checked. */
  #hasEnded(call: Call): boolean {
    if (!this.#mayEnd(call)) return false;
    return call.session?.ended ?? !this.#options.actors.has(call.caller.actor);
  }

  /** As `Session.onEnd`, of the access of a call for which `#mayEnd` is true. */
  #onAccessEnd({ session, caller }: Call, listener: (end: AccessEnd) => void): () => void {
    if (session !== null) return session.onEnd(listener);
    return this.#options.actors.onRevoked(caller.actor, () => listener("revoked"));
  }

  /** An exception in a handler is a bug: it is logged whole, and the client learns nothing of it. */
  #bug(call: Call, error: unknown): Failure {
    if (isShortage(error)) {
      this.#shortage.report(error);
      return SHORT;
    }
    this.#options.log.error("request failed", {
      route: call.bound.route.name,
      error: traceOf(error),
    });
    this.#options.onBug(error);
    return new Failure("INTERNAL", "internal error");
  }

  #finish(call: Call, answer: Answer, extra: readonly Header[] = []): void {
    if (!(answer instanceof Failure)) {
      this.#send(call, answer);
      return;
    }
    if (call.stranger !== null && call.stranger !== answer) {
      // What else is wrong with it is nobody's business; and that it was not looked at again is no way to guess.
      call.again = true;
      if (call.head !== null) void this.#gate(call, call.bound.route.open === true);
      this.#finish(call, call.stranger);
      return;
    }
    this.refusals.report(call.bound.route, answer);
    if (answer.outcome_unknown) {
      // Neither "stored" nor "not stored" would be sure to be true.
      this.#options.metrics.in_flight -= 1;
      call.bound.metrics.record(answer.http, (performance.now() - call.started) / 1000);
      call.exchange.cut();
      return;
    }
    const reply = failureReply(answer, extra);
    if (!this.refusals.wants(call.bound.route, answer)) {
      this.#send(call, reply);
      return;
    }
    call.exchange.detach();
    const { params, context } = call;
    const peer = context.actor === "" ? call.exchange.peer : "";
    const json = answer.subject ?? call.json;
    this.refusals.write(call.bound.route, { params, json, context, peer }, answer, () => this.#send(call, reply));
  }

  #countForActor({ counted, caller: { actor } }: Call, { status, counts }: Reply): void {
    const { agents } = this.#options;
    if (counted && status >= 400) agents.add(actor, "errors", 1);
    if (counts === undefined || counts === null) return;
    for (const [metric, count] of Object.entries(counts) as [keyof ReportedCounts, number][])
      if (count > 0) agents.add(actor, metric, count);
  }

  #send(call: Call, answer: Reply): void {
    const bytes = call.exchange.ended ? 0 : heldBytes(answer);
    if (bytes > 0 && !this.#answers.take(bytes)) {
      answer.discard?.();
      if (call.bound.route.method === "GET") {
        this.#send(call, failureReply(BUSY, []));
        return;
      }
      // What was asked for is done: a refusal would not be true.
      this.#options.metrics.in_flight -= 1;
      call.exchange.cut();
      return;
    }
    this.#sendHeld(call, answer, bytes);
  }

  /** @param bytes which were taken for the answer, until its client has read it */
  #sendHeld(call: Call, reply: Reply, bytes: number): void {
    const seconds = (performance.now() - call.started) / 1000;
    call.bound.metrics.record(reply.status, seconds);
    if (call.context.actor !== "") this.#countForActor(call, reply);
    if (this.#options.log.debugs) {
      this.#options.log.debug("request", {
        method: call.bound.route.method,
        path: call.path,
        status: reply.status,
        ms: Math.round(seconds * 1e6) / 1e3,
        trace: call.context.trace,
      });
    }
    const own = call.port === "dashboard" ? sameOriginOnly(reply) : reply;
    const { positions } = this.#options;
    const placed = positions === null ? own : withPositionHeader(own, positions.line);
    call.exchange.send(call.origin === "" ? placed : withCorsHeaders(call.origin, placed));
    if (bytes > 0) {
      if (call.exchange.streaming) call.exchange.onAbort(() => this.#answers.release(bytes));
      else this.#answers.release(bytes);
    }
    if (!call.exchange.streaming) {
      this.#options.metrics.in_flight -= 1;
      return;
    }
    call.exchange.onAbort(() => {
      this.#options.metrics.in_flight -= 1;
    });
    if (this.#mayEnd(call)) call.exchange.onAbort(this.#onAccessEnd(call, () => call.exchange.cut()));
    if (call.exchange.lingers) this.#bodies.linger(call.exchange);
  }
}

function jsonReading({ name, body }: Route): JsonReading | null {
  if (body?.kind !== "json" || body.unread === true) return null;
  const { schema } = body;
  const listed = [...FRONT_BODIES].find(([, one]) => one === schema);
  return { schema, name: must(listed, `the body of ${name} is in FRONT_BODIES`)[0], free: freeMemberOf(schema) };
}

/** What an answer holds until its client has read it; 0 where that is little. */
function heldBytes({ body, holds = 0 }: Reply): number {
  const bytes = typeof body === "function" ? holds : body === null ? 0 : body.length;
  return bytes > WHOLE_ANSWER_BYTES_MAX ? bytes : 0;
}

/** A request of whoever was found to have made it. */
function withCaller(request: Request, { caller, context }: Call): Request {
  return { ...request, caller, context };
}

/** Who makes a request. The address that it came from is read where it is needed alone. */
class RequestContext implements CallContext {
  readonly #exchange: Exchange;

  constructor(
    readonly actor: string,
    readonly trace: string,
    exchange: Exchange,
  ) {
    this.#exchange = exchange;
  }

  get peer(): string {
    return this.#exchange.peer;
  }
}

/** What an exchange says of who calls, beyond the turn in which it can be asked. */
function copyHead(exchange: Exchange): RequestHead {
  const headers = new Map(HEAD_NAMES.map((name) => [name, exchange.header(name)]));
  const { verb, peer } = exchange;
  return { verb, peer, header: (name) => headers.get(name) ?? "" };
}
