/**
 * JSON text on one line, as newline-delimited JSON and event streams need it. In valid JSON a raw
 * line break can only be white space between tokens, so replacing it changes nothing.
 */
export function oneLine(json: string): string {
  if (!json.includes("\n") && !json.includes("\r")) return json;
  return json.replace(/[\r\n]+/g, " ");
}
