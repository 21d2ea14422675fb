/** Tests which tool calls count as calls of Koor only. An exhausted budget does not deny these calls. */
import t from "tap";
import { HOOK_KOOR_COMMAND_CHARACTERS_MAX } from "../../../schemas/limits/hooks.js";
import type { HookTool } from "./input.js";
import { isKoorCall } from "./koor-call.js";

const shell = (command: string): HookTool => ({ name: "Bash", kind: "shell", parameters: { command } });
const other = (name: string): HookTool => ({ name, kind: "other", parameters: {} });

t.test("koor commands with which an agent ends its work", (t) => {
  for (const command of [
    "koor message send name:ana 'I stop here' --intent inform",
    'koor task release t-1 --fence "$FENCE"',
    "koor-cli task done t-1 --fence 3 && koor lease release lease-4",
    "koor budget list; koor whoami",
    "KOOR_INSTANCE=x koor task fail t-1 --fence 3 --error 'no budget'",
  ])
    t.equal(isKoorCall(shell(command)), true, command);
  t.end();
});

t.test("everything else", (t) => {
  for (const command of [
    "",
    "npm test",
    "koor task list | sh",
    "koor message list; rm -rf build",
    "koor lease run deploy -- make",
    "koor task work -- ./solve.sh",
    "koor task claim",
    "koor land --check 'npm test'",
    "koor serve",
    'koor message send ana "$(cat secret)"',
    "koor message send ana `id`",
    "koor message send ana < <(id)",
    "koor task list > tasks.json",
    "$KOOR task list",
    `koor message send ana '${"x".repeat(HOOK_KOOR_COMMAND_CHARACTERS_MAX)}'`,
  ])
    t.equal(isKoorCall(shell(command)), false, command.slice(0, 60));
  t.equal(isKoorCall({ name: "Edit", kind: "edit", parameters: { file_path: "koor" } }), false);
  t.end();
});

t.test("tools of Koor's MCP server, and of others", (t) => {
  for (const name of ["mcp__koor__message", "koor.state_get", "koor__wait"])
    t.equal(isKoorCall(other(name)), true, name);
  for (const name of ["Read", "koor", "mcp__korr__x", "mcp__files__koor", "WebFetch"])
    t.equal(isKoorCall(other(name)), false, name);
  t.end();
});
