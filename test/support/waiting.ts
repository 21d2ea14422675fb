/** Clients that wait with `GET /api/wait`: a loop that continues by its cursor. Runs in the test's process. */
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

/** A loop over the same conditions. */
export class WaitLoop {
  cursor = "";

  /** @param port may change: a cursor outlives its server */
  constructor(
    public port: number,
    readonly query: string,
    readonly headers: OutgoingHttpHeaders = {},
  ) {}

  /** Makes the next call; without `wait_s` it only looks. */
  async next(waitS = 0, query = this.query): Promise<Matched> {
    const answer = await askWait(this.port, `${query}&after=${this.cursor}&wait=${waitS}`, this.headers);
    if (answer.status !== 200) throw new Error(answer.text);
    const { matched, cursor } = answer.json<Waited>();
    this.cursor = cursor;
    return matched;
  }

  /** Makes the next call, once it waits. */
  async begin(): Promise<{ readonly matched: Promise<Matched> }> {
    const before = await countWaiting(this.port);
    const matched = this.next(60);
    // It may be answered before the test awaits it.
    matched.catch(() => undefined);
    while ((await countWaiting(this.port)) <= before) await betweenLooks();
    return { matched };
  }
}

/** Returns how many calls wait for conditions. */
export function countWaiting(port: number): Promise<number> {
  return readMetric(port, "koor_waiting_calls");
}
