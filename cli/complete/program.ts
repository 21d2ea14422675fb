/**
 * Runs `koor __complete`, which the completion scripts call: prints the answer and ends the process. It prints no
 * errors, and its exit code is always 0, because an error would be written into the line that is typed.
 */
import { CLI_COMPLETE_MS, CLI_COMPLETE_SERVER_MS } from "../../schemas/limits/cli.js";
import { parseFlagDuration } from "../duration.js";
import { droppedOutput, processIo, setIoProvider } from "../io.js";
import { print } from "../output.js";
import { answerCompletion } from "./answer.js";

/** Returns the time that the server gets. A person far from the server may give it more. */
function timeoutOf(environment: NodeJS.ProcessEnv): number {
  const given = parseFlagDuration(environment["KOOR_COMPLETE_TIMEOUT"] ?? "");
  return given ?? Math.max(CLI_COMPLETE_MS - performance.now(), CLI_COMPLETE_SERVER_MS);
}

export async function completeAndExit(argv: readonly string[]): Promise<never> {
  const own = { ...processIo(), stderr: droppedOutput };
  setIoProvider(() => own);
  try {
    await print(Buffer.from(await answerCompletion(argv, { ...own, timeoutMs: timeoutOf(own.environment) })));
  } catch {
    // No answer is what the script expects.
  }
  // An address that is still looked up would keep the process alive.
  process.exit(0);
}
