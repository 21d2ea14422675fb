/** `rules …`: moving rules between files and the server. Runs in the command line's process. */
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Args, CommandContext, CommandRow } from "../command-row.js";
import { wrongUsage, type CliFailure } from "../failure.js";
import { JSON_TYPE, readValue } from "../input.js";
import { describeSystemError } from "../system-error.js";

/** Writes the exported rules where `--output` says; what is printed in their stead, or the rules themselves. */
function saveExport(answer: Buffer, args: Args, context: CommandContext): Buffer | CliFailure {
  const path = args.text("output");
  if (path === undefined) return answer;
  try {
    writeFileSync(resolve(context.folder, path), Buffer.concat([answer, Buffer.from("\n")]));
  } catch (error) {
    return wrongUsage(`cannot write ${path}: ${describeSystemError(error)}`);
  }
  return Buffer.from(
    JSON.stringify({ exported: (JSON.parse(answer.toString()) as readonly unknown[]).length, output: path }),
  );
}

export const RULES_COMMANDS: readonly CommandRow[] = [
  {
    words: ["rules", "import"],
    about: "Store the rules of a file, accepted; one bad rule stores none.",
    flags: [
      { name: "file", kind: "text", value: "PATH", about: "a JSON array of rules; - reads stdin", required: true },
    ],
    method: "POST",
    path: "/api/rules/import",
    headers: () => JSON_TYPE,
    body: readValue,
  },
  {
    words: ["rules", "export"],
    about: "Print the accepted rules as an import takes them.",
    flags: [
      {
        name: "source",
        kind: "text",
        value: "NAMES",
        about: "only these sources, with commas; local,learned by default",
        query: "source",
      },
      { name: "output", kind: "text", value: "PATH", about: "write them to this file, and print how many they are" },
    ],
    method: "GET",
    path: "/api/rules/export",
    keep: saveExport,
  },
];
