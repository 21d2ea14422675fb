/** The settings that all bundles and transpiled files share. */

/** The oldest JavaScript engine for which the build writes code. */
export const TARGET = "node20.12";
/**
 * The code that defines `require` and `__dirname` at the start of a bundle. Bundled CommonJS packages use them, and an
 * ES module does not have them.
 */
export const COMMONJS_BANNER =
  'import { createRequire as createRequireOfBundle } from "node:module";\n' +
  "const require = createRequireOfBundle(import.meta.url), __dirname = import.meta.dirname;";
