/**
 * Tests `radar merge` on real git repositories: the conflicting paths, the exit codes, and that nothing in the
 * repository changes.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import t from "tap";

import { countedGit } from "./cli/git.js";
import { NO_GIT, snapshotOf, writeScript } from "./cli/guarded.js";
import { setUpRadar } from "./cli/radar-repository.js";
import { runCli } from "./cli/run-cli.js";

const skip = NO_GIT;

t.test("branches that merge, and branches that conflict", { skip }, async (t) => {
  const { git, write, remove, commit, radar, root, top, env, fake } = await setUpRadar(t);
  const base = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
  for (const path of ["a.ts", "ü.ts", "gone.ts"]) write(path, base);
  commit();
  git("switch", "--quiet", "--create", "one");
  for (const path of ["a.ts", "ü.ts", "gone.ts"]) write(path, base.replace("2", "two"));
  commit();
  git("switch", "--quiet", "--create", "far", "main");
  write("a.ts", base.replace("8", "eight"));
  commit();
  git("switch", "--quiet", "--create", "near", "main");
  for (const path of ["a.ts", "ü.ts"]) write(path, base.replace("2", "zwei"));
  remove("gone.ts");
  commit();
  git("switch", "--quiet", "--orphan", "apart");
  write("a.ts", "other\n");
  commit();

  const before = snapshotOf(root);
  const temporary = join(top, "tmp");
  writeScript(join(temporary, "keep"), "");
  const merge = async (a: string, b: string) =>
    await runCli(["radar", "merge", a, b], { cwd: root, env: { ...env, TMPDIR: temporary } });
  t.match(await merge("one", "far"), { code: 0, stdout: '{"clean":true,"conflicts":[]}\n', stderr: "" });
  t.match(await merge("one", "near"), {
    code: 1,
    stdout: '{"clean":false,"conflicts":["a.ts","gone.ts","ü.ts"]}\n',
    stderr: "",
  });
  t.match(await merge("one", "main"), { code: 0, stdout: '{"clean":true,"conflicts":[]}\n' });
  t.match(await merge("one", "apart"), { code: 1, stdout: '{"clean":false,"conflicts":["a.ts"]}\n' });
  t.match(await merge("one", "nothing"), { code: 2, stdout: "", stderr: /unknown branch or commit: nothing/ });
  t.match(await merge("", "one"), { code: 2, stdout: "" });
  t.same(snapshotOf(root), before, "nothing is written to the repository");
  t.same(readdirSync(temporary), ["keep"], "and nothing is left elsewhere");
  t.match(await radar(["merge", "one", "far"], top), { code: 2, stderr: /no git repository here/ });
  t.same(fake.requests, [], "no server is asked");
});

t.test("no program of the configuration merges, so what only it could merge is a conflict", { skip }, async (t) => {
  const { git, write, commit, radar, top } = await setUpRadar(t);
  write(".gitattributes", "*.lock merge=evil filter=evil\n");
  write("x.lock", "1\n");
  commit();
  for (const name of ["one", "two"]) {
    git("switch", "--quiet", "--create", name, "main");
    write("x.lock", `${name}\n`);
    commit();
  }
  const ran = join(top, "ran");
  writeScript(join(top, "evil"), `touch '${ran}'`);
  git("config", "merge.evil.driver", join(top, "evil"));
  git("config", "filter.evil.smudge", join(top, "evil"));
  git("config", "filter.evil.clean", join(top, "evil"));
  git("config", "merge.renormalize", "true");
  t.match(await radar(["merge", "one", "two"]), { code: 1, stdout: '{"clean":false,"conflicts":["x.lock"]}\n' });
  t.notOk(existsSync(ran));
});

t.test("a git that cannot merge without a working tree is refused", { skip }, async (t) => {
  const { root, top, env } = await setUpRadar(t);
  const script = `case "$*" in
*version) echo 'git version 2.37.7' ;;
*) exec '${(process.env["PATH"] ?? "")
    .split(":")
    .map((folder) => join(folder, "git"))
    .find(existsSync)}' "$@" ;;
esac`;
  const old = countedGit(join(top, "old"), script);
  const end = await runCli(["radar", "merge", "main", "main"], { cwd: root, env: { ...env, PATH: old.path } });
  t.match(end, {
    code: 2,
    stdout: "",
    stderr: /git 2\.37\.7 cannot merge without a working tree: install 2\.38 or newer/,
  });
});
