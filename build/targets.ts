/** One platform mcpd is built for. */
export type Target = {
  /** Folder under dist/ and part of the release's file name. */
  readonly name: string;
  /** What Bun calls it. */
  readonly bun: Bun.Build.CompileTarget;
  readonly os: "linux" | "darwin" | "win32";
  readonly arch: "x64" | "arm64";
  readonly musl: boolean;
  readonly file: "mcpd" | "mcpd.exe";
};

/** The eight targets of a release. */
export const TARGETS: readonly Target[] = [
  target("linux-x64", "bun-linux-x64", "linux", "x64"),
  target("linux-arm64", "bun-linux-arm64", "linux", "arm64"),
  target("linux-x64-musl", "bun-linux-x64-musl", "linux", "x64"),
  target("linux-arm64-musl", "bun-linux-arm64-musl", "linux", "arm64"),
  target("darwin-arm64", "bun-darwin-arm64", "darwin", "arm64"),
  target("darwin-x64", "bun-darwin-x64", "darwin", "x64"),
  target("windows-x64", "bun-windows-x64", "win32", "x64"),
  target("windows-arm64", "bun-windows-arm64", "win32", "arm64"),
];

function target(
  name: string,
  bun: Bun.Build.CompileTarget,
  os: Target["os"],
  arch: Target["arch"],
): Target {
  const file = os === "win32" ? "mcpd.exe" : "mcpd";
  return { name, bun, os, arch, musl: name.endsWith("-musl"), file };
}
