/** Instances' tokens: 128 random bits, told once; what is kept is their SHA-256. Pure but for the randomness. */
import { INSTANCE_TOKEN_BYTES } from "../../schemas/limits.js";
import { crypto } from "../base/crypto.js";

/** A new token, lowercase hex. */
export function makeToken(): string {
  return crypto().randomBytes(INSTANCE_TOKEN_BYTES).toString("hex");
}

/** Lowercase hex SHA-256 of a token: so random a text needs no salt. */
export function hashToken(token: string): string {
  return crypto().createHash("sha256").update(token).digest("hex");
}
