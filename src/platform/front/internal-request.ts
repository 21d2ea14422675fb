/**
 * Calls routes from inside the server. An MCP tool calls the REST route that does the same job. So each job is
 * implemented only once, with the same checks, handler and audit rows. The pipeline has already checked the Host,
 * Origin, token and size of the client's request. Runs on the front.
 */
import { must } from "../../base/assert.js";
import { Failure } from "../../base/result.js";
import { UNAUTHENTICATED } from "./request-guard.js";
import { checkShape } from "../../base/shape.js";
import type { Actors, CallCounter, Caller } from "./caller.js";
import type { Refusals } from "./refusals.js";
import { nameUnknownSession, refuseRole, refuseUnknown } from "./roles.js";
import type { CallContext } from "../rpc/frames.js";
import type { Sink } from "../transport/reply.js";
import type { AnyQuery, Reply, Request, Route } from "./route.js";

/** The parameters and the body of a call to one of the server's own routes. */
export interface InternalRequest {
  readonly params?: readonly string[];
  readonly query?: AnyQuery;
  /** The JSON body. It is checked against the route's schema. */
  readonly json?: object;
}

const NO_HEADERS: Request["headers"] = Object.freeze({});
const NO_BODY = new Uint8Array(0);

/** The caller and the context of the client's request. Internal requests act for this caller. */
export interface OuterCall {
  readonly caller: Caller;
  readonly context: CallContext;
}

export interface InternalRequestsOptions {
  /** Whether the server checks tokens at all. */
  readonly guarded: boolean;
  /** The server's routes. The list is empty until all routes are made. */
  readonly routes: readonly Route[];
  readonly refusals: Refusals;
  readonly actors: Actors;
  readonly agents: CallCounter;
}

export class InternalRequests {
  readonly #options: InternalRequestsOptions;

  constructor(options: InternalRequestsOptions) {
    this.#options = options;
  }

  /**
   * Returns the outer call with the instance `id` as its actor. Records that the instance was seen, and counts the call
   * for it. Returns the outer call unchanged in two cases: a token or header has already identified the caller, or no
   * such instance exists.
   */
  actAs(id: string, outer: OuterCall): OuterCall {
    const { actors, agents } = this.#options;
    if (outer.context.actor !== "" || !actors.touchId(id)) return outer;
    agents.add(id, "mcp_calls", 1);
    return { ...this.withoutUnknown(outer), context: { ...outer.context, actor: id } };
  }

  /** Returns the 401 failure if the call's token was revoked after it was checked; else null. */
  refuseRevoked({ caller: { role, actor } }: OuterCall): Failure | null {
    const { guarded, actors } = this.#options;
    return guarded && role === "instance" && !actors.has(actor) ? UNAUTHENTICATED : null;
  }

  /** Returns the outer call without the unknown instance id that a header has claimed. */
  withoutUnknown({ caller: { role, actor }, context }: OuterCall): OuterCall {
    return { caller: { role, actor }, context };
  }

  /**
   * Calls a route. If the call is refused, writes its audit row before the failure is returned.
   * @param most the maximum length of the answer's text, in characters
   * @returns the text of a successful answer, or the failure
   */
  async call(
    name: string,
    { params = [], query = {}, json }: InternalRequest,
    outer: OuterCall,
    most: number,
  ): Promise<string | Failure> {
    const route = this.#find(name);
    const { caller, context } = outer;
    const text = json === undefined ? "" : JSON.stringify(json);
    // If the pipeline does not parse the route's body, the handler itself checks the body.
    const malformed =
      route.body?.kind === "json" && route.body.unread !== true ? checkShape(json, route.body.schema) : null;
    const given =
      refuseUnknown(route, caller) ??
      refuseRole(this.#options.guarded, route, caller, params) ??
      malformed ??
      (await route.handle({
        method: route.method,
        params,
        query,
        headers: NO_HEADERS,
        body: text === "" ? NO_BODY : Buffer.from(text),
        free: [],
        json,
        stream: null,
        caller,
        context,
        peer: "",
        onAbort: () => undefined,
      }));
    const answer = nameUnknownSession(given, caller);
    if (answer instanceof Failure) return await this.refuse(name, params, outer, answer);
    return await collectText(answer, most);
  }

  /** Writes the audit row of a refused call, and returns the refusal. Only a route with an audit rule gets a row. */
  async refuse(name: string, params: readonly string[], { context }: OuterCall, failure: Failure): Promise<Failure> {
    const { refusals } = this.#options;
    const route = this.#find(name);
    refusals.report(route, failure);
    if (refusals.wants(route, failure))
      await new Promise<void>((resolve) =>
        refusals.write(route, { params, json: failure.subject ?? undefined, context, peer: "" }, failure, resolve),
      );
    return failure;
  }

  #find(name: string): Route {
    return must(
      this.#options.routes.find((route) => route.name === name),
      `there is a route ${name}`,
    );
  }
}

/** Returns the whole text of an answer. If the answer is a stream, joins its pieces. */
function collectText({ body }: Reply, most: number): Promise<string | Failure> | string | Failure {
  const tooLong = new Failure("OUT_OF_RANGE", `the answer is longer than ${most} characters: narrow it down`);
  if (typeof body !== "function") {
    const text = body === null ? "" : typeof body === "string" ? body : Buffer.from(body).toString("utf8");
    return text.length > most ? tooLong : withoutLineEnd(text);
  }
  return new Promise((resolve) => {
    let text = "";
    let closed: () => void = () => undefined;
    const sink: Sink = {
      write: (piece) => {
        text += piece;
        if (text.length <= most) return true;
        text = "";
        resolve(tooLong);
        closed();
        return true;
      },
      end: (cut = false) => resolve(cut ? new Failure("INTERNAL", "the answer broke off") : withoutLineEnd(text)),
      onDrain: () => undefined,
      onClose: (listener) => {
        closed = listener;
      },
    };
    body(sink);
  });
}

/** Returns the text of an answer without the line end after its JSON. */
function withoutLineEnd(text: string): string {
  return text.endsWith("\n") ? text.slice(0, -1) : text;
}
