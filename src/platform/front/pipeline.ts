/**
 * Takes every request from its headers to its answer. request-checks.ts checks what the headers tell. Then the pipeline
 * reads the body, checks its size and shape, and calls the route's handler. responder.ts sends the answer, audits
 * refusals, counts and logs. Runs on the front.
 */
import { REQUESTS_IN_FLIGHT_MAX } from "../../../schemas/limits/connections.js";
import { FRONT_JSON_BYTES_MAX } from "../../../schemas/limits/request-bodies.js";
import type { Clock } from "../../base/clock.js";
import type { Log } from "../../base/log.js";
import { BUSY, Failure } from "../../base/result.js";
import { areShapesLoaded, loadShapes } from "../../base/shape.js";
import type { Pool } from "../threads/pool.js";
import type { Admission, Exchange } from "../transport/transport.js";
import { tiedTo } from "./access.js";
import { Authenticator } from "./authenticator.js";
import { BodyReader } from "./body-reader.js";
import { newCall, withCaller, type BoundRoute, type Call, type PortName } from "./call.js";
import type { Actors, CallCounter } from "./caller.js";
import { preflightReply } from "./cors.js";
import type { DashboardAuth } from "./dashboard-auth.js";
import type { Deferral, DeferralGuard } from "./deferral.js";
import { HandlerErrors } from "./handler-errors.js";
import { refuseCoding } from "./header-rules.js";
import { jsonReading, readJson, readJsonInPool, type JsonBody, type JsonReading } from "./json-body.js";
import { parameterRules } from "./parameters.js";
import { parsePath } from "./path-shape.js";
import { failureReply, Refusals, type Header, type RecordRefusal } from "./refusals.js";
import { UNAUTHENTICATED, type RequestGuard } from "./request-guard.js";
import { RequestChecks } from "./request-checks.js";
import type { RequestMetrics } from "./request-metrics.js";
import { Responder } from "./responder.js";
import { nameUnknownSession } from "./roles.js";
import type { Answer, Reply, Request, Route } from "./route.js";

export interface PipelineOptions {
  readonly guard: RequestGuard;
  /** Authenticates requests of the dashboard's port. */
  readonly dashboardAuth: DashboardAuth;
  readonly metrics: RequestMetrics;
  readonly recordRefusal: RecordRefusal;
  readonly pool: Pick<Pool, "run">;
  readonly log: Log;
  readonly clock: Clock;
  readonly actors: Actors;
  readonly agents: CallCounter;
  /** Decides which requests wait before they are served; null on a single server, where no request waits. */
  readonly deferrals: DeferralGuard | null;
  /** Called with each exception that a handler throws, because it is a bug. */
  readonly onBug: (error: unknown) => void;
}

const IDENTITY_ALONE: Header = ["Accept-Encoding", "identity"];

export class Pipeline {
  readonly #options: PipelineOptions;
  readonly refusals: Refusals;
  readonly #bodies: BodyReader;
  readonly #errors: HandlerErrors;
  readonly #authenticator: Authenticator;
  readonly #checks: RequestChecks;
  readonly #responder: Responder;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#bodies = new BodyReader(options.clock);
    this.#errors = new HandlerErrors(options.log, options.onBug);
    this.refusals = new Refusals(options.recordRefusal, options.metrics, options.clock, options.log);
    this.#authenticator = new Authenticator(options);
    this.#checks = new RequestChecks({ ...options, authenticator: this.#authenticator });
    this.#responder = new Responder({
      ...options,
      refusals: this.refusals,
      bodies: this.#bodies,
      authenticator: this.#authenticator,
    });
  }

  bind(route: Route): BoundRoute {
    const shape = parsePath(route.path);
    return {
      route,
      shape,
      paramRules: parameterRules(shape.names, route.params),
      headerNames: route.headers === undefined ? null : Object.keys(route.headers),
      json: jsonReading(route),
      metrics: this.#options.metrics.addRoute(route.name),
    };
  }

  /** The number of requests that were not answered yet. */
  get inFlight(): number {
    return this.#options.metrics.inFlight;
  }

  get draining(): boolean {
    return this.#checks.shutdownRefusal !== null;
  }

  /** From now on, refuses every new request with a 503 answer. */
  drain(): void {
    this.#checks.drain();
  }

  /** Makes the pipeline refuse all writes with this failure; null allows writes again. */
  holdWrites(refusal: Failure | null): void {
    this.#checks.holdWrites(refusal);
  }

  /** Ends the requests whose bodies arrive too slowly. */
  tick(nowMs: number): void {
    this.#bodies.tick(nowMs);
  }

  /** Serves one request, up to its answer. */
  serve(exchange: Exchange, bound: BoundRoute, port: PortName): void {
    const { route } = bound;
    // Calls on the dashboard's port are not counted as REST or MCP calls.
    const call = newCall(exchange, bound, port, { counted: port === "api" && route.uncounted === undefined });
    this.#options.metrics.inFlight += 1;
    if (call.counted) this.#count(route);
    if (this.#options.log.debugs) call.path = exchange.path;
    if (this.#refuseFaulty(call)) return;
    const request = this.#options.metrics.inFlight > REQUESTS_IN_FLIGHT_MAX ? BUSY : this.#checks.check(call);
    const refusal = request instanceof Failure || route.body === undefined ? null : refuseCoding(exchange);
    if (request instanceof Failure) {
      this.#finish(call, request);
    } else if (refusal !== null) {
      this.#finish(call, refusal, [IDENTITY_ALONE]);
    } else if (route.body === undefined && !exchange.bodyFirst) {
      this.#handle(call, request);
    } else if (call.deferral === null || call.deferral.pendingRefusal === null) {
      this.#takeBody(call, request);
    } else {
      this.#holdBody(call, request, call.deferral);
    }
  }

  /**
   * If the transport has found a fault in a request, refuses it, whatever its route and caller. Returns whether the
   * request was refused.
   */
  #refuseFaulty(call: Call): boolean {
    const { fault } = call.exchange;
    if (fault === null) return false;
    call.exchange.closeAfterAnswer();
    this.#responder.send(call, failureReply(fault, []));
    return true;
  }

  #count(route: Route): void {
    const { metrics } = this.#options;
    if (route.countedAs === "mcp") metrics.mcpCalls += 1;
    else metrics.restCalls += 1;
  }

  /**
   * Checks a request to upgrade to WebSocket, and calls the route's `upgrade`. If the request is deferred, it waits
   * first.
   * @returns the function that opens the socket; undefined if the request was refused
   */
  admitUpgrade(exchange: Exchange, bound: BoundRoute, port: PortName): Admission | Promise<Admission> {
    const call = newCall(exchange, bound, port, { upgrades: true });
    this.#options.metrics.inFlight += 1;
    if (this.#options.log.debugs) call.path = exchange.path;
    if (this.#refuseFaulty(call)) return undefined;
    const request = this.#checks.check(call);
    const { deferral } = call;
    if (request instanceof Failure || deferral === null) return this.#upgrade(call, request);
    return new Promise((resolve) => {
      this.#afterWait(call, deferral, (refusal, isLate) =>
        resolve(this.#upgradeWaited(call, refusal ?? withCaller(request, call), isLate ? deferral : null)),
      );
    });
  }

  #upgrade(call: Call, request: Request | Failure): Admission {
    const admitted = request instanceof Failure ? request : call.bound.route.upgrade?.(request);
    if (admitted instanceof Failure) {
      this.#finish(call, admitted);
      return undefined;
    }
    this.#options.metrics.inFlight -= 1;
    if (admitted === undefined || !this.#authenticator.mayEnd(call)) return admitted;
    return tiedTo((listener) => this.#authenticator.onEnd(call, listener), admitted);
  }

  /** @param late the request's deferral if the request has waited too long; else null */
  #upgradeWaited(call: Call, request: Request | Failure, late: Deferral | null): Admission {
    if (call.exchange.ended) {
      this.#options.metrics.inFlight -= 1;
      return undefined;
    }
    // Refuse the upgrade, because the server is shutting down. At the start of the shutdown it closed all open sockets,
    // and it would not close a socket that opens later.
    const { shutdownRefusal } = this.#checks;
    if (shutdownRefusal !== null) return this.#upgrade(call, shutdownRefusal);
    if (late === null || late.pendingRefusal !== null) return this.#upgrade(call, request);
    // Open the socket, and close it at once with a reason. The browser shows a page the reason of a close, but hides
    // the reason of a refused upgrade.
    this.#options.metrics.inFlight -= 1;
    return late.retryLater;
  }

  /** Answers with a page of the dashboard. It needs no token, because it contains no stored data. */
  servePage(exchange: Exchange, bound: BoundRoute, page: Reply, port: PortName): void {
    const call = newCall(exchange, bound, port);
    this.#options.metrics.inFlight += 1;
    if (this.#options.log.debugs) call.path = exchange.path;
    if (this.#refuseFaulty(call)) return;
    // Sec-Fetch-Site is not checked here, because a page of any site may link to the dashboard.
    this.#finish(call, this.#authenticator.refuseForeign(call) ?? page);
  }

  /** Refuses a request that matches no route. */
  refuse(exchange: Exchange, bound: BoundRoute, allow: readonly string[], port: PortName): void {
    const call = newCall(exchange, bound, port);
    call.path = exchange.path;
    this.#options.metrics.inFlight += 1;
    if (this.#refuseFaulty(call)) return;
    // A CORS preflight needs no token, because browsers send none with it.
    const isPreflight =
      exchange.verb === "options" && allow.length > 0 && exchange.header("access-control-request-method") !== "";
    // Paths below `/.well-known/` need no token. MCP clients look there for a login method before they have a token. A
    // 401 answer would mean that there is one.
    const open = isPreflight || call.path.startsWith("/.well-known/");
    const caller = this.#authenticator.authenticate(call, { open, preflight: isPreflight });
    if (caller instanceof Failure) this.#finish(call, caller);
    else if (isPreflight && call.origin !== "") this.#finish(call, preflightReply(allow));
    else if (allow.length === 0) this.#finish(call, new Failure("NOT_FOUND", "no such route"));
    else
      this.#finish(call, new Failure("UNIMPLEMENTED", `method not allowed (allowed: ${allow.join(", ")})`), [
        ["Allow", allow.join(", ")],
      ]);
  }

  #takeBody(call: Call, request: Request): void {
    if (call.bound.route.body?.kind === "stream") void this.#handStream(call, request);
    else this.#receive(call, request);
  }

  /**
   * Holds the body of an unauthenticated caller back while its request waits. Most of the body stays with the client
   * until then. After the wait, the caller may be known, and the body is read.
   */
  #holdBody(call: Call, request: Request, deferral: Deferral): void {
    const release = this.#bodies.hold(call.exchange);
    if (release === null) {
      // The failure is BUSY and not a 401, because the caller might have been known after the wait.
      deferral.pendingRefusal = null;
      this.#finish(call, BUSY);
      return;
    }
    this.#afterWait(call, deferral, (refusal) => {
      release();
      this.#resume(call, refusal, () => this.#takeBody(call, withCaller(request, call)));
    });
  }

  /**
   * Continues a request after its wait. Drops the request if the client has disconnected, because it cannot be
   * answered.
   */
  #resume(call: Call, refusal: Failure | null, next: () => void): void {
    if (call.exchange.ended) this.#options.metrics.inFlight -= 1;
    else if (refusal === null) next();
    else this.#finish(call, refusal);
  }

  /** Calls the handler of a route that reads its body piece by piece. */
  async #handStream(call: Call, request: Request): Promise<void> {
    const { read, close } = this.#bodies.open(call.exchange);
    let answer: Answer;
    try {
      answer = await call.bound.route.handle({ ...request, stream: { read } });
    } catch (error) {
      answer = this.#errors.failureOf(call.bound.route, error);
    }
    await close();
    this.#finish(call, answer);
  }

  #receive(call: Call, request: Request): void {
    const kind = call.bound.route.body;
    this.#bodies.collect(
      call.exchange,
      kind === undefined || kind.kind === "stream" ? undefined : kind.bytesMax,
      (body) => {
        const { json } = call.bound;
        if (body instanceof Failure) this.#finish(call, body);
        else if (this.#authenticator.hasEnded(call)) this.#finish(call, UNAUTHENTICATED);
        else if (json === null) this.#handle(call, { ...request, body });
        else if (body.byteLength > FRONT_JSON_BYTES_MAX) this.#readInPool(call, request, body, json);
        else if (areShapesLoaded()) this.#handleJson(call, request, readJson(body, json));
        else
          loadShapes().then(
            () => this.#handleJson(call, request, readJson(body, json)),
            (error: unknown) => this.#finish(call, this.#errors.failureOf(call.bound.route, error)),
          );
      },
      () => {
        this.#options.metrics.inFlight -= 1;
      },
    );
  }

  #handleJson(call: Call, request: Request, read: JsonBody | Failure): void {
    if (read instanceof Failure) {
      this.#finish(call, read);
      return;
    }
    call.json = read.json;
    this.#handle(call, { ...request, ...read });
  }

  /** Lets the worker pool parse a long body, because parsing it here would block the front. */
  #readInPool(call: Call, request: Request, body: Uint8Array, reading: JsonReading): void {
    call.exchange.detach();
    void readJsonInPool(this.#options.pool, body, reading, call.context).then((read) => {
      // If the client has disconnected, the handler is not called, because the request could not be answered.
      if (call.exchange.ended) this.#options.metrics.inFlight -= 1;
      else if (this.#authenticator.hasEnded(call)) this.#finish(call, UNAUTHENTICATED);
      else this.#handleJson(call, request, read);
    });
  }

  /** Calls the handler of a request. A deferred request waits first. */
  #handle(call: Call, request: Request): void {
    if (call.deferral === null) {
      this.#handleNow(call, request);
      return;
    }
    this.#afterWait(call, call.deferral, (refusal) => {
      this.#resume(call, refusal, () => this.#handleNow(call, withCaller(request, call)));
    });
  }

  /**
   * Waits, authenticates the request again, and then calls `next`.
   * @param next called with null, or with the failure that refuses the request. `isLate` is true if the request has
   * waited too long.
   */
  #afterWait(call: Call, deferral: Deferral, next: (refusal: Failure | null, isLate: boolean) => void): void {
    deferral.wait(call.exchange, (late) => next(late ?? this.#checks.recheck(call), late !== null));
  }

  #handleNow(call: Call, request: Request): void {
    let answer: Answer | Promise<Answer>;
    try {
      answer = call.bound.route.handle(request);
    } catch (error) {
      answer = this.#errors.failureOf(call.bound.route, error);
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
        (error: unknown) => this.#finish(call, this.#errors.failureOf(call.bound.route, error)),
      );
  }

  /** Answers a call that may wait for long. If the caller's access ends during the wait, answers with 401 at once. */
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
      // Check the access again. The handler may answer after the access has ended, but before this call is notified of
      // the end.
      this.#finish(call, this.#authenticator.hasEnded(call) ? UNAUTHENTICATED : settled);
    };
    answer.then(finish, (error: unknown) => finish(this.#errors.failureOf(call.bound.route, error)));
    if (!this.#authenticator.mayEnd(call)) return;
    forget = this.#authenticator.onEnd(call, () => {
      // Call the handler's listeners as if the client had disconnected, so that the handler grants nothing to the
      // waiting call.
      for (const abort of call.aborts.splice(0)) abort();
      finish(UNAUTHENTICATED);
    });
  }

  #finish(call: Call, given: Answer, extra: readonly Header[] = []): void {
    const answer = nameUnknownSession(given, call.caller);
    const pending = call.deferral?.pendingRefusal ?? null;
    if (!(answer instanceof Failure) || pending === null) {
      this.#responder.finish(call, answer, extra);
      return;
    }
    // A caller that is still unauthenticated gets only this refusal, so it learns nothing else about its request. Its
    // wrong token counts as a guess now. Otherwise a client could guess without limit by sending malformed requests.
    void this.#authenticator.authenticate(call, { open: call.bound.route.open === true, final: true });
    this.#responder.finish(call, pending);
  }
}
