/** The units of bytes in which limits are written. The name of a limit ends with its unit. */

export const KIB = 1024;
export const MIB = 1024 * KIB;
