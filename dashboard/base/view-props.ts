/** The props of every view: the part of the address after its slug, and the query. Types only. */

export interface ViewProps {
  /** The decoded segments after the slug: `/state/plan/build` → ["plan", "build"]. */
  readonly segments: readonly string[];
  /** The address's query parameters. */
  readonly query: Readonly<Record<string, string>>;
}
