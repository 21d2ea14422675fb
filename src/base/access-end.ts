/** The reason why a caller's access has ended: the user has logged out, or the token is no longer valid. */
export type AccessEnd = "logged out" | "revoked";
