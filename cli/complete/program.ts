/**
 * Runs `koor __complete`, which the completion scripts call. It prints no errors and always exits with 0, because the
 * shell would show an error in the middle of the line that the user types.
 */
import { CLI_COMPLETE_MS, CLI_COMPLETE_SERVER_MS } from "../../schemas/limits/cli.js";
import { parseFlagDuration } from "../duration.js";
import { droppedOutput, processIo, setIoProvider } from "../io.js";
import { print } from "../output.js";
import { answerCompletion } from "./answer.js";

/** Returns the maximum time to wait for the server, in ms. Users whose server is far away can set a longer time. */
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
    // Ignore the error. The script treats an empty output as "no values".
  }
  // End the process explicitly, because a pending DNS lookup would keep it alive.
  process.exit(0);
}
