/** How the access of a caller ends: the user has left the session, or the token opens nothing any more. A type. */
export type AccessEnd = "logged out" | "revoked";
