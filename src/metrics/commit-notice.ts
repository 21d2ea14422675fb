/** What the writer tells the front of each commit. Type only. */
export interface CommitNotice {
  readonly calls: number;
  /** From the transaction's begin until it was on disk. */
  readonly duration_us: number;
  /** Calls that came in meanwhile. */
  readonly waiting: number;
  readonly state_keys: number;
}
