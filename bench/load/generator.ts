/**
 * The load generator, a process of its own. It uses raw sockets with keep-alive, has one request in flight per
 * connection, and sends prebuilt bytes in round-robin order. The result of a job has its counts and latencies. The
 * bench process decides what is sent and where.
 */
import { connect, type Socket } from "node:net";
import { createHistogram, performance, type RecordableHistogram } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { serveJobs } from "../job-process.js";
import { BROKEN_CONNECTIONS_MAX, CONNECTS_AT_ONCE_MAX, REPLY_TIMEOUT_MS } from "../settings.js";
import type { Slice } from "../statistics.js";
import { createReplyReader, type Protocol, type ReplyReader } from "./reply-reader.js";

export interface LoadJob {
  readonly kind: "load";
  readonly protocol: Protocol;
  readonly port: number;
  /** The ports of further servers. The connections are spread over these ports and `port`. */
  readonly morePorts?: readonly number[];
  readonly connections: number;
  /** Whole HTTP requests as ASCII text, which all connections send in round-robin order. */
  readonly requests: readonly string[];
  /** The HTTP status of an expected answer. An answer with another status counts as refused. */
  readonly expectedStatus: number;
  readonly duration_ms: number;
  /** The number of requests after which the job ends, if its time is not over yet. */
  readonly requestsMax?: number;
  /**
   * The number of requests per second, if the server answers in time. Absent: each request follows the previous answer
   * at once.
   */
  readonly ratePerS?: number;
}

/**
 * The placeholder of a number. When the generator sends a request that contains it, it puts a number in its place. No
 * two requests of a run get the same number.
 */
export const NUMBER_MARK = "#".repeat(20);

const READ_BYTES = 65_536;
const NS_PER_MS = 1e6;
const MS_PER_S = 1_000;

/** The state of one job, which its connections share. */
class Load {
  readonly job: LoadJob;
  readonly requests: readonly Buffer[];
  /** The position of the placeholder in each request; -1 if there is none. */
  readonly #markedAt: readonly number[];
  /**
   * The number from which the requests are counted. It is the time in microseconds, so a later job of a run begins with
   * a higher number, unless this job sends more than a million requests per second.
   */
  readonly #numberFrom = Date.now() * MS_PER_S;
  readonly latencies: RecordableHistogram = createHistogram();
  /**
   * All sockets share this buffer: libuv reads one socket at a time and hands its bytes over before it reads the next
   * one.
   */
  readonly readBuffer = Buffer.allocUnsafe(READ_BYTES);
  startedMs = 0;
  endedMs = 0;
  sent = 0;
  answered = 0;
  refused = 0;
  broken = 0;
  inFlight = 0;
  stopping = false;
  finish: () => void = () => undefined;

  constructor(job: LoadJob) {
    this.job = job;
    this.requests = job.requests.map((text) => Buffer.from(text, "latin1"));
    this.#markedAt = job.requests.map((text) => text.indexOf(NUMBER_MARK));
  }

  /** Returns the time in ms until the next request may be sent; 0 if it may be sent now. */
  waitMs(nowMs: number): number {
    const { ratePerS } = this.job;
    return ratePerS === undefined ? 0 : Math.max(0, this.startedMs + (this.sent * MS_PER_S) / ratePerS - nowMs);
  }

  nextRequest(nowMs: number): Buffer | undefined {
    if (nowMs - this.startedMs >= this.job.duration_ms) this.stopping = true;
    if (this.job.requestsMax !== undefined && this.sent >= this.job.requestsMax) this.stopping = true;
    if (this.broken >= BROKEN_CONNECTIONS_MAX) this.stopping = true;
    if (this.stopping) return undefined;
    const at = this.sent++ % this.requests.length;
    const request = this.requests[at];
    const markedAt = this.#markedAt[at] ?? -1;
    if (markedAt >= 0) request?.write(String(this.#numberFrom + this.sent).padStart(NUMBER_MARK.length, "0"), markedAt);
    return request;
  }

  /** Called when a connection has no request in flight and will send none. The last such call ends the job. */
  settle(nowMs: number): void {
    this.inFlight--;
    this.endedMs = nowMs;
    if (this.inFlight === 0) this.finish();
  }
}

class Connection {
  readonly #load: Load;
  readonly #reader: ReplyReader;
  readonly #socket: Socket;
  readonly opened: Promise<void>;
  #sentMs = 0;
  #busy = false;

  constructor(load: Load, port: number) {
    this.#load = load;
    this.#reader = createReplyReader(load.job.protocol, load.job.expectedStatus);
    this.#socket = connect({
      host: "127.0.0.1",
      port,
      onread: { buffer: load.readBuffer, callback: (length, bytes) => this.#receive(length, bytes) },
    });
    this.#socket.setNoDelay(true);
    this.opened = new Promise((resolve, reject) => {
      this.#socket.once("connect", resolve);
      this.#socket.once("error", reject);
    });
    this.#socket.on("close", () => this.#closed());
  }

  /** Sends the next request when it is due, or settles the connection if the job is over. */
  send(nowMs: number): void {
    const waitMs = this.#load.waitMs(nowMs);
    if (waitMs < 1) this.#send(nowMs);
    else setTimeout(() => this.send(performance.now()), waitMs);
  }

  #send(nowMs: number): void {
    const request = this.#load.nextRequest(nowMs);
    this.#busy = request !== undefined;
    if (request === undefined) {
      this.#load.settle(nowMs);
      return;
    }
    this.#sentMs = nowMs;
    this.#socket.write(request);
  }

  close(): void {
    this.#busy = false;
    this.#socket.destroy();
  }

  #receive(length: number, bytes: Uint8Array): boolean {
    const state = this.#reader.feed(bytes as Buffer, length);
    if (state === "more") return true;
    if (state === "broken") {
      this.#socket.destroy();
      return false;
    }
    const nowMs = performance.now();
    this.#load.latencies.record(Math.max(1, Math.round((nowMs - this.#sentMs) * NS_PER_MS)));
    this.#load.answered++;
    if (state === "other") this.#load.refused++;
    this.send(nowMs);
    return true;
  }

  #closed(): void {
    if (!this.#busy) return;
    this.#busy = false;
    this.#load.broken++;
    this.#load.settle(performance.now());
  }
}

async function openConnections(load: Load): Promise<Connection[]> {
  const connections: Connection[] = [];
  const ports = [load.job.port, ...(load.job.morePorts ?? [])];
  const portOf = (at: number): number => ports[at % ports.length] ?? load.job.port;
  while (connections.length < load.job.connections) {
    const batch = Array.from(
      { length: Math.min(CONNECTS_AT_ONCE_MAX, load.job.connections - connections.length) },
      (_unused, index) => new Connection(load, portOf(connections.length + index)),
    );
    await Promise.all(batch.map((connection) => connection.opened));
    connections.push(...batch);
  }
  return connections;
}

/** Runs one job to its end. A connection that breaks is counted and not reopened. */
async function generateLoad(job: LoadJob): Promise<Slice> {
  const load = new Load(job);
  const connections = await openConnections(load);
  const patience = new AbortController();
  const finished = new Promise<void>((resolve) => {
    load.finish = resolve;
    load.inFlight = connections.length;
    load.startedMs = performance.now();
    for (const connection of connections) connection.send(load.startedMs);
  });
  const overdue = delay(job.duration_ms + REPLY_TIMEOUT_MS, undefined, { signal: patience.signal }).catch(
    () => undefined,
  );
  await Promise.race([finished, overdue]);
  patience.abort();
  const unanswered = load.inFlight;
  for (const connection of connections) connection.close();
  return {
    requests: load.answered,
    elapsedMs: (unanswered > 0 ? performance.now() : load.endedMs) - load.startedMs,
    p50_ms: load.latencies.percentile(50) / NS_PER_MS,
    p99_ms: load.latencies.percentile(99) / NS_PER_MS,
    max_ms: load.answered === 0 ? 0 : load.latencies.max / NS_PER_MS,
    refused: load.refused,
    broken: load.broken + unanswered,
  };
}

serveJobs(generateLoad);
