/**
 * Runs another program to its end and returns its output. The caller interprets the output. Runs in the bench process.
 */
import { once } from "node:events";
import type { Bench } from "../bench.js";

/**
 * Returns the program's stdout. Throws if the program fails, or if it does not end within `timeoutMs`; it is then
 * killed.
 */
export async function runTool(
  bench: Bench,
  command: string,
  args: readonly string[],
  timeoutMs: number,
): Promise<string> {
  const child = bench.start(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => errors.push(chunk));
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  await once(child, "close");
  clearTimeout(timer);
  if (child.exitCode !== 0) {
    const reason = Buffer.concat(errors).toString().trim().slice(0, 500);
    throw new Error(`${command} ended with ${child.signalCode ?? String(child.exitCode)}: ${reason}`);
  }
  return Buffer.concat(output).toString();
}
