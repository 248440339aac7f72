/** The tools that the suite's tasks scenarios call. */
import { type Params, textResult } from "../../fixtures/servers/rpc.ts";

/** How a task goes: it waits, asks, and ends. */
export type TaskPlan = {
  readonly kind: "task";
  readonly seconds: number;
  readonly questions: { readonly [key: string]: object };
  readonly end: { readonly result: object } | { readonly error: object };
};

type Plan = TaskPlan | { readonly kind: "result"; readonly result: object };

type TaskTool = {
  readonly tool: {
    readonly name: string;
    readonly description: string;
    readonly inputSchema: object;
  };
  /** A client without tasks is refused; else it gets an answer without one. */
  readonly needsTasks: boolean;
  /** `answers` are those of an earlier round of the same call. */
  readonly run: (args: Params, answers: Params) => Plan;
};

function named(name: string, run: TaskTool["run"], needsTasks = false): TaskTool {
  const tool = { name, description: `The suite's ${name}`, inputSchema: { type: "object" } };
  return { tool, needsTasks, run };
}

function task(changes: Partial<Omit<TaskPlan, "kind">>): TaskPlan {
  return {
    kind: "task",
    seconds: 0,
    questions: {},
    end: { result: textResult("Done.") },
    ...changes,
  };
}

function question(message: string, properties: object): object {
  const requestedSchema = { type: "object", properties };
  return { method: "elicitation/create", params: { mode: "form", message, requestedSchema } };
}

const YES = { confirm: { type: "boolean" } };
const NAME = { name: { type: "string" } };

export const TOOLS: readonly TaskTool[] = [
  named("greet", ({ name }) => ({ kind: "result", result: textResult(`Hello, ${String(name)}!`) })),
  named("slow_compute", ({ seconds }) => task({ seconds: Number(seconds ?? 0) })),
  named(
    "failing_job",
    () => task({ end: { result: { ...textResult("It failed."), isError: true } } }),
    true,
  ),
  named("protocol_error_job", () =>
    task({ end: { error: { code: -32603, message: "The job broke" } } }),
  ),
  named("confirm_delete", ({ filename }) =>
    task({ questions: { confirm: question(`Delete ${String(filename)}?`, YES) } }),
  ),
  named("multi_input", () =>
    task({ questions: { first: question("First?", NAME), second: question("Second?", NAME) } }),
  ),
  named("test_tool_with_task", (_args, answers) => greetLater(answers["user_name"]), true),
];

/** Asks in the call itself, and becomes a task when it knows. */
function greetLater(answer: unknown): Plan {
  if (answer === undefined) {
    const inputRequests = { user_name: question("What is your name?", NAME) };
    return { kind: "result", result: { resultType: "input_required", inputRequests } };
  }
  const { content } = answer as { readonly content?: { readonly name?: string } };
  return task({ end: { result: textResult(`Hello, ${content?.name ?? "nobody"}!`) } });
}
