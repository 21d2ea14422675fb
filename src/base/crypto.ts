/** Node's cryptography, read when it is first needed: that takes 5 ms, which no start of a thread should wait for. */
import type * as NodeCrypto from "node:crypto";

let loaded: typeof NodeCrypto | undefined;

/** The module `node:crypto`. */
export function crypto(): typeof NodeCrypto {
  return (loaded ??= process.getBuiltinModule("node:crypto"));
}
