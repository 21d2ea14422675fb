/**
 * Chooses the token of a command. A token is sent only to its own server. A folder's file may name another server. The
 * user's tokens, also those in the environment, are not sent to that server. A context's token is sent to the context's
 * servers only. Runs in the CLI process.
 */
import { CURRENT_CONTEXT, type FoundContext } from "./context-file.js";
import { wrongUsage, type CliFailure } from "./failure.js";
import { addressOf, readHookToken } from "./hook-token-file.js";
import { PROJECT_NAME, type Choice } from "./server-choice.js";
import { joinServers, parseServers } from "./server-list.js";
import { userSettingsPath } from "./settings-file.js";
import { askForConsent, rememberTrust } from "./token-consent.js";

/** Whether a list names all of the chosen servers. */
function namesAll(named: string | undefined, { servers }: Choice): boolean {
  const known = new Set((parseServers(named ?? "") ?? []).map(({ href }) => href));
  return servers.every(({ href }) => known.has(href));
}

/**
 * Whether a token of a folder's file may be sent to all of the chosen servers.
 * @param named the servers that were stored with the token. Without them, any server may get the token, except those of
 * a context, and those that only the project's file names: it may be committed, and then comes from other people.
 */
function isFor(named: string | undefined, choice: Choice): boolean {
  if (named !== undefined) return namesAll(named, choice);
  const { serversFrom, folderOnly, context } = choice;
  return serversFrom !== context?.from && (serversFrom !== PROJECT_NAME || folderOnly.length === 0);
}

/** Returns the token of the context in effect, if it is for the chosen servers and the context comes from `from`. */
function tokenOfContext(choice: Choice, from: FoundContext["from"]): string | undefined {
  const { context } = choice;
  return context?.from === from && namesAll(context.server, choice) ? context.token : undefined;
}

/**
 * Returns the token of the user's own file, if it may be sent. The servers of a context get it only if the file itself
 * names them, because it was not saved for them.
 */
function tokenOfUser(choice: Choice): string | undefined {
  const { user, context, folderOnly } = choice;
  const isOfContext = context !== undefined && namesAll(context.server, choice);
  return folderOnly.length === 0 && (!isOfContext || namesAll(user?.server, choice)) ? user?.token : undefined;
}

/**
 * Returns the first token that may be sent to the chosen servers; undefined if there is none. The token of the folder's
 * instance is the last one. With a session it is used, too: a session may have been begun with it.
 */
export function sendableToken(choice: Choice): string | undefined {
  const { environment, folder, instance, folderOnly } = choice;
  const forUsersServer = folderOnly.length === 0;
  return (
    tokenOfContext(choice, "--context") ??
    ((forUsersServer && environment["KOOR_TOKEN"]) || undefined) ??
    tokenOfContext(choice, "KOOR_CONTEXT") ??
    (isFor(folder?.server, choice) ? folder?.token : undefined) ??
    tokenOfContext(choice, CURRENT_CONTEXT) ??
    tokenOfUser(choice) ??
    (forUsersServer ? undefined : tokenOfInit(choice)) ??
    (isFor(instance?.server, choice) ? instance?.token : undefined)
  );
}

/** Returns the token that the user had `init` keep for the server; undefined if there is none. */
function tokenOfInit({ servers, environment }: Choice): string | undefined {
  const [server, ...others] = servers;
  return others.length > 0 ? undefined : readHookToken(addressOf(server), environment, process.platform);
}

/**
 * Asks the user whether the user's token may be sent to servers that only a file in the folder names. Returns the
 * token, "" if there is none, or a failure if the user does not agree.
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
  return wrongUsage(
    `${whose} is not sent to ${addresses}, which only ${folderFile} names`,
    `to send it there name the server yourself: --server ${addresses}, KOOR_SERVER=${addresses}, or koor config set --user server ${addresses}`,
  );
}
