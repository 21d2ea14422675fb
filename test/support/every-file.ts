/**
 * Sets what holds for every test file, however it is started: the build makes this its first import (deploy/build.mjs),
 * so that tap reads the time limit.
 */

/** tap ends a file that takes longer, and prints what it waited for. The longest file takes half of it. */
export const FILE_TIMEOUT_S = 360;

process.env["TAP_TIMEOUT"] ??= String(FILE_TIMEOUT_S);
