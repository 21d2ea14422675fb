/**
 * Runs the examples of docs/http-api.md against real servers, and compares what they print. Ids, times and addresses
 * are masked. test/docs-examples/http-api.ts has their order, and the reasons of those that are not run.
 */
import t from "tap";
import { NOT_RUN, SCENARIOS } from "./docs-examples/http-api.js";
import { playPage } from "./docs-examples/scenario.js";
import { NO_RECIPES } from "./support/recipe.js";
import { singleServerOnly } from "./support/variant.js";

const skip = NO_RECIPES === false ? singleServerOnly("the page shows a single server") : NO_RECIPES;

playPage(t, "docs/http-api.md", SCENARIOS, NOT_RUN, skip);
