/**
 * Describes the servers of a cluster's log for the benchmarks: the address for the nodes, and the processes whose CPU
 * time is counted. Pure.
 */

export interface LogServers {
  /** The name of the log in the report. */
  readonly name: string;
  /** The value of the flag `--cluster` of a node. */
  readonly url: string;
  readonly pids: readonly number[];
}
