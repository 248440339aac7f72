import type { ServiceManager, ServiceState } from "../platform/service.ts";
import type { Paint } from "./style.ts";

/** What `mcpd daemon status` shows people. */
export function serviceView(
  { name, label }: Pick<ServiceManager, "name" | "label">,
  state: ServiceState,
  paint: Paint,
): string {
  const { registered, enabled, running, pid } = state;
  const process = pid === null ? "" : `, pid ${pid}`;
  const words = running ? paint("green", state.detail) : paint("yellow", state.detail);
  return [
    `service  ${paint("bold", label)} (${name})`,
    `state    ${words}${process}`,
    `login    ${registered && enabled ? "starts when you log in" : "does not start by itself"}`,
    ...state.notes.flatMap(({ text, hint }) => [
      "",
      `${paint("cyan", "note:")} ${text}`,
      `  ${hint}`,
    ]),
  ].join("\n");
}
