import { request } from 'undici';
import { z } from 'zod';
import type { Adapter, Message, ModelRequest } from './model.ts';

/**
 * An example adapter: any server that answers `POST <url>/chat/completions` as OpenAI's does. Configured by EVAL_MODEL_URL
 * (up to and with `/v1`), EVAL_MODEL_NAME, and EVAL_MODEL_KEY where one is wanted.
 */
export function createAdapter(env: NodeJS.ProcessEnv = process.env): Adapter {
  const { EVAL_MODEL_URL: url, EVAL_MODEL_NAME: model, EVAL_MODEL_KEY: key } = env;
  if (!url || !model)
    throw new Error('Set EVAL_MODEL_URL and EVAL_MODEL_NAME, and EVAL_MODEL_KEY where one is wanted.');
  return async (asked) => {
    const response = await request(`${url.replace(/\/$/, '')}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) },
      body: JSON.stringify({ model, ...bodyOf(asked) }),
      headersTimeout: 300_000,
      bodyTimeout: 300_000,
    });
    const text = await response.body.text();
    if (response.statusCode !== 200)
      throw new Error(`the model answered ${response.statusCode}: ${text.slice(0, 300)}`);
    const [choice] = Completion.parse(JSON.parse(text)).choices;
    return {
      text: choice?.message.content ?? '',
      calls: (choice?.message.tool_calls ?? []).map(({ id, function: { name, arguments: args } }) => ({
        id,
        name,
        arguments: Arguments.parse(JSON.parse(args || '{}')),
      })),
    };
  };
}

const Arguments = z.record(z.string(), z.unknown());
const Completion = z.looseObject({
  choices: z
    .array(
      z.looseObject({
        message: z.looseObject({
          content: z.string().nullish(),
          tool_calls: z
            .array(
              z.looseObject({ id: z.string(), function: z.looseObject({ name: z.string(), arguments: z.string() }) }),
            )
            .nullish(),
        }),
      }),
    )
    .min(1),
});

function bodyOf({ system, tools, messages }: ModelRequest): Record<string, unknown> {
  return {
    messages: [{ role: 'system', content: system }, ...messages.map(messageOf)],
    tools: tools.map(({ name, description, input_schema }) => ({
      type: 'function',
      function: { name, description, parameters: input_schema },
    })),
  };
}

function messageOf(message: Message): Record<string, unknown> {
  if (message.role === 'user') return { role: 'user', content: message.text };
  if (message.role === 'tool') return { role: 'tool', tool_call_id: message.call_id, content: message.text };
  const calls = message.calls.map(({ id, name, arguments: args }) => ({
    id,
    type: 'function',
    function: { name, arguments: JSON.stringify(args) },
  }));
  return { role: 'assistant', content: message.text, ...(calls.length > 0 && { tool_calls: calls }) };
}
