/**
 * Tests that the command line and the server know the same hooks: `init` writes into the files of the clients only
 * events that the server answers, and the events without which it could not protect files.
 */
import t from "tap";

import { CLIENTS } from "../cli/init/clients.js";
import { HOOK_CLIENTS, type HookClientName } from "../schemas/hook-names.js";
import { findClient, findEvent } from "../src/features/hooks/clients.js";

/** Returns the events of which `init` tells a client. A plugin names them in its code. */
function eventsOf(name: HookClientName): readonly string[] {
  const { format } = CLIENTS[name].hooks;
  return format.kind === "plugin"
    ? [...format.text.matchAll(/"((?:session|chat|tool)\.[a-z.]+)"/g)].flatMap(([, event]) => event ?? [])
    : format.events;
}

for (const name of HOOK_CLIENTS) {
  t.test(`${name}: the events of init are events of the server`, (t) => {
    // The file that VS Code shares with Copilot sends all events under Copilot's name.
    const client = findClient(name === "vscode" ? "copilot" : name);
    const moments = eventsOf(name).map((event) => client && findEvent(client, event)?.moment);
    t.notOk(moments.includes(undefined), `${eventsOf(name).join(" ")}: ${moments.join(" ")}`);
    t.match(new Set(moments), new Set(["before-tool", "after-tool"]));
    t.end();
  });
}
