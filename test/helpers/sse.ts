export type ServerEvent = {
  /** "message" unless the stream names another. */
  readonly event: string;
  readonly data: string;
  readonly id: string | null;
};

/** The events of a text/event-stream body as the WHATWG says; comments are dropped. */
export async function* readEvents(response: Response): AsyncGenerator<ServerEvent, void> {
  if (response.body === null) return;
  let rest = "";
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    rest += chunk.replaceAll("\r\n", "\n");
    for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
      const found = parseEvent(rest.slice(0, end));
      rest = rest.slice(end + 2);
      if (found !== null) yield found;
    }
  }
}

function parseEvent(block: string): ServerEvent | null {
  const fields = block.split("\n").map((line): readonly [string, string] => {
    const colon = line.indexOf(":");
    if (colon < 0) return [line, ""];
    return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")];
  });
  const all = (name: string): readonly string[] =>
    fields.filter(([field]) => field === name).map(([, value]) => value);
  const data = all("data");
  if (data.length === 0) return null;
  return {
    event: all("event").at(-1) ?? "message",
    data: data.join("\n"),
    id: all("id").at(-1) ?? null,
  };
}
