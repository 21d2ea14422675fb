/**
 * Writes log lines to stderr, one for each entry, as `key=value` text or as pino's JSON. The front owns the log. The
 * writer logs through the RPC.
 *
 * Lines go into a buffer, which the thread pool writes. So the front's event loop never waits for the disk, or for a
 * reader that has stopped reading. Lines that do not fit into the buffer are dropped and counted. The text format is
 * written by hand, because tools that convert pino's lines have to parse its JSON again.
 */
import type { Logger } from "pino";
import sonicBoom from "sonic-boom";
import { LOG_LEVELS, type LogFormat, type LogLevel } from "../../schemas/config.js";
import { LOG_BLOCK_BYTES, LOG_BUFFER_BYTES_MAX, LOG_DELAY_MS, LOG_FLUSH_MS_MAX } from "../../schemas/limits/process.js";
import { escapeHidden } from "../../schemas/visible-text.js";
import { formatTime } from "./time.js";

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Log {
  /** Whether debug lines are written. Code on a hot path checks it before it builds the fields of a debug line. */
  readonly debugs: boolean;
  readonly infos: boolean;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /**
   * Writes the buffered lines. It takes at most LOG_FLUSH_MS_MAX, so that a reader that has stopped reading cannot
   * delay the exit.
   */
  close(): Promise<void>;
}

/**
 * Quotes the value of a field. A plain word stays as it is, and any other value becomes a JSON string. So no value can
 * forge a line or a field, or control a reader's terminal.
 */
function quote(value: LogFields[string]): string {
  if (typeof value !== "string") return String(value);
  return /^[A-Za-z0-9_./:*@%+,-]+$/.test(value) ? value : escapeHidden(JSON.stringify(value));
}

// Cache the beginning of the last line (time and level). Many lines have the same beginning, because one commit answers
// dozens of writes within a millisecond.
let lastMs = Number.NaN;
let lastLevel = "";
let lastMessage = "";
let lastHead = "";

function headOf(nowMs: number, level: string, message: string): string {
  if (nowMs !== lastMs || message !== lastMessage || level !== lastLevel) {
    lastHead = `time=${formatTime(nowMs)} level=${level} msg=${quote(message)}`;
    lastMs = nowMs;
    lastLevel = level;
    lastMessage = message;
  }
  return lastHead;
}

/** Formats a line of text: `time=… level=INFO msg="state updated" key=api-contract version=2` */
export function formatLine(nowMs: number, level: string, message: string, fields: LogFields | undefined): string {
  let line = headOf(nowMs, level, message);
  if (fields !== undefined) {
    for (const key in fields) {
      const value = fields[key];
      if (value !== undefined) line += ` ${key}=${quote(value)}`;
    }
  }
  return `${line}\n`;
}

/**
 * Batches log lines into one write. Each write is a job for the thread pool, and costs more than a whole request. Lines
 * are buffered as bytes, because a growing string would consist of thousands of pieces, which the garbage collector
 * copies at every tick.
 */
class LineBuffer {
  readonly #stream: { write(block: Buffer): unknown };
  readonly #block = Buffer.allocUnsafe(LOG_BLOCK_BYTES);
  #used = 0;

  constructor(stream: { write(block: Buffer): unknown }) {
    this.#stream = stream;
  }

  append(line: string): void {
    // A UTF-16 unit takes at most three bytes as UTF-8.
    const bytesMax = line.length * 3;
    if (this.#used + bytesMax > LOG_BLOCK_BYTES) this.flush();
    if (bytesMax > LOG_BLOCK_BYTES) {
      this.#stream.write(Buffer.from(line, "utf8"));
      return;
    }
    if (this.#used === 0) setTimeout(() => this.flush(), LOG_DELAY_MS).unref();
    this.#used += this.#block.write(line, this.#used);
  }

  flush(): void {
    if (this.#used > 0) this.#stream.write(Buffer.from(this.#block.subarray(0, this.#used)));
    this.#used = 0;
  }
}

/**
 * Opens pino, which writes to the buffer of lines. Pino is loaded only for the JSON format, because its modules are a
 * seventh of the code that the process reads at its start.
 */
async function openPino(level: LogLevel, lines: LineBuffer): Promise<Logger> {
  const { default: pino } = await import("pino");
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    { write: (line: string) => lines.append(`${escapeHidden(line.trimEnd())}\n`) },
  );
}

/** Opens the log on a file descriptor. */
export async function openLog(level: LogLevel, format: LogFormat, fd = 2): Promise<Log> {
  // Use the default export, because a CommonJS package has named exports only after it is bundled.
  const stream = new sonicBoom.SonicBoom({ fd, sync: false, maxLength: LOG_BUFFER_BYTES_MAX, contentMode: "buffer" });
  // Ignore write errors, which must not end the server: EAGAIN, and EPIPE after the reader has exited.
  stream.on("error", () => undefined);
  const from = LOG_LEVELS.indexOf(level);
  const lines = new LineBuffer(stream as unknown as { write(block: Buffer): unknown });
  const json = format === "json" ? await openPino(level, lines) : null;
  const write = (at: LogLevel) => {
    if (LOG_LEVELS.indexOf(at) < from) return () => undefined;
    const label = at.toUpperCase();
    const urgent = at === "warn" || at === "error";
    return (message: string, fields?: LogFields): void => {
      if (json !== null) json[at](fields ?? {}, message);
      else lines.append(formatLine(Date.now(), label, message, fields));
      if (urgent) lines.flush();
    };
  };
  return {
    debugs: from <= 0,
    infos: from <= 1,
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    close: () =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, LOG_FLUSH_MS_MAX);
        lines.flush();
        stream.flush(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };
}
