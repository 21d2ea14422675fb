/**
 * Implements `completion`, which prints the script that makes a shell complete words when Tab is pressed. Runs in the
 * CLI process.
 */
import type { CommandRow } from "../command-row.js";
import { wrongUsage } from "../failure.js";
import { print } from "../output.js";

/**
 * The shells of complete/scripts.ts. They are repeated here, because that file is loaded only when a script is printed.
 */
const SHELLS = ["bash", "zsh", "fish"] as const;

export const COMPLETION_COMMANDS: readonly CommandRow[] = [
  {
    words: ["completion"],
    about: "Print the script with which a shell completes commands, flags and names at Tab.",
    examples: ["completion bash"],
    arguments: [{ name: "shell", shown: SHELLS.join("|") }],
    endpoints: [],
    run: async (args, { program }) => {
      const { completionScript, isShell } = await import("../complete/scripts.js");
      const shell = args.need("shell");
      if (!isShell(shell)) return wrongUsage(`there is no script for "${shell}", only for ${SHELLS.join(", ")}`);
      return (await print(Buffer.from(completionScript(shell, program)))) ?? 0;
    },
  },
];
