declare const MCPD_VERSION: string | undefined;
declare const MCPD_COMMIT: string | undefined;

/** Stamped by build/compile.ts; "0.0.0-dev" when run from source. */
export const VERSION: string = typeof MCPD_VERSION === "string" ? MCPD_VERSION : "0.0.0-dev";

/** Short commit the binary was built from, or "source". */
export const COMMIT: string = typeof MCPD_COMMIT === "string" ? MCPD_COMMIT : "source";
