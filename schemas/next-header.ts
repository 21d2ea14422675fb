/**
 * The response header of a truncated list. It contains the query parameters with which the client continues the list.
 */
export const NEXT_HEADER = "X-Koor-Next";
