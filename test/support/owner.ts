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

/** What a guard does: it waits for the end of its input, which is the test's process, and kills. */
const GUARDS = {
  alone: 'read -r _; kill -9 "$1"',
  /** Each of its children leads a process group of its own, and may be stopped: they are found by their parent. */
  with_children: `
    read -r _
    children=$(ps -A -o pid=,ppid= | while read -r pid parent; do [ "$parent" = "$1" ] && echo "$pid"; done)
    kill -9 "$1" $children`,
} as const;

/**
 * Ends the process when this one is gone, however it went: a test that runs out of time is killed by the
 * runner, and no teardown of its runs.
 */
export function tieToThisProcess(child: ChildProcess, family: keyof typeof GUARDS = "alone"): void {
  if (child.pid === undefined) return;
  const guard = spawn("sh", ["-c", GUARDS[family], "sh", String(child.pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    // Not of the test's process group: a signal to all of that (`timeout`, a terminal) would end the guard first, and
    // what it guards may outlive the signal, as a server that is stopped does.
    detached: true,
  });
  guard.on("error", () => undefined);
  guard.unref();
  (guard.stdin as Socket).unref();
  child.once("exit", () => guard.kill("SIGKILL"));
}
