/** A log's servers, as the benchmarks know them: where a node finds it, and whose CPU time it is. Pure. */

export interface LogServers {
  /** Its name in the report. */
  readonly name: string;
  /** What a node takes as `--cluster`. */
  readonly url: string;
  readonly pids: readonly number[];
}
