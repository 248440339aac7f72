/**
 * The licences of what is compiled into mcpd: they ask to go with every copy, so each archive of a
 * release has them. Which packages that are, the bundler says.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "./compile.ts";

export const NOTICES_FILE = "THIRD-PARTY-NOTICES.txt";
const RULE = `\n\n${"-".repeat(80)}\n\n`;
const LICENSE_FILE = /^(licen[cs]e|notice|copying)/i;

type Manifest = {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly author?: string | { readonly name: string };
};

/** Throws when a package does not say under which licence it is. */
export async function notices(): Promise<string> {
  const packages = (await bundledPackages()).map(noticeOf).toSorted();
  const intro =
    "mcpd contains the software below. Its own licence is in LICENSE; the runtime of the\n" +
    "executable is Bun, with the libraries that are named first.";
  return `${[intro, runtimeNotice(), ...packages].join(RULE)}\n`;
}

/** The folders of the packages of which something is in the executable. */
async function bundledPackages(): Promise<readonly string[]> {
  const { metafile } = await Bun.build({
    entrypoints: [join(ROOT, "src", "main.ts")],
    target: "bun",
    format: "esm",
    splitting: true,
    metafile: true,
    throw: true,
  });
  const folders = Object.keys(metafile?.inputs ?? {}).flatMap((path) => {
    const folder = /^.*\bnode_modules\/(?:@[^/]+\/)?[^/]+/.exec(path.replaceAll("\\", "/"))?.[0];
    return folder === undefined ? [] : [join(ROOT, folder)];
  });
  return [...new Set(folders)];
}

function noticeOf(folder: string): string {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
  const files = readdirSync(folder).filter((name) => LICENSE_FILE.test(name));
  const texts = files.toSorted().map((name) => readFileSync(join(folder, name), "utf8"));
  const { name, version, license } = manifest;
  const all = texts.length === 0 ? [wordsOf(manifest)] : texts;
  return [`${name} ${version} (${license})`, ...all.map(tidied)].join("\n\n");
}

/** Some packages only name the licence: its words are those of ours, for another holder. */
function wordsOf({ name, license, author }: Manifest): string {
  const holder = typeof author === "object" ? author.name : author;
  if (license !== "MIT" || holder === undefined) {
    throw new Error(`Cannot tell the licence of ${name}: the package has no text of it`);
  }
  const own = readFileSync(join(ROOT, "LICENSE"), "utf8");
  return own.replace(/^Copyright .*$/m, `Copyright (c) ${holder}`);
}

/** What Bun says about itself and the libraries in it, as of the version we compile with. */
function runtimeNotice(): string {
  const path = join(ROOT, "node_modules", "bun-types", "docs", "project", "license.mdx");
  const text = readFileSync(path, "utf8").replace(/^---\n[\s\S]*?\n---\n/, "");
  return `Bun ${Bun.version}\n\n${tidied(text)}`;
}

function tidied(text: string): string {
  return text
    .replaceAll("\r\n", "\n")
    .replaceAll(/[ \t]+$/gm, "")
    .trim();
}
