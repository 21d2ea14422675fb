/**
 * Calls of the public API from the page: one way to ask, one way to fail. What an answer means is its view's
 * business. A 401 is told to whoever listens for the end of the session.
 */
import { isStep } from "../base/path.js";

/** A refusal by the server, in its own words; `status` 0 where it could not be reached. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly status: number,
    message: string,
    /** Why the server is not well, where `/health` says it; else "". */
    readonly reason = "",
  ) {
    super(message);
  }
}

/** A stored value as it is kept. */
export interface StoredValue {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly content_type: string;
  readonly version: number;
}

const UNREACHABLE = "the server cannot be reached";
const UNSPEAKABLE = "no browser can ask for what is called . or ..";
const UNAUTHORIZED = 401;

let onUnauthorized: () => void = () => undefined;

/** Who is told that a call was refused for want of a session. */
export function listenForUnauthorized(listener: () => void): void {
  onUnauthorized = listener;
}

async function call(method: string, path: string, init: RequestInit = {}): Promise<Response> {
  // What an agent has named so must not become a call of something else.
  if ((path.split("?")[0] ?? "").split("/").some(isStep)) throw new ApiError(0, UNSPEAKABLE);
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
    const { error, reason } = (await response.json()) as { readonly error?: unknown; readonly reason?: unknown };
    const message = typeof error === "string" ? error : `status ${status}`;
    return new ApiError(status, message, typeof reason === "string" ? reason : "");
  } catch {
    // Not Koor's own answer: a proxy's, say.
    return new ApiError(status, `status ${status}`);
  }
}

/**
 * Reads JSON.
 * @throws ApiError where it is refused
 */
export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await call("GET", path, signal === undefined ? {} : { signal });
  return (await response.json()) as T;
}

/**
 * Reads text, such as `/metrics`.
 * @throws ApiError where it is refused
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
 * Reads a stored value.
 * @throws ApiError where it is refused
 */
export async function getValue(path: string, signal?: AbortSignal): Promise<StoredValue> {
  return storedValue(await call("GET", path, signal === undefined ? {} : { signal }));
}

/**
 * Reads a stored value of at most so many bytes; null for a longer one, which is not fetched.
 * @throws ApiError where it is refused
 */
export async function getShortValue(path: string, bytes_max: number, signal: AbortSignal): Promise<StoredValue | null> {
  const response = await call("GET", path, { signal });
  if (Number(response.headers.get("Content-Length") ?? 0) <= bytes_max) return storedValue(response);
  await response.body?.cancel();
  return null;
}

/**
 * Asks for a change, or a question with a body; `body` is sent as JSON.
 * @throws ApiError where it is refused
 */
export async function send<T>(method: "POST" | "PUT" | "DELETE", path: string, body?: unknown): Promise<T> {
  const init: RequestInit =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  const response = await call(method, path, init);
  return (await response.json()) as T;
}

/**
 * Does something that may have been done before, by a second click or by another person. A 404 or 409 counts for nothing
 * where what is wanted holds already, which is so for what was to end, and is asked for all else.
 * @throws ApiError where it is refused, and does not hold
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
 * Deletes something; what is gone already was deleted before.
 * @throws ApiError where it is refused
 */
export function remove(path: string): Promise<void> {
  return sendOnce(() => send("DELETE", path));
}

/** What went wrong, in words for a person. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
