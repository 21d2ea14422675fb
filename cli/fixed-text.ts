/**
 * Prints the texts that need no command table: the version and the topics of the help. main.ts prints the same, but
 * loading it takes longer than printing. Runs in the CLI process.
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

/** Prints the text that the words ask for. Returns false if they ask for something else. */
export async function printFixedText(argv: readonly string[]): Promise<boolean> {
  const { program, stdout } = io();
  const isShort = argv.length === (argv[0] === "help" ? 2 : 1);
  const text = isShort ? await findText(argv, program) : undefined;
  if (text === undefined) return false;
  // A reader that has closed the pipe is no failure.
  stdout().once("error", ({ code }: NodeJS.ErrnoException) => {
    if (code !== "EPIPE") process.exitCode = FAILED_EXIT;
  });
  stdout().write(text);
  return true;
}
