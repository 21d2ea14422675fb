/**
 * Runs the shell examples of README.md and of the guides against real servers, and compares what they print. Ids, times
 * and addresses are masked. test/docs-examples/guides.ts has their order, and the reasons of those that are not run.
 */
import t from "tap";
import { GUIDES } from "./docs-examples/guides.js";
import { playPage } from "./docs-examples/scenario.js";
import { NO_RECIPES } from "./support/recipe.js";
import { singleServerOnly } from "./support/variant.js";

const skip = NO_RECIPES === false ? singleServerOnly("the pages show a single server") : NO_RECIPES;

for (const [page, { scenarios, notRun = {} }] of Object.entries(GUIDES)) playPage(t, page, scenarios, notRun, skip);
