/** Globs that are sure to be well-formed, as src/base/segment-glob.ts reads them: for what clients are told. */

/**
 * A regular expression for one part of a glob: a character, one that is escaped, or a class, in which neither `-` nor
 * `]` stands for itself.
 * @param separator what ends a segment: it is neither escaped nor in a class
 */
export function globPart(separator: "." | "/"): string {
  const escaped = `\\\\[^${separator}]`;
  const character = `(?:${escaped}|[^\\\\\\]\\-${separator}])`;
  const first = `(?:${escaped}|[^\\\\\\]\\-${separator}^])`;
  const range_end = `(?:-${character})?`;
  const rest = `(?:${character}${range_end})`;
  return `(?:[^\\\\[]|${escaped}|\\[(?:\\^${rest}+|${first}${range_end}${rest}*)\\])`;
}
