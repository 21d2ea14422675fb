/**
 * Defines the types of a route, and the function that declares one. Each feature declares its routes in its routes.ts.
 * From the declarations the server derives the listeners, HEAD, 405 answers with `Allow`, the audit of refusals, the
 * labels of metrics and the OpenAPI description. The type of the handler also follows from the declaration: path
 * parameters, query, headers and body have the types of their schemas. The types need no checks at run time, because
 * the pipeline has already checked the values.
 */
import type { Static, TObject, TSchema } from "typebox";
import type { ReportedCounts } from "../../../schemas/agent-metrics.js";
import type { Failure } from "../../base/result.js";
import type { CallContext } from "../rpc/frames.js";
import type { RequestStream } from "../transport/body-stream.js";
import type { WireReply } from "../transport/reply.js";
import type { HttpMethod, SocketOpener } from "../transport/transport.js";
import type { Caller } from "./caller.js";
import type { RouteTag } from "./tags.js";

export interface Reply extends WireReply {
  /** The counts that the handler adds to the metrics of its actor. The pipeline itself counts the call. */
  readonly counts?: ReportedCounts | null;
  /** The maximum number of bytes that the body reads ahead into memory, if the body is a function. */
  readonly holds?: number;
}

export type Answer = Reply | Failure;

/**
 * The kind of a route's body. A stream has one JSON value on each line and no size limit. A raw body is read by the
 * handler itself; a schema may describe it for clients. With `unread`, the JSON may be long: the handler receives the
 * bytes, and lets the worker pool parse and check them.
 */
export type RouteBody =
  | { readonly kind: "raw"; readonly described?: TSchema; readonly bytesMax?: number }
  | { readonly kind: "stream" }
  | (JsonBody & { readonly unread?: true })
  /** The body may be empty. An empty body is read as an object without members. */
  | (JsonBody & { readonly unread?: never; readonly optional: true });

interface JsonBody {
  readonly kind: "json";
  readonly schema: TSchema;
  /** The limit in bytes; BODY_BYTES_MAX by default. */
  readonly bytesMax?: number;
}

/** The names of a path's parameters, as a type. For `/api/specs/{project}/{name}` it is ["project", "name"]. */
export type ParamNames<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? [Name extends `${infer Plain}...` ? Plain : Name, ...ParamNames<Rest>]
  : [];

/** The values of a path's parameters, as a tuple type in the order of the path. */
export type Params<Path extends string> = string extends Path ? readonly string[] : Strings<ParamNames<Path>>;

type Strings<Names extends readonly unknown[]> = Names extends readonly [unknown, ...infer Rest]
  ? readonly [string, ...Strings<Rest>]
  : readonly [];

/** The type of the parsed body that the handler receives. It is undefined if the pipeline does not read the body. */
export type JsonOf<Body> = Body extends { readonly kind: "json"; readonly unread: true }
  ? undefined
  : Body extends { readonly kind: "json"; readonly schema: infer Schema extends TSchema }
    ? Static<Schema>
    : undefined;

/**
 * The type of the body that the audit rule of a refusal receives. If the pipeline does not read the body, the rule
 * instead receives an object with data that the handler has added to the failure.
 */
type KnownOf<Body> = Body extends { readonly kind: "json"; readonly unread: true } ? object : JsonOf<Body>;

/**
 * The query parameters, parsed by their schema. Times are in ms since the epoch. A parameter may be repeated if its
 * schema is an array. If another parameter is repeated, its first value counts.
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
  /** The bytes of the body; empty if the route has no body. The handler may transfer the buffer to another thread. */
  readonly body: Uint8Array;
  /**
   * The JSON body, checked by the route's schema. The member that may be any JSON is left out, because it is in `free`.
   */
  readonly json: Json;
  /**
   * The exact JSON texts of the member that may be any JSON: one text, or one for each item if the body is an array. A
   * text is null if the client did not send the member. The list is empty if the route has no such member.
   */
  readonly free: readonly (string | null)[];
  /** The body as a stream, if the route takes one; else null. Bytes that the handler does not read are dropped. */
  readonly stream: RequestStream | null;
  readonly caller: Caller;
  readonly context: CallContext;
  /** The address of the client's socket if the route sets `readsPeer`; else "". */
  readonly peer: string;
  /** Adds a listener, which is called once if the client disconnects before the answer is sent. */
  onAbort(listener: () => void): void;
}

/** The part of a writer method that is needed to audit a refusal. */
interface AuditedMethod {
  readonly audit: { readonly action: string; resource(request: object, reply: null): string } | null;
}

/** The audit rule for a call that is refused before it reaches a method of the writer. */
export interface RefusalAudit {
  readonly action: string;
  /** @param json the body if it had the route's shape; else undefined */
  readonly resource: (params: readonly string[], json: unknown) => string;
}

interface RouteBase<Path extends string, Query extends TObject, Header extends string, Body, Refused> {
  readonly method: HttpMethod;
  /** The path. `{name}` matches one segment. A final `{name...}` matches the rest of the path, slashes included. */
  readonly path: Path;
  /** Unique, for metrics and OpenAPI's operationId: `state.get`. */
  readonly name: string;
  readonly summary: string;
  readonly tag: RouteTag;
  /** The schemas (`Text`) of the path parameters. A parameter without a schema is any text. */
  readonly params?: Readonly<Record<string, TSchema>>;
  readonly query?: Query;
  /**
   * The request headers that the handler reads, by lower-case name. Each has a schema for the OpenAPI description. The
   * schema is null if OpenAPI does not allow the header as a parameter, or if another document describes it.
   */
  readonly headers?: Readonly<Record<Header, TSchema | null>>;
  /** The body of the request. Absent if the route reads none. */
  readonly body?: Body;
  /**
   * The content of a successful answer: a schema, or one of these words.
   * - "raw": stored bytes
   * - "lines": one JSON value in each line
   * - "stream": Server-Sent Events
   * - "text": plain text
   * - "json": JSON without a fixed shape
   * - "upgrade": a WebSocket
   */
  readonly answer: TSchema | "raw" | "lines" | "stream" | "text" | "json" | "upgrade";
  /**
   * The schemas of the JSON answers of a "raw" route, such as history and diff. The query decides whether the route
   * answers with the stored bytes or with one of these.
   */
  readonly views?: readonly TSchema[];
  /** The statuses that the route may answer with, in addition to the statuses that every route has. */
  readonly statuses?: readonly number[];
  /** The schemas of error bodies with additional members, by status. */
  readonly refusals?: Readonly<Record<number, TSchema>>;
  /** The audit rule for refusals of this call; absent if refusals are not audited. */
  readonly audited?: Refused;
  /** Whether the route is a POST that stores nothing. Its calls are not refused when the disk is full. */
  readonly asksOnly?: true;
  /** Whether the answer may wait for an event. During the wait, the caller's instance counts as active. */
  readonly waits?: true;
  /** Whether the route needs no token. */
  readonly open?: true;
  /** The only port that serves the route; absent if both ports serve it. */
  readonly port?: "dashboard";
  /** Whether the handler reads the address of the client's socket. */
  readonly readsPeer?: true;
  /**
   * The token that a call needs, if the server checks tokens. `server` means the server's token. `own instance` means
   * the token of the instance that the first path parameter names. If absent, the token of any instance suffices.
   */
  readonly needs?: "server" | "own instance";
  /** Whether the token of CI suffices, too. */
  readonly forCi?: true;
  /** Whether unknown query parameters are ignored, even by a write. */
  readonly foreignQuery?: true;
  /** Whether the metrics by protocol (REST or MCP) leave this call out. */
  readonly uncounted?: true;
  /** The protocol in whose metrics the call is counted; REST if absent. */
  readonly countedAs?: "mcp";
}

/**
 * A route without the specific types of its declaration, as the pipeline and the OpenAPI description use it. Created by
 * `route`.
 */
export interface Route extends RouteBase<string, TObject, string, RouteBody, RefusalAudit> {
  readonly upgrade?: (request: Request) => SocketOpener | Failure;
  readonly handle: (request: Request) => Answer | Promise<Answer>;
}

/** The request that a handler receives, with the types that follow from its route. */
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
     * The method whose audit rule is used for refusals. `subject` makes a request of that method from the path and the
     * body. The body is undefined if it does not have the route's shape.
     */
    {
      readonly by: AuditedMethod;
      readonly subject?: (params: Params<Path>, json: KnownOf<Body> | undefined) => object;
    }
  > {
  /**
   * Decides whether a request may upgrade to WebSocket. Returns the function that opens the socket, or the failure that
   * refuses the request.
   */
  readonly upgrade?: (request: TypedRequest<Path, Query, Header, Body>) => SocketOpener | Failure;
  readonly handle: (request: TypedRequest<Path, Query, Header, Body>) => Answer | Promise<Answer>;
}

// oxlint-disable-next-line typescript/no-generated-empty-object-type -- it is what a schema without members is
type NoQuery = TObject<Record<never, never>>;
type NoBody = { readonly kind: "raw"; readonly none: true };

/** Declares a route. The type of the handler's request follows from the declaration. */
export function route<
  const Path extends string,
  Query extends TObject = NoQuery,
  const Header extends string = never,
  const Body extends RouteBody = NoBody,
>(row: RouteRow<Path, Query, Header, Body>): Route {
  const { audited, ...rest } = row;
  // The cast is safe, because the pipeline gives the handler only the values that the route declares, parsed by the
  // route's own schemas.
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
