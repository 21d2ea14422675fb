/**
 * The properties that every view gets: the query, and the segments of the address after the view's slug. Types only.
 */

export interface ViewProps {
  /** The decoded segments of the address after the slug: `/state/plan/build` → ["plan", "build"]. */
  readonly segments: readonly string[];
  /** The address's query parameters. */
  readonly query: Readonly<Record<string, string>>;
}
