/**
 * Describes the machine of a run: its processors, the versions of its software, the tools that it has, and the duration
 * of an fsync, on which the speed of all durable writes depends. Runs in the bench process.
 */
import { accessSync, closeSync, constants, fsyncSync, openSync, writeSync } from "node:fs";
import { cpus, release } from "node:os";
import { delimiter, join } from "node:path";
import type { Tools } from "./bench.js";
import type { Machine } from "./model.js";
import { FSYNC_SAMPLES } from "./settings.js";
import { median } from "./statistics.js";

const PAGE_BYTES = 4_096;

/** Finds the path of a program in the same way as the shell; undefined if there is none. */
function findProgram(name: string): string | undefined {
  for (const directory of (process.env["PATH"] ?? "").split(delimiter)) {
    const path = join(directory, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      continue;
    }
  }
  return undefined;
}

export function findTools(): Tools {
  return {
    wrk: findProgram("wrk"),
    redisServer: findProgram("redis-server"),
    redisBenchmark: findProgram("redis-benchmark"),
    etcd: findProgram("etcd"),
  };
}

/** Returns the median time of appending 4 KiB to a file in `directory` and fsyncing it, in microseconds. */
function measureFsync(directory: string): number {
  const file = openSync(join(directory, "fsync-probe"), "w");
  const page = Buffer.alloc(PAGE_BYTES, 1);
  const samplesUs: number[] = [];
  for (let count = 0; count < FSYNC_SAMPLES; count++) {
    const startedMs = performance.now();
    writeSync(file, page);
    fsyncSync(file);
    samplesUs.push((performance.now() - startedMs) * 1_000);
  }
  closeSync(file);
  return median(samplesUs);
}

export function describeMachine(tools: Tools, directory: string): Machine {
  const processors = cpus();
  return {
    cpus: processors.length,
    cpu_model: processors[0]?.model ?? "unknown",
    platform: `${process.platform} ${release()}`,
    node: process.versions.node,
    wrk: tools.wrk !== undefined,
    redis: tools.redisServer !== undefined,
    fsync_us: measureFsync(directory),
  };
}
