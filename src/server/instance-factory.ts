import type { Clock } from "../lib/clock.ts";
import { VERSION } from "../version.ts";
import { BuiltinInstance, type BuiltinTool } from "./builtin.ts";
import type { InstanceFactory } from "./pool.ts";
import type { RemoteFactory } from "./remote-instance.ts";
import type { StdioFactory } from "./stdio-instance.ts";

/** Makes what runs a unit, by the way its upstream is reached. */
export function instanceFactory(parts: {
  readonly stdio: StdioFactory;
  readonly remote: RemoteFactory;
  readonly tools: () => readonly BuiltinTool[];
  readonly clock: Clock;
  /** What an upstream may answer in one message; the config may change it. */
  readonly answerBytesMax: () => number;
}): InstanceFactory {
  const { stdio, remote, tools, clock, answerBytesMax } = parts;
  return (upstream, events) => {
    switch (upstream.unit.reach.kind) {
      case "stdio":
        return stdio.create(upstream.unit, answerBytesMax, events);
      case "remote":
        return remote.create(upstream.unit, answerBytesMax, events);
      case "builtin":
        return new BuiltinInstance(
          { tools: tools(), version: VERSION, now: () => clock.monotonic() },
          events,
        );
    }
  };
}
