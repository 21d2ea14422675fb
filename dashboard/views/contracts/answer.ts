/** What the server said of what it was asked last, or why it said nothing: for panels that ask at a button. */
import { useSignal, type ReadonlySignal } from "@preact/signals";
import { reasonOf } from "../../api/client.js";

export interface Asking<Answer> {
  /** Null before the first question, and after one that failed. */
  readonly answer: ReadonlySignal<Answer | null>;
  /** Why the last question failed; "" where it did not. */
  readonly failure: ReadonlySignal<string>;
  /** Asks, and takes what comes. */
  readonly ask: (question: () => Promise<Answer>) => Promise<void>;
  /** What was answered is of what was asked, and of nothing else. */
  readonly forget: () => void;
}

export function useAnswer<Answer>(): Asking<Answer> {
  const answer = useSignal<Answer | null>(null);
  const failure = useSignal("");
  return {
    answer,
    failure,
    ask: async (question) => {
      try {
        answer.value = await question();
        failure.value = "";
      } catch (error) {
        answer.value = null;
        failure.value = reasonOf(error);
      }
    },
    forget: () => {
      answer.value = null;
      failure.value = "";
    },
  };
}
