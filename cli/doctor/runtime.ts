/** Reports the libraries with which the server runs. Runs in the CLI process. */
import { labelOf } from "./access.js";
import type { Check } from "./check.js";
import { ok, skip, warning } from "./line.js";

/** The SQLite library that is used if no faster one works on the machine. */
const SLOWER_SQLITE = "@photostructure/sqlite";

export const RUNTIME: Check = {
  name: "runtime",
  needs: "token",
  run: ({ access }) => {
    const [node, sqlite, transport] = ["node", "sqlite", "transport"].map((label) =>
      labelOf(access, "koor_runtime_info", label),
    );
    if (node === undefined || sqlite === undefined || transport === undefined)
      return [skip("the server does not report its libraries")];
    const message = `the server runs on Node ${node} with ${sqlite} and the transport ${transport}`;
    return [
      sqlite === SLOWER_SQLITE
        ? warning(`${message}: writes cost a fifth more`, "use Node 22.16 or newer, or npm rebuild better-sqlite3")
        : ok(message),
    ];
  },
};
