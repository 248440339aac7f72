import { hintOf, isFault } from "../core/fault.ts";
import { isLoopback } from "../lib/address.ts";
import { commandIn, type Finding } from "./finding.ts";
import type { Check, Scene } from "./scene.ts";

/** The file, what it warns of, and whether the daemon runs by it. */
export const configCheck: Check = {
  title: "config",
  limitMs: 5_000,
  run: (scene) => [...ofFile(scene), ...ofMeaning(scene), ...ofDaemon(scene)],
};

function ofFile({ config }: Scene): readonly Finding[] {
  const { loaded, path } = config;
  const about = { subject: path, fix: null };
  if (!isFault(loaded)) {
    // Rights are looked at elsewhere, with a fix.
    const warnings = loaded.warnings.filter((one) => one.about !== "rights");
    return warnings.map(({ line, column, text }): Finding => {
      const place = line > 0 ? `${path}:${line}:${column}` : path;
      const why = `mcpd runs all the same: ${place}`;
      return {
        ...about,
        name: "config.warning",
        severity: "warning",
        what: text,
        why,
        mend: "mcpd config edit",
      };
    });
  }
  if (loaded.data?.["missing"] === true) {
    const what = `There is no config yet: ${path}`;
    const why = "mcpd runs with its defaults, and without upstreams";
    return [{ ...about, name: "config.missing", severity: "info", what, why, mend: "mcpd setup" }];
  }
  const why = `The last good config stays in force, and changes have no effect. ${hintOf(loaded)}`;
  return [
    {
      ...about,
      name: loaded.code,
      severity: "error",
      what: loaded.text,
      why,
      mend: "mcpd config edit",
    },
  ];
}

/** What is allowed, and opens more than most people want. */
function ofMeaning({ config, status }: Scene): readonly Finding[] {
  const { host, auth } = config.revision.daemon;
  // A daemon says it itself.
  if (status !== null) return [];
  const about = { severity: "warning", mend: "mcpd config edit", fix: null } as const;
  const exposed: Finding = {
    ...about,
    name: "daemon.exposed",
    subject: "daemon.host",
    what: `The daemon will listen on ${host}, which others can reach`,
    why: "Who has the key can use your servers from there; there is no TLS",
  };
  const open: Finding = {
    ...about,
    name: "gate.open",
    subject: "daemon.auth",
    what: "Requests will need no API key",
    why: "Every program on this machine can use your servers",
  };
  return [...(isLoopback(host) ? [] : [exposed]), ...(auth === "none" ? [open] : [])];
}

/** The daemon by another file, or by another text of it. */
function ofDaemon({ config, status, bootstrap }: Scene): readonly Finding[] {
  const running = status?.config.path ?? bootstrap?.config.path ?? null;
  if (running !== null && running !== config.path) {
    const what = `The daemon runs by another config: ${running}`;
    const why = `This terminal means ${config.path}, by --config or MCPD_CONFIG`;
    const mend = "mcpd daemon install";
    return [
      {
        name: "config.other",
        subject: config.path,
        severity: "warning",
        what,
        why,
        mend,
        fix: null,
      },
    ];
  }
  const refused = status?.conditions.find(({ name }) => name === "config.invalid") ?? null;
  // It is told above when the file is still wrong.
  if (refused === null || isFault(config.loaded)) return [];
  const why = `The file is right by now. ${refused.hint}`;
  const mend = commandIn(refused.hint) || "mcpd restart";
  return [
    {
      name: "config.not-applied",
      subject: config.path,
      severity: "warning",
      what: refused.text,
      why,
      mend,
      fix: null,
    },
  ];
}
