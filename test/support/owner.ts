/**
 * The resources of a test: functions that run at its end, and directories and processes that end with it, whatever
 * happens. Runs in the test's process.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The part of tap's `t` that is needed here. */
export interface Owner {
  /** The test that contains this test. */
  readonly parent?: object | undefined;
  teardown(done: () => Promise<void> | void): void;
}

/** Returns the outermost test, which ends after all other tests of the process. */
export function outermost(t: Owner): Owner {
  const { parent } = t;
  return parent !== undefined && "teardown" in parent ? outermost(parent as Owner) : t;
}

/** Removes a directory. Retries, because an ending program may still write a file there. */
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

/** Makes a directory. It is removed at the end of the test, whatever the modes of its files are. */
export function makeDirectory(t: Owner): string {
  const path = mkdtempSync(join(tmpdir(), "koor-test-"));
  // A process that was killed may still write its last file.
  t.teardown(() => removeDirectory(path));
  return path;
}

/**
 * The programs of the guard. A guard waits for the end of its input, which is a pipe from the test's process. Then it
 * kills the process that it guards.
 */
const GUARDS = {
  alone: 'read -r _; kill -9 "$1"',
  /**
   * Each child of the process is the leader of its own process group, and may be stopped. So the children are found by
   * their parent.
   */
  with_children: `
    read -r _
    children=$(ps -A -o pid=,ppid= | while read -r pid parent; do [ "$parent" = "$1" ] && echo "$pid"; done)
    kill -9 "$1" $children`,
} as const;

/**
 * Ends a process when this process has ended for any reason. This is needed because no teardown runs if the runner
 * kills a test that runs out of time.
 */
export function tieToThisProcess(child: ChildProcess, family: keyof typeof GUARDS = "alone"): void {
  if (child.pid === undefined) return;
  const guard = spawn("sh", ["-c", GUARDS[family], "sh", String(child.pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    // The guard is not in the test's process group. A signal to the whole group (from `timeout` or a terminal) would
    // end the guard first, and a stopped server would survive that signal.
    detached: true,
  });
  guard.on("error", () => undefined);
  guard.unref();
  (guard.stdin as Socket).unref();
  child.once("exit", () => guard.kill("SIGKILL"));
}
