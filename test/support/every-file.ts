/**
 * Sets what holds for every test file, however it is started: the build makes this its first import (deploy/build.mjs),
 * so that tap reads the time limit.
 */

/** The number in an environment variable; 0 if it is not set. */
function readNumber(variable: string): number {
  return Number(process.env[variable] ?? 0);
}

/** How long test/soak.test.ts works, and how often test/faults/kill-9.test.ts kills, if the user chooses it. */
export const SOAK_MINUTES = readNumber("KOOR_SOAK_MINUTES");
export const KILLS = readNumber("KOOR_KILLS");
/** A round of kill -9 takes less than this on a busy machine. */
const KILL_S = 6;

/** tap ends a file that takes longer, and prints what it waited for. The longest file takes half of it. */
export const FILE_TIMEOUT_S = 360 + SOAK_MINUTES * 60 + KILLS * KILL_S;

process.env["TAP_TIMEOUT"] ??= String(FILE_TIMEOUT_S);
