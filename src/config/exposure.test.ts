/** Where strangers can get at a server, and where they cannot. */
import t from "tap";
import type { Config } from "../../schemas/config.js";
import { isExposed } from "./exposure.js";

t.test("exposed is what has no token and an address that others reach", (t) => {
  const exposed = (bind: string, dashboard_bind: string, auth_token = ""): boolean =>
    isExposed({ bind, dashboard_bind, auth_token } as unknown as Config);
  t.notOk(exposed("localhost:9800", "localhost:9847"));
  t.notOk(exposed("127.0.0.1:0", ""), "a port that is off is reached by nobody");
  t.notOk(exposed("[::1]:9800", "127.8.9.1:9847"));
  for (const open of ["0.0.0.0:9800", ":9800", "[::]:9800", "10.1.2.3:9800", "koor.example:9800"]) {
    t.ok(exposed(open, "localhost:9847"), open);
    t.ok(exposed("localhost:9800", open), open);
    t.notOk(exposed(open, open, "a token"), open);
  }
  t.end();
});
