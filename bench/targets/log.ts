/**
 * The log's servers as the benchmarks see them: the address for nodes, and the processes whose CPU time counts. Pure.
 */

export interface LogServers {
  /** Its name in the report. */
  readonly name: string;
  /** The value of a node's `--cluster`. */
  readonly url: string;
  readonly pids: readonly number[];
}
