/** Finds the known word that the user probably meant by a misspelt one. Pure. */

/** A known word may have one typing error for each three letters of the misspelt word. */
const LETTERS_PER_ERROR = 3;

/**
 * Counts the typing errors between two words. These are inserted, missing and wrong letters, and swapped neighbours
 * ("optimal string alignment" distance).
 */
function countErrors(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const wrong = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + wrong);
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, (before[j - 2] ?? 0) + 1);
      row.push(least);
    }
    [before, last] = [last, row];
  }
  return last[b.length] ?? 0;
}

/** Returns the known word that is nearest to a word; undefined if none is near. */
export function findNearest(word: string, known: Iterable<string>): string | undefined {
  const errorsMax = Math.max(1, Math.floor(word.length / LETTERS_PER_ERROR));
  let nearest: string | undefined;
  let least = errorsMax + 1;
  for (const one of known) {
    // Two words have at least as many errors as the difference of their lengths. This check skips the count for most
    // words.
    if (Math.abs(one.length - word.length) >= least) continue;
    const errors = countErrors(word, one);
    if (errors < least) [nearest, least] = [one, errors];
  }
  return nearest;
}

/** Returns the end of an error message, such as `: did you mean list?`. It is "" if no known word is near. */
export function suggest(word: string, known: Iterable<string>): string {
  const nearest = findNearest(word, known);
  return nearest === undefined ? "" : `: did you mean ${nearest}?`;
}
