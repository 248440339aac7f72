/**
 * `bun scripts/serve-release.ts FOLDER [PORT]` serves the files of one release to this machine,
 * under the paths that the install scripts and `mcpd upgrade` ask for, until it is ended. Point
 * them here with MCPD_DOWNLOAD_URL=http://127.0.0.1:PORT.
 */
import { basename, join } from "node:path";

/** /latest/download/FILE and /download/vVERSION/FILE, whatever the version. */
const PATH = /^\/(?:latest\/download|download\/v[\w.+-]+)\/([\w.-]+)$/;

export function serveRelease(folder: string, port: number): Bun.Server<undefined> {
  return Bun.serve({
    hostname: "127.0.0.1",
    port,
    async fetch({ url }) {
      const name = PATH.exec(new URL(url).pathname)?.[1];
      const file = Bun.file(join(folder, basename(name ?? "none")));
      return (await file.exists()) ? new Response(file) : new Response("none", { status: 404 });
    },
  });
}

if (import.meta.main) {
  const [folder, port = "0"] = process.argv.slice(2);
  if (folder === undefined) {
    console.error("Name the folder: bun scripts/serve-release.ts dist/release [PORT]");
    process.exit(2);
  }
  console.log(`http://127.0.0.1:${serveRelease(folder, Number(port)).port}`);
}
