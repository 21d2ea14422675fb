/**
 * Tests how git commands are recognized. The tests cover whether a command changes the work of other agents, which
 * files and branches it changes, and in which directory it runs.
 */
import t from "tap";
import { HOOK_PATH_CHARACTERS_MAX } from "../../../schemas/limits/hooks.js";
import { type GitChange, gitChanges } from "./git-command.js";
import type { GitTouch } from "./git-rules.js";
import { readShellCommands } from "./shell-commands.js";

function changes(...texts: readonly string[]): GitChange[] {
  return gitChanges(readShellCommands(texts));
}

const ALL: GitTouch = { kind: "all" };
const STASH: GitTouch = { kind: "stash" };
const paths = (...some: readonly string[]): GitTouch => ({ kind: "paths", paths: some });
const worktrees = (...some: readonly string[]): GitTouch => ({ kind: "worktrees", paths: some });
const branches = (...names: readonly string[]): GitTouch => ({ kind: "branches", names });

t.test("what a git command touches", (t) => {
  for (const [text, expected] of [
    ["checkout main", ALL],
    ["checkout -b new", ALL],
    ["checkout -fB new origin/main", ALL],
    ["checkout --orphan x", ALL],
    ["checkout -", ALL],
    ["checkout --detach HEAD~1", ALL],
    ["checkout release/1.2", ALL],
    ["checkout v2.x", ALL],
    ["checkout $branch", ALL],
    ["checkout main --", ALL],
    ["checkout -p", ALL],
    ["checkout -- a b", paths("a", "b")],
    ["checkout HEAD -- a", paths("a")],
    ["checkout HEAD~1 src/a.ts", paths("HEAD~1", "src/a.ts")],
    ["checkout src/a.ts", paths("src/a.ts")],
    ["checkout .", paths(".")],
    ["checkout ./a", paths("./a")],
    ["checkout src/", paths("src/")],
    ["checkout -- 'src/*.ts'", paths("src")],
    ["checkout -- *.ts", paths(".")],
    ["checkout -- :/", ALL],
    ["checkout -- ':(top)a'", ALL],
    ["checkout --ours a b", paths("a", "b")],
    ["checkout --pathspec-from-file=list", ALL],
    ["checkout -- $x", null],
    ["checkout -f", ALL],
    ["checkout --force", ALL],
    ["checkout -f a.ts", paths("a.ts")],
    ["checkout", null],
    ["checkout --help", null],
    ["switch main", ALL],
    ["switch -c new", ALL],
    ["switch --create new", ALL],
    ["switch --detach main", ALL],
    ["switch", null],
    ["read-tree HEAD", null],
    ["read-tree -u --reset HEAD", ALL],
    ["read-tree -m -u main", ALL],
    ["checkout-index -a", null],
    ["checkout-index -af", ALL],
    ["checkout-index -f src/a.ts", paths("src/a.ts")],
    ["checkout-index -af --prefix=/tmp/x/", null],
    ["bisect log", null],
    ["bisect start HEAD v1", ALL],
    ["bisect reset", ALL],
    ["restore a", paths("a")],
    ["restore .", paths(".")],
    ["restore --source=HEAD~1 a", paths("a")],
    ["restore -s HEAD a", paths("a")],
    ["restore -SW a", paths("a")],
    ["restore --staged --worktree a", paths("a")],
    ["restore -p", ALL],
    ["restore --staged a", null],
    ["restore -S .", null],
    ["restore", null],
    ["reset --hard", ALL],
    ["reset --hard origin/main", ALL],
    ["reset --merge", ALL],
    ["reset --keep HEAD~1", ALL],
    ["reset", null],
    ["reset --soft HEAD~1", null],
    ["reset --mixed", null],
    ["reset HEAD a", null],
    ["clean -f", ALL],
    ["clean -fdx", ALL],
    ["clean --force -d", ALL],
    ["clean -f build", paths("build")],
    ["clean -f -e '*.log'", ALL],
    ["clean", null],
    ["clean -n", null],
    ["clean -fdn", null],
    ["clean --dry-run -f", null],
    ["stash", STASH],
    ["stash push -m x", STASH],
    ["stash pop", STASH],
    ["stash apply", STASH],
    ["stash drop", STASH],
    ["stash clear", STASH],
    ["stash -u", STASH],
    ["stash list", null],
    ["stash show -p", null],
    ["add -A", ALL],
    ["add --all", ALL],
    ["add -u", ALL],
    ["add -vA", ALL],
    ["add .", paths(".")],
    ["add -- .", paths(".")],
    ["add *", paths(".")],
    ["add :/", ALL],
    ["add -A src", paths("src")],
    ["add a b", null],
    ["add -p a", null],
    ["add -A --dry-run", null],
    ["add", null],
    ["commit -a", ALL],
    ["commit -am 'x'", ALL],
    ["commit --all -m x", ALL],
    ["commit -qam x", ALL],
    ["commit -m -a", null],
    ["commit -ma", null],
    ["commit -m x", null],
    ["commit -uall -m x", null],
    ["commit -Sabc -m x", null],
    ["commit --amend --no-edit", null],
    ["commit -a --dry-run", null],
    ["rebase main", ALL],
    ["rebase -i HEAD~3", ALL],
    ["rebase --continue", ALL],
    ["rebase --abort", ALL],
    ["rebase --show-current-patch", null],
    ["pull", ALL],
    ["pull --rebase origin main", ALL],
    ["pull --dry-run", null],
    ["rm a", paths("a")],
    ["rm --cached a", null],
    ["mv a b", paths("a")],
    ["worktree remove --force ../x", worktrees("../x")],
    ["worktree remove ../x -f", worktrees("../x")],
    ["worktree remove ../x", null],
    ["worktree add ../x", null],
    ["worktree list", null],
    ["branch -D a b", branches("a", "b")],
    ["branch -d -f a", branches("a")],
    ["branch --delete --force a", branches("a")],
    ["branch -d a", null],
    ["branch -Dr origin/a", null],
    ["branch -D $x", null],
    ["branch", null],
    ["status", null],
    ["diff", null],
    ["log --all", null],
    ["fetch", null],
    ["push --force", null],
    ["show HEAD:a", null],
    ["constructor", null],
    ["$x --hard", null],
    ["", null],
  ] as const) {
    const found = changes(`git ${text}`);
    t.same(found[0]?.touches ?? null, expected, text);
    t.ok(found.length <= 1, text);
    if (expected !== null) t.equal(found[0]?.command, text.split(" ")[0], text);
  }
  t.end();
});

t.test("where a git command runs", (t) => {
  for (const [text, directory, gitDirectory, workTree] of [
    ["git stash", "", null, null],
    ["/usr/bin/git stash", "", null, null],
    ["git -C ../x stash", "../x", null, null],
    ["git -C a -C b stash", "a/b", null, null],
    ["git -C a -C /b stash", "/b", null, null],
    ["git -C $x stash", null, null, null],
    ["git -c core.pager=cat -P --no-pager stash", "", null, null],
    ["git --git-dir=../x/.git stash", "", "../x/.git", null],
    ["git --git-dir ../x/.git --work-tree ../x stash", "", "../x/.git", "../x"],
    ["GIT_DIR=../x/.git git stash", "", "../x/.git", null],
    ["GIT_DIR=../x/.git GIT_WORK_TREE='../x' git stash", "", "../x/.git", "../x"],
    ["env GIT_DIR=x git stash", "", "x", null],
    ["export GIT_DIR=x; git stash", "", "x", null],
    ["GIT_DIR=$x git stash", "", null, null],
    ["cd sub && git stash", "sub", null, null],
    ["cd sub && cd .. && git stash", "sub/..", null, null],
    ["cd /x && git stash", "/x", null, null],
    ["cd $x && git stash", null, null, null],
    ["cd && git stash", null, null, null],
    ["cd - && git stash", null, null, null],
    ["pushd x && git stash", null, null, null],
    ["(cd sub && make) && git stash", "", null, null],
    ["(cd sub && git stash)", "sub", null, null],
    ["$prepare; git stash", "", null, null],
    ["make && git stash", "", null, null],
    ["make; git stash", "", null, null],
    ["make || git stash", "", null, null],
    ["make | git stash", "", null, null],
    ['echo "$x" && git stash', "", null, null],
    ["if true; then git stash; fi", "", null, null],
    ["sudo git stash", "", null, null],
    ["bash -c 'cd sub; git stash'", "sub", null, null],
    ['bash -c "git stash; echo $x"', "", null, null],
    ["cd sub && bash -c 'git stash'", "sub", null, null],
    ["x=$(git stash)", "", null, null],
    ['cd sub && echo "$(git stash 2>&1)"', "sub", null, null],
    ["echo `git stash`", "", null, null],
    ["eval git stash", "", null, null],
    ["echo | xargs -n 1 git stash", "", null, null],
  ] as const) {
    const found = changes(text);
    t.same(found, [{ command: "stash", touches: STASH, directory, gitDirectory, workTree }], text);
  }
  for (const text of ["echo git stash", "'git stash'", "# git stash", "git", "git -C", "agit stash", "x='git stash'"])
    t.same(changes(text), [], text);
  t.equal(changes("git add -A && git commit -am x && git push").length, 2);
  const far = changes(`${`cd ${"x".repeat(HOOK_PATH_CHARACTERS_MAX / 10)} && `.repeat(11)}git stash`);
  t.equal(far[0]?.directory, null, "a directory that is too long is not known");
  t.end();
});
