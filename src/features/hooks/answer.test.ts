/**
 * Tests the answers that each client gets at each event. No answer may have a member that its client does not know, and
 * no answer may allow a call.
 */
import * as fc from "fast-check";
import t from "tap";
import { HOOK_CLIENTS, HOOK_POLICIES, type HookClientName } from "../../../schemas/hook-names.js";
import { newSeed } from "../../../test/support/random.js";
import { must } from "../../base/assert.js";
import { canHoldStop, canInform, type HookDecision, hookAnswer, PROCEED } from "./answer.js";
import type { HookClient, HookEvent } from "./client.js";
import { CLIENTS, findClient, findEvent } from "./clients.js";

function find(name: HookClientName, event: string): [HookClient, HookEvent] {
  const client = must(findClient(name), name);
  return [client, must(findEvent(client, event), event)];
}

const DENY: HookDecision = { kind: "deny", reason: "no", policy: "auto" };
const INFORM: HookDecision = { kind: "context", text: "hi" };
const HOLD: HookDecision = { kind: "hold-stop", reason: "wait" };

const claudeDenial = (event: string): string =>
  `{"hookSpecificOutput":{"hookEventName":"${event}","permissionDecision":"deny","permissionDecisionReason":"no"}}`;
const claudeContext = (event: string): string =>
  `{"hookSpecificOutput":{"hookEventName":"${event}","additionalContext":"hi"}}`;
const BLOCK = '{"decision":"block","reason":"wait"}';
const NONE = "{}";

/**
 * The answers that each client gets at its main events: a denial, a context, and an answer that keeps the agent from
 * stopping.
 */
const ANSWERS: readonly (readonly [HookClientName, string, deny: string, inform: string, hold: string])[] = [
  ["claude", "SessionStart", NONE, claudeContext("SessionStart"), NONE],
  ["claude", "UserPromptSubmit", NONE, claudeContext("UserPromptSubmit"), NONE],
  ["claude", "PreToolUse", claudeDenial("PreToolUse"), claudeContext("PreToolUse"), NONE],
  ["claude", "PostToolUse", NONE, claudeContext("PostToolUse"), NONE],
  ["claude", "PostToolBatch", NONE, claudeContext("PostToolBatch"), NONE],
  ["claude", "Stop", NONE, NONE, BLOCK],
  ["claude", "SubagentStop", NONE, NONE, NONE],
  ["claude", "SessionEnd", NONE, NONE, NONE],
  ["claude", "PermissionRequest", NONE, NONE, NONE],
  ["codex", "SessionStart", NONE, claudeContext("SessionStart"), NONE],
  ["codex", "UserPromptSubmit", NONE, claudeContext("UserPromptSubmit"), NONE],
  ["codex", "PreToolUse", claudeDenial("PreToolUse"), claudeContext("PreToolUse"), NONE],
  ["codex", "PostToolUse", NONE, claudeContext("PostToolUse"), NONE],
  ["codex", "Stop", NONE, NONE, NONE],
  ["codex", "SubagentStop", NONE, NONE, NONE],
  ["gemini", "SessionStart", NONE, claudeContext("SessionStart"), NONE],
  ["gemini", "BeforeAgent", NONE, claudeContext("BeforeAgent"), NONE],
  ["gemini", "BeforeTool", '{"decision":"deny","reason":"no"}', NONE, NONE],
  ["gemini", "AfterTool", NONE, claudeContext("AfterTool"), NONE],
  ["gemini", "AfterAgent", NONE, NONE, NONE],
  ["gemini", "PreCompress", NONE, NONE, NONE],
  ["qwen", "SessionStart", NONE, claudeContext("SessionStart"), NONE],
  ["qwen", "UserPromptSubmit", NONE, claudeContext("UserPromptSubmit"), NONE],
  ["qwen", "PreToolUse", claudeDenial("PreToolUse"), NONE, NONE],
  ["qwen", "PostToolUse", NONE, claudeContext("PostToolUse"), NONE],
  ["qwen", "Stop", NONE, NONE, BLOCK],
  ["copilot", "SessionStart", NONE, '{"additionalContext":"hi"}', NONE],
  ["copilot", "UserPromptSubmit", NONE, '{"additionalContext":"hi"}', NONE],
  ["copilot", "PreToolUse", claudeDenial("PreToolUse"), claudeContext("PreToolUse"), NONE],
  ["copilot", "PostToolUse", NONE, '{"additionalContext":"hi"}', NONE],
  ["copilot", "Stop", NONE, NONE, BLOCK],
  ["copilot", "sessionStart", NONE, '{"additionalContext":"hi"}', NONE],
  ["copilot", "userPromptSubmitted", NONE, '{"additionalContext":"hi"}', NONE],
  [
    "copilot",
    "preToolUse",
    '{"permissionDecision":"deny","permissionDecisionReason":"no"}',
    '{"additionalContext":"hi"}',
    NONE,
  ],
  ["copilot", "postToolUse", NONE, '{"additionalContext":"hi"}', NONE],
  ["copilot", "agentStop", NONE, NONE, BLOCK],
  ["copilot", "subagentStop", NONE, NONE, NONE],
  ["copilot", "sessionEnd", NONE, NONE, NONE],
  ["kimi", "SessionStart", NONE, NONE, NONE],
  ["kimi", "UserPromptSubmit", "", "hi", ""],
  ["kimi", "PreToolUse", claudeDenial("PreToolUse"), NONE, NONE],
  ["kimi", "PostToolUse", NONE, NONE, NONE],
  ["kimi", "Stop", NONE, NONE, NONE],
  ["cursor", "sessionStart", NONE, '{"additional_context":"hi"}', NONE],
  ["cursor", "beforeSubmitPrompt", NONE, NONE, NONE],
  ["cursor", "preToolUse", '{"permission":"deny","user_message":"no","agent_message":"no"}', NONE, NONE],
  ["cursor", "beforeShellExecution", '{"permission":"deny","user_message":"no","agent_message":"no"}', NONE, NONE],
  ["cursor", "postToolUse", NONE, '{"additional_context":"hi"}', NONE],
  ["cursor", "afterFileEdit", NONE, NONE, NONE],
  ["cursor", "beforeReadFile", NONE, NONE, NONE],
  ["cursor", "stop", NONE, NONE, '{"followup_message":"wait"}'],
  ["vscode", "SessionStart", NONE, claudeContext("SessionStart"), NONE],
  ["vscode", "UserPromptSubmit", NONE, NONE, NONE],
  ["vscode", "PreToolUse", claudeDenial("PreToolUse"), claudeContext("PreToolUse"), NONE],
  ["vscode", "PostToolUse", NONE, claudeContext("PostToolUse"), NONE],
  ["vscode", "Stop", NONE, NONE, '{"hookSpecificOutput":{"hookEventName":"Stop","decision":"block","reason":"wait"}}'],
  ...(["opencode", "kilo"] as const).flatMap((client) => [
    [client, "session.created", NONE, '{"context":"hi"}', NONE] as const,
    [client, "chat.message", NONE, '{"context":"hi"}', NONE] as const,
    [client, "tool.execute.before", '{"deny":"no"}', '{"context":"hi"}', NONE] as const,
    [client, "tool.execute.after", NONE, '{"context":"hi"}', NONE] as const,
    [client, "session.idle", NONE, '{"context":"hi"}', NONE] as const,
    [client, "session.deleted", NONE, NONE, NONE] as const,
  ]),
  ["cline", "agent_start", NONE, NONE, NONE],
  ["cline", "prompt_submit", NONE, '{"contextModification":"hi"}', NONE],
  ["cline", "tool_call", '{"contextModification":"no"}', '{"contextModification":"hi"}', NONE],
  ["cline", "PreToolUse", '{"contextModification":"no"}', '{"contextModification":"hi"}', NONE],
  ["cline", "tool_result", NONE, '{"contextModification":"hi"}', NONE],
  ["cline", "agent_end", NONE, NONE, NONE],
];

t.test("what each client gets at each event", (t) => {
  for (const [name, eventName, deny, inform, hold] of ANSWERS) {
    const [client, event] = find(name, eventName);
    t.equal(hookAnswer(client, event, DENY), deny, `${name} ${eventName}: a denial`);
    t.equal(hookAnswer(client, event, INFORM), inform, `${name} ${eventName}: a context`);
    t.equal(hookAnswer(client, event, HOLD), hold, `${name} ${eventName}: a stop that is held`);
    const proceed = name === "kimi" && eventName === "UserPromptSubmit" ? "" : NONE;
    t.equal(hookAnswer(client, event, PROCEED), proceed, `${name} ${eventName}: proceed`);
    t.equal(canInform(event), inform !== NONE, `${name} ${eventName}: whether a context arrives`);
    t.equal(canHoldStop(client, event), hold !== NONE && hold !== "", `${name} ${eventName}: whether a stop is held`);
  }
  t.same(new Set(ANSWERS.map(([name]) => name)), new Set(HOOK_CLIENTS), "every client");
  for (const [name, event] of [
    ["claude", "PreToolUse"],
    ["kimi", "UserPromptSubmit"],
    ["opencode", "tool.execute.before"],
  ] as const) {
    const proceed = hookAnswer(...find(name, event), PROCEED);
    t.equal(
      hookAnswer(...find(name, event), { kind: "deny", reason: "", policy: "auto" }),
      proceed,
      "without a reason",
    );
    t.equal(hookAnswer(...find(name, event), { kind: "context", text: "" }), proceed, "without a text");
  }
  t.end();
});

t.test("Cline ends its run only under the strictest policy", (t) => {
  for (const policy of HOOK_POLICIES) {
    const answer = hookAnswer(...find("cline", "tool_call"), { kind: "deny", reason: "no", policy });
    const expected = policy === "strict" ? '{"cancel":true,"errorMessage":"no"}' : '{"contextModification":"no"}';
    t.equal(answer, expected, policy);
    const claude = hookAnswer(...find("claude", "PreToolUse"), { kind: "deny", reason: "no", policy });
    t.equal(claude, claudeDenial("PreToolUse"), policy);
  }
  t.end();
});

/**
 * The members of Claude Code's answers, one list for each kind: a denial, a context, and a blocked stop. Other clients
 * share some of these lists.
 */
const CLAUDE_MEMBERS = [
  ["hookSpecificOutput.hookEventName", "permissionDecision", "permissionDecisionReason"],
  ["hookSpecificOutput.hookEventName", "additionalContext"],
  ["decision", "reason"],
];
const MEMBERS: Readonly<Record<HookClientName, readonly (readonly string[])[]>> = {
  claude: CLAUDE_MEMBERS,
  codex: CLAUDE_MEMBERS.slice(0, 2),
  gemini: [
    ["decision", "reason"],
    ["hookSpecificOutput.hookEventName", "additionalContext"],
  ],
  qwen: CLAUDE_MEMBERS,
  copilot: [...CLAUDE_MEMBERS, ["permissionDecision", "permissionDecisionReason"], ["additionalContext"]],
  kimi: CLAUDE_MEMBERS.slice(0, 1),
  cursor: [["permission", "user_message", "agent_message"], ["additional_context"], ["followup_message"]],
  vscode: [...CLAUDE_MEMBERS.slice(0, 2), ["hookSpecificOutput.hookEventName", "decision", "reason"]],
  opencode: [["deny"], ["context"]],
  kilo: [["deny"], ["context"]],
  cline: [["contextModification"], ["cancel", "errorMessage"]],
};

/**
 * Returns the names of an answer's members. The first member inside another one has the outer name as its prefix
 * (`outer.inner`).
 */
function namesOf(json: object): string[] {
  return Object.entries(json).flatMap(([name, value]: [string, unknown]) =>
    typeof value === "object" && value !== null
      ? Object.keys(value).map((inner, at) => (at === 0 ? `${name}.${inner}` : inner))
      : [name],
  );
}

t.test("an answer has only members that its client knows, and never allows a call", (t) => {
  const text = fc.string({ unit: "binary", minLength: 0, maxLength: 50 });
  const decision: fc.Arbitrary<HookDecision> = fc.oneof(
    fc.constant(PROCEED),
    fc.record({ kind: fc.constant("deny" as const), reason: text, policy: fc.constantFrom(...HOOK_POLICIES) }),
    fc.record({ kind: fc.constant("context" as const), text }),
    fc.record({ kind: fc.constant("hold-stop" as const), reason: text }),
  );
  const event = fc.constantFrom(...CLIENTS.flatMap((client) => client.events.map((one) => [client, one] as const)));
  const seen = new Set<string>();
  const property = fc.property(event, decision, ([client, one], some) => {
    const answer = hookAnswer(client, one, some);
    if (one.context === "plain") return some.kind === "context" ? answer === some.text : answer === "";
    const json = JSON.parse(answer) as Record<string, unknown>;
    const names = namesOf(json);
    seen.add(`${client.name} ${names.join()}`);
    const isKnown = names.length === 0 || MEMBERS[client.name].some((known) => known.join() === names.join());
    const inner = (json["hookSpecificOutput"] ?? {}) as Record<string, unknown>;
    const verdicts = [
      json["decision"],
      json["permission"],
      json["permissionDecision"],
      inner["permissionDecision"],
      inner["decision"],
    ];
    return isKnown && verdicts.every((verdict) => verdict === undefined || verdict === "deny" || verdict === "block");
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 5_000, seed: newSeed() | 0 }));
  t.ok(seen.size > 20, `${seen.size} shapes were seen`);
  t.end();
});
