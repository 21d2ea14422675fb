/**
 * The common parts of the scenarios with subscribers: they open subscribers, measure one stretch of publishing, and
 * merge the figures of many stretches. Runs in the bench process; the subscriber process owns the sockets.
 */
import { encodeHttp, publishRequest, type HttpRequest } from "./load/requests.js";
import type { JobProcess } from "./job-process.js";
import type { Figures } from "./model.js";
import { withCpu, type SpentCpu } from "./process-cost.js";
import { figuresOf, median, quotient } from "./statistics.js";
import type { OpenJob, PublishJob, PublishResult } from "./subscribers/jobs.js";
import type { Server } from "./targets/server.js";

const SUBSCRIBE_PATH = "/api/events/subscribe";
const OPEN_MS_PER_SUBSCRIBER = 10;
const SETTLE_MS = 250;

export type Stretch = PublishResult & SpentCpu;

/** Opens one subscriber for each pattern. Resolves when all of them are open. */
export async function openSubscribers(
  process: JobProcess,
  server: Server,
  patterns: readonly string[],
  stalled: boolean,
): Promise<void> {
  const paths = patterns.map((pattern) => `${SUBSCRIBE_PATH}?pattern=${encodeURIComponent(pattern)}`);
  const job: OpenJob = { kind: "open", port: server.port, paths, stalled };
  await process.run<number>({ ...job, duration_ms: paths.length * OPEN_MS_PER_SUBSCRIBER });
}

export async function closeSubscribers(process: JobProcess): Promise<void> {
  await process.run<number>({ kind: "close" });
}

export interface StretchOptions {
  readonly requests?: readonly HttpRequest[];
  readonly eventsPerRequest: number;
  readonly delivered?: boolean;
  readonly duration_ms: number;
  readonly publishesMax?: number;
  /** The query parameter that selects how the raw server delivers events. */
  readonly query?: string;
}

/** Publishes for the given time, and measures the CPU time that the server uses meanwhile. */
export function measureStretch(process: JobProcess, server: Server, options: StretchOptions): Promise<Stretch> {
  const { eventsPerRequest, duration_ms, publishesMax } = options;
  const described = options.requests ?? [publishRequest(eventsPerRequest)];
  const requests = described.map((request) =>
    encodeHttp({ ...request, path: `${request.path}${options.query ?? ""}` }, `127.0.0.1:${server.port}`),
  );
  const job: PublishJob = {
    kind: "publish",
    port: server.port,
    requests,
    eventsPerRequest,
    delivered: options.delivered ?? true,
    duration_ms,
    ...(publishesMax === undefined ? {} : { publishesMax }),
  };
  return withCpu(server.pid, () => process.run<PublishResult>(job));
}

/**
 * Measures a stretch. Before a stretch of single events, publishes for a while without measuring. This is necessary
 * because a delivery costs up to a third more in the first 150 ms after another server was measured: the hundreds of
 * sockets of this server are no longer in the processor's caches.
 */
export async function measureSettled(process: JobProcess, server: Server, options: StretchOptions): Promise<Stretch> {
  if (options.eventsPerRequest === 1) await measureStretch(process, server, { ...options, duration_ms: SETTLE_MS });
  return measureStretch(process, server, options);
}

export function deliveryRateOf(stretch: Stretch): number | undefined {
  return stretch.elapsedMs > 0 ? (stretch.deliveries / stretch.elapsedMs) * 1_000 : undefined;
}

export function publishRateOf(stretch: Stretch): number | undefined {
  return stretch.elapsedMs > 0 ? (stretch.events / stretch.elapsedMs) * 1_000 : undefined;
}

/** Returns the CPU time per delivery in microseconds. It includes the publishes. */
export function stretchCpuOf(stretch: Stretch): number | undefined {
  return stretch.deliveries === 0 ? undefined : quotient(stretch.cpu_us, stretch.deliveries);
}

/**
 * Returns the CPU time per delivery of the front thread alone, in microseconds. The work of other threads for a publish
 * does not count.
 */
export function frontCpuOf(stretch: Stretch): number | undefined {
  return stretch.deliveries === 0 ? undefined : quotient(stretch.mainCpuUs, stretch.deliveries);
}

/** Returns the CPU time per delivery over all stretches together, in microseconds. It includes the publishes. */
export function deliveryCpuOf(stretches: readonly Stretch[]): number | undefined {
  const known = stretches.filter((stretch) => stretch.cpu_us !== undefined);
  const deliveries = known.reduce((sum, stretch) => sum + stretch.deliveries, 0);
  return deliveries === 0 ? undefined : known.reduce((sum, stretch) => sum + (stretch.cpu_us ?? 0), 0) / deliveries;
}

/**
 * Merges stretches: takes the median of each time, the CPU time over all stretches, and the sums of lost events and of
 * refused publishes.
 */
export function mergeStretches(stretches: readonly Stretch[]): Figures {
  const medianOf = (figure: (stretch: Stretch) => number | undefined): number | undefined => {
    const values = stretches.map(figure).filter((value) => value !== undefined);
    return values.length === 0 ? undefined : median(values);
  };
  return figuresOf({
    deliveries_per_s: medianOf(deliveryRateOf),
    events_per_s: medianOf(publishRateOf),
    cpu_us_a_delivery: deliveryCpuOf(stretches),
    front_cpu_us_a_delivery: medianOf(frontCpuOf),
    last_p50_ms: medianOf((stretch) => stretch.last_delivery_p50_ms),
    last_p99_ms: medianOf((stretch) => stretch.last_delivery_p99_ms),
    answer_p50_ms: medianOf((stretch) => stretch.answer_p50_ms),
    lost: stretches.reduce((sum, stretch) => sum + stretch.lost, 0),
    refused: stretches.reduce((sum, stretch) => sum + stretch.refused, 0),
  });
}
