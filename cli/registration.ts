/**
 * Implements `register`. If this folder has already registered an instance with the same name, updates and prints it.
 * Otherwise registers a new instance. instance-file.ts stores the instance. Runs in the CLI process.
 */
import type { Checkout } from "../schemas/instances.js";
import { parseJson } from "../shared/json-text.js";
import { isJsonObject, type JsonObject } from "../shared/json-object.js";
import { ask, failureOf } from "./ask.js";
import { findCheckout } from "./checkout.js";
import type { Args, CommandContext } from "./command-row.js";
import { CliFailure, WRONG_USAGE } from "./failure.js";
import { JSON_TYPE } from "./input.js";
import { io } from "./io.js";
import { findInstance, instancePathForWriting, saveInstance, type StoredInstance } from "./instance-file.js";
import { hasKoorFolder } from "./koor-folder.js";
import { isFailure, type Outcome } from "./outcome.js";
import { printAnswer, warn } from "./output.js";
import { serversOf, type Settings } from "./settings.js";
import { findWorkspace } from "./workspace-name.js";

const PATH = "/api/instances";

function parseObject(bytes: Buffer): JsonObject {
  const text = bytes.toString("utf8");
  const parsed = parseJson(text);
  return isJsonObject(parsed) ? parsed : {};
}

/** Returns the members that the command line sets. The server uses defaults for the others. */
function readFields(args: Args): JsonObject {
  const given = ["workspace", "intent", "stack", "account"].flatMap((name) => {
    const value = args.text(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const capabilities = (args.text("capabilities") ?? "")
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
  return { name: args.need("name"), ...Object.fromEntries(given), capabilities };
}

/** Returns the body of a registration. Without a flag, the instance's workspace is that of the folder. */
function makeBody(args: Args, folder: string): JsonObject | CliFailure {
  const { environment } = io();
  const fields = readFields(args);
  const checkout = findCheckout(folder, environment);
  if (fields["workspace"] !== undefined) return { ...fields, checkout };
  const workspace = findWorkspace(folder, environment);
  if (workspace instanceof CliFailure) return workspace;
  return { ...fields, ...(workspace.name === null ? {} : { workspace: workspace.name }), checkout };
}

async function send(settings: Settings, method: string, path: string, body: object): Promise<Outcome<Buffer>> {
  const text = Buffer.from(JSON.stringify(body));
  const answer = await ask(settings, { method, path: PATH + path, headers: JSON_TYPE, body: text });
  return isFailure(answer) ? answer : answer.body;
}

/** Whether the server's checkout has the same values as the folder's. */
function isSameCheckout(known: unknown, { id, branch, root, machine }: Checkout): boolean {
  if (!isJsonObject(known)) return false;
  return known["id"] === id && known["branch"] === branch && known["root"] === root && known["machine"] === machine;
}

/**
 * Finds the folder's instance on the server and returns it. Updates the instance as the command line says, and updates
 * its checkout. Returns `gone` if the server does not have the instance any more, and `another` if the command line
 * names a different one. In both cases, the caller registers a new instance.
 */
async function findRegistered(
  settings: Settings,
  { id, token }: StoredInstance,
  args: Args,
  folder: string,
): Promise<Outcome<Buffer> | "gone" | "another"> {
  const path = `/${encodeURIComponent(id)}`;
  const read = async () => await ask(settings, { method: "GET", path: PATH + path });
  const first = await read();
  if (first instanceof CliFailure) return first;
  if (isFailure(first)) return "gone";
  const known = parseObject(first.body);
  const same = (name: string): boolean => (args.text(name) ?? known[name]) === known[name];
  if (known["id"] !== id || !same("name") || !same("workspace") || !same("stack")) return "another";
  const { intent, capabilities } = readFields(args);
  if (intent !== undefined && intent !== known["intent"]) {
    const sent = await send(settings, "POST", `${path}/intent`, { intent });
    if (isFailure(sent)) return sent;
  }
  if (args.text("capabilities") !== undefined) {
    const sent = await send(settings, "POST", `${path}/capabilities`, { capabilities });
    if (isFailure(sent)) return sent;
  }
  const account = args.text("account");
  if (account !== undefined && account !== known["account"]) {
    const sent = await send(settings, "PATCH", path, { account });
    if (isFailure(sent)) return sent;
  }
  const checkout = findCheckout(folder, io().environment);
  // An older server does not have checkouts, so its instances have no such member.
  if (known["checkout"] !== undefined && !isSameCheckout(known["checkout"], checkout)) {
    const sent = await send(settings, "PATCH", path, { checkout });
    if (isFailure(sent)) return sent;
  }
  const now = await read();
  if (isFailure(now)) return now;
  const body = now.body.toString("utf8").trimEnd();
  return Buffer.from(token === undefined ? body : `${body.slice(0, -1)},"token":${JSON.stringify(token)}}`);
}

/** Whether a registered instance is saved in the folder's instance file. */
function savesInstance(args: Args, { folder }: Pick<CommandContext, "folder">): boolean {
  return args.has("save") || hasKoorFolder(folder);
}

/**
 * Saves a new instance in `.koor/instance.json`, if it is to be saved. A failed write is only a warning, because the
 * instance exists and the command still prints its token. The server sends the token only once.
 */
function saveRegistered(answer: Buffer, args: Args, { folder }: CommandContext, settings: Settings): void {
  if (!savesInstance(args, { folder })) return;
  const { id, token } = parseObject(answer);
  if (typeof id !== "string") return;
  const instance = typeof token === "string" ? { id, token } : { id };
  const failure = saveInstance(folder, instance, serversOf(settings));
  if (failure) warn(failure.message);
}

/**
 * Returns the settings with the folder's instance as identity. `register` always acts for the folder, even in a shell
 * whose other commands act as the session of an agent.
 */
function asFolder({ session, fallback, ...others }: Settings): Settings {
  if (fallback === undefined) return session === undefined ? others : { ...others, session };
  return { ...others, instance: fallback.instance };
}

export async function register(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const configured = context.settings();
  if (configured instanceof CliFailure) return configured;
  const settings = asFolder(configured);
  // If KOOR_INSTANCE names an instance, `settings.instance` may differ from the file's instance. The file is then
  // ignored.
  const stored = findInstance(context.folder);
  const own =
    stored !== undefined && !(stored instanceof CliFailure) && stored.id === settings.instance ? stored : undefined;
  const again = own === undefined ? "another" : await findRegistered(settings, own, args, context.folder);
  if (isFailure(again)) return failureOf(again);
  if (Buffer.isBuffer(again)) return (await printAnswer(again, context)) ?? 0;
  const path = savesInstance(args, context) ? instancePathForWriting(context.folder) : "";
  // The path is checked before the request, because the server sends the token only once. A failure after the request
  // would lose the token.
  if (path instanceof CliFailure && path.exit === WRONG_USAGE) return path;
  // The server does not know the old instance, so a call in its name would fail. The request therefore names no
  // instance.
  const caller = again === "gone" ? { ...settings, instance: "" } : settings;
  const body = makeBody(args, context.folder);
  if (body instanceof CliFailure) return body;
  const registered = await send(caller, "POST", "/register", body);
  if (isFailure(registered)) return failureOf(registered);
  saveRegistered(registered, args, context, settings);
  return (await printAnswer(registered, context)) ?? 0;
}
