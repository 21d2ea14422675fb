/**
 * Finds the exit code of a shell command in the input of a hook. Some clients send it. Claude Code does not, but has
 * one event for successful commands and another event for failed ones. Most other clients report neither. Pure.
 */
import { isJsonObject, type JsonObject, memberAt, valueAt } from "./json-members.js";

/** The names under which clients send the response of a tool. */
const RESPONSES = ["tool_response", "tool_result", "toolResult", "tool_output"] as const;
/** The members of a response that have an exit code. */
const EXIT_CODES = [
  "exit_code",
  "exitCode",
  "exit",
  "metadata.exit_code",
  "metadata.exitCode",
  "metadata.exit",
] as const;
/** If Claude Code sends one of these, the command has not ended, or its exit code has a special meaning. */
const OPEN_ENDS = ["backgroundTaskId", "returnCodeInterpretation"] as const;
/** Matches the beginning of Claude Code's error text for a command that failed. */
const FAILED = /^(?:exit code|command exited with non-zero status code) (\d{1,10})\b/i;

/**
 * Returns the exit code of a shell command that has run; null if the client does not report it.
 * @param parameters the arguments of the tool call
 */
export function shellExitCode(event: string, parameters: JsonObject, json: JsonObject): number | null {
  const response = valueAt(json, RESPONSES);
  const sent = isJsonObject(response) ? valueAt(response, EXIT_CODES) : undefined;
  if (sent !== undefined) return Number.isInteger(sent) ? Number(sent) : null;
  if (event === "PostToolUseFailure") return failureCode(memberAt(json, "error"));
  if (event !== "PostToolUse" || memberAt(parameters, "run_in_background") === true) return null;
  // Only Claude Code sends `interrupted`. Other clients that call Claude Code's hooks may report a failed command as a
  // success, so their inputs are not trusted.
  const hasEnded = memberAt(response, "interrupted") === false && valueAt(response, OPEN_ENDS) === undefined;
  return hasEnded ? 0 : null;
}

function failureCode(error: unknown): number | null {
  const code = typeof error === "string" ? FAILED.exec(error)?.[1] : undefined;
  return code === undefined ? null : Number(code);
}
