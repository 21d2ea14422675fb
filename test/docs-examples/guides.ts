/** The examples of README.md and of the guides in the order in which they happen, and those that no run can show. */
import type { Scenario } from "./scenario.js";

/** The examples of a page. */
export interface Guide {
  readonly scenarios: readonly Scenario[];
  /** The examples that are not run here, each with the reason or the test that runs it, by their beginnings. */
  readonly notRun?: Readonly<Record<string, string>>;
}

const ANA = `ANA = POST /api/instances/register {"name":"ana","workspace":"trucks"}`;
const BOB = `BOB = POST /api/instances/register {"name":"bob","workspace":"trucks"}`;
const ACTIVATE = `curl -X POST "localhost:9800/api/instances/$ANA/activate"`;
const CONTRACT = `PUT /api/specs/trucks/truck-api {"kind":"contract","endpoints":{"POST /api/trucks":{"request":{"plate":{"type":"string"}}}}}`;
const SMALL_CALL = `POST /api/llm/usage {"provider":"acme","model":"small-2","instance_id":"ben","project":"trucks","tokens_in":475,"tokens_out":45,"cost_usd":0.1}`;

export const GUIDES: Readonly<Record<string, Guide>> = {
  "README.md": {
    scenarios: [
      {
        name: "the first five minutes",
        steps: [
          "$ koor-cli mcp config",
          "$ curl -X PUT localhost:9800/api/state/apis/trucks",
          "$ koor-cli state set apis/trucks",
        ],
      },
    ],
    notRun: {
      "npm start": "test/npm-start.test.ts",
      "koor-cli init": "asks at a terminal; test/cli-examples.test.ts runs it with --yes",
    },
  },
  "docs/backup.md": {
    scenarios: [
      {
        name: "backup and restore",
        steps: [
          `PUT /api/state/plan/build {"step":1}`,
          "$ curl -s localhost:9800/api/backup",
          "$ koor-cli backup --output",
          "sed s/step/stop/ koor-backup.ndjson >changed.ndjson",
          "another server",
          "$ koor-cli restore --file changed.ndjson",
          "$ KOOR_SERVER=http://otherhost:9800 koor-cli restore",
        ],
      },
    ],
  },
  "docs/compliance.md": {
    scenarios: [
      {
        name: "a violation",
        steps: [
          CONTRACT,
          ANA,
          ACTIVATE,
          "POST /api/compliance/run",
          "$ curl -X PUT localhost:9800/api/state/trucks/truck-api/samples/ana",
          "$ curl -X POST localhost:9800/api/compliance/run",
          "$ curl 'localhost:9800/api/events/history?topic=compliance.violation",
        ],
      },
    ],
  },
  "docs/configuration.md": {
    scenarios: [{ name: "a wrong option", steps: ["$ koor-server --state-history x"] }],
  },
  "docs/contracts.md": {
    scenarios: [
      {
        name: "payloads and a live service",
        receives: '{"id":7,"plate":"TR-1"}',
        steps: [
          "$ curl -X PUT localhost:9800/api/specs/trucks/truck-api",
          `$ curl localhost:9800/api/contracts/trucks/truck-api/validate -d '{"endpoint":"POST`,
          `$ curl localhost:9800/api/contracts/trucks/truck-api/validate -d '{"endpoint":"GET`,
          "$ curl localhost:9800/api/contracts/trucks/truck-api/test",
        ],
      },
    ],
    notRun: { "koor contract test": "exits with 1 for a violation; test/cli-examples.test.ts" },
  },
  "docs/events.md": {
    scenarios: [
      {
        name: "waiting for a build",
        places: [["# … start the build here …", `koor events publish build.done --data '{"ok":true}' >/dev/null`]],
        steps: ["sh after=$(curl"],
      },
      { name: "publishing", steps: ["sh koor-cli events publish"] },
    ],
    notRun: {
      "koor-cli events subscribe 'review.**' |": "runs until it is stopped; cli/event-feed.test.ts",
      "koor-cli events subscribe 'build.*'": "runs until it is stopped; cli/event-feed.test.ts",
    },
  },
  "docs/instances.md": {
    scenarios: [
      {
        name: "one agent",
        steps: [
          "git init --quiet --initial-branch main",
          "$ koor-cli register ana",
          "$ koor-cli activate",
          "$ curl 'localhost:9800/api/instances?workspace=trucks&capability=review'",
          "$ curl -X PATCH localhost:9800/api/instances/",
          "$ curl localhost:9800/api/events/publish",
          "$ curl -X POST localhost:9800/api/instances/fce695c0-5b87-490d-8fb5-572c39a9f810/heartbeat",
          "$ curl localhost:9800/api/instances/fce695c0-5b87-490d-8fb5-572c39a9f810/heartbeat",
        ],
      },
    ],
    notRun: { "koor-cli metrics agents": "counts are stored every few seconds; test/api-agent-metrics.test.ts" },
  },
  "docs/leases.md": {
    scenarios: [
      {
        name: "exclusive",
        steps: [
          ANA,
          BOB,
          `$ curl localhost:9800/api/leases -H "X-Koor-Instance: $ANA" -d '{"resources":["path:src/api/**"]`,
          "$ curl localhost:9800/api/leases/check",
        ],
      },
      {
        name: "several holders",
        steps: [ANA, `$ curl localhost:9800/api/leases -H "X-Koor-Instance: $ANA" -d '{"resources":["browser"]`],
      },
      { name: "one of many", steps: [ANA, `$ curl localhost:9800/api/leases -H "X-Koor-Instance: $ANA" -d '{"any"`] },
      { name: "a stale fence", steps: [ANA, "$ curl -X PUT localhost:9800/api/state/plan/build"] },
    ],
    notRun: {
      "KOOR=${KOOR_SERVER": "test/recipes.test.ts",
      "koor-cli lease run": "test/cli-lease-names.test.ts",
    },
  },
  "docs/llm-usage.md": {
    scenarios: [
      {
        name: "reports and sums",
        steps: [
          "$ curl localhost:9800/api/llm/usage",
          SMALL_CALL,
          SMALL_CALL,
          "$ koor-cli llm usage --session login",
          "$ koor-cli llm summary --by model --pretty",
          "$ koor-cli llm summary --by model --interval hour",
        ],
      },
    ],
    notRun: { "koor-cli events subscribe": "runs until it is stopped; cli/event-feed.test.ts" },
  },
  "docs/mcp.md": {
    scenarios: [{ name: "a client and a call", steps: ["$ koor-cli mcp config", "$ curl localhost:9800/mcp"] }],
  },
  "docs/specs-and-validation.md": {
    scenarios: [
      {
        name: "a spec, rules and a proposal",
        files: { "src/plate.ts": "// todo: check\nconsole.log(plate)\n" },
        steps: [
          "$ curl -X PUT localhost:9800/api/specs/trucks/truck-api",
          "$ curl localhost:9800/api/specs/trucks",
          "$ curl -X PUT localhost:9800/api/validate/trucks/rules",
          "$ curl localhost:9800/api/validate/trucks",
          "sh jq -n",
          "$ curl localhost:9800/api/rules/propose",
          "$ curl 'localhost:9800/api/rules?project=trucks&status=proposed'",
          "$ curl localhost:9800/api/rules/trucks/no-any/preview",
          "$ curl -X POST localhost:9800/api/rules/trucks/no-any/accept",
        ],
      },
    ],
  },
  "docs/security.md": {
    scenarios: [
      {
        name: "an agent's token",
        args: ["--auth-token", "dd1de8a1a0bb4d4f"],
        steps: [
          `AGENT = POST /api/instances/register {"name":"ana","workspace":"trucks"}`,
          "$ curl -X POST localhost:9800/api/metrics/reset",
        ],
      },
      {
        name: "an allowed origin",
        args: ["--allow-origin", "https://tools.example"],
        steps: ["$ curl -i -X OPTIONS"],
      },
    ],
  },
  "docs/state.md": {
    scenarios: [
      {
        name: "values and recipes",
        env: { NAME: "ana" },
        steps: [
          "$ curl -X PUT localhost:9800/api/state/notes.md",
          "PUT /api/state/counter 1",
          "sh until",
          `$ curl -X PUT localhost:9800/api/state/locks/deploy -H 'If-None-Match: *' -d '{"by":"ana"}'`,
          `$ curl -X PUT localhost:9800/api/state/locks/deploy -H 'If-None-Match: *' -d '{"by":"ben"}'`,
          "$ curl -X DELETE 'localhost:9800/api/state/locks/deploy",
          `PUT /api/state/tasks/1 {}`,
          "sh for task in",
        ],
      },
    ],
  },
  "docs/tasks.md": {
    scenarios: [{ name: "a task from outside", steps: ["sh koor task add"] }],
    notRun: { "KOOR=${KOOR_SERVER": "test/recipes.test.ts" },
  },
  "docs/templates.md": {
    scenarios: [
      {
        name: "from a file into a project",
        steps: [
          "$ cat go-service.json",
          "$ koor-cli templates create",
          "$ koor-cli templates apply",
          "$ koor-cli specs get trucks/health",
        ],
      },
    ],
  },
  "docs/waiting.md": {
    scenarios: [
      {
        name: "a free resource",
        steps: [
          `KOOR_INSTANCE = POST /api/instances/register {"name":"ben","workspace":"trucks"}`,
          "$ koor wait --free",
        ],
      },
    ],
    notRun: { "KOOR=${KOOR_SERVER": "test/api-wait.test.ts" },
  },
  "docs/webhooks.md": {
    scenarios: [
      { name: "registering", receives: "{}", steps: ["$ koor-cli webhooks add", "$ koor-cli webhooks test ci"] },
    ],
    notRun: {
      "koor-cli webhooks test ci": "the same call, of a receiver that is away; test/api-webhooks.test.ts",
      "koor-cli webhooks enable": "needs 400 failures; test/api-webhooks.test.ts",
      "koor-cli webhooks skip": "needs an event that is tried again; test/api-webhooks.test.ts",
      "koor-cli webhooks dead-letters": "needs an event that is tried again; test/api-webhooks.test.ts",
      "koor-cli webhooks resend": "needs an event that is tried again; test/api-webhooks.test.ts",
      "koor-cli webhooks log": "needs an event that is tried again; test/api-webhooks.test.ts",
    },
  },
};
