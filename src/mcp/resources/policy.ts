import { policyOf } from '../policy.ts';
import { defineResource } from './define-resource.ts';

export const policy = defineResource({
  name: 'policy',
  title: 'What this server may do',
  description: 'In words and as data: what is allowed, who has to say yes, what can be undone, what no tool does',
  constant: true,
  read: async ({ api, settings, offered }) => policyOf(api.provider, settings, offered),
});
