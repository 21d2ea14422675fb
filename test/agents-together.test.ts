/**
 * Tests the guide "Getting agents to work together": runs its commands one after the other, each in the folder that the
 * page names, with a real server and a real git repository, and compares their output with that of the page.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { findRow, readTokens } from "../cli/command-line.js";
import { COMMANDS } from "../cli/commands.js";
import { CliFailure } from "../cli/failure.js";
import { git, gitEnvironment, makeRepository } from "./cli/git.js";
import { runCli } from "./cli/run-cli.js";
import { makeDirectory, startKoor } from "./support/server-process.js";

/** The page without what its readers do not see. This file runs from dist/tree/test. */
const PAGE = readFileSync(new URL("../../../docs/agents-together.md", import.meta.url), "utf8").replaceAll(
  /<!--[^]*?-->/g,
  "",
);
/** The repository; the other folders of the page are worktrees beside it. */
const REPOSITORY = "trucks";

interface Example {
  readonly folder: string;
  readonly command: string;
  /** The output that the page shows, in which "…" stands for any text; "" if it shows none. */
  readonly shown: string;
}

/** Returns the examples in the code blocks of the page, in their order. */
function readExamples(): Example[] {
  const blocks = [...PAGE.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].filter(([, language]) => language === "");
  return blocks.flatMap(([, , block = ""]) =>
    [...block.matchAll(/^(\w+)\$ (.*)\n((?:(?!\w+\$ ).*\n)*)/gm)].map(([, folder = "", command = "", shown = ""]) => ({
      folder,
      command,
      shown: shown.trimEnd(),
    })),
  );
}

/** Splits a command as a shell does. The page quotes words with ' only. */
function wordsOf(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain = ""]) => quoted ?? plain);
}

/** Returns the words that name a koor command, such as "task add"; "" if there is no such command. */
function nameOf(words: readonly string[]): string {
  const line = readTokens(words, COMMANDS);
  return line instanceof CliFailure ? "" : (findRow(line.words, COMMANDS)?.words.join(" ") ?? "");
}

function patternOf(shown: string): RegExp {
  const parts = shown.split("…").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join("[^]*")}$`);
}

/** Commands that the page names without an example, as arguments that run after its examples. */
const NAMED_ONLY: readonly (readonly string[])[] = [
  ["task", "add", "broken", "--id", "broken"],
  ["task", "claim", "broken"],
  ["task", "get", "broken"],
  ["task", "fail", "broken", "no", "--final"],
  ["task", "retry", "broken"],
  ["task", "work", "--wait", "0s", "--", process.execPath, "-e", ""],
  ["lease", "run", "deploy", "--", process.execPath, "-e", ""],
  ["lease", "list"],
  ["instances", "list"],
  ["land", "--queue"],
];

t.test("the commands of the guide do what the page says", async (t) => {
  const { url } = await startKoor(t);
  const home = makeDirectory(t);
  const main = makeRepository(home, join(home, REPOSITORY));
  const env = { ...gitEnvironment(home), KOOR_SERVER: url };
  const [, plan = ""] = /^```json\n([^]*?)^```$/m.exec(PAGE) ?? [];
  writeFileSync(join(main, "plan.json"), plan);
  writeFileSync(join(main, ".git/info/exclude"), "plan.json\n");
  const run = new Set<string>();
  const koor = async (words: readonly string[], cwd: string): Promise<{ code: number | null; output: string }> => {
    run.add(nameOf(words));
    const { code, stdout, stderr } = await runCli(words, { cwd, env });
    return { code, output: (stderr + stdout).trimEnd() };
  };

  const examples = readExamples();
  t.ok(examples.length > 30, "the examples were found");
  for (const { folder, command, shown } of examples) {
    const cwd = join(home, folder);
    const [program = "", ...words] = wordsOf(command);
    if (program === "git") {
      execFileSync("git", words, { cwd, env, stdio: "pipe" });
      continue;
    }
    t.equal(program, "koor", command);
    const { code, output } = await koor(words, cwd);
    if (shown === "") t.equal(code, 0, `${command}: ${output}`);
    else t.match(output, patternOf(shown), command);
  }
  t.equal(git(home, main, "status", "--porcelain"), "", "git ignores the files of koor");

  for (const words of NAMED_ONLY) t.match(await koor(words, main), { code: 0 }, words.join(" "));
  const { id } = JSON.parse((await koor(["lease", "acquire", "deploy"], main)).output) as { readonly id: string };
  t.match(await koor(["lease", "break", id, "--reason", "not needed"], main), { code: 0 });
  t.match((await koor(["doctor"], main)).output, /"name":"hooks"/, "what it finds depends on the machine");
  for (const [, code = ""] of PAGE.matchAll(/`koor ([^`]*)`/g))
    t.ok(run.has(nameOf(wordsOf(code.replaceAll("\n", " ")))), `koor ${code} is tried`);
});
