/** Reads and runs the recipes of the documents. A recipe is a shell script on a page, with its output. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";

/** The reason why recipes cannot run here; false if they can. */
export const NO_RECIPES = spawnSync("curl", ["--version"]).status === 0 ? false : "there is no curl here";

export interface Recipe {
  readonly script: string;
  readonly says: string;
}

/** Returns the scripts of a page that are followed by their output. */
export function recipesOf(page: string): readonly Recipe[] {
  const text = readFileSync(new URL(`../../../../${page}`, import.meta.url), "utf8");
  return [...text.matchAll(/^```sh\n([^]*?)^```\n\n```\n([^]*?)^```$/gm)].map(([, script = "", says = ""]) => ({
    script,
    says,
  }));
}

/** Returns the first script of a page that is followed by its output. */
export function recipeOf(page: string): Recipe {
  return recipesOf(page)[0] ?? { script: "", says: "" };
}

/** Returns the text of each block of a page, without its fences, in the order of the page. */
export function blocksOf(page: string): readonly string[] {
  const text = readFileSync(new URL(`../../../../${page}`, import.meta.url), "utf8");
  return [...text.matchAll(/^```\w*\n([^]*?)^```$/gm)].map(([, block = ""]) => block);
}

/** Runs a script against a server. Returns its output and its exit code. */
export async function tryRecipe(
  { script }: Recipe,
  server: string,
  more: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<{ readonly said: string; readonly code: unknown }> {
  const env = { PATH: process.env["PATH"] ?? "", KOOR_SERVER: server, ...more.env };
  const shell = spawn("sh", ["-c", script], { ...more, env });
  let said = "";
  shell.stdout.setEncoding("utf8").on("data", (piece: string) => (said += piece));
  shell.stderr.setEncoding("utf8").on("data", (piece: string) => (said += piece));
  const [code] = (await once(shell, "close")) as [unknown];
  return { said, code };
}
