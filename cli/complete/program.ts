/**
 * Runs `koor __complete`, which the completion scripts call: prints the answer and ends the process. It prints no
 * errors, and its exit code is always 0, because a person who has pressed Tab can do nothing about them.
 */
import { Writable } from "node:stream";

import { processIo, setIoProvider } from "../io.js";
import { print } from "../output.js";
import { answerCompletion } from "./answer.js";

/** A stream that drops what is written, such as warnings about a settings file. */
const dropped = new Writable({ write: (_chunk, _encoding, done) => done() });

export async function completeAndExit(argv: readonly string[]): Promise<never> {
  const own = { ...processIo(), stderr: () => dropped };
  setIoProvider(() => own);
  try {
    await print(Buffer.from(await answerCompletion(argv, own)));
  } catch {
    // No answer is what the script expects.
  }
  // An address that is still looked up would keep the process alive.
  process.exit(0);
}
