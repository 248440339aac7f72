/**
 * The floor of a whole process: says hello; with a URL, it makes one echo call there and prints the
 * answer, which is the least that `mcpd call` can cost.
 */
const url = process.argv[2];

if (url === undefined) {
  console.log("hello");
} else {
  const params = { name: "echo", arguments: { text: "hello" } };
  const answer = await fetch(url, {
    method: "POST",
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params }),
  });
  console.log(await answer.text());
}
