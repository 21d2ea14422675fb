/** The header of an incomplete list: the query parameters with which it continues. */
export const NEXT_HEADER = "X-Koor-Next";
