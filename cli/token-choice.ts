/**
 * Chooses the token of a command. A token is sent only to servers for which it was stored or set. If only a file in the
 * folder names a server, that server gets none of the user's tokens, because another person may have written the file.
 * The servers of a context get the context's token. Runs in the CLI process.
 */
import { shellWord } from "../shared/shell-quote.js";
import { CURRENT_CONTEXT, type FoundContext } from "./context-file.js";
import { wrongUsage, type CliFailure } from "./failure.js";
import { addressOf, readHookToken } from "./hook-token-file.js";
import { JOIN_NAME, PROJECT_NAME, type Choice } from "./server-choice.js";
import { joinServers, parseServers } from "./server-list.js";
import { userSettingsPath } from "./settings-file.js";
import { askForConsent, rememberTrust } from "./token-consent.js";

/** Whether a list of servers contains all chosen servers. */
function namesAll(named: string | undefined, { servers }: Choice): boolean {
  const known = new Set((parseServers(named ?? "") ?? []).map(({ href }) => href));
  return servers.every(({ href }) => known.has(href));
}

/**
 * Whether a token from a file in the folder may be sent to all chosen servers.
 * @param named the servers that were stored with the token. If there are none, the token may be sent to any server with
 * two exceptions: servers of a context, and servers that only `.koor/project.json` names, because another person may
 * have committed it
 */
function isFor(named: string | undefined, choice: Choice): boolean {
  if (named !== undefined) return namesAll(named, choice);
  const { serversFrom, folderOnly, context } = choice;
  return serversFrom !== context?.from && (serversFrom !== PROJECT_NAME || folderOnly.length === 0);
}

/**
 * Returns the token of the context if the context names all chosen servers. `from` says how the context must have been
 * selected, for example by `--context`.
 */
function tokenOfContext(choice: Choice, from: FoundContext["from"]): string | undefined {
  const { context } = choice;
  return context?.from === from && namesAll(context.server, choice) ? context.token : undefined;
}

/**
 * Returns the token in the user's own settings, if it may be sent. A server of a context gets it only if the same
 * settings name the server; otherwise it was saved for other servers.
 */
function tokenOfUser(choice: Choice): string | undefined {
  const { user, context, folderOnly } = choice;
  const isOfContext = context !== undefined && namesAll(context.server, choice);
  return folderOnly.length === 0 && (!isOfContext || namesAll(user?.server, choice)) ? user?.token : undefined;
}

/**
 * Returns the first token that may be sent to the chosen servers; undefined if there is none. The token of the folder's
 * instance comes last. It is used even if a session acts, because the session may have been started with it.
 */
export function sendableToken(choice: Choice): string | undefined {
  const { environment, folder, instance, folderOnly, serversFrom } = choice;
  const forUsersServer = folderOnly.length === 0;
  const isOfProject = !forUsersServer || serversFrom === PROJECT_NAME || serversFrom === JOIN_NAME;
  return (
    tokenOfContext(choice, "--context") ??
    ((forUsersServer && environment["KOOR_TOKEN"]) || undefined) ??
    tokenOfContext(choice, "KOOR_CONTEXT") ??
    (isFor(folder?.server, choice) ? folder?.token : undefined) ??
    tokenOfContext(choice, CURRENT_CONTEXT) ??
    tokenOfUser(choice) ??
    (isOfProject ? tokenOfInit(choice) : undefined) ??
    (isFor(instance?.server, choice) ? instance?.token : undefined)
  );
}

/** Returns the token that the user has allowed `init` to store for the server; undefined if there is none. */
function tokenOfInit({ servers, environment }: Choice): string | undefined {
  const [server, ...others] = servers;
  return others.length > 0 ? undefined : readHookToken(addressOf(server), environment, process.platform);
}

/**
 * Asks for consent to send a token to servers that only a file in the folder names. Returns the token, or "" if the
 * user has none. Returns a failure if the user does not agree.
 */
export function askForWithheldToken({
  environment,
  folder,
  user,
  folderOnly,
  folderFile,
}: Choice): string | CliFailure {
  if (folderOnly.length === 0) return "";
  const withheld: readonly (readonly [whose: string, token: string | undefined])[] = [
    ["KOOR_TOKEN", environment["KOOR_TOKEN"]],
    [`the token of ${folder?.name ?? ""}`, folder?.token],
    ["the token of your own settings", user?.token],
  ];
  const [whose, token] = withheld.find(([, one]) => one) ?? [];
  if (token === undefined) return "";
  const addresses = joinServers(folderOnly);
  const agreed = askForConsent(`${folderFile} names the server ${addresses}. Send ${whose} there?`);
  if (agreed === true) {
    const path = userSettingsPath(environment, process.platform);
    if (path !== undefined)
      rememberTrust(
        path,
        folderOnly.map(({ href }) => href),
      );
    return token;
  }
  // The user may run this command as it is. A path of a URL may contain characters that a shell interprets.
  const word = shellWord(addresses);
  return wrongUsage(
    `${whose} is not sent to ${addresses}, which only ${folderFile} names`,
    `to send it there name the server yourself: --server ${word}, KOOR_SERVER=${word}, or koor config set --user server ${word}`,
  );
}
