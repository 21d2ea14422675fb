/**
 * The program of the thread that exports spans and metrics. It computes the spans with its own read-only database
 * handle. At most one request of each kind to the collector is in flight, so a slow collector delays only the export.
 */
import { parentPort, workerData } from "node:worker_threads";
import { must } from "../../base/assert.js";
import { sha256 } from "../../base/crypto.js";
import { reasonOf } from "../../base/reason.js";
import { Reader } from "../../platform/threads/reader.js";
import { leaseReader } from "../claims/table.js";
import type { TelemetryReply, TelemetryRequest, TelemetryThreadData } from "./messages.js";
import { OtlpClient } from "./otlp.js";
import { computeBatch } from "./span-batch.js";
import { SpanComputer } from "./spans.js";
import { traceReader } from "./table.js";

/** Returns the answer to a request that was not exported at all. */
function failedReply(request: TelemetryRequest, error: string): TelemetryReply {
  const skipped = request.kind === "spans" ? request.events.length : 0;
  return { kind: request.kind, items: 0, skipped, skipReason: null, error };
}

/** Serves the requests of the front until the thread is terminated. */
export function runTelemetry(): void {
  const { data_dir, settings, url, instance, version, startedMs } = workerData as TelemetryThreadData;
  const port = must(parentPort, "this program runs in a thread");
  const client = new OtlpClient({ url, instance, version });
  const { models } = new Reader(data_dir, settings);
  const computer = new SpanComputer({
    tasks: models.use(traceReader),
    leases: models.use(leaseReader),
    hash: (text) => sha256(text, "hex"),
  });

  const serve = async (request: TelemetryRequest): Promise<TelemetryReply> => {
    if (request.kind === "metrics") {
      const { figures, atMs } = request;
      const error = await client.exportMetrics(figures, startedMs, atMs);
      return { kind: "metrics", items: figures.length, skipped: 0, skipReason: null, error };
    }
    if (request.claims !== null) computer.begin(request.claims);
    const { spans, skipped, reason } = computeBatch(computer, request.events);
    const error = spans.length === 0 ? null : await client.exportSpans(spans);
    return { kind: "spans", items: spans.length, skipped, skipReason: reason, error };
  };

  port.on("message", (request: TelemetryRequest) => {
    void serve(request)
      .catch((error: unknown) => failedReply(request, reasonOf(error)))
      .then((reply) => port.postMessage(reply));
  });
}
