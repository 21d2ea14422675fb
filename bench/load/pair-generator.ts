/**
 * A load generator for pairs of requests, a process of its own. The first request of a pair takes a claim. The second
 * request gives the claim back, and is made from the answer to the first. Uses raw sockets with keep-alive, and one
 * agent per connection. The figures count pairs.
 */
import { connect, type Socket } from "node:net";
import { createHistogram, performance, type RecordableHistogram } from "node:perf_hooks";
import { serveJobs } from "../job-process.js";
import type { Slice } from "../statistics.js";

export interface PairJob {
  readonly kind: "pairs";
  readonly port: number;
  /** One pair for each connection. */
  readonly pairs: readonly PairOfRequests[];
  readonly duration_ms: number;
}

/** A pair of requests as ASCII text, ready to be sent. */
export interface PairOfRequests {
  readonly first: string;
  /**
   * The second request. `{id}` and `{fence}` are replaced by values of the first answer, and `{length}` by the length
   * of the body.
   */
  readonly second: string;
}

const NS_PER_MS = 1e6;
const BLANK_LINE = "\r\n\r\n";
const CONTENT_LENGTH = /\r\ncontent-length: *(\d+)/i;

interface Held {
  readonly id: string;
  readonly fence: number;
}

/**
 * Returns the claim in an answer, which is a lease or a task in its envelope. Returns undefined if the answer has no
 * claim.
 */
function heldIn(body: string): Held | undefined {
  const answer = JSON.parse(body) as Partial<Held> & { readonly task?: Partial<Held> | null };
  const { id, fence } = answer.task ?? answer;
  return id === undefined || typeof fence !== "number" ? undefined : { id, fence };
}

function makeSecond(template: string, { id, fence }: Held): string {
  const [head = "", body = ""] = template.replaceAll("{id}", id).replaceAll("{fence}", String(fence)).split(BLANK_LINE);
  return head.replace("{length}", String(body.length)) + BLANK_LINE + body;
}

/** The counts of one job, which its connections share. */
class Count {
  readonly latencies: RecordableHistogram = createHistogram();
  readonly startedMs = performance.now();
  pairs = 0;
  refused = 0;
  broken = 0;

  constructor(readonly durationMs: number) {}

  get over(): boolean {
    return performance.now() - this.startedMs >= this.durationMs;
  }
}

/** Runs pairs over one connection until the time is over. A pair that has begun is completed. */
function runPairs(port: number, { first, second }: PairOfRequests, count: Count): Promise<void> {
  return new Promise((resolve) => {
    const socket: Socket = connect(port, "127.0.0.1");
    let text = "";
    let sentMs = 0;
    /** Whether the pending answer belongs to the first request of the pair. */
    let holding = false;
    const send = (request: string): void => {
      sentMs = performance.now();
      socket.write(request, "latin1");
    };
    const begin = (): void => {
      holding = true;
      if (count.over) socket.end();
      else send(first);
    };
    const take = (status: string, body: string): void => {
      count.latencies.record(Math.max(1, Math.round((performance.now() - sentMs) * NS_PER_MS)));
      const held = status === "200" && holding ? heldIn(body) : undefined;
      if (status !== "200" || (holding && held === undefined)) {
        count.refused += 1;
        begin();
      } else if (held !== undefined) {
        holding = false;
        send(makeSecond(second, held));
      } else {
        count.pairs += 1;
        begin();
      }
    };
    socket.setNoDelay(true);
    socket.on("connect", begin);
    socket.on("data", (bytes: Buffer) => {
      text += bytes.toString("latin1");
      const end = text.indexOf(BLANK_LINE);
      const length = Number(CONTENT_LENGTH.exec(text)?.[1] ?? 0);
      if (end < 0 || text.length < end + BLANK_LINE.length + length) return;
      const whole = text;
      text = "";
      take(whole.slice(9, 12), whole.slice(end + BLANK_LINE.length));
    });
    socket.on("error", () => (count.broken += 1));
    socket.on("close", () => resolve());
  });
}

async function generatePairs({ port, pairs, duration_ms }: PairJob): Promise<Slice> {
  const count = new Count(duration_ms);
  await Promise.all(pairs.map((pair) => runPairs(port, pair, count)));
  const { latencies, refused, broken } = count;
  return {
    requests: count.pairs,
    elapsedMs: performance.now() - count.startedMs,
    p50_ms: latencies.percentile(50) / NS_PER_MS,
    p99_ms: latencies.percentile(99) / NS_PER_MS,
    max_ms: count.pairs === 0 ? 0 : latencies.max / NS_PER_MS,
    refused,
    broken,
  };
}

serveJobs(generatePairs);
