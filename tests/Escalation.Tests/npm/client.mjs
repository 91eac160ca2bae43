// The official npm client, unchanged, against a running server: node client.mjs <base url> <key> <file with a data URI>
import { readFileSync } from "node:fs";
import OpenAI from "openai";

const [baseURL, apiKey, picture] = process.argv.slice(2);
const url = readFileSync(picture, "utf8");
const ask = (extra = {}) => ({
  model: "scripted",
  messages: [{ role: "user", content: [{ type: "text", text: "Decode: q x" }, { type: "image_url", image_url: { url } }] }],
  ...extra,
});
const failure = async (action) => {
  try {
    await action();
    return null;
  } catch (e) {
    return { kind: e.constructor.name, status: e.status, code: e.code, param: e.param };
  }
};

const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const whole = await client.chat.completions.create(ask({ logprobs: true, top_logprobs: 2 }));
let streamed = "";
let finish = null;
let usage = null;
for await (const chunk of await client.chat.completions.create(ask({ stream: true, stream_options: { include_usage: true } }))) {
  streamed += chunk.choices[0]?.delta?.content ?? "";
  finish = chunk.choices[0]?.finish_reason ?? finish;
  usage = chunk.usage ?? usage;
}
const models = [];
for await (const model of client.models.list()) models.push(model.id);

console.log(JSON.stringify({
  content: whole.choices[0].message.content,
  finish: whole.choices[0].finish_reason,
  alternatives: whole.choices[0].logprobs.content[0].top_logprobs.length,
  streamed,
  streamFinish: finish,
  total: usage.total_tokens === whole.usage.total_tokens,
  models,
  wrongModel: await failure(() => client.chat.completions.create(ask({ model: "other" }))),
  wrongParameter: await failure(() => client.chat.completions.create(ask({ temperature: 9 }))),
  wrongKey: await failure(() => new OpenAI({ baseURL, apiKey: "wrong", maxRetries: 0 }).chat.completions.create(ask())),
}));
