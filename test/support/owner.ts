/**
 * What belongs to a test: its end, a directory that goes with it, and processes that do, whatever happens in it. Runs in
 * the test's process.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What a test offers: tap's `t`. */
export interface Owner {
  teardown(done: () => Promise<void> | void): void;
}

/** A directory that is removed at the end of the test, whatever its files' modes are. */
export function makeDirectory(t: Owner): string {
  const path = mkdtempSync(join(tmpdir(), "koor-test-"));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/**
 * Ends the process when this one is gone, however it went: a test that runs out of time is killed by the
 * runner, and no teardown of its runs. The shell waits for the end of its input, which is this process's.
 */
export function tieToThisProcess(child: ChildProcess): void {
  if (child.pid === undefined) return;
  const guard = spawn("sh", ["-c", 'read -r _; kill -9 "$1"', "sh", String(child.pid)], {
    stdio: ["pipe", "ignore", "ignore"],
  });
  guard.on("error", () => undefined);
  guard.unref();
  (guard.stdin as Socket).unref();
  child.once("exit", () => guard.kill("SIGKILL"));
}
