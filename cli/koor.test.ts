/**
 * Tests the command line against a fake server: the request and the output of each command, and its failures.
 * event-feed.test.ts tests subscriptions.
 */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { spawnSync } from "node:child_process";
import { createServer as createSecureServer } from "node:https";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import t, { type Test } from "tap";

import { BODY_BYTES_MAX } from "../schemas/limits/request-bodies.js";
import { STATUSES } from "../schemas/status.js";
import { FakeServer, replyError, replyJson } from "../test/cli/fake-server.js";
import { LOOPBACK_CERTIFICATE, LOOPBACK_KEY } from "../test/cli/loopback-certificate.js";
import { CLI_PROGRAM, RunningCli, runCli, runProgram, type CliOptions, type CliResult } from "../test/cli/run-cli.js";
import { makeDirectory } from "../test/support/server-process.js";
import { findRow } from "./command-line.js";
import { COMMANDS } from "./commands.js";

interface Bench {
  readonly fake: FakeServer;
  readonly cwd: string;
  /** Runs a command against the fake server. */
  readonly koor: (args: readonly string[], options?: Partial<CliOptions>) => Promise<CliResult>;
}

async function setUp(t: Test): Promise<Bench> {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  // The folder is outside of git, so that no command asks git about its files.
  const cwd = makeDirectory(t);
  const env = { KOOR_SERVER: fake.url };
  return { fake, cwd, koor: (args, options = {}) => runCli(args, { cwd, env, ...options }) };
}

/** Returns a port on which no server listens. The port was just used and released. */
async function findFreePort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * Runs two rows at a time. Most of the time of a row is the start of a process, and two processes can start at once.
 */
async function inPairs<Row, Result>(
  rows: readonly Row[],
  run: (row: Row) => Promise<Result>,
): Promise<[Row, Result][]> {
  const results: [Row, Result][] = [];
  for (let at = 0; at < rows.length; at += 2) {
    results.push(
      ...(await Promise.all(rows.slice(at, at + 2).map(async (row): Promise<[Row, Result]> => [row, await run(row)]))),
    );
  }
  return results;
}

function checkRefused(t: Test, result: CliResult, code: number, says: RegExp, what: string): void {
  t.equal(result.code, code, `${what}: exit code`);
  t.match(result.stderr, says, `${what}: stderr`);
  t.equal(result.stdout, "", `${what}: stdout is empty`);
}

const SENT: readonly {
  readonly args: readonly string[];
  readonly method: string;
  readonly url: string;
  /** The exact body of the request, or some of its members. */
  readonly body?: string | Readonly<Record<string, unknown>>;
  readonly type?: string;
  readonly input?: string;
  /** The expected exit code if the server answers `{}`. It is 0 unless the command derives the code from the answer. */
  readonly code?: number;
}[] = [
  { args: ["status"], method: "GET", url: "/health" },
  { args: ["cluster", "status"], method: "GET", url: "/api/cluster", code: 1 },
  { args: ["state", "list"], method: "GET", url: "/api/state" },
  {
    args: ["state", "list", "--prefix", "a/", "--limit", "2", "--after", "a b&c"],
    method: "GET",
    url: "/api/state?prefix=a%2F&limit=2&after=a%20b%26c",
  },
  { args: ["state", "get", "k"], method: "GET", url: "/api/state/k" },
  { args: ["state", "get", "a/b c%2F"], method: "GET", url: "/api/state/a/b%20c%252F" },
  { args: ["state", "get", "/a//b/"], method: "GET", url: "/api/state//a//b/" },
  // The slashes are encoded, because a proxy may resolve `..` and the request would go to another path.
  { args: ["state", "delete", "../instances/i-1"], method: "DELETE", url: "/api/state/..%2Finstances%2Fi-1" },
  { args: ["state", "get", "a/./b"], method: "GET", url: "/api/state/a%2F.%2Fb" },
  { args: ["state", "get", "ключ?#"], method: "GET", url: "/api/state/%D0%BA%D0%BB%D1%8E%D1%87%3F%23" },
  { args: ["state", "get", "--version", "3", "k"], method: "GET", url: "/api/state/k?version=3" },
  { args: ["state", "get", "--", "--pretty"], method: "GET", url: "/api/state/--pretty" },
  { args: ["state", "get", "--json", "--", "--json"], method: "GET", url: "/api/state/--json" },
  {
    args: ["state", "set", "k", "--data", "-5"],
    method: "PUT",
    url: "/api/state/k",
    body: "-5",
    type: "application/json",
  },
  {
    args: ["state", "set", "k", "--file", "-"],
    input: '\u{feff}{"a":1}',
    method: "PUT",
    url: "/api/state/k",
    body: '\u{feff}{"a":1}',
    type: "application/json",
  },
  {
    args: ["state", "set", "k", "--data=a=b\nc"],
    method: "PUT",
    url: "/api/state/k",
    body: "a=b\nc",
    type: "text/plain",
  },
  {
    args: ["state", "set", "k", "--data", "--- #yaml", "--content-type", "text/yaml; charset=utf-8", "--if-version=0"],
    method: "PUT",
    url: "/api/state/k?if_version=0",
    body: "--- #yaml",
    type: "text/yaml; charset=utf-8",
  },
  { args: ["state", "delete", "k", "--if-version", "4"], method: "DELETE", url: "/api/state/k?if_version=4" },
  { args: ["state", "history", "k", "--limit", "7"], method: "GET", url: "/api/state/k?history=1&limit=7" },
  { args: ["state", "rollback", "k", "--version", "2"], method: "POST", url: "/api/state/k?rollback=2" },
  {
    args: ["state", "rollback", "k", "--version=2", "--if-version=3"],
    method: "POST",
    url: "/api/state/k?rollback=2&if_version=3",
  },
  { args: ["state", "diff", "k", "--v1", "1", "--v2=2"], method: "GET", url: "/api/state/k?diff=1%2C2" },
  { args: ["specs", "list", "a/b"], method: "GET", url: "/api/specs/a%2Fb" },
  { args: ["specs", "projects"], method: "GET", url: "/api/specs" },
  { args: ["specs", "get", "p/n/m o", "--version", "3"], method: "GET", url: "/api/specs/p/n%2Fm%20o?version=3" },
  {
    args: ["specs", "set", "p/n", "--data", "{}", "--if-version", "0"],
    method: "PUT",
    url: "/api/specs/p/n?if_version=0",
    body: "{}",
    type: "application/json",
  },
  { args: ["specs", "delete", "p/n", "--if-version", "4"], method: "DELETE", url: "/api/specs/p/n?if_version=4" },
  { args: ["specs", "history", "p/n", "--limit", "7"], method: "GET", url: "/api/specs/p/n?history=1&limit=7" },
  {
    args: ["specs", "rollback", "p/n", "--version=2", "--if-version=3"],
    method: "POST",
    url: "/api/specs/p/n?rollback=2&if_version=3",
  },
  { args: ["specs", "diff", "p/n", "--v1", "1", "--v2=2"], method: "GET", url: "/api/specs/p/n?diff=1%2C2" },
  {
    args: ["events", "publish", 'a."b"', "--data", ' {"n":12345678901234567890,\n"n":1.0} '],
    method: "POST",
    url: "/api/events/publish",
    body: '{"topic":"a.\\"b\\"","data": {"n":12345678901234567890,\n"n":1.0} }',
    type: "application/json",
  },
  {
    args: ["events", "publish", "t", "--data", "null", "--source", "ci"],
    method: "POST",
    url: "/api/events/publish",
    body: '{"topic":"t","data":null,"source":"ci"}',
  },
  { args: ["events", "history"], method: "GET", url: "/api/events/history" },
  {
    args: [
      "events",
      "history",
      "--last=3",
      "--topic",
      "api.[a-z]?*",
      "--from",
      "2026-02-09T14:30:00+01:00",
      "--to",
      "x",
      "--source",
      "",
    ],
    method: "GET",
    url: "/api/events/history?last=3&topic=api.%5Ba-z%5D%3F*&from=2026-02-09T14%3A30%3A00%2B01%3A00&to=x&source=",
  },
  {
    args: ["events", "history", "--after", "9", "--wait", "30"],
    method: "GET",
    url: "/api/events/history?after=9&wait=30",
  },
  {
    args: ["events", "history", "--after", "9", "--wait", "2s"],
    method: "GET",
    url: "/api/events/history?after=9&wait=2",
  },
  { args: ["message", "list", "--wait", "1500ms"], method: "GET", url: "/api/messages?wait=2&limit=1000" },
  {
    args: ["message", "send", "a", "b", "--expires", "1h30m"],
    method: "POST",
    url: "/api/messages",
    body: '{"to":"a","subject":"b","expires_in_s":5400}',
  },
  {
    args: ["register", "ana"],
    method: "POST",
    url: "/api/instances/register",
    body: { name: "ana", capabilities: [], workspace: String, checkout: { id: /^[0-9a-f]{16}$/ } },
  },
  {
    args: ["register", "ana", "--workspace", "w", "--intent", "a b", "--stack=go", "--capabilities", "review, deploy,"],
    method: "POST",
    url: "/api/instances/register",
    body: { name: "ana", workspace: "w", intent: "a b", stack: "go", capabilities: ["review", "deploy"] },
  },
  { args: ["activate", "a/b"], method: "POST", url: "/api/instances/a%2Fb/activate" },
  { args: ["instances", "list"], method: "GET", url: "/api/instances" },
  {
    args: ["instances", "list", "--name", "a", "--workspace", "b", "--stack", "c", "--capability", "d"],
    method: "GET",
    url: "/api/instances?name=a&workspace=b&stack=c&capability=d",
  },
  { args: ["instances", "get", "i"], method: "GET", url: "/api/instances/i" },
  { args: ["instances", "stale"], method: "GET", url: "/api/instances/stale" },
  { args: ["instances", "delete", "a/b"], method: "DELETE", url: "/api/instances/a%2Fb" },
  {
    args: ["message", "send", "name:ben", "plan"],
    method: "POST",
    url: "/api/messages",
    body: '{"to":"name:ben","subject":"plan"}',
    type: "application/json",
  },
  {
    args: [
      ...["message", "send", "i", "a b", "--body", "-", "--intent", "request", "--thread", "t", "--reply-to=message-1"],
      ...["--importance", "high", "--data", '{"n":12345678901234567890}', "--expires", "60", "--request-id", "r"],
    ],
    method: "POST",
    url: "/api/messages",
    body:
      '{"to":"i","subject":"a b","body":"\u00e9\\n","intent":"request","thread":"t","reply_to":"message-1",' +
      '"importance":"high","request_id":"r","expires_in_s":60,"data":{"n":12345678901234567890}}',
    input: "\u00e9\n",
  },
  { args: ["message", "list"], method: "GET", url: "/api/messages?limit=1000" },
  {
    args: ["message", "list", "--unread", "--box", "in", "--thread", "a b", "--after", "message-3", "--wait", "9"],
    method: "GET",
    url: "/api/messages?unread=1&box=in&thread=a%20b&after=message-3&wait=9&limit=1000",
  },
  {
    args: ["message", "read", "message-1"],
    method: "POST",
    url: "/api/messages/mark",
    body: '{"ids":["message-1"],"as":"read"}',
    type: "application/json",
  },
  {
    args: ["message", "ack", "message-1", "--note", "done", "message-2"],
    method: "POST",
    url: "/api/messages/mark",
    body: '{"ids":["message-1","message-2"],"as":"acked","note":"done"}',
  },
  { args: ["message", "threads", "--limit", "5"], method: "GET", url: "/api/messages/threads?limit=5" },
  { args: ["task", "add", "t"], method: "POST", url: "/api/tasks", body: '{"title":"t"}', type: "application/json" },
  {
    args: [
      ...["task", "add", "t", "--body", "-", "--label", "a", "--label=b", "--after", "x", "--after", "y"],
      ...["--resource", "path:a,b/**", "--requires", "go", "--priority", "09", "--id", "i", "--workspace", "w"],
      ...["--assignee", "ana", "--not-before", "2026-01-01T00:00:00Z", "--data", "1.0", "--max-attempts", "2"],
      ...["--ttl", "1500ms", "--max", "1h", "--request-id", "r"],
    ],
    method: "POST",
    url: "/api/tasks",
    body:
      '{"title":"t","body":"all of it","priority":9,"labels":["a","b"],"assignee":"ana",' +
      '"not_before":"2026-01-01T00:00:00Z","after":["x","y"],"resources":["path:a,b/**"],"requires":["go"],"id":"i",' +
      '"workspace":"w","data":1.0,"max_attempts":2,"ttl_s":2,"max_s":3600,"request_id":"r"}',
    input: "all of it",
  },
  {
    args: ["task", "add", "t", "--or-get", "--id", "ci:red:4f2a91c"],
    method: "POST",
    url: "/api/tasks",
    body: '{"title":"t","id":"ci:red:4f2a91c","or_get":true}',
    type: "application/json",
  },
  {
    args: ["task", "add", "--file", "-"],
    method: "POST",
    url: "/api/tasks",
    body: '[{"title":"a","data":1.0}]',
    input: '[{"title":"a","data":1.0}]',
  },
  {
    args: ["task", "add", "t", "--file", "-", "--label", "a", "--data", "1.0"],
    method: "POST",
    url: "/api/tasks",
    body: '{"title":"t","body":"[\\"no plan\\"]\\n","labels":["a"],"data":1.0}',
    input: '["no plan"]\n',
  },
  {
    args: ["task", "list", "--workspace=w", "--state=ready", "--label=a", "--holder=h", "--assignee=n", "--limit=2"],
    method: "GET",
    url: "/api/tasks?workspace=w&state=ready&label=a&holder=h&assignee=n&limit=2",
  },
  { args: ["task", "get", "t/1"], method: "GET", url: "/api/tasks/t%2F1" },
  {
    args: [
      "task",
      "update",
      "t",
      "--title",
      "n",
      "--label",
      "",
      "--assignee",
      "",
      "--not-before",
      "",
      "--priority",
      "0",
    ],
    method: "PATCH",
    url: "/api/tasks/t",
    body: '{"title":"n","priority":0,"labels":[],"assignee":"","not_before":null}',
  },
  {
    args: ["task", "cancel", "t", "--reason", "r"],
    method: "POST",
    url: "/api/tasks/t/cancel",
    body: '{"reason":"r"}',
  },
  { args: ["task", "cancel", "t"], method: "POST", url: "/api/tasks/t/cancel", body: "{}" },
  { args: ["task", "retry", "t"], method: "POST", url: "/api/tasks/t/retry" },
  {
    args: ["evidence", "list", "--for", "t", "--command", "npm test", "--level", "ci", "--limit", "2"],
    method: "GET",
    url: "/api/evidence?task=t&command=npm%20test&level=ci&limit=2",
  },
  { args: ["evidence", "get", "7"], method: "GET", url: "/api/evidence/7" },
  { args: ["task", "answer", "t", "a b"], method: "POST", url: "/api/tasks/t/answer", body: '{"answer":"a b"}' },
  {
    args: ["task", "progress", "t", "--fence", "7", "--percent", "07", "--note", "n", "--checkpoint", '{"n":1.0}'],
    method: "POST",
    url: "/api/tasks/t/progress",
    body: '{"fence":7,"percent":7,"note":"n","checkpoint":{"n":1.0}}',
    type: "application/json",
  },
  {
    args: ["task", "done", "t", "--fence=7", "--result", "-"],
    method: "POST",
    url: "/api/tasks/t/complete",
    body: '{"fence":7,"result":[1.0]}',
    input: "[1.0]",
  },
  {
    args: ["task", "fail", "t", "it broke", "--fence=7", "--final"],
    method: "POST",
    url: "/api/tasks/t/fail",
    body: '{"fence":7,"error":"it broke","retry":false}',
  },
  {
    args: ["task", "release", "t", "--fence=7"],
    method: "POST",
    url: "/api/tasks/t/release",
    body: '{"fence":7}',
  },
  {
    args: ["task", "ask", "t", "which?", "--fence=7"],
    method: "POST",
    url: "/api/tasks/t/ask",
    body: '{"fence":7,"question":"which?"}',
  },
  { args: ["lease", "list"], method: "GET", url: "/api/leases?limit=1000" },
  {
    args: ["lease", "list", "--workspace", "w", "--holder", "h", "--state=all", "--resource", "path:a/**", "--limit=2"],
    method: "GET",
    url: "/api/leases?workspace=w&holder=h&state=all&resource=path%3Aa%2F**&limit=2",
  },
  {
    args: ["lease", "check", "--shared", "a.ts", "--", "-b"],
    method: "POST",
    url: "/api/leases/check",
    body: '{"paths":["a.ts","-b"],"mode":"shared","scope":"checkout"}',
    code: 1,
  },
  {
    args: ["lease", "check", "--scope", "repo", "a.ts"],
    method: "POST",
    url: "/api/leases/check",
    body: '{"paths":["a.ts"],"scope":"repo"}',
    code: 1,
  },
  {
    args: ["lease", "break", "l/1", "--reason", "r"],
    method: "POST",
    url: "/api/leases/l%2F1/break",
    body: '{"reason":"r"}',
    type: "application/json",
  },
  { args: ["metrics", "agents"], method: "GET", url: "/api/metrics/agents" },
  {
    args: ["metrics", "agents", "a&b", "--period", "2026-02"],
    method: "GET",
    url: "/api/metrics/agents?instance_id=a%26b&period=2026-02",
  },
  { args: ["metrics", "agents", "--instance_id", "i"], method: "GET", url: "/api/metrics/agents?instance_id=i" },
  { args: ["metrics", "agents", "--instance_id=i"], method: "GET", url: "/api/metrics/agents?instance_id=i" },
  { args: ["audit"], method: "GET", url: "/api/audit" },
  {
    args: ["audit", "--actor", "i", "--action", "state.put", "--from", "f", "--to", "t", "--limit", "1"],
    method: "GET",
    url: "/api/audit?actor=i&action=state.put&from=f&to=t&limit=1",
  },
  { args: ["webhooks", "list"], method: "GET", url: "/api/webhooks" },
  {
    args: ["webhooks", "add", "--id", "i", "--url", "http://h/"],
    method: "POST",
    url: "/api/webhooks",
    body: '{"id":"i","url":"http://h/"}',
  },
  {
    args: ["webhooks", "add", "--id", "i", "--url", "http://h/", "--patterns", "a.*, b", "--secret", "s"],
    method: "POST",
    url: "/api/webhooks",
    body: '{"id":"i","url":"http://h/","patterns":["a.*","b"],"secret":"s"}',
  },
  { args: ["webhooks", "delete", "a/b"], method: "DELETE", url: "/api/webhooks/a%2Fb" },
  { args: ["webhooks", "test", "i"], method: "POST", url: "/api/webhooks/i/test" },
  { args: ["webhooks", "enable", "i"], method: "POST", url: "/api/webhooks/i/enable" },
  { args: ["webhooks", "skip", "i"], method: "POST", url: "/api/webhooks/i/skip" },
  { args: ["webhooks", "skip", "i", "--event-id", "7"], method: "POST", url: "/api/webhooks/i/skip?event_id=7" },
  { args: ["webhooks", "log", "i"], method: "GET", url: "/api/webhooks/i/deliveries" },
  { args: ["webhooks", "dead-letters", "a/b"], method: "GET", url: "/api/webhooks/a%2Fb/dead-letters" },
  { args: ["webhooks", "resend", "i", "7"], method: "POST", url: "/api/webhooks/i/dead-letters/7/send" },
  { args: ["webhooks", "discard", "i", "7"], method: "DELETE", url: "/api/webhooks/i/dead-letters/7" },
  {
    args: [
      ...["budget", "set", "b", "--task-id", "t-1", "--tokens", "9", "--cost", "1.5", "--period", "day"],
      ...["--warn-at", "0.5", "--policy", "warn"],
    ],
    method: "PUT",
    url: "/api/budgets/b",
    body: '{"scope":"task","target":"t-1","tokens":9,"cost_usd":1.5,"warn_at":0.5,"period":"day","policy":"warn"}',
    type: "application/json",
  },
  { args: ["budget", "list"], method: "GET", url: "/api/budgets" },
  { args: ["budget", "remove", "b"], method: "DELETE", url: "/api/budgets/b" },
  { args: ["llm", "usage"], method: "GET", url: "/api/llm/usage" },
  {
    args: [
      "llm",
      "usage",
      "--instance",
      "i",
      "--project",
      "p",
      "--session",
      "s",
      "--from",
      "f",
      "--to",
      "t",
      "--limit",
      "1",
    ],
    method: "GET",
    url: "/api/llm/usage?instance=i&project=p&session_tag=s&from=f&to=t&limit=1",
  },
  {
    args: ["llm", "summary", "--by", "model", "--from", "f", "--to", "t", "--interval", "day"],
    method: "GET",
    url: "/api/llm/usage/summary?group_by=model&from=f&to=t&interval=day",
  },
  {
    args: ["templates", "list", "--kind", "rules", "--tag", "a b"],
    method: "GET",
    url: "/api/templates?kind=rules&tag=a%20b",
  },
  { args: ["templates", "get", "a/b"], method: "GET", url: "/api/templates/a%2Fb" },
  {
    args: [
      "templates",
      "create",
      "--id",
      "i",
      "--name",
      "n",
      "--kind",
      "rules",
      "--file",
      "-",
      "--tags",
      "a, b",
      "--description",
      "d",
    ],
    method: "POST",
    url: "/api/templates",
    body: '{"id":"i","name":"n","kind":"rules","description":"d","tags":["a","b"],"data":[1.0]}',
    type: "application/json",
    input: "[1.0]",
  },
  { args: ["templates", "delete", "i"], method: "DELETE", url: "/api/templates/i" },
  {
    args: ["templates", "apply", "i", "--project", "p"],
    method: "POST",
    url: "/api/templates/i/apply",
    body: '{"project":"p"}',
    type: "application/json",
  },
  {
    args: ["rules", "list", "--project", "p", "--status", "proposed", "--stack", "go", "--source", "local,x"],
    method: "GET",
    url: "/api/rules?project=p&status=proposed&stack=go&source=local%2Cx",
  },
  {
    args: ["rules", "check", "p/q", "--data", "x", "--filename", "src/a.ts", "--stack", "go"],
    method: "POST",
    url: "/api/validate/p%2Fq",
    body: '{"filename":"src/a.ts","content":"x","stack":"go"}',
    type: "application/json",
    code: 1,
  },
  {
    args: ["rules", "propose", "p/r/s", "--", "-x+", "say y"],
    method: "POST",
    url: "/api/rules/propose",
    body: '{"project":"p","rule_id":"r/s","pattern":"-x+","message":"say y"}',
    type: "application/json",
  },
  {
    args: [
      ...["rules", "propose", "p/r", "x", "y", "--severity", "warning", "--match-type", "missing", "--stack", "go"],
      ...["--applies-to", "*.go", "--applies-to", "*.mod", "--reason", "c"],
    ],
    method: "POST",
    url: "/api/rules/propose",
    body:
      '{"project":"p","rule_id":"r","pattern":"x","message":"y","severity":"warning","match_type":"missing",' +
      '"stack":"go","context":"c","applies_to":["*.go","*.mod"]}',
  },
  { args: ["rules", "accept", "p/r/s"], method: "POST", url: "/api/rules/p/r%2Fs/accept" },
  { args: ["rules", "reject", "p/r"], method: "POST", url: "/api/rules/p/r/reject" },
  { args: ["rules", "delete", "p/r"], method: "DELETE", url: "/api/rules/p/r" },
  {
    args: ["rules", "import", "--file", "-"],
    method: "POST",
    url: "/api/rules/import",
    body: "[1]",
    type: "application/json",
    input: "[1]",
  },
  { args: ["rules", "export", "--source", "local,x"], method: "GET", url: "/api/rules/export?source=local%2Cx" },
  {
    args: ["rules", "preview", "p/r/s", "--file", "-", "--filename", "src/a.ts", "--stack", "go"],
    method: "POST",
    url: "/api/rules/p/r%2Fs/preview",
    body: JSON.stringify({ filename: "src/a.ts", content: '\uFEFF"é"\r\n', stack: "go" }),
    type: "application/json",
    input: '\uFEFF"é"\r\n',
  },
  {
    args: ["rules", "preview", "p/r", "--data", ""],
    method: "POST",
    url: "/api/rules/p/r/preview",
    body: '{"content":""}',
  },
  {
    args: ["contract", "set", "p/n/m", "--data", '\uFEFF{"kind":"contract","endpoints":{"GET /a":{}},"n":1.0}'],
    method: "PUT",
    url: "/api/specs/p/n%2Fm",
    body: '\uFEFF{"kind":"contract","endpoints":{"GET /a":{}},"n":1.0}',
    type: "application/json",
  },
  {
    args: ["contract", "set", "p/n", "--file", "-"],
    method: "PUT",
    url: "/api/specs/p/n",
    body: '{"kind":"contract"}',
    input: '{"kind":"contract"}',
  },
  { args: ["contract", "get", "p/n"], method: "GET", url: "/api/specs/p/n" },
  {
    args: ["contract", "validate", "p/n", "--endpoint", "GET /a", "--direction", "response", "--payload", " [1.0] "],
    method: "POST",
    url: "/api/contracts/p/n/validate",
    body: '{"endpoint":"GET /a","direction":"response","payload": [1.0] }',
    type: "application/json",
    code: 1,
  },
  {
    args: ["compliance", "history", "--instance_id", "a&b", "--limit", "2"],
    method: "GET",
    url: "/api/compliance/history?instance_id=a%26b&limit=2",
  },
  { args: ["compliance", "run"], method: "POST", url: "/api/compliance/run" },
  { args: ["instances", "check"], method: "POST", url: "/api/liveness/check" },
  { args: ["instances", "heartbeat", "a/b"], method: "POST", url: "/api/instances/a%2Fb/heartbeat", body: "{}" },
  {
    args: ["instances", "heartbeat", "i", "--busy", "10m", "--branch", "main"],
    method: "POST",
    url: "/api/instances/i/heartbeat",
    body: '{"busy_s":600,"branch":"main"}',
    type: "application/json",
  },
  {
    args: ["instances", "intent", "i", ""],
    method: "POST",
    url: "/api/instances/i/intent",
    body: '{"intent":""}',
    type: "application/json",
  },
  {
    args: ["instances", "capabilities", "i", "a, b,"],
    method: "POST",
    url: "/api/instances/i/capabilities",
    body: '{"capabilities":["a","b"]}',
    type: "application/json",
  },
  {
    args: ["instances", "checkout", "i"],
    method: "PATCH",
    url: "/api/instances/i",
    body: { checkout: { id: /^[0-9a-f]{16}$/, root: String } },
    type: "application/json",
  },
  {
    args: ["instances", "checkout", "i", "--none"],
    method: "PATCH",
    url: "/api/instances/i",
    body: '{"checkout":null}',
  },
  {
    args: ["instances", "account", "i", "acme:a"],
    method: "PATCH",
    url: "/api/instances/i",
    body: '{"account":"acme:a"}',
    type: "application/json",
  },
  { args: ["instances", "account", "i", "--none"], method: "PATCH", url: "/api/instances/i", body: '{"account":null}' },
  {
    args: ["llm", "limit", "--provider", "p", "--account", "a", "--retry-after", "60", "--reason", "r"],
    method: "POST",
    url: "/api/llm/limits",
    body: '{"provider":"p","account":"a","retry_after_s":60,"reason":"r"}',
    type: "application/json",
  },
  { args: ["llm", "limits"], method: "GET", url: "/api/llm/limits" },
  { args: ["llm", "end-limit", "7"], method: "DELETE", url: "/api/llm/limits/7" },
  { args: ["hooks", "list"], method: "GET", url: "/api/hooks" },
  {
    args: ["lease", "waits", "--workspace", "w", "--limit", "2"],
    method: "GET",
    url: "/api/leases/waits?workspace=w&limit=2",
  },
  { args: ["message", "all"], method: "GET", url: "/api/messages/all" },
  {
    args: [
      "message",
      "all",
      "--unread",
      "--urgent",
      "--instance",
      "i",
      "--thread",
      "t",
      "--before",
      "m",
      "--limit",
      "2",
    ],
    method: "GET",
    url: "/api/messages/all?unread=1&urgent=1&instance=i&thread=t&before=m&limit=2",
  },
  {
    args: ["rules", "get", "p/q", "--stack", "go", "--after", "r"],
    method: "GET",
    url: "/api/validate/p%2Fq/rules?stack=go&after=r",
  },
  {
    args: ["rules", "set", "p", "--data", "[]"],
    method: "PUT",
    url: "/api/validate/p/rules",
    body: "[]",
    type: "application/json",
  },
  { args: ["webhooks", "dead-letter", "i", "7"], method: "GET", url: "/api/webhooks/i/dead-letters/7" },
  {
    args: ["llm", "record", "--provider", "p", "--model", 'm"'],
    method: "POST",
    url: "/api/llm/usage",
    body: '{"provider":"p","model":"m\\""}',
    type: "application/json",
  },
  {
    args: [
      ...["llm", "record", "--provider", "p", "--model", "m", "--instance", "i", "--project", "q", "--tokens-in", "1"],
      ...["--tokens-out", "2", "--cost", "0.10", "--request-type", "r", "--session", "s"],
    ],
    method: "POST",
    url: "/api/llm/usage",
    body:
      '{"provider":"p","model":"m","instance_id":"i","project":"q","request_type":"r","session_tag":"s",' +
      '"tokens_in":1,"tokens_out":2,"cost_usd":0.10}',
  },
  { args: ["metrics", "show"], method: "GET", url: "/api/metrics" },
  { args: ["metrics", "scrape"], method: "GET", url: "/metrics" },
  {
    args: ["metrics", "history", "a,b", "--from", "f"],
    method: "GET",
    url: "/api/metrics/history?metrics=a%2Cb&from=f",
  },
  { args: ["metrics", "routes"], method: "GET", url: "/api/metrics/routes" },
  { args: ["metrics", "reset"], method: "POST", url: "/api/metrics/reset" },
  { args: ["openapi"], method: "GET", url: "/openapi.json" },
  { args: ["asyncapi"], method: "GET", url: "/asyncapi.json" },
  { args: ["audit", "summary", "--from", "f", "--to", "t"], method: "GET", url: "/api/audit/summary?from=f&to=t" },
];

t.test("each command sends its request", async (t) => {
  const { fake, koor } = await setUp(t);
  for (const { args, method, url, body = "", type, input, code = 0 } of SENT) {
    fake.requests.length = 0;
    const result = await koor(args, input === undefined ? {} : { input });
    t.match(result, { code, stderr: "" }, args.join(" "));
    t.equal(fake.requests.length, 1, "there was one request");
    const [request] = fake.requests;
    t.match(request, { method, headers: { host: `127.0.0.1:${fake.port}` } });
    t.equal(request?.url, url, args.join(" "));
    const sent = request?.body.toString() ?? "";
    if (typeof body === "string") t.equal(sent, body, "body");
    else t.match(JSON.parse(sent), body, "body");
    t.equal(request?.headers.authorization, undefined, "without a token there is no header");
    if (type !== undefined) t.equal(request?.headers["content-type"], type);
  }
  const tried = new Set(SENT.map(({ args }) => findRow(args, COMMANDS)?.words));
  const requests = COMMANDS.filter((row) => "method" in row).map(({ words }) => words);
  t.same(
    requests.filter((words) => !tried.has(words)),
    [],
    "every request of the table was tried",
  );
});

/** Lists of the command line: the path of the request, and how the list continues after a full page. */
const READ_LISTS: readonly { args: readonly string[]; path: string; member?: string; paged?: true }[] = [
  { args: ["state", "list"], path: "/api/state" },
  { args: ["specs", "list", "p"], path: "/api/specs/p", member: "specs" },
  { args: ["webhooks", "list"], path: "/api/webhooks" },
  { args: ["events", "history"], path: "/api/events/history" },
  { args: ["task", "list"], path: "/api/tasks", member: "tasks", paged: true },
  { args: ["lease", "list"], path: "/api/leases", member: "leases", paged: true },
  { args: ["evidence", "list"], path: "/api/evidence", paged: true },
  { args: ["message", "list", "--wait", "1"], path: "/api/messages", member: "messages", paged: true },
  { args: ["message", "threads"], path: "/api/messages/threads", member: "threads", paged: true },
  { args: ["at", "1h", "state"], path: "/api/at/", member: "state", paged: true },
  { args: ["at", "1h", "leases"], path: "/api/at/", member: "leases", paged: true },
  { args: ["at", "1h", "tasks"], path: "/api/at/", member: "tasks", paged: true },
];

t.test("a list is read to its end, unless it has a limit", async (t) => {
  const { fake, koor } = await setUp(t);
  const queries = (): Record<string, string>[] =>
    fake.requests.map(({ url }) => Object.fromEntries(new URL(url, fake.url).searchParams));
  for (const { args, path, member, paged } of READ_LISTS) {
    const read = async (
      parts: readonly (readonly number[])[],
      isCut: boolean,
      ...flags: string[]
    ): Promise<unknown> => {
      fake.requests.length = 0;
      fake.answer = () => {
        const at = fake.requests.length - 1;
        const rows = (parts[at] ?? []).map((id) => ({ id }));
        const headers = isCut && at < parts.length - 1 ? { "X-Koor-Next": "after=b%2Fc" } : {};
        return { headers, body: JSON.stringify(member === undefined ? rows : { [member]: rows, last: at }) };
      };
      const result = await koor([...args, ...flags]);
      t.match(result, { code: 0, stderr: "" }, args.join(" "));
      t.ok(fake.requests.every(({ url }) => url.startsWith(path)));
      return JSON.parse(result.stdout);
    };
    const whole = (ids: readonly number[], last = 1): unknown => {
      const rows = ids.map((id) => ({ id }));
      return member === undefined ? rows : { [member]: rows, last };
    };
    const page = paged ? { limit: "1000" } : {};
    const rest = args[0] === "events" ? { last: "48" } : page;
    t.same(await read([[3, 2], [1]], true), whole([3, 2, 1]), `${args.join(" ")}: an answer that is too long`);
    t.match(queries(), [page, { ...rest, after: "b/c" }]);
    t.notOk("wait" in (queries()[1] ?? {}), "only the first request waits");
    if (paged) {
      const ids = Array.from({ length: 1000 }, (_, at) => 1001 - at);
      t.same(await read([ids, []], true, "--limit", "1000"), whole(ids, 0), `${args.join(" ")}: a full page`);
      t.equal(fake.requests.length, 1, "a limit of the size of a page");
    }
    const limit = args[0] === "events" ? "last" : "limit";
    if (args[0] === "specs" || args[0] === "webhooks") continue;
    t.same(await read([[3, 2], [1], []], true, `--${limit}=3`), whole([3, 2, 1]), `${args.join(" ")} with a limit`);
    t.match(queries(), [{ [limit]: "3" }, { [limit]: "1", after: "b/c" }]);
    t.equal(fake.requests.length, 2);
  }
});

t.test("a list whose next part fails is no list", async (t) => {
  const { fake, koor } = await setUp(t);
  fake.answer = () =>
    fake.requests.length === 1
      ? { headers: { "X-Koor-Next": "after=a" }, body: '[{"key":"a"}]' }
      : replyError(503, "shutting down");
  checkRefused(t, await koor(["state", "list"]), 3, /^koor: shutting down \(503\)/, "the second part");
});

t.test("stdout is the answer as one line, with its digits", async (t) => {
  const { fake, koor } = await setUp(t);
  const answer = '{"n":12345678901234567890,\r\n "f":1.0,"s":"\\n"}\n';
  fake.answer = () => ({ body: answer });
  t.equal((await koor(["status"])).stdout, '{"n":12345678901234567890,   "f":1.0,"s":"\\n"}\n');
  const pretty = '{\n  "n": 12345678901234567890,\n  "f": 1.0,\n  "s": "\\n"\n}\n';
  for (const args of [
    ["--pretty", "status"],
    ["status", "--pretty"],
    ["audit", "--pretty", "summary"],
    ["status", "--json", "--pretty"],
    ["--pretty", "--json", "status"],
  ]) {
    t.equal((await koor(args)).stdout, pretty, args.join(" "));
  }
  const line = '{"n":12345678901234567890,   "f":1.0,"s":"\\n"}\n';
  for (const args of [
    ["--json", "status"],
    ["status", "--json"],
    ["audit", "--json", "summary"],
  ])
    t.match(await koor(args), { code: 0, stdout: line, stderr: "" }, args.join(" "));
});

t.test("state get prints the exact bytes", async (t) => {
  const { fake, koor } = await setUp(t);
  const bytes = Buffer.from([0, 255, 10, 13, 10, 0xc3, 0x28]);
  fake.answer = () => ({ type: "application/octet-stream", body: bytes });
  t.strictSame((await koor(["state", "get", "k"])).bytes, bytes);
  t.strictSame((await koor(["state", "get", "k", "--pretty"])).bytes, bytes, "text that is not JSON is not changed");
  fake.answer = () => ({ body: '{"a":\n1e2}' });
  t.equal((await koor(["state", "get", "k"])).stdout, '{"a":\n1e2}');
  t.equal((await koor(["state", "get", "k", "--pretty"])).stdout, '{\n  "a": 1e2\n}\n');
  const large = Buffer.alloc(BODY_BYTES_MAX, "x");
  fake.answer = () => ({ type: "text/plain", body: large });
  t.ok((await koor(["state", "get", "k"])).bytes.equals(large), "the largest value is printed");
});

t.test("values come from files and from stdin", async (t) => {
  const { fake, koor, cwd } = await setUp(t);
  const bytes = Buffer.from([0, 1, 254, 255, 10]);
  writeFileSync(join(cwd, "value"), bytes);
  const sources: readonly [readonly string[], Partial<CliOptions>][] = [
    [["state", "set", "k", "--file", "value"], {}],
    [["state", "set", "k", "--file", "-"], { input: bytes }],
    [["state", "set", "k", "--data", "-"], { input: bytes }],
  ];
  for (const [args, options] of sources) {
    fake.requests.length = 0;
    t.equal((await koor(args, options)).code, 0, args.join(" "));
    t.strictSame(fake.requests[0]?.body, bytes);
  }
  writeFileSync(join(cwd, "body.md"), "# Что\n");
  t.equal((await koor(["task", "add", "t", "--file", "body.md"])).code, 0);
  t.same(JSON.parse(String(fake.requests.at(-1)?.body)), { title: "t", body: "# Что\n" });
  checkRefused(t, await koor(["task", "add", "t", "--file", "value"]), 2, /the body is not UTF-8 text/, "a body");
  await koor(["events", "publish", "t", "--data", "-"], { input: '"от stdin"' });
  t.equal(fake.requests.at(-1)?.body.toString(), '{"topic":"t","data":"от stdin"}');
  await koor(["state", "set", "k", "--data", ""]);
  t.match(
    fake.requests.at(-1),
    { method: "PUT", headers: { "content-length": "0" } },
    "the server refuses an empty value",
  );
});

t.test("a refusal is exit 1, a failure exit 3, with the server's words", async (t) => {
  const { fake, koor } = await setUp(t);
  const { INTERNAL, INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED, NOT_FOUND, OUT_OF_RANGE } = STATUSES;
  const { DEADLINE_EXCEEDED, DISK_FULL, LOCKED, UNAVAILABLE } = STATUSES;
  for (const [exit, { http }] of [
    ...[INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED, NOT_FOUND, OUT_OF_RANGE, LOCKED].map(
      (row) => [1, row] as const,
    ),
    ...[INTERNAL, UNAVAILABLE, DEADLINE_EXCEEDED, DISK_FULL].map((row) => [3, row] as const),
  ]) {
    fake.answer = () => replyError(http, `because ${http}`);
    checkRefused(
      t,
      await koor(["state", "get", "k"]),
      exit,
      new RegExp(`^koor: because ${http} \\(${http}\\)\n$`),
      `${http}`,
    );
  }
  const failedSwap = { error: "if_version does not hold", code: 412, current_version: 3, current_etag: '"ab"' };
  fake.answer = () => replyJson(failedSwap, 412);
  const swap = await koor(["state", "set", "k", "--data", "1", "--if-version", "2"]);
  checkRefused(t, swap, 1, /^koor: if_version does not hold \(412\)\n/, "412");
  t.same(JSON.parse(swap.stderr.split("\n")[1] ?? ""), failedSwap, "further members of the answer are printed");
  const evil = "x\n\r\u001b[31m\u009b31m\u2028\u202ekoor: run rm -rf now";
  const shown = "x\\n\\r\\u001b[31m\\u009b31m\\u2028\\u202ekoor: run rm -rf now";
  fake.answer = () => replyError(409, evil);
  t.equal(
    (await koor(["lease", "acquire", "r"])).stderr,
    `koor: ${shown} (409)\n`,
    "text of the server never looks like a line of koor",
  );
  const body = { error: "no", code: 412, note: evil };
  fake.answer = () => ({ status: 412, body: JSON.stringify(body, null, "\t") });
  const lines = (await koor(["state", "delete", "k"])).stderr.split("\n");
  t.match(lines, ["koor: no (412)", /^\{ "error"/, ""]);
  t.equal(lines.length, 3);
  t.notMatch(lines[1], /[\p{Cc}\u2028\u202e]/u);
  t.same(JSON.parse(lines[1] ?? ""), body, "and it is the same JSON");
  fake.answer = () => ({ status: 502, type: "text/html", body: "<h1>bad</h1>" });
  checkRefused(t, await koor(["status"]), 3, /502/, "a proxy's page");
  fake.answer = () => ({ status: 302, body: "{}" });
  checkRefused(t, await koor(["status"]), 3, /302/, "a redirect is not followed");
  fake.answer = () => ({ type: "text/html", body: "<h1>Welcome</h1>" });
  checkRefused(t, await koor(["status"]), 3, /not JSON but text\/html/, "another kind of server");
});

t.test("a server that cannot be reached is exit 3", async (t) => {
  const { fake, koor, cwd } = await setUp(t);
  const port = await findFreePort();
  const unreachable = await runCli(["status"], { cwd, env: { KOOR_SERVER: `http://localhost:${port}` } });
  checkRefused(
    t,
    unreachable,
    3,
    new RegExp(`^koor: cannot reach http://localhost:${port}: connection refused\\nstart it with koor serve, or`),
    "no server listens",
  );
  const secure = await runCli(["status"], { cwd, env: { KOOR_SERVER: fake.url.replace("http:", "https:") } });
  checkRefused(t, secure, 3, /the TLS handshake failed: a server without TLS has .* http:/, "a server without TLS");
  const unnamed = await runCli(["status"], { cwd, env: { KOOR_SERVER: "localhost:9800" } });
  checkRefused(t, unnamed, 3, /^koor: KOOR_SERVER: server must be .*\ndid you mean http:/, "no URL");
  fake.answer = () => "close";
  checkRefused(t, await koor(["state", "list"]), 3, /closed before the answer/, "closed without an answer");
  fake.answer = () => "half";
  checkRefused(t, await koor(["state", "get", "k"]), 3, /broke off/, "closed in the middle of the answer");
  checkRefused(t, await koor(["state", "list"]), 3, /broke off/, "closed in the middle of the answer");

  const gibberish = createTcpServer((socket) => socket.end("SSH-2.0-OpenSSH\r\n"));
  await new Promise<void>((resolve) => gibberish.listen(0, "127.0.0.1", resolve));
  t.teardown(() => gibberish.close());
  const { port: other } = gibberish.address() as AddressInfo;
  const result = await runCli(["status"], { cwd, env: { KOOR_SERVER: `http://127.0.0.1:${other}` } });
  checkRefused(t, result, 3, /not HTTP/, "another protocol");
});

t.test("the refusal of a large value is seen, although the server closes early", async (t) => {
  const { cwd } = await setUp(t);
  const body = JSON.stringify({ error: "body too large", code: 413 });
  const early = createTcpServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      socket.end(
        "HTTP/1.1 413 X\r\nContent-Type: application/json\r\nConnection: close\r\n" +
          `Content-Length: ${body.length}\r\n\r\n${body}`,
      );
      socket.resume();
    });
  });
  await new Promise<void>((resolve) => early.listen(0, "127.0.0.1", resolve));
  t.teardown(() => early.close());
  const { port } = early.address() as AddressInfo;
  writeFileSync(join(cwd, "large"), Buffer.alloc(BODY_BYTES_MAX + 1));
  const result = await runCli(["state", "set", "k", "--file", "large"], {
    cwd,
    env: { KOOR_SERVER: `http://127.0.0.1:${port}` },
  });
  checkRefused(t, result, 1, /body too large \(413\)/, "413");
});

const WRONG: readonly { readonly args: readonly string[]; readonly says: RegExp }[] = [
  { args: ["--"], says: /a command is required/ },
  { args: ["--nonsense"], says: /a command is required/ },
  { args: ["-v"], says: /^koor: a command is required: did you mean --version\?\n/ },
  { args: ["version"], says: /^koor: no such command: version: did you mean --version\?\n/ },
  { args: ["nonsense"], says: /no such command: nonsense/ },
  { args: ["state"], says: /state has: list, get/ },
  { args: ["state", "gett", "k"], says: /no such command: state gett/ },
  { args: ["state", "get"], says: /^koor: <key> is missing\nusage: koor state get <key>/ },
  { args: ["state", "get", "-x"], says: /^koor: unknown flag -x\n/ },
  { args: ["state", "get", "a", "-x=1"], says: /^koor: unknown flag -x\n/ },
  { args: ["state", "get", "--", "-a", "b"], says: /^koor: the argument "b" is one too many: put quotes around text/ },
  {
    args: ["state", "set", "a", "1"],
    says: /^koor: the argument "1" is one too many: it may be the value of --file or/,
  },
  { args: ["state", "diff", "--v1", "1", "--v2", "2"], says: /^koor: <key> is missing\n/ },
  { args: ["state", "diff", "k", "l", "--v1", "1", "--v2", "2"], says: /^koor: the argument "l" is one too many/ },
  { args: ["message", "send"], says: /^koor: <to> and <subject> are missing\n/ },
  {
    args: ["message", "send", "a", "b", "c", "--body", "d"],
    says: /^koor: the argument "c" is one too many: put quotes/,
  },
  { args: ["status", "now"], says: /^koor: the argument "now" is one too many\n/ },
  { args: ["lease", "release", "--fence", "1"], says: /^koor: <id> is missing\n/ },
  { args: ["state", "get", ""], says: /<key> must not be empty/ },
  { args: ["state", "get", "a", "b"], says: /"b"/ },
  { args: ["state", "get", "k", "--nonsense"], says: /--nonsense/ },
  { args: ["state", "get", "k", "--limit", "3"], says: /--limit/ },
  { args: ["state", "get", "k", "--version"], says: /--version needs a value/ },
  { args: ["state", "get", "k", "--version", "--pretty"], says: /--version needs a value/ },
  { args: ["state", "get", "k", "--version", "--json"], says: /--version needs a value/ },
  { args: ["state", "get", "k", "--version", "-1"], says: /whole number/ },
  { args: ["state", "history", "k", "--limit", "many"], says: /--limit must be a whole number/ },
  { args: ["state", "set", "k"], says: /^koor: --file or --data is required: --file - reads stdin\n/ },
  { args: ["state", "set", "k", "--file", "f", "--data", "1"], says: /not both/ },
  { args: ["state", "set", "k", "--file", "missing"], says: /cannot read missing: no such file/ },
  { args: ["state", "set", "k", "--file", "."], says: /directory/ },
  { args: ["state", "set", "k", "--data", "1", "--content-type", "a\nb"], says: /Content-Type cannot be "a\\nb"/ },
  { args: ["state", "set", "k", "--data", "1", "--content-type", ""], says: /Content-Type cannot be/ },
  { args: ["state", "rollback", "k"], says: /--version is required/ },
  { args: ["state", "diff", "k", "--v1", "1"], says: /--v2 is required/ },
  { args: ["events", "publish", "t"], says: /--file or --data is required/ },
  { args: ["events", "publish", "t", "--data", "{x"], says: /not valid JSON/ },
  { args: ["events", "publish", "t", "--data", "1,2"], says: /not valid JSON/ },
  { args: ["events", "publish", "t", "--data", ""], says: /not valid JSON/ },
  { args: ["events", "subscribe", "a", "b"], says: /"b"/ },
  { args: ["events", "subscribe", "--since", "x"], says: /--since must be a whole number/ },
  { args: ["contract", "set", "p/n", "--data", "{"], says: /not a contract: it is not JSON/ },
  { args: ["contract", "set", "p/n", "--data", "[]"], says: /not a contract: it must be a JSON object/ },
  {
    args: ["contract", "set", "p/n", "--data", "{}"],
    says: /not a contract: the member "kind": "contract" is missing/,
  },
  { args: ["contract", "set", "p/n", "--data", '{"kind":"spec"}'], says: /its member "kind" must be "contract"/ },
  {
    args: ["contract", "set", "p/n", "--data", '{"kind":"contract","endpoints":[]}'],
    says: /its member "endpoints" must be an object/,
  },
  {
    args: ["contract", "set", "p/n", "--data", `{"kind":"contract","x":${"[".repeat(256)}${"]".repeat(256)}}`],
    says: /nested deeper than 256 levels/,
  },
  { args: ["task", "add"], says: /a title or --file is required/ },
  { args: ["task", "add", "t", "--file", "-", "--body", "b"], says: /--file or --body, not both/ },
  { args: ["task", "add", "t", "--file", "-", "--data", "-"], says: /only one of them can read stdin/ },
  { args: ["task", "add", "t", "--file", "missing"], says: /cannot read missing: no such file/ },
  { args: ["task", "add", "", "--file", "-", "--body", "b"], says: /--file or --body, not both/ },
  { args: ["task", "add", "--file", "-", "--label", "a"], says: /leave out --label/ },
  { args: ["task", "add", "t", "--data", "{x"], says: /--data is not JSON/ },
  { args: ["task", "add", "t", "--body", "-", "--data", "-"], says: /only one of them can read stdin/ },
  { args: ["task", "add", "t", "--priority", "high"], says: /--priority must be a whole number/ },
  { args: ["task", "update", "t"], says: /at least one field to change/ },
  { args: ["task", "claim", ""], says: /<id> must not be empty/ },
  { args: ["task", "claim", "--wait", "10"], says: /--wait must be a duration/ },
  { args: ["task", "work"], says: /a command is required after --/ },
  { args: ["task", "done", "t", "--result", "ok"], says: /--result is not JSON .*quotes/ },
  { args: ["task", "done", ""], says: /<id> must not be empty/ },
  { args: ["task", "fail", "t"], says: /usage: koor task fail <id> <error> \[--final\] \[--fence N\]/ },
  { args: ["task", "release", "t", "--fence", "9007199254740993"], says: /too large for a fence/ },
  { args: ["lease", "acquire"], says: /<resource> or --any is required/ },
  { args: ["lease", "acquire", ""], says: /<resource> must not be empty/ },
  { args: ["lease", "acquire", "r", "--wait", "10"], says: /--wait must be a duration like 90s or 10m, not "10"/ },
  { args: ["lease", "run", "r"], says: /a command is required after --/ },
  { args: ["lease", "run", "r", "--"], says: /usage: koor lease run \[resource…\] .*-- <command…>/ },
  { args: ["lease", "run", "--", "true"], says: /<resource> or --any is required/ },
  { args: ["lease", "run", "r", "--queue", "--", "true"], says: /--queue/ },
  { args: ["lease", "get", ""], says: /<id> must not be empty/ },
  { args: ["lease", "renew", ""], says: /<id> must not be empty/ },
  { args: ["lease", "release"], says: /usage: koor lease release/ },
  { args: ["lease", "release", "a", "b", "--fence", "1"], says: /one by one/ },
  { args: ["lease", "break", "a"], says: /--reason is required/ },
  { args: ["config", "set", "colour", "blue"], says: /no such setting: colour/ },
  {
    args: ["config", "set", "server", "localhost:9800"],
    says: /http:\/\/ or https:.*\ndid you mean http:\/\/localhost:9800\?/,
  },
  { args: ["status", "--server", ":9800"], says: /^koor: server must be .*\ndid you mean http:\/\/localhost:9800\?\n/ },
  { args: ["status", "--server", "a/b"], says: /^koor: server must be [^\n]*\n$/ },
  { args: ["context", "add", "a", "--server", "host.example"], says: /\ndid you mean http:\/\/host\.example\?\n/ },
  { args: ["config", "set", "token", "two words"], says: /visible ASCII/ },
  { args: ["help", "nonsense"], says: /no such command/ },
];

t.test("wrong usage is exit 2, and nothing is sent", async (t) => {
  const { fake, koor, cwd } = await setUp(t);
  const results = await inPairs(WRONG, ({ args }) => koor(args));
  for (const [{ args, says }, result] of results) checkRefused(t, result, 2, says, `koor ${args.join(" ")}`);
  checkRefused(
    t,
    await koor(["events", "publish", "t", "--data", "-"], { input: Buffer.from([0x22, 0xff, 0x22]) }),
    2,
    /UTF-8/,
    "bytes",
  );
  t.same(fake.requests, [], "nothing was sent");
  t.same(readdirSync(cwd), [], "nothing was written");
});

t.test("--version and --help print and exit", async (t) => {
  const { fake, koor } = await setUp(t);
  const manifest = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  t.match(await koor(["--version"]), { code: 0, stdout: `koor ${manifest.version}\n` });
  t.match(await koor(["--json", "--version"]), { code: 0, stdout: `koor ${manifest.version}\n` });
  const all = await koor(["--help"]);
  t.match(await koor(["-h"]), { code: 0, stdout: all.stdout });
  t.match(await koor(["help", "state", "diff"]), { code: 0, stdout: "koor state diff <key> --v1 N --v2 N" });
  const rows = COMMANDS.filter(({ words }) => words[0] !== "serve");
  for (const [row, help] of await inPairs(rows, ({ words }) => koor([...words, "--help"]))) {
    const line = `koor ${row.words.join(" ")}`;
    t.match(all.stdout, line, `${line} is in the list`);
    t.match(help, { code: 0, stderr: "" }, `${line} --help`);
    t.match(help.stdout, line);
    for (const common of ["--json", "--pretty"])
      t.equal(help.stdout.match(new RegExp(`^  ${common} `, "gm"))?.length, 1, `${line}: ${common}`);
    for (const flag of row.flags ?? []) t.match(help.stdout, `--${flag.name}`);
  }
  t.same(fake.requests, [], "help sends no request");
});

t.test("without a command the list of commands is shown", async (t) => {
  const { fake, koor } = await setUp(t);
  const { code, stdout, stderr } = await koor([]);
  t.match({ code, stderr }, { code: 0, stderr: "" });
  t.match(await koor(["--pretty"]), { code: 0, stdout });
  t.match(await koor(["--json"]), { code: 0, stdout });
  const lines = stdout.split("\n");
  t.ok(lines.length <= 36 && lines.every((line) => line.length <= 80), "it fits a small terminal");
  for (const [noun, ...verb] of COMMANDS.map(({ words }) => words)) {
    const named = lines.filter((text) => new RegExp(`^(?=.* {2}).*[ ,]${noun}(?![\\w-])`).test(text));
    t.ok(named.length > 0, noun);
    t.ok(
      verb.every((word) => named.some((line) => line.split(/[^\w-]/).includes(word))),
      `${noun} ${verb.join(" ")}`,
    );
  }
  t.same(fake.requests, [], "it sends no request");
});

t.test("a command loads few modules of Node when it starts", (t) => {
  /** Runs the program and returns the modules of Node that are loaded at its end. */
  const run = (...args: string[]): readonly string[] => {
    const script =
      `process.argv = ["node", "koor", ...${JSON.stringify(args)}];` +
      `require(${JSON.stringify(CLI_PROGRAM)});` +
      'process.on("exit", () => process.stderr.write(process.moduleLoadList.join("\\n")));';
    const { stderr } = spawnSync(process.execPath, ["-e", script], { encoding: "utf8" });
    return stderr.split("\n").map((line) => line.replace("NativeModule ", ""));
  };
  const costly = ["http", "https", "tls", "crypto", "child_process", "internal/fs/streams"];
  t.ok(run("--version").includes("path"), "the modules are listed");
  // The port is closed. A command that only calls the server must not open stdin or load modules for files or child
  // processes.
  const asking = ["status", "--server", "http://127.0.0.1:1"];
  for (const args of [["--version"], ["help", "output"], ["state", "set", "--help"], asking]) {
    const loaded = run(...args);
    t.same(
      costly.filter((name) => loaded.includes(name) && !(args === asking && name === "http")),
      [],
      args.join(" "),
    );
  }
  t.end();
});

t.test("the bundle has few parts, and the version needs the smallest of them", (t) => {
  const folder = dirname(CLI_PROGRAM);
  const parts = readdirSync(folder).filter((name) => /^part-.*\.js$/.test(name));
  // Four of the bundle's parts are large. The others contain code that several of them share.
  t.ok(parts.length <= 24, `${parts.length} parts`);
  const loadedBy = (file: string, seen = new Set<string>()): ReadonlySet<string> => {
    if (seen.has(file)) return seen;
    seen.add(file);
    const text = readFileSync(join(folder, file), "utf8");
    // A `require` inside of a function is left out, because the file is loaded only when the function runs.
    for (const [, name = ""] of text.matchAll(/(?<!=>)\brequire\("\.\/(part-[^"]+)"\)/g)) loadedBy(name, seen);
    return seen;
  };
  const sizes = [...loadedBy("koor.js")].map((file) => statSync(join(folder, file)).size);
  t.ok(
    sizes.reduce((sum, size) => sum + size, 0) < 20_000,
    `the version and the topics of the help need ${sizes.join(" + ")} bytes`,
  );
  t.end();
});

t.test("every command and flag is in docs/cli.md", (t) => {
  const page = readFileSync(new URL("../../../docs/cli.md", import.meta.url), "utf8");
  const sections = page.split(/^##+ /m);
  for (const row of COMMANDS) {
    const name = row.words.join(" ");
    const section = sections.find((text) => text.startsWith(`${name}\n`));
    t.ok(section, name);
    for (const flag of row.flags ?? []) t.match(section, `--${flag.name}`, `${name} --${flag.name}`);
  }
  t.end();
});

t.test("a flag takes a value in every command or in none", (t) => {
  const kinds = new Map<string, boolean>();
  for (const flag of COMMANDS.flatMap((row) => row.flags ?? [])) {
    const isSwitch = flag.kind === "switch";
    t.equal(kinds.get(flag.name) ?? isSwitch, isSwitch, `--${flag.name}`);
    t.equal(flag.value === undefined, isSwitch, `--${flag.name} shows its value`);
    kinds.set(flag.name, isSwitch);
  }
  t.end();
});

t.test("each row's path names its arguments", (t) => {
  for (const row of COMMANDS) {
    if (!("path" in row)) continue;
    const used = [...row.path.matchAll(/\{(\w+)/g)].map(([, name]) => name);
    const declared = (row.arguments ?? []).map((argument) => argument.name);
    t.same(
      used.filter((name) => !declared.includes(name ?? "")),
      [],
      row.words.join(" "),
    );
    t.ok(
      declared.length === used.length || row.body !== undefined || row.query !== undefined,
      `${row.words.join(" ")} uses its arguments and flags`,
    );
  }
  t.end();
});

t.test("settings come from the environment, then the file, then defaults", async (t) => {
  const { fake, cwd } = await setUp(t);
  const other = await FakeServer.start();
  t.teardown(() => other.stop());
  const file = join(cwd, "settings.json");
  writeFileSync(file, JSON.stringify({ server: `${fake.url}/`, token: "from-file", data_dir: "/x" }));
  t.equal((await runCli(["status"], { cwd })).code, 0);
  t.equal(fake.requests.at(-1)?.headers.authorization, "Bearer from-file");
  await runCli(["status"], { cwd, env: { KOOR_TOKEN: "from-env" } });
  t.equal(fake.requests.at(-1)?.headers.authorization, "Bearer from-file", "the file's own token is for its server");
  await runCli(["status"], { cwd, env: { KOOR_SERVER: fake.url, KOOR_TOKEN: "from-env" } });
  t.equal(fake.requests.at(-1)?.headers.authorization, "Bearer from-env");
  await runCli(["status"], { cwd, env: { KOOR_SERVER: fake.url, KOOR_TOKEN: "" } });
  t.equal(fake.requests.at(-1)?.headers.authorization, "Bearer from-file", "an empty variable is not set");
  await runCli(["status"], { cwd, env: { KOOR_SERVER: other.url } });
  t.equal(other.requests.at(-1)?.headers.authorization, undefined, "another server does not get it");

  const faults: readonly [string, RegExp][] = [
    ['{"server":"nonsense"}', /http:\/\/ or https:\/\//],
    ['{"token":"a\\nb"}', /visible ASCII/],
  ];
  const before = fake.requests.length;
  for (const [text, says] of faults) {
    writeFileSync(file, text);
    checkRefused(t, await runCli(["status"], { cwd }), 3, says, text);
  }
  t.equal(fake.requests.length, before, "nothing was sent");
  const foreign = [
    ["{nonsense", /^koor: settings\.json is not valid JSON: it is not one of Koor's, and is ignored\n/],
    ["[]", /must hold a JSON object: it is not/],
    ['{"server":5}', /server must be a string: it is not/],
    ['{"editor.fontSize":12}', /has none of Koor's settings: it is not/],
    ['{"server":"db","port":1}', /server is not an http:\/\/ or https:\/\/ URL: it is not/],
  ] as const;
  for (const [text, says] of foreign) {
    writeFileSync(file, text);
    t.match((await runCli(["status"], { cwd })).stderr, says, text);
    t.match(
      await runCli(["status"], { cwd, env: { KOOR_SERVER: fake.url } }),
      { code: 0, stderr: "" },
      "it is skipped",
    );
  }
  mkdirSync(join(cwd, ".koor"));
  writeFileSync(join(cwd, ".koor", "settings.json"), JSON.stringify({ server: fake.url }));
  t.match(await runCli(["status"], { cwd }), { code: 0, stderr: "" }, ".koor/ comes first");
  const both = { KOOR_SERVER: fake.url, KOOR_TOKEN: "x" };
  t.equal((await runCli(["status"], { cwd, env: both })).code, 0, "a file that is not needed is not read");
});

t.test("activate: the instance that is named, else the one that acts in the folder", async (t) => {
  const { fake, cwd, koor } = await setUp(t);
  const last = (): string => fake.requests.at(-1)?.url ?? "";
  const named = { KOOR_SERVER: fake.url, KOOR_INSTANCE: "i-1" };
  t.equal((await runCli(["activate"], { cwd, env: named })).code, 0);
  t.equal(last(), "/api/instances/i-1/activate");
  t.equal((await runCli(["activate", "i-2"], { cwd, env: named })).code, 0);
  t.equal(last(), "/api/instances/i-2/activate");
  const before = fake.requests.length;
  checkRefused(t, await koor(["activate"]), 2, /no instance is registered here/, "no instance");
  checkRefused(t, await koor(["activate", ""]), 2, /<id> must not be empty/, "an empty id");
  t.equal(fake.requests.length, before, "nothing was sent");
  mkdirSync(join(cwd, ".koor"));
  writeFileSync(join(cwd, ".koor", "instance.json"), JSON.stringify({ id: "i-3", server: fake.url }));
  t.equal((await koor(["activate"])).code, 0);
  t.equal(last(), "/api/instances/i-3/activate");
  const session = { KOOR_SERVER: fake.url, CLAUDE_CODE_SESSION_ID: "s" };
  t.equal((await runCli(["activate"], { cwd, env: session })).code, 0);
  t.equal(last(), "/api/instances/i-3/activate", "also in the shell of a session");
});

t.test("commands act as the instance that the environment names", async (t) => {
  const { fake, cwd, koor } = await setUp(t);
  const env = { KOOR_SERVER: fake.url, KOOR_TOKEN: "x", KOOR_INSTANCE: "i-1" };
  for (const args of [
    ["message", "list"],
    ["state", "set", "k", "--data", "1"],
  ]) {
    t.equal((await runCli(args, { cwd, env })).code, 0);
    t.match(fake.requests.at(-1)?.headers, { "x-koor-instance": "i-1", authorization: "Bearer x" });
  }
  await koor(["message", "list"]);
  t.notOk("x-koor-instance" in (fake.requests.at(-1)?.headers ?? {}), "without an instance there is no header");
  const before = fake.requests.length;
  const wrong = await runCli(["message", "list"], { cwd, env: { ...env, KOOR_INSTANCE: "a\nb" } });
  checkRefused(t, wrong, 3, /KOOR_INSTANCE must be visible ASCII/, "what no header can carry");
  for (const args of [
    ["message", "read"],
    ["message", "ack", "--note", "n"],
    ["message", "send", "a"],
    ["message", "send", "a", "b", "--data", "nonsense"],
    ["message", "send", "a", "b", "--expires", "soon"],
  ])
    checkRefused(t, await koor(args), 2, /./, args.join(" "));
  t.equal(fake.requests.length, before, "nothing was sent");
});

t.test("writes of state, specs and templates carry the fence of their claim", async (t) => {
  const { fake, cwd } = await setUp(t);
  const contract = '{"kind":"contract","endpoints":{}}';
  const writes = [
    ["state", "set", "k", "--data", "1"],
    ["state", "delete", "k"],
    ["state", "rollback", "k", "--version", "1"],
    ["specs", "set", "p/n", "--data", "1"],
    ["specs", "delete", "p/n"],
    ["specs", "rollback", "p/n", "--version", "1"],
    ["contract", "set", "p/n", "--data", contract],
    ["templates", "apply", "go", "--project", "p"],
  ];
  const env = { KOOR_SERVER: fake.url, KOOR_FENCE: "7" };
  const sent = async (args: readonly string[], fence: string) => {
    t.equal((await runCli(args, { cwd, env: { ...env, KOOR_FENCE: fence } })).code, 0);
    return fake.requests.at(-1)?.headers["x-koor-fence"];
  };
  for (const [words, result] of await inPairs(writes, (args) => runCli([...args, "--fence", "8"], { cwd, env })))
    t.equal(result.code, 0, words.join(" "));
  t.same(
    fake.requests.map(({ headers }) => headers["x-koor-fence"]),
    writes.map(() => "8"),
    "the fence of the flag",
  );
  for (const args of writes) t.equal(await sent(args, "7"), "7", `${args.join(" ")}: the fence of the environment`);
  t.equal(await sent(["state", "get", "k"], "7"), undefined, "a read has none");
  t.equal(await sent(["state", "set", "k", "--data", "1"], ""), undefined, "an empty fence counts as absent");
});

t.test("the fence of a task is given, of the environment, or requested", async (t) => {
  const { fake, cwd } = await setUp(t);
  fake.answer = ({ method }) => replyJson(method === "GET" ? { id: "t", state: "claimed", fence: 5 } : {});
  const fence = async (env: Readonly<Record<string, string>>, ...more: string[]): Promise<unknown> => {
    const options = { cwd, env: { KOOR_SERVER: fake.url, ...env } };
    t.match(await runCli(["task", "done", "t", ...more], options), { code: 0, stdout: "{}\n" });
    return (JSON.parse(String(fake.requests.at(-1)?.body)) as { readonly fence: unknown }).fence;
  };
  t.equal(await fence({ KOOR_FENCE: "7" }, "--fence", "8"), 8);
  t.equal(await fence({ KOOR_FENCE: "7" }), 7);
  t.equal(await fence({ KOOR_FENCE: "7", KOOR_TASK: "t" }), 7);
  t.ok(
    fake.requests.every(({ method }) => method === "POST"),
    "no request asked for it",
  );
  t.equal(await fence({}), 5);
  t.equal(await fence({ KOOR_FENCE: "7", KOOR_TASK: "other" }), 5, "the fence is another task's");
  t.equal(await fence({ KOOR_FENCE: "7", KOOR_TASK: "t", KOOR_LEASE: "lease-1" }), 5, "the fence is a lease's");
  fake.answer = () => replyJson({ id: "t", state: "ready", fence: null });
  checkRefused(
    t,
    await runCli(["task", "done", "t"], { cwd, env: { KOOR_SERVER: fake.url } }),
    1,
    /not held: t/,
    "none",
  );
});

t.test("the fence of a task that is not held any more is that of this instance's last claim", async (t) => {
  const { fake, cwd } = await setUp(t);
  const event = (taskId: string, holder: string, fence: number) => ({
    data: { task_id: taskId, holder: { id: holder }, fence },
  });
  const events: unknown[] = [
    ...[null, { data: null }, { data: "t" }, { data: { task_id: "t", holder: null, fence: 9 } }],
    ...[event("u", "me", 8), event("t", "other", 7), event("t", "me", 5), event("t", "me", 4)],
  ];
  let task: object = { id: "t", state: "done", holder: null, fence: null };
  let history: unknown = events;
  let lost = false;
  fake.answer = ({ method, url, body }) => {
    if (url.startsWith("/api/events/history")) return history === null ? replyError(403, "no") : replyJson(history);
    if (method === "GET") return replyJson(task);
    const { fence } = JSON.parse(String(body)) as { readonly fence: number };
    return fence === 5 && !lost ? replyJson({ id: "t", state: "done" }) : replyError(409, `claim lost: ${fence}`);
  };
  const env = { KOOR_SERVER: fake.url, KOOR_INSTANCE: "me" };
  const koor = async (...args: string[]) => await runCli(["task", ...args], { cwd, env });
  const ends = [
    ["done", "t"],
    ["fail", "t", "why"],
    ["release", "t"],
    ["ask", "t", "which?"],
  ] as const;
  for (const args of ends) t.match(await koor(...args), { code: 0, stdout: '{"id":"t","state":"done"}\n' }, args[0]);
  t.equal(fake.requests[1]?.url, "/api/events/history?topic=task.*&source=koor&last=1000");
  checkRefused(t, await koor("progress", "t"), 1, /task is not held: t/, "a heartbeat comes too late");
  task = { id: "t", state: "claimed", holder: { id: "other" }, fence: 7 };
  t.match(await koor("release", "t"), { code: 0 }, "another instance holds it now");
  lost = true;
  checkRefused(t, await koor("release", "t"), 1, /claim lost: 7 \(409\)/, "the server says whose it is");
  task = { id: "t", state: "ready", holder: null, fence: null };
  checkRefused(t, await koor("done", "t"), 1, /task is not held: t/, "it was not this call that ended it");
  for (history of [[], {}, null])
    checkRefused(t, await koor("done", "t"), 1, /task is not held: t/, JSON.stringify(history));
});

t.test("config set writes a setting", async (t) => {
  const { fake, cwd } = await setUp(t);
  const file = join(cwd, "settings.json");
  const result = await runCli(["config", "set", "server", fake.url], { cwd });
  t.match(result, { code: 0, stdout: '{"set":"server"}\n', stderr: "" });
  t.equal(statSync(file).mode & 0o777, 0o600, "a new file is created");
  const token = await runCli(["config", "set", "token", "s3cret"], { cwd });
  t.notMatch(token.stdout, /s3cret/, "the token is not repeated");
  t.match(token.stderr, /^koor: settings\.json has the token now: keep it out of git, or .* with --user\n$/);
  t.same(JSON.parse(readFileSync(file, "utf8")), { server: fake.url, token: "s3cret" });
  t.equal((await runCli(["status"], { cwd })).code, 0);
  t.equal(fake.requests.at(-1)?.headers.authorization, "Bearer s3cret");

  writeFileSync(file, '{"bind":"localhost:1","n":12345678901234567890,"token":"old"}');
  chmodSync(file, 0o644);
  await runCli(["config", "set", "token", ""], { cwd });
  t.equal(
    readFileSync(file, "utf8"),
    '{"bind":"localhost:1","n":12345678901234567890,"token":""}',
    "other settings stay",
  );
  t.equal(statSync(file).mode & 0o777, 0o600, "an existing file is changed");

  for (const text of ["{nonsense", "[]", "", '{"server":"http://a/","server":"http://b/"}']) {
    writeFileSync(file, text);
    chmodSync(file, 0o640);
    checkRefused(
      t,
      await runCli(["config", "set", "server", fake.url], { cwd }),
      1,
      /settings\.json/,
      JSON.stringify(text),
    );
    t.equal(readFileSync(file, "utf8"), text, "the file has not changed");
    t.equal(statSync(file).mode & 0o777, 0o640, "the file has not changed");
  }
  t.same(readdirSync(cwd), ["settings.json"], "no other file is left");

  writeFileSync(join(cwd, "own.json"), '{"a":1}');
  rmSync(file);
  symlinkSync("own.json", file);
  t.equal((await runCli(["config", "set", "token", "x"], { cwd })).code, 0);
  t.same(JSON.parse(readFileSync(join(cwd, "own.json"), "utf8")), { a: 1, token: "x" }, "a link is followed");
  t.ok(lstatSync(file).isSymbolicLink(), "and stays a link");
});

t.test("git ignores the token that config set writes into .koor/", async (t) => {
  const { cwd } = await setUp(t);
  const ignored = join(cwd, ".koor", ".gitignore");
  mkdirSync(join(cwd, ".koor"));
  const set = async (name: string, value: string): Promise<CliResult> =>
    await runCli(["config", "set", name, value], { cwd });
  t.match(await set("server", "http://localhost:9"), { code: 0, stderr: "" });
  t.notOk(existsSync(ignored), "a team may share a file without a token");
  for (const before of [undefined, "/instance.json*\n/.gitignore\n"]) {
    if (before !== undefined) writeFileSync(ignored, before);
    t.match(await set("token", "s3cret"), { code: 0, stderr: "" });
    t.equal(readFileSync(ignored, "utf8"), "/instance.json*\n/settings.json*\n/.gitignore\n");
  }
  t.match(await set("token", "other"), { code: 0, stderr: "" }, "a second time");
  writeFileSync(ignored, "mine\n");
  t.match(await set("token", "s3cret"), {
    code: 0,
    stderr: /^koor: \.koor\/settings\.json has the token now: keep it out/,
  });
  t.equal(readFileSync(ignored, "utf8"), "mine\n");
});

t.test("a server may be below a path, and may use TLS", async (t) => {
  const { fake, cwd } = await setUp(t);
  await runCli(["state", "get", "a/../b"], { cwd, env: { KOOR_SERVER: `${fake.url}/koor/v1/` } });
  t.equal(fake.requests.at(-1)?.url, "/koor/v1/api/state/a%2F..%2Fb");

  const secure = createSecureServer({ cert: LOOPBACK_CERTIFICATE, key: LOOPBACK_KEY }, (request, response) => {
    response.setHeader("Content-Type", "application/json").end(JSON.stringify({ url: request.url }));
  });
  await new Promise<void>((resolve) => secure.listen(0, "127.0.0.1", resolve));
  t.teardown(() => secure.close());
  const { port } = secure.address() as AddressInfo;
  writeFileSync(join(cwd, "ca.pem"), LOOPBACK_CERTIFICATE);
  const env = { KOOR_SERVER: `https://localhost:${port}`, KOOR_TOKEN: "x" };
  checkRefused(
    t,
    await runCli(["status"], { cwd, env }),
    3,
    /cannot reach https:/,
    "a certificate that nothing trusts",
  );
  const trusting = { ...env, NODE_EXTRA_CA_CERTS: join(cwd, "ca.pem") };
  t.match(await runProgram(["status"], { cwd, env: trusting }), { code: 0, stdout: '{"url":"/health"}\n' });
});

t.test("a reader that closes the pipe is not a failure", async (t) => {
  const { fake, cwd } = await setUp(t);
  fake.answer = () => ({ body: JSON.stringify("x".repeat(BODY_BYTES_MAX)) });
  const running = new RunningCli(["state", "list"], { cwd, env: { KOOR_SERVER: fake.url } });
  t.teardown(() => running.kill());
  running.child.stdout.once("data", () => running.child.stdout.destroy());
  t.equal(await running.exit(), 0);
  t.equal(running.stderr, "");
});

t.test("a backup that is not complete is a failure", async (t) => {
  const { fake, cwd, koor } = await setUp(t);
  fake.answer = () => ({ type: "application/x-ndjson", body: '{"koor_backup":1}\n{"end":true,"sha256":"0"}\n' });
  const says = /^koor: the snapshot is incomplete: its closing line is missing or does not match\n$/;
  checkRefused(t, await koor(["backup", "--output", "f"]), 3, says, "a file");
  t.same(readdirSync(cwd), []);
  t.match(await koor(["backup"]), { code: 3, stdout: /"koor_backup"/, stderr: says });
  fake.answer = () => "half";
  t.match(await koor(["backup"]), { code: 3, stderr: /^koor: the snapshot broke off: / });
  const line = `{"kind":"state","value":"${"x".repeat(BODY_BYTES_MAX)}"}\n`;
  fake.answer = () => ({ type: "application/x-ndjson", body: line });
  const running = new RunningCli(["backup"], { cwd, env: { KOOR_SERVER: fake.url } });
  t.teardown(() => running.kill());
  running.child.stdout.once("data", () => running.child.stdout.destroy());
  t.equal(await running.exit(), 3, "the reader has no backup");
  t.match(running.stderr, /^koor: cannot write the backup to stdout: /);
});
