/**
 * The entry point of the programs `koor` and `koor-cli`. `serve` starts the server. Calls of completion scripts go to
 * complete/. Every other command goes to main.ts. The process ends by itself when no work is left, so that output is
 * never truncated. Runs in the CLI process.
 */
import { printFixedText } from "./fixed-text.js";
import { loadServerProgram } from "./server-program.js";

async function start(argv: readonly string[]): Promise<void> {
  if (argv[0] === "serve") await (await loadServerProgram()).runServer(argv.slice(1));
  else if (argv[0] === "__complete") await (await import("./complete/program.js")).completeAndExit(argv.slice(1));
  else if (!(await printFixedText(argv))) process.exitCode = await (await import("./main.js")).main(argv);
}

// The result is not awaited, because the program is built as a CommonJS module, which has no top-level await.
void start(process.argv.slice(2));
