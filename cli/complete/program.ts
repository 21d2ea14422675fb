/**
 * Runs `koor __complete`, which the completion scripts call: prints the answer and ends the process. It prints no
 * errors, and its exit code is always 0, because a person who has pressed Tab can do nothing about them.
 */
import { Writable } from "node:stream";

import { CLI_COMPLETE_MS, CLI_COMPLETE_SERVER_MS } from "../../schemas/limits/cli.js";
import { parseFlagDuration } from "../duration.js";
import { processIo, setIoProvider } from "../io.js";
import { print } from "../output.js";
import { answerCompletion } from "./answer.js";

/** A stream that drops what is written, such as warnings about a settings file. */
const dropped = new Writable({ write: (_chunk, _encoding, done) => done() });

/** Returns the time that the server gets. A person far from the server may give it more. */
function timeoutOf(environment: NodeJS.ProcessEnv): number {
  const given = parseFlagDuration(environment["KOOR_COMPLETE_TIMEOUT"] ?? "");
  return given ?? Math.max(CLI_COMPLETE_MS - performance.now(), CLI_COMPLETE_SERVER_MS);
}

export async function completeAndExit(argv: readonly string[]): Promise<never> {
  const own = { ...processIo(), stderr: () => dropped };
  setIoProvider(() => own);
  try {
    await print(Buffer.from(await answerCompletion(argv, { ...own, timeoutMs: timeoutOf(own.environment) })));
  } catch {
    // No answer is what the script expects.
  }
  // An address that is still looked up would keep the process alive.
  process.exit(0);
}
