/**
 * Decides whether two sequences with gaps can stand for the same sequence of elements. A gap stands for any number of
 * elements, including none.
 *
 * The algorithm fills a table row by row. A row stands for a position in one sequence, and a column for a position in
 * the other. A cell is 1 if the parts before its two positions can stand for the same elements. Pure.
 */

/**
 * @param gap the token that is a gap
 * @param agree returns whether one element can fit both tokens; called at most once for each pair, and never with a gap
 */
export function sequencesMeet<Token>(
  a: readonly Token[],
  b: readonly Token[],
  gap: Token,
  agree: (a: Token, b: Token) => boolean,
): boolean {
  const width = b.length;
  let row = new Uint8Array(width + 1);
  let below = new Uint8Array(width + 1);
  row[0] = 1;
  for (let i = 0; i <= a.length; i++) {
    const aToken = a[i] as Token;
    const aEnds = i === a.length;
    const aGap = !aEnds && aToken === gap;
    let reached = false;
    for (let j = 0; j <= width; j++) {
      if (row[j] === 0) continue;
      reached = true;
      const bEnds = j === width;
      const bGap = !bEnds && b[j] === gap;
      // The gap ends before this element, or it takes the next element of the other sequence.
      if (bGap || (aGap && !bEnds)) row[j + 1] = 1;
      if (aGap || (bGap && !aEnds)) below[j] = 1;
      if (!aGap && !bGap && !aEnds && !bEnds && agree(aToken, b[j] as Token)) below[j + 1] = 1;
    }
    if (!reached) return false;
    if (aEnds) return row[width] === 1;
    const done = row;
    row = below;
    below = done.fill(0);
  }
  return false;
}
