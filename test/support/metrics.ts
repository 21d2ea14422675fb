/** Reads single metrics of a server under test. Runs in the test's process. */
import type { OutgoingHttpHeaders } from "node:http";
import { send } from "./http-client.js";

/** Returns the value of a metric without labels; NaN if there is none. */
export async function readMetric(port: number, name: string, headers: OutgoingHttpHeaders = {}): Promise<number> {
  const { text } = await send(port, "GET", "/metrics", { headers });
  return Number(new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1]);
}

/** Returns the number of requests in flight, except this request. */
export async function countInFlight(port: number, headers: OutgoingHttpHeaders = {}): Promise<number> {
  return (await readMetric(port, "koor_http_requests_in_flight", headers)) - 1;
}
