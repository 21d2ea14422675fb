/**
 * Sets up what applies to every test file, however it is started. The build makes it the first import of each test file
 * (deploy/build-tree.mjs), so that tap reads the time limit.
 */

/** The number in an environment variable; 0 if it is not set. */
function readNumber(variable: string): number {
  return Number(process.env[variable] ?? 0);
}

/** The duration of test/soak.test.ts, and the number of kills in test/faults/kill-9.test.ts, if the user sets them. */
export const SOAK_MINUTES = readNumber("KOOR_SOAK_MINUTES");
export const KILLS = readNumber("KOOR_KILLS");
/** The maximum time of one round of kill -9 on a busy machine. */
const KILL_S = 6;

/**
 * The time limit of a test file. tap ends a file that takes longer, and prints what it waited for. The longest file
 * takes half of it.
 */
export const FILE_TIMEOUT_S = 360 + SOAK_MINUTES * 60 + KILLS * KILL_S;

process.env["TAP_TIMEOUT"] ??= String(FILE_TIMEOUT_S);
