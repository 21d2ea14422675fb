/** Limits of the guard of commits. */
import { KIB } from "./units.js";

/** The maximum number of paths of a commit that the audit log stores. Rows of the log are never deleted. */
export const GUARD_OFF_PATHS_MAX = 256;
/** The maximum size of these paths together, as JSON. The row says how many paths there were. */
export const GUARD_OFF_PATHS_BYTES_MAX = 8 * KIB;
