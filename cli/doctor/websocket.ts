/**
 * Checks whether a WebSocket to the server opens and carries frames. Some proxies do not forward the upgrade. Others
 * forward it, but no frames. Runs in the CLI process.
 */
import { WebSocket } from "ws";

import { CLI_DOCTOR_ANSWER_MS } from "../../schemas/limits/cli.js";
import { joinServerPath } from "../exchange.js";
import { describeSystemError } from "../system-error.js";
import { bearer } from "./access.js";
import type { Check } from "./check.js";
import { tokenOf } from "./caller.js";
import { failure, ok, type Finding } from "./line.js";
import { TOO_LATE } from "./reply.js";

/** Subscribes to a topic that no event has, so the server sends no events. */
const PATH = "/api/events/subscribe?pattern=koor.doctor";
const FIX =
  "let the proxy in between pass the headers Upgrade and Connection; until then, koor events subscribe polls instead";

/** Opens a WebSocket and sends a ping. Returns the reason if no pong arrives; undefined if one does. */
async function findFault(server: URL, token: string): Promise<string | undefined> {
  const scheme = server.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${server.host}${joinServerPath(server, PATH)}`, {
    headers: bearer(token),
    perMessageDeflate: false,
  });
  let isOpen = false;
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve) => {
      timer = setTimeout(() => resolve(isOpen ? "it opens, but no data arrives" : TOO_LATE), CLI_DOCTOR_ANSWER_MS);
      socket.on("open", () => {
        isOpen = true;
        socket.ping();
      });
      socket.on("pong", () => resolve(undefined));
      socket.on("unexpected-response", (_, { statusCode }) =>
        resolve(`the answer is ${statusCode ?? "no status"}, not a WebSocket`),
      );
      socket.on("error", (error) => resolve(describeSystemError(error)));
      socket.on("close", () => resolve("the connection was closed"));
    });
  } finally {
    clearTimeout(timer);
    socket.terminate();
  }
}

function describeEvents(newest: unknown): string {
  if (typeof newest !== "number") return "";
  return newest === 0 ? "; no event was published yet" : `; the newest event is ${newest}`;
}

export const WEBSOCKET: Check = {
  name: "websocket",
  needs: "token",
  run: async (examined): Promise<readonly Finding[]> => {
    const { server } = examined.reached;
    if (server === undefined) return [];
    const fault = await findFault(server.server, tokenOf(examined));
    if (fault !== undefined) return [failure(`no WebSocket to ${server.address}: ${fault}`, FIX)];
    return [ok(`WebSocket passes${describeEvents(examined.access.figures?.["last_event_id"])}`)];
  },
};
