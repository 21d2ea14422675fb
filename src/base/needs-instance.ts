/** The refusal of a call that acts as no instance, where only one can do what it asks for. Any thread. */
import { invalid } from "./result.js";

export const NEEDS_INSTANCE = invalid("this needs an instance: send X-Koor-Instance or its token");
