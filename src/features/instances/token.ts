/**
 * Makes and hashes the tokens of instances. A token is 128 random bits. It is returned to the client once, and only its
 * SHA-256 is stored. Pure except for the randomness.
 */
import { INSTANCE_TOKEN_BYTES } from "../../../schemas/limits/instances.js";
import { crypto, sha256 } from "../../base/crypto.js";

/**
 * The number of bytes that a restored instance has in place of the hash of its token. A hash is longer, so no token
 * matches these bytes.
 */
const LOST_TOKEN_BYTES = 16;

/** Creates a new token as lowercase hexadecimal text. */
export function makeToken(): string {
  return crypto().randomBytes(INSTANCE_TOKEN_BYTES).toString("hex");
}

/** Returns the SHA-256 of a token, as lowercase hexadecimal text. It needs no salt, because the token is random. */
export function hashToken(token: string): string {
  return sha256(token, "hex");
}

/** Returns what is stored in place of a hash for an instance whose token does not exist any more. */
export function makeLostToken(): Buffer {
  return crypto().randomBytes(LOST_TOKEN_BYTES);
}

/** Returns whether an instance has lost its token by a restore, so that no client can act with its token. */
export function hasLostToken(tokenHash: string): boolean {
  return tokenHash.length === 2 * LOST_TOKEN_BYTES;
}
