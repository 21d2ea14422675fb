/**
 * Runs one WebSocket session of a subscription, from the upgrade to its end. Returns how the session ended.
 * event-feed.ts reconnects, tracks positions and polls. Runs in the CLI process.
 */
import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";

import { CLI_PING_INTERVAL_MS, CLI_UPGRADE_TIMEOUT_MS } from "../schemas/limits/cli.js";
import { BODY_BYTES_MAX } from "../schemas/limits/request-bodies.js";
import { STATUSES } from "../schemas/status.js";
import { describeRefusal, makeHeaders } from "./client.js";
import { parsePosition, POSITION_HEADER } from "./cluster.js";
import { joinServerPath } from "./exchange.js";
import type { CliFailure } from "./failure.js";
import type { Settings } from "./settings.js";
import { describeSystemError } from "./system-error.js";

/**
 * The maximum size of a frame. A frame has one event, which is slightly longer than the request that published the
 * event.
 */
const FRAME_BYTES_MAX = 2 * BODY_BYTES_MAX;
const ERROR_BODY_BYTES_MAX = 64 * 1024;

/** The statuses of a final refusal. A repeated attempt would get the same status. */
const REFUSALS: ReadonlySet<number> = new Set([
  STATUSES.INVALID_ARGUMENT.http,
  STATUSES.UNAUTHENTICATED.http,
  STATUSES.PERMISSION_DENIED.http,
  STATUSES.MISDIRECTED.http,
]);

export type SessionEnd =
  | { readonly kind: "refused"; readonly failure: CliFailure }
  /** The server, or a proxy, answered the upgrade request with plain HTTP. */
  | { readonly kind: "blocked"; readonly status: number }
  | { readonly kind: "lost"; readonly opened: boolean; readonly why: string }
  /** The receiver of the frames asked for a new session. */
  | { readonly kind: "resync" };

/**
 * The receiver's answer to a frame. `more`: continue. `wait`: read nothing until `drained` resolves. `resync`: end this
 * session, so that a new one starts.
 */
export type FrameAction = "more" | "wait" | "resync";

export interface FrameReceiver {
  /** @param position the server's position in its cluster's log, if the server reports one */
  opened(position: number | undefined): void;
  take(frame: Buffer): FrameAction;
  drained(): Promise<void>;
}

async function readErrorBody(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > ERROR_BODY_BYTES_MAX) break;
      chunks.push(chunk);
    }
  } catch {
    // Ignore the error. The status is enough; the body would only explain it.
  }
  return Buffer.concat(chunks);
}

/** Sends pings at an interval. Ends the session if nothing has arrived between two pings. */
function keepAlive(socket: WebSocket): () => void {
  let alive = true;
  const markAlive = (): void => {
    alive = true;
  };
  socket.on("message", markAlive);
  socket.on("ping", markAlive);
  socket.on("pong", markAlive);
  const timer = setInterval(() => {
    // Send no ping while the socket is paused, because the pong would not be read.
    if (socket.isPaused) return;
    if (!alive) socket.terminate();
    alive = false;
    if (socket.readyState === WebSocket.OPEN) socket.ping();
  }, CLI_PING_INTERVAL_MS);
  return () => clearInterval(timer);
}

/**
 * Runs a session until it ends by itself or `signal` fires. Resolves with the reason.
 * @param path the path and query below the server's path prefix
 */
export async function runSession(
  settings: Settings,
  server: URL,
  path: string,
  receiver: FrameReceiver,
  signal: AbortSignal,
): Promise<SessionEnd> {
  const scheme = server.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${server.host}${joinServerPath(server, path)}`, {
    headers: makeHeaders(settings),
    handshakeTimeout: CLI_UPGRADE_TIMEOUT_MS,
    maxPayload: FRAME_BYTES_MAX,
    perMessageDeflate: false,
  });
  const stopPings = keepAlive(socket);
  const abort = (): void => socket.terminate();
  signal.addEventListener("abort", abort);

  try {
    return await new Promise<SessionEnd>((resolve) => {
      let opened = false;
      let resyncing = false;
      let why = "the connection was closed";
      let position: number | undefined;
      socket.on("upgrade", (response) => {
        position = parsePosition(response.headers[POSITION_HEADER]);
      });
      socket.on("open", () => {
        opened = true;
        receiver.opened(position);
      });
      socket.on("message", (frame: Buffer) => {
        // One read of the socket may deliver many frames. Ignore those after a `resync`, because the next session
        // delivers them again.
        if (resyncing) return;
        const action = receiver.take(frame);
        if (action === "resync") {
          resyncing = true;
          resolve({ kind: "resync" });
        } else if (action === "wait" && !socket.isPaused) {
          socket.pause();
          void receiver.drained().then(() => socket.resume());
        }
      });
      socket.on("unexpected-response", (_, response) => {
        const status = response.statusCode ?? 0;
        if (!REFUSALS.has(status)) resolve({ kind: "blocked", status });
        else
          void readErrorBody(response).then((body) =>
            resolve({ kind: "refused", failure: describeRefusal(status, body) }),
          );
      });
      socket.on("error", (error) => {
        why = describeSystemError(error);
      });
      socket.on("close", () => resolve({ kind: "lost", opened, why }));
    });
  } finally {
    stopPings();
    signal.removeEventListener("abort", abort);
    socket.terminate();
  }
}
