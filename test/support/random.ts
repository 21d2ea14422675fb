/** Random numbers that a seed repeats (mulberry32). Pure. */

/** An integer in [0, below). */
export type Random = (below: number) => number;

export function makeRandom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** A seed that is new each time; a test prints it where it fails. */
export function newSeed(): number {
  return Math.floor(Math.random() * 2 ** 32);
}
