/**
 * Caches decoded reports in a worker of the pool. Decoding the reports of a workspace takes longer than comparing them.
 * A changed report gets a new row, so a cached report is never stale. The cache evicts the least recently used reports.
 * Pure except for its state.
 */
import { RADAR_BYTES_MAX } from "../../../schemas/limits/radar.js";
import type { Report } from "./report.js";

export class ReportCache {
  /** The reports by their rows, the least recently used first. */
  readonly #reports = new Map<number, Report>();
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax = RADAR_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  get size(): number {
    return this.#reports.size;
  }

  /** Returns the report of a row. Decodes the report if it is not cached. */
  of(row: number, decode: () => Report): Report {
    const known = this.#reports.get(row);
    const report = known ?? decode();
    this.#reports.delete(row);
    this.#reports.set(row, report);
    if (known === undefined) this.#bytes += report.bytes;
    for (const [oldest, { bytes }] of this.#reports) {
      if (this.#bytes <= this.#bytesMax || oldest === row) break;
      this.#reports.delete(oldest);
      this.#bytes -= bytes;
    }
    return report;
  }
}
