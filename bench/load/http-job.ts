/** Makes the load generator's job for one HTTP server. Pure; runs in the bench process. */
import type { Server } from "../targets/server.js";
import type { LoadJob } from "./generator.js";
import { encodeHttp, type HttpRequest } from "./requests.js";

/**
 * Makes a job that sends `requests` in round-robin order over this number of connections, for `duration_ms`. The
 * expected status of each answer is 200.
 */
export function makeHttpJob(
  server: Pick<Server, "port">,
  requests: readonly HttpRequest[],
  connections: number,
  durationMs: number,
): LoadJob {
  const { port } = server;
  const encoded = requests.map((request) => encodeHttp(request, `127.0.0.1:${port}`));
  return {
    kind: "load",
    protocol: "http",
    port,
    connections,
    requests: encoded,
    expectedStatus: 200,
    duration_ms: durationMs,
  };
}
