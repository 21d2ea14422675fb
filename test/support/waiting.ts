/** Clients that wait with `GET /api/wait`, in a loop that continues with the cursor. Runs in the test's process. */
import type { OutgoingHttpHeaders } from "node:http";
import { send, type Answer } from "./http-client.js";
import { readMetric } from "./metrics.js";
import { betweenLooks } from "./between-looks.js";

export type Matched = Readonly<Record<string, unknown>> | null;

export interface Waited {
  readonly matched: Matched;
  readonly cursor: string;
}

export function askWait(port: number, query: string, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
  return send(port, "GET", `/api/wait?${query}`, { headers });
}

/** A loop of calls with the same conditions. */
export class WaitLoop {
  cursor = "";

  /**
   * @param port the port of the server. It may change, because a cursor is still valid after the server has restarted
   */
  constructor(
    public port: number,
    readonly query: string,
    readonly headers: OutgoingHttpHeaders = {},
  ) {}

  /** Makes the next call. Without `wait_s`, the call does not wait. */
  async next(waitS = 0, query = this.query): Promise<Matched> {
    const answer = await askWait(this.port, `${query}&after=${this.cursor}&wait=${waitS}`, this.headers);
    if (answer.status !== 200) throw new Error(answer.text);
    const { matched, cursor } = answer.json<Waited>();
    this.cursor = cursor;
    return matched;
  }

  /** Starts the next call, and resolves when the call waits. */
  async begin(): Promise<{ readonly matched: Promise<Matched> }> {
    const before = await countWaiting(this.port);
    const matched = this.next(60);
    // The call may be answered before the test awaits it, so an error must not be unhandled.
    matched.catch(() => undefined);
    while ((await countWaiting(this.port)) <= before) await betweenLooks();
    return { matched };
  }
}

/** Returns the number of calls that wait for conditions. */
export function countWaiting(port: number): Promise<number> {
  return readMetric(port, "koor_waiting_calls");
}
