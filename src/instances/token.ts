/**
 * The tokens of instances: 128 random bits, returned to the client once and stored as SHA-256. Pure except for the
 * randomness.
 */
import { INSTANCE_TOKEN_BYTES } from "../../schemas/limits.js";
import { crypto } from "../base/crypto.js";

/** Creates a new token, lowercase hex. */
export function makeToken(): string {
  return crypto().randomBytes(INSTANCE_TOKEN_BYTES).toString("hex");
}

/** Returns the lowercase hex SHA-256 of a token. The token is random enough to need no salt. */
export function hashToken(token: string): string {
  return crypto().createHash("sha256").update(token).digest("hex");
}
