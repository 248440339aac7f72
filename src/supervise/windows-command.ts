import { win32 } from "node:path";

/** Characters an argument of a batch file may hold without quotes. */
const PLAIN = /^[A-Za-z0-9#$*+\-./:?@\\_]+$/;

/** True for what Windows can only run through cmd.exe, such as npx.cmd. */
export function isBatchFile(path: string): boolean {
  return /\.(cmd|bat)$/i.test(path);
}

/**
 * The one way to run a batch file with arguments that cmd.exe cannot take apart (the class of
 * CVE-2024-27980): every argument that is not plain is quoted, a quote is doubled, and `%` is kept
 * from meaning a variable by the always empty `%cd:~,%`. Quoting is that of Rust's standard
 * library. The result is for a verbatim command line; null when an argument cannot be passed.
 */
export function batchCommand(
  script: string,
  args: readonly string[],
  systemRoot: string,
): readonly string[] | null {
  return throughShell("", script, args, systemRoot);
}

/**
 * Runs a program that goes on when we end: Windows ends our children with us, detached or not, but
 * not what these start. For a verbatim command line as well; it shares the shell's hidden console.
 */
export function outlivingCommand(
  program: string,
  args: readonly string[],
  systemRoot: string,
): readonly string[] | null {
  // The first quotes are the title of a window.
  return throughShell('start "" /b ', program, args, systemRoot);
}

function throughShell(
  prefix: string,
  program: string,
  args: readonly string[],
  systemRoot: string,
): readonly string[] | null {
  if ([program, ...args].some((text) => /[\0\r\n]/.test(text)) || program.includes('"'))
    return null;
  const line = [`"${literal(program)}"`, ...args.map(quoteForBatch)].join(" ");
  const shell = win32.join(systemRoot, "System32", "cmd.exe");
  // Extensions on for %cd:~,%, delayed expansion off for "!", no AutoRun, outer quotes taken off.
  return [shell, "/e:ON", "/v:OFF", "/d", "/s", "/c", `"${prefix}${line}"`];
}

/** Backslashes before a quote are doubled for the program that splits the line in the end. */
function quoteForBatch(argument: string): string {
  if (PLAIN.test(argument) && !argument.endsWith("\\")) return argument;
  const escaped = argument.replaceAll(/(\\*)"/g, '$1$1""').replace(/(\\+)$/, "$1$1");
  return `"${literal(escaped)}"`;
}

/** A text that names no variable. */
function literal(text: string): string {
  return text.replaceAll("%", "%%cd:~,%");
}
