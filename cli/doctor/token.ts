/**
 * Checks whether the server accepts the token of commands, and the token of hooks. Never prints a token. Runs in the
 * CLI process.
 */
import { STATUSES } from "../../schemas/status.js";
import { shellWord } from "../../shared/shell-quote.js";
import { NoAnswer } from "../exchange.js";
import { CliFailure } from "../failure.js";
import { addressOf, readHookToken } from "../hook-token-file.js";
import { readUserSettings } from "../settings-file.js";
import { takesToken, type Access } from "./access.js";
import type { Check, Examined } from "./check.js";
import { failure, ok, type Finding } from "./line.js";
import type { Answering } from "./reach.js";
import { describeReply } from "./reply.js";

const SET = "set it: koor config set --user token TOKEN, or KOOR_TOKEN";

/**
 * Returns the source of a token that commands do not send; undefined if they send theirs. Commands withhold the user's
 * token from a server that only a file in this folder names.
 */
function findWithheld({ environment, identity }: Examined): string | undefined {
  if (identity instanceof CliFailure || identity.settings.isUsersServer !== false) return undefined;
  if (environment["KOOR_TOKEN"]) return "KOOR_TOKEN";
  const user = readUserSettings(environment, process.platform);
  return user instanceof CliFailure || !user?.token ? undefined : "the token of your own settings";
}

function judgeRefusal(examined: Examined, { address }: Answering, hasToken: boolean): Finding {
  if (hasToken) return failure(`${address} refuses the token`, `${SET} (the server's --auth-token, or an instance's)`);
  const withheld = findWithheld(examined);
  if (withheld === undefined) return failure(`${address} asks for a token, and none is set`, SET);
  const word = shellWord(address);
  const from = examined.identity instanceof CliFailure ? "a file" : examined.identity.serversFrom;
  return failure(
    `${address} asks for a token, and ${withheld} is not sent there: only ${from} of this folder names it`,
    `name the server yourself: koor config set --user server ${word}, or koor init --join ${word}`,
  );
}

function judgeOwn(examined: Examined, server: Answering, { isOpen, isGranted, reply }: Access): Finding {
  const { identity } = examined;
  const hasToken = !(identity instanceof CliFailure) && identity.settings.token !== "";
  if (isOpen)
    return ok(hasToken ? "the server accepts any caller, so it ignores the token" : "the server needs no token");
  if (isGranted) return ok("the server takes the token");
  if (reply === undefined || reply instanceof NoAnswer || reply.status !== STATUSES.UNAUTHENTICATED.http) {
    const why = reply === undefined ? "no answer" : describeReply(reply);
    return failure(`${server.address} does not say whether it needs a token: ${why}`, "see docs/troubleshooting.md");
  }
  return judgeRefusal(examined, server, hasToken);
}

/** Checks the token of hooks, unless it is the same as the token of commands. */
async function judgeHooks({ environment, project, identity }: Examined, server: Answering): Promise<Finding[]> {
  const { record } = project;
  if (record === undefined || record.server !== addressOf(server.server) || record.clients.length === 0) return [];
  const token = readHookToken(record.server, environment, process.platform);
  const again = "run koor init again, with KOOR_TOKEN or the token in your own settings";
  if (token === undefined)
    return [failure("hooks have no token, and the server accepts their requests without one", again)];
  const own = identity instanceof CliFailure ? "" : identity.settings.token;
  // This token was already checked as the caller's token.
  if (token === own) return [];
  return [
    (await takesToken(server.server, token))
      ? ok("the server takes the token that hooks send")
      : failure("the server refuses the token that hooks send, so it does not decide about edits", again),
  ];
}

export const TOKEN: Check = {
  name: "token",
  needs: "server",
  run: async (examined) => {
    const { access, reached } = examined;
    const { server } = reached;
    if (server === undefined) return [];
    const own = judgeOwn(examined, server, access);
    return [own, ...(access.isOpen === false ? await judgeHooks(examined, server) : [])];
  },
};
