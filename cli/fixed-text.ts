/**
 * Prints the texts that do not need the command table: the version and the help topics. main.ts could print them too,
 * but loading main.ts takes longer than printing. Runs in the CLI process.
 */
import { VERSION } from "../schemas/version.js";
import { isHelpTopic } from "./help-topic-names.js";
import { io } from "./io.js";

const FAILED_EXIT = 3;

async function findText([first, second]: readonly string[], program: string): Promise<string | undefined> {
  if (first === "--version") return `${program} ${VERSION}\n`;
  if (first !== "help" || !isHelpTopic(second)) return undefined;
  const { formatTopic } = await import("./help-topics.js");
  return formatTopic(second, program);
}

/** Prints the text for a command line, such as `--version`. Returns false if there is none. */
export async function printFixedText(argv: readonly string[]): Promise<boolean> {
  const { program, stdout } = io();
  const isShort = argv.length === (argv[0] === "help" ? 2 : 1);
  const text = isShort ? await findText(argv, program) : undefined;
  if (text === undefined) return false;
  // A closed pipe is no failure, because the reader may stop at any time.
  stdout().once("error", ({ code }: NodeJS.ErrnoException) => {
    if (code !== "EPIPE") process.exitCode = FAILED_EXIT;
  });
  stdout().write(text);
  return true;
}
