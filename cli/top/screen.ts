/**
 * The terminal of `top`: the keys, the size, and a screen on which only changed lines are rewritten. It uses the
 * alternate screen, so the shell's lines come back however the program ends. No library is used: the screen is only a
 * list of lines, and terminal libraries bring widgets, colors and layouts of many times this size. Runs in the CLI
 * process.
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
/** If more bytes than this are waiting to be written to the terminal, the next frame is skipped. */
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
  /** The lines that are on the screen now. */
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

  /** Takes over the terminal until the process ends. The terminal is restored however the process ends. */
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
    // This event comes before Node prints the error. The screen is closed first, because the error would vanish with
    // it.
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

  /** Restores the terminal. It is synchronous, because the process may be about to end. */
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

  /** Suspends the programs in the foreground of the terminal, as Ctrl-Z does. SIGCONT resumes them. */
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
      // The terminal has been closed, or its buffer is full. In the second case the screen will be drawn again.
    }
  }
}

interface KeyInfo {
  readonly name: string;
  readonly ctrl: boolean;
  readonly shift: boolean;
}
