/**
 * Text of exactly `count` characters that both ends of the bench can make: lines of 80 with quotes
 * and line ends in them, so that its JSON form differs from it as that of real results does.
 */
export function payloadOf(count: number): string {
  const sentence = 'The quick brown fox says "hello" and jumps over 13 lazy dogs';
  const full = `${sentence.padEnd(79, ".")}\n`;
  return full.repeat(Math.ceil(count / full.length)).slice(0, count);
}
