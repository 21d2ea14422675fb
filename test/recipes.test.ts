/** Tests that the recipes of the guides to leases and tasks do what their pages say, with a real server and a shell. */
import t from "tap";

import { NO_RECIPES, recipeOf, tryRecipe } from "./support/recipe.js";
import { startKoor } from "./support/server-process.js";

const RECIPES = [
  ["docs/leases.md", "$KOOR/api/leases/$id?wait=60"],
  ["docs/tasks.md", `tell claim '{"wait_s":60}'`],
] as const;

for (const [page, has] of RECIPES)
  t.test(`the recipe of ${page} works`, { skip: NO_RECIPES }, async (t) => {
    const recipe = recipeOf(page);
    t.match(recipe.script, has);
    const { url } = await startKoor(t);
    t.same(await tryRecipe(recipe, url), { said: recipe.says, code: 0 }, "its output is that of the page");
  });
