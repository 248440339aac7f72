/** A release on a server of this machine, and shells that run its install script. */
import { createHash } from "node:crypto";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { installScripts } from "../../build/install-script.ts";
import { TARGETS } from "../../build/targets.ts";
import { TemporaryDirectory } from "./temporary.ts";

export const VERSION = "1.2.3";

/** In place of mcpd: says its version, notes what it was run with, and installs itself if told. */
const STAND_IN = `#!/bin/sh
if [ "$1" = --version ]; then
  if [ -n "\${STAND_IN_BROKEN:-}" ]; then echo "$STAND_IN_BROKEN" >&2; exit 127; fi
  echo "mcpd ${VERSION}"
  exit 0
fi
for word in "$@"; do printf '%s\\n' "$word"; done >"$HOME/words"
cat >"$HOME/input"
if [ -n "\${STAND_IN_ROOT:-}" ]; then
  mkdir -p "$STAND_IN_ROOT/bin"
  cp "$0" "$STAND_IN_ROOT/bin/mcpd"
  echo ${VERSION} >"$STAND_IN_ROOT/VERSION"
fi
exit "\${STAND_IN_EXIT:-0}"
`;

/** What install.sh may call; what a machine lacks of them it has to do without. */
const TOOLS = [
  ..."cat chmod cp curl getconf grep gzip id ldd mkdir mktemp rm sh".split(" "),
  ..."sha256sum shasum sw_vers sysctl tar uname wget".split(" "),
];

export type Shell = { readonly name: string; readonly words: readonly string[] };

/** The shells of this machine that install.sh is made for. */
export function shells(): readonly Shell[] {
  const known: readonly Shell[] = [
    { name: "dash", words: ["dash"] },
    { name: "bash", words: ["bash", "--posix"] },
    { name: "busybox", words: ["busybox", "sh"] },
    { name: "zsh", words: ["zsh"] },
  ];
  return known.flatMap(({ name, words }) => {
    const path = Bun.which(words[0] ?? "");
    return path === null ? [] : [{ name, words: [path, ...words.slice(1)] }];
  });
}

/** The files of one release, served under /download/v1.2.3/ to whoever asks. */
export class Release implements AsyncDisposable {
  readonly files = new Map<string, Uint8Array<ArrayBuffer> | string>();
  readonly requests: string[] = [];
  readonly script: string;
  readonly #server: Bun.Server<undefined>;

  constructor() {
    const archive = packed(STAND_IN);
    const sum = createHash("sha256").update(archive).digest("hex");
    const sums = Object.fromEntries(TARGETS.map(({ name }) => [name, sum]));
    this.script = installScripts(VERSION, sums).sh;
    const folder = `/download/v${VERSION}`;
    for (const { name } of TARGETS) this.files.set(`${folder}/mcpd-${name}.tar.gz`, archive);
    this.files.set(`${folder}/install.sh`, this.script);
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: ({ url }) => {
        const { pathname } = new URL(url);
        this.requests.push(pathname);
        const file = this.files.get(pathname);
        return file === undefined ? new Response("none", { status: 404 }) : new Response(file);
      },
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
  }
}

/** A tar.gz with the one file `mcpd` in it. */
function packed(program: string): Uint8Array<ArrayBuffer> {
  using directory = new TemporaryDirectory();
  writeFileSync(directory.file("mcpd"), program, { mode: 0o755 });
  // Names without folders: some tars take the C: of a path for a machine.
  const tar = Bun.spawnSync(["tar", "-czf", "archive", "mcpd"], { cwd: directory.path });
  if (!tar.success) throw new Error(`Cannot make an archive: ${tar.stderr.toString()}`);
  return new Uint8Array(readFileSync(directory.file("archive")));
}

export type Ran = { readonly exitCode: number; readonly stdout: string; readonly stderr: string };

/** The home of one user with a PATH and a directory for temporary files of their own. */
export class Machine implements Disposable {
  readonly directory = new TemporaryDirectory();
  readonly home: string;
  readonly bin: string = this.directory.file("bin");
  readonly temporary: string = this.directory.file("tmp");
  readonly #shell: Shell;

  constructor(shell: Shell, home = "home") {
    this.#shell = shell;
    this.home = this.directory.file(home);
    for (const folder of [this.home, this.bin, this.temporary]) mkdirSync(folder);
    const busybox = shell.name === "busybox" ? (shell.words[0] ?? null) : null;
    const applets = busybox === null ? [] : appletsOf(busybox);
    for (const tool of TOOLS) {
      const path = applets.includes(tool) ? busybox : Bun.which(tool);
      if (path !== null) symlinkSync(path, join(this.bin, tool));
    }
  }

  /** Puts a shell script in the place of a tool; a body of null takes the tool away. */
  fake(tool: string, body: string | null): this {
    const path = join(this.bin, tool);
    Bun.spawnSync(["rm", "-f", path]);
    if (body !== null) {
      writeFileSync(path, `#!/bin/sh\n${body}\n`);
      chmodSync(path, 0o755);
    }
    return this;
  }

  /** Runs a script as `curl | sh -s -- WORDS` does, without a terminal. */
  async run(
    script: string,
    words: readonly string[],
    environment: { readonly [name: string]: string | undefined },
  ): Promise<Ran> {
    const child = Bun.spawn([...this.#shell.words, "-s", "--", ...words], {
      cwd: this.home,
      env: {
        PATH: this.bin,
        HOME: this.home,
        TMPDIR: this.temporary,
        MCPD_ALLOW_ROOT: "1",
        ...environment,
      },
      stdin: new Blob([script]),
      stdout: "pipe",
      stderr: "pipe",
      detached: true,
    });
    const [stdout, stderr, exitCode] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { exitCode, stdout, stderr };
  }

  /** The words mcpd was run with; null when it was not. */
  words(): readonly string[] | null {
    const text = this.#read("words");
    return text === null ? null : text.split("\n").slice(0, -1);
  }

  /** What mcpd found on its standard input. */
  input(): string | null {
    return this.#read("input");
  }

  /** Files of ours in the home and among the temporary ones. */
  leftovers(): readonly string[] {
    return [this.home, this.temporary].flatMap((folder) => readdirSync(folder));
  }

  [Symbol.dispose](): void {
    this.directory[Symbol.dispose]();
  }

  #read(name: string): string | null {
    try {
      return readFileSync(join(this.home, name), "utf8");
    } catch {
      return null;
    }
  }
}

function appletsOf(busybox: string): readonly string[] {
  return Bun.spawnSync([busybox, "--list"]).stdout.toString().split("\n");
}
