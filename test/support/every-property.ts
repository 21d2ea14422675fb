/**
 * What fast-check draws is the same where a run is repeated: the build makes this the first import of what uses it
 * (deploy/build.mjs).
 */
import { configureGlobal } from "fast-check";
import { newSeed, repeatedRun } from "./random.js";

if (repeatedRun() !== undefined) configureGlobal({ seed: newSeed("properties") });
