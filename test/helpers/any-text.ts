import fc from "fast-check";

/** Any character, halves of one too; fast-check's own "binary" takes a second to be made. */
export const anyCharacter = fc.nat(0x10ffff).map((code) => String.fromCodePoint(code));
