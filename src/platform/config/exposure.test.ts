/** Tests which configurations let clients on other machines use a server without a token. */
import t from "tap";
import type { Config } from "../../../schemas/config.js";
import { SERVER_TOKEN_CHARACTERS_MIN } from "../../../schemas/limits/tokens.js";
import { checkToken, ConfigError } from "./load.js";
import { isExposed, shortToken } from "./exposure.js";

t.test("a server without a token on a reachable address is exposed", (t) => {
  const exposed = (bind: string, dashboardBind: string, authToken = ""): boolean =>
    isExposed({ bind, dashboard_bind: dashboardBind, auth_token: authToken } as unknown as Config);
  t.notOk(exposed("localhost:9800", "localhost:9847"));
  t.notOk(exposed("127.0.0.1:0", ""), "no machine can reach a port that is off");
  t.notOk(exposed("[::1]:9800", "127.8.9.1:9847"));
  for (const open of ["0.0.0.0:9800", ":9800", "[::]:9800", "10.1.2.3:9800", "koor.example:9800"]) {
    t.ok(exposed(open, "localhost:9847"), open);
    t.ok(exposed("localhost:9800", open), open);
    t.notOk(exposed(open, open, "a token"), open);
  }
  t.end();
});

t.test("the token of CI must not be the server's token, which may do everything", (t) => {
  const check = (authToken: string, ciToken: string): void =>
    checkToken({ bind: "", dashboard_bind: "", auth_token: authToken, ci_token: ciToken } as unknown as Config);
  t.throws(() => check("a", "a"), { message: "--ci-token must not be the same as --auth-token" });
  t.doesNotThrow(() => check("a", "b"));
  t.doesNotThrow(() => check("", ""));
  t.end();
});

t.test("a token that can be guessed is refused if other machines can try it", (t) => {
  const long = "\u{1F511}".repeat(SERVER_TOKEN_CHARACTERS_MIN);
  const short = "x".repeat(SERVER_TOKEN_CHARACTERS_MIN - 1);
  const check = (bind: string, dashboardBind: string, authToken: string): void =>
    checkToken({ bind, dashboard_bind: dashboardBind, auth_token: authToken, ci_token: "" } as unknown as Config);
  t.notOk(shortToken({ auth_token: "", ci_token: "" }), "a missing token is reported separately");
  t.notOk(shortToken({ auth_token: long, ci_token: long }));
  t.equal(shortToken({ auth_token: short, ci_token: long }), "auth_token");
  t.equal(shortToken({ auth_token: long, ci_token: short }), "ci_token");
  for (const open of ["0.0.0.0:9800", ":9800", "[::]:9800", "10.1.2.3:9800", "koor.example:9800"]) {
    for (const [bind, dashboard] of [
      [open, "localhost:9847"],
      ["localhost:9800", open],
    ] as const) {
      t.throws(() => check(bind, dashboard, short), ConfigError);
      t.throws(() => check(bind, dashboard, short), { message: /--auth-token has less than 16 characters/ });
      for (const token of ["", long]) t.doesNotThrow(() => check(bind, dashboard, token));
    }
  }
  for (const [bind, dashboard] of [
    ["localhost:9800", "127.8.9.1:9847"],
    ["[::1]:9800", ""],
  ] as const)
    t.doesNotThrow(() => check(bind, dashboard, short));
  t.end();
});
