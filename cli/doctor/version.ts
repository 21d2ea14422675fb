/** Compares the versions of the server and of the command line. Runs in the CLI process. */
import { VERSION } from "../../schemas/version.js";
import { labelOf } from "./access.js";
import type { Check } from "./check.js";
import { ok, skip, warning } from "./line.js";

function isOlder(one: string, other: string): boolean {
  return one.localeCompare(other, "en", { numeric: true }) < 0;
}

export const VERSIONS: Check = {
  name: "version",
  needs: "token",
  run: ({ access }) => {
    const server = labelOf(access, "koor_build_info", "version");
    if (server === undefined) return [skip("the server does not report its version")];
    if (server === VERSION) return [ok(`the server and the command line are both ${VERSION}`)];
    const older = isOlder(server, VERSION) ? "the server" : "this command line";
    return [warning(`the server is ${server}, the command line ${VERSION}`, `upgrade ${older}`)];
  },
};
