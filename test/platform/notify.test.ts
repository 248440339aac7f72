import { expect, test } from "bun:test";

import { canNotify, notifier, socketAddress, watchdogMs } from "../../src/platform/notify.ts";
import { linuxTest } from "../helpers/posix.ts";

test("nobody is told anything where no manager listens", async () => {
  expect(await notifier({})).toBeNull();
  expect(await notifier({ NOTIFY_SOCKET: "relative" })).toBeNull();
});

linuxTest("a program without the C library's functions says so", async () => {
  expect(await canNotify()).toBe(true);
  expect(await canNotify(["no-such-library.so"])).toBe(false);
});

test("the address of a socket is its path with an end, or a name without a file", () => {
  expect([...socketAddress("/a").subarray(2)]).toEqual([47, 97, 0]);
  expect([...socketAddress("@a").subarray(2)]).toEqual([0, 97]);
});

test("the watchdog is for the process that it names", () => {
  expect(watchdogMs({}, 7)).toBeNull();
  expect(watchdogMs({ WATCHDOG_USEC: "60000000" }, 7)).toBe(60_000);
  expect(watchdogMs({ WATCHDOG_USEC: "60000000", WATCHDOG_PID: "7" }, 7)).toBe(60_000);
  expect(watchdogMs({ WATCHDOG_USEC: "60000000", WATCHDOG_PID: "8" }, 7)).toBeNull();
});
