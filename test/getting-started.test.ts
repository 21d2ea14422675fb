/**
 * Runs the commands of docs/getting-started.md in their order, in a folder of their own against a new server, and
 * compares what they print. Ids, times and addresses are masked.
 */
import t from "tap";
import { readExamples } from "./cli/page-examples.js";
import { playPage, readPage } from "./docs-examples/scenario.js";
import { NO_RECIPES } from "./support/recipe.js";
import { singleServerOnly } from "./support/variant.js";

const PAGE = "docs/getting-started.md";

/** The commands that cannot run in a test, each with the reason. */
const NOT_RUN: Readonly<Record<string, string>> = {
  "npm install": "needs the registry; test/npm-start.test.ts installs",
  "npm link": "changes the machine; test/packaging.test.ts links the commands",
  "npm start": "test/npm-start.test.ts starts it",
  "koor events subscribe 'api.**'": "runs until it is stopped; cli/event-feed.test.ts",
};

const skip = NO_RECIPES === false ? singleServerOnly("the tutorial has a single server") : NO_RECIPES;
const steps = readExamples(readPage(PAGE))
  .filter(({ command }) => !Object.hasOwn(NOT_RUN, command))
  .map(({ command }) => `$ ${command}`);

t.ok(steps.length > 10);
playPage(t, PAGE, [{ name: "the tutorial", steps }], NOT_RUN, skip);
