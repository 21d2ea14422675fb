/**
 * Implements `config set`, which changes the command line's own settings. It calls no server. Runs in the CLI process.
 */
import type { CommandRow } from "../command-row.js";
import { wrongUsage } from "../failure.js";
import { io } from "../io.js";
import { print } from "../output.js";
import { saveSetting } from "../save-setting.js";
import { SETTING_NAMES } from "../settings-file.js";

export const CONFIG_COMMANDS: readonly CommandRow[] = [
  {
    words: ["config", "set"],
    about: "Save the server's address or the token in this folder's settings, or in your own.",
    examples: ["config set server http://localhost:9800", "config set --user token s3cret"],
    arguments: [{ name: "setting", shown: SETTING_NAMES.join("|") }, { name: "value" }],
    flags: [{ name: "user", kind: "switch", about: "in your own settings, which apply in every folder" }],
    run: async (args, context) => {
      const name = SETTING_NAMES.find((setting) => setting === args.need("setting"));
      if (name === undefined)
        return wrongUsage(`no such setting: ${args.need("setting")} (${SETTING_NAMES.join(", ")})`);
      const failure = await saveSetting(
        context.folder,
        name,
        args.need("value"),
        args.has("user") ? io().environment : undefined,
      );
      // Do not print the value, because it may be a token.
      return failure ?? (await print(Buffer.from(`${JSON.stringify({ set: name })}\n`))) ?? 0;
    },
  },
];
