/**
 * What a route is: one row in its feature's routes.ts. From the rows follow the listeners, 405 with
 * `Allow`, HEAD, the audit of refusals, the metrics' labels and the OpenAPI description. A row's handler is
 * typed by the row: path parameters, query, headers and body are what their schemas say, because the pipeline
 * has checked them; none of that costs anything when it runs. Types, and the making of rows.
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
  /** What the handler found or did that is counted for the actor; the pipeline counts the call itself. */
  readonly counts?: ReportedCounts | null;
  /** Where the body is a function: what it may hold in memory ahead of its reader, in bytes. */
  readonly holds?: number;
}

export type Answer = Reply | Failure;

/**
 * What the body is. JSON that may be long is `unread`: the handler gets its bytes alone, and has them parsed and
 * checked in the pool. A stream has no limit, and is JSON a line. What the handler reads itself may be described.
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
  /** How many bytes it may have; BODY_BYTES_MAX where that is not said. */
  readonly bytes_max?: number;
}

/** The names of a path's parameters: `/api/specs/{project}/{name}` → ["project", "name"]. */
export type ParamNames<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? [Name extends `${infer Plain}...` ? Plain : Name, ...ParamNames<Rest>]
  : [];

/** A path's parameters, in its order. */
export type Params<Path extends string> = string extends Path ? readonly string[] : Strings<ParamNames<Path>>;

type Strings<Names extends readonly unknown[]> = Names extends readonly [unknown, ...infer Rest]
  ? readonly [string, ...Strings<Rest>]
  : readonly [];

/** The body as its handler gets it; undefined where it is none that the pipeline has read. */
export type JsonOf<Body> = Body extends { readonly kind: "json"; readonly unread: true }
  ? undefined
  : Body extends { readonly kind: "json"; readonly schema: infer Schema extends TSchema }
    ? Static<Schema>
    : undefined;

/** What an audit row may know of a body: of one that the pipeline has not read, what the refusal says that was read. */
type KnownOf<Body> = Body extends { readonly kind: "json"; readonly unread: true } ? object : JsonOf<Body>;

/**
 * Query parameters as the pipeline hands them on: by their schema; times are ms since the epoch. What its schema has as
 * an array may be repeated; of any other the first counts.
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
  /** The headers that the route names, "" where absent. */
  readonly headers: Readonly<Record<Header, string>>;
  /** Empty where the route takes none. The handler may give its buffer away. */
  readonly body: Uint8Array;
  /** The body where the route takes JSON: checked against the route's schema. Its free member is in `free` alone. */
  readonly json: Json;
  /**
   * The exact JSON text of the member that may be any JSON, null where it was not given: of each item where the body is
   * an array. Empty where the route's schema has no such member.
   */
  readonly free: readonly (string | null)[];
  /** Where the route takes its body as a stream; what the handler leaves of it is thrown away. */
  readonly stream: RequestStream | null;
  readonly caller: Caller;
  readonly context: CallContext;
  /** The address of the socket's other end where the row asks for it, else "". */
  readonly peer: string;
  /** Called once when the client has gone before the answer. */
  onAbort(listener: () => void): void;
}

/** The audit rule of a method, as far as a refusal needs it. */
interface AuditedMethod {
  readonly audit: { readonly action: string; resource(request: object, reply: null): string } | null;
}

/** A refusal of a call, found before it reached its method. */
export interface RefusalAudit {
  readonly action: string;
  /** @param json the body where it had the route's shape, else undefined */
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
  /** Schemas of path parameters that are held to them (`Text`); the others may be any text. */
  readonly params?: Readonly<Record<string, TSchema>>;
  readonly query?: Query;
  /**
   * Request headers that the handler reads, by lower-case name, with what they may be, for the description; null for
   * one that is not described there: because OpenAPI leaves it out of parameters, or another document describes it.
   */
  readonly headers?: Readonly<Record<Header, TSchema | null>>;
  /** Absent where none is read. */
  readonly body?: Body;
  /**
   * What a success holds; "raw" for stored bytes, "lines" for JSON a line, "stream" for Server-Sent Events, "text" for
   * plain text, "json" for JSON of no fixed shape, "upgrade" for a WebSocket.
   */
  readonly answer: TSchema | "raw" | "lines" | "stream" | "text" | "json" | "upgrade";
  /** What a "raw" route answers instead where its query asks about the stored bytes. */
  readonly views?: readonly TSchema[];
  /** Further statuses that the route answers with, beside those of every route. */
  readonly statuses?: readonly number[];
  /** Bodies of refusals that have members of their own. */
  readonly refusals?: Readonly<Record<number, TSchema>>;
  /** Refusals of the call are written to the audit log. */
  readonly audited?: Refused;
  /** A POST that stores nothing by itself: a full disk does not refuse it. */
  readonly asks_only?: true;
  /** Its answer may wait for something to happen; who waits is alive. */
  readonly waits?: true;
  /** Needs no token. */
  readonly open?: true;
  /** The only port that has it; absent: both have. */
  readonly port?: "dashboard";
  /** The handler reads the address of the socket's other end. */
  readonly reads_peer?: true;
  /**
   * Whose token the call needs where one is needed at all: the server's, or else that of the very instance
   * that the first path parameter names. Absent, any instance's will do.
   */
  readonly needs?: "server" | "own instance";
  /** Parameters of the query that are not its own are passed over, whatever its method. */
  readonly foreign_query?: true;
  /** Counts as neither REST nor MCP call. */
  readonly uncounted?: true;
  /** Counts as MCP call; else as REST call. */
  readonly counted_as?: "mcp";
}

/** A route as the pipeline and the descriptions take it; made by `route`. */
export interface Route extends RouteBase<string, TObject, string, RouteBody, RefusalAudit> {
  readonly upgrade?: (request: Request) => SocketOpener | Failure;
  readonly handle: (request: Request) => Answer | Promise<Answer>;
}

/** Who serves a request, given what the row says of it. */
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
     * The method whose audit rule it is, and how the members of its request follow from the path and the body (which
     * is undefined where it had not the route's shape).
     */
    {
      readonly by: AuditedMethod;
      readonly subject?: (params: Params<Path>, json: KnownOf<Body> | undefined) => object;
    }
  > {
  /** What to make of a request that asks for an upgrade to WebSocket. */
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
