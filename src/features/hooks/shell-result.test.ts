/**
 * Tests which exit code is read from a client's report about a shell command. An unclear report must not count as
 * success.
 */
import t from "tap";
import { shellExitCode } from "./shell-result.js";

t.test("a member with an exit code is believed", (t) => {
  for (const json of [
    { tool_response: { exit_code: 3 } },
    { tool_response: { exitCode: 3 } },
    { tool_response: { metadata: { exit: 3 } } },
    { tool_result: { exit_code: 3 } },
    { toolResult: { exitCode: 3 } },
  ])
    t.equal(shellExitCode("AfterTool", {}, json), 3, JSON.stringify(json));
  t.equal(shellExitCode("PostToolUse", {}, { tool_response: { exit_code: 0 } }), 0);
  for (const exit of ["0", null, 0.5, {}, true])
    t.equal(shellExitCode("PostToolUse", {}, { tool_response: { exit_code: exit } }), null, JSON.stringify(exit));
  t.end();
});

t.test("Claude Code says it by its events", (t) => {
  const done = { tool_response: { stdout: "", stderr: "", interrupted: false } };
  t.equal(shellExitCode("PostToolUse", {}, done), 0);
  t.equal(shellExitCode("PostToolUse", { run_in_background: true }, done), null, "it still runs");
  t.equal(shellExitCode("PostToolUse", {}, { tool_response: { ...done.tool_response, interrupted: true } }), null);
  for (const member of ["backgroundTaskId", "returnCodeInterpretation"])
    t.equal(shellExitCode("PostToolUse", {}, { tool_response: { ...done.tool_response, [member]: "x" } }), null);
  t.equal(shellExitCode("PostToolUseFailure", {}, { error: "Exit code 2\nfailed" }), 2);
  t.equal(shellExitCode("PostToolUseFailure", {}, { error: "Command exited with non-zero status code 1" }), 1);
  t.equal(shellExitCode("PostToolUseFailure", {}, { error: "the user said no" }), null);
  t.equal(shellExitCode("PostToolUseFailure", {}, {}), null);
  t.end();
});

t.test("the success of another client says nothing about the exit code", (t) => {
  t.equal(shellExitCode("PostToolUse", {}, { tool_response: "Process exited with code 1" }), null);
  t.equal(shellExitCode("PostToolUse", {}, { tool_result: { result_type: "success" } }), null);
  t.equal(shellExitCode("AfterTool", {}, { tool_response: { llmContent: "Exit Code: 1" } }), null);
  t.equal(shellExitCode("PostToolUse", {}, {}), null);
  t.end();
});
