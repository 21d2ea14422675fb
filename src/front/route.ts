/**
 * The types of a route, and the function that makes a row of the route table. Each feature declares its routes as rows
 * in its routes.ts. The server derives much from a row: the listeners, 405 answers with `Allow`, HEAD, the audit of
 * refusals, the labels of metrics and the OpenAPI description. The type of a handler follows from the row, too. Path
 * parameters, query, headers and body have the types of their schemas, because the pipeline has checked them. The types
 * cost nothing at run time.
 */
import type { Static, TObject, TSchema } from "typebox";
import type { ReportedCounts } from "../../schemas/agent-metrics.js";
import type { Failure } from "../base/result.js";
import type { CallContext } from "../rpc/frames.js";
import type { RequestStream } from "../transport/body-stream.js";
import type { WireReply } from "../transport/reply.js";
import type { HttpMethod, SocketOpener } from "../transport/transport.js";
import type { Caller } from "./caller.js";
import type { RouteTag } from "./tags.js";

export interface Reply extends WireReply {
  /** The counts that the handler adds to its actor's metrics. The pipeline counts the call itself. */
  readonly counts?: ReportedCounts | null;
  /** For a body that is a function: the maximum number of bytes that it reads ahead into memory. */
  readonly holds?: number;
}

export type Answer = Reply | Failure;

/**
 * The kind of a route's body. With `unread`, JSON may be long: the handler gets the bytes, and has the worker pool
 * parse and check them. A stream contains one JSON value per line and has no size limit. The handler itself reads a raw
 * body; a schema may describe it.
 */
export type RouteBody =
  | { readonly kind: "raw"; readonly described?: TSchema; readonly bytes_max?: number }
  | { readonly kind: "stream" }
  | (JsonBody & { readonly unread?: true })
  /** An empty body is accepted and counts as an object without members. */
  | (JsonBody & { readonly unread?: never; readonly optional: true });

interface JsonBody {
  readonly kind: "json";
  readonly schema: TSchema;
  /** The limit in bytes; BODY_BYTES_MAX by default. */
  readonly bytes_max?: number;
}

/** The names of the parameters in a path, as a type: `/api/specs/{project}/{name}` → ["project", "name"]. */
export type ParamNames<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? [Name extends `${infer Plain}...` ? Plain : Name, ...ParamNames<Rest>]
  : [];

/** The values of a path's parameters, as a tuple type in the order of the path. */
export type Params<Path extends string> = string extends Path ? readonly string[] : Strings<ParamNames<Path>>;

type Strings<Names extends readonly unknown[]> = Names extends readonly [unknown, ...infer Rest]
  ? readonly [string, ...Strings<Rest>]
  : readonly [];

/** The type of the body that the handler gets; undefined if the pipeline does not read the body. */
export type JsonOf<Body> = Body extends { readonly kind: "json"; readonly unread: true }
  ? undefined
  : Body extends { readonly kind: "json"; readonly schema: infer Schema extends TSchema }
    ? Static<Schema>
    : undefined;

/**
 * The type of the body for an audit row. For a body that the pipeline has not read, it is an object with the facts that
 * the handler's refusal reports.
 */
type KnownOf<Body> = Body extends { readonly kind: "json"; readonly unread: true } ? object : JsonOf<Body>;

/**
 * Query parameters after the pipeline has parsed them by their schema. Times are in ms since the epoch. A parameter
 * whose schema is an array may be repeated. Of any other parameter, the first value counts.
 */
export type AnyQuery = Readonly<Record<string, string | number | readonly string[] | undefined>>;

export interface Request<
  Parameters extends readonly string[] = readonly string[],
  Query = AnyQuery,
  Header extends string = string,
  Json = unknown,
> {
  readonly method: HttpMethod;
  /** The decoded path parameters, in the order of the path. */
  readonly params: Parameters;
  readonly query: Query;
  /** The values of the headers that the route declares; "" for an absent header. */
  readonly headers: Readonly<Record<Header, string>>;
  /** The bytes of the body; empty if the route has no body. The handler may transfer the buffer. */
  readonly body: Uint8Array;
  /** The JSON body, checked against the route's schema. Lacks the member that may be any JSON; `free` has it. */
  readonly json: Json;
  /**
   * The exact JSON text of the member that may be any JSON. It is null if the member was not given. If the body is an
   * array, there is one text for each item. The list is empty if the route has no such member.
   */
  readonly free: readonly (string | null)[];
  /** The body, if the route takes a stream. The part that the handler does not read is dropped. */
  readonly stream: RequestStream | null;
  readonly caller: Caller;
  readonly context: CallContext;
  /** The address of the client's socket if the route sets `reads_peer`, else "". */
  readonly peer: string;
  /** Calls the listener once if the client disconnects before the answer is sent. */
  onAbort(listener: () => void): void;
}

/** The parts of a method's audit rule that a refusal's audit row needs. */
interface AuditedMethod {
  readonly audit: { readonly action: string; resource(request: object, reply: null): string } | null;
}

/** The audit rule for a call that was refused before it reached its method. */
export interface RefusalAudit {
  readonly action: string;
  /** @param json the body if it had the route's shape, else undefined */
  readonly resource: (params: readonly string[], json: unknown) => string;
}

interface RouteBase<Path extends string, Query extends TObject, Header extends string, Body, Refused> {
  readonly method: HttpMethod;
  /** The path. `{name}` matches one segment. A last `{name...}` matches the rest of the path, including slashes. */
  readonly path: Path;
  /** Unique, for metrics and OpenAPI's operationId: `state.get`. */
  readonly name: string;
  readonly summary: string;
  readonly tag: RouteTag;
  /** The schemas (`Text`) of the path parameters. A parameter without a schema may be any text. */
  readonly params?: Readonly<Record<string, TSchema>>;
  readonly query?: Query;
  /**
   * The request headers that the handler reads, by lower-case name. The schemas are for the OpenAPI description. The
   * schema is null if OpenAPI does not allow the header as a parameter, or if another document describes it.
   */
  readonly headers?: Readonly<Record<Header, TSchema | null>>;
  /** Absent if no body is read. */
  readonly body?: Body;
  /**
   * The content of a successful answer: a schema, or one of these words. "raw": stored bytes. "lines": one JSON value
   * per line. "stream": Server-Sent Events. "text": plain text. "json": JSON without a fixed shape. "upgrade": a
   * WebSocket.
   */
  readonly answer: TSchema | "raw" | "lines" | "stream" | "text" | "json" | "upgrade";
  /**
   * For a "raw" route: the schemas of its other answers, such as history and diff. The route gives one of them if the
   * query asks about the stored bytes and not for the bytes.
   */
  readonly views?: readonly TSchema[];
  /** The statuses that the route may answer, in addition to those of every route. */
  readonly statuses?: readonly number[];
  /** The schemas of error bodies that have additional members, by status. */
  readonly refusals?: Readonly<Record<number, TSchema>>;
  /** If set, refusals of this call are written to the audit log, by this rule. */
  readonly audited?: Refused;
  /** The route is a POST that stores nothing itself, so it is not refused when the disk is full. */
  readonly asks_only?: true;
  /** The answer may wait for an event. An instance counts as alive while its call waits. */
  readonly waits?: true;
  /** Needs no token. */
  readonly open?: true;
  /** The only port that serves the route; absent if both ports do. */
  readonly port?: "dashboard";
  /** The handler reads the address of the client's socket. */
  readonly reads_peer?: true;
  /**
   * The token that the call needs if the server checks tokens. `server`: the server's token. `own instance`: the token
   * of the instance that the first path parameter names. If absent, any instance's token suffices.
   */
  readonly needs?: "server" | "own instance";
  /** Unknown query parameters are ignored, even if the call is a write. */
  readonly foreign_query?: true;
  /** The call is counted neither as a REST nor as an MCP call. */
  readonly uncounted?: true;
  /** The call is counted as an MCP call; if absent, as a REST call. */
  readonly counted_as?: "mcp";
}

/** A route without its specific types, as the pipeline and the OpenAPI description use it. `route` makes it. */
export interface Route extends RouteBase<string, TObject, string, RouteBody, RefusalAudit> {
  readonly upgrade?: (request: Request) => SocketOpener | Failure;
  readonly handle: (request: Request) => Answer | Promise<Answer>;
}

/** The request of a handler, with the types that are derived from its route. */
type TypedRequest<Path extends string, Query extends TObject, Header extends string, Body> = Request<
  Params<Path>,
  Static<Query>,
  Header,
  JsonOf<Body>
>;

interface RouteRow<Path extends string, Query extends TObject, Header extends string, Body extends RouteBody>
  extends RouteBase<
    Path,
    Query,
    Header,
    Body,
    /**
     * The method whose audit rule applies. `subject` builds the method's request from the path and the body. The body
     * is undefined if it did not have the route's shape.
     */
    {
      readonly by: AuditedMethod;
      readonly subject?: (params: Params<Path>, json: KnownOf<Body> | undefined) => object;
    }
  > {
  /**
   * For a request to upgrade to WebSocket: returns the function that opens the socket, or the failure that refuses the
   * request.
   */
  readonly upgrade?: (request: TypedRequest<Path, Query, Header, Body>) => SocketOpener | Failure;
  readonly handle: (request: TypedRequest<Path, Query, Header, Body>) => Answer | Promise<Answer>;
}

// oxlint-disable-next-line typescript/no-generated-empty-object-type -- it is what a schema without members is
type NoQuery = TObject<Record<never, never>>;
type NoBody = { readonly kind: "raw"; readonly none: true };

/** Makes a row of the route table. The type of the handler's request is derived from the row. */
export function route<
  const Path extends string,
  Query extends TObject = NoQuery,
  const Header extends string = never,
  const Body extends RouteBody = NoBody,
>(row: RouteRow<Path, Query, Header, Body>): Route {
  const { audited, ...rest } = row;
  // The cast is safe: the pipeline gives a handler only the values that its row declares, parsed by the row's own
  // schemas.
  const plain = rest as unknown as Omit<Route, "audited">;
  if (audited === undefined) return plain;
  const { by, subject = () => ({}) } = audited;
  const { audit } = by;
  if (audit === null) throw new Error(`route ${row.name} is audited by a method that is not`);
  return {
    ...plain,
    audited: {
      action: audit.action,
      resource: (params, json) =>
        audit.resource(subject(params as Params<Path>, json as KnownOf<Body> | undefined), null),
    },
  };
}
