import { readElf } from "./elf.ts";
import { describeSignature, isSound, readSignature } from "./macho.ts";
import { readPe } from "./pe.ts";
import type { Target } from "./targets.ts";

/** What can be found out about an executable without starting it. */
export type Inspection = {
  /** "unsigned" runs only once it is signed again. */
  readonly verdict: "good" | "unsigned" | "failed";
  /** For people. */
  readonly text: string;
};

/** The oldest glibc that scripts/install.sh permits. */
const GLIBC_MAX = "2.17";
/** Debian 8, CentOS 7 and everything after them have these. */
const GLIBC_LIBRARIES =
  /^(libc\.so\.6|libm\.so\.6|libdl\.so\.2|libpthread\.so\.0|ld-linux-(x86-64\.so\.2|aarch64\.so\.1))$/;
/** install.sh tells users of Alpine how to get the first. */
const MUSL_LIBRARIES = /^(libstdc\+\+\.so\.6|libc\.musl-(x86_64|aarch64)\.so\.1)$/;

/** Whether `file` is what `target` says, and asks no more of a system than we promise. */
export function inspect(target: Target, file: Uint8Array): Inspection {
  if (target.os === "linux") return inspectLinux(target, file);
  if (target.os === "win32") return inspectWindows(target, file);
  const signature = readSignature(file);
  const verdict = isSound(signature) ? "good" : "unsigned";
  return { verdict, text: describeSignature(signature) };
}

function inspectLinux(target: Target, file: Uint8Array): Inspection {
  const needs = readElf(file);
  if (needs === null) return failed("is no ELF file");
  if (needs.arch !== target.arch) return failed(`is for ${needs.arch}`);
  const loader = target.musl ? "/ld-musl-" : "/ld-linux-";
  if (!needs.interpreter?.includes(loader)) return failed(`is loaded by ${needs.interpreter}`);
  const known = target.musl ? MUSL_LIBRARIES : GLIBC_LIBRARIES;
  const strange = needs.libraries.filter((library) => !known.test(library));
  if (strange.length > 0) return failed(`needs ${strange.join(", ")}`);
  const glibc = newest(needs.versions);
  if (glibc !== null && Bun.semver.order(`${glibc}.0`, `${GLIBC_MAX}.0`) > 0) {
    return failed(`needs glibc ${glibc}: we promise ${GLIBC_MAX}`);
  }
  const least = glibc === null ? needs.libraries.join(", ") : `glibc ${glibc}`;
  return { verdict: "good", text: `needs ${least}` };
}

/** "2.17" of GLIBC_2.2.5 and GLIBC_2.17; null when there is none. */
function newest(versions: readonly string[]): string | null {
  const numbers = versions.map((version) => /^GLIBC_(\d+\.\d+)/.exec(version)?.[1] ?? null);
  return numbers
    .filter((number) => number !== null)
    .reduce<string | null>(
      (most, number) =>
        most === null || Bun.semver.order(`${number}.0`, `${most}.0`) > 0 ? number : most,
      null,
    );
}

/** What is shipped is for terminals; `mcpd install` makes the one without a window of it. */
function inspectWindows(target: Target, file: Uint8Array): Inspection {
  const header = readPe(file);
  if (header === null) return failed("is no PE file");
  if (header.arch !== target.arch) return failed(`is for ${header.arch}`);
  if (header.subsystem !== "console") return failed(`has the subsystem ${header.subsystem}`);
  return { verdict: "good", text: "a console program" };
}

function failed(text: string): Inspection {
  return { verdict: "failed", text };
}
