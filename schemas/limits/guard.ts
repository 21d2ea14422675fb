/** Limits of the commit guard. */
import { KIB } from "./units.js";

/**
 * The maximum number of paths in the audit row of a commit that was made without the guard. The limit is needed because
 * rows of the audit log are never deleted.
 */
export const GUARD_OFF_PATHS_MAX = 256;
/** The maximum size of the paths in this audit row together, as JSON. The row also has the total number of paths. */
export const GUARD_OFF_PATHS_BYTES_MAX = 8 * KIB;
