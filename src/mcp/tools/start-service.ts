import { z } from 'zod';
import { defineTool } from '../define-tool.ts';
import { findService, serviceLabel } from '../find/service.ts';

export const startService = defineTool({
  name: 'start_service',
  operation: 'write',
  idempotent: true,
  title: 'Start a stopped service',
  description:
    'Starts a stopped service. Ask first if a person may have stopped it on purpose. list_services tells when it is ready.',
  descriptionOf: { cloud: 'Often needed after a restore.' },
  input: z.strictObject({ service: z.string().max(300) }),
  output: { service_id: 'string', status: 'string' },
  async exact({ service }, { api, signal }) {
    const found = await findService(api, service, signal);
    return { service_id: found.id, label: serviceLabel(found), status: found.status };
  },
  async run({ service_id, label, status }, { api, signal }) {
    if (status === 'ready') return { text: [`${label} runs already: it is ${status}.`], data: { service_id, status } };
    await api.setPower(service_id, true, { signal });
    return {
      text: [`${label} is starting (it was ${status}).`],
      data: { service_id, status: 'starting' },
      next: `Call list_services with service "${service_id}" until its status is ready.`,
    };
  },
});
