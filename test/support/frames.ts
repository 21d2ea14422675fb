/** Converts messages between threads to frames and back, for tests that act as one of the threads. */
import { addFrame, takeFrames, type Frame } from "../../src/platform/rpc/frames.js";

export function messageOf(...frames: readonly Frame[]): unknown[] {
  const message: unknown[] = [];
  for (const frame of frames) addFrame(message, frame);
  return message;
}

export function framesOf(message: unknown): Frame[] {
  const frames: Frame[] = [];
  takeFrames(message as readonly unknown[], (frame) => frames.push(frame));
  return frames;
}
