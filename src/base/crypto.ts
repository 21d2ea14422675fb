/** Loads Node's cryptography at first use, because loading takes 5 ms, which would delay the start of every thread. */
import type * as NodeCrypto from "node:crypto";

let loaded: typeof NodeCrypto | undefined;

/** Returns the module `node:crypto`. */
export function crypto(): typeof NodeCrypto {
  return (loaded ??= process.getBuiltinModule("node:crypto"));
}
