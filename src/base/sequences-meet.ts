/**
 * Decides whether two sequences with gaps can stand for the same sequence of elements. A gap stands for any number of
 * elements, including none.
 *
 * The algorithm fills a table row by row. A cell stands for one position in each sequence. It is set if the elements
 * before these two positions can be the same. Pure.
 */

/**
 * @param gap the token that is a gap
 * @param agree returns whether some element fits two tokens, neither of which is a gap; called at most once for each
 *   pair
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
    const a_token = a[i] as Token;
    const a_ends = i === a.length;
    const a_gap = !a_ends && a_token === gap;
    let reached = false;
    for (let j = 0; j <= width; j++) {
      if (row[j] === 0) continue;
      reached = true;
      const b_ends = j === width;
      const b_gap = !b_ends && b[j] === gap;
      // Either a gap ends here, or it takes the next element of the other sequence.
      if (b_gap || (a_gap && !b_ends)) row[j + 1] = 1;
      if (a_gap || (b_gap && !a_ends)) below[j] = 1;
      if (!a_gap && !b_gap && !a_ends && !b_ends && agree(a_token, b[j] as Token)) below[j + 1] = 1;
    }
    if (!reached) return false;
    if (a_ends) return row[width] === 1;
    const done = row;
    row = below;
    below = done.fill(0);
  }
  return false;
}
