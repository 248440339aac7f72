import { userInfo } from "node:os";

import type { Environment, Platform } from "./platform.ts";
import type { ServiceHost, ServiceManager } from "./service.ts";

/**
 * The service manager of the system we run on. It asks the system a question or two, so it is for
 * the commands that need one.
 */
export async function pickService(
  platform: Platform,
  environment: Environment,
  host: ServiceHost,
): Promise<ServiceManager> {
  const { user, paths, name } = platform;
  const { templatesDir, stateDir } = paths;
  if (name === "windows") {
    const { TaskScheduler } = await import("./task-scheduler.ts");
    const { systemDir } = await import("./windows-tools.ts");
    const system = systemDir(environment);
    return await TaskScheduler.create({ ...host, systemDir: system, stateDir, templatesDir });
  }
  const { uid } = userInfo();
  if (name === "darwin") {
    const { Launchd } = await import("./launchd.ts");
    return new Launchd({ ...host, environment, templatesDir, user: { home: user.home, uid } });
  }
  const { Systemd } = await import("./systemd.ts");
  const { canNotify } = await import("./notify.ts");
  return await Systemd.create({
    ...host,
    environment,
    user: { name: user.name, home: user.home, uid },
    templatesDir,
    startType: (await canNotify()) ? "notify" : "exec",
  });
}

/** What the manager of this system reads when the user has no template of that name. */
export async function builtInTemplate(
  platform: Platform,
): Promise<{ readonly name: string; readonly text: string }> {
  switch (platform.name) {
    case "windows": {
      const { TASK_TEMPLATE, TASK_TEMPLATE_NAME } = await import("./task-xml.ts");
      return { name: TASK_TEMPLATE_NAME, text: TASK_TEMPLATE };
    }
    case "darwin": {
      const { PLIST_TEMPLATE, PLIST_TEMPLATE_NAME } = await import("./launchd-plist.ts");
      return { name: PLIST_TEMPLATE_NAME, text: PLIST_TEMPLATE };
    }
    case "linux": {
      const { UNIT_TEMPLATE, UNIT_TEMPLATE_NAME } = await import("./systemd-unit.ts");
      return { name: UNIT_TEMPLATE_NAME, text: UNIT_TEMPLATE };
    }
  }
}
