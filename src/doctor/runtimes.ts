import type { Platform } from "../platform/platform.ts";

type Runtime = {
  /** What the commands are part of. */
  readonly title: string;
  readonly commands: readonly string[];
  readonly linux: string;
  readonly darwin: string;
  readonly windows: string;
};

/** What most MCP servers are started with, and how each system installs it. */
const RUNTIMES: readonly Runtime[] = [
  {
    title: "Node.js",
    commands: ["node", "npx", "npm"],
    linux: "sudo apt install nodejs npm",
    darwin: "brew install node",
    windows: "winget install OpenJS.NodeJS.LTS",
  },
  {
    title: "uv",
    commands: ["uv", "uvx"],
    linux: "pipx install uv",
    darwin: "brew install uv",
    windows: "winget install astral-sh.uv",
  },
  {
    title: "Docker",
    commands: ["docker"],
    linux: "sudo apt install docker.io",
    darwin: "brew install --cask docker",
    windows: "winget install Docker.DockerDesktop",
  },
  {
    title: "Python",
    commands: ["python", "python3", "pipx"],
    linux: "sudo apt install python3 pipx",
    darwin: "brew install python pipx",
    windows: "winget install Python.Python.3.13",
  },
  {
    title: "Bun",
    commands: ["bun", "bunx"],
    linux: "npm install -g bun",
    darwin: "brew install oven-sh/bun/bun",
    windows: "winget install Oven-sh.Bun",
  },
  {
    title: "Deno",
    commands: ["deno"],
    linux: "npm install -g deno",
    darwin: "brew install deno",
    windows: "winget install DenoLand.Deno",
  },
];

/** How a missing command is got; null for one that is no part of a common runtime. */
export function installOf(
  command: string,
  system: Platform["name"],
): { readonly why: string; readonly command: string } | null {
  const runtime = RUNTIMES.find(({ commands }) => commands.includes(command));
  if (runtime === undefined) return null;
  return { why: `${runtime.title} is not installed`, command: runtime[system] };
}
