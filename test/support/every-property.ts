/**
 * Makes fast-check generate the same values in a run that is repeated. The build makes this the first import of each
 * file that uses fast-check (deploy/build.mjs).
 */
import { configureGlobal } from "fast-check";
import { newSeed, repeatedRun } from "./random.js";

// fast-check reads the seed once for each assertion: several assertions over one property generate different values.
if (repeatedRun() !== undefined)
  configureGlobal({
    get seed() {
      return newSeed("property ");
    },
  });
