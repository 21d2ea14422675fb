/** The thread of one restore: records of rules and templates are compiled there, so it needs the engine of regexes. */
import { METHODS } from "../../src/methods.js";
import { loadRegexEngine } from "../../src/rules/regex.js";
import { runStaging } from "../../src/threads/staging-program.js";

await loadRegexEngine();
runStaging(METHODS);
