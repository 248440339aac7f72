const VERSION_TEXT = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;

/** True for what a release is called: "0.2.0", "1.0.0-rc.1". */
export function isVersion(text: string): boolean {
  return VERSION_TEXT.test(text);
}

/** Negative when `one` is older than `other`, 0 when neither is, by the rules of semver. */
export function compareVersions(one: string, other: string): number {
  return isVersion(one) && isVersion(other) ? Bun.semver.order(one, other) : 0;
}
