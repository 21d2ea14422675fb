/**
 * The header `X-Koor-Workspace`: the workspace of a call whose caller has none, percent-encoded as UTF-8. What the body
 * says, and the caller's own workspace, go before it. Any thread.
 */
import { Workspace } from "../../schemas/leases.js";
import { textProblem } from "../../schemas/text.js";
import { type Failure, invalid } from "./result.js";

/** What the header says: "" where it is not sent. INVALID_ARGUMENT where it can be no workspace. */
export function sentWorkspace(header: string): string | Failure {
  let workspace: string;
  try {
    workspace = decodeURIComponent(header);
  } catch {
    // decodeURIComponent throws URIError alone: a malformed escape, or bytes that are not UTF-8.
    return invalid("X-Koor-Workspace must be percent-encoded UTF-8");
  }
  const problem = textProblem(workspace, Workspace.text);
  return problem === null ? workspace : invalid(`X-Koor-Workspace ${problem}`);
}
