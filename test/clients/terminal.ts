/**
 * Runs a program on its own pseudo-terminal, as a user does. The program `script` makes the terminal. This file answers
 * the query for the cursor's position, which some clients send. Runs in the test's process.
 */
import { spawn, spawnSync } from "node:child_process";
import type { Owner } from "../support/owner.js";
import { tieToThisProcess } from "../support/owner.js";
import type { AgentPlace } from "./agent-place.js";

const CURSOR_QUESTION = "\u001b[6n";
const CURSOR_ANSWER = "\u001b[1;1R";

/** Whether the machine has the program that makes terminals. */
export function canMakeTerminal(): boolean {
  return spawnSync("script", ["--version"], { stdio: "ignore" }).status === 0;
}

/** Starts a shell command on a terminal, in the project. The command is killed at the end of the test. */
export function startInTerminal(t: Owner, { project, env }: AgentPlace, command: string): { screen(): string } {
  const child = spawn("script", ["-qfec", `stty rows 40 cols 120; exec ${command}`, "/dev/null"], {
    cwd: project,
    env,
    stdio: ["pipe", "pipe", "ignore"],
    detached: true,
  });
  tieToThisProcess(child, "with_children");
  let screen = "";
  child.stdin.on("error", () => undefined);
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    screen += text;
    if (text.includes(CURSOR_QUESTION)) child.stdin.write(CURSOR_ANSWER);
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  t.teardown(async () => {
    // The program belongs to the session of its terminal, so it ends when the terminal hangs up.
    child.kill("SIGKILL");
    await ended;
  });
  return { screen: () => screen };
}
