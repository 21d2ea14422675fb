/**
 * The state of one request while the front serves it: its route, its caller, and the results of the pipeline's stages.
 * Types, and the creation of a call. Runs on the front.
 */
import type { TextRules } from "../../schemas/text.js";
import type { CallContext } from "../rpc/frames.js";
import type { Exchange } from "../transport/transport.js";
import { ANONYMOUS, type Caller } from "./caller.js";
import type { Session } from "./dashboard-auth.js";
import type { Deferral } from "./deferral.js";
import type { JsonReading } from "./json-body.js";
import type { PathShape } from "./path-shape.js";
import type { RouteMetrics } from "./request-metrics.js";
import type { Request, Route } from "./route.js";

/** A route, and what is derived from it once, at the start. */
export interface BoundRoute {
  readonly route: Route;
  readonly shape: PathShape;
  /** The rules for its path parameters. */
  readonly param_rules: readonly TextRules[];
  /** The headers that its handler reads. */
  readonly header_names: readonly string[] | null;
  /** Null unless the route has a JSON body that is read before its handler is called. */
  readonly json: JsonReading | null;
  readonly metrics: RouteMetrics;
}

/** The ports, which have most routes in common. */
export type PortName = "api" | "dashboard";

/** One request in flight. */
export interface Call {
  readonly exchange: Exchange;
  readonly bound: BoundRoute;
  readonly port: PortName;
  /** `performance.now()` when the request's headers were there. */
  readonly started: number;
  /** Counts as a call of its plane, and of its actor. */
  readonly counted: boolean;
  /** Requests an upgrade to WebSocket. */
  readonly upgrades: boolean;
  /** The dashboard session that authenticated it. */
  session: Session | null;
  params: readonly string[];
  caller: Caller;
  context: CallContext;
  /** The JSON body if it has the route's shape, for the audit of a refusal. */
  json: unknown;
  path: string;
  /** The allowed Origin that it came from; "" if it has none. */
  origin: string;
  /** Set while the request has to wait before its handler may run; null for every other request. */
  deferral: Deferral | null;
  /** The functions that the handler of a waiting route wants called when its client has gone. */
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

/** The request, made by the caller that the call was authenticated as last. */
export function withCaller(request: Request, { caller, context }: Call): Request {
  return { ...request, caller, context };
}

/** The context of a request. The address that the request came from is read only when it is needed. */
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
