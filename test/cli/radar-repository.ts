/** A real git repository, and a fake server that accepts the radar's reports. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import type { ChangesBody } from "../../schemas/radar.js";
import { makeDirectory, type Owner } from "../support/server-process.js";
import { FakeServer, replyJson } from "./fake-server.js";
import { git as runGit, gitEnvironment, makeRepository } from "./git.js";
import { runCli, type CliResult } from "./run-cli.js";

export interface RadarRepository {
  readonly top: string;
  readonly home: string;
  readonly root: string;
  readonly fake: FakeServer;
  readonly env: Readonly<Record<string, string>>;
  /** Runs git in the repository. */
  readonly git: (...words: string[]) => string;
  readonly write: (path: string, text: string | Buffer) => void;
  readonly remove: (path: string) => void;
  /** Commits everything. */
  readonly commit: () => void;
  /** Runs `koor radar …`, by default in the repository. */
  readonly radar: (words: readonly string[], cwd?: string) => Promise<CliResult>;
  /** Runs `koor radar report`, and returns the request body that the server received. */
  readonly report: (words?: readonly string[], cwd?: string) => Promise<ChangesBody>;
}

/** Makes a repository with one empty commit on the branch `main`. */
export async function setUpRadar(t: Owner): Promise<RadarRepository> {
  const top = makeDirectory(t);
  const [home, root] = [join(top, "home"), join(top, "trucks")];
  mkdirSync(home);
  makeRepository(home, root);
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  fake.answer = () => replyJson({ checkout: "c", overlaps: [] });
  const env = { ...gitEnvironment(home), KOOR_SERVER: fake.url, KOOR_INSTANCE: "me" };
  const git = (...words: string[]): string => runGit(home, root, ...words);
  const radar = async (words: readonly string[], cwd = root): Promise<CliResult> =>
    await runCli(["radar", ...words], { cwd, env });
  return {
    top,
    home,
    root,
    fake,
    env,
    git,
    radar,
    write: (path, text) => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    },
    remove: (path) => rmSync(join(root, path)),
    commit: () => {
      git("add", "--all");
      git("commit", "--quiet", "--message", "more");
    },
    report: async (words = [], cwd = root) => {
      fake.requests.length = 0;
      const end = await radar(["report", ...words], cwd);
      if (end.code !== 0) throw new Error(`exit ${end.code}: ${end.stderr}`);
      return JSON.parse(fake.requests[0]?.body.toString() ?? "") as ChangesBody;
    },
  };
}
