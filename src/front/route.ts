/**
 * A route: one row in its feature's routes.ts. The listeners, 405 with `Allow`, HEAD, the audit of refusals, the
 * metrics' labels and the OpenAPI description follow from the rows. The row types its handler: path parameters, query,
 * headers and body have the types of their schemas, because the pipeline has checked them; that costs nothing at run
 * time. Types, and the making of rows.
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
  /** The counts that the handler's work adds for the actor; the pipeline counts the call itself. */
  readonly counts?: ReportedCounts | null;
  /** The bytes that a body which is a function may hold in memory ahead of its reader. */
  readonly holds?: number;
}

export type Answer = Reply | Failure;

/**
 * The kind of a route's body. JSON that may be long is `unread`: the handler gets only its bytes, and has them parsed
 * and checked in the pool. A stream has no limit and holds one JSON value per line. A body that the handler reads
 * itself may be described.
 */
export type RouteBody =
  | { readonly kind: "raw"; readonly described?: TSchema; readonly bytes_max?: number }
  | { readonly kind: "stream" }
  | (JsonBody & { readonly unread?: true })
  /** An empty body stands for an object without members. */
  | (JsonBody & { readonly unread?: never; readonly optional: true });

interface JsonBody {
  readonly kind: "json";
  readonly schema: TSchema;
  /** The limit in bytes; BODY_BYTES_MAX by default. */
  readonly bytes_max?: number;
}

/** The names of a path's parameters: `/api/specs/{project}/{name}` → ["project", "name"]. */
export type ParamNames<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? [Name extends `${infer Plain}...` ? Plain : Name, ...ParamNames<Rest>]
  : [];

/** The parameters of a path, in the path's order. */
export type Params<Path extends string> = string extends Path ? readonly string[] : Strings<ParamNames<Path>>;

type Strings<Names extends readonly unknown[]> = Names extends readonly [unknown, ...infer Rest]
  ? readonly [string, ...Strings<Rest>]
  : readonly [];

/** The body as its handler gets it; undefined if the pipeline has not read it. */
export type JsonOf<Body> = Body extends { readonly kind: "json"; readonly unread: true }
  ? undefined
  : Body extends { readonly kind: "json"; readonly schema: infer Schema extends TSchema }
    ? Static<Schema>
    : undefined;

/** The body as an audit row gets it. If the pipeline has not read it, it is what the refusal says about it. */
type KnownOf<Body> = Body extends { readonly kind: "json"; readonly unread: true } ? object : JsonOf<Body>;

/**
 * Query parameters as the pipeline parses them by their schema; times are ms since the epoch. A parameter whose schema
 * is an array may be repeated; of any other the first value counts.
 */
export type AnyQuery = Readonly<Record<string, string | number | readonly string[] | undefined>>;

export interface Request<
  Parameters extends readonly string[] = readonly string[],
  Query = AnyQuery,
  Header extends string = string,
  Json = unknown,
> {
  readonly method: HttpMethod;
  /** Decoded path parameters in the order of the path. */
  readonly params: Parameters;
  readonly query: Query;
  /** The headers that the route names; "" for an absent one. */
  readonly headers: Readonly<Record<Header, string>>;
  /** Empty if the route takes none. The handler may transfer its buffer. */
  readonly body: Uint8Array;
  /** The body if the route takes JSON, checked against the route's schema. Its free member is only in `free`. */
  readonly json: Json;
  /**
   * The exact JSON text of the member that may be any JSON, or null if it was not given; one for each item if the body
   * is an array. Empty if the route's schema has no such member.
   */
  readonly free: readonly (string | null)[];
  /** The body if the route takes a stream; what the handler leaves unread is dropped. */
  readonly stream: RequestStream | null;
  readonly caller: Caller;
  readonly context: CallContext;
  /** The address of the socket's other end if the row has `reads_peer`, else "". */
  readonly peer: string;
  /** Calls the listener once if the client goes before the answer. */
  onAbort(listener: () => void): void;
}

/** The audit rule of a method, as far as a refusal needs it. */
interface AuditedMethod {
  readonly audit: { readonly action: string; resource(request: object, reply: null): string } | null;
}

/** How a refusal before the call reached its method is audited. */
export interface RefusalAudit {
  readonly action: string;
  /** @param json the body if it had the route's shape, else undefined */
  readonly resource: (params: readonly string[], json: unknown) => string;
}

interface RouteBase<Path extends string, Query extends TObject, Header extends string, Body, Refused> {
  readonly method: HttpMethod;
  /** `{name}` is one segment, a last `{name...}` is the rest of the path, slashes included. */
  readonly path: Path;
  /** Unique, for metrics and OpenAPI's operationId: `state.get`. */
  readonly name: string;
  readonly summary: string;
  readonly tag: RouteTag;
  /** The schemas of path parameters (`Text`); a parameter without one may be any text. */
  readonly params?: Readonly<Record<string, TSchema>>;
  readonly query?: Query;
  /**
   * The request headers that the handler reads, by lower-case name, with their schemas for the description. Null for a
   * header that is not described there, because OpenAPI leaves it out of parameters or another document describes it.
   */
  readonly headers?: Readonly<Record<Header, TSchema | null>>;
  /** Absent if no body is read. */
  readonly body?: Body;
  /**
   * The content of a success: a schema, "raw" for stored bytes, "lines" for one JSON value per line, "stream" for
   * Server-Sent Events, "text" for plain text, "json" for JSON without a fixed shape, "upgrade" for a WebSocket.
   */
  readonly answer: TSchema | "raw" | "lines" | "stream" | "text" | "json" | "upgrade";
  /** The schemas of a "raw" route's answers to queries about the stored bytes. */
  readonly views?: readonly TSchema[];
  /** Further statuses that the route answers with, beside those of every route. */
  readonly statuses?: readonly number[];
  /** Bodies of refusals that have members of their own. */
  readonly refusals?: Readonly<Record<number, TSchema>>;
  /** Refusals of the call are written to the audit log. */
  readonly audited?: Refused;
  /** A POST that stores nothing by itself: it is not refused when the disk is full. */
  readonly asks_only?: true;
  /** The answer may wait for something to happen; an instance whose call waits counts as alive. */
  readonly waits?: true;
  /** Needs no token. */
  readonly open?: true;
  /** The only port that has it; absent if both have it. */
  readonly port?: "dashboard";
  /** The handler reads the address of the socket's other end. */
  readonly reads_peer?: true;
  /**
   * The token that the call needs if the server checks tokens: the server's, or that of the instance that the first
   * path parameter names. If absent, any instance's token suffices.
   */
  readonly needs?: "server" | "own instance";
  /** Unknown query parameters are ignored, whatever the method. */
  readonly foreign_query?: true;
  /** Counts as neither a REST nor an MCP call. */
  readonly uncounted?: true;
  /** Counts as an MCP call; else as a REST call. */
  readonly counted_as?: "mcp";
}

/** A route as the pipeline and the descriptions use it; made by `route`. */
export interface Route extends RouteBase<string, TObject, string, RouteBody, RefusalAudit> {
  readonly upgrade?: (request: Request) => SocketOpener | Failure;
  readonly handle: (request: Request) => Answer | Promise<Answer>;
}

/** A request with the types that follow from its row. */
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
     * The method whose audit rule applies, and how the members of its request follow from the path and the body, which
     * is undefined if it did not have the route's shape.
     */
    {
      readonly by: AuditedMethod;
      readonly subject?: (params: Params<Path>, json: KnownOf<Body> | undefined) => object;
    }
  > {
  /** The socket's opener for a request to upgrade to WebSocket, or its refusal. */
  readonly upgrade?: (request: TypedRequest<Path, Query, Header, Body>) => SocketOpener | Failure;
  readonly handle: (request: TypedRequest<Path, Query, Header, Body>) => Answer | Promise<Answer>;
}

// oxlint-disable-next-line typescript/no-generated-empty-object-type -- it is what a schema without members is
type NoQuery = TObject<Record<never, never>>;
type NoBody = { readonly kind: "raw"; readonly none: true };

/** A row of the route table; its handler's request is typed by the row. */
export function route<
  const Path extends string,
  Query extends TObject = NoQuery,
  const Header extends string = never,
  const Body extends RouteBody = NoBody,
>(row: RouteRow<Path, Query, Header, Body>): Route {
  const { audited, ...rest } = row;
  // The pipeline hands a handler what its row has named, read by the row's own schemas.
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
