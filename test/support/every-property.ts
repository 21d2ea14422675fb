/**
 * Makes fast-check generate the same values when a run is repeated. The build makes it the first import of each file
 * that uses fast-check (deploy/build-tree.mjs).
 */
import { configureGlobal } from "fast-check";
import { newSeed, repeatedRun } from "./random.js";

// fast-check reads the seed once for each assertion, so several assertions about one property get different values.
if (repeatedRun() !== undefined)
  configureGlobal({
    get seed() {
      return newSeed("property ");
    },
  });
