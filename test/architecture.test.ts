import { describe, expect, test } from "bun:test";

import { codeOf, type Import, type Source, sourcesIn } from "./helpers/sources.ts";

/** What a room may import: other rooms, and packages. Its own files are always allowed. */
type Room = {
  readonly rooms: readonly string[];
  /** Packages and "node:" modules: "*" for any. */
  readonly packages: readonly string[];
};

const MIDDLE = ["config", "control", "supervise", "transport", "platform", "install", "clients"];
const PROGRAM: Room = { rooms: [...MIDDLE, "core", "lib", "version"], packages: ["*"] };
const MIDDLE_ROOM: Room = { rooms: ["core", "lib", "version"], packages: ["*"] };

/**
 * The table of .github/ARCHITECTURE.md. Roles never import each other; the command line starts
 * them.
 */
const ROOMS: { readonly [room: string]: Room } = {
  main: { rooms: ["cli"], packages: [] },
  cli: { ...PROGRAM, rooms: [...PROGRAM.rooms, "server", "bootstrap", "bridge", "doctor"] },
  // A program like the others: its checks look at what all the middle rooms know.
  doctor: PROGRAM,
  bootstrap: PROGRAM,
  server: PROGRAM,
  // Started once per client: no library, no schema of the config, no process.
  bridge: { rooms: ["control", "transport", "core", "lib"], packages: [] },
  // Installed into other people's programs, on Node too.
  library: { rooms: ["control", "platform", "core", "lib"], packages: ["node:*"] },
  ...Object.fromEntries(MIDDLE.map((room) => [room, MIDDLE_ROOM])),
  core: { rooms: [], packages: [] },
  lib: { rooms: [], packages: ["node:*", "bun:*"] },
  version: { rooms: [], packages: [] },
};

/** Imports that break the table for a reason. */
const EXEMPT: { readonly [edge: string]: string } = {
  "src/clients/formats/json.ts -> src/config/edit.ts":
    "one editor of JSON with comments, which is a function of a text",
};

const sources = sourcesIn("src");

/** "core" of src/core/fault.ts, "main" of src/main.ts. */
function roomOf(path: string): string {
  return path.split("/")[1]?.replace(/\.ts$/, "") ?? "";
}

function allowed(source: Source, { target, lazy }: Import): boolean {
  const from = roomOf(source.path);
  const room = ROOMS[from];
  if (room === undefined) return false;
  if (`${source.path} -> ${target}` in EXEMPT) return true;
  if (!target.startsWith("src/")) {
    return room.packages.some((pattern) => new Bun.Glob(pattern.replace("*", "**")).match(target));
  }
  const to = roomOf(target);
  if (to === from) return true;
  // The command line starts a role, so it alone may name one, and only when it is asked to.
  const role = to === "server" || to === "bootstrap";
  return room.rooms.includes(to) && (lazy || !role);
}

function sentence(source: Source, { target }: Import): string {
  const from = roomOf(source.path);
  const room = ROOMS[from];
  if (room === undefined) return `${source.path}: "${from}" is no room of the table`;
  const rooms = [from, ...room.rooms].join(", ");
  return `${source.path} may not import ${target}: ${from} imports ${rooms} only`;
}

/** Words that only some places may use, each with its reason. */
type Absence = {
  readonly what: RegExp;
  readonly where: readonly RegExp[];
  readonly why: string;
};

const ABSENCES: readonly Absence[] = [
  {
    what: /process\.platform|os\.platform\(/,
    where: [/^src\/platform\//],
    why: "what differs between systems lives in platform/",
  },
  {
    what: /Bun\.spawn|node:child_process/,
    where: [
      /^src\/supervise\//,
      /^src\/platform\//,
      // `mcpd config edit` starts the user's editor on the user's terminal.
      /^src\/cli\/commands\/config-edit\.ts$/,
      // `mcpd gateway` starts the user's client on the user's terminal.
      /^src\/cli\/gateway\.ts$/,
      // Runs on Node as well: it starts mcpd itself, which then starts upstreams.
      /^src\/library\/direct\.ts$/,
    ],
    why: "only supervise/ starts upstreams, only platform/ asks the system's tools",
  },
  {
    what: /\b(Date\.now|setTimeout|setInterval|performance\.now|Bun\.sleep|Bun\.nanoseconds)\b/,
    where: [/^src\/lib\/clock\.ts$/],
    why: "time comes in as a Clock, so that a test can bring its own",
  },
  {
    what: /\bprocess\.env\b/,
    // The library has the environment of a program that is not ours.
    where: [/^src\/cli\//, /^src\/library\/reach\.ts$/],
    why: "the environment is read once, by the command line, and handed on",
  },
  {
    what: /\bconsole\.|\bprocess\.(stdout|stderr)\b/,
    where: [
      /^src\/cli\//,
      /^src\/transport\/stdio-/,
      // "process" there is the child's own handle.
      /^src\/supervise\/child\.ts$/,
    ],
    why: "people are spoken to by cli/output.ts, everybody else has a Log",
  },
  {
    what: /\bprocess\.exit\(/,
    where: [/^src\/main\.ts$/, /^src\/cli\//],
    why: "a program ends by composition, not from the middle of a room",
  },
  {
    what: /\b(EventEmitter|EventTarget)\b/,
    where: [],
    why: "rooms call each other through typed interfaces",
  },
  {
    what: /\bBun\.(listen|connect|serve)\b|node:net|\bnew WebSocket\b/,
    where: [/^src\/transport\//, /^src\/server\/http\.ts$/, /^src\/control\/wire\.ts$/],
    why: "only transport/ touches a wire; the HTTP doors share one listener",
  },
  {
    what: /\b(Bun|node:|process|Date|console|performance|crypto|setTimeout|Math\.random|fetch)\b/,
    where: [/^src\/(?!core\/)/],
    why: "core is pure: messages in, messages and effects out",
  },
  {
    what: /mcpd\.config\.json/,
    where: [/^src\/config\//, /^src\/platform\//, /^src\/cli\//],
    why: "only config/ knows the file, everybody else holds a Revision",
  },
];

describe("the rooms", () => {
  test("every file stands in a room of the table", () => {
    const strangers = sources.map(({ path }) => path).filter((path) => !(roomOf(path) in ROOMS));
    expect(strangers).toEqual([]);
  });

  test("no room imports what the table does not allow it", () => {
    const broken = sources.flatMap((source) =>
      source.imports
        .filter((found) => !allowed(source, found))
        .map((found) => sentence(source, found)),
    );
    expect(broken).toEqual([]);
  });

  test("the core names no library, not even for a type", () => {
    const broken = sources
      .filter(({ path }) => roomOf(path) === "core")
      .flatMap(({ path, text }) =>
        [...text.matchAll(/from "([^"]+)"/g)]
          .map((match) => match[1] ?? "")
          .filter((target) => !/^\.\/[^/]+\.ts$/.test(target))
          .map((target) => `${path} names ${target}`),
      );
    expect(broken).toEqual([]);
  });

  test("every exemption is still needed", () => {
    const edges = sources.flatMap(({ path, imports }) =>
      imports.map(({ target }) => `${path} -> ${target}`),
    );
    expect(Object.keys(EXEMPT).filter((edge) => !edges.includes(edge))).toEqual([]);
  });
});

describe("what is absent", () => {
  test.each(ABSENCES.map((rule) => [rule.why, rule] as const))("%s", (_why, rule) => {
    const broken = sources
      .filter(({ path }) => !rule.where.some((place) => place.test(path)))
      .flatMap((source) => {
        const found = rule.what.exec(codeOf(source))?.[0];
        return found === undefined ? [] : [`${source.path} uses ${found}: ${rule.why}`];
      });
    expect(broken).toEqual([]);
  });
});
