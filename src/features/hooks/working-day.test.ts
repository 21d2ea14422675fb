/**
 * Simulates a working day of one agent without any conflict, and counts the tokens that hooks add to its model's
 * context. Such a day must add almost nothing, because each text in a context costs money and attention.
 */
import t from "tap";
import { HEADERS, openHooks, ROOT } from "../../../test/support/hooking.js";

const TOOL_CALLS = 300;
const TURNS = 20;
const SUBAGENTS = 5;
const COLLEAGUES = 8;
/** The maximum number of tokens that the hooks of a day may add. */
const TOKENS_MAX = 400;
/** A token is about four bytes of English text. */
const BYTES_OF_TOKEN = 4;
const TURN_MS = 20 * 60 * 1000;

interface Events {
  readonly start: string;
  readonly prompt: string;
  readonly before: string;
  readonly after: string;
  readonly stop: string;
  readonly members: (event: string, call: number, tool: string, parameters: object) => object;
}

const claude = (event: string, call: number, tool: string, parameters: object): object => ({
  ...{ session_id: "s-1", cwd: ROOT, hook_event_name: event, n: call },
  ...{ tool_name: tool, tool_use_id: `t-${call}`, tool_input: parameters },
});
const CLAUDE: Events = {
  start: "SessionStart",
  prompt: "UserPromptSubmit",
  before: "PreToolUse",
  after: "PostToolUse",
  stop: "Stop",
  members: claude,
};
const CLIENTS: Readonly<Record<string, Events>> = {
  claude: CLAUDE,
  codex: CLAUDE,
  kimi: CLAUDE,
  gemini: { ...CLAUDE, prompt: "BeforeAgent", before: "BeforeTool", after: "AfterTool", stop: "AfterAgent" },
  opencode: {
    start: "session.created",
    prompt: "chat.message",
    before: "tool.execute.before",
    after: "tool.execute.after",
    stop: "session.idle",
    members: (event, call, tool, args) => ({ event, sessionID: "s-1", cwd: ROOT, tool, callID: `t-${call}`, args }),
  },
};

/** Returns one tool call of the day. Half of the calls edit files; the others read or run commands. */
function callAt(at: number): readonly [tool: string, parameters: object] {
  if (at % 2 === 0) return ["Edit", { file_path: `${ROOT}/src/orders/part-${at % 40}.ts` }];
  const command = ["npm test", "git status", "git add src/orders/part-2.ts", "git commit -m 'orders'", "rm -rf dist"];
  return at % 4 === 1 ? ["Read", { file_path: `${ROOT}/README.md` }] : ["Bash", { command: command[at % 5] }];
}

for (const [name, { start, prompt, before, after, stop, members }] of Object.entries(CLIENTS))
  t.test(`a day of ${name} costs few tokens`, async (t) => {
    const house = openHooks(t);
    for (let at = 0; at < COLLEAGUES; at++) {
      const tree = { id: `c-${at % 3}`, branch: `feature/payments-${at}`, root: `/work/tree-${at}`, machine: null };
      const colleague = house.register(`colleague-${at}`, tree);
      house.server.directory.setIntent(colleague, `moves the payments of part ${at} to the new service`);
      house.lease(colleague, `path:src/payments/part-${at}/**`, { scope: "checkout" });
    }
    const contexts: string[] = [];
    let calls = 0;
    let hooks = 0;
    const hook = async (event: string, tool = "", parameters: object = {}, more: object = {}): Promise<void> => {
      hooks += 1;
      const { text } = await house.call(name, { ...members(event, calls, tool, parameters), ...more }, HEADERS);
      if (text !== "{}" && text !== "") contexts.push(text);
    };
    await hook(start);
    for (let turn = 0; turn < TURNS; turn++) {
      await hook(prompt, "", {}, { prompt: `step ${turn}` });
      for (let at = 0; at < TOOL_CALLS / TURNS; at++) {
        const [tool, parameters] = callAt(calls);
        const agent = calls % 60 === 0 ? { agent_id: `a-${calls % SUBAGENTS}`, agent_type: "Explore" } : {};
        await hook(before, tool, parameters, agent);
        await hook(after, tool, parameters, agent);
        calls += 1;
      }
      await hook(stop);
      house.server.nowMs += TURN_MS;
    }
    t.equal(calls, TOOL_CALLS);
    t.equal(hooks, 1 + 2 * TOOL_CALLS + 2 * TURNS);
    const tokens = contexts.reduce((sum, text) => sum + Math.ceil(Buffer.byteLength(text) / BYTES_OF_TOKEN), 0);
    t.ok(tokens > 0 && tokens <= TOKENS_MAX, `${tokens} tokens in ${contexts.length} answers`);
    t.equal(contexts.length, 1, "only its start tells something");
    t.match(contexts[0], /you are .*Also active/s);
    t.ok(house.leasesOf(house.session("s-1")).length > 0, "meanwhile it had leases");
  });
