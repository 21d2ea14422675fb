/**
 * The subscriber process: it holds up to thousands of subscribers and the one publisher, so that one clock measures the
 * time from a publish to its last delivery. The bench process decides what is opened and published.
 */
import { connect, type Socket } from "node:net";
import { createHistogram, performance } from "node:perf_hooks";
import { serveJobs } from "../job-process.js";
import { createReplyReader } from "../load/reply-reader.js";
import { CONNECTS_AT_ONCE_MAX, DELIVERY_TIMEOUT_MS, REPLY_TIMEOUT_MS } from "../settings.js";
import type { OpenJob, PublishJob, PublishResult, SubscriberJob } from "./jobs.js";
import { Subscriber } from "./subscriber.js";

const NS_PER_MS = 1e6;

let reading: Subscriber[] = [];
let stalled: Subscriber[] = [];
let received = 0;
let awaited = 0;
/** The number of the event with which the deliveries of a publish begin, and its time. */
let awaited_first = 0;
let first_ms = 0;
let whenReceived: (complete: boolean) => void = () => undefined;

function countEvent(): void {
  received++;
  if (received === awaited_first) first_ms = performance.now();
  if (received === awaited) whenReceived(true);
}

async function openSubscribers(job: OpenJob): Promise<number> {
  const opened = job.stalled ? stalled : reading;
  for (let first = 0; first < job.paths.length; first += CONNECTS_AT_ONCE_MAX) {
    const batch = job.paths.slice(first, first + CONNECTS_AT_ONCE_MAX).map((path) => {
      const subscriber = new Subscriber(job.port, path, job.stalled, countEvent);
      opened.push(subscriber);
      return subscriber.opened;
    });
    await Promise.all(batch);
  }
  return opened.length;
}

function closeSubscribers(): number {
  const all = [...reading, ...stalled];
  for (const subscriber of all) subscriber.close();
  reading = [];
  stalled = [];
  received = 0;
  awaited = 0;
  return all.length;
}

/** The publisher's connection: one request in flight. */
class Publisher {
  readonly #socket: Socket;
  #settle: (expected: boolean) => void = () => undefined;

  constructor(port: number) {
    const reader = createReplyReader("http", 200);
    this.#socket = connect({ host: "127.0.0.1", port });
    this.#socket.setNoDelay(true);
    this.#socket.on("data", (bytes: Buffer) => {
      const state = reader.feed(bytes, bytes.length);
      if (state !== "more") this.#settle(state === "expected");
    });
    // A lost connection counts as a refused publish.
    this.#socket.on("error", () => this.#settle(false));
    this.#socket.on("close", () => this.#settle(false));
  }

  /** Resolves to true when the request was answered with 200. */
  publish(request: Buffer): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#settle(false), REPLY_TIMEOUT_MS);
      this.#settle = (expected) => {
        clearTimeout(timer);
        this.#settle = () => undefined;
        resolve(expected);
      };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Resolves to true as soon as `awaited` events have come, and to false when none has come for too long. */
function waitForDeliveries(): Promise<boolean> {
  if (received >= awaited) return Promise.resolve(true);
  return new Promise((resolve) => {
    let seen = received;
    const timer = setInterval(() => {
      if (received === seen) whenReceived(false);
      seen = received;
    }, DELIVERY_TIMEOUT_MS);
    whenReceived = (complete) => {
      clearInterval(timer);
      whenReceived = () => undefined;
      resolve(complete);
    };
  });
}

async function publishInTurn(job: PublishJob): Promise<PublishResult> {
  const requests = job.requests.map((text) => Buffer.from(text, "latin1"));
  const deliveries_per_publish = job.delivered ? job.events_per_request * reading.length : 0;
  const before = reading.map((subscriber) => subscriber.received);
  const publisher = new Publisher(job.port);
  const deliveries = createHistogram();
  const spreads = createHistogram();
  const answers = createHistogram();
  const record = (histogram: typeof answers, ms: number): void =>
    histogram.record(Math.max(1, Math.round(ms * NS_PER_MS)));
  received = 0;
  awaited = 0;
  let publishes = 0;
  let refused = 0;
  const started_ms = performance.now();
  let now_ms = started_ms;
  while (now_ms - started_ms < job.duration_ms && publishes < (job.publishes_max ?? Infinity)) {
    const request = requests[publishes++ % requests.length];
    if (request === undefined) throw new Error("a publish job has requests");
    const sent_ms = now_ms;
    awaited_first = awaited + 1;
    awaited += deliveries_per_publish;
    const delivered = waitForDeliveries().then((complete) => {
      const ended_ms = performance.now();
      if (complete) record(deliveries, ended_ms - sent_ms);
      if (complete && deliveries_per_publish > 0) record(spreads, ended_ms - first_ms);
      return complete;
    });
    const answered = await publisher.publish(request);
    record(answers, performance.now() - sent_ms);
    if (!answered) refused++;
    // After a loss the remaining publishes would only wait: the result is the figures until then, and the loss.
    if (!(await delivered)) break;
    now_ms = performance.now();
  }
  publisher.close();
  const expected = publishes * (job.delivered ? job.events_per_request : 0);
  const lost = reading.reduce(
    (sum, subscriber, index) => sum + Math.abs(expected - (subscriber.received - (before[index] ?? 0))),
    0,
  );
  return {
    publishes,
    events: publishes * job.events_per_request,
    deliveries: received,
    lost,
    refused,
    elapsed_ms: now_ms - started_ms,
    last_delivery_p50_ms: deliveries.percentile(50) / NS_PER_MS,
    last_delivery_p99_ms: deliveries.percentile(99) / NS_PER_MS,
    last_delivery_max_ms: deliveries.count === 0 ? 0 : deliveries.max / NS_PER_MS,
    spread_p50_ms: spreads.percentile(50) / NS_PER_MS,
    answer_p50_ms: answers.percentile(50) / NS_PER_MS,
    answer_p99_ms: answers.percentile(99) / NS_PER_MS,
  };
}

serveJobs((job: SubscriberJob) => {
  if (job.kind === "open") return openSubscribers(job);
  if (job.kind === "close") return closeSubscribers();
  return publishInTurn(job);
});
