/**
 * Whether two sequences with gaps stand for a sequence in common, or for one that begins the other. A gap is any
 * number of elements, none included. A table of places in both, row by row: what can be reached from the start by
 * elements that agree. Pure.
 */

/**
 * @param gap the token that stands for a gap
 * @param agree whether one element fits both of two tokens that are no gaps; asked once a pair at most
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
      // A gap that ends here, or takes the other's next element.
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

export interface Coverage<Token> {
  /** The token that stands for a gap. */
  readonly gap: Token;
  /** Whether one element fits both of two tokens that are no gaps. */
  readonly agree: (a: Token, b: Token) => boolean;
  /** Whether a sequence may end with this token where the other one goes on in a gap. */
  readonly endsInGap: (token: Token) => boolean;
}

/**
 * Whether a sequence that one of two stands for is equal to one of the other, or begins it. Neither is empty, and each
 * token has elements that fit.
 */
export function sequencesCover<Token>(
  a: readonly Token[],
  b: readonly Token[],
  { gap, agree, endsInGap }: Coverage<Token>,
): boolean {
  const width = b.length;
  let row = new Uint8Array(width + 1);
  let below = new Uint8Array(width + 1);
  row[0] = 1;
  for (const [i, aToken] of a.entries()) {
    const aEnds = i === a.length - 1;
    const aGap = aToken === gap;
    let reached = false;
    for (let j = 0; j < width; j++) {
      if (row[j] === 0) continue;
      reached = true;
      const bToken = b[j] as Token;
      const bEnds = j === width - 1;
      const bGap = bToken === gap;
      if (!aGap && !bGap) {
        if (!agree(aToken, bToken)) continue;
        if (aEnds || bEnds) return true;
        below[j + 1] = 1;
        continue;
      }
      // A gap that is the last token covers whatever the other one has left.
      if ((aGap && aEnds) || (bGap && bEnds)) return true;
      // A gap ends here, or takes the other's next element, which may be the other's last one.
      if (bGap) {
        row[j + 1] = 1;
        if (aEnds && endsInGap(aToken)) return true;
      } else if (bEnds && endsInGap(bToken)) {
        return true;
      } else {
        row[j + 1] = 1;
      }
      if (aGap || bGap) below[j] = 1;
    }
    if (!reached) return false;
    const done = row;
    row = below;
    below = done.fill(0);
  }
  return false;
}
