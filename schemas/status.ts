/**
 * Defines the statuses of the RPC, with the names that gRPC uses. Each row of the table has the HTTP status, the exit
 * code of the CLI, and whether a client may try again. HTTP, MCP and the CLI share this table.
 */

export interface StatusRow {
  /** The HTTP status code. */
  readonly http: number;
  /** The exit code of the CLI: 1 if the call is rejected, and 3 if the server fails. */
  readonly exit: 0 | 1 | 2 | 3;
  /** The number of seconds in the header `Retry-After`; absent if another attempt cannot help. */
  readonly retry_after_s?: number;
}

export const STATUSES = {
  OK: { http: 200, exit: 0 },
  INVALID_ARGUMENT: { http: 400, exit: 1 },
  UNAUTHENTICATED: { http: 401, exit: 1 },
  PERMISSION_DENIED: { http: 403, exit: 1 },
  NOT_FOUND: { http: 404, exit: 1 },
  UNIMPLEMENTED: { http: 405, exit: 1 },
  /** The request's body did not arrive in time. */
  REQUEST_TIMEOUT: { http: 408, exit: 3 },
  ALREADY_EXISTS: { http: 409, exit: 1 },
  FAILED_PRECONDITION: { http: 412, exit: 1 },
  /** A part of the request is larger than its limit. gRPC has the same name for this status. */
  OUT_OF_RANGE: { http: 413, exit: 1 },
  /** The server does not support the content type or the encoding of the body. */
  UNSUPPORTED_MEDIA_TYPE: { http: 415, exit: 1 },
  /** The server cannot meet the expectation in the client's header `Expect`. */
  EXPECTATION_FAILED: { http: 417, exit: 1 },
  /** The header `Host` does not name this server. */
  MISDIRECTED: { http: 421, exit: 1 },
  /** Another holder has a lease on the value that the call would write. */
  LOCKED: { http: 423, exit: 1 },
  UPGRADE_REQUIRED: { http: 426, exit: 1 },
  /** The client has made too many attempts. The message says after how many seconds it may try again. */
  TOO_MANY_ATTEMPTS: { http: 429, exit: 1 },
  /** A collection of the server is full. It has room again when some of its items have ended. */
  STOCK_FULL: { http: 429, exit: 1, retry_after_s: 60 },
  CANCELLED: { http: 499, exit: 1 },
  INTERNAL: { http: 500, exit: 3 },
  /** A queue of the server is full. */
  RESOURCE_EXHAUSTED: { http: 503, exit: 3, retry_after_s: 1 },
  /** The server is shutting down, or its writer thread is restarting. */
  UNAVAILABLE: { http: 503, exit: 3, retry_after_s: 1 },
  DEADLINE_EXCEEDED: { http: 504, exit: 3 },
  /** The disk accepts no writes, so nothing was stored. Reads continue to work. */
  DISK_FULL: { http: 507, exit: 3 },
} as const satisfies Record<string, StatusRow>;

export type StatusName = keyof typeof STATUSES;

/** The reason phrases of all HTTP statuses that Koor sends (RFC 9110, RFC 4918, RFC 6585). */
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
