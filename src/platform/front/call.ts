/**
 * The state of one request while the front serves it: the route, the caller, and the results of the pipeline's stages.
 * Runs on the front.
 */
import type { TextRules } from "../../../schemas/text.js";
import type { CallContext } from "../rpc/frames.js";
import type { Exchange } from "../transport/transport.js";
import { ANONYMOUS, type Caller } from "./caller.js";
import type { Session } from "./dashboard-auth.js";
import type { Deferral } from "./deferral.js";
import type { JsonReading } from "./json-body.js";
import type { PathShape } from "./path-shape.js";
import type { RouteMetrics } from "./request-metrics.js";
import type { Request, Route } from "./route.js";

/** A route with values that are derived from it once, when the server starts. */
export interface BoundRoute {
  readonly route: Route;
  readonly shape: PathShape;
  /** The rules for the values of the route's path parameters. */
  readonly paramRules: readonly TextRules[];
  /** The names of the headers that the route's handler reads. */
  readonly headerNames: readonly string[] | null;
  /** How the pipeline reads the route's JSON body; null if the route has none. */
  readonly json: JsonReading | null;
  readonly metrics: RouteMetrics;
}

/** The server's two ports. Most routes are served on both. */
export type PortName = "api" | "dashboard";

/** One request in flight. */
export interface Call {
  readonly exchange: Exchange;
  readonly bound: BoundRoute;
  readonly port: PortName;
  /** `performance.now()` when the request's headers had arrived. */
  readonly started: number;
  /** Whether the metrics by protocol (REST or MCP) and the metrics by actor count this call. */
  readonly counted: boolean;
  /** Whether the request asks for an upgrade to WebSocket. */
  readonly upgrades: boolean;
  /** The session at the dashboard that authenticated the request; null if there is none. */
  session: Session | null;
  params: readonly string[];
  caller: Caller;
  context: CallContext;
  /**
   * The parsed JSON body, if it has the shape that the route requires. If the call is refused, its audit row is made
   * from this body.
   */
  json: unknown;
  path: string;
  /** The `Origin` of the request; "" if it has none. Set as soon as the request guard has allowed it. */
  origin: string;
  /** The state of the request's wait; null if the request need not wait. */
  deferral: Deferral | null;
  /** Listeners of handlers whose answer may take long. Each is called once if the client disconnects. */
  aborts: (() => void)[];
}

export const NO_PARAMS: readonly string[] = [];
const NO_CONTEXT: CallContext = Object.freeze({ actor: "", trace: "" });

export function newCall(
  exchange: Exchange,
  bound: BoundRoute,
  port: PortName,
  { counted = false, upgrades = false }: { readonly counted?: boolean; readonly upgrades?: boolean } = {},
): Call {
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
    deferral: null,
    aborts: [],
  };
}

/**
 * Returns the request with the caller that the call has now. A deferred request is authenticated a second time, so its
 * caller may have changed.
 */
export function withCaller(request: Request, { caller, context }: Call): Request {
  return { ...request, caller, context };
}

/** The context of a request. The client's address is read only when it is needed. */
export class RequestContext implements CallContext {
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
