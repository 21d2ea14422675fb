import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Whether Node was started with the module at this URL. Symbolic links are followed. */
export function isRunAsProgram(url) {
  return process.argv[1] !== undefined && fileURLToPath(url) === realpathSync(process.argv[1]);
}
