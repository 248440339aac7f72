#!/usr/bin/env bun
// The program: a command line in, an exit code out. Everything else is loaded when it is needed.

import { run } from "./cli/run.ts";

process.exitCode = await run(process.argv.slice(2));
