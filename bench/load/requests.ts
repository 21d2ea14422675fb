/**
 * Describes the requests that the load generators send. One description is turned into bytes for our own generator,
 * into wrk's script, or into a Redis command. Pure; runs in the bench process.
 */
import { createHash } from "node:crypto";
import { KEYS, VALUE_BYTES } from "../settings.js";

export interface HttpRequest {
  readonly method: "GET" | "PUT" | "POST";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Makes a JSON object of exactly `bytes` ASCII bytes. It looks like the value in which an agent describes its work. */
export function makeJsonValue(bytes: number): string {
  const empty = JSON.stringify({
    service: "truck-api",
    status: "in-progress",
    owner: "agent-7",
    version: 12,
    note: "",
  });
  if (bytes < empty.length) throw new Error(`a value has at least ${empty.length} bytes`);
  return empty.replace('"note":""', `"note":"${"x".repeat(bytes - empty.length)}"`);
}

export const VALUE = makeJsonValue(VALUE_BYTES);
/** The ETag with which Koor answers a read of VALUE. */
export const VALUE_ETAG = `"${createHash("sha256").update(VALUE).digest("hex")}"`;

export const TOPIC = "bench.event.published";

/** Returns the key with this number. All keys have the same length. */
export function keyOf(index: number): string {
  return `bench/key-${String(index).padStart(6, "0")}`;
}

export function keyNumbers(count: number = KEYS): number[] {
  return Array.from({ length: count }, (_unused, index) => index);
}

export function getRequest(key: string): HttpRequest {
  return { method: "GET", path: `/api/state/${key}` };
}

export function putRequest(key: string, value: string = VALUE): HttpRequest {
  return { method: "PUT", path: `/api/state/${key}`, headers: { "Content-Type": "application/json" }, body: value };
}

/**
 * Makes a publish of `events` events, whose topics come from `topicOf`. If there are several events, the body is an
 * array.
 */
export function publishRequest(
  events: number,
  data: string = VALUE,
  topicOf: (index: number) => string = () => TOPIC,
): HttpRequest {
  const bodies = Array.from({ length: events }, (_unused, index) => `{"topic":"${topicOf(index)}","data":${data}}`);
  return {
    method: "POST",
    path: "/api/events/publish",
    // The raw server does not parse the body, so it reads the number of events from this header. Koor ignores the
    // header.
    headers: { "Content-Type": "application/json", "X-Bench-Events": String(events) },
    body: events === 1 ? (bodies[0] ?? "") : `[${bodies.join(",")}]`,
  };
}

/** Returns the bytes of a request as ASCII text. */
export function encodeHttp(request: HttpRequest, host: string): string {
  const lines = [`${request.method} ${request.path} HTTP/1.1`, `Host: ${host}`];
  for (const [name, value] of Object.entries(request.headers ?? {})) lines.push(`${name}: ${value}`);
  if (request.body !== undefined) lines.push(`Content-Length: ${Buffer.byteLength(request.body)}`);
  return `${lines.join("\r\n")}\r\n\r\n${request.body ?? ""}`;
}

/** Encodes a Redis command as a RESP array of bulk strings. */
export function encodeRedis(command: readonly string[]): string {
  const parts = command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`);
  return `*${command.length}\r\n${parts.join("")}`;
}
