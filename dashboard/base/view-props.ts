/** What every view is given: what of its address is behind its name. Types only. */

export interface ViewProps {
  /** What follows the slug in the address, each segment decoded: `/state/plan/build` → ["plan", "build"]. */
  readonly segments: readonly string[];
  /** The address's query. */
  readonly query: Readonly<Record<string, string>>;
}
