/**
 * The coding clients of `bun run interop`: each is connected in its own way, and then, headless and
 * with a model that is ours, calls a tool.
 */
import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { type Environment, lastLine, Talk } from "./kit.ts";
import { DONE, FakeModel } from "./model.ts";
import {
  ABOUT,
  expectIn,
  expectText,
  type Guest,
  headerOf,
  headersOf,
  run,
  type Visit,
} from "./visit.ts";

export type Coder = {
  /** Its name in PATH. */
  readonly program: string;
  /** What mcpd calls it. */
  readonly id: string;
  readonly env: (modelUrl: string) => Environment;
  /** One turn without a terminal, in which tools of mcpd need no permission. */
  readonly words: (modelUrl: string) => readonly string[];
  /** Files it needs before it takes our model. */
  readonly prepare?: (home: string) => void;
  /** Puts a server into its config, for all directories. */
  readonly add: (visit: Visit, name: string) => Promise<void>;
  /** Its own report on its servers. */
  readonly expectConnected: (guest: Guest) => Promise<void>;
};

const PROMPT = "Call echo";

/** Connected, and called. */
export async function visitOf(coder: Coder, visit: Visit): Promise<string> {
  coder.prepare?.(visit.home);
  await coder.add(visit, "mcpd");
  const key: Environment = visit.way.key === null ? {} : { MCPD_KEY: visit.way.key };
  const guest = { ...visit, env: { ...visit.env, ...key } };
  await coder.expectConnected(guest);
  await expectCall(coder, guest, []);
  return "connected, a call for a model";
}

/**
 * Runs it, after these words, and makes sure that the answer of the tool reached the model. Returns
 * what was printed on standard output.
 */
export async function expectCall(
  coder: Coder,
  guest: Guest,
  before: readonly string[],
): Promise<string> {
  const message = randomUUID();
  using model = new FakeModel("echo", { message });
  const command = [...before, guest.installed.bin(coder.program), ...coder.words(model.url)];
  const done = await run(guest, command, coder.env(model.url));
  const heard = model.heard.join("\n");
  if (!heard.includes(`Echo: ${message}`)) {
    const said = heard === "" ? done.output : heard;
    throw new Error(`${model.called[0] ?? "nothing was called"}: ${lastLine(said)}`);
  }
  if (!model.called.every((name) => name.includes("mcpd"))) throw new Error(model.called.join());
  expectIn(done, DONE);
  return done.stdout;
}

export const CLAUDE: Coder = {
  program: "claude",
  id: "claude-code",
  env: (modelUrl) => ({ ...QUIET_CLAUDE, ANTHROPIC_BASE_URL: modelUrl, ANTHROPIC_API_KEY: "fake" }),
  words: () => ["-p", PROMPT, "--allowedTools", "mcp__mcpd"],
  async add(visit, name) {
    const { way, installed } = visit;
    const there = ["--transport", way.wire, name, way.url, ...headerOf(way)];
    const at = way.wire === "bridge" ? [name, "--", ...way.command] : there;
    const command = [installed.bin("claude"), "mcp", "add", "--scope", "user", ...at];
    expectIn(await run(visit, command, QUIET_CLAUDE), name);
  },
  async expectConnected(guest) {
    const command = [guest.installed.bin("claude"), "mcp", "list"];
    expectIn(await run(guest, command, QUIET_CLAUDE), "Connected");
  },
};
const QUIET_CLAUDE = {
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
  // Else the model has to look for a tool before it sees it.
  ENABLE_TOOL_SEARCH: "false",
};

export const CODEX: Coder = {
  program: "codex",
  id: "codex",
  env: () => ({ FAKE_KEY: "fake" }),
  words: (modelUrl) => {
    const options = `name="fake",base_url="${modelUrl}/v1",wire_api="responses",env_key="FAKE_KEY"`;
    const provider = ["-c", `model_providers.fake={${options}}`, "-c", 'model_provider="fake"'];
    // Of a model that it does not know it takes no ways of its own to call tools.
    return ["exec", "-m", "fake", "--skip-git-repo-check", ...provider, PROMPT];
  },
  async add(visit, name) {
    const { way, installed } = visit;
    const bearer = way.key === null ? [] : ["--bearer-token-env-var", "MCPD_KEY"];
    const at = way.wire === "bridge" ? ["--", ...way.command] : ["--url", way.url, ...bearer];
    expectIn(await run(visit, [installed.bin("codex"), "mcp", "add", name, ...at]), name);
  },
  async expectConnected({ installed, home, env }) {
    using talk = new Talk([installed.bin("codex"), "app-server"], { cwd: home, env });
    await talk.request("initialize", { clientInfo: ABOUT });
    talk.notify("initialized");
    expectText(await talk.request("mcpServerStatus/list"), 'echo"');
  },
};

export const GEMINI: Coder = {
  program: "gemini",
  id: "gemini-cli",
  env: (modelUrl) => ({
    ...TRUSTING_GEMINI,
    GOOGLE_GEMINI_BASE_URL: modelUrl,
    GEMINI_API_KEY: "fake",
  }),
  // The default model is chosen by another one first.
  words: () => ["-m", "gemini-2.5-flash", "--approval-mode", "yolo", "-p", PROMPT],
  prepare: (home) =>
    write(join(home, ".gemini", "settings.json"), {
      security: { auth: { selectedType: "gemini-api-key" } },
    }),
  async add(visit, name) {
    const { way, installed } = visit;
    const there = ["--transport", way.wire, name, way.url, ...headerOf(way)];
    const at = way.wire === "bridge" ? [name, ...way.command] : there;
    // Its working directory is its home, where a project has no settings of its own.
    const command = [installed.bin("gemini"), "mcp", "add", "--scope", "user", ...at];
    expectIn(await run(visit, command, TRUSTING_GEMINI), name);
  },
  async expectConnected(guest) {
    const command = [guest.installed.bin("gemini"), "mcp", "list"];
    expectIn(await run(guest, command, TRUSTING_GEMINI), "Connected");
  },
};
const TRUSTING_GEMINI = { GEMINI_CLI_TRUST_WORKSPACE: "true" };

export const OPENCODE: Coder = {
  program: "opencode",
  id: "opencode",
  env: (modelUrl) => ({
    ...QUIET_OPENCODE,
    OPENCODE_CONFIG_CONTENT: JSON.stringify({
      model: "fake/fake",
      provider: {
        fake: {
          npm: "@ai-sdk/openai-compatible",
          options: { baseURL: `${modelUrl}/v1`, apiKey: "fake" },
          models: { fake: {} },
        },
      },
    }),
  }),
  words: () => ["run", PROMPT],
  async add({ way, home }, name) {
    const there = { type: "remote", url: way.url, headers: headersOf(way), oauth: false };
    const entry = way.wire === "bridge" ? { type: "local", command: way.command } : there;
    write(join(home, ".config", "opencode", "opencode.json"), { mcp: { [name]: entry } });
  },
  async expectConnected(guest) {
    const command = [guest.installed.bin("opencode"), "mcp", "list"];
    expectIn(await run(guest, command, QUIET_OPENCODE), "connected");
  },
};
const QUIET_OPENCODE = { OPENCODE_DISABLE_AUTOUPDATE: "1", OPENCODE_DISABLE_MODELS_FETCH: "1" };

function write(file: string, content: object): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(content));
}
