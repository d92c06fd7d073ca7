/** Times as the Image API writes them. */

/** `YYYY-MM-DDTHH:MM:SSZ`. */
export function seconds(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}
