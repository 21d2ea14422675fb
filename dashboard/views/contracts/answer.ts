/** The state of a panel with a button that sends a request. It holds the last answer or the last error. */
import { useSignal, type ReadonlySignal } from "@preact/signals";
import { reasonOf } from "../../api/client.js";

export interface Asking<Answer> {
  /** The last answer; null before the first request and after a failed one. */
  readonly answer: ReadonlySignal<Answer | null>;
  /** The error of the last request; "" if it succeeded. */
  readonly failure: ReadonlySignal<string>;
  /** Sends a request and stores its answer or error. */
  readonly ask: (question: () => Promise<Answer>) => Promise<void>;
  /** Discards the answer, because it no longer belongs to the current input. */
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
