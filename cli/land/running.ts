/** Tells whether a process of this machine runs. Runs in the CLI process. */
import { errorCodeOf } from "../system-error.js";

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM means that the process exists and belongs to another user.
    return errorCodeOf(error) === "EPERM";
  }
}
