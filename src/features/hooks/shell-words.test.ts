/**
 * Tests how shell commands are split: quotes, expansions, operators, redirections and here-documents. Also tests that a
 * quoted word is read back unchanged, and that long texts are split fast.
 */
import * as fc from "fast-check";
import t from "tap";
import { HOOK_BODY_BYTES_MAX, HOOK_SHELL_STEPS_MAX } from "../../../schemas/limits/hooks.js";
import { newSeed } from "../../../test/support/random.js";
import { shellQuote } from "../../../shared/shell-quote.js";
import { type ShellToken, splitShellCommand } from "./shell-words.js";

/** Returns tokens in a short form: `word`, `~not literal`, `$expansion`, `;` in brackets, `>output`, `<<document`. */
function show(tokens: readonly ShellToken[]): string[] {
  return tokens.map((token) => {
    if (token.kind === "operator") return `(${token.text})`;
    if (token.kind === "document") return `<<${token.document.text}`;
    const { text, isLiteral, hasExpansion } = token.word;
    const mark = hasExpansion ? "$" : isLiteral ? "" : "~";
    return `${token.kind === "output" ? ">" : ""}${mark}${text}`;
  });
}

t.test("commands are split as a shell does", (t) => {
  for (const [text, expected] of [
    ["rm a b", ["rm", "a", "b"]],
    ["  rm\ta \r", ["rm", "a"]],
    ["rm 'a b' \"c d\" e\\ f", ["rm", "a b", "c d", "e f"]],
    ["rm a'b'\"c\"d ''", ["rm", "abcd", ""]],
    ['echo \'a$b\' "a\\$b" a\\$b "\\a"', ["echo", "a$b", "a$b", "a$b", "\\a"]],
    ['rm "it\'s" \'say "x"\'', ["rm", "it's", 'say "x"']],
    ["rm a\\\nb", ["rm", "ab"]],
    ["rm \\\n a", ["rm", "a"]],
    ['rm $x ${x} "$x/a" `ls` $(ls) $1 $?', ["rm", "$$x", "$${x}", "$$x/a", "$`ls`", "$$(ls)", "$$1", "$$?"]],
    ['echo $ a$ "$"', ["echo", "$", "a$", "$"]],
    ["rm $'a\\'b' c", ["rm", "$$'a\\'b'", "c"]],
    ['rm $"a b" c', ["rm", '$$"a b"', "c"]],
    ['echo $(a $(b \')\') "$(c ")")" (d)) e', ["echo", '$$(a $(b \')\') "$(c ")")" (d))', "e"]],
    ['echo ${a:-"}"} $((1 + (2))) e', ["echo", '$${a:-"}"}', "$$((1 + (2)))", "e"]],
    ["echo `a \\` b` c", ["echo", "$`a \\` b`", "c"]],
    ["rm *.o a? [ab] {a,b} ~/x a~", ["rm", "~*.o", "~a?", "~[ab]", "~{a,b}", "~~/x", "a~"]],
    ["rm '*.o' \"{a,b}\" '~'", ["rm", "*.o", "{a,b}", "~"]],
    ["a;b&&c||d|e&f\ng", ["a", "(;)", "b", "(&&)", "c", "(||)", "d", "(|)", "e", "(&)", "f", "(\n)", "g"]],
    ["(a;b)|{ c; }", ["(()", "a", "(;)", "b", "())", "(|)", "{", "c", "(;)", "}"]],
    ["a > b >> c >| d &> e &>> f >& g", ["a", ">b", ">c", ">d", ">e", ">f", ">g"]],
    ["a>b 2>c 2>&1 >&- 1>&2 a2>d", ["a", ">b", ">c", "a2", ">d"]],
    ["a < b <> c <<< d <& 3 e", ["a", "e"]],
    ["a > $b > 'c d'", ["a", ">$$b", ">c d"]],
    ["a >", ["a"]],
    ["a > ; b", ["a", "(;)", "b"]],
    ["diff <(a; b) >(c) d", ["diff", "$<(a; b)", "$>(c)", "d"]],
    ["# a b\nc #d\ne#f", ["(\n)", "c", "(\n)", "e#f"]],
    ["[[ a > b && c ]] && d > e", ["[[", "a", "c", "]]", "(&&)", "d", ">e"]],
    ["if [[ a < b ]]; then c > d; fi", ["if", "[[", "a", "]]", "(;)", "then", "c", ">d", "(;)", "fi"]],
    ["grep '[[' a > b", ["grep", "[[", "a", ">b"]],
    ["echo [[ > a", ["echo", "[[", ">a"]],
    ["'[[' > a", ["[[", ">a"]],
    ["[ -f a ] && b", ["[", "-f", "a", "]", "(&&)", "b"]],
    ["((a > b)) && c", ["(&&)", "c"]],
    ["cat <<EOF > a; b\nx > y\nEOF\nc", ["cat", "<<x > y\n", ">a", "(;)", "b", "(\n)", "c"]],
    ["cat <<'E F' <<-G\n$x\nE F\n\ty\n\tG\nc", ["cat", "<<$x\n", "<<\ty\n", "(\n)", "c"]],
    ["cat <<EOF\nnever ends", ["cat", "<<never ends", "(\n)"]],
    ["cat <<EOF", ["cat", "<<"]],
    ["cat <<EOF\nEOFX\nEOF", ["cat", "<<EOFX\n", "(\n)"]],
    ["a 'never ends", ["a", "never ends"]],
    ['a "never ends', ["a", "never ends"]],
    ["a $(never ends", ["a", "$$(never ends"]],
    ["a \\", ["a", "\\"]],
    ["", []],
  ] as const)
    t.same(show(splitShellCommand(text)), expected, JSON.stringify(text));
  t.end();
});

t.test("quoted words are read back", (t) => {
  const word = fc.string({ unit: fc.constantFrom(..."ab'\"\\$`*?[]{}~ \n\t;&|<>()#!=-é".split("")) });
  const property = fc.property(fc.array(word), (words) => {
    const tokens = splitShellCommand(words.map(shellQuote).join(" "));
    const read = tokens.map((token) => (token.kind === "word" && token.word.isLiteral ? token.word.text : null));
    return read.length === words.length && read.every((text, at) => text === words[at]);
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 1_000, seed: newSeed() | 0 }));
  t.end();
});

t.test("any text can be split", (t) => {
  const part = fc.constantFrom(
    ...["'", '"', "\\", "$", "$(", "${", "$'", "`", "(", "((", ")", "}", "<", "<<", "<<-", "<<<", ">", "&", "|", ";"],
    ...["\n", "\t", " ", "#", "[[", "]]", "EOF", "a", "1", "~", "*", "{", "!", "\0", "\ud800", "é"],
  );
  const text = fc.array(part, { maxLength: 60 }).map((parts) => parts.join(""));
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(text, (any) => void splitShellCommand(any)),
      { numRuns: 3_000 },
    ),
  );
  t.end();
});

t.test("a long text is read once", (t) => {
  // A splitter that reads the rest of these texts again for each character would take hours.
  for (const unit of [
    "(",
    "$(",
    "${",
    "`",
    "'",
    '"',
    "<<a ",
    "<<a\n",
    "$((",
    "\\",
    "a ",
    "#\n",
    "\n",
    ">",
    "[[ ",
    "x",
  ]) {
    const text = unit.repeat(HOOK_BODY_BYTES_MAX / unit.length);
    const steps = { left: HOOK_SHELL_STEPS_MAX };
    t.ok(splitShellCommand(text, steps).length <= HOOK_SHELL_STEPS_MAX + 1, JSON.stringify(unit));
    t.ok(steps.left < HOOK_SHELL_STEPS_MAX, "another command has fewer steps");
  }
  t.end();
});
