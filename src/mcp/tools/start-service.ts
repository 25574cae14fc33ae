import { z } from 'zod';
import { defineTool } from '../define-tool.ts';
import { findService, serviceLabel } from '../find/service.ts';

export const startService = defineTool({
  name: 'start_service',
  operation: 'write',
  idempotent: true,
  title: 'Start a stopped service',
  description:
    'Starts a stopped service, as is often needed after a restore in the SkySQL cloud. Ask first when the person may have stopped it on purpose. Returns once the request is accepted; list_services shows when it is ready.',
  input: z.strictObject({ service: z.string().max(300).describe('Id, unique name or FQDN') }),
  output: { service_id: z.string().optional(), status: z.string().optional() },
  exact: async ({ service }, { api, signal }) => findService(api, service, signal),
  async run(service, { api, signal }) {
    const label = serviceLabel(service);
    if (service.status === 'ready') {
      return { text: [`${label} runs already.`], data: { service_id: service.id, status: service.status } };
    }
    await api.setPower(service.id, true, { signal });
    return {
      text: [`${label} is being started (it was ${service.status}).`],
      data: { service_id: service.id, status: 'starting' },
      next: `Call list_services with service "${service.id}" until its status is ready.`,
    };
  },
});
