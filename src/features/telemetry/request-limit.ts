/**
 * Limits the time of a whole export to the collector. The library's own timeout counts from the last byte, so a
 * collector that drips its answer would keep a request open forever, and meanwhile no other request of its kind is sent.
 * Runs in the export thread.
 */
import type { Agent } from "node:http";
import { TELEMETRY_TIMEOUT_MS } from "../../../schemas/limits/telemetry.js";

/** The longest delay of a timer, in ms. A longer delay would elapse at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/**
 * Returns the timeout of an export in ms, from the standard variables of OpenTelemetry. Ignores invalid values, as the
 * library does.
 * @param signal `"TRACES"` or `"METRICS"`, whose own variable overrides the common one
 */
export function exportTimeoutMs(signal: string, env: NodeJS.ProcessEnv): number {
  const values = [env[`OTEL_EXPORTER_OTLP_${signal}_TIMEOUT`], env["OTEL_EXPORTER_OTLP_TIMEOUT"]].map(Number);
  return Math.min(values.find((ms) => Number.isFinite(ms) && ms > 0) ?? TELEMETRY_TIMEOUT_MS, TIMER_MS_MAX);
}

export class RequestLimit {
  readonly timeoutMs: number;
  #agent: Agent | null = null;

  constructor(timeoutMs: number) {
    this.timeoutMs = timeoutMs;
  }

  /** Returns the agent of all connections to the collector. The exporter calls this method at its first request. */
  agent(protocol: string): Agent {
    const library = process.getBuiltinModule(protocol === "https:" ? "node:https" : "node:http");
    this.#agent ??= new library.Agent({ keepAlive: true });
    return this.#agent;
  }

  /**
   * Runs an export, and closes its connection when its time is up. Returns the reason why the export failed; null if it
   * succeeded.
   */
  async during(run: () => Promise<string | null>): Promise<string | null> {
    let isLate = false;
    // The timer repeats, because the library may be between two attempts, without a connection, when it elapses.
    const timer = setInterval(() => {
      isLate = true;
      this.#agent?.destroy();
    }, this.timeoutMs);
    const error = await run().finally(() => clearInterval(timer));
    return error !== null && isLate ? `the collector did not answer within ${this.timeoutMs} ms` : error;
  }
}
