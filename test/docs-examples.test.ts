/**
 * Checks that each shell block of README.md and docs/ is run by a test, or has a reason not to be. The tests of single
 * pages compare the output, and fail for an example of their page that they leave out without a reason.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { NOT_RUN as API_NOT_RUN } from "./docs-examples/http-api.js";
import { GUIDES } from "./docs-examples/guides.js";
import { readPage } from "./docs-examples/scenario.js";

/** This file runs from dist/tree/test. */
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const DOCS = readdirSync(join(ROOT, "docs")).filter((name) => name.endsWith(".md"));
const PAGES = ["README.md", ...DOCS.map((name) => `docs/${name}`)];

/** The pages all of whose examples a test of their own runs. It names those that it leaves out. */
const OWN_TEST: Readonly<Record<string, string>> = {
  "docs/agents-together.md": "test/agents-together.test.ts",
  "docs/cli.md": "test/cli-examples.test.ts",
  "docs/getting-started.md": "test/getting-started.test.ts",
  "docs/http-api.md": "test/http-examples.test.ts",
  ...Object.fromEntries(Object.keys(GUIDES).map((page) => [page, "test/guide-examples.test.ts"])),
};

/** The blocks of other pages: the test that runs each, or the reason. A key is the beginning of a block. */
const BLOCKS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "docs/benchmarks.md": { "npm run bench": "takes minutes; bench/bench.test.ts" },
  "docs/budgets.md": {
    "ANA=": "test/cli-budgets.test.ts",
    "CID=": "test/cli-budgets.test.ts",
  },
  "docs/clients-python.md": { "pip install": "needs the registry; test/python-client.test.ts" },
  "docs/cluster.md": {
    "mkdir -p try": "needs a NATS server on port 4222; test/api-cluster.test.ts",
    "koor-server --bind localhost:9801": "needs a NATS server on port 4222; test/api-cluster.test.ts",
    "$ koor state set plan": "needs the cluster of the blocks before it; test/api-cluster.test.ts",
    "psql -c": "needs PostgreSQL; src/cluster/log/postgres.test.ts",
  },
  "docs/contributing.md": {
    "npm run format": "the checks of the checkout; .ci/run runs them",
    "npm install --save-exact": "changes the checkout and needs the registry",
  },
  "docs/deployment.md": {
    "npm install && npm pack": "needs the registry; test/package-install.test.ts",
    "export KOOR_AUTH_TOKEN": "needs Docker; test/image.test.ts",
    "KOOR_AUTH_TOKEN=": "a file of variables; test/reverse-proxy.test.ts",
    "npm pkg set": "needs the registry; test/release.test.ts",
  },
  "docs/evidence.md": { "git init": "test/cli-evidence.test.ts" },
  "docs/guard.md": { "git init": "test/cli-guard.test.ts" },
  "docs/hooks.md": {
    "$ koor init --yes": "test/cli-examples.test.ts",
    "codex exec": "needs the clients; test/real-clients.test.ts",
    "$ node dist/tree/test/clients/install.js": "needs the registry; test/real-clients.test.ts",
  },
  "docs/landing.md": { "git init": "test/cli-land.test.ts" },
  "docs/messages.md": { "KOOR=": "test/api-messages.test.ts" },
  "docs/radar.md": { "git init": "test/cli-radar.test.ts" },
  "docs/opentelemetry.md": {
    "npm start": "needs a collector; test/api-opentelemetry.test.ts",
    "koor task add": "joins a trace of another program; test/cli-opentelemetry.test.ts",
  },
  "docs/story.md": { "koor at": "reads a time of an earlier day; test/cli-story.test.ts" },
};

/** Matches the first line of a block without a language that is meant for a shell. */
const COMMAND = /^(?:\w*\$ |curl |koor(?:-\w+)? |npm |npx |git |docker |kubectl |node |pip )/;

/** Returns the first lines of the blocks that are meant for a shell. */
function shellBlocks(page: string): string[] {
  const blocks = readPage(page).matchAll(/^ *```(\w*)\n(.*)\n[^]*?^ *```$/gm);
  return [...blocks].flatMap(([, language = "", first = ""]) =>
    /^(?:sh|shell|bash|console)$/.test(language) || (language === "" && COMMAND.test(first)) ? [first] : [],
  );
}

t.test("each shell block is run by a test, or has a reason", (t) => {
  let count = 0;
  for (const page of PAGES) {
    const firsts = shellBlocks(page);
    count += firsts.length;
    if (Object.hasOwn(OWN_TEST, page)) continue;
    const reasons = Object.keys(BLOCKS[page] ?? {});
    for (const first of firsts)
      t.ok(
        reasons.some((beginning) => first.startsWith(beginning)),
        `${page}: ${first}`,
      );
    for (const beginning of reasons)
      t.ok(
        firsts.some((first) => first.startsWith(beginning)),
        `${page} has a block that begins with: ${beginning}`,
      );
  }
  t.ok(count > 300, `${count} blocks were found`);
  t.end();
});

t.test("no shell block is indented, because the tests of whole pages read blocks without indentation", (t) => {
  for (const page of PAGES)
    t.notMatch(readPage(page), /^ +```(?:sh|shell|bash|console)?\n +(?:\w*\$|koor|curl) /m, page);
  t.end();
});

t.test("the tests that are named exist, and those of whole pages read their page", (t) => {
  for (const [page, test] of Object.entries(OWN_TEST)) {
    const text = test === "test/guide-examples.test.ts" ? page : readFileSync(join(ROOT, test), "utf8");
    t.ok(text.includes(page), `${test} reads ${page}`);
  }
  const reasons = [...Object.values(BLOCKS), API_NOT_RUN, ...Object.values(GUIDES).map(({ notRun = {} }) => notRun)];
  for (const reason of reasons.flatMap((table) => Object.values(table)))
    for (const [path] of reason.matchAll(/\b(?:test|cli|src|bench)\/[\w/.-]+\.test\.ts/g))
      t.ok(existsSync(join(ROOT, path)), path);
  t.end();
});
