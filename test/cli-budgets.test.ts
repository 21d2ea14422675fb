/** Tests that the examples of docs/budgets.md print what the page says, with a real server and the command line. */
import t from "tap";
import { checkRecipe, NO_GIT } from "./cli/guarded.js";

t.test("the recipes of docs/budgets.md work", { skip: NO_GIT }, async (t) => {
  await checkRecipe(t, "docs/budgets.md");
});
