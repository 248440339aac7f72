import { describe, expect, test } from "bun:test";

import { WsClientLink } from "../../src/transport/ws-client.ts";
import { SocketServer } from "../fixtures/servers/remote-socket.ts";
import { occupyPort } from "../helpers/port.ts";
import { waitFor } from "../helpers/wait.ts";
import { RemoteScene } from "./remote-scene.ts";

function linkTo(url: string): RemoteScene {
  return new RemoteScene((...words) => new WsClientLink(...words), url, {
    wire: "ws",
    headers: { authorization: "Bearer abc" },
    answerBytesMax: 1_000,
  });
}

describe("WsClientLink", () => {
  test("speaks the subprotocol mcp, and sends what was given before it was open", async () => {
    using server = new SocketServer();
    await using link = linkTo(server.url);
    expect(await link.initialize()).toHaveProperty("result.serverInfo.name", "socket");
    expect(await link.call("anything")).toBe("done");
    expect(server.seen).toEqual([{ protocol: "mcp", authorization: "Bearer abc" }]);
  });

  test("passes over what is no message, or too long", async () => {
    using server = new SocketServer();
    await using link = linkTo(server.url);
    await link.initialize();
    for (const method of ["bytes", "words", "long"]) link.notify(method);
    await waitFor("the noises", () => link.noises.length === 3);
    expect(link.noises).toEqual(["a frame that is no text", "hello", expect.any(String)]);
    expect(link.cuts).toEqual([{ head: expect.stringMatching(/^\{.{100,}/), bytesMax: 1_000 }]);
    expect(await link.call("anything")).toBe("done");
  });

  test.each(["close", "cut"])("ends when the server ends it (%s)", async (how) => {
    using server = new SocketServer();
    await using link = linkTo(server.url);
    await link.initialize();
    link.notify(how);
    const { code, text } = await link.closed();
    expect(code).toBe("upstream.unreachable");
    expect(text).toContain(how === "close" ? "(4000 enough)" : "it closed the connection");
    expect(link.link.send("{}")).toBe(false);
  });

  test("says why there is no connection", async () => {
    const { port, [Symbol.dispose]: free } = occupyPort();
    free();
    await using refused = linkTo(`ws://127.0.0.1:${port}/`);
    expect((await refused.closed()).text).toContain("the connection was refused");
    using locked = new SocketServer(401);
    await using unauthorized = linkTo(locked.url);
    expect(await unauthorized.closed()).toMatchObject({ code: "upstream.unauthorized" });
    using absent = new SocketServer(404);
    await using lost = linkTo(absent.url);
    expect((await lost.closed()).text).toContain("it answered HTTP 404");
  });
});
