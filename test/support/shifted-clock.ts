/** Starts programs whose clock shows another time than that of the machine. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeDirectory, type Owner } from "./owner.js";

/** Returns the environment of a Node program whose clock is `aheadMs` ahead of the machine's, or behind if negative. */
export function shiftedClock(t: Owner, aheadMs: number): Readonly<Record<string, string>> {
  if (aheadMs === 0) return {};
  const program = join(makeDirectory(t), "clock.cjs");
  writeFileSync(program, `const { now } = Date; Date.now = () => now() + ${aheadMs};`);
  return { NODE_OPTIONS: `--require ${program}` };
}
