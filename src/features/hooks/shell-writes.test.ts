/** Tests which files count as written by a shell command, and which of its paths are ignored. */
import t from "tap";
import { HOOK_SHELL_DEPTH_MAX } from "../../../schemas/limits/hooks.js";
import { readShellCommands } from "./shell-commands.js";
import { shellQuote } from "../../../shared/shell-quote.js";
import { shellWrites } from "./shell-writes.js";

function writes(...texts: readonly string[]): readonly string[] {
  return shellWrites(readShellCommands(texts)).paths;
}

t.test("the paths that a command writes", (t) => {
  for (const [text, expected] of [
    // Redirections
    ["echo x > a", ["a"]],
    ["echo x >> a 2> b", ["a", "b"]],
    ["make &> log", ["log"]],
    ["make > 'my log' 2>&1", ["my log"]],
    ["> a", ["a"]],
    ["cat < a", []],
    ["cat <<EOF > a\n$x\nEOF\n", ["a"]],
    ["cat > a <<'EOF'\nrm b\nEOF", ["a"]],
    ["echo x | tee a > /dev/null", ["/dev/null", "a"]],
    ["[[ x > a ]]", []],
    // Programs
    ["tee -a a b", ["a", "b"]],
    ["rm a", ["a"]],
    ["rm -rf .", ["."]],
    ["rm -rf -- dir -x", ["dir", "-x"]],
    ["/bin/rm a", ["a"]],
    ["touch a", ["a"]],
    ["touch -d yesterday -r ref a", ["a"]],
    ["touch --date=now a", ["a"]],
    ["truncate -s 0 a", ["a"]],
    ["truncate --size=0 a b", ["a", "b"]],
    ["sed -i s/x/y/ a b", ["a", "b"]],
    ["sed -i.bak -e s/x/y/ a", ["a"]],
    ["sed -i '' s/x/y/ a", ["a"]],
    ["sed -Ei 's/x$/y/' a", ["a"]],
    ["sed --in-place=.bak -e s/x/y/ -e s/z// a", ["a"]],
    ["sed -n -i -f script a", ["a"]],
    ["sed s/x/y/ a", []],
    ["sed -n p -e x", []],
    ["cp a b.ts", ["b.ts"]],
    ["cp a dir/", ["dir//a"]],
    ["cp -r src/x lib", ["lib/x"]],
    ["cp a b c", ["c/a", "c/b"]],
    ["cp -t dir a b", ["dir/a", "dir/b"]],
    ["cp --target-directory=dir x/a", ["dir/a"]],
    ["cp -T a b", ["b"]],
    ["mv a b.ts", ["a", "b.ts"]],
    ["mv src/a lib", ["src/a", "lib/a"]],
    ["mv -t dir a", ["a", "dir/a"]],
    ["mv a ..", ["a", "../a"]],
    ["mv a", []],
    ["cat a", []],
    ["grep -r rm .", []],
    ["git commit -m 'rm a'", []],
    // Lists, prefixes and shells in shells
    ["cat a && rm b; touch c | tee d & rm e", ["b", "c", "d", "e"]],
    ["sudo rm a", ["a"]],
    ["FOO=1 env BAR=2 nohup rm a", ["a"]],
    ["timeout 5s rm a", ["a"]],
    ["if test -f a; then rm a; fi", ["a"]],
    ["for x in 1 2; do touch a; done", ["a"]],
    ["{ rm a; }", ["a"]],
    ["! rm a", ["a"]],
    ["(rm a)", ["a"]],
    ["bash -c 'rm a && touch b'", ["a", "b"]],
    ["bash -lc \"sed -i s/x/y/ 'a b'\"", ["a b"]],
    ["sh <<'EOF'\nrm a\nEOF", ["a"]],
    ["bash script.sh a", []],
    // Patches
    ["apply_patch <<'EOF'\n*** Begin Patch\n*** Add File: a\n+x\n*** End Patch\nEOF", ["a"]],
    ["apply_patch '*** Update File: a\n*** Move to: b'", ["a", "b"]],
    ["cat <<EOF\n*** Add File: a\nEOF", []],
    // Directories
    ["cd sub && rm a", ["sub/a"]],
    ["cd sub && cd ../x && echo y > a", ["sub/../x/a"]],
    ["cd /p/sub && x | tee a && rm ~/b /c", ["/p/sub/a", "/c"]],
    ["if cd sub && rm a; then rm b; fi", ["sub/a"]],
    ["(cd sub && rm a); rm b", ["sub/a", "b"]],
    ["cd sub && (x; rm a)", ["sub/a"]],
    ["(cd sub); rm a", ["a"]],
    ["cd sub && apply_patch <<'EOF'\n*** Add File: a\nEOF", ["sub/a"]],
    ["cd sub && bash -c 'rm a; cd x && rm b'", ["sub/a", "sub/x/b"]],
    // Substitutions, and words after them
    ["echo $x > a", ["a"]],
    ["echo `date` > a", ["a"]],
    ["diff <(b) > a", ["a"]],
    ["X=$(mktemp); rm a", ["a"]],
    ["echo $x; rm a", ["a"]],
    ["echo $(rm a)", ["a"]],
    ['echo "x `rm a` $(cd sub && rm b) $((1 > 2))"', ["a", "sub/b"]],
    ["diff <(rm a) > b", ["a", "b"]],
    ["echo > $(rm a)", ["a"]],
    ["eval rm a", ["a"]],
    ["eval 'cd sub && rm \"a b\"'; rm c", ["sub/a b"]],
    ["nice -n 5 rm a", ["a"]],
    ["sudo -u ben timeout -k 5 10 xargs -n 1 rm a", ["a"]],
    // Paths that are not known before the command runs
    ["rm $x", []],
    ["rm *.o", []],
    ["rm {a,b}", []],
    ["rm ~/a", []],
    ["rm a $x b", ["a"]],
    ["rm a; cd sub; rm b", ["a"]],
    ["cd sub || rm a", []],
    ["x || cd sub && rm a", []],
    ["cd sub && ls; rm a", []],
    ["cd sub && (ls); rm a", []],
    ["cd sub | rm a", []],
    ["x | cd sub && rm a", []],
    ["cd $x && rm a", []],
    ["cd && rm a", []],
    ["cd sub; rm /p/a", ["/p/a"]],
    ["pushd sub; rm a", []],
    ["eval x; rm a", []],
    [". ./env; rm a", []],
    ["rm $x a", []],
    ["echo '$x' > a", ["a"]],
    ["cp $x a", []],
    ["mv a $x", ["a"]],
    ["$cmd a; rm a", []],
    ['bash -c "rm $x"', []],
    ['bash -c "rm a; echo $x"', []],
  ] as const)
    t.same(writes(text), expected, text);
  t.same(writes("cd sub", "rm a"), ["a"], "each command of a list starts in the same directory");
  t.end();
});

t.test("shells in shells are read up to a depth", (t) => {
  let text = "rm a";
  for (let depth = 1; depth <= HOOK_SHELL_DEPTH_MAX; depth++) {
    text = `sh -c ${shellQuote(text)}`;
    t.same(writes(text), ["a"], `depth ${depth}`);
  }
  t.same(writes(`sh -c ${shellQuote(text)}`), []);
  t.end();
});
