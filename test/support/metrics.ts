/** Single metrics of a server under test, asked for over and over. Runs in the test's process. */
import type { OutgoingHttpHeaders } from "node:http";
import { send } from "./http-client.js";

/** The value of a metric without labels; NaN where there is none. */
export async function readMetric(port: number, name: string, headers: OutgoingHttpHeaders = {}): Promise<number> {
  const { text } = await send(port, "GET", "/metrics", { headers });
  return Number(new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1]);
}

/** How many requests the server is about to answer, the one that asks not counted. */
export async function countInFlight(port: number, headers: OutgoingHttpHeaders = {}): Promise<number> {
  return (await readMetric(port, "koor_http_requests_in_flight", headers)) - 1;
}
