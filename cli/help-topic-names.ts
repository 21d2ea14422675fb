/** The names of the topics of `koor help TOPIC`. help-topics.ts has their texts. Runs in the CLI process. */
export const HELP_TOPIC_NAMES = [
  "identity",
  "settings",
  "globs",
  "durations",
  "exit-codes",
  "output",
  "waiting",
  "hooks",
] as const;
export type HelpTopicName = (typeof HELP_TOPIC_NAMES)[number];

export function isHelpTopic(word: string | undefined): word is HelpTopicName {
  return HELP_TOPIC_NAMES.some((name) => name === word);
}
