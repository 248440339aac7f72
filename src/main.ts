#!/usr/bin/env bun
// The program: a command line in, an exit code out. Everything else is loaded when it is needed.

import { run } from "./cli/run.ts";

// All output is written by now, so there is nothing to wait for.
process.exit(await run(process.argv.slice(2)));
