/**
 * The subscriber process. It holds up to thousands of subscribers and the publisher, so that one clock measures the
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
/** The count of the first delivery that the current publish causes, and the time of this delivery. */
let awaitedFirst = 0;
let firstMs = 0;
let whenReceived: (complete: boolean) => void = () => undefined;

function countEvent(): void {
  received++;
  if (received === awaitedFirst) firstMs = performance.now();
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

/** The connection of the publisher, with one request in flight. */
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
    // A publish counts as refused if its connection breaks.
    this.#socket.on("error", () => this.#settle(false));
    this.#socket.on("close", () => this.#settle(false));
  }

  /** Resolves to true if the request was answered with 200. */
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

/**
 * Resolves to true as soon as `awaited` events have come, or to false if no event has come for `DELIVERY_TIMEOUT_MS`.
 */
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
  const deliveriesPerPublish = job.delivered ? job.eventsPerRequest * reading.length : 0;
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
  const startedMs = performance.now();
  let nowMs = startedMs;
  while (nowMs - startedMs < job.duration_ms && publishes < (job.publishesMax ?? Infinity)) {
    const request = requests[publishes++ % requests.length];
    if (request === undefined) throw new Error("a publish job has requests");
    const sentMs = nowMs;
    awaitedFirst = awaited + 1;
    awaited += deliveriesPerPublish;
    const delivered = waitForDeliveries().then((complete) => {
      const endedMs = performance.now();
      if (complete) record(deliveries, endedMs - sentMs);
      if (complete && deliveriesPerPublish > 0) record(spreads, endedMs - firstMs);
      return complete;
    });
    const answered = await publisher.publish(request);
    record(answers, performance.now() - sentMs);
    if (!answered) refused++;
    // The job ends after a lost event, because each further publish would only run into the timeout. The result has the
    // figures so far, and the number of lost events.
    if (!(await delivered)) break;
    nowMs = performance.now();
  }
  publisher.close();
  const expected = publishes * (job.delivered ? job.eventsPerRequest : 0);
  const lost = reading.reduce(
    (sum, subscriber, index) => sum + Math.abs(expected - (subscriber.received - (before[index] ?? 0))),
    0,
  );
  return {
    publishes,
    events: publishes * job.eventsPerRequest,
    deliveries: received,
    lost,
    refused,
    elapsedMs: nowMs - startedMs,
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
