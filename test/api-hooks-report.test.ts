/** Tests when the hook after a tool asks an agent to report its changes to the radar. */
import t from "tap";

import { send } from "./support/http-client.js";
import { startKoor } from "./support/server-process.js";

const ASKS = /conflict with those in other checkouts: koor radar report/;

t.test("only an agent whose hook cannot report is asked, once, about a file that another checkout edits", async (t) => {
  const { port } = await startKoor(t);
  let calls = 0;
  /** Sends both hooks of an edit, and returns the answer after it. */
  const edit = async (session: string, path: string, reports = false): Promise<string> => {
    calls += 1;
    const root = `/work/${session}`;
    const hook = async (event: string): Promise<string> => {
      const headers = {
        "X-Koor-Root": root,
        "X-Koor-Workspace": "shop",
        "X-Koor-Checkout": `c-${session}`,
        ...(reports ? { "X-Koor-Reports": "1" } : {}),
      };
      const tool = { tool_name: "Edit", tool_use_id: `t-${calls}`, tool_input: { file_path: `${root}/${path}` } };
      const body = JSON.stringify({ session_id: session, cwd: root, hook_event_name: event, ...tool });
      return (await send(port, "POST", "/api/hooks/claude", { headers, body })).text;
    };
    t.notMatch(await hook("PreToolUse"), ASKS);
    return await hook("PostToolUse");
  };
  t.notMatch(await edit("ana", "a.ts"), ASKS, "nobody else edits it");
  t.notMatch(await edit("ben", "b.ts"), ASKS, "another file");
  t.notMatch(await edit("cid", "a.ts", true), ASKS, "its hook reports");
  t.match(await edit("ben", "a.ts"), ASKS);
  t.notMatch(await edit("ben", "a.ts"), ASKS, "once");
});
