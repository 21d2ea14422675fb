/** Limits of the guard of commits. */

/** The maximum number of paths of a commit that the audit log stores. Rows of the log are never deleted. */
export const GUARD_OFF_PATHS_MAX = 256;
