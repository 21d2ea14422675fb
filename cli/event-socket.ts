/**
 * Runs one WebSocket session of a subscription, from the upgrade to its end, and returns how it ended. event-feed.ts
 * handles reconnects, positions and polling. Runs in the CLI process.
 */
import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";

import { BODY_BYTES_MAX, CLI_PING_INTERVAL_MS, CLI_UPGRADE_TIMEOUT_MS } from "../schemas/limits.js";
import { STATUSES } from "../schemas/status.js";
import { describeRefusal, makeHeaders } from "./client.js";
import { parsePosition, POSITION_HEADER } from "./cluster.js";
import { joinServerPath } from "./exchange.js";
import type { CliFailure } from "./failure.js";
import type { Settings } from "./settings.js";
import { describeSystemError } from "./system-error.js";

/** An event is slightly longer than the body with which it was published. */
const FRAME_BYTES_MAX = 2 * BODY_BYTES_MAX;
const ERROR_BODY_BYTES_MAX = 64 * 1024;

/** The statuses of a refusal, which another attempt would get again. */
const REFUSALS: ReadonlySet<number> = new Set([
  STATUSES.INVALID_ARGUMENT.http,
  STATUSES.UNAUTHENTICATED.http,
  STATUSES.PERMISSION_DENIED.http,
  STATUSES.MISDIRECTED.http,
]);

export type SessionEnd =
  | { readonly kind: "refused"; readonly failure: CliFailure }
  /** The peer answered with HTTP instead of a WebSocket. */
  | { readonly kind: "blocked"; readonly status: number }
  | { readonly kind: "lost"; readonly opened: boolean; readonly why: string }
  /** The receiver of the frames asked for a new session. */
  | { readonly kind: "resync" };

/** `more`: continue. `wait`: stop reading until `drained` resolves. `resync`: end the session. */
export type FrameAction = "more" | "wait" | "resync";

export interface FrameReceiver {
  /** @param position the server's position in its cluster's log, if it reports one */
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
    // The status is known, and the body would only have added the wording.
  }
  return Buffer.concat(chunks);
}

/** Sends pings while the session is idle, and ends it if the peer did not answer the previous ping. */
function keepAlive(socket: WebSocket): () => void {
  let alive = true;
  const markAlive = (): void => {
    alive = true;
  };
  socket.on("message", markAlive);
  socket.on("ping", markAlive);
  socket.on("pong", markAlive);
  const timer = setInterval(() => {
    // A paused socket receives nothing, so it cannot see an answer.
    if (socket.isPaused) return;
    if (!alive) socket.terminate();
    alive = false;
    if (socket.readyState === WebSocket.OPEN) socket.ping();
  }, CLI_PING_INTERVAL_MS);
  return () => clearInterval(timer);
}

/**
 * Resolves when the session has ended or `signal` ends it.
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
        // One read of the socket may contain many frames. Those after a gap come again in the next session.
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
