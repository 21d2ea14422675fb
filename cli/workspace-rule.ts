/** Checks the name of a workspace as the server would, without a request. Pure; runs in the CLI process. */
import { INSTANCE_LABEL_BYTES_MAX } from "../schemas/limits/instances.js";
import { findHiddenCharacter, hasControlCharacter } from "../schemas/visible-text.js";

/** Returns the reason why the server would refuse the name; undefined if the name is valid. */
export function workspaceProblem(name: string): string | undefined {
  if (name === "") return "must not be empty";
  if (hasControlCharacter(name)) return "must not contain control characters";
  if (findHiddenCharacter(name) !== undefined) return "must not contain characters that cannot be seen";
  if (Array.from(name).length <= INSTANCE_LABEL_BYTES_MAX) return undefined;
  return `is longer than ${INSTANCE_LABEL_BYTES_MAX} characters`;
}
