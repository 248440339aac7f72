import type { Client } from "./client.ts";
import { amp } from "./known/amp.ts";
import { claudeCode } from "./known/claude-code.ts";
import { claudeDesktop } from "./known/claude-desktop.ts";
import { cline } from "./known/cline.ts";
import { codex } from "./known/codex.ts";
import { continueDev } from "./known/continue.ts";
import { cursor } from "./known/cursor.ts";
import { geminiCli } from "./known/gemini-cli.ts";
import { goose } from "./known/goose.ts";
import { junie } from "./known/junie.ts";
import { lmStudio } from "./known/lm-studio.ts";
import { opencode } from "./known/opencode.ts";
import { vscode } from "./known/vscode.ts";
import { warp } from "./known/warp.ts";
import { windsurf } from "./known/windsurf.ts";
import { zed } from "./known/zed.ts";

/** Every client we can connect. */
export const CLIENTS: readonly Client[] = [
  claudeCode,
  claudeDesktop,
  cursor,
  vscode,
  windsurf,
  zed,
  codex,
  geminiCli,
  opencode,
  cline,
  continueDev,
  junie,
  goose,
  lmStudio,
  warp,
  amp,
];
