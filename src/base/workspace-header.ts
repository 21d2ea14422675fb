/**
 * Reads the header `X-Koor-Workspace`: the workspace of a call whose caller has none, percent-encoded as UTF-8. The
 * workspace in the body, and the caller's own, take precedence. Any thread.
 */
import { Workspace } from "../../schemas/leases.js";
import { textProblem } from "../../schemas/text.js";
import { type Failure, invalid } from "./result.js";

/** Returns the workspace of the header, "" if it was not sent, or INVALID_ARGUMENT if it cannot be a workspace. */
export function sentWorkspace(header: string): string | Failure {
  let workspace: string;
  try {
    workspace = decodeURIComponent(header);
  } catch {
    // decodeURIComponent throws only URIError: a malformed escape, or bytes that are not UTF-8.
    return invalid("X-Koor-Workspace must be percent-encoded UTF-8");
  }
  const problem = textProblem(workspace, Workspace.text);
  return problem === null ? workspace : invalid(`X-Koor-Workspace ${problem}`);
}
