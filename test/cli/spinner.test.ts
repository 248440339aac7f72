import { expect, test } from "bun:test";
import { join } from "node:path";

const SPINNER = join(import.meta.dir, "../../src/cli/spinner.ts");

/** What a spinner writes to standard error while its clock rings `rings` times. */
async function written(
  mode: string,
  rings: number,
  again = false,
  text = "Calling x",
): Promise<string> {
  const script = `
    import { Spinner } from ${JSON.stringify(SPINNER)};
    let ring = () => {};
    const set = (_, action) => { ring = action; return { cancel() { ring = () => {}; } }; };
    const clock = { after: set, every: set };
    const spinner = new Spinner(${JSON.stringify(text)}, ${JSON.stringify(mode)}, clock);
    for (let count = 0; count < ${rings}; count++) {
      ring();
      spinner.update("Calling x " + (count + 1));
    }
    spinner.stop();
    ring();
    if (${again}) spinner.start();
    ring();
    spinner.stop();`;
  const child = Bun.spawn([process.execPath, "-e", script], { stderr: "pipe" });
  const said = await new Response(child.stderr).text();
  expect(await child.exited).toBe(0);
  return said;
}

test("Spinner says nothing about what is done soon", async () => {
  expect(await written("animated", 0)).toBe("");
  expect(await written("plain", 0)).toBe("");
});

test("Spinner moves on a terminal, shows news, and leaves no trace", async () => {
  const clear = "\r\u001b[K";
  expect(await written("animated", 2)).toBe(`${clear}⠋ Calling x${clear}⠙ Calling x 1${clear}`);
});

test("Spinner writes one line elsewhere, and nothing when silent", async () => {
  expect(await written("plain", 1)).toBe("Calling x ...\n");
  expect(await written("silent", 1)).toBe("");
});

test("Spinner makes one line of its text, which steers nothing", async () => {
  expect(await written("plain", 1, false, "a\n\u001b[2Jb")).toBe("a \\e[2Jb ...\n");
});

test("Spinner starts again after it was stopped, as patient as before", async () => {
  const clear = "\r\u001b[K";
  expect(await written("animated", 0, true)).toBe(`${clear}⠋ Calling x${clear}`);
});
