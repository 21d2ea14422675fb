/** Chooses the token for the requests of the checks. Runs in the CLI process. */
import { CliFailure } from "../failure.js";
import type { Examined } from "./check.js";

/** Returns the token that the server accepts; "" if the server answers requests without a token. */
export function tokenOf({ identity, access }: Examined): string {
  return identity instanceof CliFailure || access.isOpen ? "" : identity.settings.token;
}
