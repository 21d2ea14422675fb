/**
 * Times as a field of the page has them, in the viewer's zone, and as the API and addresses have them, in UTC. Pure.
 */

const FIELD = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?$/;

/** RFC 3339 of what stands in a field; "" where that is no whole time. */
export function fromField(text: string): string {
  if (!FIELD.test(text)) return "";
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? "" : new Date(ms).toISOString();
}

/** What a field shows of a time of RFC 3339; "" where it is none. */
export function toField(time: string): string {
  const ms = Date.parse(time);
  if (Number.isNaN(ms)) return "";
  const at = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${String(at.getFullYear()).padStart(4, "0")}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** A time as an address gives it; "" where it is none, so that a broken link shows everything rather than an error. */
export function timeIn(value: string | undefined): string {
  return value === undefined || Number.isNaN(Date.parse(value)) ? "" : value;
}
