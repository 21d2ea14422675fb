/**
 * What a route is: one row in its feature's routes.ts. From the rows follow the listeners, 405 with
 * `Allow`, HEAD, the audit of refusals, the metrics' labels and the OpenAPI description. A feature sees
 * a plain Request and gives a plain Reply; only the exchange knows the HTTP library. Types and pure
 * functions.
 */
import type { TObject, TSchema } from "typebox";
import type { ReportedCounts } from "../../schemas/agent-metrics.js";
import type { AuditAction } from "../../schemas/audit.js";
import type { CallContext } from "../../schemas/rpc.js";
import type { Failure } from "../base/result.js";
import type { Caller } from "./caller.js";
import { decodePathSegment } from "../base/path.js";

export type HttpMethod = "GET" | "PUT" | "POST" | "DELETE";

/** Where the pieces of a long or endless answer go. */
export interface Sink {
  /** False where the peer is behind: wait for `onDrain`. */
  write(text: string): boolean;
  /** Ends the answer; `cut` breaks the connection instead, so that the client sees that it is not whole. */
  end(cut?: boolean): void;
  onDrain(listener: () => void): void;
  /** The peer is gone, or the answer was ended by the server's shutdown. */
  onClose(listener: () => void): void;
}

/**
 * An answer's headers as one name and the rest of the block, so that they cross into the HTTP library in
 * one call: five calls cost a GET two microseconds of its nine. Made by `headerBlock`.
 */
export interface HeaderBlock {
  readonly name: string;
  readonly rest: string;
}

/** At least one header; values must hold no control characters. */
export function headerBlock(headers: readonly (readonly [name: string, value: string])[]): HeaderBlock {
  const [name = ""] = headers[0] ?? [];
  return { name, rest: headers.map(([key, value], at) => (at === 0 ? value : `${key}: ${value}`)).join("\r\n") };
}

export interface Reply {
  readonly status: number;
  /** Null: no body and no Content-Length (304). A function writes the body as it comes. */
  readonly body: string | Uint8Array | null | ((sink: Sink) => void);
  /** Called instead of a body that is a function where nobody takes it: a HEAD, or a client that has gone. */
  readonly discard?: () => void;
  /** Every header but Content-Length, Content-Type included. */
  readonly headers: HeaderBlock;
  /** What the handler found or did that is counted for the actor; the pipeline counts the call itself. */
  readonly counts?: ReportedCounts | null;
}

/** A body that is too large to be held. */
export interface RequestStream {
  /** The next piece; null at the end, undefined where the client has gone. */
  read(): Promise<Uint8Array | null | undefined>;
}

export interface Request {
  readonly method: HttpMethod;
  /** Decoded path parameters in the order of the path. */
  readonly params: readonly string[];
  /** Parsed query parameters by name, as the route's schema types them; times are ms. */
  readonly query: Readonly<Record<string, string | number | undefined>>;
  /** The headers that the route names, "" where absent. */
  readonly headers: Readonly<Record<string, string>>;
  /** Empty where the route takes none. The handler may give its buffer away. */
  readonly body: Uint8Array;
  /** The body's text where the route takes JSON: checked against the route's schema. */
  readonly text: string;
  readonly json: unknown;
  /** Where the route takes its body as a stream; what the handler leaves of it is thrown away. */
  readonly stream: RequestStream | null;
  readonly caller: Caller;
  readonly context: CallContext;
  /** Called once when the client has gone before the answer. */
  onAbort(listener: () => void): void;
}

export type Answer = Reply | Failure;

/** What routes are grouped by in the OpenAPI description, and what each group is. */
export const TAGS = {
  metrics: "Health, figures for people and for Prometheus, what agents did, and this description.",
  state: "Versioned values by key: history, rollback, JSON diff, compare-and-swap.",
  specs: "Documents by project and name, versioned like values.",
  rules: "Patterns that texts are validated against; agents propose them, somebody accepts them.",
  contracts: "Payloads and live services checked against a spec that is a contract.",
  templates: "Rules and contracts for many projects, applied all or nothing.",
  compliance: "Instances checked against their project's contracts, and what the checks found.",
  events: "Publishing, history, and subscriptions over WebSocket, Server-Sent Events and long polls.",
  instances: "Agents that are registered: discovery, signs of life, what each can do and is at.",
  audit: "The append-only log of what was changed, by whom, and what was refused.",
  webhooks: "Events as signed HTTP requests to other servers, in order, at least once.",
  backup: "One consistent snapshot as text, restored as a whole or not at all.",
  llm: "What calls of language models used and cost.",
  mcp: "The Model Context Protocol: what a language model itself has to see.",
} as const;

export interface Route {
  readonly method: HttpMethod;
  /** `{name}` is one segment, a last `{name...}` is the rest of the path, slashes included. */
  readonly path: string;
  /** Unique, for metrics and OpenAPI's operationId: `state.get`. */
  readonly name: string;
  readonly summary: string;
  readonly tag: keyof typeof TAGS;
  readonly query?: TObject;
  /** Request headers that the handler reads, in lower case. */
  readonly headers?: readonly string[];
  /**
   * What the body is; absent where none is read. JSON that may be long is `unread`: the handler gets its
   * bytes alone, and has them parsed and checked in the pool. A stream has no limit, and is JSON a line.
   */
  readonly body?:
    | { readonly kind: "raw" }
    | { readonly kind: "stream" }
    | { readonly kind: "json"; readonly schema: TSchema; readonly unread?: true };
  /**
   * What a success holds; "raw" for stored bytes, "lines" for JSON a line, "stream" for Server-Sent Events, "text" for plain
   * text, "json" for JSON of no fixed shape, "upgrade" for a WebSocket.
   */
  readonly answer: TSchema | "raw" | "lines" | "stream" | "text" | "json" | "upgrade";
  /** What a "raw" route answers instead where its query asks about the stored bytes. */
  readonly views?: readonly TSchema[];
  /** Further statuses that the route answers with, beside those of every route. */
  readonly statuses?: readonly number[];
  /** Bodies of refusals that have members of their own. */
  readonly refusals?: Readonly<Record<number, TSchema>>;
  /**
   * Refusals of the call are written to the audit log under this action. What the resource is called may stand
   * in the body: `json` is it where it had the route's shape, else undefined.
   */
  readonly audit?: {
    readonly action: AuditAction;
    readonly resource: (params: readonly string[], json: unknown) => string;
  };
  /** A POST that only asks: it stores nothing. */
  readonly asks_only?: true;
  /** Needs no token. */
  readonly open?: true;
  /**
   * Whose token the call needs where one is needed at all: the server's, or else that of the very instance
   * that the first path parameter names. Absent, any instance's will do.
   */
  readonly needs?: "server" | "own instance";
  /** Counts as neither REST nor MCP call. */
  readonly uncounted?: true;
  /** Counts as MCP call; else as REST call. */
  readonly counted_as?: "mcp";
  /** What to make of a request that asks for an upgrade to WebSocket: the subscription, or a Failure. */
  readonly upgrade?: (request: Request) => unknown;
  readonly handle: (request: Request) => Answer | Promise<Answer>;
}

export const JSON_TYPE = ["Content-Type", "application/json"] as const;
export const JSON_HEADERS = headerBlock([JSON_TYPE]);

export const LINES_HEADERS = headerBlock([["Content-Type", "application/x-ndjson"]]);

/** A 200 with a JSON text, and what the work of it counts for. */
export function jsonReply(text: string, status = 200, counts: ReportedCounts | null = null): Reply {
  return { status, body: text, headers: JSON_HEADERS, counts };
}

/** A path as the router takes it: its fixed prefix, and how the rest is split. */
export interface PathShape {
  readonly segments: readonly (string | null)[];
  /** The last parameter takes the rest of the path. */
  readonly rest: boolean;
  readonly names: readonly string[];
  /** Where the only parameter begins, when it takes the rest of the path; else 0. */
  readonly rest_at: number;
}

/** `/api/state/{key...}` → its segments, null where a parameter stands. */
export function parsePath(path: string): PathShape {
  const names: string[] = [];
  let rest = false;
  const segments = path
    .slice(1)
    .split("/")
    .map((segment) => {
      const match = /^\{([a-z_]+)(\.\.\.)?\}$/.exec(segment);
      if (match === null) return segment;
      names.push(match[1] ?? "");
      rest = match[2] !== undefined;
      return null;
    });
  return { segments, rest, names, rest_at: rest && names.length === 1 ? path.indexOf("{") : 0 };
}

/** The path as the HTTP library's router wants it. */
export function routerPattern(shape: PathShape): string {
  return `/${shape.segments
    .map((segment, at) => {
      if (segment !== null) return segment;
      return shape.rest && at === shape.segments.length - 1 ? "*" : `:p${at}`;
    })
    .join("/")}`;
}

/** The decoded parameters of a raw path that the router matched; undefined on a malformed escape. */
export function pathParameters(shape: PathShape, raw_path: string): readonly string[] | undefined {
  if (shape.rest_at > 0) {
    // Joining decoded segments again gives what decoding the whole gives.
    const decoded = decodePathSegment(raw_path.slice(shape.rest_at));
    return decoded === undefined ? undefined : [decoded];
  }
  const parts = raw_path.slice(1).split("/");
  const params: string[] = [];
  for (let at = 0; at < shape.segments.length; at++) {
    if (shape.segments[at] !== null) continue;
    const last = shape.rest && at === shape.segments.length - 1;
    const raw = last ? parts.slice(at) : [parts[at] ?? ""];
    for (let part = 0; part < raw.length; part++) {
      const decoded = decodePathSegment(raw[part] ?? "");
      if (decoded === undefined) return undefined;
      raw[part] = decoded;
    }
    params.push(raw.join("/"));
  }
  return params;
}

/** Whether a raw path is of this shape. Only a parameter that takes the rest of the path may be empty: so the library's router has it. */
export function pathMatches(shape: PathShape, raw_path: string): boolean {
  const parts = raw_path.slice(1).split("/");
  if (shape.rest ? parts.length < shape.segments.length : parts.length !== shape.segments.length) return false;
  const last = shape.segments.length - 1;
  return shape.segments.every((segment, at) =>
    segment === null ? parts[at] !== "" || (shape.rest && at === last) : segment === parts[at],
  );
}
