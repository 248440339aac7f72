import { userInfo } from "node:os";
import { win32 } from "node:path";

import { sha256 } from "../lib/hash.ts";
import { windowsKeychain } from "./keychain.ts";
import type { Environment, Paths, Platform } from "./platform.ts";
import { type ProcessRow, treeUsage } from "./ps.ts";
import { runTool } from "./run.ts";
import { powershell, systemDir } from "./windows-tools.ts";

/** The trees of MISSION A3 on Windows: programs apart, everything else in one runtime directory. */
export function windowsPaths(environment: Environment, home: string, userName: string): Paths {
  const local = environment["LOCALAPPDATA"];
  const root =
    local !== undefined && win32.isAbsolute(local) ? local : win32.join(home, "AppData", "Local");
  const stateDir = win32.join(root, "mcpd");
  const configDir = win32.join(stateDir, "config");
  const dataDir = win32.join(stateDir, "data");
  const programsDir = win32.join(root, "Programs", "mcpd");
  const owner = sha256(`${userName}\n${stateDir}`.toLowerCase()).slice(0, 16);
  return {
    programsDir,
    program: win32.join(programsDir, "bin", "mcpd.exe"),
    configDir,
    configFile: win32.join(configDir, "mcpd.config.json"),
    stateDir,
    logsDir: win32.join(stateDir, "logs"),
    dataDir,
    keptDir: dataDir,
    cacheDir: win32.join(stateDir, "cache"),
    apiKeyFile: win32.join(configDir, "api-key"),
    controlAddress: `\\\\.\\pipe\\mcpd-${owner}`,
    bootstrapAddress: `\\\\.\\pipe\\mcpd-bootstrap-${owner}`,
    templatesDir: win32.join(stateDir, "templates"),
    announcementFile: win32.join(root, "Claude", "mcp-daemons", "mcpd.json"),
    runtimeFile: win32.join(dataDir, "runtime.json"),
    trialFile: win32.join(dataDir, "trial.json"),
    ledgerFile: win32.join(dataDir, "ledger.json"),
  };
}

export function windowsPlatform(environment: Environment): Platform {
  const info = userInfo();
  const home = environment["USERPROFILE"] ?? info.homedir;
  const userName = environment["USERNAME"] ?? info.username;
  const system = systemDir(environment);
  return {
    name: "windows",
    user: {
      name: userName,
      home,
      /** Asked only when somebody wants to know. */
      get elevated() {
        return succeeds(win32.join(system, "fltmc.exe"));
      },
    },
    paths: windowsPaths(environment, home, userName),
    signalTree: async (pid) => {
      // There is no way to ask a console program of another group: both signals end the tree.
      await runTool([win32.join(system, "taskkill.exe"), "/PID", String(pid), "/T", "/F"]);
    },
    keychain: windowsKeychain,
    treeAlive: (pid) => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    },
    processIdentity: async (pid) => {
      const script = `(Get-Process -Id ${pid} -ErrorAction Stop).StartTime.ToFileTimeUtc()`;
      const started = (await runTool(powershell(script, system)))?.trim() ?? "";
      return started === "" ? null : started;
    },
    groupCarries: () => Promise.resolve(false),
    usage: async (pid) => {
      const output = await runTool(powershell(PROCESS_TABLE, system));
      return output === null ? null : treeUsage(parseProcessTable(output), pid);
    },
    loginPath: () => Promise.resolve(null),
    which: (command, path) => Bun.which(command, { PATH: path }),
  };
}

/** fltmc works for elevated administrators alone; where a policy forbids it, nobody is one. */
function succeeds(program: string): boolean {
  try {
    const options = { stdout: "ignore", stderr: "ignore", windowsHide: true } as const;
    return Bun.spawnSync([program], options).success;
  } catch {
    return false;
  }
}

/** Numbers only, so that no language of Windows changes it; times count 100 ns. */
const PROCESS_TABLE =
  "Get-CimInstance Win32_Process | ForEach-Object { '{0} {1} {2} {3}' -f $_.ProcessId, " +
  "$_.ParentProcessId, $_.WorkingSetSize, ($_.KernelModeTime + $_.UserModeTime) }";

/** Reads lines of "pid parent bytes time". */
export function parseProcessTable(output: string): readonly ProcessRow[] {
  const rows: ProcessRow[] = [];
  for (const line of output.split(/\r?\n/)) {
    const [pid, parent, bytes, time] = line.trim().split(" ");
    if (time === undefined) continue;
    rows.push({
      pid: Number(pid),
      parent: Number(parent),
      group: 0,
      residentBytes: Number(bytes),
      cpuMs: Math.round(Number(time) / 10_000),
    });
  }
  return rows;
}
