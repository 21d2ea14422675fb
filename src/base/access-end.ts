/** The reasons why a caller's access ends: the user has left the session, or the token is no longer valid. A type. */
export type AccessEnd = "logged out" | "revoked";
