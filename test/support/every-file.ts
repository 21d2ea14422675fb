/**
 * What holds for every file of tests, however it is started: the build makes this its first import (deploy/build.mjs),
 * so that tap reads the limit of time.
 */

/** tap ends a file that takes longer, and says what it waited for: the longest takes half of it. */
export const FILE_TIMEOUT_S = 360;

process.env["TAP_TIMEOUT"] ??= String(FILE_TIMEOUT_S);
