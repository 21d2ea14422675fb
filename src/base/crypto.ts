/** Loads Node's cryptography at first use, because loading takes 5 ms, which would delay the start of every thread. */
import type * as NodeCrypto from "node:crypto";

let loaded: typeof NodeCrypto | undefined;

/** Returns the module `node:crypto`. */
export function crypto(): typeof NodeCrypto {
  return (loaded ??= process.getBuiltinModule("node:crypto"));
}

/** Returns the SHA-256 of a short input. One call is two to three times as fast as a hash object. */
export function sha256(input: string | Uint8Array, encoding: "hex" | "base64url"): string {
  return crypto().hash("sha256", input, encoding);
}
