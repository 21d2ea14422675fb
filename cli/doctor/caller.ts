/** The token of the caller, for the requests of checks. Runs in the CLI process. */
import { CliFailure } from "../failure.js";
import type { Examined } from "./check.js";

/** Returns the token that the server takes; "" if it takes requests without one. */
export function tokenOf({ identity, access }: Examined): string {
  return identity instanceof CliFailure || access.isOpen ? "" : identity.settings.token;
}
