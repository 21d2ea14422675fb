/**
 * Meters what a WebSocket client sends: messages, pings and pongs. The server uses none of it, but each frame costs a
 * call on the front, and a read has room for tens of thousands. Pure.
 */
import { SUBSCRIBER_FRAMES_PER_SECOND_MAX } from "../../schemas/limits.js";
import { SECOND_MS } from "../../shared/duration.js";

/** The close frame for a client that sends too many frames. 1008: it violates a policy (RFC 6455, 7.4.1). */
export const TOO_MANY_FRAMES = {
  code: 1008,
  reason: `more than ${SUBSCRIBER_FRAMES_PER_SECOND_MAX} frames in one second: send fewer`,
} as const;

/** The treatment of a frame: read it, send TOO_MANY_FRAMES, or cut the connection. */
export type FrameVerdict = "read" | "end" | "cut";

/** Counts the frames of one socket. */
export class FrameMeter {
  /** When the current second began. It began with its first frame. */
  #began_ms = Number.NEGATIVE_INFINITY;
  #frames = 0;
  #ended = false;

  /**
   * Counts a frame. The first frame beyond the limit gets "end". Later ones get "cut", because the client has not got
   * the close frame yet, and still sends.
   * @param now_ms the time of a clock that does not go back
   */
  take(now_ms: number): FrameVerdict {
    if (this.#ended) return "cut";
    if (now_ms - this.#began_ms >= SECOND_MS) {
      this.#began_ms = now_ms;
      this.#frames = 0;
    }
    this.#frames += 1;
    if (this.#frames <= SUBSCRIBER_FRAMES_PER_SECOND_MAX) return "read";
    this.#ended = true;
    return "end";
  }
}
