/** Tests completion in the installed shells. The test presses Tab in a real terminal. */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";

import { FakeServer, replyJson } from "../../test/cli/fake-server.js";
import { CLI_PROGRAM } from "../../test/cli/run-cli.js";
import { makeDirectory } from "../../test/support/server-process.js";
import { programMissing, Terminal } from "../../test/cli/tmux.js";

const KEYS = ["plans/build", 'it\'s $HOME "q"', "two words", "x\n;touch hacked", "a:b"];
/**
 * For each shell: the command that starts it, the line that loads the script, and the keys that list the candidates.
 */
const START: Readonly<
  Record<string, { readonly command: readonly string[]; readonly load: string; readonly list: readonly string[] }>
> = {
  bash: {
    command: ["bash", "--norc", "--noprofile", "-i"],
    load: "source <(koor completion bash)",
    list: ["Tab", "Tab"],
  },
  zsh: {
    command: ["zsh", "-f", "-i"],
    load: "autoload -Uz compinit; compinit -u -D; source <(koor completion zsh)",
    list: ["Tab", "Tab"],
  },
  fish: { command: ["fish", "--no-config", "-i"], load: "koor completion fish | source", list: ["Tab"] },
};

async function openShell(t: Test, shell: string): Promise<Terminal> {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  fake.answer = ({ method, url }) => {
    if (method === "GET" && url.startsWith("/api/state?")) {
      const prefix = new URL(url, "http://fake").searchParams.get("prefix") ?? "";
      return replyJson(KEYS.filter((key) => key.startsWith(prefix)).map((key) => ({ key })));
    }
    return replyJson({ deleted: decodeURIComponent(url.slice("/api/state/".length)) });
  };
  const folder = makeDirectory(t);
  const program = join(folder, "koor");
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${CLI_PROGRAM}' "$@"\n`);
  chmodSync(program, 0o755);
  const { command = [], load = "" } = START[shell] ?? {};
  const terminal = await Terminal.open(t, command, {
    cwd: folder,
    columns: 120,
    env: {
      PATH: `${folder}:${process.env["PATH"] ?? ""}`,
      KOOR_SERVER: fake.url,
      // A test machine may be busy, so this limit is longer than a user would wait.
      KOOR_COMPLETE_TIMEOUT: "60s",
      HOME: folder,
      PS1: "$ ",
    },
  });
  terminal.type(`${load}; echo lo''aded`);
  terminal.press("Enter");
  await terminal.until((screen) => /^loaded$/m.test(screen));
  return terminal;
}

for (const shell of Object.keys(START)) {
  t.test(`Tab in ${shell}`, { skip: programMissing("tmux") || programMissing(shell) }, async (t) => {
    const terminal = await openShell(t, shell);
    const list = START[shell]?.list ?? [];
    const clear = async (): Promise<void> => {
      terminal.press("C-u", "C-l");
      await terminal.until((screen) => !screen.includes("koor"));
    };
    terminal.type("koor stat");
    terminal.press(...list);
    await terminal.until((screen) => screen.includes("state") && screen.includes("status"));
    await clear();
    terminal.type("koor wh");
    terminal.press("Tab");
    await terminal.until((screen) => screen.includes("koor whoami"));
    await clear();
    terminal.type("koor state list --pref");
    terminal.press("Tab");
    await terminal.until((screen) => screen.includes("koor state list --prefix"));
    await clear();
    terminal.type("koor state delete pl");
    terminal.press("Tab");
    await terminal.until((screen) => screen.includes("koor state delete plans/build"));
    await clear();
    for (const [typed, key] of [
      ["it", KEYS[1]],
      ["tw", KEYS[2]],
      ["a:", KEYS[4]],
    ]) {
      const before = `koor state delete ${typed}`;
      terminal.type(before);
      await terminal.until((screen) => screen.includes(before));
      terminal.press("Tab");
      const wanted = key?.replace(/[^\w:]/g, ".*");
      await terminal.until((screen) => new RegExp(`state delete .*${wanted}`).test(screen));
      terminal.type(" --json");
      terminal.press("Enter");
      await terminal.until((screen) => screen.includes(JSON.stringify({ deleted: key })));
      await clear();
    }
    terminal.type("koor state delete x");
    terminal.press(...list);
    terminal.type("yz --json; ls");
    terminal.press("Enter");
    const lines = await terminal.until((screen) => /"xyz"/.test(screen));
    t.notOk(lines.includes("hacked"), "the name with a line end is not offered");
    t.pass(`${shell} completes`);
  });
}
