/**
 * Runs the examples of docs/http-api.md against real servers, and compares what they print. Ids, times and addresses
 * are masked. test/docs-examples/http-api.ts has their order, and the reasons of those that are not run.
 */
import t from "tap";
import { readExamples } from "./cli/page-examples.js";
import { NOT_RUN, SCENARIOS } from "./docs-examples/http-api.js";
import { Examples, playScenario, readPage } from "./docs-examples/scenario.js";
import { NO_RECIPES } from "./support/recipe.js";
import { singleServerOnly } from "./support/variant.js";

const PAGE = "docs/http-api.md";
const EXAMPLES = readExamples(readPage(PAGE));
const skip = NO_RECIPES === false ? singleServerOnly("the page shows a single server") : NO_RECIPES;

const notRun = Object.keys(NOT_RUN);
const shown = EXAMPLES.filter(({ command }) => !notRun.some((beginning) => command.startsWith(beginning)));
const examples = new Examples(shown);

for (const scenario of SCENARIOS)
  t.test(`${PAGE}: ${scenario.name}`, { skip }, async (t) => {
    await playScenario(t, PAGE, scenario, examples);
  });

t.test(`every example of ${PAGE} is run, or has a reason not to be`, { skip }, (t) => {
  t.same(
    examples.left.map(({ line, command }) => `${line}: ${command}`),
    [],
  );
  for (const beginning of notRun)
    t.ok(
      EXAMPLES.some(({ command }) => command.startsWith(beginning)),
      `${beginning} is on the page`,
    );
  t.end();
});
