/** The page's icons, drawn on a grid of 24 units. They are decorative: the text beside an icon has the same meaning. */
const PATHS = {
  bell: "M6 16V11a6 6 0 0 1 12 0v5l2 2H4zM10 21h4",
  gauge: "M4 18a8 8 0 1 1 16 0M12 18l4-6",
  agents: "M9 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM3 20a6 6 0 0 1 12 0M16 5a3 3 0 0 1 0 6M18 14a6 6 0 0 1 3 6",
  key: "M8 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 12h9v4M17 12v3",
  radar: "M12 4a8 8 0 1 0 8 8M12 8a4 4 0 1 0 4 4M12 12l6-6",
  mail: "M3 6h18v12H3zM3 7l9 7 9-7",
  board: "M4 4h16v16H4zM9.3 4v16M14.7 4v16",
  tree: "M5 4v14h6M5 10h6M14 8h6v4h-6zM14 16h6v4h-6z",
  document: "M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6",
  pulse: "M3 12h4l3-8 4 16 3-8h4",
  shield: "M12 3l8 3v6c0 5-4 8-8 9-4-1-8-4-8-9V6zM9 12l2 2 4-4",
  handshake: "M4 8h4l4 3 4-3h4v8h-3l-5 4-5-4H4zM12 11v4",
  hook: "M12 3a2 2 0 1 0 0 4 2 2 0 0 0 0-4ZM12 7v9a4 4 0 0 1-8 0v-2M4 14l3 2",
  book: "M5 4h11a3 3 0 0 1 3 3v13H8a3 3 0 0 1-3-3zM5 17a3 3 0 0 1 3-3h11M9 8h6",
  coins:
    "M9 5c3.3 0 6 1.1 6 2.5S12.3 10 9 10 3 8.9 3 7.5 5.7 5 9 5ZM3 7.5v4C3 12.9 5.7 14 9 14M15 11c3.3 0 6 1.1 6 2.5S18.3 16 15 16s-6-1.1-6-2.5S11.7 11 15 11ZM9 13.5v4c0 1.4 2.7 2.5 6 2.5s6-1.1 6-2.5v-4",
  question: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM9.5 9.5a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.9-1.1 1.8M12 16.5v.1",
  history: "M4 12a8 8 0 1 0 3-6.2L4 8M4 4v4h4M12 8v4l3 2",
  chip: "M7 7h10v10H7zM10 3v4M14 3v4M10 17v4M14 17v4M3 10h4M3 14h4M17 10h4M17 14h4",
  menu: "M4 6h16M4 12h16M4 18h16",
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM15.5 15.5 20 20",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6 7 7M17 17l1.4 1.4M18.4 5.6 17 7M7 17l-1.4 1.4",
  moon: "M20 14A8 8 0 1 1 10 4a7 7 0 0 0 10 10Z",
  half: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16ZM12 4v16M12 8h6M12 12h8M12 16h6",
  chevron: "M9 6l6 6-6 6",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
