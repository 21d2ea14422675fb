/**
 * Makes and hashes the tokens of instances. A token is 128 random bits. It is returned to the client once, and only its
 * SHA-256 is stored. Pure except for the randomness.
 */
import { INSTANCE_TOKEN_BYTES } from "../../../schemas/limits/instances.js";
import { crypto, sha256 } from "../../base/crypto.js";

/** Creates a new token as lowercase hexadecimal text. */
export function makeToken(): string {
  return crypto().randomBytes(INSTANCE_TOKEN_BYTES).toString("hex");
}

/** Returns the SHA-256 of a token, as lowercase hexadecimal text. It needs no salt, because the token is random. */
export function hashToken(token: string): string {
  return sha256(token, "hex");
}
