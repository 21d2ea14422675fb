/**
 * Lays out the screen of `top`. Converts rows to colored lines that fit the terminal. Pure; runs in the CLI process.
 */
import { escapeHidden } from "../../schemas/visible-text.js";
import { formatLength } from "../output/relative-time.js";
import { fitText, textWidth, truncateText } from "../output/text-width.js";
import type { Controls } from "./controls.js";
import { VIEW_NAMES, answersOf, rateOf, type Data } from "./data.js";
import type { Column, Row, Tone, View } from "./rows.js";

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** The state of the connection to the server. Texts from the server are already escaped. */
export interface LinkShown {
  readonly server: string;
  /** The reason why the server cannot be reached; "" if it answers. */
  readonly trouble: string;
}

export interface Scene {
  readonly controls: Controls;
  readonly view: View;
  /** The rows that match the filter, sorted. */
  readonly rows: readonly Row[];
  readonly data: Data;
  readonly link: LinkShown;
}

/** Adds colors and other attributes to a text. */
export type Paint = (text: string, ...styles: readonly Style[]) => string;
export type Style = Tone | "bold" | "reverse";

const CODES: Readonly<Record<Style, string>> = { good: "32", bad: "31", odd: "33", dim: "2", bold: "1", reverse: "7" };
const COLOURS: ReadonlySet<Style> = new Set(["good", "bad", "odd"]);

/** @param hasColours if false, only bold and other attributes without a color are added */
export function makePaint(hasColours: boolean): Paint {
  return (text, ...styles) => {
    const codes = styles.filter((style) => hasColours || !COLOURS.has(style)).map((style) => CODES[style]);
    return codes.length === 0 || text === "" ? text : `\u001b[${codes.join(";")}m${text}\u001b[0m`;
  };
}

export const plain: Paint = (text) => text;

const GAP = 2;
/**
 * The number of rows below which the screen has one line of figures. The line with the keys is left out if it does not
 * fit either.
 */
const LOW_ROWS = 12;

function rate(perSecond: number | undefined): string {
  if (perSecond === undefined) return "-";
  return `${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond)}/s`;
}

function countsOf(counts: Readonly<Record<string, number>>, names: readonly (readonly [string, string])[]): string {
  return names
    .filter(([name], at) => at === 0 || (counts[name] ?? 0) > 0)
    .map(([name, shown]) => `${counts[name] ?? 0} ${shown}`)
    .join(" ");
}

/** Returns the figures as short texts, the most important first. Rates are left out if there are no earlier figures. */
export function figuresOf(data: Data): readonly string[] {
  const { figures, earlier } = data;
  if (figures === undefined) return [];
  const { instances, leases, tasks } = figures.states;
  const counts = [
    `agents ${countsOf(instances, [
      ["active", "active"],
      ["pending", "pending"],
      ["stale", "stale"],
    ])}`,
    `leases ${countsOf(leases, [
      ["held", "held"],
      ["waiting", "waiting"],
    ])}`,
    `tasks ${countsOf(tasks, [
      ["ready", "ready"],
      ["claimed", "claimed"],
      ["input_required", "ask"],
      ["blocked", "blocked"],
    ])}`,
  ];
  if (earlier === undefined)
    return [...counts, `events ${figures.events}`, `up ${formatLength(figures.uptimeS * 1000)}`];
  return [
    ...counts,
    `events ${rate(rateOf(data, "events"))}`,
    `requests ${rate(rateOf(data, "requests"))}`,
    `refused ${rate(rateOf(data, "refused"))}`,
    `errors ${rate(rateOf(data, "errors"))}`,
    `up ${formatLength(figures.uptimeS * 1000)}`,
  ];
}

/** Joins texts into at most `lines` lines, each at most `columns` wide. Drops the texts that do not fit. */
function wrapPieces(pieces: readonly string[], columns: number, lines: number): string[] {
  const wrapped: string[] = [];
  for (const piece of pieces) {
    const last = wrapped.at(-1);
    const longer = `${last ?? ""}   ${piece}`;
    if (last !== undefined && textWidth(longer) <= columns) wrapped[wrapped.length - 1] = longer;
    else if (wrapped.length < lines) wrapped.push(truncateText(piece, columns));
    else break;
  }
  return wrapped;
}

interface Placed {
  readonly column: Column;
  /** The index of the column's cell in each row. */
  readonly at: number;
  readonly width: number;
}

/** Chooses the columns that fit, and their widths. The remaining width goes to the column with long texts. */
export function placeColumns(columns: readonly Column[], rows: readonly Row[], room: number): readonly Placed[] {
  const byRank = columns.map((column, at) => ({ column, at })).toSorted((a, b) => a.column.rank - b.column.rank);
  let left = room + GAP;
  const chosen = byRank.filter(({ column }, order) => {
    const needed = column.min + GAP;
    if (order > 0 && needed > left) left = 0;
    if (order > 0 && left === 0) return false;
    left -= needed;
    return true;
  });
  const widths = new Map<number, number>();
  left = room + GAP - chosen.reduce((sum, { column }) => sum + column.min + GAP, 0);
  for (const { column, at } of chosen) {
    const longest = rows.reduce(
      (most, { cells }) => Math.max(most, textWidth(cells[at]?.text ?? "")),
      column.title.length,
    );
    const more = Math.max(0, Math.min(longest, column.max ?? Number.POSITIVE_INFINITY) - column.min, 0);
    const given = Math.min(more, Math.max(0, left));
    left -= given;
    widths.set(at, Math.min(column.min + given, room));
  }
  return chosen
    .toSorted((a, b) => a.at - b.at)
    .map(({ column, at }) => ({ column, at, width: widths.get(at) ?? column.min }));
}

function drawTitles(placed: readonly Placed[], { controls }: Scene, room: number, paint: Paint): string {
  const { column: sorted, isReverse } = controls.sorting[controls.view];
  const titles = placed.map(({ column, at, width }) => {
    const mark = at === sorted ? (isReverse ? "^" : "v") : "";
    return fitText(column.title + mark, width, column.isRight);
  });
  return paint(fitText(titles.join("  "), room), "bold", "reverse");
}

function drawRow(placed: readonly Placed[], { cells }: Row, isSelected: boolean, room: number, paint: Paint): string {
  const shown = placed.map(({ column, at, width }) => ({
    ...cells[at],
    text: fitText(cells[at]?.text ?? "", width, column.isRight),
  }));
  if (isSelected) return paint(fitText(shown.map(({ text }) => text).join("  "), room), "reverse");
  return shown
    .map(({ text, tone }) => (tone === undefined ? text : paint(text, tone)))
    .join("  ")
    .trimEnd();
}

function drawTabs({ controls }: Scene, room: number, paint: Paint): string {
  const isNarrow = VIEW_NAMES.reduce((sum, name) => sum + name.length + 4, 0) > room;
  let used = 0;
  const tabs = VIEW_NAMES.map((name, at) => {
    const label = isNarrow && name !== controls.view ? `${at + 1}` : `${at + 1} ${name}`;
    const shown = truncateText(` ${label} `, room - used);
    used += textWidth(shown);
    return name === controls.view ? paint(shown, "reverse") : paint(shown, "dim");
  });
  return tabs.join("");
}

export const HELP: readonly string[] = [
  "1-5, Tab   switch the view",
  "Up, Down, PgUp, PgDn, Home, End   move",
  "<, > or F6   choose the column to sort by",
  "r   reverse the order",
  "/   filter the rows; Esc ends the filter",
  "Space, p   pause, and resume",
  "h, ?, F1   this help",
  "q, Ctrl-C   quit",
];

function drawFoot({ controls }: Scene, room: number, paint: Paint): string {
  const { isTyping, filter } = controls;
  if (isTyping) return paint(fitText(`filter: ${filter}_`, room), "bold");
  const keys = "q quit  h help  Tab view  / filter  < > sort  Space pause";
  return filter === ""
    ? paint(truncateText(keys, room), "dim")
    : truncateText(`filter: ${filter}  (Esc ends it)`, room);
}

function drawHead({ controls, data, link }: Scene, room: number, lines: number, paint: Paint): string[] {
  const isAway = link.trouble !== "";
  const state = truncateText(isAway ? "AWAY" : controls.isPaused ? "PAUSED" : "live", room);
  const tone: Tone = isAway ? "bad" : controls.isPaused ? "odd" : "good";
  const head = `${fitText(`koor ${link.server}`, room - GAP - state.length)}${" ".repeat(GAP)}`;
  const figures = wrapPieces(figuresOf(data), room, isAway ? lines - 1 : lines);
  return [
    (room > GAP + state.length ? head : "") + paint(state, tone, "bold"),
    ...(isAway ? [paint(truncateText(`${link.trouble}, trying again`, room), "bad")] : []),
    ...figures,
  ];
}

/** Returns a line about a refused request or about an empty view; undefined if neither is the case. */
function emptiness({ controls, rows, view, data }: Scene): string | undefined {
  const refused = answersOf(controls.view).map((name) => data.refusals[name]);
  const why = refused.find((text) => text !== undefined);
  if (why !== undefined) return `the server refuses this: ${escapeHidden(why)}`;
  if (rows.length > 0) return undefined;
  if (view.rows.length > 0) return "no row has this text";
  const isKnown = answersOf(controls.view).some((name) => name !== "metrics" && data.answers[name] !== undefined);
  return isKnown ? `there are no ${controls.view}` : "no answer yet";
}

/** Returns the number of lines for figures at the top, and whether there is a line with keys at the bottom. */
function marginsOf({ rows }: Size): { readonly figures: number; readonly hasFoot: boolean } {
  return rows < LOW_ROWS ? { figures: 1, hasFoot: rows > 8 } : { figures: 3, hasFoot: true };
}

/** Returns the number of rows that fit on the screen. */
export function pageOf(scene: Scene, size: Size): number {
  const { figures, hasFoot } = marginsOf(size);
  const head = drawHead(scene, size.columns, figures, plain).length;
  return Math.max(1, size.rows - head - 2 - (hasFoot ? 1 : 0));
}

/** Draws the screen as lines. There are as many as the terminal has rows, and each fits its width. */
export function drawScreen(scene: Scene, size: Size, paint: Paint): readonly string[] {
  const { controls, view, rows } = scene;
  const room = size.columns;
  const { figures, hasFoot } = marginsOf(size);
  const page = pageOf(scene, size);
  const lines = [...drawHead(scene, room, figures, paint), drawTabs(scene, room, paint)];
  if (controls.isHelp) lines.push(...HELP.map((line) => truncateText(line, room)));
  else {
    const placed = placeColumns(view.columns, rows.slice(controls.first, controls.first + page), room);
    lines.push(drawTitles(placed, scene, room, paint));
    const empty = emptiness(scene);
    if (empty !== undefined) lines.push(truncateText(empty, room));
    for (let at = controls.first; at < Math.min(rows.length, controls.first + page); at += 1) {
      const row = rows[at];
      if (row !== undefined) lines.push(drawRow(placed, row, at === controls.selected, room, paint));
    }
  }
  const body = lines.slice(0, size.rows - (hasFoot ? 1 : 0));
  while (body.length < size.rows - (hasFoot ? 1 : 0)) body.push("");
  return hasFoot ? [...body, drawFoot(scene, room, paint)] : body;
}

/** Draws the figures and all rows as text, for `--once`. Lines are shortened to `room` columns. */
export function drawText(scene: Scene, room: number): string {
  const { view, rows, controls, data, link } = scene;
  const placed = placeColumns(
    view.columns.map((column) => ({ ...column, max: Number.POSITIVE_INFINITY })),
    rows,
    room,
  );
  const titles = placed.map(({ column, width }) => fitText(column.title, width, column.isRight)).join("  ");
  const empty = emptiness(scene);
  return [
    truncateText(`koor ${link.server}`, room),
    ...wrapPieces(figuresOf(data), room, Number.POSITIVE_INFINITY),
    "",
    controls.view.toUpperCase(),
    titles.trimEnd(),
    ...(empty === undefined ? [] : [truncateText(empty, room)]),
    ...rows.map((row) => drawRow(placed, row, false, room, plain)),
    "",
  ].join("\n");
}
