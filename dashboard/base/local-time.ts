/**
 * Converts times between input fields and the API. Input fields use the user's time zone. The API and the page's
 * addresses use UTC. Pure.
 */

const FIELD = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?$/;

/** Converts the text of an input field to RFC 3339; "" if it is not a complete time. */
export function fromField(text: string): string {
  if (!FIELD.test(text)) return "";
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? "" : new Date(ms).toISOString();
}

/** Converts an RFC 3339 time to the text of an input field; "" if it is malformed. */
export function toField(time: string): string {
  const ms = Date.parse(time);
  if (Number.isNaN(ms)) return "";
  const at = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${String(at.getFullYear()).padStart(4, "0")}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/**
 * Reads a time from the page's address. Returns "" if it is malformed, so that a broken link shows everything instead
 * of an error.
 */
export function timeIn(value: string | undefined): string {
  return value === undefined || Number.isNaN(Date.parse(value)) ? "" : value;
}
