import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * A fresh directory with a short path (a Unix socket has room for 100 bytes), gone with its scope.
 */
export class TemporaryDirectory implements Disposable {
  readonly path: string;

  constructor() {
    const base = process.platform === "win32" ? tmpdir() : "/tmp";
    this.path = realpathSync(mkdtempSync(join(base, "mcpd-")));
  }

  file(...parts: readonly string[]): string {
    return join(this.path, ...parts);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true, maxRetries: 5 });
  }
}
