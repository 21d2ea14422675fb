/**
 * Implements the `context` commands, which list and change the user's contexts. They call no server, and never print a
 * token. Runs in the CLI process.
 */
import type { Args, CommandContext } from "./command-row.js";
import {
  findContext,
  isContextName,
  NAME_RULE,
  noSuchContext,
  readContexts,
  writeContexts,
  type Context,
} from "./context-file.js";
import { CliFailure, refused, wrongUsage } from "./failure.js";
import { readTextFileFlag } from "./input.js";
import { io } from "./io.js";
import { printAnswer } from "./output.js";
import { adviseScheme, parseServers } from "./server-list.js";
import { isHeaderText, SERVER_RULE, TOKEN_RULE } from "./setting-rules.js";

/** The value of a flag that means stdin. */
const STDIN = "-";

async function printJson(value: unknown, context: CommandContext): Promise<number | CliFailure> {
  return (await printAnswer(Buffer.from(JSON.stringify(value)), context)) ?? 0;
}

/** Describes a context without its token. */
function describe(name: string, { server, token }: Context): object {
  return { name, server, has_token: token !== undefined };
}

/** Reads the token from stdin or from a file; undefined if neither `--token` nor `--token-file` is given. */
async function readToken(args: Args): Promise<string | undefined | CliFailure> {
  const [given, file] = [args.text("token"), args.text("token-file")];
  if (given !== undefined && file !== undefined) return wrongUsage("--token or --token-file, not both");
  // Refuse a token on the command line, because other users of the machine can see command lines.
  if (given !== undefined && given !== STDIN) return wrongUsage("--token must be -, which reads the token from stdin");
  const path = given ?? file;
  if (path === undefined) return undefined;
  const text = await readTextFileFlag(path, "token");
  if (text instanceof CliFailure) return text;
  const token = text.replace(/\r?\n$/, "");
  return token !== "" && isHeaderText(token) ? token : wrongUsage(TOKEN_RULE);
}

/** Adds a context, or replaces the context of this name. */
export async function addContext(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const { environment } = io();
  const name = args.need("name");
  const { server } = context;
  if (!isContextName(name)) return wrongUsage(NAME_RULE);
  if (server === "") return wrongUsage("--server is required");
  if (!parseServers(server)) return wrongUsage(SERVER_RULE, adviseScheme(server));
  const token = await readToken(args);
  if (token instanceof CliFailure) return token;
  const all = readContexts(environment);
  if (all instanceof CliFailure) return all;
  const added: Context = { server, ...(token === undefined ? {} : { token }) };
  const contexts = new Map([...all.contexts, [name, added]]);
  return writeContexts({ ...all, contexts }, environment) ?? (await printJson({ added: name }, context));
}

export async function listContexts(context: CommandContext): Promise<number | CliFailure> {
  const all = readContexts(io().environment);
  if (all instanceof CliFailure) return all;
  const rows = [...all.contexts].map(([name, one]) => ({ ...describe(name, one), current: name === all.current }));
  return await printJson(rows, context);
}

/** Prints the named context. Without a name, prints the context in effect. */
export async function showContext(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const { environment } = io();
  const named = args.text("name");
  const all = readContexts(environment);
  if (all instanceof CliFailure) return all;
  if (named !== undefined) {
    const found = all.contexts.get(named);
    return found === undefined ? refused(noSuchContext(named, all)) : await printJson(describe(named, found), context);
  }
  const inEffect = findContext(environment, context.contextName, "named") ?? findContext(environment, "", "current");
  if (inEffect instanceof CliFailure) return inEffect;
  if (inEffect === undefined) return refused("no context is in effect: choose one with koor context use NAME");
  return await printJson({ ...describe(inEffect.name, inEffect), from: inEffect.from }, context);
}

/** Chooses the context that commands use by default. With `--none`, no context is chosen. */
export async function useContext(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const { environment } = io();
  const name = args.text("name");
  if ((name === undefined) === !args.has("none")) return wrongUsage("a name or --none is required, not both");
  const all = readContexts(environment);
  if (all instanceof CliFailure) return all;
  if (name !== undefined && !all.contexts.has(name)) return refused(noSuchContext(name, all));
  const changed = name === undefined ? { contexts: all.contexts } : { ...all, current: name };
  return writeContexts(changed, environment) ?? (await printJson({ using: name ?? null }, context));
}

/** Removes a context and its token. If it was the chosen context, no context is chosen any more. */
export async function removeContext(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const { environment } = io();
  const name = args.need("name");
  const all = readContexts(environment);
  if (all instanceof CliFailure) return all;
  if (!all.contexts.has(name)) return refused(noSuchContext(name, all));
  const contexts = new Map([...all.contexts].filter(([one]) => one !== name));
  const changed = all.current === name ? { contexts } : { ...all, contexts };
  return writeContexts(changed, environment) ?? (await printJson({ removed: name }, context));
}
