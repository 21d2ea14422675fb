/**
 * Runs the protocol's own conformance suite against `/mcp`: the released one for the revisions with a handshake, the
 * next one for the revision without. The suite tests servers with every feature; what does not apply to a server of
 * tools only is listed here with its reason, check by check where a scenario mixes both, and the suite itself fails
 * where a listed one passes.
 */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { makeDirectory, startKoor } from "./support/server-process.js";

interface Suite {
  /** The name under which the package is installed. */
  readonly program: string;
  readonly args: readonly string[];
  /** Scenarios, or `scenario:check`, that fail, with the reason. */
  readonly failures: Readonly<Record<string, string>>;
  /** Scenarios that must have run and passed as a whole. */
  readonly passes: readonly string[];
}

function because(reason: string, ...scenarios: readonly string[]): Record<string, string> {
  return Object.fromEntries(scenarios.map((scenario) => [scenario, reason]));
}

const NO_RESOURCES = because(
  "Koor's data is no resource: it does not go through the model",
  "resources-list",
  "resources-read-text",
  "resources-read-binary",
  "resources-templates-read",
);
const NO_PROMPTS = because(
  "Koor has no prompts",
  "prompts-list",
  "prompts-get-simple",
  "prompts-get-with-args",
  "prompts-get-embedded-resource",
  "prompts-get-with-image",
);
const NO_COMPLETION = because("no tool completes its arguments", "completion-complete");
const TOOLS_OF_ITS_OWN = "it calls a tool that the suite's own example server has";
const FOREIGN_TOOLS = because(
  TOOLS_OF_ITS_OWN,
  "tools-call-simple-text",
  "tools-call-image",
  "tools-call-audio",
  "tools-call-embedded-resource",
  "tools-call-mixed-content",
  "tools-call-error",
  "tools-call-with-progress",
  "json-schema-2020-12",
);

const SUITES: Readonly<Record<string, Suite>> = {
  "the revisions with a handshake": {
    program: "@modelcontextprotocol/conformance",
    args: ["--suite", "all"],
    failures: {
      ...NO_RESOURCES,
      ...NO_PROMPTS,
      ...NO_COMPLETION,
      ...FOREIGN_TOOLS,
      ...because(
        TOOLS_OF_ITS_OWN,
        "tools-call-with-logging",
        "tools-call-sampling",
        "tools-call-elicitation",
        "elicitation-sep1034-defaults",
        "elicitation-sep1330-enums",
      ),
      ...because("nothing of Koor's is subscribed to over MCP", "resources-subscribe", "resources-unsubscribe"),
      ...because("Koor sends no log messages: it has a log of its own", "logging-set-level"),
      ...because(
        "Koor has no sessions and no streams to resume: its answers are JSON",
        "server-sse-polling",
        "server-sse-multiple-streams",
      ),
    },
    passes: ["server-initialize", "ping", "tools-list", "dns-rebinding-protection"],
  },
  "the revision without": {
    program: "conformance-next",
    args: ["--suite", "all", "--spec-version", "2026-07-28"],
    failures: {
      ...NO_RESOURCES,
      ...NO_PROMPTS,
      ...NO_COMPLETION,
      ...FOREIGN_TOOLS,
      ...because(
        TOOLS_OF_ITS_OWN,
        "server-stateless:sep-2575-server-rejects-undeclared-capability",
        "server-stateless:sep-2575-missing-capability-http-400",
        "server-stateless:sep-2575-http-server-no-independent-requests-on-stream",
        "server-stateless:sep-2575-server-no-log-without-loglevel",
      ),
      ...because(
        "Koor has neither prompts nor resources to cache",
        "caching:sep-2549-prompts-list-caching-hints",
        "caching:sep-2549-resources-list-caching-hints",
        "caching:sep-2549-resources-templates-list-caching-hints",
      ),
      ...because(
        "a method that Koor has not is not found, whatever it asks for",
        "sep-2164-resource-not-found:sep-2164-error-code",
        "sep-2164-resource-not-found:sep-2164-data-uri",
      ),
      ...because("no argument of Koor's tools travels in a header", "http-custom-header-server-validation"),
      ...because(
        "no tool asks its caller back",
        "input-required-result-basic-elicitation",
        "input-required-result-basic-sampling",
        "input-required-result-basic-list-roots",
        "input-required-result-request-state",
        "input-required-result-multiple-input-requests",
        "input-required-result-multi-round",
        "input-required-result-non-tool-request",
        "input-required-result-result-type",
        "input-required-result-tampered-state",
        "input-required-result-capability-check",
        "input-required-result-missing-input-response:sep-2322-missing-response-rerequests",
        "input-required-result-ignore-extra-params:sep-2322-ignore-unexpected-params",
      ),
    },
    passes: ["tools-list", "http-header-validation", "dns-rebinding-protection"],
  },
};

/** The suites were made for Node 22 and ask `fs` for a function that Node 20 lacks and no server scenario calls. */
const FILE_SYSTEM_OF_NODE_22 = `import { register } from "node:module";
const shim = 'export * from "node:fs"; export function globSync() { throw new Error("not on this Node"); }';
const hooks = \`export async function resolve(specifier, context, next) {
  const asks = specifier === "fs" && context.parentURL?.includes("/node_modules/");
  if (!asks || !context.parentURL.includes("conformance")) return await next(specifier, context);
  return { shortCircuit: true, url: "data:text/javascript," + \${JSON.stringify(encodeURIComponent(shim))} };
}\`;
register("data:text/javascript," + encodeURIComponent(hooks));
`;

const koor = await startKoor(t);
const { resolve } = createRequire(import.meta.url);

for (const [name, { program, args, failures, passes }] of Object.entries(SUITES)) {
  t.test(name, async (t) => {
    const directory = makeDirectory(t);
    const hook = join(directory, "hook.mjs");
    const baseline = join(directory, "expected-failures.yml");
    writeFileSync(hook, FILE_SYSTEM_OF_NODE_22);
    writeFileSync(
      baseline,
      `server:\n${Object.entries(failures)
        .map(([entry, reason]) => `  - ${entry} # ${reason}\n`)
        .join("")}`,
    );
    const command = [
      "--import",
      hook,
      resolve(`${program}/dist/index.js`),
      "server",
      "--url",
      `${koor.url}/mcp`,
      ...args,
      "--expected-failures",
      baseline,
    ];
    const child = spawn(process.execPath, command, {
      cwd: directory,
      env: { PATH: process.env["PATH"] ?? "" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    t.teardown(() => {
      child.kill("SIGKILL");
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        output += chunk.toString();
      });
    const code = await new Promise<number | null>((settle) => child.once("close", settle));
    t.equal(code, 0, output.slice(-2000));
    for (const scenario of passes) t.match(output, new RegExp(`✓ ${scenario}: [1-9]\\d* passed, 0 failed`), scenario);
  });
}
