/**
 * Resources of a test: functions that run at its end, a directory and processes that end with it, whatever happens in
 * it. Runs in the test's process.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The part of tap's `t` that is used. */
export interface Owner {
  /** The test that contains this one. */
  readonly parent?: object | undefined;
  teardown(done: () => Promise<void> | void): void;
}

/** Returns the outermost test, which ends after all other tests of the process. */
export function outermost(t: Owner): Owner {
  const { parent } = t;
  return parent !== undefined && "teardown" in parent ? outermost(parent as Owner) : t;
}

/** Removes a directory in which a program that is ending may still write a file. */
function removeDirectory(path: string): void {
  for (let attempt = 1; ; attempt++) {
    try {
      rmSync(path, { recursive: true, force: true, maxRetries: 3 });
      return;
    } catch (error) {
      if (attempt === 5) throw error;
    }
  }
}

/** Makes a directory that is removed at the end of the test, whatever its files' modes are. */
export function makeDirectory(t: Owner): string {
  const path = mkdtempSync(join(tmpdir(), "koor-test-"));
  // A process that was killed may still write its last file.
  t.teardown(() => removeDirectory(path));
  return path;
}

/** The guard's program: it waits for the end of its input, which is the test's process, and then kills. */
const GUARDS = {
  alone: 'read -r _; kill -9 "$1"',
  /**
   * Each of its children leads a process group of its own, and may be stopped. The children are found by their parent.
   */
  with_children: `
    read -r _
    children=$(ps -A -o pid=,ppid= | while read -r pid parent; do [ "$parent" = "$1" ] && echo "$pid"; done)
    kill -9 "$1" $children`,
} as const;

/**
 * Ends the process when this one has ended, for any reason: a test that runs out of time is killed by the runner, and
 * no teardown runs.
 */
export function tieToThisProcess(child: ChildProcess, family: keyof typeof GUARDS = "alone"): void {
  if (child.pid === undefined) return;
  const guard = spawn("sh", ["-c", GUARDS[family], "sh", String(child.pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    // The guard is not in the test's process group: a signal to the whole group (`timeout`, a terminal) would end the
    // guard first, and a stopped server would survive that signal.
    detached: true,
  });
  guard.on("error", () => undefined);
  guard.unref();
  (guard.stdin as Socket).unref();
  child.once("exit", () => guard.kill("SIGKILL"));
}
