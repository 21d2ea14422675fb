/**
 * Limits how many messages, pings and pongs a WebSocket client may send. The server needs none of these frames, but
 * each frame costs a call on the front, and one read can contain tens of thousands of them. Pure.
 */
import { SUBSCRIBER_FRAMES_PER_SECOND_MAX } from "../../../schemas/limits/events.js";
import { SECOND_MS } from "../../../shared/duration.js";

/** The close frame for a client that sends too many frames. 1008 means a policy violation (RFC 6455, section 7.4.1). */
export const TOO_MANY_FRAMES = {
  code: 1008,
  reason: `more than ${SUBSCRIBER_FRAMES_PER_SECOND_MAX} frames in one second: send fewer`,
} as const;

/** How to react to a frame: read it, end the connection with TOO_MANY_FRAMES, or cut the connection. */
export type FrameVerdict = "read" | "end" | "cut";

/** Counts the frames of one socket. */
export class FrameMeter {
  /** When the current second began. A second begins with its first frame. */
  #beganMs = Number.NEGATIVE_INFINITY;
  #frames = 0;
  #ended = false;

  /**
   * Counts a frame. The first frame above the limit returns "end". Later frames return "cut", because a client that
   * still sends has not reacted to the close frame.
   * @param nowMs monotonic time
   */
  take(nowMs: number): FrameVerdict {
    if (this.#ended) return "cut";
    if (nowMs - this.#beganMs >= SECOND_MS) {
      this.#beganMs = nowMs;
      this.#frames = 0;
    }
    this.#frames += 1;
    if (this.#frames <= SUBSCRIBER_FRAMES_PER_SECOND_MAX) return "read";
    this.#ended = true;
    return "end";
  }
}
