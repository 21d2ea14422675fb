/**
 * The HTTP client of the public API. Every view sends its requests through this client. It gets errors as ApiError, and
 * interprets the answers itself. A 401 answer is reported to a listener, because it means that the session has ended.
 */
import { isTemporary } from "../../shared/reconnect.js";
import { isStep } from "../../shared/key-segments.js";

/** An error answer of the server, with the server's message. `status` is 0 if the server could not be reached. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly status: number,
    message: string,
    /** The reason why the server is unhealthy, as `/health` reports it. It is "" for any other error. */
    readonly reason = "",
    /** The earliest time that the server still knows, if the request asked about an earlier time. Otherwise "". */
    readonly since = "",
  ) {
    super(message);
  }
}

/** Returns whether a retry would be useless, because the server would refuse the same request again. */
export function isFinal(error: unknown): boolean {
  return error instanceof ApiError && error.status !== 0 && !isTemporary(error.status);
}

/** A value that the server stores: its exact bytes, with its media type and version. */
export interface StoredValue {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly content_type: string;
  readonly version: number;
}

const UNREACHABLE = "the server cannot be reached";
const NOT_REQUESTABLE = "a browser cannot request a name of . or ..";
const UNAUTHORIZED = 401;

let onUnauthorized: () => void = () => undefined;

/** Sets the listener that is called when a request fails because there is no valid session. */
export function listenForUnauthorized(listener: () => void): void {
  onUnauthorized = listener;
}

async function call(method: string, path: string, init: RequestInit = {}): Promise<Response> {
  // A path contains names that agents choose. If a segment is `.` or `..`, the browser would resolve it and request
  // another path.
  if ((path.split("?")[0] ?? "").split("/").some(isStep)) throw new ApiError(0, NOT_REQUESTABLE);
  let response: Response;
  try {
    response = await fetch(path, { ...init, method, credentials: "same-origin", cache: "no-store" });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, UNREACHABLE);
  }
  if (response.ok) return response;
  if (response.status === UNAUTHORIZED && !path.startsWith("/session")) onUnauthorized();
  throw await refusalOf(response);
}

async function refusalOf(response: Response): Promise<ApiError> {
  const { status } = response;
  try {
    const members = (await response.json()) as Readonly<Record<string, unknown>>;
    const textOf = (name: string, without = ""): string => {
      const value = members[name];
      return typeof value === "string" ? value : without;
    };
    return new ApiError(status, textOf("error", `status ${status}`), textOf("reason"), textOf("since"));
  } catch {
    // The body is not in Koor's error format, so it may come from a proxy.
    return new ApiError(status, `status ${status}`);
  }
}

/**
 * Requests a path and parses the answer as JSON.
 * @throws ApiError if the request fails
 */
export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await call("GET", path, signal === undefined ? {} : { signal });
  return (await response.json()) as T;
}

/**
 * Requests a path and returns the answer as text, for example the metrics of `/metrics`.
 * @throws ApiError if the request fails
 */
export async function getText(path: string, signal?: AbortSignal): Promise<string> {
  const response = await call("GET", path, signal === undefined ? {} : { signal });
  return response.text();
}

async function storedValue(response: Response): Promise<StoredValue> {
  return {
    bytes: new Uint8Array(await response.arrayBuffer()),
    content_type: response.headers.get("Content-Type") ?? "",
    version: Number(response.headers.get("X-Koor-Version") ?? 0),
  };
}

/**
 * Requests a stored value.
 * @throws ApiError if the request fails
 */
export async function getValue(path: string, signal?: AbortSignal): Promise<StoredValue> {
  return storedValue(await call("GET", path, signal === undefined ? {} : { signal }));
}

/**
 * Requests a stored value of at most `bytesMax` bytes. Returns null if the value is longer, without fetching its body.
 * @throws ApiError if the request fails
 */
export async function getShortValue(path: string, bytesMax: number, signal: AbortSignal): Promise<StoredValue | null> {
  const response = await call("GET", path, { signal });
  if (Number(response.headers.get("Content-Length") ?? 0) <= bytesMax) return storedValue(response);
  await response.body?.cancel();
  return null;
}

/**
 * Sends a request that changes something, or a query that needs a body. `body` is sent as JSON.
 * @param instance the id of the instance for which the request is made; by default the session's own instance
 * @throws ApiError if the request fails
 */
export async function send<T>(
  method: "POST" | "PUT" | "DELETE",
  path: string,
  body?: unknown,
  instance?: string,
): Promise<T> {
  const headers = {
    ...(body === undefined ? {} : { "Content-Type": "application/json" }),
    ...(instance === undefined ? {} : { "X-Koor-Instance": instance }),
  };
  const response = await call(method, path, body === undefined ? { headers } : { headers, body: JSON.stringify(body) });
  return (await response.json()) as T;
}

/**
 * Stores a text under a path, with its content type.
 * @throws ApiError if the request fails
 */
export async function putText<T>(path: string, text: string, contentType: string): Promise<T> {
  const response = await call("PUT", path, { headers: { "Content-Type": contentType }, body: text });
  return (await response.json()) as T;
}

/**
 * Sends a change that a second click or another person may already have made. After a 404 or 409 answer, calls `holds`:
 * if the wanted state is reached, the answer is no error. Deletions need no `holds`.
 * @throws ApiError if the request fails and the wanted state is not reached
 */
export async function sendOnce(work: () => Promise<unknown>, holds?: () => Promise<boolean>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const maybe = error instanceof ApiError && (error.status === 404 || error.status === 409);
    if (!maybe || (await holds?.()) === false) throw error;
  }
}

/**
 * Deletes a resource. It is not an error if the resource is already gone.
 * @throws ApiError if the request fails
 */
export function remove(path: string): Promise<void> {
  return sendOnce(() => send("DELETE", path));
}

/** Returns an error's message for the user. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
