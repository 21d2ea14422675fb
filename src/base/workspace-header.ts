/**
 * Reads the header `X-Koor-Workspace`, which is percent-encoded UTF-8. It names the workspace of a call, unless the
 * body or the caller has one. Any thread.
 */
import { Workspace } from "../../schemas/leases.js";
import { textProblem } from "../../schemas/text.js";
import { type Failure, invalid } from "./result.js";

/**
 * Returns the workspace in the header, or "" if the header was not sent. Returns INVALID_ARGUMENT if the header is not
 * a valid workspace.
 */
export function sentWorkspace(header: string): string | Failure {
  let workspace: string;
  try {
    workspace = decodeURIComponent(header);
  } catch {
    // decodeURIComponent throws only URIError, for a malformed escape or for bytes that are not UTF-8.
    return invalid("X-Koor-Workspace must be percent-encoded UTF-8");
  }
  const problem = textProblem(workspace, Workspace.text);
  return problem === null ? workspace : invalid(`X-Koor-Workspace ${problem}`);
}
