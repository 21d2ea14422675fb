/**
 * The statuses of the RPC (gRPC's names) and what each means on every surface: HTTP status, CLI exit
 * code, and whether a client may try again. One map; HTTP, MCP and the CLI all read it.
 */

export interface StatusRow {
  /** HTTP status code. */
  readonly http: number;
  /** Exit code of the command line: 1 where the call is refused, 3 where the server fails. */
  readonly exit: 0 | 1 | 2 | 3;
  /** Seconds for `Retry-After`; absent where trying again cannot help. */
  readonly retry_after_s?: number;
}

export const STATUSES = {
  OK: { http: 200, exit: 0 },
  INVALID_ARGUMENT: { http: 400, exit: 1 },
  UNAUTHENTICATED: { http: 401, exit: 1 },
  PERMISSION_DENIED: { http: 403, exit: 1 },
  NOT_FOUND: { http: 404, exit: 1 },
  UNIMPLEMENTED: { http: 405, exit: 1 },
  /** The request's body did not come in time. */
  REQUEST_TIMEOUT: { http: 408, exit: 3 },
  ALREADY_EXISTS: { http: 409, exit: 1 },
  FAILED_PRECONDITION: { http: 412, exit: 1 },
  /** Larger than a bound (gRPC's OUT_OF_RANGE). */
  OUT_OF_RANGE: { http: 413, exit: 1 },
  /** The body is in a form that is not taken. */
  UNSUPPORTED_MEDIA_TYPE: { http: 415, exit: 1 },
  /** The client expects what is not done. */
  EXPECTATION_FAILED: { http: 417, exit: 1 },
  /** `Host` is not one this server answers to. */
  MISDIRECTED: { http: 421, exit: 1 },
  /** Somebody else holds a lease on it. */
  LOCKED: { http: 423, exit: 1 },
  UPGRADE_REQUIRED: { http: 426, exit: 1 },
  /** Too many attempts; whoever refuses says in how many seconds to try again. */
  TOO_MANY_ATTEMPTS: { http: 429, exit: 1 },
  /** A stock that is kept is full: there is room when some of it has ended. */
  STOCK_FULL: { http: 429, exit: 1, retry_after_s: 60 },
  CANCELLED: { http: 499, exit: 1 },
  INTERNAL: { http: 500, exit: 3 },
  /** A queue is full. */
  RESOURCE_EXHAUSTED: { http: 503, exit: 3, retry_after_s: 1 },
  /** Draining, or the writer is restarting. */
  UNAVAILABLE: { http: 503, exit: 3, retry_after_s: 1 },
  DEADLINE_EXCEEDED: { http: 504, exit: 3 },
  /** The disk takes no writes: nothing was stored, reads go on. */
  DISK_FULL: { http: 507, exit: 3 },
} as const satisfies Record<string, StatusRow>;

export type StatusName = keyof typeof STATUSES;

/** Reason phrases of every HTTP status that Koor sends (RFC 9110, RFC 4918, RFC 6585). */
export const REASON_PHRASES: Readonly<Record<number, string>> = {
  100: "Continue",
  200: "OK",
  202: "Accepted",
  204: "No Content",
  304: "Not Modified",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  408: "Request Timeout",
  409: "Conflict",
  412: "Precondition Failed",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  417: "Expectation Failed",
  421: "Misdirected Request",
  423: "Locked",
  426: "Upgrade Required",
  429: "Too Many Requests",
  499: "Client Closed Request",
  500: "Internal Server Error",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  507: "Insufficient Storage",
};
