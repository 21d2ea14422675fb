/**
 * Tests the plugin that `init` installs for OpenCode and Kilo Code. Checks the request that it sends for each event,
 * and its reaction to the server's answers.
 */
import { mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import t from "tap";

import { FakeServer, replyJson } from "../../test/cli/fake-server.js";
import { makeDirectory } from "../../test/support/server-process.js";
import { ownRecordPath } from "../own-record.js";
import { pluginText } from "./client-plugin.js";

type Hook = (input: object, output?: object) => Promise<void>;
type Hooks = Readonly<
  Record<"event" | "chat.message" | "tool.execute.before" | "experimental.chat.system.transform", Hook>
>;
type Plugin = (input: { readonly directory: string }) => Promise<Hooks>;

t.test("a subagent's events name its parent, a denial is thrown, and a context is given for one turn", async (t) => {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  const directory = realpathSync(makeDirectory(t));
  mkdirSync(join(directory, ".koor"));
  const record = { root: directory, server: fake.url, headers: { "X-Koor-Workspace": "trucks" } };
  // The plugin must not use the server in the project's own record, because another person may have made the project's
  // files.
  writeFileSync(join(directory, ".koor/init.json"), JSON.stringify({ ...record, server: "http://127.0.0.1:1" }));
  const own = makeDirectory(t);
  process.env["XDG_CONFIG_HOME"] = own;
  const path = ownRecordPath(directory, process.env) ?? "";
  mkdirSync(dirname(path), { recursive: true });
  const file = join(directory, "koor.mjs");
  writeFileSync(file, pluginText("opencode"));
  const { default: start } = (await import(pathToFileURL(file).href)) as { readonly default: Plugin };
  t.same(await start({ directory }), {}, "the user's own init has not run here");
  writeFileSync(path, JSON.stringify({ ...record, root: own }));
  t.same(await start({ directory }), {}, "the record is that of another folder");
  writeFileSync(path, JSON.stringify(record));
  const hooks = await start({ directory });
  const answers: object[] = [];
  const sent: unknown[] = [];
  fake.answer = ({ url, headers, body }) => {
    t.match({ url, headers }, { url: "/api/hooks/opencode", headers: { "x-koor-workspace": "trucks" } });
    sent.push(JSON.parse(body.toString()));
    return replyJson(answers.shift() ?? {});
  };
  const event = async (type: string, properties: object): Promise<void> =>
    await hooks.event({ event: { type, properties } });
  await event("session.created", { info: { id: "s-1" } });
  await event("session.created", { info: { id: "s-2", parentID: "s-1" } });
  await event("file.edited", { file: "a" });
  answers.push({ deny: "ben holds it" });
  const call = { tool: "edit", sessionID: "s-2", callID: "c-1" };
  await t.rejects(hooks["tool.execute.before"](call, { args: { filePath: "a" } }), { message: "ben holds it" });
  answers.push({ context: "hello" });
  await hooks["chat.message"]({ sessionID: "s-1" }, { parts: [{ type: "text", text: "do it" }] });
  const systemOf = async (sessionID: string): Promise<unknown> => {
    const output = { system: [] };
    await hooks["experimental.chat.system.transform"]({ sessionID }, output);
    return output.system;
  };
  // All requests of a turn must contain the server's text. The first request alone is not enough, because it may only
  // ask the model for a title.
  t.same([await systemOf("s-1"), await systemOf("s-1")], [["hello"], ["hello"]], "all requests of a turn have it");
  await event("message.updated", { sessionID: "s-1", info: { id: "m-2", parentID: "m-1" } });
  await event("session.idle", { sessionID: "s-1" });
  t.same(await systemOf("s-1"), [], "and none of the next turn");
  await event("session.deleted", { info: { id: "s-2", parentID: "s-1" } });
  t.same(sent, [
    { event: "session.created", sessionID: "s-1", cwd: directory },
    { event: "session.created", sessionID: "s-2", parentID: "s-1", cwd: directory },
    { event: "tool.execute.before", ...call, parentID: "s-1", cwd: directory, args: { filePath: "a" } },
    { event: "chat.message", sessionID: "s-1", cwd: directory, prompt: "do it" },
    { event: "session.idle", sessionID: "s-1", cwd: directory },
    { event: "session.deleted", sessionID: "s-2", parentID: "s-1", cwd: directory },
  ]);
});
