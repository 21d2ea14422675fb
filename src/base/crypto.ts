/** Loads Node's cryptography at first use: it takes 5 ms, which no thread should wait for at its start. */
import type * as NodeCrypto from "node:crypto";

let loaded: typeof NodeCrypto | undefined;

/** Returns the module `node:crypto`. */
export function crypto(): typeof NodeCrypto {
  return (loaded ??= process.getBuiltinModule("node:crypto"));
}
