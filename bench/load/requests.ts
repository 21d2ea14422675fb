/**
 * The requests that the load generators send, as data: one description becomes the bytes for the node
 * generator, for wrk's script, and its counterpart for Redis. Pure; runs in the bench process.
 */
import { createHash } from "node:crypto";
import { KEYS, VALUE_BYTES } from "../settings.js";

export interface HttpRequest {
  readonly method: "GET" | "PUT" | "POST";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A JSON object of exactly `bytes` ASCII bytes, like the value that an agent keeps about its work. */
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
/** The ETag under which Koor serves VALUE. */
export const VALUE_ETAG = `"${createHash("sha256").update(VALUE).digest("hex")}"`;

export const TOPIC = "bench.event.published";

/** The key with this number, of equal length for all. */
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

/** Makes a publish of `events` events with the topic of `topicOf`; the body is an array where there are several. */
export function publishRequest(
  events: number,
  data: string = VALUE,
  topicOf: (index: number) => string = () => TOPIC,
): HttpRequest {
  const bodies = Array.from({ length: events }, (_unused, index) => `{"topic":"${topicOf(index)}","data":${data}}`);
  return {
    method: "POST",
    path: "/api/events/publish",
    // The raw reference parses no body and reads the number of events here. For Koor it is a header like any other.
    headers: { "Content-Type": "application/json", "X-Bench-Events": String(events) },
    body: events === 1 ? (bodies[0] ?? "") : `[${bodies.join(",")}]`,
  };
}

/** The request as it goes over the wire, ASCII only. */
export function encodeHttp(request: HttpRequest, host: string): string {
  const lines = [`${request.method} ${request.path} HTTP/1.1`, `Host: ${host}`];
  for (const [name, value] of Object.entries(request.headers ?? {})) lines.push(`${name}: ${value}`);
  if (request.body !== undefined) lines.push(`Content-Length: ${Buffer.byteLength(request.body)}`);
  return `${lines.join("\r\n")}\r\n\r\n${request.body ?? ""}`;
}

/** A Redis command in its wire form, RESP arrays of bulk strings. */
export function encodeRedis(command: readonly string[]): string {
  const parts = command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`);
  return `*${command.length}\r\n${parts.join("")}`;
}
