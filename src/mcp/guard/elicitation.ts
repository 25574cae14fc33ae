import {
  type InputRequiredResult,
  inputRequired,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { Plan } from '../../contract/plans.ts';
import { clientCapabilities } from '../client-capabilities.ts';
import { timeInWords } from '../sizes-and-times.ts';
import { planInWords } from './plan-words.ts';

const Capabilities = z.looseObject({ elicitation: z.record(z.string(), z.unknown()).optional() });

/** Whether the client can show a person a form. */
export function canElicit(ctx: ServerContext, server: McpServer): boolean {
  const elicitation = Capabilities.safeParse(clientCapabilities(ctx, server)).data?.elicitation;
  // A bare `elicitation: {}` means forms; `{url: {}}` alone does not.
  return elicitation !== undefined && ('form' in elicitation || Object.keys(elicitation).length === 0);
}

/** Which plan an answer is for, and the proof that we asked: kept by the client, checked against the store. */
export interface AskState {
  plan: string;
  nonce: string;
  /** When the call that asked came: "2 hours ago" means the same in the one that answers. A false one finds no plan. */
  asked?: number | undefined;
}

const AskStateText = z.strictObject({
  plan: z.string().max(100),
  nonce: z.string().max(200),
  asked: z.int().min(0).max(8.64e15).optional(),
});

/** Our own state as it came back; undefined when there is none or it is not ours. */
export function readAskState(ctx: ServerContext): AskState | undefined {
  const text: unknown = ctx.mcpReq.requestState();
  if (typeof text !== 'string' || text.length > 1000) return undefined;
  try {
    return AskStateText.safeParse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

export const answerKey = 'confirm';
export const typedField = 'typed_id';

/** Named in every plan, because some hosts answer forms by themselves; there a person can still look at the plan elsewhere. */
function otherWay({ code, expires_at }: Plan): string {
  return `Plan ${code}, valid until ${timeInWords(expires_at)}. It can also be seen, approved or declined at a terminal: skybackup approve ${code}`;
}

/** The question to the person: the whole plan, and one field for the target's id. */
export function askForm(plan: Plan, nonce: string, now: Date): InputRequiredResult {
  const { confirm_id } = plan.facts;
  const state: AskState = { plan: plan.id, nonce, asked: now.getTime() };
  return inputRequired({
    inputRequests: {
      [answerKey]: inputRequired.elicit({
        message: `${planInWords(plan)}\n${otherWay(plan)}`,
        requestedSchema: {
          type: 'object',
          properties: {
            [typedField]: {
              type: 'string',
              title: `Type ${confirm_id} to confirm`,
              description: `Anything but ${confirm_id}, or declining, changes nothing.`,
              maxLength: 300,
            },
          },
          required: [typedField],
        },
      }),
    },
    requestState: Buffer.from(JSON.stringify(state)).toString('base64url'),
  });
}
