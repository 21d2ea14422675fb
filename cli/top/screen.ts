/**
 * Controls the terminal for `top`: the keys, the size, and the screen, on which only changed lines are written again.
 * It uses the alternate screen, so the shell's lines come back when the program ends. Runs in the CLI process.
 *
 * No library is used. The screen is only a list of lines, and terminal libraries are many times larger than this
 * module.
 */
import { writeSync } from "node:fs";
import type { ReadStream, WriteStream } from "node:tty";

import type { Key } from "./controls.js";
import type { Size } from "./layout.js";

const STDOUT = 1;
/**
 * The terminal codes that open the alternate screen, hide the cursor and turn off line wrapping. `CLOSE` undoes them.
 */
const OPEN = "\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[2J";
const CLOSE = "\u001b[0m\u001b[?7h\u001b[?25h\u001b[?1049l";
/** The size that is assumed if the terminal does not report its size. */
const FALLBACK: Size = { columns: 80, rows: 24 };
/** The maximum number of bytes that wait for the terminal. If there are more, a frame is skipped. */
const UNTAKEN_BYTES_MAX = 64 * 1024;

export interface ScreenEvents {
  readonly onKey: (key: Key) => void;
  readonly onResize: () => void;
  /** Called when the terminal has been closed. */
  readonly onHangUp: () => void;
}

export class Screen {
  readonly #input: ReadStream;
  readonly #output: WriteStream;
  readonly #events: ScreenEvents;
  #isOpen = false;
  /** The lines that are now on the screen. */
  #lines: readonly string[] = [];

  /** @param output stdout */
  constructor(input: ReadStream, output: WriteStream, events: ScreenEvents) {
    this.#input = input;
    this.#output = output;
    this.#events = events;
  }

  get size(): Size {
    const { columns, rows } = this.#output;
    return { columns: columns || FALLBACK.columns, rows: rows || FALLBACK.rows };
  }

  /** Takes over the terminal until the process ends. The terminal is also restored if the process crashes. */
  async start(): Promise<void> {
    // The module is loaded only for the live screen.
    const { emitKeypressEvents } = await import("node:readline");
    emitKeypressEvents(this.#input);
    this.#input.on("keypress", (text: string | undefined, { name, ctrl, shift }: Partial<KeyInfo>) =>
      this.#events.onKey({ name: name ?? "", text: text ?? "", isCtrl: ctrl === true, isShift: shift === true }),
    );
    this.#input.on("end", () => this.#events.onHangUp());
    this.#input.on("error", () => this.#events.onHangUp());
    this.#output.on("error", () => this.#events.onHangUp());
    this.#output.on("resize", () => {
      this.repaint();
      this.#events.onResize();
    });
    process.once("exit", () => this.close());
    // Node emits this event before it prints the error. The screen is closed first, because an error on the alternate
    // screen would vanish with it.
    process.once("uncaughtExceptionMonitor", () => this.close());
    process.on("SIGTSTP", this.#suspendAlone);
    process.on("SIGCONT", () => this.open());
    this.open();
  }

  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#input.setRawMode(true);
    this.#input.resume();
    this.#write(OPEN);
    this.repaint();
    this.#events.onResize();
  }

  /** Restores the terminal. It is synchronous, because the process may be about to exit. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    try {
      this.#input.setRawMode(false);
      this.#input.pause();
    } catch {
      // The terminal has been closed.
    }
    this.#write(CLOSE);
  }

  readonly #suspendAlone = (): void => this.#stop(process.pid);

  /** Suspends all processes in the foreground of the terminal, as Ctrl-Z does. SIGCONT resumes them. */
  suspend(): void {
    this.#stop(0);
  }

  /** @param target a process id; 0 means all processes in the foreground of the terminal */
  #stop(target: number): void {
    this.close();
    process.off("SIGTSTP", this.#suspendAlone);
    process.once("SIGCONT", () => process.on("SIGTSTP", this.#suspendAlone));
    process.kill(target, "SIGTSTP");
  }

  /** Makes the next frame write every line. */
  repaint(): void {
    this.#lines = [];
  }

  /** Draws the lines, one for each row of the terminal. */
  draw(lines: readonly string[]): void {
    if (!this.#isOpen || this.#output.writableLength > UNTAKEN_BYTES_MAX) return;
    const changed = lines.map((line, at) => (line === this.#lines[at] ? "" : `\u001b[${at + 1};1H\u001b[2K${line}`));
    this.#lines = lines;
    const text = changed.join("");
    if (text !== "") this.#output.write(text);
  }

  #write(text: string): void {
    try {
      writeSync(STDOUT, text);
    } catch {
      // The terminal was closed, or its buffer is full. If the buffer is full, a later frame draws the lines.
    }
  }
}

interface KeyInfo {
  readonly name: string;
  readonly ctrl: boolean;
  readonly shift: boolean;
}
