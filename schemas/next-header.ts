/** The header of a list that was cut: the parameters of its query with which it goes on. */
export const NEXT_HEADER = "X-Koor-Next";
