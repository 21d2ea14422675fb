/**
 * Describes the difference between two versions of a file as one replaced range of bytes. So `uninit` can restore every
 * byte of the earlier version without a copy of the whole file. Pure; runs in the CLI process.
 */
/**
 * A difference: the later version has `length` bytes at `at`, where the earlier version has the bytes `old` (base64).
 */
export interface TextEdit {
  readonly at: number;
  readonly length: number;
  readonly old: string;
}

export function findEdit(before: Buffer, after: Buffer): TextEdit {
  const shorter = Math.min(before.length, after.length);
  let at = 0;
  while (at < shorter && before[at] === after[at]) at += 1;
  let tail = 0;
  while (tail < shorter - at && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1;
  const old = before.subarray(at, before.length - tail).toString("base64");
  return { at, length: after.length - tail - at, old };
}

/** Returns the earlier version of a file, given the later one. */
export function undoEdit(after: Buffer, { at, length, old }: TextEdit): Buffer {
  return Buffer.concat([after.subarray(0, at), Buffer.from(old, "base64"), after.subarray(at + length)]);
}
