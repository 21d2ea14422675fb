/** An agent with its own folder, which identifies it. Its commands run against a real server. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { makeDirectory, type Koor, type Owner } from "../support/server-process.js";
import { RunningCli, runCli, type CliResult } from "./run-cli.js";

export type Answer = Readonly<Record<string, unknown>>;

export interface CliAgent {
  readonly id: string;
  /** The folder that identifies the agent. It is also the root of the agent's workspace. */
  readonly root: string;
  readonly koor: (...args: string[]) => Promise<CliResult>;
  /** Runs a command that must succeed and returns its answer. */
  readonly ask: (...args: string[]) => Promise<Answer>;
  readonly start: (...args: string[]) => RunningCli;
}

/**
 * Registers an agent. Its commands run in a subfolder of the folder that identifies it.
 * @param token the server's token, if it needs one
 */
export async function joinServer(t: Owner, server: Koor, name: string, token = ""): Promise<CliAgent> {
  const cwd = makeDirectory(t);
  const env = { KOOR_SERVER: server.url };
  const registered = await runCli(["register", name, "--workspace", "w", "--save"], {
    cwd,
    env: { ...env, KOOR_TOKEN: token },
  });
  const { id } = JSON.parse(registered.stdout) as { readonly id: string };
  mkdirSync(join(cwd, "below"));
  const options = { cwd: join(cwd, "below"), env };
  const koor = async (...args: string[]): Promise<CliResult> => await runCli(args, options);
  return {
    id,
    root: cwd,
    koor,
    ask: async (...args) => {
      const result = await koor(...args);
      if (result.code !== 0) throw new Error(`koor ${args.join(" ")}: ${result.stderr}`);
      return JSON.parse(result.stdout) as Answer;
    },
    start: (...args) => {
      const running = new RunningCli(args, options);
      t.teardown(() => running.kill());
      return running;
    },
  };
}
