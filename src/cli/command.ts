// cli: what people and scripts type. This file is the shape of one command.

import { type ArgDef, type CommandMeta, defineCommand } from "citty";

import type { Output } from "./output.ts";

/**
 * One argument as citty defines it; `multiple` collects every value (flags) or all the rest, what
 * is `hidden` is for our own programs.
 */
export type Argument = ArgDef & { readonly multiple?: boolean; readonly hidden?: boolean };

export type Arguments = { readonly [name: string]: Argument };

/** The value of an argument after parsing: undefined unless it is required or has a default. */
export type ValueOf<A extends Argument> = A extends { readonly multiple: true }
  ? readonly string[]
  : A extends { readonly type: "boolean" }
    ? boolean
    : A extends { readonly required: true } | { readonly default: string }
      ? string
      : string | undefined;

export type ValuesOf<A extends Arguments> = { readonly [K in keyof A]: ValueOf<A[K]> };

/** What the parser makes of a command line: the values of ValuesOf, not yet told apart. */
export type Values = { readonly [name: string]: string | boolean | readonly string[] | undefined };

/** The flags that every command has. */
export type GlobalOptions = {
  readonly json: boolean;
  readonly config: string | undefined;
  readonly quiet: boolean;
  readonly color: boolean;
};

export type CommandContext<Args> = {
  readonly args: Args;
  readonly options: GlobalOptions;
  readonly output: Output;
};

/** A line to copy, and what it does. */
export type Example = { readonly line: string; readonly text: string };

type Definition<A extends Arguments, Args> = {
  readonly meta: CommandMeta & { readonly name: string; readonly description: string };
  readonly args: A;
  readonly examples: readonly Example[];
  /** Returns the exit code. Operating errors are thrown as FaultError: their fault has the code. */
  execute(context: CommandContext<Args>): number | Promise<number>;
};

/** A command as the runner sees it. */
export type Command = Definition<Arguments, Values>;

/**
 * Defines a command: citty's definition (so that its tools can read it), with arguments typed by
 * their definition and our own way to run it, because citty's runner accepts unknown flags.
 */
export function command<const A extends Arguments>(
  definition: Definition<A, ValuesOf<A>>,
): Command {
  const { meta, args, examples, execute } = definition;
  return Object.assign(defineCommand({ meta, args }), { meta, args, examples, execute });
}
