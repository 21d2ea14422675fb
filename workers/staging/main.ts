/**
 * The entry point of the thread of one restore. It loads the rule reader too, because a restore compiles the rules and
 * templates of its snapshot.
 */
import { METHODS } from "../../src/methods.js";
import { loadRuleReading } from "../../src/rules/rule.js";
import { runStaging } from "../../src/threads/staging-program.js";

await loadRuleReading();
runStaging(METHODS);
