/**
 * Checks whether the events of an event stream arrive at once. A proxy that buffers answers would hold them back for
 * ever. Runs in the CLI process.
 */
import type { IncomingMessage } from "node:http";

import { CLI_DOCTOR_ANSWER_MS } from "../../schemas/limits/cli.js";
import { STATUSES } from "../../schemas/status.js";
import { NoAnswer } from "../exchange.js";
import { bearer } from "./access.js";
import { tokenOf } from "./caller.js";
import type { Check } from "./check.js";
import { failure, ok } from "./line.js";
import { openReply } from "./reply.js";

/** Requests the events of a topic that no event has. The stream then contains only the server's first comment line. */
const PLAN = { method: "GET", path: "/api/events/stream?pattern=koor.doctor" } as const;
const FIX = "switch off buffering for /api/events/stream in the proxy in between (nginx: proxy_buffering off)";

/** Waits for the first bytes of a stream. Returns false if the stream ends before. */
async function hasPiece(response: IncomingMessage): Promise<boolean> {
  return await new Promise((resolve) => {
    response.once("data", () => resolve(true));
    response.once("error", () => resolve(false));
    response.once("close", () => resolve(false));
  });
}

/** Returns the reason why the stream does not arrive; undefined if it does. */
async function findFault(server: URL, token: string): Promise<string | undefined> {
  const signal = AbortSignal.timeout(CLI_DOCTOR_ANSWER_MS);
  const open = await openReply(server, PLAN, { Accept: "text/event-stream", ...bearer(token) }, signal);
  // A proxy that buffers may hold back even the headers. Then there is no answer at all.
  if (open instanceof NoAnswer) return open.why;
  const { status, response, close } = open;
  try {
    const type = response.headers["content-type"] ?? "";
    if (status !== STATUSES.OK.http) return `the answer is ${status}`;
    if (!type.startsWith("text/event-stream")) return `the answer is not an event stream but ${type || "of no type"}`;
    return (await hasPiece(response)) ? undefined : "the answer begins, but no data arrives";
  } finally {
    close();
  }
}

export const SSE: Check = {
  name: "sse",
  needs: "token",
  run: async (examined) => {
    const { server } = examined.reached;
    if (server === undefined) return [];
    const fault = await findFault(server.server, tokenOf(examined));
    return [
      fault === undefined ? ok("event streams pass") : failure(`no event stream from ${server.address}: ${fault}`, FIX),
    ];
  },
};
