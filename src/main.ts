#!/usr/bin/env bun
// The program: a command line in, an exit code out. Everything else is loaded when it is needed.

import { run } from "./cli/run.ts";

// No top-level await: Bun 1.4.5 does not use the bytecode of an entry that has one, which costs
// every command 2 ms. All output is written when the code is known: there is nothing to wait for.
void run(process.argv.slice(2)).then((code) => process.exit(code));
